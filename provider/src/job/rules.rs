//! What a job must be beyond the types of its attributes, and what deserves a warning.

use dkron::RESERVED_METADATA;
use jiff::Timestamp;
use schedule::{Schedule, TimeZoneName};
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model::Map,
    path::Path,
};

use super::{
    executor::{self, settings::check_nulls},
    model::Job,
    processor, secret,
};
use crate::{full_name, text::sentence};

/// Checks across attributes of configuration; anything may be unknown.
pub(super) fn check(job: &Job) -> Diagnostics {
    let mut findings = Diagnostics::new();
    findings.extend(executor::check(job));
    findings.extend(secret::check(job));
    findings.extend(check_trigger(job));
    findings.extend(check_metadata(job));
    findings.extend(check_tags(job));
    findings.extend(processor::check(&job.processors));
    findings
}

fn error(path: Path, summary: &str, detail: impl Into<String>) -> Diagnostics {
    Diagnostic::error(summary, detail).at(path).into()
}

fn check_trigger(job: &Job) -> Diagnostics {
    let missing = |text: Option<&str>, set: bool| text.map_or(!set, str::is_empty);
    let schedule = job.schedule.known().map(|text| &**text);
    let parent = job.parent_job.known().map(|text| &**text);
    if missing(schedule, job.schedule.is_set()) && missing(parent, job.parent_job.is_set()) {
        let detail = "Expected `schedule`, `parent_job` or both: they say when the job runs. A job that only people \
                      start has the schedule \"@manually\".";
        return error(Path::attribute("schedule"), "Missing schedule", detail);
    }
    let name = job.name.known().map(|name| &**name);
    if name.is_some() && name == parent {
        return error(Path::attribute("parent_job"), "A job cannot be its own parent", "Name another job.");
    }
    Diagnostics::new()
}

fn check_metadata(job: &Job) -> Diagnostics {
    let path = Path::attribute("metadata");
    let mut findings = check_nulls(&job.metadata, &path);
    let keys = job.metadata.known().into_iter().flat_map(|metadata| metadata.0.keys());
    for key in keys.filter(|key| key.starts_with(RESERVED_METADATA)) {
        let detail =
            format!("Keys that begin with `{RESERVED_METADATA}` are krony's own: choose another one.");
        findings.push(Diagnostic::error("Reserved metadata key", detail).at(path.key(key)));
    }
    findings
}

fn check_tags(job: &Job) -> Diagnostics {
    let path = Path::attribute("tags");
    let mut findings = check_nulls(&job.tags, &path);
    for (key, value) in job.tags.known().into_iter().flat_map(Map::known) {
        if let [_, count] = value.split(':').collect::<Vec<_>>()[..]
            && !count.parse::<u32>().is_ok_and(|count| count > 0)
        {
            let detail = format!(
                "Expected a value with the number of nodes behind its last colon, such as \"true:1\"; {value:?} selects no \
                 node at all."
            );
            findings.push(Diagnostic::error("Tag without a number of nodes", detail).at(path.key(key)));
        }
    }
    findings
}

/// The largest message that dkron passes between its nodes, in bytes.
const MAX_JOB_SIZE: usize = 4 << 20;

/// What the plan of a job, for which dkron is to have `wanted`, cannot do, as far as it is known.
pub(super) fn check_plan(job: &Job, wanted: &dkron::Job) -> Diagnostics {
    let mut findings = check_names_in_tenant(job);
    findings.extend(check_hashed_schedule(wanted));
    let maps = [&wanted.tags, &wanted.metadata, &wanted.executor_config];
    let maps = maps.into_iter().chain(wanted.processors.values());
    let in_maps: usize = maps.flatten().map(|(key, value)| key.len() + value.len()).sum();
    let texts = [&wanted.name, &wanted.displayname, &wanted.schedule, &wanted.owner, &wanted.owner_email];
    let size = in_maps + texts.into_iter().map(String::len).sum::<usize>();
    if size > MAX_JOB_SIZE {
        let detail = format!(
            "dkron takes jobs of up to 4 MiB; the texts of this one have {size} bytes. Make it smaller."
        );
        findings.push(Diagnostic::error("Job too large", detail));
    }
    findings
}

