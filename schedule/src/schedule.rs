//! A schedule as a user writes it.

use std::fmt;
use std::str::FromStr;

use crate::describe;
use crate::error::ScheduleError;
use crate::field::{Field, FieldSet};
use crate::hash;
use crate::job::JobSchedule;
use crate::rule::{Body, Layout, Rule};
use crate::zone::TimeZoneName;

/// Longer texts with `~` are not tried with every name.
const LONGEST_TRIED: usize = 1024;

/// A schedule that dkron accepts, kept as it was written.
///
/// (dkron takes a job with a parent without any schedule; nothing is no `Schedule`.)
///
/// Two schedules are equal when their texts are. A text with `~` parses when dkron accepts it for the job of at
/// least one name (or when it is longer than 1 KiB, which would take long to find out); whether it does for a given
/// one is what [`for_job`](Self::for_job) tells.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schedule(String);

impl Schedule {
    /// The schedule as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the times depend on the job's name, that is, whether there is a `~` that dkron replaces.
    pub fn is_hashed(&self) -> bool {
        hash::expand(&self.0, 0) != self.0
    }

    /// The schedule as it runs for the job of this name, with this `timezone` (the default where it has none).
    ///
    /// # Errors
    ///
    /// For a schedule with `~` only: when the numbers made from the name make it one that dkron refuses.
    pub fn for_job(&self, name: &str, timezone: &TimeZoneName) -> Result<JobSchedule, ScheduleError> {
        let text = hash::expand(&self.0, hash::name_sum(name)).into_owned();
        match Rule::parse(&text) {
            Ok((prefix, rule)) => Ok(JobSchedule::new(text, rule, prefix, timezone.clone())),
            Err(error) => Err(self.wrong_when_hashed(Some(name), text, error)),
        }
    }

    /// When it runs, in plain English and without a full stop: `every 5 minutes`, `at 03:00:00 on Monday`.
    ///
    /// A `~` stays a `~` here; [`JobSchedule::describe`] has the numbers.
    pub fn describe(&self) -> String {
        self.describe_in(&TimeZoneName::default())
    }

    /// Likewise, for a job with this `timezone`, which is named where it counts: `at 03:00:00 every day
    /// (Europe/Berlin)`.
    pub fn describe_in(&self, timezone: &TimeZoneName) -> String {
        let own = timezone.reaching(&self.0);
        match (Rule::parse(&self.0), Layout::of(&self.0)) {
            (Ok((prefix, rule)), _) => describe::rule(&rule, prefix.as_ref().or(own)),
            (Err(_), Ok(Layout { zone: prefix, body: Body::Fields(fields) })) => {
                describe::hashed(fields, prefix.as_ref().or(own))
            }
            (Err(_), _) => "at times that depend on the job's name".to_owned(),
        }
    }

    fn wrong_when_hashed(&self, job: Option<&str>, expanded: String, error: ScheduleError) -> ScheduleError {
        let spaced = self.0.contains("  ");
        let hint =
            if spaced { "; dkron counts fields by single spaces: write one between two fields" } else { "" };
        ScheduleError::Hash { job: job.map(str::to_owned), expanded, error: Box::new(error), hint }
    }

    /// Accepts a schedule with `~` that is right for the job of at least one name.
    fn check_for_some_name(&self) -> Result<(), ScheduleError> {
        check_fields_without_hash(&self.0)?;
        if self.0.len() > LONGEST_TRIED {
            return Ok(());
        }
        let attempt = |sum| {
            let text = hash::expand(&self.0, sum).into_owned();
            Rule::parse(&text).map_err(|error| self.wrong_when_hashed(None, text, error))
        };
        (1..=hash::PERIOD).map(attempt).find(Result::is_ok).unwrap_or_else(|| attempt(1)).map(drop)
    }
}

/// What is wrong whatever the job's name, so that it is said in the user's own text.
fn check_fields_without_hash(text: &str) -> Result<(), ScheduleError> {
    if let Body::Fields(fields) = Layout::of(text)?.body {
        for (field, text) in Field::ALL.into_iter().zip(fields).filter(|(_, text)| !hash::is_in(text)) {
            FieldSet::parse(field, text)?;
        }
    }
    Ok(())
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let schedule = Self(text.to_owned());
        if schedule.is_hashed() {
            schedule.check_for_some_name()?;
        } else {
            Rule::parse(text)?;
        }
        Ok(schedule)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
