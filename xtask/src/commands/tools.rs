//! `cargo xtask tools`

use std::process::ExitCode;

use anyhow::Result;
use xtask::cache::Cache;
use xtask::interrupt;
use xtask::tools::{self, Part};

/// Get the real parts that tests and the demo drive: dkron, several Terraforms, componentize-py, jco,
/// cargo-deny, wrk
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only show where each part comes from
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut missing = 0;
    for part in tools::all() {
        if !arguments.list
            && let Err(error) = part.obtain()
        {
            interrupt::check()?;
            eprintln!("{error:#}");
            missing += 1;
        }
        println!("{}", describe(&part));
    }
    println!("\ncache: {}", Cache::of_user()?.root().display());
    Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn describe(part: &Part) -> String {
    let place = match part.locate() {
        Ok(Some(found)) => format!("{:<24} {}", found.origin.to_string(), found.path.display()),
        Ok(None) => format!("{:<24} version {} is made when needed", "-", part.version),
        Err(error) => format!("{:<24} {error:#}", "unusable"),
    };
    format!("{:<20} {place}", part.name)
}
