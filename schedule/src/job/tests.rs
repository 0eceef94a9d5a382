use super::*;
use crate::Schedule;

const NOW: &str = "2026-03-04T05:06:07Z";

fn job(schedule: &str, timezone: &str) -> JobSchedule {
    let schedule: Schedule = schedule.parse().unwrap();
    schedule.for_job("backup", &timezone.parse().unwrap()).unwrap()
}

#[track_caller]
fn check_concerns(schedule: &str, timezone: &str, expected: &[&str]) {
    let concerns = job(schedule, timezone).concerns(NOW.parse().unwrap());
    let concerns: Vec<_> = concerns.iter().map(Concern::to_string).collect();
    assert_eq!(concerns, expected, "for {schedule:?}");
}

#[test]
fn ordinary_schedules_raise_no_concern() {
    for schedule in
        ["0 0 3 * * *", "0 0 0 29 2 *", "0 0 0 30 2 MON", "0 0 ~ * * *", "TZ=Europe/Berlin 0 0 3 * * *"]
    {
        check_concerns(schedule, "Europe/Berlin", &[]);
    }
    for schedule in
        ["@daily", "@every 5m", "@manually", "@at 2026-03-04T05:06:07.000000001Z", "TZ=UTC @daily"]
    {
        check_concerns(schedule, "", &[]);
    }
    check_concerns("@daily", "Local", &[]);
}

#[test]
fn schedules_that_never_run() {
    check_concerns("0 0 0 30 2 *", "", &["`0 0 0 30 2 *` never runs: no month that it names has such a day"]);
    check_concerns("0 , * * * *", "", &["`0 , * * * *` never runs: one of its fields names no value"]);
    check_concerns(
        "@at 2026-03-04T05:06:07Z",
        "",
        &["the job never runs by itself: 2026-03-04T05:06:07Z is in the past"],
    );
    // A number made from the name decides: month 7 has no concern, month 2 would.
    check_concerns("0 0 0 31 ~ *", "", &[]);
    let schedule: Schedule = "0 0 0 31 ~ *".parse().unwrap();
    let february = schedule.for_job("a", &TimeZoneName::default()).unwrap();
    assert_eq!(
        february.concerns(NOW.parse().unwrap()),
        [Concern::NeverRuns { schedule: "0 0 0 31 2 *".to_owned(), empty_field: false }]
    );
}

#[test]
fn delays_that_dkron_changes() {
    check_concerns(
        "@every 500ms",
        "",
        &["`@every` knows no delay below one second: dkron turns 500ms into 1s"],
    );
    check_concerns("@every 0", "", &["`@every` knows no delay below one second: dkron turns 0s into 1s"]);
    check_concerns("@every -5s", "", &["`@every` knows no delay below one second: dkron turns -5s into 1s"]);
    check_concerns("@every 1m1.7s", "", &["`@every` counts whole seconds: dkron turns 1m1.7s into 1m1s"]);
    assert_eq!(job("@every 1m1.7s", "").delay(), Some(SignedDuration::from_secs(61)));
    assert_eq!(job("0 0 3 * * *", "").delay(), None);
}

#[test]
fn time_zones_that_count_for_nothing() {
    check_concerns(
        "@daily",
        "Europe/Berlin",
        &[
            "the time zone Europe/Berlin has no effect on `@daily`: dkron reads it in the zone of the server's clock; \
           write `TZ=Europe/Berlin @daily`",
        ],
    );
    for schedule in ["@every 5m", "@manually", "@minutely", "@at 2030-01-01T00:00:00Z"] {
        let message = format!(
            "the time zone Europe/Berlin has no effect on `{schedule}`: it does not depend on a time zone"
        );
        check_concerns(schedule, "Europe/Berlin", &[&message]);
    }
    check_concerns(
        "TZ=UTC @every 5m",
        "",
        &["the time zone UTC has no effect on `TZ=UTC @every 5m`: it does not depend on a time zone"],
    );
    check_concerns(
        "TZ=UTC 0 0 3 * * *",
        "Europe/Berlin",
        &["the time zone Europe/Berlin has no effect: the schedule itself names UTC"],
    );
}

#[test]
fn a_run_is_near_within_the_margin() {
    let job = job("0 0 3 * * *", "");
    let near = |instant: &str| job.may_run_near(instant.parse().unwrap(), Duration::from_secs(2));
    assert!(near("2026-03-04T03:00:00Z"));
    assert!(near("2026-03-04T02:59:58.001Z"));
    assert!(near("2026-03-04T03:00:01.999Z"));
    assert!(!near("2026-03-04T02:59:58Z"));
    assert!(!near("2026-03-04T03:00:02Z"));
}

#[test]
fn every_may_always_run() {
    let [every, manually] = ["@every 24h", "@manually"].map(|schedule| job(schedule, ""));
    let (now, margin) = (NOW.parse().unwrap(), Duration::from_secs(2));
    assert!(every.may_run_near(now, margin));
    assert!(!manually.may_run_near(now, margin));
    assert!(!job("0 0 0 1 1 *", "").may_run_near(Timestamp::MAX, margin));
    assert!(!job("@at 2030-01-01T00:00:00Z", "").may_run_near(Timestamp::MIN, margin));
}

#[test]
fn nothing_follows_the_end_of_time() {
    for schedule in ["* * * * * *", "@every 1s", "@at 9999-12-31T23:59:59Z", "@yearly"] {
        assert_eq!(job(schedule, "").next_after(Timestamp::MAX), None, "for {schedule:?}");
    }
}

/// Where robfig/cron itself loses its way, in zones that changed around midnight.
#[test]
fn a_search_that_does_not_advance_ends() {
    for (schedule, timezone, after) in [
        ("* 1 * * * */4", "America/Goose_Bay", "1998-10-25T03:01:00Z"), // finds that very time again
        ("0 0 0 1 * *", "Pacific/Apia", "2011-12-01T10:00:00Z"), // never gets past the day that was skipped
    ] {
        assert_eq!(job(schedule, timezone).next_after(after.parse().unwrap()), None, "for {schedule:?}");
    }
}

#[test]
fn the_zone_of_the_server_counts_where_no_other_does() {
    let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
    let next = |schedule: &str, timezone: &str| {
        let job = job(schedule, timezone).on_server_in(tokyo.clone());
        job.next_after(NOW.parse().unwrap()).unwrap().to_string()
    };
    assert_eq!(next("0 0 0 * * *", ""), "2026-03-04T15:00:00Z");
    assert_eq!(next("0 0 0 * * *", "Local"), "2026-03-04T15:00:00Z");
    assert_eq!(next("@daily", "UTC"), "2026-03-04T15:00:00Z");
    assert_eq!(next("0 0 0 * * *", "UTC"), "2026-03-05T00:00:00Z");
    assert_eq!(next("TZ= 0 0 0 * * *", ""), "2026-03-05T00:00:00Z");
}
