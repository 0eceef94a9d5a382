//! Private data: what a resource keeps beside its state, unseen by users.
//!
//! Terraform stores the bytes unencrypted in the state file: no secrets belong here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Result};

/// Versioned private data of one resource instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Private {
    values: BTreeMap<String, serde_json::Value>,
}

/// As stored.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    values: BTreeMap<String, serde_json::Value>,
}

impl Private {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&serde_json::Value> {
        self.values.get(key)
    }

    /// Stores a value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) {
        self.values.insert(key.into(), value.into());
    }

    /// Removes a value.
    pub fn remove(&mut self, key: &str) {
        self.values.remove(key);
    }

    /// Reads stored bytes, together with the version in which they are written; no bytes are no data of `version`.
    ///
    /// # Errors
    /// When a newer provider wrote them, or they are damaged.
    pub(crate) fn decode(bytes: &[u8], version: u32) -> Result<(u32, Self)> {
        if bytes.is_empty() {
            return Ok((version, Self::default()));
        }
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| {
            Diagnostic::error(
                "Damaged private data",
                "The private data of this object in the state is not what a provider of this type writes. \
                 Restore the state from a backup, or remove the object with `terraform state rm` and import it again.",
            )
        })?;
        if envelope.version > version {
            let detail = format!(
                "The private data of this object has version {}, this provider knows versions up to {version}. \
                 Use the provider version that wrote it, or a newer one.",
                envelope.version
            );
            return Err(Diagnostic::error("Private data from a newer provider", detail).into());
        }
        Ok((envelope.version, Self { values: envelope.values }))
    }

    /// The bytes to store.
    pub(crate) fn encode(&self, version: u32) -> Vec<u8> {
        if self.values.is_empty() {
            return Vec::new();
        }
        // Strings and JSON values always serialise.
        serde_json::to_vec(&Envelope { version, values: self.values.clone() }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        let mut private = Private::default();
        private.set("list", vec![1, 2]);
        private.set("gone", true);
        private.remove("gone");
        let bytes = private.encode(3);
        insta::assert_snapshot!(String::from_utf8_lossy(&bytes), @r#"{"version":3,"values":{"list":[1,2]}}"#);
        assert_eq!(Private::decode(&bytes, 3), Ok((3, private.clone())));
        assert_eq!(Private::decode(&bytes, 4), Ok((3, private.clone())));
        assert_eq!(private.get("list").and_then(|list| list[1].as_i64()), Some(2));
        assert_eq!(private.get("gone"), None);
    }

    #[test]
    fn no_data_are_no_bytes() {
        assert_eq!(Private::default().encode(1), b"");
        assert_eq!(Private::decode(b"", 2), Ok((2, Private::default())));
    }

    #[test]
    fn data_of_a_newer_provider_are_refused() {
        let mut private = Private::default();
        private.set("secret", "canary");
        let findings = Private::decode(&private.encode(2), 1).unwrap_err();
        insta::assert_snapshot!(findings, @"error: Private data from a newer provider: The private data of this object has version 2, this provider knows versions up to 1. Use the provider version that wrote it, or a newer one.");
    }

    #[test]
    fn damaged_data_are_refused_and_not_shown() {
        let damaged: [&[u8]; 6] = [
            b"{",
            b"[]",
            b"\xff",
            b"\"canary\"",
            b"{\"version\":1}",
            b"{\"version\":-1,\"values\":{\"a\":\"canary\"}}",
        ];
        for bytes in damaged {
            let text = Private::decode(bytes, 1).unwrap_err().to_string();
            assert!(text.starts_with("error: Damaged private data") && !text.contains("canary"), "{text}");
        }
    }
}
