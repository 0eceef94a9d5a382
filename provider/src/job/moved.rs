//! State of `dkron_job`, as two other providers keep it, for `moved` blocks.
//!
//! Their state is turned into the job as they write it to dkron, and that into state of ours, as if it had been read
//! from dkron. Two schemas are known; they agree in what they share, so one reading serves both:
//!
//! | provider | the executor's settings | its processors in dkron |
//! |---|---|---|
//! | `sylviettee/dkron` | the map `executor_config` | settings that are set |
//! | `bozerkins/dkron` | one attribute each, for `shell` only | the same, and the name of the processor as `type` |

use std::collections::BTreeMap;

use serde_json::Value;
use tfplugin::{
    diagnostic::{Diagnostic, Result},
    model::Attr,
    resource::MoveSource,
};

use super::{convert, executor::Settings, model::Job};

/// What can be moved to `krony_job`.
pub(super) const SOURCES: &[&str] = &["`dkron_job` of sylviettee/dkron", "`dkron_job` of bozerkins/dkron"];

/// The providers, without the registry that they came from: mirrors have other names. Terraform wants to install the
/// provider that state names; one that cannot be installed any more is replaced by ours, with
/// `terraform state replace-provider`.
const PROVIDERS: [&str; 3] = ["sylviettee/dkron", "bozerkins/dkron", "krony-cloud/krony"];

/// The settings of an executor that `bozerkins/dkron` keeps in attributes of the same names.
const SETTINGS: [&str; 7] =
    ["command", "timeout", "project", "mem_limit_kb", "cwd", "shell", "allowed_exitcodes"];

/// The state of the job that `source` is about; none where that is no job of a provider known here.
pub(super) fn state(source: &MoveSource) -> Result<Option<Job>> {
    if !is_known(source) {
        return Ok(None);
    }
    let found = job(&source.state);
    if found.name.is_empty() {
        let detail = "Its state holds no name, as it happens after a job was deleted outside of Terraform. Remove it \
                      with `terraform state rm` and let krony create the job anew, or import it.";
        return Err(Diagnostic::error("The job to be moved has no name", detail).into());
    }
    let known = Job { id: Attr::Known(found.name.clone()), ..Job::default() };
    Ok(Some(convert::from_dkron(&found, &known)))
}

fn is_known(source: &MoveSource) -> bool {
    let address = format!("/{}", source.provider_address.to_ascii_lowercase());
    source.type_name == "dkron_job" && PROVIDERS.iter().any(|known| address.ends_with(&format!("/{known}")))
}

/// The job that those providers write to dkron for this state. Fields may be missing or of another primitive type: there
/// were several versions.
fn job(state: &Value) -> dkron::Job {
    let name = text(&state["name"]);
    dkron::Job {
        name: if name.is_empty() { text(&state["id"]) } else { name },
        displayname: text(&state["displayname"]),
        schedule: text(&state["schedule"]),
        parent_job: text(&state["parent_job"]),
        timezone: text(&state["timezone"]),
        owner: text(&state["owner"]),
        owner_email: text(&state["owner_email"]),
        disabled: text(&state["disabled"]) == "true",
        tags: texts(&state["tags"]),
        metadata: texts(&state["metadata"]),
        retries: text(&state["retries"]).parse().unwrap_or_default(),
        concurrency: text(&state["concurrency"]),
        processors: processors(&state["processors"]),
        executor: text(&state["executor"]),
        executor_config: executor_config(state),
        ..dkron::Job::default()
    }
}

fn executor_config(state: &Value) -> Settings {
    let mut settings = texts(&state["executor_config"]);
    let attributes = SETTINGS.map(|name| (name.to_owned(), text(&state[name])));
    settings.extend(attributes.into_iter().filter(|(_, value)| !value.is_empty()));
    settings
}

fn processors(list: &Value) -> BTreeMap<String, Settings> {
    let processors = list.as_array().into_iter().flatten().map(|processor| {
        let mut settings = texts(processor);
        settings.retain(|_, value| !value.is_empty());
        (settings.remove("type").unwrap_or_default(), settings)
    });
    processors.filter(|(name, _)| !name.is_empty()).collect()
}

fn texts(map: &Value) -> Settings {
    map.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests;
