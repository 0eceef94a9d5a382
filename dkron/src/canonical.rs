//! The job in one form, however it was written: what rules about jobs look at.
//!
//! It is an object with dkron's own fields, always all of them, without what only the server or krony keeps there. What
//! can be written in several ways is equal in this form, but for schedules: their text is kept, as it is written.
//!
//! Credentials within addresses are left out: rules judge schemes and hosts, and a host is easier to judge where nothing
//! stands before it. Other secrets are there. [`secrets`] tells where, and [`put`] puts something else in their places.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Job, RESERVED_METADATA};

/// The job in canonical form: no text is null, no map is an empty one, no `concurrency` is `allow`, instants are text in
/// UTC. `executor` is null, or an object of `name` and `config`.
pub fn canonical(job: &Job) -> Map<String, Value> {
    let concurrency = if job.concurrency.is_empty() { "allow" } else { &job.concurrency };
    let visible = job.metadata.iter().filter(|(key, _)| !key.starts_with(RESERVED_METADATA));
    let processors = job.processors.iter().map(|(name, config)| (name.clone(), settings(config)));
    let fields = [
        ("name", text(&job.name)),
        ("displayname", text(&job.displayname)),
        ("schedule", text(&job.schedule)),
        ("timezone", text(&job.timezone)),
        ("owner", text(&job.owner)),
        ("owner_email", text(&job.owner_email)),
        ("disabled", job.disabled.into()),
        ("tags", json!(job.tags)),
        ("metadata", json!(visible.collect::<BTreeMap<_, _>>())),
        ("retries", job.retries.into()),
        ("parent_job", text(&job.parent_job)),
        ("processors", Value::Object(processors.collect())),
        ("concurrency", concurrency.into()),
        ("executor", executor(job)),
        ("ephemeral", job.ephemeral.into()),
        ("expires_at", instant(job.expires_at)),
        ("starts_at", instant(job.starts_at)),
    ];
    fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

fn instant(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}

fn executor(job: &Job) -> Value {
    if job.executor.is_empty() {
        return Value::Null;
    }
    json!({ "name": job.executor, "config": settings(&job.executor_config) })
}

fn settings(settings: &BTreeMap<String, String>) -> Value {
    let shown = |key: &str, value: &str| match key.eq_ignore_ascii_case("url") {
        true => without_credentials(value),
        false => value.to_owned(),
    };
    settings.iter().map(|(key, value)| (key.clone(), Value::from(shown(key, value)))).collect()
}

/// An address, or several with commas between them, without users and passwords: what stands before the last `@` of
/// each host.
fn without_credentials(addresses: &str) -> String {
    let mut may_begin = true;
    let shorten = |part: &str| {
        let scheme = part.find("://").filter(|at| !part[..*at].contains(['/', '?', '#', '@']));
        // A comma within a path or a query does not begin another address.
        let Some(start) = scheme.map(|at| at + 3).or(may_begin.then_some(0)) else {
            return part.to_owned();
        };
        let end = part[start..].find(['/', '?', '#']).map_or(part.len(), |length| start + length);
        may_begin = end == part.len();
        let host = part[start..end].rfind('@').map_or(start, |at| start + at + 1);
        format!("{}{}", &part[..start], &part[host..])
    };
    addresses.split(',').map(shorten).collect::<Vec<_>>().join(",")
}

/// Whether a setting of an executor or processor is secret by the sound of its key.
pub fn is_secret_setting(key: &str) -> bool {
    const SIGNS: [&str; 9] =
        ["pass", "secret", "token", "header", "env", "payload", "auth", "key", "credential"];
    /// A path on the node, and the key of a message.
    const PUBLIC: [&str; 2] = ["tlscertificatekeyfile", "key"];
    let key = key.to_lowercase();
    !PUBLIC.contains(&key.as_str()) && SIGNS.iter().any(|sign| key.contains(sign))
}

/// The paths in the canonical form of `job` to settings that [are secret](is_secret_setting).
pub fn secrets(job: &Job) -> impl Iterator<Item = Vec<&str>> {
    let of_executor = job.executor_config.keys().map(|key| vec!["executor", "config", key]);
    let of_processors = job.processors.iter().flat_map(|(name, settings)| {
        settings.keys().map(move |key| vec!["processors", name.as_str(), key.as_str()])
    });
    of_executor.chain(of_processors).filter(|path| path.last().is_some_and(|key| is_secret_setting(key)))
}

/// Puts `value` where a path of fields and keys leads in a canonical job, as its last step even where nothing is yet. A
/// path that leads through what is no object changes nothing.
pub fn put(job: &mut Map<String, Value>, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let owner = parents.iter().try_fold(job, |part, step| part.get_mut(*step)?.as_object_mut());
    if let Some(owner) = owner {
        owner.insert((*last).to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
