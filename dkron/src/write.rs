//! Writes: look, write, read back until it shows, look again where a run may have undone it.

mod family;
mod goal;
mod remove;
mod store;

use jiff::Timestamp;

use crate::client::check_name;
use crate::error::{Error, Left, WriteError};
use crate::job::Job;
use crate::locks::Hold;
use crate::operation::Operation;
use crate::retry::may_be_applied;
use crate::settle::{Rhythm, SETTLED};
use crate::transport::{Answer, Request};
use goal::Goal;

/// How often a write is repeated that dkron acknowledges and does not show.
const MOST_ROUNDS: u32 = 8;

/// The first dkron that keeps `starts_at`.
const STARTS_AT_SINCE: &str = "dkron 4.0.9";

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
    operation.link_new(&stored).await?;
    drop(held);
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
    let moves = job.parent_job != former_parent;
    if moves {
        operation.refuse_cycle(job).await.map_err(untouched)?;
    }
    let stored = if job.starts_at.is_some() && job.starts_at != found.starts_at {
        operation.update_cautiously(job, found, &mut seen).await?
    } else {
        operation.store(Some(found), Goal::changed(job), &mut seen).await?
    };
    operation.link(&stored, moves).await?;
    drop(held);
    if moves {
        let left = |cause| WriteError { cause, left: Left::Job(Box::new(stored.clone())) };
        operation.unlink(&former_parent, &job.name).await.map_err(left)?;
    }
    Ok(stored)
}

/// Waits until no job has this one as its parent; a child may still come between the look and the delete.
pub(crate) async fn delete(mut operation: Operation<'_>, name: &str) -> Result<(), WriteError> {
    check_name(name).map_err(untouched)?;
    while let Some(found) = operation.childless(name).await? {
        let parent = found.parent_job.clone();
        let held = operation.hold(name, &[&parent]).await.map_err(untouched)?;
        match operation.remove(found).await {
            Err(WriteError { cause: Error::HasDependents { .. }, .. }) => {}
            outcome => {
                drop(held);
                outcome?;
                let left = |cause| WriteError { cause, left: Left::Nothing };
                return operation.unlink(&parent, name).await.map_err(left);
            }
        }
    }
    Ok(())
}

fn drops_starts_at(job: &Job) -> Error {
    Error::Unsupported { name: job.name.clone(), field: "starts_at", needs: STARTS_AT_SINCE }
}

fn untouched(cause: Error) -> WriteError {
    WriteError { cause, left: Left::Untouched }
}

impl Operation<'_> {
    /// Creates a job with a field that the server may drop: disabled at first, so that it cannot run
    /// before the field is known to be kept.
    async fn create_cautiously(
        &mut self,
        job: &Job,
        seen: &mut (impl FnMut(&Job) + Send),
    ) -> Result<Job, WriteError> {
        let trial = Job { disabled: true, ..job.clone() };
        let stored = self.store(None, Goal::created(&trial).on_trial(), seen).await?;
        let trial = stored.clone();
        if stored.starts_at == job.starts_at {
            let enabled = self.store(Some(stored), Goal::changed(job), seen).await;
            return enabled.map_err(|error| after(error, trial));
        }
        self.remove(stored).await.map_err(|error| after(error, trial))?;
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
        let trial = stored.clone();
        if stored.starts_at == job.starts_at {
            let enabled = self.store(Some(stored), Goal::changed(job), seen).await;
            return enabled.map_err(|error| after(error, trial));
        }
        let restored = self.store(Some(stored), Goal::changed(&prior), seen).await;
        let restored = restored.map_err(|error| after(error, trial))?;
        Err(WriteError { cause: drops_starts_at(job), left: Left::Job(Box::new(restored)) })
    }

    /// Lets runs that began before a write have their say: by the end of the pause they have handed
    /// the job to the log, and by the end of the flush it is applied, however busy the disk.
    pub(super) async fn settle(&self) -> Result<(), Error> {
        self.pause(SETTLED).await?;
        if let Err(error) = self.flush_once(self.transport().usual_route()).await {
            // The look that follows finds out what matters.
            tracing::debug!(operation = self.what, %error, "cannot wait for the leader's log");
        }
        Ok(())
    }

    /// Nobody could say what a failed write did.
    pub(super) fn unseen(&self, cause: Error, unseen: &Error) -> WriteError {
        tracing::info!(operation = self.what, error = %unseen, "cannot look at what a failed write did");
        WriteError { cause, left: Left::Unknown }
    }

    pub(super) async fn write_once(&self, request: &Request) -> Result<Answer, Error> {
        self.once(request, self.transport().usual_route()).await
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

/// The second of two writes failed: if it touched nothing, the first one is what is left.
fn after(error: WriteError, first: Job) -> WriteError {
    match error.left {
        Left::Untouched => WriteError { left: Left::Job(Box::new(first)), ..error },
        Left::Job(_) | Left::Nothing | Left::Unknown => error,
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
        Error::Request(failure) | Error::DeadlineExceeded { failure: Some(failure), .. } => {
            may_be_applied(&failure.problem)
        }
        Error::ParentMissing { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
