//! `hook run`

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hooks::author::example_request;
use hooks::policy::waits_in_vain;
use hooks::request::Request;
use hooks::verdict::{Severity, Verdict};

use super::{Failure, Module, expect_settings, print, settings, tell};
use crate::text::sentence;

/// Asks a hook once, and prints its answer as JSON
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    module: Module,
    /// Settings: JSON, or @ and the path of a file.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// The question: a file with a request, or - for standard input; else that of `hook example`.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let request = match &arguments.request {
        Some(path) => request(path)?,
        None => example_request(),
    };
    let (hook, limits) = (arguments.module.load()?, arguments.module.limits());
    let settings = settings(arguments.settings.as_deref())?;
    expect_settings(&hook, &limits, &settings)?;
    let call = hook.validate(&limits, &settings, &request);
    let verdict = call.result.map_err(|error| format!("The hook gave no answer. {}", sentence(error)))?;
    print(serde_json::to_string_pretty(&verdict).map_err(sentence)?)?;
    let mebibytes = call.cost.memory as f64 / f64::from(1 << 20);
    tell(&format!("{} units of fuel, {mebibytes:.1} MiB, {:?}", call.cost.fuel, call.cost.time));
    Ok(match verdict {
        Verdict::Findings(found) if found.iter().any(|finding| finding.severity == Severity::Error) => {
            ExitCode::from(2)
        }
        Verdict::NeedsKnown(paths) => {
            if let Some(reason) = waits_in_vain(&request, &paths) {
                tell(&format!("Terraform would not wait. {reason}."));
            }
            ExitCode::SUCCESS
        }
        _ => ExitCode::SUCCESS,
    })
}

fn request(path: &PathBuf) -> Result<Request, Failure> {
    let unreadable = |error: io::Error| format!("{} cannot be read: {error}.", path.display());
    let mut text = String::new();
    if path.as_os_str() == "-" {
        io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    } else {
        text = std::fs::read_to_string(path).map_err(unreadable)?;
    }
    serde_json::from_str(&text)
        .map_err(|error| format!("{} is no request: {error}. `hook example` prints one.", path.display()))
}
