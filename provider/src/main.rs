//! `terraform-provider-krony`: started by Terraform it is a plugin, started by a person a tool.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use provider::{
    export, hook_command,
    provider::{ADDRESS, KronyProvider},
};
use tfplugin::{process, service::Server};

/// Terraform provider for dkron: jobs as code.
///
/// Terraform starts this program itself; there is nothing to run by hand but what stands below.
#[derive(Parser)]
#[command(name = "terraform-provider-krony", version)]
struct Arguments {
    /// Serve one developer: prints TF_REATTACH_PROVIDERS and waits for Terraform, until Ctrl-C. Also `-debug`.
    #[arg(long)]
    debug: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Export(export::Arguments),
    Hook(hook_command::Arguments),
}

fn main() -> ExitCode {
    if process::is_launched_by_terraform() {
        return process::run(options(false), Server::new(KronyProvider::default()));
    }
    // Terraform's own providers take a single dash.
    let words = std::env::args_os().map(|word| if word == "-debug" { "--debug".into() } else { word });
    let arguments = Arguments::parse_from(words);
    match arguments.command {
        Some(Command::Export(arguments)) => export::run(
            &arguments,
            concat!("terraform-provider-krony/", env!("CARGO_PKG_VERSION")).to_owned(),
        ),
        Some(Command::Hook(arguments)) => hook_command::run(&arguments),
        // Without the flag, this explains that Terraform starts providers.
        None => process::run(options(arguments.debug), Server::new(KronyProvider::default())),
    }
}

fn options(debug: bool) -> process::Options {
    process::Options::new(ADDRESS).log_crates(["provider", "dkron", "hooks"]).debug(debug)
}
