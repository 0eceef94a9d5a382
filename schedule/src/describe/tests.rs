use crate::{Schedule, TimeZoneName};

#[track_caller]
fn check(schedule: &str, expected: &str) {
    assert_eq!(schedule.parse::<Schedule>().unwrap().describe(), expected, "for {schedule:?}");
}

#[test]
fn even_intervals() {
    check("* * * * * *", "every second");
    check("*/10 * * * * *", "every 10 seconds");
    check("0 * * * * *", "every minute");
    check("@minutely", "every minute");
    check("0 */5 * * * *", "every 5 minutes");
    check("0 0,30 * * * *", "every 30 minutes");
    check("0 0 * * * *", "every hour");
    check("0 0 */2 * * *", "every 2 hours");
    check("*/5 */5 * * * *", "every 5 seconds of every 5th minute");
    check("*/5 */2 */3 * * *", "every 5 seconds of every 2nd minute of every 3rd hour");
}

#[test]
fn times_of_day() {
    check("0 0 3 * * *", "at 03:00:00 every day");
    check("15 30 3 * * *", "at 03:30:15 every day");
    check("0 0,30 9 * * *", "at 09:00:00 and 09:30:00 every day");
    check("0 0 */12 * * *", "at 00:00:00 and 12:00:00 every day");
    check("@daily", "at 00:00:00 every day");
}

#[test]
fn chosen_seconds_minutes_and_hours() {
    check("30 * * * * *", "at second 30 of every minute");
    check("0 30 * * * *", "at minute 30 of every hour");
    check("0 30 */2 * * *", "at minute 30 of every 2nd hour");
    check("0 1,4,9,16 * * * *", "at minutes 1, 4, 9 and 16 of every hour");
    check("5/10 * * * * *", "at seconds 5 to 55 in steps of 10 of every minute");
    check("* 5 3 * * *", "every second of minute 5 of hour 3 every day");
    check("0 */5 9-17 * * *", "every 5 minutes from 09:00 to 17:59 every day");
    check("0 0 9-17 * * *", "every hour from 09:00 to 17:00 every day");
    check("0 0 1-23/2 * * *", "at minute 0 of hours 1 to 23 in steps of 2 every day");
}

#[test]
fn days() {
    check("0 30 3 * * MON-FRI", "at 03:30:00 on Monday to Friday");
    check("0 0 3 * * 0,2,4", "at 03:00:00 on Sunday, Tuesday and Thursday");
    check("0 0 3 1 * *", "at 03:00:00 on day 1 of the month");
    check("0 0 3 1-7,15 * *", "at 03:00:00 on days 1 to 7 and 15 of the month");
    check("@yearly", "at 00:00:00 on day 1 of January");
    check("0 0 3 * JUN-AUG MON", "at 03:00:00 on Monday in June to August");
    check("0 0 3 * JUN *", "at 03:00:00 every day in June");
    check("0 */5 * * JUN *", "every 5 minutes in June");
}

/// One of the day fields is enough when neither has a star.
#[test]
fn days_of_both_kinds() {
    check("0 0 3 13 * FRI", "at 03:00:00 on day 13 of the month or on Friday");
    check("0 0 3 13 JUN FRI", "at 03:00:00 on day 13 or on Friday, in June");
    check("0 0 3 1-31 * FRI", "at 03:00:00 every day");
    check("0 0 3 */1 * FRI", "at 03:00:00 on Friday");
    check("0 0 3 , * FRI", "at 03:00:00 on Friday");
    check("0 0 3 13 * ,", "at 03:00:00 on day 13 of the month");
}

#[test]
fn never() {
    check("0 0 0 30 2 *", "never");
    check(", * * * * *", "never");
    check("0 0 0 , * ,", "never");
}

#[test]
fn zones() {
    check("TZ=Europe/Berlin 0 0 3 * * *", "at 03:00:00 every day (Europe/Berlin)");
    check("TZ=Europe/Berlin @daily", "at 00:00:00 every day (Europe/Berlin)");
    check("TZ= @hourly", "every hour (UTC)");
    check("TZ=Europe/Berlin @every 5m", "every 5 minutes");
}

/// The zone of a job is named where it counts.
#[test]
fn zones_of_jobs() {
    let check = |schedule: &str, timezone: &str, expected: &str| {
        let (schedule, timezone) =
            (schedule.parse::<Schedule>().unwrap(), timezone.parse::<TimeZoneName>().unwrap());
        assert_eq!(schedule.describe_in(&timezone), expected, "for {schedule} in {timezone}");
        if !schedule.is_hashed() {
            assert_eq!(schedule.for_job("job", &timezone).unwrap().describe(), expected);
        }
    };
    check("0 0 3 * * *", "Europe/Berlin", "at 03:00:00 every day (Europe/Berlin)");
    check("0 0 3 * * *", "Local", "at 03:00:00 every day");
    check("TZ=UTC 0 0 3 * * *", "Europe/Berlin", "at 03:00:00 every day (UTC)");
    check("@daily", "Europe/Berlin", "at 00:00:00 every day");
    check("TZ=Asia/Tokyo @daily", "Europe/Berlin", "at 00:00:00 every day (Asia/Tokyo)");
    check("@every 1h", "Europe/Berlin", "every hour");
    check("0 0 0 30 2 *", "Europe/Berlin", "never");
    check(
        "0 0 ~ * * *",
        "Europe/Berlin",
        "at minute 0 of hour ~ every day (Europe/Berlin); the job's name chooses ~",
    );
}

#[test]
fn other_descriptors() {
    check("@every 1h30m", "every 1 hour 30 minutes");
    check("@every 1h", "every hour");
    check("@every 36h0m1s", "every 36 hours 1 second");
    check("@every -5s", "every second");
    check("@at 2030-01-01T00:00:00+02:00", "once, at 2029-12-31T22:00:00Z");
    check("@manually", "only when it is started by hand");
}

#[test]
fn hashes_with_and_without_a_job() {
    check("0 0 ~ * * *", "at minute 0 of hour ~ every day; the job's name chooses ~");
    check("0 ~/15 * * * MON", "at minute ~/15 of every hour on Monday; the job's name chooses ~");
    check("0 0 3 ~ * *", "at 03:00:00 on day ~ of the month; the job's name chooses ~");
    check("0 0 3 * ~ ~", "at 03:00:00 on weekday ~ in month ~; the job's name chooses ~");
    check("TZ=UTC \t@every ~s", "at times that depend on the job's name");

    let schedule: Schedule = "0 0 ~ * * *".parse().unwrap();
    let job = schedule.for_job("backup", &TimeZoneName::default()).unwrap();
    assert_eq!(job.describe(), "at 06:00:00 every day");
}
