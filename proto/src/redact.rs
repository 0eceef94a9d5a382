//! `Debug` of the messages that may hold a user's secrets: sizes, never contents.

use std::fmt;

use crate::tfplugin6::{DynamicValue, RawState, read_state_bytes, write_state_bytes};

impl fmt::Debug for DynamicValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { msgpack, json } = self;
        write!(f, "DynamicValue {{ msgpack: {} bytes, json: {} bytes }}", msgpack.len(), json.len())
    }
}

impl fmt::Debug for RawState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { json, flatmap } = self;
        write!(f, "RawState {{ json: {} bytes, flatmap: {} entries }}", json.len(), flatmap.len())
    }
}

impl fmt::Debug for read_state_bytes::ResponseChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, total_length, range, diagnostics } = self;
        f.debug_struct("ResponseChunk")
            .field("bytes", &format_args!("{} bytes", bytes.len()))
            .field("total_length", total_length)
            .field("range", range)
            .field("diagnostics", diagnostics)
            .finish()
    }
}

impl fmt::Debug for write_state_bytes::RequestChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { meta, bytes, total_length, range } = self;
        f.debug_struct("RequestChunk")
            .field("meta", meta)
            .field("bytes", &format_args!("{} bytes", bytes.len()))
            .field("total_length", total_length)
            .field("range", range)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-secret";

    #[track_caller]
    fn check(message: impl fmt::Debug, expected: &str) {
        let shown = format!("{message:?}");
        assert!(!shown.contains(CANARY) && !format!("{message:#?}").contains(CANARY));
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn values_show_their_sizes_only() {
        check(
            DynamicValue { msgpack: CANARY.into(), json: CANARY.into() },
            "msgpack: 13 bytes, json: 13 bytes",
        );
    }

    #[test]
    fn states_show_their_sizes_only() {
        let flatmap = [(CANARY.to_owned(), CANARY.to_owned())].into();
        check(RawState { json: CANARY.into(), flatmap }, "json: 13 bytes, flatmap: 1 entries");
    }

    #[test]
    fn chunks_show_their_sizes_only() {
        let read = read_state_bytes::ResponseChunk { bytes: CANARY.into(), ..Default::default() };
        check(read, "bytes: 13 bytes");
        let write = write_state_bytes::RequestChunk { bytes: CANARY.into(), ..Default::default() };
        check(write, "bytes: 13 bytes");
    }
}
