//! Writes: look, write, read back until it shows, look again where a run may have undone it.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use tokio::time::Instant;

use crate::client::check_name;
use crate::error::{Error, Left, Problem, WriteError};
use crate::job::Job;
use crate::locks::Hold;
use crate::operation::{Operation, job_request};
use crate::retry::may_be_applied;
use crate::settle::{Rhythm, SETTLED};
use crate::transport::{Answer, Body, Request, Route};
use crate::trust::Trust;

/// How often a write is repeated that dkron acknowledges and does not show.
const MOST_ROUNDS: u32 = 8;

/// How long a leader gets to show a write that it acknowledged; it shows it at once (measured).
const SHOWN_AFTER: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(60), Duration::from_millis(150)];

/// How long a delete waits for the dependents of the job to go.
const DEPENDENTS_GO_WITHIN: Duration = Duration::from_secs(30);
const DEPENDENTS_STEP: Duration = Duration::from_millis(250);

/// The first dkron that keeps `starts_at`.
const STARTS_AT_SINCE: &str = "dkron 4.0.9";

/// How often a write looks again before it admits that it cannot be sure.
const MOST_LOOKS: u32 = 20;

/// What to do about what is there.
enum Step {
    /// It is as it should be.
    Done(Box<Job>),
    /// This is to be written.
    Write(Box<Job>),
    /// It must not be touched.
    Refuse(Error),
}

/// What the writes so far may have done.
#[derive(Clone, Copy, Default)]
struct Sent {
    /// A write may have been applied.
    perhaps: bool,
    /// A write was acknowledged.
    surely: bool,
}

impl Sent {
    /// What is left behind when `found` was seen after the last write.
    fn left(self, found: Option<Job>) -> Left {
        if self.perhaps { left(found) } else { Left::Untouched }
    }

    /// What is left behind when nobody can be asked.
    fn left_unseen(self) -> Left {
        if self.perhaps { Left::Unknown } else { Left::Untouched }
    }
}

/// What is to come about.
#[derive(Clone, Copy)]
enum Goal<'a> {
    /// dkron has this job.
    Stored {
        job: &'a Job,
        /// It must not exist before.
        new: bool,
        /// `starts_at` need not be kept: that is what is to be found out.
        on_trial: bool,
    },
    /// The parent lists the child among its dependents.
    Linked { parent: &'a str, child: &'a str },
}

impl<'a> Goal<'a> {
    fn created(job: &'a Job) -> Self {
        Self::Stored { job, new: true, on_trial: false }
    }

    fn changed(job: &'a Job) -> Self {
        Self::Stored { job, new: false, on_trial: false }
    }

    fn on_trial(self) -> Self {
        match self {
            Self::Stored { job, new, .. } => Self::Stored { job, new, on_trial: true },
            linked @ Self::Linked { .. } => linked,
        }
    }

    /// Name of the job that is written.
    fn name(&self) -> &'a str {
        match self {
            Self::Stored { job, .. } => &job.name,
            Self::Linked { parent, .. } => parent,
        }
    }

    /// The fields in which what is stored misses the goal.
    fn missed(&self, stored: &Job) -> Vec<&'static str> {
        match self {
            Self::Stored { job, on_trial, .. } => {
                let mut fields = stored.differences(job);
                fields.retain(|field| !on_trial || *field != "starts_at");
                fields
            }
            Self::Linked { child, .. } if stored.dependent_jobs.iter().any(|name| name == child) => {
                Vec::new()
            }
            Self::Linked { .. } => vec!["dependent_jobs"],
        }
    }

    fn is_met(&self, stored: &Job) -> bool {
        self.missed(stored).is_empty()
    }

    /// What to do about what is there, given what the writes so far may have done.
    fn next(&self, found: Option<&Job>, sent: Sent) -> Step {
        match (*self, found) {
            // It ran, succeeded and is gone: it has done its work.
            (Self::Stored { job, .. }, None) if job.ephemeral && sent.surely => {
                Step::Done(Box::new(job.clone()))
            }
            (Self::Stored { job, new: true, .. }, None) => Step::Write(Box::new(job.clone())),
            (_, None) => Step::Refuse(Error::Missing { name: self.name().to_owned() }),
            // Somebody else's, unless a write of ours may have been applied and it is just that.
            (Self::Stored { new: true, .. }, Some(found))
                if !(sent.surely || sent.perhaps && self.is_met(found)) =>
            {
                Step::Refuse(Error::AlreadyExists { job: Box::new(found.clone()) })
            }
            (_, Some(found)) if self.is_met(found) => Step::Done(Box::new(found.clone())),
            (Self::Stored { job, .. }, Some(found)) => Step::Write(Box::new(onto(job, found))),
            (Self::Linked { child, .. }, Some(found)) => {
                let mut parent = found.clone();
                parent.dependent_jobs.push(child.to_owned());
                Step::Write(Box::new(parent))
            }
        }
    }
}