/// The tenant may come from the provider block, so that only a plan knows it.
fn check_names_in_tenant(job: &Job) -> Diagnostics {
    let names = [
        ("name", job.name.known().map(|name| &**name)),
        ("parent_job", job.parent_job.known().map(|name| &**name)),
    ];
    let names = names.into_iter().filter(|_| job.tenant.known().is_some());
    let finding = |(attribute, name): (&str, Option<&str>)| {
        let detail = full_name::check_in_tenant(name.filter(|name| !name.is_empty())?).err()?;
        Some(Diagnostic::error("Invalid job name", detail).at_attribute(attribute))
    };
    names.filter_map(finding).collect()
}

/// A `~` may become a number that does not fit beside what else stands in its field: that depends on the name.
fn check_hashed_schedule(wanted: &dkron::Job) -> Diagnostics {
    if wanted.name.is_empty() {
        return Diagnostics::new();
    }
    let Ok(schedule) = wanted.schedule.parse::<Schedule>() else { return Diagnostics::new() };
    match schedule.for_job(&wanted.name, &TimeZoneName::default()) {
        Ok(_) => Diagnostics::new(),
        Err(found) => error(Path::attribute("schedule"), "Invalid schedule", sentence(found)),
    }
}

/// What works, but hardly as it was meant, of a job for which dkron is to have `wanted`; seen at `now`.
pub(super) fn advice(job: &Job, wanted: &dkron::Job, now: Timestamp) -> Diagnostics {
    let mut findings = Diagnostics::new();
    if job.tags.is_null() {
        let detail = "Without `tags` a job runs on every node of the cluster at the same time. For one node write \
                      `tags = { server = \"true:1\" }`; if every node is meant, say so with `tags = {}`.";
        findings.push(Diagnostic::warning("The job runs on every node", detail).at_attribute("tags"));
    }
    findings.extend(tag_advice(job));
    findings.extend(schedule_advice(wanted, now));
    if wanted.expires_at.is_some_and(|expires_at| expires_at <= now) {
        let detail = "The time is in the past: the job does not run.";
        findings.push(Diagnostic::warning("The job has expired", detail).at_attribute("expires_at"));
    }
    findings.extend(executor::advice(job));
    findings.extend(processor::advice(&job.processors));
    findings
}

/// dkron takes a number of nodes only behind the one colon of a value; of more colons it drops all that follows the first.
fn tag_advice(job: &Job) -> Diagnostics {
    let tags = job.tags.known().into_iter().flat_map(Map::known);
    let cut = tags.filter(|(_, value)| value.matches(':').count() > 1);
    let warning = |(key, value): (&str, &String)| {
        let detail = format!(
            "dkron reads of {value:?} only what stands before the first colon, and no number of nodes: every node with that \
             value runs the job. Write the value without colons, and at most one number behind it, such as \"true:1\"."
        );
        Diagnostic::warning("Tag is cut", detail).at(Path::attribute("tags").key(key))
    };
    cut.map(warning).collect()
}

fn schedule_advice(wanted: &dkron::Job, now: Timestamp) -> Diagnostics {
    let (Ok(schedule), Ok(zone)) =
        (wanted.schedule.parse::<Schedule>(), wanted.timezone.parse::<TimeZoneName>())
    else {
        return Diagnostics::new();
    };
    let Ok(schedule) = schedule.for_job(&wanted.name, &zone) else { return Diagnostics::new() };
    let warning =
        |concern| Diagnostic::warning("Unusual schedule", sentence(concern)).at_attribute("schedule");
    schedule.concerns(now).into_iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use tfplugin::model::Attr;

    use super::*;

    #[test]
    fn numbers_of_nodes_are_read_as_dkron_reads_them() {
        for (value, refused, warned) in [
            ("true", false, false),
            ("true:1", false, false),
            ("true:0", true, false),
            ("true:one", true, false),
            ("10:20:one", false, true),
            ("10:20:1", false, true),
        ] {
            let tags = [("tag".to_owned(), value.to_owned())].into_iter().collect();
            let job = Job { tags: Attr::Known(tags), ..Job::default() };
            assert_eq!(check_tags(&job).has_errors(), refused, "{value}");
            assert_eq!(tag_advice(&job).into_iter().count() == 1, warned, "{value}");
        }
    }
}
