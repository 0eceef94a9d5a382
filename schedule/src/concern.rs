//! What dkron accepts without a word although it is hardly what was meant.

use jiff::{SignedDuration, Timestamp};

use crate::duration;
use crate::error::shortened;

/// Something about a job's schedule that deserves a warning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Concern {
    /// The fields fit no date and time at all.
    #[error(
        "`{}` never runs: {}", shortened(schedule),
        if *empty_field { "one of its fields names no value" } else { "no month that it names has such a day" }
    )]
    NeverRuns {
        /// The schedule, with numbers in place of `~`.
        schedule: String,
        /// Whether a field without values (a lone comma) is the reason, and not an impossible date.
        empty_field: bool,
    },
    /// The time behind `@at` is over.
    #[error("the job never runs by itself: {at} is in the past")]
    InPast {
        /// The time behind `@at`.
        at: Timestamp,
    },
    /// A delay below one second, which dkron raises.
    #[error("`@every` knows no delay below one second: dkron turns {} into 1s", duration::format(*written))]
    RaisedToOneSecond {
        /// The delay as it was written, possibly zero or negative.
        written: SignedDuration,
    },
    /// A delay with a fraction of a second, which dkron drops.
    #[error(
        "`@every` counts whole seconds: dkron turns {} into {}",
        duration::format(*written),
        duration::format(*becomes)
    )]
    CutToSeconds {
        /// The delay as it was written.
        written: SignedDuration,
        /// What is left of it.
        becomes: SignedDuration,
    },
    /// The job's time zone does not reach a schedule that starts with `@`.
    #[error(
        "the time zone {timezone} has no effect on `{}`: {}", shortened(schedule),
        if *zone_matters {
            format!(
                "dkron reads it in the zone of the server's clock; write `TZ={timezone} {}`", shortened(schedule)
            )
        } else {
            "it does not depend on a time zone".to_owned()
        }
    )]
    TimeZoneWithoutEffect {
        /// The job's time zone, or that of the schedule's own prefix.
        timezone: String,
        /// The schedule.
        schedule: String,
        /// Whether a time zone would change when the job runs.
        zone_matters: bool,
    },
    /// The schedule's prefix beats the job's time zone.
    #[error("the time zone {timezone} has no effect: the schedule itself names {prefix}")]
    TimeZoneOverridden {
        /// The job's time zone.
        timezone: String,
        /// The zone behind `TZ=` or `CRON_TZ=`.
        prefix: String,
    },
}
