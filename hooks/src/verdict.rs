//! The answer of a hook.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::Stage;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Stops the operation, unless the operator of the hook softened it.
    Error,
    /// Is shown, stops nothing.
    Warning,
}

/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A field of an object.
    Attribute(String),
    /// An element of a map.
    Key(String),
    /// An element of a list, counted from 0.
    Index(u32),
}

/// Where something is, from the root of the planned object.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(pub Vec<Step>);

/// As a person would write it: `executor.config["url"]`; the root is `(root)`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(root)");
        }
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What a hook has against a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// One line, no full stop.
    pub summary: String,
    /// What was expected, what was found, what to do.
    #[serde(default)]
    pub detail: String,
    /// The part to blame.
    #[serde(default)]
    pub path: Path,
    /// The name of the rule that was broken.
    #[serde(default)]
    pub rule: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing to say.
    Ok,
    /// What is wrong.
    Findings(Vec<Finding>),
    /// The answer depends on values that are not known yet.
    NeedsKnown(Vec<Path>),
}

/// What a hook says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does, in a sentence.
    #[serde(default)]
    pub summary: String,
    /// The resource types that it judges; empty for all.
    #[serde(default)]
    pub resource_types: Vec<String>,
    /// The stages in which it wants to be asked; empty for all.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// JSON Schema of its settings, if it has any.
    #[serde(default)]
    pub settings_schema: Option<Value>,
}
