//! `data "krony_jobs"`.

use tfplugin::{
    context::Context,
    data_source::DataSource,
    diagnostic::Result,
    model,
    model::{Attr, List, Map, Text, TextType},
};

use super::{map, text, time};
use crate::{
    client::{Krony, scope},
    job::visible_metadata,
    problem,
};

/// How the last run of a job ended.
#[derive(Clone)]
pub enum Status {}

impl TextType for Status {
    const NAME: &'static str = "status";
    const ALLOWED: &'static [&'static str] = &["success", "failed", "partially_failed", "untriggered"];

    fn check(text: &str) -> std::result::Result<(), String> {
        crate::text::one_of(Self::ALLOWED, text)
    }
}

model! {
    /// The jobs that dkron has, sorted by name; all of them, or those that fit every filter that is set.
    pub struct FoundJobs {
        /// Text that the name or the display name contains, in the same letter case.
        name_contains: String = optional(),
        /// Labels that a job has.
        metadata: Map<String> = optional(),
        /// How the last run of a job ended; `untriggered` before the first one.
        status: Text<Status> = optional(),
        /// Whether a job is kept from running.
        disabled: bool = optional(),
        /// The names of the jobs.
        names: List<String> = computed(),
        /// The jobs.
        jobs: List<JobSummary> = computed(),
    }
}

model! {
    /// A job in short.
    pub struct JobSummary {
        /// Name of the job in dkron.
        name: String = computed(),
        /// Name of the job for people.
        display_name: String = computed(),
        /// When the job runs.
        schedule: String = computed(),
        /// Name of the job after which this one runs.
        parent_job: String = computed(),
        /// Time zone in which `schedule` is read.
        timezone: String = computed(),
        /// Who is responsible for the job.
        owner: String = computed(),
        /// Whether the job is kept from running.
        disabled: bool = computed(),
        /// Labels of the job.
        metadata: Map<String> = computed(),
        /// Name of the executor plugin.
        executor: String = computed(),
        /// When the job runs next, as dkron computed it last.
        next: String = computed(),
        /// How the last run ended; null before the first one.
        status: String = computed(),
        /// Successful runs so far.
        success_count: i64 = computed(),
        /// Failed runs so far.
        error_count: i64 = computed(),
    }
}

/// The data source.
pub struct JobsData;

impl DataSource for JobsData {
    type Client = Krony;
    type Model = FoundJobs;
    const NAME: &'static str = "jobs";

    async fn read(&self, context: &Context<Krony>, config: FoundJobs) -> Result<FoundJobs> {
        let metadata = config.metadata.known().into_iter().flat_map(Map::known);
        let filter = dkron::Filter {
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.clone())).collect(),
            text: config.name_contains.known().cloned(),
            disabled: config.disabled.known().copied(),
            status: config.status.known().map(ToString::to_string),
        };
        let client = context.client().require()?;
        let found = client.list(&scope(context), &filter).await;
        let found = found.map_err(|error| problem::question("Jobs could not be listed", &error))?;
        Ok(FoundJobs {
            names: Attr::Known(found.iter().map(|job| job.name.clone()).collect()),
            jobs: Attr::Known(found.iter().map(summary).collect()),
            ..config
        })
    }
}

fn summary(found: &dkron::Job) -> JobSummary {
    JobSummary {
        name: text(&found.name),
        display_name: text(&found.displayname),
        schedule: text(&found.schedule),
        parent_job: text(&found.parent_job),
        timezone: text(&found.timezone),
        owner: text(&found.owner),
        disabled: Attr::Known(found.disabled),
        metadata: map(visible_metadata(found)),
        executor: text(&found.executor),
        next: time(found.next),
        status: text(&found.status),
        success_count: Attr::Known(found.success_count),
        error_count: Attr::Known(found.error_count),
    }
}
