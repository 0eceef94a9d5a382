//! Writing a job until the leader shows it.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;

use super::goal::{Goal, Sent, Step, left};
use super::{MOST_ROUNDS, may_be_undone, perhaps_applied, untouched};
use crate::error::{Error, Left, Problem, WriteError};
use crate::job::Job;
use crate::operation::Operation;
use crate::transport::{Body, Request};

/// How long a leader gets to show a write that it acknowledged; it shows it at once (measured).
const SHOWN_AFTER: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(20), Duration::from_millis(60), Duration::from_millis(150)];

impl Operation<'_> {
    /// Writes until the leader shows the goal. `looked` is what a fresh look showed, if there was one.
    pub(super) async fn store(
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
        // A write that may have been applied, and that a run may still undo.
        let mut unsettled = false;
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
                Step::Done(stored) if unsettled => {
                    seen(&stored);
                    unsettled = false;
                    self.settle().await.map_err(|cause| WriteError { cause, left: Left::Job(stored) })?;
                    continue;
                }
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
            self.fall_out_of_step(&patience).await;
            let begun = Timestamp::now();
            if let Err(cause) = self.post(&written).await {
                unsettled |= perhaps_applied(&cause)
                    && found.as_ref().is_some_and(|before| may_be_undone(before, begun));
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
            unsettled = false;
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

    /// Sends the whole job. dkron says that a parent is missing even if it is the one that an orphan leaves:
    /// the change is stored then, but neither scheduled nor listed with the new parent. Sent once more, it is
    /// accepted (measured on dkron 4.0.5). A job without a parent that gets such an answer met a node in
    /// trouble.
    async fn post(&mut self, job: &Job) -> Result<(), Error> {
        let request = Request { body: Some(Body::of(job)), ..Request::new(Method::POST, ["jobs"]) };
        self.begin_write()?;
        let mut answer = self.write_once(&request).await?;
        if answer.status == 404 {
            self.begin_write()?;
            answer = self.write_once(&request).await?;
        }
        match answer.status {
            404 if job.parent_job.is_empty() => Err(self.failure(&request, &answer, Problem::Unavailable)),
            404 => Err(Error::ParentMissing { name: job.name.clone(), parent: job.parent_job.clone() }),
            _ => Ok(()),
        }
    }
}
