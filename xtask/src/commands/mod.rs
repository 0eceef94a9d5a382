//! One module a command: its arguments, and `run`.

pub(crate) mod bench;
pub(crate) mod demo;
pub(crate) mod dist;
pub(crate) mod docs;
pub(crate) mod test;
pub(crate) mod tools;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The cargo that runs us.
fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(repository());
    command
}

/// The root of the checkout.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}
