//! A schedule as it runs for one job.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::concern::Concern;
use crate::cron::Cron;
use crate::describe;
use crate::rule::{Rule, effective_delay};
use crate::zone::TimeZoneName;

/// A schedule as it runs for one job: every `~` is a number, and the time zone is settled.
#[derive(Debug, Clone)]
pub struct JobSchedule {
    /// With numbers in place of `~`.
    text: String,
    rule: Rule,
    /// The zone of the schedule's own prefix.
    prefix: Option<TimeZoneName>,
    /// The job's own.
    timezone: TimeZoneName,
    server_zone: TimeZone,
}

impl JobSchedule {
    pub(crate) fn new(
        text: String,
        rule: Rule,
        prefix: Option<TimeZoneName>,
        timezone: TimeZoneName,
    ) -> Self {
        Self { text, rule, prefix, timezone, server_zone: TimeZone::UTC }
    }

    /// Says in which zone the dkron server's own clock runs. It counts where neither the job nor its schedule
    /// names a zone, and for descriptors such as `@daily` without a prefix. Until this is called it is UTC, as in
    /// dkron's container image.
    #[must_use]
    pub fn on_server_in(self, zone: TimeZone) -> Self {
        Self { server_zone: zone, ..self }
    }

    /// The first run after an instant, always later than it; none where dkron finds none, which for six fields
    /// means: not within this calendar year and the next five.
    ///
    /// `@every` has no fixed times: its next run is counted from `after`, as dkron counts from when it took the
    /// job, or from the last run.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let second = floor_second(after);
        match self.rule {
            Rule::Cron(cron) => Timestamp::from_second(cron.next_after(second, self.zone())?).ok(),
            Rule::Every(written) => {
                Timestamp::from_second(second.checked_add(effective_delay(written).as_secs())?).ok()
            }
            Rule::At(at) => (at > after).then_some(at),
            Rule::Manually => None,
        }
    }

    /// All runs after an instant, in order.
    pub fn upcoming(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
    }

    /// Whether a run may start closer to an instant than `margin`.
    ///
    /// `@every` always answers yes: its runs are counted from a moment that the schedule does not tell.
    pub fn may_run_near(&self, instant: Timestamp, margin: Duration) -> bool {
        if let Rule::Every(_) = self.rule {
            return true;
        }
        let start = instant.saturating_sub(margin).unwrap_or(Timestamp::MIN);
        let end = instant.saturating_add(margin).unwrap_or(Timestamp::MAX);
        self.next_after(start).is_some_and(|run| run < end)
    }

    /// The delay between two runs of `@every`, as dkron keeps it: whole seconds, one at least. None for all other
    /// schedules.
    pub fn delay(&self) -> Option<SignedDuration> {
        match self.rule {
            Rule::Every(written) => Some(effective_delay(written)),
            Rule::Cron(_) | Rule::At(_) | Rule::Manually => None,
        }
    }

    /// What deserves a warning, seen at `now`.
    pub fn concerns(&self, now: Timestamp) -> Vec<Concern> {
        self.concern_about_time(now).into_iter().chain(self.concern_about_zone()).collect()
    }

    fn concern_about_time(&self, now: Timestamp) -> Option<Concern> {
        match self.rule {
            Rule::Cron(cron) if cron.never_runs() => {
                Some(Concern::NeverRuns { schedule: self.text.clone(), empty_field: cron.has_empty_field() })
            }
            Rule::At(at) if at <= now => Some(Concern::InPast { at }),
            Rule::Every(written) if written < SignedDuration::from_secs(1) => {
                Some(Concern::RaisedToOneSecond { written })
            }
            Rule::Every(written) if written.subsec_nanos() != 0 => {
                Some(Concern::CutToSeconds { written, becomes: effective_delay(written) })
            }
            Rule::Cron(_) | Rule::Every(_) | Rule::At(_) | Rule::Manually => None,
        }
    }

    fn concern_about_zone(&self) -> Option<Concern> {
        let own = Some(&self.timezone).filter(|zone| !zone.as_str().is_empty());
        let without_effect = |zone: &TimeZoneName| Concern::TimeZoneWithoutEffect {
            timezone: zone.to_string(),
            schedule: self.text.clone(),
            zone_matters: matches!(self.rule, Rule::Cron(cron) if cron != Cron::minutely()),
        };
        match (&self.prefix, own, self.rule) {
            (Some(prefix), _, Rule::Every(_)) => Some(without_effect(prefix)),
            (Some(prefix), Some(own), _) if prefix != own => {
                Some(Concern::TimeZoneOverridden { timezone: own.to_string(), prefix: prefix.to_string() })
            }
            (None, Some(own), _) if self.text.starts_with('@') && own.time_zone().is_some() => {
                Some(without_effect(own))
            }
            _ => None,
        }
    }

    /// When the job runs, in plain English. See [`Schedule::describe_in`](crate::Schedule::describe_in).
    pub fn describe(&self) -> String {
        describe::rule(&self.rule, self.named_zone())
    }

    /// The zone in which six fields are read.
    fn zone(&self) -> &TimeZone {
        self.named_zone().and_then(TimeZoneName::time_zone).unwrap_or(&self.server_zone)
    }

    fn named_zone(&self) -> Option<&TimeZoneName> {
        self.prefix.as_ref().or_else(|| self.timezone.reaching(&self.text))
    }
}

/// The last full second at or before an instant, since 1970.
fn floor_second(instant: Timestamp) -> i64 {
    // jiff counts towards 1970, so that earlier instants have negative fractions.
    instant.as_second() - i64::from(instant.subsec_nanosecond() < 0)
}

#[cfg(test)]
mod tests;
