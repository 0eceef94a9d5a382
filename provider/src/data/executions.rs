//! `data "krony_executions"`.

use tfplugin::{
    context::Context,
    data_source::DataSource,
    diagnostic::Result,
    model,
    model::{Attr, List, Text, TextType},
    resource::expect_known,
};

use super::time;
use crate::{
    client::{Krony, scope},
    full_name, problem,
    text::{JobName, TenantName, one_of, text_or_null},
};

/// How an execution is.
#[derive(Clone)]
pub enum ExecutionStatus {}

impl TextType for ExecutionStatus {
    const NAME: &'static str = "status";
    const ALLOWED: &'static [&'static str] = &["success", "failed", "running"];

    fn check(text: &str) -> std::result::Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

/// How much of what an execution printed is kept, where nothing else is said.
const OUTPUT: u32 = 1024;

model! {
    /// What became of the last runs of a job. dkron remembers 100 executions of it.
    pub struct Executions {
        /// Name of the job.
        job: Text<JobName> = required(),
        /// Tenant of the job; by default the one of the provider block, or none.
        tenant: Text<TenantName> = optional().or_computed(),
        /// Only executions that are so.
        status: Text<ExecutionStatus> = optional(),
        /// At most so many, of those that fit the newest.
        limit: u32 = optional(),
        /// How many bytes are kept of the end of what each printed; 1024 by default, 0 for nothing.
        output_limit: u32 = optional(),
        /// The executions, newest first: one for each attempt of a run on each node.
        executions: List<FoundExecution> = computed(),
    }
}

model! {
    /// An attempt of a run, on a node.
    pub struct FoundExecution {
        /// Name of the execution.
        id: String = computed(),
        /// The run that it belongs to: all its attempts, on all nodes, share it.
        group: String = computed(),
        /// Name of the node.
        node: String = computed(),
        /// 1 for the first attempt, 2 for the first repetition.
        attempt: u32 = computed(),
        /// When it started.
        started_at: String = computed(),
        /// When it ended; null while it goes on.
        finished_at: String = computed(),
        /// Whether it succeeded; false while it goes on.
        success: bool = computed(),
        /// The end of what it printed.
        output: String = computed(),
        /// Whether `output` lacks its beginning.
        output_truncated: bool = computed(),
    }
}

/// The data source.
pub struct ExecutionsData;

impl DataSource for ExecutionsData {
    type Client = Krony;
    type Model = Executions;
    const NAME: &'static str = "executions";

    async fn read(&self, context: &Context<Krony>, config: Executions) -> Result<Executions> {
        let tenant = context.client().tenant_for(&config.tenant)?;
        let name = full_name::compose(tenant.as_deref(), expect_known(&config.job, "job")?).into_owned();
        let output = config.output_limit.known().copied().unwrap_or(OUTPUT);
        let client = context.client().require()?;
        let found = client.executions(&scope(context), &name, bounded(output)).await;
        let found = found
            .map_err(|error| problem::question("Executions could not be read", &error))?
            .ok_or_else(|| problem::no_such_job(&name, "job"))?;
        let status = config.status.known().map(|status| &**status);
        let limit = config.limit.known().map_or(usize::MAX, |limit| bounded(*limit));
        let fitting =
            found.iter().filter(|execution| status.is_none_or(|status| status == status_of(execution)));
        Ok(Executions {
            executions: Attr::Known(fitting.take(limit).map(describe).collect()),
            tenant: tenant.into(),
            ..config
        })
    }
}

fn bounded(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn status_of(execution: &dkron::Execution) -> &'static str {
    match (execution.finished_at, execution.success) {
        (None, _) => "running",
        (Some(_), true) => "success",
        (Some(_), false) => "failed",
    }
}

fn describe(execution: &dkron::Execution) -> FoundExecution {
    FoundExecution {
        id: text_or_null(&execution.id),
        group: Attr::Known(execution.group.to_string()),
        node: text_or_null(&execution.node),
        attempt: Attr::Known(execution.attempt),
        started_at: time(execution.started_at),
        finished_at: time(execution.finished_at),
        success: Attr::Known(execution.success),
        output: text_or_null(&execution.output),
        output_truncated: Attr::Known(execution.output_truncated),
    }
}
