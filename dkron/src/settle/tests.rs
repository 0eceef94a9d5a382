use super::*;

fn about(schedule: &str, next: Option<&str>, now: &str, change: fn(&mut Job)) -> bool {
    let next = next.map(|next| next.parse().unwrap());
    let mut job = Job { name: "a".into(), schedule: schedule.into(), next, ..Job::default() };
    change(&mut job);
    let now = now.parse().unwrap();
    Rhythm::of(&job).runs_about(now, now)
}

#[test]
fn a_run_near_the_write_is_known_from_the_schedule() {
    let table = [
        // schedule, the next run that dkron shows, now, whether to look again
        ("0 * * * * *", None, "2026-01-01T00:00:01Z", true),
        ("0 * * * * *", None, "2026-01-01T00:00:58.5Z", true),
        ("0 * * * * *", None, "2026-01-01T00:00:30Z", false),
        ("@daily", None, "2026-01-01T00:00:01Z", true),
        ("@daily", None, "2026-01-01T12:00:00Z", false),
        ("@manually", None, "2026-01-01T00:00:00Z", false),
        ("@at 2026-01-01T00:00:00Z", None, "2026-01-01T00:00:01Z", true),
        ("@at 2026-01-01T00:00:00Z", None, "2026-01-01T00:01:00Z", false),
        // The server's clock is in a zone of its own, which only it knows.
        ("0 0 4 * * *", Some("2026-01-01T09:00:00Z"), "2026-01-01T09:00:01Z", true),
        // @every: due, long due, just run, in between, unknown, faster than one can look.
        ("@every 1h", Some("2026-01-01T01:00:00Z"), "2026-01-01T00:59:59Z", true),
        ("@every 1h", Some("2026-01-01T01:00:00Z"), "2026-01-01T04:00:00Z", true),
        ("@every 1h", Some("2026-01-01T01:00:00Z"), "2026-01-01T00:00:01Z", true),
        ("@every 1h", Some("2026-01-01T01:00:00Z"), "2026-01-01T00:30:00Z", false),
        ("@every 1h", None, "2026-01-01T00:30:00Z", true),
        ("@every 3s", Some("2026-01-01T00:00:02Z"), "2026-01-01T00:00:00Z", true),
        // Nobody can tell.
        ("@newer-than-this-crate", None, "2026-01-01T00:00:00Z", true),
    ];
    for (schedule, next, now, expected) in table {
        assert_eq!(about(schedule, next, now, |_| {}), expected, "{schedule} {next:?} at {now}");
    }
}

#[test]
fn a_zone_moves_the_runs() {
    let berlin = |job: &mut Job| job.timezone = "Europe/Berlin".into();
    assert!(about("0 0 4 * * *", None, "2026-01-01T03:00:01Z", berlin));
    assert!(!about("0 0 4 * * *", None, "2026-01-01T04:00:01Z", berlin));
}

#[test]
fn what_the_scheduler_does_not_run_undoes_nothing() {
    let now = "2026-01-01T00:00:00Z";
    assert!(!about("@every 1s", None, now, |job| job.disabled = true));
    assert!(!about("@every 1s", None, now, |job| job.parent_job = "parent".into()));
}

#[test]
fn a_slow_write_is_near_to_all_runs_in_between() {
    let job = Job { name: "a".into(), schedule: "0 * * * * *".into(), ..Job::default() };
    let runs_about =
        |begun: &str, done: &str| Rhythm::of(&job).runs_about(begun.parse().unwrap(), done.parse().unwrap());
    assert!(runs_about("2026-01-01T00:00:50Z", "2026-01-01T00:01:10Z"));
    assert!(!runs_about("2026-01-01T00:00:10Z", "2026-01-01T00:00:50Z"));
}
