//! Between the attributes of `krony_job` and dkron's job.

use std::collections::BTreeMap;

use dkron::RESERVED_METADATA;
use jiff::Timestamp;
use tfplugin::model::{Attr, Map, Text};

use super::{executor, identity, model::Job, processor};
use crate::{full_name, text};

/// The job that dkron is to have. What is unknown or missing is left out.
pub(super) fn to_dkron(job: &Job) -> dkron::Job {
    let (executor, executor_config) = executor::encode(job).unwrap_or_default();
    let mut metadata = strings(&job.metadata);
    metadata.extend(identity::marks(job));
    dkron::Job {
        name: string(&identity::full_name(job)),
        displayname: string(&job.display_name),
        schedule: word(&job.schedule),
        parent_job: full_name::compose_parent(identity::tenant(job), &word(&job.parent_job)).into_owned(),
        timezone: word(&job.timezone),
        owner: string(&job.owner),
        owner_email: string(&job.owner_email),
        disabled: flag(&job.disabled),
        tags: strings(&job.tags),
        metadata,
        retries: job.retries.known().copied().unwrap_or_default(),
        concurrency: word(&job.concurrency),
        processors: job.processors.known().map(processor::encode).unwrap_or_default(),
        ephemeral: flag(&job.ephemeral),
        expires_at: instant(&job.expires_at),
        starts_at: instant(&job.starts_at),
        executor,
        executor_config,
        ..dkron::Job::default()
    }
}

/// The attributes of the job that dkron has. `prior` decides between forms that say the same, and whose job it is.
pub(super) fn from_dkron(found: &dkron::Job, prior: &Job) -> Job {
    let (tenant, name) = identity::of(found, prior);
    let mut job = Job {
        id: Attr::Known(found.name.clone()),
        full_name: Attr::Known(found.name.clone()),
        name: Attr::Known(Text::new(name)),
        tenant: tenant.map(Text::new).into(),
        display_name: text::text_or_null(&found.displayname),
        schedule: optional_word(&found.schedule),
        parent_job: optional_word(&full_name::split_parent(tenant, &found.parent_job)),
        timezone: optional_word(&found.timezone),
        owner: text::text_or_null(&found.owner),
        owner_email: text::text_or_null(&found.owner_email),
        disabled: Attr::Known(found.disabled),
        tags: optional_strings(found.tags.clone()),
        metadata: optional_strings(visible_metadata(found)),
        retries: Attr::Known(found.retries),
        concurrency: optional_word(if found.concurrency.is_empty() { "allow" } else { &found.concurrency }),
        processors: processor::decode(&found.processors, &prior.processors),
        ephemeral: Attr::Known(found.ephemeral),
        expires_at: optional_instant(found.expires_at),
        starts_at: optional_instant(found.starts_at),
        timeouts: prior.timeouts.clone(),
        ..Job::default()
    };
    executor::decode(&mut job, prior, &found.executor, &found.executor_config);
    job
}

/// Metadata without krony's own.
pub fn visible_metadata(found: &dkron::Job) -> BTreeMap<String, String> {
    let mut metadata = found.metadata.clone();
    metadata.retain(|key, _| !key.starts_with(RESERVED_METADATA));
    metadata
}

fn string(value: &Attr<String>) -> String {
    value.known().cloned().unwrap_or_default()
}

fn word<T>(value: &Attr<Text<T>>) -> String {
    value.known().map(ToString::to_string).unwrap_or_default()
}

fn flag(value: &Attr<bool>) -> bool {
    value.known().copied().unwrap_or_default()
}

fn strings(value: &Attr<Map<String>>) -> BTreeMap<String, String> {
    let items = value.known().into_iter().flat_map(Map::known);
    items.map(|(key, value)| (key.to_owned(), value.clone())).collect()
}

fn instant(value: &Attr<Text<text::Instant>>) -> Option<Timestamp> {
    value.known().and_then(|value| text::instant(value).ok())
}

fn optional_word<T>(text: &str) -> Attr<Text<T>> {
    if text.is_empty() { Attr::Null } else { Attr::Known(Text::new(text)) }
}

fn optional_strings(items: BTreeMap<String, String>) -> Attr<Map<String>> {
    if items.is_empty() { Attr::Null } else { Attr::Known(items.into_iter().collect()) }
}

fn optional_instant(time: Option<Timestamp>) -> Attr<Text<text::Instant>> {
    time.map(|time| Text::new(time.to_string())).into()
}
