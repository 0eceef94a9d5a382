//! `hook new`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use hooks::author::{self, Language};

use super::{Failure, print};
use crate::text::sentence;

/// Begins a hook: a folder with a rule to change, golden cases and a README
#[derive(Args)]
pub(super) struct Arguments {
    #[arg(value_parser = language())]
    language: Language,
    /// Its name, such as require-owner.
    name: String,
    /// Where; a folder of its name by default.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Reads the name of a language.
fn language() -> impl TypedValueParser<Value = Language> {
    let named = |name: String| Language::ALL.into_iter().find(|language| language.name() == name);
    PossibleValuesParser::new(Language::ALL.map(Language::name))
        .try_map(move |name| named(name).ok_or("it has no template"))
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let files = author::project(arguments.language, &arguments.name).map_err(sentence)?;
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
