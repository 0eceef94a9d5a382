//! cargo-deny: licences, duplicates and sources of what we depend on.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Part, Recipe, perform};
use crate::progress::Task;

/// The cargo-deny that `cargo xtask test lint` runs: `KRONY_CARGO_DENY`, else built once.
pub fn cargo_deny() -> Part {
    Part {
        name: "cargo-deny",
        version: "0.20.2",
        variable: "KRONY_CARGO_DENY",
        program: None, // another version may not read our deny.toml
        recipe: Recipe {
            tool: "cargo-deny",
            file: "bin/cargo-deny",
            doing: "Building",
            usual: "about 5 minutes, once",
            needs: "access to crates.io",
            build,
        },
    }
}

fn build(part: &Part, folder: &Path, task: &mut Task) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut install = Command::new(cargo);
    install.args(["install", "--locked", "--version", part.version, "--root"]).arg(folder).arg("cargo-deny");
    // Its build must neither land in our target folder nor be seen as part of our workspace.
    install.env_remove("CARGO_TARGET_DIR").current_dir(folder);
    perform("cargo install", &mut install, task)
}
