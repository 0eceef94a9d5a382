//! The crate against tables of what dkron 4.0.5's scheduler (with its parser extcron) and Go's standard library answered.
//! They are printed by `tools/dkron/golden`.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schedule::{Schedule, ScheduleError, TimeZoneName, duration};

#[test]
fn schedules() {
    check("schedules.tsv", 500, runs_of_row);
}

#[test]
fn schedules_around_changes_of_clocks() {
    check("clock_changes.tsv", 1400, runs_of_row);
}

fn runs_of_row(row: &[&str]) -> (String, String) {
    let [schedule, job, timezone, server, after, count, expected] = row[..] else { panic!("{row:?}") };
    let server = TimeZone::get(server).unwrap();
    let count: usize = count.parse().unwrap();
    let found = runs(schedule, job, timezone, &server, after.parse().unwrap(), count);
    (found.unwrap_or_else(|_| "refused".to_owned()), expected.to_owned())
}

/// The next runs, and `never` where they end early.
fn runs(
    schedule: &str,
    job: &str,
    timezone: &str,
    server: &TimeZone,
    after: Timestamp,
    count: usize,
) -> Result<String, ScheduleError> {
    let schedule: Schedule = schedule.parse()?;
    let timezone: TimeZoneName = timezone.parse()?;
    let job = schedule.for_job(job, &timezone)?.on_server_in(server.clone());
    let mut runs: Vec<_> = job.upcoming(after).take(count).map(|run| run.to_string()).collect();
    if runs.len() < count {
        runs.push("never".to_owned());
    }
    Ok(runs.join(" "))
}

#[test]
fn durations() {
    check("durations.tsv", 100, |row| {
        let found = match duration::parse(row[0]) {
            Ok(parsed) => format!("{}\t{}", parsed.as_nanos(), duration::format(parsed)),
            Err(_) => "refused".to_owned(),
        };
        (found, row[1..].join("\t"))
    });
}

#[test]
fn zones() {
    check("zones.tsv", 60, |row| {
        let found = if row[0].parse::<TimeZoneName>().is_ok() { "ok" } else { "refused" };
        (found.to_owned(), row[1].to_owned())
    });
}

/// Compares each row of a table: `judge` gives what was found and what the table says.
fn check(table: &str, at_least: usize, judge: impl Fn(&[&str]) -> (String, String)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(table);
    let text = fs::read_to_string(path).unwrap();
    let mut rows = 0;
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let row: Vec<String> = line.split('\t').map(unescaped).collect();
        let (found, expected) = judge(&row.iter().map(String::as_str).collect::<Vec<_>>());
        if found != expected {
            wrong.push(format!("{line}\n    found    {found}\n    expected {expected}"));
        }
        rows += 1;
    }
    assert!(rows >= at_least, "{table} has only {rows} rows");
    assert!(wrong.is_empty(), "{} of {rows} rows:\n{}", wrong.len(), wrong.join("\n"));
}

fn unescaped(cell: &str) -> String {
    cell.replace("\\t", "\t").replace("\\n", "\n")
}
