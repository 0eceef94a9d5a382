//! `hook test`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use hooks::author::{self, Case, Expectation};
use hooks::error::CallError;
use hooks::policy::waits_in_vain;

use super::{Failure, Module, print, tell};
use crate::text::sentence;

/// Runs golden cases: files with a question and the answer that is expected
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    module: Module,
    /// The folder of the cases.
    #[arg(default_value = "cases")]
    cases: PathBuf,
    /// Writes the answers that the hook gives into the cases.
    #[arg(long)]
    update: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let cases = author::read(&arguments.cases).map_err(sentence)?;
    let (hook, limits) = (arguments.module.load()?, arguments.module.limits());
    let (mut passed, mut failed) = (0_usize, 0_usize);
    for (path, case) in cases {
        let name = path.file_stem().unwrap_or_default().display().to_string();
        let answer = case.answer(&hook, &limits);
        if let Ok(Expectation::NeedsKnown(paths)) = &answer
            && let Some(reason) = waits_in_vain(&case.request, paths)
        {
            tell(&format!("{name}: Terraform would not wait. {reason}."));
        }
        if answer.as_ref() == Ok(&case.expect) {
            passed += 1;
            print(format_args!("ok      {name}"))?;
        } else if let (true, Ok(answer)) = (arguments.update, &answer) {
            passed += 1;
            update(&path, &case, answer)?;
            print(format_args!("updated {name}"))?;
        } else {
            failed += 1;
            print(format_args!("FAILED  {name}\n{}", difference(&case.expect, answer)?))?;
        }
    }
    print(format_args!("\n{passed} passed, {failed} failed"))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn update(path: &Path, case: &Case, answer: &Expectation) -> Result<(), Failure> {
    let case = Case { expect: answer.clone(), ..case.clone() };
    let text = serde_json::to_string_pretty(&case).map_err(sentence)?;
    fs::write(path, text + "\n").map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}

fn difference(expected: &Expectation, found: Result<Expectation, CallError>) -> Result<String, Failure> {
    let shown = |answer: &Expectation| serde_json::to_string_pretty(answer).map_err(sentence);
    let found = match found {
        Ok(answer) => shown(&answer)?,
        Err(error) => format!("no answer. {}", sentence(error)),
    };
    Ok(format!("expected: {}\nfound: {found}", shown(expected)?))
}
