//! The job as dkron's API speaks it, and what it means for two jobs to be the same.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// A job.
///
/// The fields down to `starts_at` are the client's: a write sends all of them, and what it leaves
/// empty is reset. The rest belongs to the server: it is read, and sent back only where noted.
/// Decoding takes `null` for anything that may be empty.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Name: the identity. Lower-case letters, digits, `_` and `-`.
    #[serde(deserialize_with = "null_is_empty")]
    pub name: String,
    /// Name for people.
    #[serde(deserialize_with = "null_is_empty")]
    pub displayname: String,
    /// When to run; may be empty for a child job.
    #[serde(deserialize_with = "null_is_empty")]
    pub schedule: String,
    /// Zone in which a cron expression is read; empty is the zone of the server.
    #[serde(deserialize_with = "null_is_empty")]
    pub timezone: String,
    /// Whose job it is.
    #[serde(deserialize_with = "null_is_empty")]
    pub owner: String,
    /// Where notifications go.
    #[serde(deserialize_with = "null_is_empty")]
    pub owner_email: String,
    /// Whether the schedule is suspended.
    #[serde(deserialize_with = "null_is_empty")]
    pub disabled: bool,
    /// Which nodes run it, and how many of them; none means all nodes.
    #[serde(deserialize_with = "text_map")]
    pub tags: BTreeMap<String, String>,
    /// Free labels.
    #[serde(deserialize_with = "text_map")]
    pub metadata: BTreeMap<String, String>,
    /// How often a failed run is repeated.
    #[serde(deserialize_with = "null_is_empty")]
    pub retries: u32,
    /// The job after whose success this one runs.
    #[serde(deserialize_with = "null_is_empty")]
    pub parent_job: String,
    /// What happens to the output: settings by name of the processor. May hold secrets.
    #[serde(deserialize_with = "processor_map")]
    pub processors: BTreeMap<String, BTreeMap<String, String>>,
    /// `allow` or `forbid`; empty means `allow` and is sent as such.
    #[serde(deserialize_with = "null_is_empty", skip_serializing_if = "String::is_empty")]
    pub concurrency: String,
    /// Name of the executor plugin.
    #[serde(deserialize_with = "null_is_empty")]
    pub executor: String,
    /// Settings of the executor plugin. May hold secrets.
    #[serde(deserialize_with = "text_map")]
    pub executor_config: BTreeMap<String, String>,
    /// Whether the job is deleted after its first success.
    #[serde(deserialize_with = "null_is_empty")]
    pub ephemeral: bool,
    /// The instant after which it does not run any more.
    pub expires_at: Option<Timestamp>,
    /// The instant before which it does not run yet. Dropped silently by dkron before 4.0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,

    /// Server's: the jobs that run after this one. A write that leaves it out loses it (dkron before
    /// 4.0.9), so updates send back what a fresh read shows.
    #[serde(deserialize_with = "null_is_empty")]
    pub dependent_jobs: Vec<String>,
    /// Server's: the next run as it was computed last; `None` if there is none.
    #[serde(deserialize_with = "zero_time_is_none", skip_serializing)]
    pub next: Option<Timestamp>,
    /// Server's: `success`, `failed`, `partially_failed`, or empty for a job that never ran.
    #[serde(deserialize_with = "null_is_empty", skip_serializing)]
    pub status: String,
    /// Server's: successful runs so far.
    #[serde(deserialize_with = "null_is_empty", skip_serializing)]
    pub success_count: i64,
    /// Server's: failed runs so far.
    #[serde(deserialize_with = "null_is_empty", skip_serializing)]
    pub error_count: i64,
    /// Server's: end of the last successful run.
    #[serde(skip_serializing)]
    pub last_success: Option<Timestamp>,
    /// Server's: end of the last failed run.
    #[serde(skip_serializing)]
    pub last_error: Option<Timestamp>,
    /// Server's: the name again.
    #[serde(deserialize_with = "null_is_empty", skip_serializing)]
    pub id: String,

    /// Fields that this version of the crate does not know. A write replaces the whole job, so an
    /// update sends back those of its fresh read: what a newer dkron keeps there is not lost.
    #[serde(flatten)]
    pub unknown: serde_json::Map<String, serde_json::Value>,
}

/// Metadata keys that begin like this are krony's own notes about a job, such as whose it is.
pub const RESERVED_METADATA: &str = "krony.";

impl Job {
    /// This job with those of krony's own notes about `found` that it does not make itself: a write would drop what it
    /// leaves out.
    #[must_use]
    pub fn with_reserved_metadata(&self, found: &Self) -> Self {
        let mut job = self.clone();
        for (key, value) in found.metadata.iter().filter(|(key, _)| key.starts_with(RESERVED_METADATA)) {
            job.metadata.entry(key.clone()).or_insert_with(|| value.clone());
        }
        job
    }

