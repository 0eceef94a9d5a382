//! A run by hand: started once, watched to its end.
//!
//! dkron answers the request when the run has ended, retries included, and does not say how. The
//! request is not repeated once dkron may have it, for that would be another run. How the run ended is
//! told by the executions of the job; they also tell when the answer does not arrive because the leader
//! died or a proxy in between lost its patience.

mod error;

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::Error;
use crate::executions::Execution;
use crate::job::Job;
use crate::operation::Operation;
use crate::query::Member;
use crate::retry::may_be_applied;
use crate::scope::Scope;
use crate::transport::{Answer, Request};

pub use error::RunError;

/// How often a run is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long the executions of a run may take to show.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// dkron repeats a failed execution within this time (half a second for each attempt and each doubling
/// of the time since the start).
const REPEATED_WITHIN: Duration = Duration::from_secs(20);

/// How many bytes are kept of what an execution printed.
const OUTPUT: usize = 4096;

/// A run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its executions, newest first: one for each node and attempt. Empty only if dkron deleted an
    /// ephemeral job, and all memory of it, before they were seen.
    pub executions: Vec<Execution>,
    /// Whether dkron deleted the job after the run, as it does with an ephemeral one that succeeded.
    pub job_deleted: bool,
}

impl Run {
    /// The last attempt on each node, by name of the node.
    pub fn last_attempts(&self) -> impl Iterator<Item = &Execution> {
        let mut last: BTreeMap<&str, &Execution> = BTreeMap::new();
        for execution in &self.executions {
            let found = last.entry(&execution.node).or_insert(execution);
            if execution.attempt > found.attempt {
                *found = execution;
            }
        }
        last.into_values()
    }

    /// Whether the run succeeded: its last attempt on every node did.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.job_deleted || self.last_attempts().all(|execution| execution.success)
    }

    fn is_finished(&self) -> bool {
        self.executions.iter().all(|execution| execution.finished_at.is_some())
    }

    /// Whether a failed execution may be repeated.
    fn may_be_repeated(&self, retries: u32) -> bool {
        self.last_attempts().any(|execution| !execution.success && execution.attempt <= retries)
    }
}

impl Client {
    /// Runs a job now, once, and waits for the end of the run, repetitions included. dkron does so
    /// whatever the job's schedule, `concurrency` and `expires_at` say.
    ///
    /// `progress` is called whenever the run shows something new: a node, another attempt, an end.
    ///
    /// Only the scope limits the wait. When it ends first, the run goes on in dkron: nothing stops it.
    ///
    /// Of several runs that begin in the same moment, the one nearest to the request is taken for the one
    /// that was asked for; clocks that differ by more than the time between two runs mislead it.
    ///
    /// # Errors
    /// See [`RunError`]. That the run failed is none: ask [`Run::succeeded`].
    pub async fn run(
        &self,
        scope: &Scope,
        name: &str,
        progress: impl FnMut(&Run) + Send,
    ) -> Result<Run, RunError> {
        let absent = || RunError::Missing { name: name.to_owned() };
        let job = self.read(scope, name, |_| false).await?.ok_or_else(absent)?;
        let operation = self.operation(scope, format!("run job {name:?}"));
        let known = self.executions(scope, name, 0).await?.ok_or_else(absent)?;
        let known = known.into_iter().map(|execution| execution.group).collect();
        let mut watch =
            Watch { operation: &operation, job: &job, known, sent: Timestamp::now(), run: None, progress };
        let answer = tokio::select! {
            answer = ask(&operation, name) => answer,
            never = watch.go_on() => match never {},
        };
        match answer {
            Ok(answer) if answer.status == 404 => Err(self.refusal(&operation, &job).await?),
            Ok(_) => watch.end(self).await,
            Err(error) if is_in_doubt(&error) => watch.follow(self, error).await,
            Err(cause @ (Error::Cancelled { .. } | Error::DeadlineExceeded { .. })) => Err(watch.lost(cause)),
            Err(error) => Err(error.into()),
        }
    }

    /// Why dkron does not run a job: its 404 has no text.
    async fn refusal(&self, operation: &Operation<'_>, job: &Job) -> Result<RunError, Error> {
        let name = job.name.clone();
        let Some(job) = self.read(&operation.scope, &name, |_| false).await? else {
            return Ok(RunError::Missing { name });
        };
        // What has a parent is not looked for in the scheduler, and runs all the same.
        if job.disabled && job.parent_job.is_empty() {
            return Ok(RunError::Disabled { name });
        }
        let members = self.members(&operation.scope).await?;
        Ok(match unfit(&job.tags, &members) {
            Some(why) => RunError::NoNode { name, why },
            None => RunError::Refused { name },
        })
    }
}

/// Sends the request, and again only if it did not reach dkron.
async fn ask(operation: &Operation<'_>, name: &str) -> Result<Answer, Error> {
    let request = Request { lasting: true, ..Request::new(Method::POST, ["jobs", name, "run"]) };
    let mut patience = operation.patience();
    loop {
        match operation.once(&request, operation.transport().usual_route()).await {
            Err(error) if !is_in_doubt(&error) => operation.wait_to_retry(&mut patience, error).await?,
            outcome => return outcome,
        }
    }
}

/// Whether dkron may run the job although the request failed.
fn is_in_doubt(error: &Error) -> bool {
    matches!(error, Error::Request(failure) if may_be_applied(&failure.problem))
}