pub(crate) async fn create(
    mut operation: Operation<'_>,
    job: &Job,
    mut seen: impl FnMut(&Job) + Send,
) -> Result<Job, WriteError> {
    check_name(&job.name).map_err(untouched)?;
    let held = operation.hold(&job.name, &[&job.parent_job]).await.map_err(untouched)?;
    let stored = if job.starts_at.is_some() {
        operation.create_cautiously(job, &mut seen).await?
    } else {
        operation.store(None, Goal::created(job), &mut seen).await?
    };
    drop(held);
    operation.mend_link(&stored).await?;
    Ok(stored)
}

pub(crate) async fn update(
    mut operation: Operation<'_>,
    job: &Job,
    mut seen: impl FnMut(&Job) + Send,
) -> Result<Job, WriteError> {
    check_name(&job.name).map_err(untouched)?;
    let (held, found) = operation.hold_with_parents(job).await.map_err(untouched)?;
    let Some(found) = found else {
        return Err(WriteError { cause: Error::Missing { name: job.name.clone() }, left: Left::Nothing });
    };
    let job = &job.with_reserved_metadata(&found);
    let former_parent = found.parent_job.clone();
    let stored = if job.starts_at.is_some() && job.starts_at != found.starts_at {
        operation.update_cautiously(job, found, &mut seen).await?
    } else {
        operation.store(Some(found), Goal::changed(job), &mut seen).await?
    };
    drop(held);
    if stored.parent_job != former_parent {
        operation.mend_link(&stored).await?;
    }
    Ok(stored)
}

/// Dependents are waited for without holding anything, or they could not go.
pub(crate) async fn delete(mut operation: Operation<'_>, name: &str) -> Result<(), WriteError> {
    check_name(name).map_err(untouched)?;
    let mut patient_until = None;
    loop {
        let Some(found) = operation.fresh(name).await.map_err(untouched)? else { return Ok(()) };
        if found.dependent_jobs.is_empty() {
            let held = operation.hold(name, &[&found.parent_job]).await.map_err(untouched)?;
            match operation.remove(found).await {
                Err(WriteError { cause: Error::HasDependents { .. }, .. }) => {}
                outcome => return outcome,
            }
            drop(held);
        } else {
            let until = *patient_until.get_or_insert_with(|| Instant::now() + DEPENDENTS_GO_WITHIN);
            if Instant::now() >= until {
                let dependents = found.dependent_jobs;
                return Err(untouched(Error::HasDependents { name: name.to_owned(), dependents }));
            }
            operation.pause(DEPENDENTS_STEP).await.map_err(untouched)?;
        }
    }
}

/// What is to be sent so that `found` becomes `job`: the server's own list of dependents and fields
/// unknown to this crate stay.
fn onto(job: &Job, found: &Job) -> Job {
    Job { dependent_jobs: found.dependent_jobs.clone(), unknown: found.unknown.clone(), ..job.clone() }
}

fn drops_starts_at(job: &Job) -> Error {
    Error::Unsupported { name: job.name.clone(), field: "starts_at", needs: STARTS_AT_SINCE }
}

fn untouched(cause: Error) -> WriteError {
    WriteError { cause, left: Left::Untouched }
}

fn left(found: Option<Job>) -> Left {
    found.map_or(Left::Nothing, |job| Left::Job(Box::new(job)))
}