    /// Whether both mean the same to dkron in everything that a client writes: no text is empty text,
    /// no map is an empty map, no `concurrency` is `allow`, instants are instants whatever their zone.
    #[must_use]
    pub fn same_meaning(&self, other: &Self) -> bool {
        self.differences(other).is_empty()
    }

    /// The fields, by their names in the API, in which the jobs differ in meaning.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let equal = [
            ("name", self.name == other.name),
            ("displayname", self.displayname == other.displayname),
            ("schedule", self.schedule == other.schedule),
            ("timezone", self.timezone == other.timezone),
            ("owner", self.owner == other.owner),
            ("owner_email", self.owner_email == other.owner_email),
            ("disabled", self.disabled == other.disabled),
            ("tags", self.tags == other.tags),
            ("metadata", self.metadata == other.metadata),
            ("retries", self.retries == other.retries),
            ("parent_job", self.parent_job == other.parent_job),
            ("processors", self.processors == other.processors),
            ("concurrency", self.meant_concurrency() == other.meant_concurrency()),
            ("executor", self.executor == other.executor),
            ("executor_config", self.executor_config == other.executor_config),
            ("ephemeral", self.ephemeral == other.ephemeral),
            ("expires_at", self.expires_at == other.expires_at),
            ("starts_at", self.starts_at == other.starts_at),
        ];
        equal.into_iter().filter_map(|(field, equal)| (!equal).then_some(field)).collect()
    }

    fn meant_concurrency(&self) -> &str {
        if self.concurrency.is_empty() { "allow" } else { &self.concurrency }
    }

    /// Values that may be secret and could come back in the answer of an echoing proxy, also a single one of
    /// several headers or environment variables. Very short ones are left out: hiding every `1` of a text
    /// would not hide anything.
    pub(crate) fn secret_values(&self) -> impl Iterator<Item = String> {
        let settings = self.processors.values().chain([&self.executor_config]).flatten();
        let values = settings.flat_map(|(key, value)| {
            let parts = match key.as_str() {
                "headers" => serde_json::from_str(value).unwrap_or_default(),
                "env" => value.split(',').map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            let of_part = |part: &String| Some(part.split_once([':', '='])?.1.trim().to_owned());
            let inner: Vec<_> = parts.iter().filter_map(of_part).collect();
            std::iter::once(value.clone()).chain(inner)
        });
        values.filter(|value| value.len() >= 6)
    }
}

/// Keys only where values may be secret.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processors: BTreeMap<_, _> =
            self.processors.iter().map(|(name, settings)| (name, Keys(settings))).collect();
        f.debug_struct("Job")
            .field("name", &self.name)
            .field("displayname", &self.displayname)
            .field("schedule", &self.schedule)
            .field("timezone", &self.timezone)
            .field("owner", &self.owner)
            .field("owner_email", &self.owner_email)
            .field("disabled", &self.disabled)
            .field("tags", &self.tags)
            .field("metadata", &self.metadata)
            .field("retries", &self.retries)
            .field("parent_job", &self.parent_job)
            .field("processors", &processors)
            .field("concurrency", &self.concurrency)
            .field("executor", &self.executor)
            .field("executor_config", &Keys(&self.executor_config))
            .field("ephemeral", &self.ephemeral)
            .field("expires_at", &self.expires_at)
            .field("starts_at", &self.starts_at)
            .field("dependent_jobs", &self.dependent_jobs)
            .field("next", &self.next)
            .field("status", &self.status)
            .field("success_count", &self.success_count)
            .field("error_count", &self.error_count)
            .field("last_success", &self.last_success)
            .field("last_error", &self.last_error)
            .field("id", &self.id)
            .field("unknown", &self.unknown.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// A map of which only the keys may be seen.
struct Keys<'a>(&'a BTreeMap<String, String>);

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Go writes empty maps, lists and texts as `null` or leaves them out.
pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

type Texts = BTreeMap<String, Option<String>>;

fn without_nulls(texts: Option<Texts>) -> BTreeMap<String, String> {
    texts.unwrap_or_default().into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect()
}

fn text_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(without_nulls(Option::deserialize(deserializer)?))
}

fn processor_map<'de, D>(deserializer: D) -> Result<BTreeMap<String, BTreeMap<String, String>>, D::Error>
where
    D: Deserializer<'de>,
{
    let processors: BTreeMap<String, Option<Texts>> = null_is_empty(deserializer)?;
    Ok(processors.into_iter().map(|(name, settings)| (name, without_nulls(settings))).collect())
}

/// "No next run" is Go's zero time, or the Unix epoch for a child job without schedule.
pub(crate) fn zero_time_is_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let time: Option<Timestamp> = Option::deserialize(deserializer)?;
    Ok(time.filter(|time| *time > Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests;
