//! Deleting a job until the leader shows it no more.

use jiff::Timestamp;
use reqwest::Method;

use super::goal::{Sent, left};
use super::{MOST_ROUNDS, may_be_undone, perhaps_applied, untouched};
use crate::error::{Error, Problem, WriteError};
use crate::job::Job;
use crate::operation::Operation;
use crate::transport::Request;

impl Operation<'_> {
    /// Deletes a job that has no dependents; `found` is how it was seen last.
    pub(super) async fn remove(&mut self, mut found: Job) -> Result<(), WriteError> {
        let name = found.name.clone();
        let mut sent = Sent::default();
        let mut patience = self.patience();
        let mut rounds = 0;
        loop {
            if let Some(cause) = self.not_removable(&found, rounds) {
                return Err(WriteError { cause, left: sent.left(Some(found)) });
            }
            self.fall_out_of_step(&patience).await;
            let begun = Timestamp::now();
            let looked = match self.send_delete(&name).await {
                Ok(()) => {
                    sent = Sent { perhaps: true, surely: true };
                    patience.restore();
                    rounds += 1;
                    self.look_after_delete(&name, may_be_undone(&found, begun)).await
                }
                Err(cause) => {
                    let unsettled = perhaps_applied(&cause) && may_be_undone(&found, begun);
                    sent.perhaps |= perhaps_applied(&cause);
                    match self.wait_to_retry(&mut patience, cause).await {
                        Ok(()) => self.look_after_failed_delete(&name, unsettled).await,
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
        (rounds == MOST_ROUNDS).then(|| Error::StillThere { name })
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

    /// What there is after a delete that failed and may have been applied all the same.
    async fn look_after_failed_delete(&self, name: &str, may_be_undone: bool) -> Result<Option<Job>, Error> {
        let stored = self.fresh(name).await?;
        if stored.is_some() || !may_be_undone {
            return Ok(stored);
        }
        self.settle().await?;
        self.fresh(name).await
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
}
