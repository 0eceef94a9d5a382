//! What a write is to bring about, and the next step on the way there.

use std::collections::BTreeSet;

use crate::error::{Error, Left};
use crate::job::Job;

/// What to do about what is there.
pub(super) enum Step {
    /// It is as it should be.
    Done(Box<Job>),
    /// This is to be written.
    Write(Box<Job>),
    /// It must not be touched.
    Refuse(Error),
}

/// What the writes so far may have done.
#[derive(Clone, Copy, Default)]
pub(super) struct Sent {
    /// A write may have been applied.
    pub(super) perhaps: bool,
    /// A write was acknowledged.
    pub(super) surely: bool,
}

impl Sent {
    /// What is left behind when `found` was seen after the last write.
    pub(super) fn left(self, found: Option<Job>) -> Left {
        if self.perhaps { left(found) } else { Left::Untouched }
    }

    /// What is left behind when nobody can be asked.
    pub(super) fn left_unseen(self) -> Left {
        if self.perhaps { Left::Unknown } else { Left::Untouched }
    }
}

/// What is to come about.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a> {
    /// dkron has this job.
    Stored {
        job: &'a Job,
        /// It must not exist before.
        new: bool,
        /// `starts_at` need not be kept: that is what is to be found out.
        on_trial: bool,
    },
    /// The parent lists none of these among its dependents.
    Unlisted { parent: &'a str, ghosts: &'a [String] },
}

impl<'a> Goal<'a> {
    pub(super) fn created(job: &'a Job) -> Self {
        Self::Stored { job, new: true, on_trial: false }
    }

    pub(super) fn changed(job: &'a Job) -> Self {
        Self::Stored { job, new: false, on_trial: false }
    }

    pub(super) fn on_trial(self) -> Self {
        match self {
            Self::Stored { job, new, .. } => Self::Stored { job, new, on_trial: true },
            unlisted @ Self::Unlisted { .. } => unlisted,
        }
    }

    /// Name of the job that is written.
    pub(super) fn name(&self) -> &'a str {
        match self {
            Self::Stored { job, .. } => &job.name,
            Self::Unlisted { parent, .. } => parent,
        }
    }

    /// The fields in which what is stored misses the goal.
    pub(super) fn missed(&self, stored: &Job) -> Vec<&'static str> {
        match self {
            Self::Stored { job, on_trial, .. } => {
                let mut fields = stored.differences(job);
                fields.retain(|field| !on_trial || *field != "starts_at");
                fields
            }
            Self::Unlisted { ghosts, .. }
                if stored.dependent_jobs.iter().any(|name| ghosts.contains(name)) =>
            {
                vec!["dependent_jobs"]
            }
            Self::Unlisted { .. } => Vec::new(),
        }
    }

    pub(super) fn is_met(&self, stored: &Job) -> bool {
        self.missed(stored).is_empty()
    }

    /// What to do about what is there, given what the writes so far may have done.
    pub(super) fn next(&self, found: Option<&Job>, sent: Sent) -> Step {
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
            (Self::Unlisted { ghosts, .. }, Some(found)) => {
                let mut parent = found.clone();
                parent.dependent_jobs.retain(|name| !ghosts.contains(name));
                Step::Write(Box::new(parent))
            }
        }
    }
}

/// What is to be sent so that `found` becomes `job`: the server's own list of dependents and fields
/// unknown to this crate stay. A child that is listed twice would run twice.
fn onto(job: &Job, found: &Job) -> Job {
    let mut listed = BTreeSet::new();
    let mut dependent_jobs = found.dependent_jobs.clone();
    dependent_jobs.retain(|name| listed.insert(name.clone()));
    Job { dependent_jobs, unknown: found.unknown.clone(), ..job.clone() }
}

/// What is left behind, as it was seen.
pub(super) fn left(found: Option<Job>) -> Left {
    found.map_or(Left::Nothing, |job| Left::Job(Box::new(job)))
}
