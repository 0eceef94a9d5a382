//! `hook new`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum, builder::PossibleValue};
use hooks::author::{self, Language};

use super::{Failure, print};
use crate::text::sentence;

/// Begins a hook: a folder with a rule to change, golden cases and a README
#[derive(Args)]
pub(super) struct Arguments {
    #[arg(value_enum)]
    language: Choice,
    /// Its name, such as require-owner.
    name: String,
    /// Where; a folder of its name by default.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy)]
struct Choice(Language);

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Choice; Language::ALL.len()] = [
            Choice(Language::Rust),
            Choice(Language::Python),
            Choice(Language::JavaScript),
            Choice(Language::Go),
            Choice(Language::Wat),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let files = author::project(arguments.language.0, &arguments.name).map_err(sentence)?;
    let folder = arguments.output.clone().unwrap_or_else(|| arguments.name.clone().into());
    if folder.exists() {
        return Err(format!(
            "{} exists already; nothing was written. Name another folder.",
            folder.display()
        ));
    }
    for (path, text) in files {
        let path = folder.join(path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|error| format!("{} cannot be written: {error}.", path.display()))?;
        print(path.display())?;
    }
    print(format_args!("\nHow to build, test and use it: {}", folder.join("README.md").display()))?;
    Ok(ExitCode::SUCCESS)
}
