//! Compiles `proto/*.proto` without `protoc` and keeps the descriptors for `tests/table.rs`.

#![allow(clippy::print_stdout, reason = "cargo reads the stdout of build scripts")]

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

/// The interfaces, each a file in `proto/`.
const FILES: [&str; 3] = ["tfplugin6.proto", "go_plugin.proto", "health.proto"];

/// Messages whose bytes may hold a user's secrets; `src/redact.rs` writes their `Debug`.
const REDACTED: [&str; 4] = [
    "tfplugin6.DynamicValue",
    "tfplugin6.RawState",
    "tfplugin6.ReadStateBytes.ResponseChunk",
    "tfplugin6.WriteStateBytes.RequestChunk",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".") // a value is a slice of the received message, not a copy
        .btree_map(".") // equal messages have equal bytes
        .skip_debug(REDACTED)
        .generate_default_stubs(false) // an RPC without an answer does not compile
        .compile_fds(descriptors)?;
    Ok(())
}
