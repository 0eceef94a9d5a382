//! Every job has an owner, and an address to write to.

mod address;

use serde::Deserialize;
use serde_json::Value;

wit_bindgen::generate!({ path: "../../../hooks/wit", world: "hook" });

use exports::krony::hooks::rules::{Description, Guest, Request, Verdict};
use krony::hooks::types::{Finding, PathStep, Severity};

struct RequireOwner;

export!(RequireOwner);

impl Guest for RequireOwner {
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
        // Nobody needs to own what is going away.
        let Some(planned) = request.planned else { return Verdict::Ok };
        judge(&settings, &planned).unwrap_or_else(|problem| Verdict::Findings(vec![unreadable(problem)]))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What addresses must end in.
    email_domain: Option<String>,
}

impl Settings {
    fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match &settings.email_domain {
            Some(domain) if !address::is_domain(domain) => {
                Err(format!("email_domain: expected a domain such as \"example.com\", found {domain:?}"))
            }
            _ => Ok(settings),
        }
    }
}

/// What stands in a field that holds text.
enum Field<'job> {
    Missing,
    Unknown,
    /// There is a text, which the hook may not see.
    Sensitive,
    Text(&'job str),
}

impl<'job> Field<'job> {
    fn of(job: &'job Value, name: &str) -> Self {
        match &job[name] {
            Value::String(text) => Self::Text(text),
            Value::Object(marker) if marker.contains_key("$unknown") => Self::Unknown,
            Value::Object(_) => Self::Sensitive,
            _ => Self::Missing,
        }
    }
}

fn judge(settings: &str, planned: &str) -> Result<Verdict, String> {
    let settings = Settings::parse(settings)?;
    let job: Value = serde_json::from_str(planned).map_err(|error| error.to_string())?;
    let mut answer = Answer::default();
    match Field::of(&job, "owner") {
        Field::Missing => {
            answer.refuse("owner", "The job has no owner", "Name the team that answers for it.")
        }
        Field::Unknown => answer.ask_again("owner"),
        Field::Sensitive | Field::Text(_) => {} // whoever it is
    }
    match Field::of(&job, "owner_email") {
        Field::Missing => {
            let detail = "Give an address at which the owner hears of failures.";
            answer.refuse("owner_email", "The job has no address to write to", detail);
        }
        Field::Unknown | Field::Sensitive => answer.ask_again("owner_email"),
        Field::Text(email) => {
            if let Err(detail) = address::check(email, settings.email_domain.as_deref()) {
                answer.refuse("owner_email", "The owner cannot be reached at this address", &detail);
            }
        }
    }
    Ok(answer.verdict())
}

/// What has come up so far.
#[derive(Default)]
struct Answer {
    findings: Vec<Finding>,
    needed: Vec<Vec<PathStep>>,
}

impl Answer {
    /// Each attribute has one rule, which is called after it.
    fn refuse(&mut self, attribute: &str, summary: &str, detail: &str) {
        self.findings.push(Finding {
            severity: Severity::Error,
            summary: summary.to_owned(),
            detail: detail.to_owned(),
            path: vec![PathStep::Attribute(attribute.to_owned())],
            rule: Some(attribute.replace('_', "-")),
        });
    }

    fn ask_again(&mut self, attribute: &str) {
        self.needed.push(vec![PathStep::Attribute(attribute.to_owned())]);
    }

    /// What is certain is said first: what is not known yet cannot make it good.
    fn verdict(self) -> Verdict {
        if !self.findings.is_empty() {
            Verdict::Findings(self.findings)
        } else if !self.needed.is_empty() {
            Verdict::NeedsKnown(self.needed)
        } else {
            Verdict::Ok
        }
    }
}

/// A hook that cannot read what it is given lets nothing pass.
fn unreadable(problem: String) -> Finding {
    Finding {
        severity: Severity::Error,
        summary: "The hook cannot read the request".to_owned(),
        detail: problem,
        path: Vec::new(),
        rule: None,
    }
}
