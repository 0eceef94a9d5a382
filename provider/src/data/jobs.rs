//! `data "krony_jobs"`.

use tfplugin::{
    context::Context,
    data_source::DataSource,
    diagnostic::Result,
    model,
    model::{Attr, List, Map, Text},
};

use super::{map, time};
use crate::{
    client::Krony,
    job::{owner, visible_metadata},
    selection::{Selection, Status},
    text::{TenantName, text_or_null},
};

model! {
    /// The jobs that dkron has, sorted by name; all of them, or those that fit every filter that is set.
    pub struct FoundJobs {
        /// Tenant of the jobs; by default the one of the provider block. Without one, the jobs of all tenants are found.
        tenant: Text<TenantName> = optional().or_computed(),
        /// Text that the name in dkron or the display name contains, in the same letter case.
        name_contains: String = optional(),
        /// Labels that a job has.
        metadata: Map<String> = optional(),
        /// How the last run of a job ended; `untriggered` before the first one.
        status: Text<Status> = optional(),
        /// Whether a job is kept from running.
        disabled: bool = optional(),
        /// The names of the jobs: within the tenant where there is one, else in dkron.
        names: List<String> = computed(),
        /// The jobs.
        jobs: List<JobSummary> = computed(),
    }
}

model! {
    /// A job in short.
    pub struct JobSummary {
        /// Name of the job in dkron.
        full_name: String = computed(),
        /// Tenant that the job belongs to, as its metadata says.
        tenant: String = computed(),
        /// Name of the job, within its tenant if it has one.
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
        let tenant = context.client().tenant_for(&config.tenant)?;
        let selection = Selection {
            tenant: tenant.clone(),
            name_contains: config.name_contains.known(),
            metadata: config.metadata.known(),
            status: config.status.known(),
            disabled: config.disabled.known().copied(),
        };
        let found = selection.find(context).await?;
        let name = |found: &dkron::Job| match &tenant {
            Some(_) => owner(found).1.to_owned(),
            None => found.name.clone(),
        };
        Ok(FoundJobs {
            names: Attr::Known(found.iter().map(name).collect()),
            jobs: Attr::Known(found.iter().map(summary).collect()),
            tenant: tenant.into(),
            ..config
        })
    }
}

fn summary(found: &dkron::Job) -> JobSummary {
    let (tenant, name) = owner(found);
    JobSummary {
        full_name: text_or_null(&found.name),
        tenant: tenant.map(str::to_owned).into(),
        name: text_or_null(name),
        display_name: text_or_null(&found.displayname),
        schedule: text_or_null(&found.schedule),
        parent_job: text_or_null(&found.parent_job),
        timezone: text_or_null(&found.timezone),
        owner: text_or_null(&found.owner),
        disabled: Attr::Known(found.disabled),
        metadata: map(visible_metadata(found)),
        executor: text_or_null(&found.executor),
        next: time(found.next),
        status: text_or_null(&found.status),
        success_count: Attr::Known(found.success_count),
        error_count: Attr::Known(found.error_count),
    }
}
