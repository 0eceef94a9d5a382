//! The question that a hook is asked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is being done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed, or planned to stay as it is.
    Update,
    /// It is removed.
    Delete,
}

/// When a hook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Configuration is validated: much may be unknown still.
    Validate,
    /// A change is planned, or planned again before it is applied.
    Plan,
    /// The change is about to be written: everything is known.
    Apply,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Validate => "validate",
            Self::Plan => "plan",
            Self::Apply => "apply",
        })
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Versions {
    /// Version of the interface.
    pub interface: String,
    /// Version of krony.
    pub krony: String,
}

impl Versions {
    /// Of this build.
    pub fn current() -> Self {
        Self { interface: crate::INTERFACE_VERSION.to_owned(), krony: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// The question. In `prior` and `planned` [markers](unknown) may stand in the places of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Request {
    /// `krony_job` or `krony_tenant`.
    pub resource_type: String,
    /// What is being done.
    pub operation: Operation,
    /// When the hook is asked.
    pub stage: Stage,
    /// The object as it is; none when it is created.
    #[serde(default)]
    pub prior: Option<Value>,
    /// The object as it is to be; none when it is deleted.
    #[serde(default)]
    pub planned: Option<Value>,
    /// The tenant that the object belongs to, if it has one and it is known.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Who asks.
    #[serde(default = "Versions::current")]
    pub versions: Versions,
}

const UNKNOWN: &str = "$unknown";
const SENSITIVE: &str = "$sensitive";

/// The marker of a value that will be known later.
pub fn unknown() -> Value {
    json!({ UNKNOWN: true })
}

/// The marker of a value that the hook may not see.
pub fn sensitive() -> Value {
    json!({ SENSITIVE: true })
}

/// Whether a value is the marker `name` and nothing else.
fn is_marker(value: &Value, name: &str) -> bool {
    value.as_object().is_some_and(|object| object.len() == 1 && object.get(name) == Some(&Value::Bool(true)))
}

/// Whether a value is the marker of what is not known yet.
pub fn is_unknown(value: &Value) -> bool {
    is_marker(value, UNKNOWN)
}

/// Whether a value is the marker of what the hook may not see.
pub fn is_sensitive(value: &Value) -> bool {
    is_marker(value, SENSITIVE)
}
