//! `cargo xtask docs`

use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::process::{Group, Running};
use xtask::progress::Task;

use super::{cargo, test};

/// Write docs/ from the provider's schema
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail if docs/ is stale
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut task = Task::start(if arguments.check { "Checking docs/" } else { "Writing docs/" }, "");
    let mut command = cargo();
    // The provider's own test compares docs/ with its schema, and rewrites what is stale when told to.
    command.args(["test", "--locked", "--package", "provider", "--test", "docs"]);
    if !arguments.check {
        command.env("KRONY_UPDATE", "1");
    }
    let mut running = Running::start_merged("cargo test", &mut command, Group::Own)?;
    let status = running.wait_with(test::LIMIT, |output| task.note(&output.tail(1)))?;
    if !status.success() {
        bail!("docs/ does not match the schema:\n{}", running.output().stdout().trim_end());
    }
    task.done("");
    Ok(ExitCode::SUCCESS)
}