impl Operation<'_> {
    /// Writes until the leader shows the goal. `looked` is what a fresh look showed, if there was one.
    async fn store(
        &mut self,
        looked: Option<Job>,
        goal: Goal<'_>,
        seen: &mut (impl FnMut(&Job) + Send),
    ) -> Result<Job, WriteError> {
        let name = goal.name();
        let mut looked = match looked {
            Some(found) => Some(Some(found)),
            None => Some(self.glance(name).await.map_err(untouched)?),
        };
        let mut sent = Sent::default();
        let mut patience = self.patience();
        let mut rounds = 0;
        loop {
            let found = match looked.take() {
                Some(found) => found,
                None => {
                    let fresh = self.fresh(name).await;
                    fresh.map_err(|cause| WriteError { cause, left: sent.left_unseen() })?
                }
            };
            let written = match goal.next(found.as_ref(), sent) {
                Step::Write(written) => written,
                Step::Refuse(cause) => return Err(WriteError { cause, left: sent.left(found) }),
                Step::Done(stored) => {
                    seen(&stored);
                    return Ok(*stored);
                }
            };
            if rounds == MOST_ROUNDS {
                let fields = found.as_ref().map(|found| goal.missed(found)).unwrap_or_default();
                let cause = Error::NotStored { name: name.to_owned(), fields };
                return Err(WriteError { cause, left: sent.left(found) });
            }
            let begun = Timestamp::now();
            if let Err(cause) = self.post(&written).await {
                let before = if perhaps_applied(&cause) { None } else { Some(sent.left(found)) };
                sent.perhaps |= before.is_none();
                if let Err(cause) = self.wait_to_retry(&mut patience, cause).await {
                    return match before {
                        Some(left) => Err(WriteError { cause, left }),
                        None => self.verdict(cause, goal, seen).await,
                    };
                }
                continue;
            }
            self.shared.rhythms.forget(name);
            sent = Sent { perhaps: true, surely: true };
            patience.restore();
            rounds += 1;
            let may_be_undone = found.as_ref().is_some_and(|before| may_be_undone(before, begun));
            let shown = self.read_back(may_be_undone, goal, seen).await;
            // It was acknowledged: it is there, although nobody shows it now.
            let (stored, shows) = shown.map_err(|cause| WriteError { cause, left: Left::Job(written) })?;
            match stored {
                Some(stored) if shows => return Ok(stored),
                stored => looked = Some(stored),
            }
        }
    }

    /// What the leader shows after an acknowledged write, and whether that is the goal: at once, and
    /// once more after a while if a run may have undone it.
    async fn read_back(
        &self,
        may_be_undone: bool,
        goal: Goal<'_>,
        seen: &mut (impl FnMut(&Job) + Send),
    ) -> Result<(Option<Job>, bool), Error> {
        let mut stored = None;
        for delay in SHOWN_AFTER {
            self.pause(delay).await?;
            stored = self.leader_job(goal.name()).await?;
            if stored.as_ref().is_some_and(|stored| goal.is_met(stored)) {
                break;
            }
        }
        let Some(shown) = stored.as_ref().filter(|stored| goal.is_met(stored)) else {
            return Ok((stored, false));
        };
        seen(shown);
        if !may_be_undone {
            return Ok((stored, true));
        }
        self.settle().await?;
        let settled = self.leader_job(goal.name()).await?;
        let shows = settled.as_ref().is_some_and(|settled| goal.is_met(settled));
        Ok((settled, shows))
    }

    /// The last look after giving up: the write may have been applied all the same.
    async fn verdict(
        &mut self,
        cause: Error,
        goal: Goal<'_>,
        seen: &mut (impl FnMut(&Job) + Send),
    ) -> Result<Job, WriteError> {
        self.hurry();
        match self.fresh(goal.name()).await {
            Ok(Some(found)) if goal.is_met(&found) => {
                seen(&found);
                Ok(found)
            }
            Ok(found) => Err(WriteError { cause, left: left(found) }),
            Err(unseen) => Err(self.unseen(cause, &unseen)),
        }
    }

    /// Creates a job with a field that the server may drop: disabled at first, so that it cannot run
    /// before the field is known to be kept.
    async fn create_cautiously(
        &mut self,
        job: &Job,
        seen: &mut (impl FnMut(&Job) + Send),
    ) -> Result<Job, WriteError> {
        let trial = Job { disabled: true, ..job.clone() };
        let stored = self.store(None, Goal::created(&trial).on_trial(), seen).await?;
        if stored.starts_at == job.starts_at {
            return self.store(Some(stored), Goal::changed(job), seen).await;
        }
        self.remove(stored).await?;
        Err(WriteError { cause: drops_starts_at(job), left: Left::Nothing })
    }

    /// Likewise for a job that exists; it is restored if the field is dropped.
    async fn update_cautiously(
        &mut self,
        job: &Job,
        prior: Job,
        seen: &mut (impl FnMut(&Job) + Send),
    ) -> Result<Job, WriteError> {
        let trial = Job { disabled: true, ..job.clone() };
        let stored = self.store(Some(prior.clone()), Goal::changed(&trial).on_trial(), seen).await?;
        if stored.starts_at == job.starts_at {
            return self.store(Some(stored), Goal::changed(job), seen).await;
        }
        let restored = self.store(Some(stored), Goal::changed(&prior), seen).await?;
        Err(WriteError { cause: drops_starts_at(job), left: Left::Job(Box::new(restored)) })
    }

    /// A run of the parent that started before its child was written may have undone the parent's list
    /// of dependents, and the child would never run: the parent is looked at again and mended.
    async fn mend_link(&mut self, child: &Job) -> Result<(), WriteError> {
        if child.parent_job.is_empty() {
            return Ok(());
        }
        self.try_to_mend_link(child).await.map_err(|cause| {
            let left = Left::Job(Box::new(child.clone()));
            WriteError { cause, left }
        })
    }

    async fn try_to_mend_link(&mut self, child: &Job) -> Result<(), Error> {
        let rhythms = &self.shared.rhythms;
        let rhythm = match rhythms.get(&child.parent_job) {
            Some(rhythm) => rhythm,
            None => match self.leader_job(&child.parent_job).await? {
                Some(parent) => rhythms.note(&parent),
                None => return Ok(()),
            },
        };
        let now = Timestamp::now();
        if !rhythm.runs_about(now, now) {
            return Ok(());
        }
        self.settle().await?;
        let _held = self.hold(&child.parent_job, &[]).await?;
        let Some(parent) = self.fresh(&child.parent_job).await? else { return Ok(()) };
        rhythms.note(&parent);
        let goal = Goal::Linked { parent: &child.parent_job, child: &child.name };
        let mended = self.store(Some(parent), goal, &mut |_: &Job| {}).await;
        mended.map(drop).map_err(|error| error.cause)
    }

    /// Deletes a job that has no dependents; `found` is how it was seen last.
    async fn remove(&mut self, mut found: Job) -> Result<(), WriteError> {
        let name = found.name.clone();
        let mut sent = Sent::default();
        let mut patience = self.patience();
        let mut rounds = 0;
        loop {
            if let Some(cause) = self.not_removable(&found, rounds) {
                return Err(WriteError { cause, left: sent.left(Some(found)) });
            }
            let begun = Timestamp::now();
            let looked = match self.send_delete(&name).await {
                Ok(()) => {
                    sent = Sent { perhaps: true, surely: true };
                    patience.restore();
                    rounds += 1;
                    self.look_after_delete(&name, may_be_undone(&found, begun)).await
                }
                Err(cause) => {
                    sent.perhaps |= perhaps_applied(&cause);
                    match self.wait_to_retry(&mut patience, cause).await {
                        Ok(()) => self.fresh(&name).await,
                        Err(cause) => return self.verdict_on_delete(cause, &name, sent).await,
                    }
                }
            };
            match looked.map_err(|cause| WriteError { cause, left: sent.left_unseen() })? {
                Some(still_there) => found = still_there,
                None => return Ok(()),
            }
        }
    }

    fn not_removable(&self, found: &Job, rounds: u32) -> Option<Error> {
        let name = found.name.clone();
        if !found.dependent_jobs.is_empty() {
            return Some(Error::HasDependents { name, dependents: found.dependent_jobs.clone() });
        }
        (rounds == MOST_ROUNDS).then(|| Error::NotStored { name, fields: Vec::new() })
    }

    /// What the leader shows after it acknowledged a delete.
    async fn look_after_delete(&self, name: &str, may_be_undone: bool) -> Result<Option<Job>, Error> {
        let stored = self.leader_job(name).await?;
        if stored.is_some() || !may_be_undone {
            return Ok(stored);
        }
        self.settle().await?;
        self.leader_job(name).await
    }

    /// Lets runs that began before a write have their say: by the end of the pause they have handed
    /// the job to the log, and by the end of the flush it is applied, however busy the disk.
    async fn settle(&self) -> Result<(), Error> {
        self.pause(SETTLED).await?;
        if let Err(error) = self.flush().await {
            // The look that follows finds out what matters.
            tracing::debug!(operation = self.what, %error, "cannot wait for the leader's log");
        }
        Ok(())
    }

    async fn verdict_on_delete(&mut self, cause: Error, name: &str, sent: Sent) -> Result<(), WriteError> {
        if !sent.perhaps {
            return Err(untouched(cause));
        }
        self.hurry();
        match self.fresh(name).await {
            Ok(None) => Ok(()),
            Ok(found) => Err(WriteError { cause, left: left(found) }),
            Err(unseen) => Err(self.unseen(cause, &unseen)),
        }
    }

    /// Nobody could say what a failed write did.
    fn unseen(&self, cause: Error, unseen: &Error) -> WriteError {
        tracing::info!(operation = self.what, error = %unseen, "cannot look at what a failed write did");
        WriteError { cause, left: Left::Unknown }
    }

    /// What is stored under this name, as a write may rely on it: from a leader that has caught up,
    /// and that still leads if it shows nothing.
    async fn fresh(&self, name: &str) -> Result<Option<Job>, Error> {
        self.look(name, Trust::proves_absence).await
    }

    /// Likewise before a job is created, but without asking who leads after each "nothing": a node that
    /// is shutting down says so wrongly, and takes no write either.
    async fn glance(&self, name: &str) -> Result<Option<Job>, Error> {
        self.look(name, Trust::vouches).await
    }

    async fn look(&self, name: &str, absent: fn(&Trust, &Answer) -> bool) -> Result<Option<Job>, Error> {
        let trust = &self.shared.trust;
        for _ in 0..MOST_LOOKS {
            self.catch_up_by_barrier().await?;
            let answer = self.leader_answer(&job_request(name)).await?;
            let job = self.job(name, &answer)?;
            let believed = if job.is_some() { Trust::vouches } else { absent };
            if believed(trust, &answer) {
                return Ok(job);
            }
            self.leader_since(answer.received).await?;
            if believed(trust, &answer) {
                return Ok(job);
            }
        }
        let doubt = "the cluster keeps changing its leader".to_owned();
        Err(Error::Unproven { operation: self.what.clone(), doubt })
    }

    /// Sends the whole job once.
    async fn post(&mut self, job: &Job) -> Result<(), Error> {
        self.begin_write()?;
        let request = Request { body: Some(Body::of(job)), ..Request::new(Method::POST, ["jobs"]) };
        let answer = self.write_once(&request).await?;
        if answer.status == 404 {
            return Err(Error::ParentMissing { name: job.name.clone(), parent: job.parent_job.clone() });
        }
        Ok(())
    }

    /// Sends the delete once. dkron answers 404 to every failure, and even to some successes: the
    /// caller must look.
    async fn send_delete(&mut self, name: &str) -> Result<(), Error> {
        self.begin_write()?;
        let request = Request::new(Method::DELETE, ["jobs", name]);
        let answer = self.write_once(&request).await?;
        if answer.status == 404 {
            return Err(self.failure(&request, &answer, Problem::Unavailable));
        }
        Ok(())
    }

    async fn write_once(&self, request: &Request) -> Result<Answer, Error> {
        self.once(request, Route { endpoint: self.transport().preferred(), fresh: false }).await
    }

    async fn hold(&self, name: &str, parents: &[&str]) -> Result<Vec<Hold>, Error> {
        self.scope.bound(&self.what, self.shared.locks.hold(name, parents)).await
    }

    /// Holds the job, its parent-to-be and its parent so far, which a look tells.
    async fn hold_with_parents(&self, job: &Job) -> Result<(Vec<Hold>, Option<Job>), Error> {
        let mut former = String::new();
        loop {
            let held = self.hold(&job.name, &[&job.parent_job, &former]).await?;
            let found = self.fresh(&job.name).await?;
            match &found {
                Some(found) if found.parent_job != job.parent_job && found.parent_job != former => {
                    former.clone_from(&found.parent_job);
                }
                _ => return Ok((held, found)),
            }
        }
    }
}

/// Whether a run of the job as it was may undo the write that was begun then and is done now.
fn may_be_undone(before: &Job, begun: Timestamp) -> bool {
    Rhythm::of(before).runs_about(begun, Timestamp::now())
}

/// Whether a write that failed like this may have been applied. A missing parent is reported even for
/// an orphan whose change was stored (measured).
fn perhaps_applied(error: &Error) -> bool {
    match error {
        Error::Request(failure) => may_be_applied(&failure.problem),
        Error::ParentMissing { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
