//! `schedule_next` and `schedule_describe`.

use schedule::{Schedule, TimeZoneName};
use tfplugin::{
    diagnostic::{Diagnostic, Result},
    function::Function,
    model,
    model::{Attr, List, Text},
    path::Path,
    resource::expect_known,
};

use crate::text::{Instant, JobName, ScheduleText, TimeZone, instant, sentence};

/// So many times say more than anybody reads, and take no time to find.
const MOST_TIMES: u32 = 1000;

model! {
    /// The next times at which a job runs.
    ///
    /// They are the times at which dkron runs it, also where clocks change for daylight saving time. The list has fewer
    /// than `count` times where the schedule ends, and none where it never comes due: `@manually`, an impossible date such
    /// as February 30, an `@at` that is over. `@every` counts from `after`, as dkron counts from when it took the job.
    ///
    /// What names no time zone is read in UTC, as dkron does where the clock of its node is set so.
    pub struct ScheduleNextArguments {
        /// The schedule, in dkron's dialect.
        schedule: Text<ScheduleText> = required(),
        /// The time zone of the job. It counts neither where `schedule` names one (`TZ=Europe/Berlin @daily`) nor for what
        /// begins with `@`, as in dkron.
        timezone: Text<TimeZone> = optional(),
        /// The time after which to look, such as `plantimestamp()`. A run at this very time is not listed.
        after: Text<Instant> = required(),
        /// How many times, 1 to 1000.
        count: u32 = required(),
        /// The name of the job in dkron, its `full_name`. A schedule with `~` needs it; others do not.
        name: List<Text<JobName>> = optional(),
    }
}

/// The function.
pub struct ScheduleNext;

impl Function for ScheduleNext {
    type Arguments = ScheduleNextArguments;
    type Output = List<String>;
    const NAME: &'static str = "schedule_next";
    const VARIADIC: bool = true;

    fn call(&self, arguments: ScheduleNextArguments) -> Result<List<String>> {
        let schedule = schedule(&arguments.schedule)?;
        let timezone = timezone(arguments.timezone.known(), &Path::attribute("timezone"))?;
        let after = instant(expect_known(&arguments.after, "after")?)
            .map_err(|detail| Diagnostic::error("Invalid time", detail).at_attribute("after"))?;
        let count = *expect_known(&arguments.count, "count")?;
        if !(1..=MOST_TIMES).contains(&count) {
            let detail = format!("Expected a number from 1 to {MOST_TIMES}, found {count}.");
            return Err(Diagnostic::error("Invalid count", detail).at_attribute("count").into());
        }
        let name = at_most_one(&arguments.name, "name")?;
        if schedule.is_hashed() && name.is_none() {
            let detail = format!(
                "`{schedule}` depends on the name of the job, which makes the number behind `~`: give the name as the fifth \
                 argument."
            );
            return Err(Diagnostic::error("The name is missing", detail).at_attribute("schedule").into());
        }
        let job = schedule.for_job(name.map(|name| &**name).unwrap_or_default(), &timezone);
        let job = job.map_err(|error| wrong("Invalid schedule", error, &Path::attribute("schedule")))?;
        let runs = job.upcoming(after).take(usize::try_from(count).unwrap_or(usize::MAX));
        Ok(runs.map(|run| run.to_string()).collect())
    }
}

model! {
    /// When a schedule runs, in plain English.
    ///
    /// Such as `at 03:30:00 on Monday to Friday`, for a description or a message.
    pub struct ScheduleDescribeArguments {
        /// The schedule, in dkron's dialect.
        schedule: Text<ScheduleText> = required(),
        /// The time zone of the job, to be named where it counts. It may be left out.
        timezone: List<Text<TimeZone>> = optional(),
    }
}

/// The function.
pub struct ScheduleDescribe;

impl Function for ScheduleDescribe {
    type Arguments = ScheduleDescribeArguments;
    type Output = String;
    const NAME: &'static str = "schedule_describe";
    const VARIADIC: bool = true;

    fn call(&self, arguments: ScheduleDescribeArguments) -> Result<String> {
        let schedule = schedule(&arguments.schedule)?;
        let timezone = at_most_one(&arguments.timezone, "timezone")?;
        Ok(schedule.describe_in(&self::timezone(timezone, &Path::attribute("timezone").index(0))?))
    }
}

/// The schedule of an argument. Unlike a job, a function needs one.
fn schedule(text: &Attr<Text<ScheduleText>>) -> Result<Schedule> {
    let path = Path::attribute("schedule");
    expect_known(text, "schedule")?.parse().map_err(|error| wrong("Invalid schedule", error, &path).into())
}

/// The zone of an argument; without one, that of the server.
fn timezone(name: Option<&Text<TimeZone>>, path: &Path) -> Result<TimeZoneName> {
    let name = name.map(|name| name.parse()).transpose();
    name.map(Option::unwrap_or_default).map_err(|error| wrong("Invalid time zone", error, path).into())
}

fn wrong(summary: &str, error: impl std::fmt::Display, path: &Path) -> Diagnostic {
    Diagnostic::error(summary, sentence(error)).at(path.clone())
}

/// The argument that may be left out, or null.
fn at_most_one<'a, T>(arguments: &'a Attr<List<T>>, parameter: &str) -> Result<Option<&'a T>> {
    match arguments.known().map(|list| list.0.as_slice()).unwrap_or_default() {
        [] => Ok(None),
        [argument] => Ok(argument.known()),
        [_, more @ ..] => {
            let detail =
                format!("At most one `{parameter}` can be given; remove {} of the arguments.", more.len());
            Err(Diagnostic::error("Too many arguments", detail)
                .at(Path::attribute(parameter).index(1))
                .into())
        }
    }
}
