//! Every job must have an owner.

use serde_json::Value;

wit_bindgen::generate!({ path: "wit", world: "hook" });

use exports::krony::hooks::rules::{Description, Guest, Request, Verdict};
use krony::hooks::types::{Finding, PathStep, Severity};

struct Hook;

export!(Hook);

impl Guest for Hook {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            resource_types: vec!["krony_job".to_owned()],
            stages: Vec::new(), // all
            settings_schema: None,
        }
    }

    fn validate_settings(settings: String) -> Result<(), String> {
        match settings.as_str() {
            "{}" => Ok(()),
            _ => Err(format!("expected no settings, found {settings}")),
        }
    }

    fn validate(_settings: String, request: Request) -> Verdict {
        match request.planned {
            Some(planned) => judge(&planned),
            None => Verdict::Ok, // the job is deleted
        }
    }
}

/// Judges a job, which is JSON; one that cannot be read has no owner.
fn judge(planned: &str) -> Verdict {
    let job: Value = serde_json::from_str(planned).unwrap_or_default();
    let path = vec![PathStep::Attribute("owner".to_owned())];
    match &job["owner"] {
        Value::String(_) => Verdict::Ok,
        // The owner will be known later: ask again then.
        Value::Object(marker) if marker.contains_key("$unknown") => Verdict::NeedsKnown(vec![path]),
        // There is an owner, whom the hook may not see.
        Value::Object(_) => Verdict::Ok,
        _ => Verdict::Findings(vec![Finding {
            severity: Severity::Error,
            summary: "Job without an owner".to_owned(),
            detail: "An owner is expected, found none. Write for example: owner = \"Team Blue\""
                .to_owned(),
            path,
            rule: None,
        }]),
    }
}
