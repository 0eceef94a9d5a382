//! `cargo xtask …`: the project's own commands.
#![allow(clippy::print_stdout, reason = "commands for people: standard output is what they are for")]

mod commands;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use console::style;
use xtask::interrupt;

use commands::{bench, demo, dist, docs, test, tools};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Tools(tools::Arguments),
    Docs(docs::Arguments),
    Dist(dist::Arguments),
    Install(dist::InstallArguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(_) if interrupt::requested() => {
            eprintln!("interrupted; everything that was started is stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("{} {error:#}", style("error:").red().bold().for_stderr());
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    interrupt::install()?;
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Tools(arguments) => tools::run(&arguments),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Dist(arguments) => dist::run(&arguments),
        Command::Install(arguments) => dist::install(&arguments),
    }
}
