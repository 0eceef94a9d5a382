//! The words and texts in the configuration of a hook.

use globset::Glob;
use hooks::policy::{Enforcement, OnError};
use hooks::request::Stage;
use serde_json::Value;
use tfplugin::model::TextType;

use crate::text::one_of;

/// When a hook is asked.
#[derive(Clone)]
pub enum StageWord {}

impl TextType for StageWord {
    const NAME: &'static str = "stage";
    const ALLOWED: &'static [&'static str] = &["validate", "plan", "apply"];

    fn check(text: &str) -> Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

impl StageWord {
    pub(super) fn read(text: &str) -> Option<Stage> {
        [Stage::Validate, Stage::Plan, Stage::Apply].into_iter().find(|stage| stage.to_string() == text)
    }
}

/// What hooks are asked about.
#[derive(Clone)]
pub enum ResourceTypeWord {}

impl TextType for ResourceTypeWord {
    const NAME: &'static str = "resource type";
    const ALLOWED: &'static [&'static str] = &["krony_job", "krony_tenant"];

    fn check(text: &str) -> Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

/// What an error that a hook finds means.
#[derive(Clone)]
pub enum EnforcementWord {}

impl TextType for EnforcementWord {
    const NAME: &'static str = "enforcement";
    const ALLOWED: &'static [&'static str] = &["advisory", "mandatory", "mandatory-overridable"];

    fn check(text: &str) -> Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

impl EnforcementWord {
    pub(super) fn read(text: &str) -> Enforcement {
        match text {
            "advisory" => Enforcement::Advisory,
            "mandatory-overridable" => Enforcement::MandatoryOverridable,
            _ => Enforcement::Mandatory,
        }
    }
}

/// What it means that a hook gives no answer.
#[derive(Clone)]
pub enum OnErrorWord {}

impl TextType for OnErrorWord {
    const NAME: &'static str = "on_error";
    const ALLOWED: &'static [&'static str] = &["fail", "warn"];

    fn check(text: &str) -> Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

impl OnErrorWord {
    pub(super) fn read(text: &str) -> OnError {
        if text == "warn" { OnError::Warn } else { OnError::Fail }
    }
}

/// Which WASI a hook gets.
#[derive(Clone)]
pub enum WasiWord {}

impl TextType for WasiWord {
    const NAME: &'static str = "wasi";
    const ALLOWED: &'static [&'static str] = &["stub"];

    fn check(text: &str) -> Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

/// Settings of a hook: a JSON object as text.
#[derive(Clone)]
pub enum HookSettings {}

impl TextType for HookSettings {
    const NAME: &'static str = "settings of a hook";
    const EXAMPLES: &'static [&'static str] = &["{\"max_retries\":3}"];

    fn check(text: &str) -> Result<(), String> {
        match serde_json::from_str(text) {
            Ok(Value::Object(_)) => Ok(()),
            Ok(_) => {
                Err("Expected a JSON object, such as jsonencode({ max_retries = 3 }), found other JSON."
                    .to_owned())
            }
            // The text is not quoted: settings may hold a secret.
            Err(error) => Err(format!(
                "Expected JSON, such as jsonencode({{ max_retries = 3 }}): at line {}, column {} it cannot be read.",
                error.line(),
                error.column()
            )),
        }
    }

    fn same(a: &str, b: &str) -> bool {
        Self::read(a) == Self::read(b)
    }
}

impl HookSettings {
    pub(super) fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// A pattern for names.
#[derive(Clone)]
pub enum NameGlob {}

impl TextType for NameGlob {
    const NAME: &'static str = "pattern";
    const EXAMPLES: &'static [&'static str] = &["acme--*", "{backup,report}-*"];

    fn check(text: &str) -> Result<(), String> {
        match Glob::new(text) {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(format!("Expected a pattern with `*`, `?`, `[…]` or `{{…,…}}`: {}.", error.kind()))
            }
        }
    }
}