/// Why no node runs a job with these tags, if that is so: each tag must be one of a node that is alive, and
/// the smallest number behind a colon says how many of them run it.
fn unfit(tags: &BTreeMap<String, String>, members: &[Member]) -> Option<String> {
    let runs_nowhere = |(_, value): &(&String, &String)| match value.split(':').collect::<Vec<_>>()[..] {
        [_, count] => !count.parse().is_ok_and(|count: i64| count > 0),
        _ => false,
    };
    if let Some((tag, value)) = tags.iter().find(runs_nowhere) {
        return Some(format!(
            "its tag {tag} = {value:?} asks for no node: write a number above 0 behind the colon"
        ));
    }
    let has = |member: &Member, tag: &String, value: &String| {
        member.tags.get(tag).map(String::as_str) == value.split(':').next()
    };
    let fits = |member: &&Member| {
        member.status == "alive" && tags.iter().all(|(tag, value)| has(member, tag, value))
    };
    if members.iter().any(|member| fits(&member)) {
        return None;
    }
    let wanted: Vec<_> = tags.iter().map(|(tag, value)| format!("{tag} = {value:?}")).collect();
    Some(format!("no node that is alive has its tags ({})", wanted.join(", ")))
}

/// A run that was asked for.
struct Watch<'a, P> {
    operation: &'a Operation<'a>,
    job: &'a Job,
    /// The runs that were there before.
    known: HashSet<i64>,
    sent: Timestamp,
    /// The run as it was seen last.
    run: Option<Run>,
    progress: P,
}

/// What a look found of the job.
#[derive(PartialEq, Eq)]
enum Found {
    Job,
    Nothing,
}

impl<P: FnMut(&Run) + Send> Watch<'_, P> {
    /// Looks at the run while dkron's answer is waited for.
    async fn go_on(&mut self) -> Infallible {
        loop {
            tokio::time::sleep(LOOK).await;
            // The answer decides, and what is asked after it; this is for `progress`.
            if let Err(error) = self.look(|_| true).await {
                tracing::debug!(%error, "cannot look at a run");
            }
        }
    }

    /// Looks for the run among those that `fit`.
    async fn look(&mut self, fit: impl Fn(&Run) -> bool) -> Result<Found, Error> {
        let Some(mut executions) = self.operation.executions(&self.job.name, OUTPUT).await? else {
            return Ok(Found::Nothing);
        };
        executions.retain(|execution| !self.known.contains(&execution.group));
        let mut runs: BTreeMap<i64, Run> = BTreeMap::new();
        for execution in executions {
            let run = Run { executions: Vec::new(), job_deleted: false };
            runs.entry(execution.group).or_insert(run).executions.push(execution);
        }
        let distance = |group: i64| (i128::from(group) - self.sent.as_nanosecond()).unsigned_abs();
        let nearest = runs.into_iter().filter(|(_, run)| fit(run)).min_by_key(|(group, _)| distance(*group));
        if let Some((_, run)) = nearest.filter(|(_, run)| self.run.as_ref() != Some(run)) {
            (self.progress)(&run);
            self.run = Some(run);
        }
        Ok(Found::Job)
    }

    /// A look whose "nothing" is proven.
    async fn look_closely(&mut self, client: &Client, fit: impl Fn(&Run) -> bool) -> Result<Found, RunError> {
        let found = self.look(fit).await.map_err(|cause| self.lost(cause))?;
        if found == Found::Job {
            return Ok(Found::Job);
        }
        let job = client.read(&self.operation.scope, &self.job.name, |_| false).await;
        let job = job.map_err(|cause| self.lost(cause))?;
        Ok(if job.is_some() { Found::Job } else { Found::Nothing })
    }

    /// The run after dkron said that it ended.
    async fn end(mut self, client: &Client) -> Result<Run, RunError> {
        let until = Instant::now() + SHOWN_WITHIN;
        loop {
            let found = self.look_closely(client, Run::is_finished).await?;
            if found == Found::Nothing && self.job.ephemeral {
                return Ok(self.with_job_deleted());
            }
            if let Some(run) = self.run.take_if(|run| run.is_finished()) {
                return Ok(run);
            }
            if found == Found::Nothing || Instant::now() >= until {
                return Err(RunError::NotRecorded { name: self.job.name.clone() });
            }
            self.pause().await?;
        }
    }

    /// The run of an ephemeral job that is gone.
    fn with_job_deleted(self) -> Run {
        Run { executions: self.run.map(|run| run.executions).unwrap_or_default(), job_deleted: true }
    }

    /// The run after a request that failed without a word on whether it was heard.
    async fn follow(mut self, client: &Client, cause: Error) -> Result<Run, RunError> {
        let asked = Instant::now();
        let mut finished = None;
        loop {
            match self.look_closely(client, |_| true).await? {
                Found::Job => {}
                Found::Nothing if self.job.ephemeral => return Ok(self.with_job_deleted()),
                Found::Nothing => return Err(self.lost(cause)),
            }
            match &self.run {
                None if asked.elapsed() >= SHOWN_WITHIN => return Err(self.lost(cause)),
                Some(run) if run.is_finished() => {
                    let since = *finished.get_or_insert_with(Instant::now);
                    if !run.may_be_repeated(self.job.retries) || since.elapsed() >= REPEATED_WITHIN {
                        return Ok(run.clone());
                    }
                }
                _ => finished = None,
            }
            self.pause().await?;
        }
    }

    async fn pause(&mut self) -> Result<(), RunError> {
        self.operation.pause(LOOK).await.map_err(|cause| self.lost(cause))
    }

    /// The end of the wait, not of the run.
    fn lost(&self, cause: Error) -> RunError {
        RunError::Lost { cause, run: self.run.clone() }
    }
}

#[cfg(test)]
mod tests;
