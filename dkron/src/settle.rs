//! Does a run of the job start so near to a write that it may undo it?
//!
//! dkron's scheduler reads the job, notes the next run in it and stores the whole job again; a write in
//! between is lost (measured: 0.5 % of the updates of jobs that run every second). The run reads and
//! stores within milliseconds, so only runs that start around the write matter, and only those of the
//! schedule that was stored before. A run of a child does not store it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use schedule::{Schedule, TimeZoneName};

use crate::job::Job;

/// How far from the write a run may start: what the clocks may differ, and what the two may take.
const NEAR: SignedDuration = SignedDuration::from_secs(2);

/// How long after the write it is looked at again: a run that started before it has stored the job by
/// then.
pub(crate) const SETTLED: Duration = Duration::from_millis(500);

/// When a stored job runs, as far as that is known.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    name: String,
    schedule: String,
    timezone: String,
    /// Disabled jobs and children are not the scheduler's.
    scheduled: bool,
    next: Option<Timestamp>,
}

impl Rhythm {
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            name: job.name.clone(),
            schedule: job.schedule.clone(),
            timezone: job.timezone.clone(),
            scheduled: !job.disabled && job.parent_job.is_empty(),
            next: job.next,
        }
    }

    /// Whether a run may start about the time of a write, from its beginning to its end; true where
    /// nobody can tell.
    pub(crate) fn runs_about(&self, begun: Timestamp, done: Timestamp) -> bool {
        let half = begun.duration_until(done) / 2;
        let middle = begun.saturating_add(half).unwrap_or(done);
        self.scheduled && self.runs_near(middle, half.abs() + NEAR)
    }

    fn runs_near(&self, moment: Timestamp, margin: SignedDuration) -> bool {
        // dkron itself shows the next run; it knows the zone of the server's clock, in which schedules
        // without a zone are read.
        let shown = self.next.is_some_and(|next| moment.duration_until(next).abs() <= margin);
        shown || self.schedule_runs_near(moment, margin)
    }

    fn schedule_runs_near(&self, moment: Timestamp, margin: SignedDuration) -> bool {
        let Ok(schedule) = self.schedule.parse::<Schedule>() else { return true };
        let Ok(schedule) = schedule.for_job(&self.name, &self.zone()) else { return true };
        match schedule.delay() {
            Some(delay) => self.repeats_near(delay, moment, margin),
            None => schedule.may_run_near(moment, margin.unsigned_abs()),
        }
    }

    /// The phase of `@every` begins anew with each write and each new leader, so it is not known. But
    /// when a run starts, dkron notes the next one, and nothing brings it forward after that: until
    /// then no run is due, and the last one was a delay before, if it was at all (measured on dkron 4.0.5:
    /// of 90 runs between writes and toggles at random, none came before the noted time). A time that has
    /// passed tells nothing, for a write delays the run and leaves the note.
    fn repeats_near(&self, delay: SignedDuration, moment: Timestamp, margin: SignedDuration) -> bool {
        let Some(next) = self.next else { return true };
        let until_next = moment.duration_until(next);
        until_next <= margin || until_next >= delay - margin
    }

    /// A zone that this machine does not know is as good as none.
    fn zone(&self) -> TimeZoneName {
        self.timezone.parse().unwrap_or_else(|_| TimeZoneName::utc())
    }
}

/// Rhythms of parents, fetched once: a run of the parent may undo the link that a child's write made.
#[derive(Debug, Default)]
pub(crate) struct Rhythms {
    by_name: Mutex<HashMap<String, Rhythm>>,
}

impl Rhythms {
    pub(crate) fn get(&self, name: &str) -> Option<Rhythm> {
        self.by_name().get(name).cloned()
    }

    pub(crate) fn note(&self, job: &Job) -> Rhythm {
        let rhythm = Rhythm::of(job);
        self.by_name().insert(job.name.clone(), rhythm.clone());
        rhythm
    }

    pub(crate) fn forget(&self, name: &str) {
        self.by_name().remove(name);
    }

    fn by_name(&self) -> MutexGuard<'_, HashMap<String, Rhythm>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
