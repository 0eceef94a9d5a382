//! No job runs more often than a cluster can bear.

mod gap;

use serde::Deserialize;
use serde_json::Value;

wit_bindgen::generate!({ path: "../../../hooks/wit", world: "hook" });

use exports::krony::hooks::rules::{Description, Guest, Request, Verdict};
use krony::hooks::types::{Finding, PathStep, Severity};

struct CapFrequency;

export!(CapFrequency);

impl Guest for CapFrequency {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            resource_types: vec!["krony_job".to_owned()],
            stages: Vec::new(),
            settings_schema: Some(include_str!("settings.json").to_owned()),
        }
    }

    fn validate_settings(settings: String) -> Result<(), String> {
        Settings::parse(&settings).map(drop)
    }

    fn validate(settings: String, request: Request) -> Verdict {
        // What is deleted runs no more.
        let Some(planned) = request.planned else { return Verdict::Ok };
        judge(&settings, &planned)
            .unwrap_or_else(|problem| refused("The hook cannot read the request", problem, Vec::new(), None))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    min_interval_seconds: u64,
}

impl Settings {
    fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match settings.min_interval_seconds {
            1..=gap::DAY => Ok(settings),
            found => Err(format!("min_interval_seconds: expected 1 to {} (a day), found {found}", gap::DAY)),
        }
    }
}

fn judge(settings: &str, planned: &str) -> Result<Verdict, String> {
    let allowed = Settings::parse(settings)?.min_interval_seconds;
    let job: Value = serde_json::from_str(planned).map_err(|error| error.to_string())?;
    let path = vec![PathStep::Attribute("schedule".to_owned())];
    Ok(match &job["schedule"] {
        Value::String(schedule) => match gap::smallest(schedule) {
            Some(gap) if gap < allowed => {
                let detail = format!(
                    "Expected at least {allowed} s between two runs; `{schedule}` leaves {gap} s. Choose a schedule \
                     that runs less often."
                );
                refused("The job would run too often", detail, path, Some("min-interval"))
            }
            _ => Verdict::Ok,
        },
        Value::Object(_) => Verdict::NeedsKnown(vec![path]), // a marker
        _ => Verdict::Ok,                                    // no schedule: it follows its parent
    })
}

fn refused(summary: &str, detail: String, path: Vec<PathStep>, rule: Option<&str>) -> Verdict {
    Verdict::Findings(vec![Finding {
        severity: Severity::Error,
        summary: summary.to_owned(),
        detail,
        path,
        rule: rule.map(str::to_owned),
    }])
}
