//! dkron's schedule grammar: what it accepts, when a job then runs, and what that is in English.
//!
//! dkron 4.0.5 reads a schedule with robfig/cron v3 and additions of its own. This crate accepts exactly the same
//! texts and finds exactly the same times, around changes of daylight saving time too:
//!
//! - six fields, `second minute hour day-of-month month day-of-week`, of `*`, `?`, numbers, names (`MON`, `jan`),
//!   ranges (`1-5`), steps (`*/10`, `5/10`) and lists of those; a day must fit both day fields if one of them is
//!   `*`, otherwise either;
//! - `~` in a field: a number made from the job's name, so that jobs spread over time;
//! - `TZ=Europe/Berlin ` or `CRON_TZ=Europe/Berlin ` in front of the fields or of a descriptor;
//! - `@yearly` (or `@annually`), `@monthly`, `@weekly`, `@daily` (or `@midnight`), `@hourly`, `@minutely`, `@manually`;
//! - `@every 1h30m` with a [Go duration](duration), `@at 2030-01-01T00:00:00Z`.
//!
//! Nothing here reads a clock, a file or the environment; the time zone database is compiled in.
//!
//! ```
//! use jiff::Timestamp;
//! use schedule::{Schedule, TimeZoneName};
//!
//! let schedule: Schedule = "0 30 3 * * MON-FRI".parse()?;
//! assert_eq!(schedule.describe(), "at 03:30:00 on Monday to Friday");
//!
//! let berlin: TimeZoneName = "Europe/Berlin".parse()?;
//! let job = schedule.for_job("backup", &berlin)?;
//! let friday: Timestamp = "2026-03-27T12:00:00Z".parse()?;
//! let runs: Vec<_> = job.upcoming(friday).take(2).map(|run| run.to_string()).collect();
//! assert_eq!(runs, ["2026-03-30T01:30:00Z", "2026-03-31T01:30:00Z"]);
//!
//! let error = "*/5 * * * *".parse::<Schedule>().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "5 fields found; dkron wants 6: second minute hour day-of-month month day-of-week; \
//!      put a second in front: `0 */5 * * * *`"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A text becomes times in this order: `hash` puts numbers in place of `~`, `rule` cuts and reads what comes out
//! (with `field`, `date`, `duration` and `zone`), `cron` searches the next time that fits, on a `clock`.

mod clock;
mod concern;
mod cron;
mod date;
mod describe;
pub mod duration;
mod error;
mod field;
mod hash;
mod job;
mod rule;
mod schedule;
mod zone;

pub use concern::Concern;
pub use error::{FieldError, ScheduleError};
pub use field::Field;
pub use job::JobSchedule;
pub use schedule::Schedule;
pub use zone::{TimeZoneError, TimeZoneName};
