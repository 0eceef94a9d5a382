//! Golden cases: questions with the answers that are expected, one in a file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::CallError;
use crate::host::Hook;
use crate::limits::Limits;
use crate::request::Request;
use crate::verdict::{Finding, Path as FindingPath, Verdict};

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the operator of the hook wrote; `{}` where nothing stands.
    #[serde(default = "nothing")]
    pub settings: Value,
    /// What the hook is asked.
    pub request: Request,
    /// What it is to answer.
    pub expect: Expectation,
}

fn nothing() -> Value {
    json!({})
}

/// What a hook is to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// Nothing to say.
    Ok,
    /// These findings, in the host's order.
    Findings(Vec<Finding>),
    /// It waits for these.
    NeedsKnown(Vec<FindingPath>),
    /// It refuses the settings, in these words.
    SettingsError(String),
}

/// Why cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The folder or a file cannot be read.
    #[error("the cases in {} cannot be read: {error}", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The file is no case.
    #[error("the file {} is no case, which has `request`, `expect` and perhaps `settings`: {error}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// There is none.
    #[error("there is no case in {}: expected files that end in .json", folder.display())]
    None {
        /// The folder.
        folder: PathBuf,
    },
}

/// The cases of a folder in the order of their names.
///
/// # Errors
/// When one of them cannot be read, or there is none.
pub fn read(folder: &Path) -> Result<Vec<(PathBuf, Case)>, CaseError> {
    let unreadable = |path: &Path, error| CaseError::Unreadable { path: path.to_owned(), error };
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| unreadable(folder, error))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    if paths.is_empty() {
        return Err(CaseError::None { folder: folder.to_owned() });
    }
    let case = |path: PathBuf| {
        let text = fs::read(&path).map_err(|error| unreadable(&path, error))?;
        match serde_json::from_slice(&text) {
            Ok(case) => Ok((path, case)),
            Err(error) => Err(CaseError::Malformed { path, error }),
        }
    };
    paths.into_iter().map(case).collect()
}

impl Case {
    /// What the hook does answer.
    ///
    /// # Errors
    /// When it gives none.
    pub fn answer(&self, hook: &Hook, limits: &Limits) -> Result<Expectation, CallError> {
        if let Err(reason) = hook.validate_settings(limits, &self.settings).result? {
            return Ok(Expectation::SettingsError(reason));
        }
        Ok(match hook.validate(limits, &self.settings, &self.request).result? {
            Verdict::Ok => Expectation::Ok,
            Verdict::Findings(found) => Expectation::Findings(found),
            Verdict::NeedsKnown(paths) => Expectation::NeedsKnown(paths),
        })
    }
}
