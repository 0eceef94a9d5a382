//! `action "krony_job_run"`.

use std::{pin::pin, time::Duration};

use dkron::{Execution, Run};
use tfplugin::{
    action::{Action, ActionContext},
    diagnostic::{Diagnostic, Result},
    model,
    model::Text,
    resource::expect_known,
};
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at},
};

use crate::{
    client::{Krony, scope},
    full_name, problem,
    text::{self, JobName, TenantName, positive_duration},
};

/// How often the user hears of a run that goes on.
const STILL_RUNNING: Duration = Duration::from_secs(10);

/// How much of the output of a failed execution is shown: its end.
const SHOWN_LINES: usize = 20;

model! {
    /// Runs a job now, and waits until the run has ended, repetitions included.
    ///
    /// dkron runs it whatever its schedule says, but not while it is `disabled`. Where the wait ends first, by `timeout`
    /// or because Terraform is stopped, the run goes on.
    pub struct JobRunConfig {
        /// Name of the job.
        job: Text<JobName> = required(),
        /// Tenant of the job; by default the one of the provider block, or none.
        tenant: Text<TenantName> = optional(),
        /// How long to wait for the end of the run; 20 minutes by default.
        timeout: Text<text::Duration> = optional(),
        /// Whether a run that fails is an error, which stops what comes after it; true by default. If not, it is a warning.
        fail_on_error: bool = optional(),
    }
}

/// The action.
pub struct JobRun;

impl Action for JobRun {
    type Client = Krony;
    type Config = JobRunConfig;
    const NAME: &'static str = "job_run";

    fn timeout(&self, config: &JobRunConfig) -> Duration {
        let written = config.timeout.known().and_then(|timeout| positive_duration(timeout).ok());
        written.unwrap_or(Duration::from_secs(20 * 60))
    }

    async fn invoke(&self, context: &ActionContext<Krony>, config: JobRunConfig) -> Result<()> {
        let tenant = context.client().tenant_for(&config.tenant)?;
        let name = full_name::compose(tenant.as_deref(), expect_known(&config.job, "job")?).into_owned();
        let began = Instant::now();
        let run = watched(context, &name).await?;
        let seconds = began.elapsed().as_secs();
        if run.succeeded() {
            let gone = if run.job_deleted { ", and dkron deleted it, because it is ephemeral" } else { "" };
            context.progress(format!("Job {name:?} succeeded after {seconds} s{gone}")).await;
            return Ok(());
        }
        context.progress(format!("Job {name:?} failed after {seconds} s")).await;
        let (summary, detail) = (format!("Job {name:?} failed"), failure(&run));
        if config.fail_on_error.known() == Some(&false) {
            context.warn(Diagnostic::warning(summary, detail));
            return Ok(());
        }
        Err(Diagnostic::error(summary, detail).into())
    }
}

/// Runs the job, and tells what happens meanwhile.
async fn watched(context: &ActionContext<Krony>, name: &str) -> Result<Run> {
    let client = context.client().require()?;
    let scope = scope(context);
    let (news, mut seen) = mpsc::unbounded_channel();
    // Nobody listens any more when the run has ended.
    let mut running = pin!(client.run(&scope, name, |run| drop(news.send(run.clone()))));
    let began = Instant::now();
    let mut still_running = interval_at(began + STILL_RUNNING, STILL_RUNNING);
    let mut place = String::new();
    context.progress(format!("Running job {name:?}")).await;
    loop {
        tokio::select! {
            biased;
            ended = &mut running => return ended.map_err(|error| problem::run(name, &error)),
            Some(run) = seen.recv() => {
                place = describe(&run);
                context.progress(format!("Job {name:?} runs {place}")).await;
            }
            now = still_running.tick() => {
                let seconds = (now - began).as_secs();
                let told = format!("Job {name:?} still runs after {seconds} s {place}");
                context.progress(told.trim_end().to_owned()).await;
            }
        }
    }
}

/// Where a run goes on, or has ended: `on node "n1" (attempt 2)`.
fn describe(run: &Run) -> String {
    let places = run.last_attempts().map(|last| {
        let attempt = if last.attempt > 1 { format!(", attempt {}", last.attempt) } else { String::new() };
        let state = match (last.finished_at, last.success) {
            (None, _) => "",
            (Some(_), true) => ", succeeded",
            (Some(_), false) => ", failed",
        };
        format!("on node {:?}{attempt}{state}", last.node)
    });
    places.collect::<Vec<_>>().join("; ")
}

/// What the nodes on which a run failed had to say.
fn failure(run: &Run) -> String {
    let failed = run.last_attempts().filter(|last| !last.success);
    let told = failed.map(|last| {
        let attempts = if last.attempt > 1 { format!(" {} times", last.attempt) } else { String::new() };
        let output = end_of(last);
        if output.is_empty() {
            format!("It failed{attempts} on node {:?} and printed nothing.", last.node)
        } else {
            format!("It failed{attempts} on node {:?}, and printed at last:\n\n{output}", last.node)
        }
    });
    told.collect::<Vec<_>>().join("\n\n")
}

/// The last lines of an output, behind its first one: there dkron says how the command ended.
fn end_of(execution: &Execution) -> String {
    let lines: Vec<_> = execution.output.trim().lines().collect();
    let hidden = lines.len().saturating_sub(SHOWN_LINES);
    let mut shown = lines[hidden..].to_vec();
    if hidden > 0 {
        shown.insert(0, "…");
    }
    if hidden > 0 && !execution.output_truncated {
        shown.insert(0, lines[0]);
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests;
