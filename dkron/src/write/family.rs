//! Parents and children. dkron keeps each link twice: as the child's `parent_job`, and in the parent's
//! `dependent_jobs`, which alone makes the child run and keeps the parent from being deleted.
//!
//! The two can fall apart. Whoever writes the parent without the list empties it (up to dkron 4.0.8); a run of
//! the parent may undo the link that a child's write just made, or bring back one that is gone. A name in the
//! list that is no job's keeps the children behind it from running.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::goal::Goal;
use super::{MOST_ROUNDS, after, untouched};
use crate::client::check_name;
use crate::error::{Error, Left, WriteError};
use crate::job::Job;
use crate::operation::Operation;

/// How long a delete waits for the children of the job to go.
const CHILDREN_GO_WITHIN: Duration = Duration::from_secs(30);
const CHILDREN_STEP: Duration = Duration::from_millis(250);

/// Further up than this nobody looks for a cycle; longer chains of jobs are not sensible.
const MOST_ANCESTORS: usize = 64;

impl Operation<'_> {
    /// Refuses a new parent that comes, in however many steps, after the job itself: neither would ever run.
    /// dkron accepts it.
    pub(super) async fn refuse_cycle(&self, job: &Job) -> Result<(), Error> {
        let mut chain = vec![job.name.clone()];
        let mut above = job.parent_job.clone();
        while !above.is_empty() && chain.len() <= MOST_ANCESTORS {
            let ancestor = self.leader_job(&above).await?;
            chain.push(above);
            if chain.last() == chain.first() {
                return Err(Error::Cycle { chain });
            }
            above = ancestor.map(|ancestor| ancestor.parent_job).unwrap_or_default();
        }
        Ok(())
    }

    /// A child that was just created is in its parent's list, unless the parent runs about now.
    pub(super) async fn link_new(&mut self, child: &Job) -> Result<(), WriteError> {
        let now = Timestamp::now();
        let rhythm = self.shared.rhythms.get(&child.parent_job);
        if child.parent_job.is_empty() || rhythm.is_some_and(|rhythm| !rhythm.runs_about(now, now)) {
            return Ok(());
        }
        self.link(child, true).await
    }

    /// Makes the parent list the child, once. `just_written` says that the child has come to this parent just
    /// now, which a run of the parent may undo. Child and parent are held.
    pub(super) async fn link(&mut self, child: &Job, just_written: bool) -> Result<(), WriteError> {
        if child.parent_job.is_empty() {
            return Ok(());
        }
        let left = |cause| WriteError { cause, left: Left::Job(Box::new(child.clone())) };
        let mut may_be_undone = just_written;
        for _ in 0..MOST_ROUNDS {
            let Some(parent) = self.fresh(&child.parent_job).await.map_err(left)? else {
                let (name, parent) = (child.name.clone(), child.parent_job.clone());
                return Err(left(Error::ParentMissing { name, parent }));
            };
            let now = Timestamp::now();
            let runs = self.shared.rhythms.note(&parent).runs_about(now, now);
            let times_listed = parent.dependent_jobs.iter().filter(|name| **name == child.name).count();
            if times_listed == 1 && !(runs && may_be_undone) {
                return Ok(());
            }
            may_be_undone = times_listed != 1;
            if times_listed != 1 {
                self.relink(child).await?;
            }
            if runs {
                self.settle().await.map_err(left)?;
            }
        }
        let (name, fields) = (child.parent_job.clone(), vec!["dependent_jobs"]);
        Err(left(Error::NotStored { name, fields }))
    }

    /// Has the child leave its parent and come back: dkron then writes the link anew. Writing the parent's list
    /// instead would restart the parent's phase and could lose children that come meanwhile, and dkron 4.0.9
    /// ignores it.
    async fn relink(&mut self, child: &Job) -> Result<(), WriteError> {
        let schedule =
            if child.schedule.is_empty() { "@manually".to_owned() } else { child.schedule.clone() };
        let alone = Job { parent_job: String::new(), schedule, disabled: true, ..child.clone() };
        let alone = self.store(Some(child.clone()), Goal::changed(&alone), &mut |_: &Job| {}).await?;
        let back = self.store(Some(alone.clone()), Goal::changed(child), &mut |_: &Job| {}).await;
        back.map(drop).map_err(|error| after(error, alone))
    }

    /// Makes sure that a run of the parent has not brought back the link to a child that left it. Nothing is
    /// held.
    pub(super) async fn unlink(&mut self, parent: &str, child: &str) -> Result<(), Error> {
        if parent.is_empty() {
            return Ok(());
        }
        let rhythms = &self.shared.rhythms;
        let rhythm = match rhythms.get(parent) {
            Some(rhythm) => rhythm,
            None => match self.leader_job(parent).await? {
                Some(parent) => rhythms.note(&parent),
                None => return Ok(()),
            },
        };
        let now = Timestamp::now();
        if !rhythm.runs_about(now, now) {
            return Ok(());
        }
        self.settle().await?;
        let _held = self.hold(parent, &[]).await?;
        match self.fresh(parent).await? {
            Some(found) => self.forget(found, &[child.to_owned()]).await.map_err(|error| error.cause),
            None => Ok(()),
        }
    }

    /// The job, once no other has it as its parent; `None` if it is gone. Nothing is held meanwhile, or its
    /// children could not go.
    pub(super) async fn childless(&mut self, name: &str) -> Result<Option<Job>, WriteError> {
        let mut children = Vec::new();
        let outcome = self.wait_for_children(name, &mut children).await;
        outcome.map_err(|error| match error.cause {
            Error::DeadlineExceeded { .. } if !children.is_empty() => {
                untouched(Error::HasDependents { name: name.to_owned(), dependents: children })
            }
            _ => error,
        })
    }

    /// `children` are those that are known to be there.
    async fn wait_for_children(
        &mut self,
        name: &str,
        children: &mut Vec<String>,
    ) -> Result<Option<Job>, WriteError> {
        let until = Instant::now() + CHILDREN_GO_WITHIN;
        loop {
            let Some(found) = self.fresh(name).await.map_err(untouched)? else { return Ok(None) };
            if found.dependent_jobs.is_empty() {
                return Ok(Some(found));
            }
            while let Some(last) = children.last() {
                if self.is_child(last, name).await.map_err(untouched)? {
                    break;
                }
                children.pop();
            }
            if children.is_empty() {
                let (real, _) = self.told_apart(&found).await.map_err(untouched)?;
                *children = real;
            }
            if children.is_empty() {
                self.forget_ghosts(name).await?;
            } else if Instant::now() >= until {
                let dependents = std::mem::take(children);
                return Err(untouched(Error::HasDependents { name: name.to_owned(), dependents }));
            } else {
                self.pause(CHILDREN_STEP).await.map_err(untouched)?;
            }
        }
    }

    /// Takes out of the job's list what is no child of it, for dkron would never let the job be deleted.
    async fn forget_ghosts(&mut self, name: &str) -> Result<(), WriteError> {
        let _held = self.hold(name, &[]).await.map_err(untouched)?;
        let Some(found) = self.fresh(name).await.map_err(untouched)? else { return Ok(()) };
        let (_, ghosts) = self.told_apart(&found).await.map_err(untouched)?;
        tracing::info!(job = name, ?ghosts, "names in dependent_jobs that are no children");
        self.forget(found, &ghosts).await
    }

    /// Takes names out of the list of a job that is held.
    async fn forget(&mut self, parent: Job, ghosts: &[String]) -> Result<(), WriteError> {
        self.shared.rhythms.note(&parent);
        let name = parent.name.clone();
        let goal = Goal::Unlisted { parent: &name, ghosts };
        self.store(Some(parent), goal, &mut |_: &Job| {}).await.map(drop)
    }

    /// The names in the job's list: those of its children, and those that are none.
    async fn told_apart(&self, parent: &Job) -> Result<(Vec<String>, Vec<String>), Error> {
        let (mut children, mut ghosts) = (Vec::new(), Vec::new());
        for name in &parent.dependent_jobs {
            let side = if self.is_child(name, &parent.name).await? { &mut children } else { &mut ghosts };
            if !side.contains(name) {
                side.push(name.clone());
            }
        }
        Ok((children, ghosts))
    }

    async fn is_child(&self, name: &str, parent: &str) -> Result<bool, Error> {
        if check_name(name).is_err() {
            return Ok(false);
        }
        Ok(self.fresh(name).await?.is_some_and(|job| job.parent_job == parent))
    }
}

#[cfg(test)]
mod tests;
