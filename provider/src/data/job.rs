//! `data "krony_job"`.

use tfplugin::{
    context::Context,
    data_source::DataSource,
    diagnostic::Result,
    model,
    model::{Attr, List, Map, Text},
    resource::expect_known,
};

use super::{map, time};
use crate::{
    client::{Krony, scope},
    full_name,
    job::{Settings, may_be_secret, visible_metadata},
    problem,
    text::{JobName, TenantName, text_or_null},
};

model! {
    /// A job as dkron has it, with what became of its runs.
    pub struct FoundJob {
        /// Name of the job.
        name: Text<JobName> = required(),
        /// Tenant that the job belongs to; by default the one of the provider block, or none.
        tenant: Text<TenantName> = optional().or_computed(),
        /// The same as `full_name`.
        id: String = computed(),
        /// The name of the job in dkron: `name`, or `<tenant>--<name>`.
        full_name: String = computed(),
        /// Name of the job for people.
        display_name: String = computed(),
        /// When the job runs.
        schedule: String = computed(),
        /// Name in dkron of the job after which this one runs.
        parent_job: String = computed(),
        /// Names in dkron of the jobs that run after this one.
        dependent_jobs: List<String> = computed(),
        /// Time zone in which `schedule` is read.
        timezone: String = computed(),
        /// Who is responsible for the job.
        owner: String = computed(),
        /// Where to reach the owner.
        owner_email: String = computed(),
        /// Whether the job is kept from running.
        disabled: bool = computed(),
        /// Which nodes run the job.
        tags: Map<String> = computed(),
        /// Labels of the job.
        metadata: Map<String> = computed(),
        /// How often a failed run is repeated.
        retries: u32 = computed(),
        /// What happens when a run is due while the last one goes on: `allow` or `forbid`.
        concurrency: String = computed(),
        /// Settings of each processor.
        processors: Map<Map<String>> = computed(),
        /// Whether dkron deletes the job after its first successful run.
        ephemeral: bool = computed(),
        /// When the job stops running.
        expires_at: String = computed(),
        /// When the job starts running.
        starts_at: String = computed(),
        /// What the job does.
        executor: FoundExecutor = computed(),
        /// When the job runs next, as dkron computed it last; dkron ignores `timezone` here.
        next: String = computed(),
        /// How the last run ended: `success`, `failed`, `partially_failed`, or null before the first one.
        status: String = computed(),
        /// Successful runs so far.
        success_count: i64 = computed(),
        /// Failed runs so far.
        error_count: i64 = computed(),
        /// When a run succeeded last.
        last_success: String = computed(),
        /// When a run failed last.
        last_error: String = computed(),
    }
}

model! {
    /// An executor plugin and its settings.
    pub struct FoundExecutor {
        /// Name of the plugin.
        name: String = computed(),
        /// Settings of the plugin, but for those that may be secret.
        config: Map<String> = computed(),
        /// Settings of the plugin that may be secret.
        sensitive_config: Map<String> = computed().sensitive(),
    }
}

/// The data source.
pub struct JobData;

impl DataSource for JobData {
    type Client = Krony;
    type Model = FoundJob;
    const NAME: &'static str = "job";

    async fn read(&self, context: &Context<Krony>, config: FoundJob) -> Result<FoundJob> {
        let tenant = context.client().tenant_for(&config.tenant)?;
        let name = expect_known(&config.name, "name")?;
        let full_name = full_name::compose(tenant.as_deref(), name);
        let client = context.client().require()?;
        let found = client
            .read(&scope(context), &full_name, |_| false)
            .await
            .map_err(|error| problem::read(&full_name, &error))?
            .ok_or_else(|| problem::no_such_job(&full_name, "name"))?;
        Ok(FoundJob { name: config.name, tenant: tenant.into(), ..describe(&found) })
    }
}

fn describe(found: &dkron::Job) -> FoundJob {
    let (sensitive, plain): (Settings, Settings) =
        found.executor_config.clone().into_iter().partition(|(key, value)| may_be_secret(key, value));
    let processors = found
        .processors
        .iter()
        .map(|(name, settings)| (name.clone(), settings.clone().into_iter().collect()));
    FoundJob {
        id: text_or_null(&found.name),
        full_name: text_or_null(&found.name),
        display_name: text_or_null(&found.displayname),
        schedule: text_or_null(&found.schedule),
        parent_job: text_or_null(&found.parent_job),
        dependent_jobs: Attr::Known(found.dependent_jobs.iter().cloned().collect()),
        timezone: text_or_null(&found.timezone),
        owner: text_or_null(&found.owner),
        owner_email: text_or_null(&found.owner_email),
        disabled: Attr::Known(found.disabled),
        tags: map(found.tags.clone()),
        metadata: map(visible_metadata(found)),
        retries: Attr::Known(found.retries),
        concurrency: text_or_null(&found.concurrency),
        processors: map(processors),
        ephemeral: Attr::Known(found.ephemeral),
        expires_at: time(found.expires_at),
        starts_at: time(found.starts_at),
        executor: Attr::Known(FoundExecutor {
            name: text_or_null(&found.executor),
            config: map(plain),
            sensitive_config: map(sensitive),
        }),
        next: time(found.next),
        status: text_or_null(&found.status),
        success_count: Attr::Known(found.success_count),
        error_count: Attr::Known(found.error_count),
        last_success: time(found.last_success),
        last_error: time(found.last_error),
        ..FoundJob::default()
    }
}
