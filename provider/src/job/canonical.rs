//! What hooks see of a planned job, and where the user wrote what they find there.
//!
//! Hooks judge the [canonical](dkron::canonical) job, so that no form of writing it evades them. Where a value is not
//! known yet or not for their eyes, a marker takes its place. In the other direction a path within the canonical job
//! becomes that of the attribute from which its value comes.

use dkron::canonical::{canonical, put, secrets};
use hooks::{
    request::{sensitive, unknown},
    verdict,
};
use serde_json::Value as Json;
use tfplugin::{
    model::{Attr, Map, Model, Strictness, Text, TfType},
    path::Path,
    plan::{Proposal, plan},
    value::Value,
};

use super::{
    convert,
    executor::{self, Content, Executor, InUse},
    identity,
    model::Job,
    processor, secret,
};
use crate::text::TenantName;

/// The fields of the canonical job that come from one attribute each, and these attributes.
const FIELDS: [(&str, &str); 15] = [
    ("name", "name"),
    ("displayname", "display_name"),
    ("schedule", "schedule"),
    ("timezone", "timezone"),
    ("owner", "owner"),
    ("owner_email", "owner_email"),
    ("disabled", "disabled"),
    ("tags", "tags"),
    ("metadata", "metadata"),
    ("retries", "retries"),
    ("parent_job", "parent_job"),
    ("concurrency", "concurrency"),
    ("ephemeral", "ephemeral"),
    ("expires_at", "expires_at"),
    ("starts_at", "starts_at"),
];

type Tree = serde_json::Map<String, Json>;

/// A job of configuration as the plan of a new one begins: with defaults where nothing is written, and with `tenant` where
/// it names none.
pub(super) fn configured(config: &Job, tenant: &Attr<Text<TenantName>>) -> Job {
    let proposal = Proposal { prior: &Value::Null, config: &config.encode() };
    let planned = plan(&Job::schema(0), proposal).planned;
    // A plan has the types of its configuration: the fallback is never reached.
    let planned = Job::decode(&planned, &Path::root(), Strictness::State);
    let mut planned = planned.unwrap_or_else(|_| config.clone());
    if config.tenant.is_null() {
        planned.tenant = tenant.clone();
    }
    secret::carry(&planned, config)
}

/// What hooks see of a job in which anything may be unknown. With `reveal` they see secrets, but for write-only ones:
/// these are never shown.
pub(super) fn planned(job: &Job, reveal: bool) -> Json {
    let known = convert::to_dkron(&visible(job));
    let mut tree = canonical(&known);
    if !reveal {
        secrets(&known).for_each(|path| put(&mut tree, &path, sensitive()));
    }
    mark_fields(&mut tree, job);
    mark_unknown(&mut tree, &["processors"], &processor::by_name(&job.processors));
    mark_executor(&mut tree, job, reveal);
    Json::Object(tree)
}

/// The job without its write-only attributes. A plugin whose name is not known yet has settings all the same: it gets a
/// name, in whose place its marker will stand.
fn visible(job: &Job) -> Job {
    let mut job = secret::carry(job, &Job::default());
    if let Attr::Known(Executor { name: name @ Attr::Unknown, .. }) = &mut job.executor {
        *name = Attr::Known("unknown".to_owned());
    }
    job
}

fn mark_fields(tree: &mut Tree, job: &Job) {
    let attributes = job.encode();
    for (field, attribute) in FIELDS {
        mark_unknown(tree, &[field], attributes.get(attribute));
    }
    if identity::full_name(job).is_unknown() {
        put(tree, &["name"], unknown());
    }
    // The parent is of the same tenant.
    if job.tenant.is_unknown() && tree.get("parent_job").is_some_and(|parent| !parent.is_null()) {
        put(tree, &["parent_job"], unknown());
    }
}

/// Marks what is unknown of the value that stands at `path`.
fn mark_unknown(tree: &mut Tree, path: &[&str], value: &Value) {
    match value {
        Value::Unknown(_) => put(tree, path, unknown()),
        Value::Map(parts) | Value::Object(parts) => {
            for (key, part) in parts {
                mark_unknown(tree, &[path, &[key]].concat(), part);
            }
        }
        _ => {}
    }
}

fn mark_executor(tree: &mut Tree, job: &Job, reveal: bool) {
    match executor::in_use(job) {
        InUse::Typed(form) if form.is_known => {
            for place in &form.places {
                let is_hidden = place.is_write_only || (place.is_sensitive && !reveal);
                let path = ["executor", "config", &place.key];
                match place.content {
                    Content::Unknown => put(tree, &path, unknown()),
                    Content::Known if is_hidden => put(tree, &path, sensitive()),
                    Content::Known | Content::Nothing => {}
                }
            }
        }
        InUse::Generic(Some(generic)) => mark_generic(tree, generic, reveal),
        InUse::Generic(None) if job.executor.is_null() => {}
        InUse::Typed(_) | InUse::Generic(None) => put(tree, &["executor"], unknown()),
    }
}

fn mark_generic(tree: &mut Tree, generic: &Executor, reveal: bool) {
    if generic.name.is_unknown() {
        put(tree, &["executor", "name"], unknown());
    }
    let parts = generic.parts();
    if parts.iter().any(|(_, part)| part.is_unknown()) {
        // Nobody knows which settings there are.
        return put(tree, &["executor", "config"], unknown());
    }
    for (name, part) in parts {
        mark_unknown(tree, &["executor", "config"], &part.encode());
        if name == "config_wo" || (name == "sensitive_config" && !reveal) {
            let known = part.known().into_iter().flat_map(Map::known);
            known.for_each(|(key, _)| put(tree, &["executor", "config", key], sensitive()));
        }
    }
}

/// The attribute from which the value at `path` of the canonical job comes, or would come, and whether the path leads
/// to a value at all: of one that does not, the longest part that does counts.
pub(super) fn attribute_path(job: &Job, path: &verdict::Path) -> (Path, bool) {
    // A job has no lists.
    let names: Vec<_> = path.0.iter().map_while(name).collect();
    let (found, followed) = follow(job, &names);
    (found, followed == path.0.len())
}

/// What a step is called; fields and keys are as good as each other.
fn name(step: &verdict::Step) -> Option<&str> {
    match step {
        verdict::Step::Attribute(name) | verdict::Step::Key(name) => Some(name),
        verdict::Step::Index(_) => None,
    }
}

/// The attribute to which names lead, and how many of them.
fn follow(job: &Job, names: &[&str]) -> (Path, usize) {
    match *names {
        [] => (Path::root(), 0),
        ["executor", ref names @ ..] => follow_in_executor(&executor::in_use(job), names),
        ["processors", ref names @ ..] => {
            let (path, followed) = processor::follow(&job.processors, names);
            (path, followed + 1)
        }
        [map @ ("tags" | "metadata"), key, ..] => (Path::attribute(map).key(key), 2),
        [field, ..] => match FIELDS.iter().find(|(known, _)| *known == field) {
            Some((_, attribute)) => (Path::attribute(*attribute), 1),
            None => (Path::root(), 0),
        },
    }
}

fn follow_in_executor(form: &InUse<'_>, names: &[&str]) -> (Path, usize) {
    match *names {
        ["name", ..] => (form.name_path(), 2),
        ["config", key, ..] => match form.setting_path(key) {
            Some(path) => (path, 3),
            None => (form.config_path(), 2),
        },
        ["config"] => (form.config_path(), 2),
        _ => (form.path(), 1),
    }
}

#[cfg(test)]
mod tests;
