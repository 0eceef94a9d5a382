use crate::{Schedule, TimeZoneName};

#[track_caller]
fn check(schedule: &str, expected: &str) {
    let error = schedule.parse::<Schedule>().unwrap_err();
    assert_eq!(error.to_string(), expected, "for {schedule:?}");
}

#[test]
fn wrong_number_of_fields() {
    check(
        "* * * * *",
        "5 fields found; dkron wants 6: second minute hour day-of-month month day-of-week; \
         put a second in front: `0 * * * * *`",
    );
    check(
        "0 0 0 1 1 ? 2030",
        "7 fields found; dkron wants 6: second minute hour day-of-month month day-of-week; \
         dkron has no field for the year",
    );
    check(
        "Daily",
        "1 field found; dkron wants 6: second minute hour day-of-month month day-of-week; did you mean `@daily`?",
    );
    check(
        " @daily",
        "1 field found; dkron wants 6: second minute hour day-of-month month day-of-week; \
         remove the space before `@daily`",
    );
    check(
        "tz=UTC 0 0 3 * * *",
        "7 fields found; dkron wants 6: second minute hour day-of-month month day-of-week; \
         one `TZ=<zone>` may stand in front, in capitals and without a space before it",
    );
    check(
        "",
        "a schedule is expected, nothing was found; write for example `0 0 3 * * *` (daily at 03:00:00) or \
         `@every 5m`",
    );
}

#[test]
fn values_out_of_range() {
    check(
        "60 * * * * *",
        "field 1 (second) is \"60\": 60 is above 59, the highest value; the next minute starts at 0",
    );
    check(
        "0 60 * * * *",
        "field 2 (minute) is \"60\": 60 is above 59, the highest value; the next hour starts at 0",
    );
    check("0 0 24 * * *", "field 3 (hour) is \"24\": 24 is above 23, the highest value; midnight is 0");
    check("0 0 0 0 * *", "field 4 (day-of-month) is \"0\": 0 is below 1, the lowest value");
    check("0 0 0 * 1-13 *", "field 5 (month) is \"1-13\": 13 is above 12, the highest value");
    check("0 0 0 * * 1,7", "field 6 (day-of-week) is \"1,7\": 7 is above 6, the highest value; Sunday is 0");
    check("99999999999999999999 * * * * *", {
        "field 1 (second) is \"99999999999999999999\": \"99999999999999999999\" is too large"
    });
}

#[test]
fn words_of_other_schedulers() {
    check(
        "0 0 0 L * *",
        "field 4 (day-of-month) is \"L\": \"L\" is not a number; dkron has no `L` (last day); days up to 28 are in \
         every month",
    );
    check(
        "0 0 0 * * 5L",
        "field 6 (day-of-week) is \"5L\": \"5L\" is not a number; dkron has no `L` (last weekday of the month)",
    );
    check(
        "0 0 0 15W * *",
        "field 4 (day-of-month) is \"15W\": \"15W\" is not a number; dkron has no `W` (nearest weekday)",
    );
    check(
        "0 0 0 * * 5#2",
        "field 6 (day-of-week) is \"5#2\": \"5#2\" is not a number; dkron has no `#` (nth weekday of the month)",
    );
    for hash in ["H", "H(0-5)"] {
        let error = format!("0 {hash} * * * *").parse::<Schedule>().unwrap_err().to_string();
        assert!(error.ends_with("; dkron writes `~` for a number made from the job's name"), "{error}");
    }
    check(
        "0 0 0 * * Monday",
        "field 6 (day-of-week) is \"Monday\": \"Monday\" is not a number; write MON, in field 6 (day-of-week)",
    );
    check(
        "0 0 0 MON * *",
        "field 4 (day-of-month) is \"MON\": \"MON\" is not a number; write MON, in field 6 (day-of-week)",
    );
    check(
        "0 0 0 * ** *",
        "field 5 (month) is \"**\": \"**\" is not a number; expected `*`, `?`, `~`, 1 to 12, a name such as JAN, or \
         ranges (a-b), steps (a/n) and lists (a,b) of them",
    );
}

#[test]
fn ranges_and_steps() {
    check(
        "0 0 0 * * fri-mon",
        "field 6 (day-of-week) is \"fri-mon\": the range starts at 5 and ends before that, at 1; write 5-6,0-1",
    );
    check("1-2-3 * * * * *", "field 1 (second) is \"1-2-3\": a range has one hyphen");
    check("*/5/2 * * * * *", "field 1 (second) is \"*/5/2\": a range has one slash");
    check("*/0 * * * * *", "field 1 (second) is \"*/0\": a step is 1 or more");
    check("*/-5 * * * * *", "field 1 (second) is \"*/-5\": \"-5\" is negative");
    check("1- * * * * *", "field 1 (second) is \"1-\": a number is missing beside a hyphen or a slash");
}

#[test]
fn descriptors() {
    let known = "is no descriptor of dkron, which knows @yearly @annually @monthly @weekly @daily @midnight @hourly \
                 @minutely @manually, `@every <duration>` and `@at <time>`";
    check("@reboot", &format!("\"@reboot\" {known}; dkron starts nothing when it starts itself"));
    check(
        "@DAILY",
        &format!("\"@DAILY\" {known}; write `@daily`, in lower case and without spaces around it"),
    );
    check("@every5m", &format!("\"@every5m\" {known}; write for example `@every 1h30m`"));
    check("@\n", &format!("\"@\\n\" {known}"));
    check("TZ=UTC @minutely", "dkron wants no time zone in front of \"@minutely\"; remove it");
    check(
        "@every 1d",
        "`@every` wants a duration: \"1d\" is no duration such as \"1h30m\" or \"45s\": there is no unit \"d\" (only \
         ns, us, ms, s, m and h); a day is 24h",
    );
    check(
        "@at 2030-02-29T00:00:00Z",
        "`@at` wants an RFC 3339 time such as 2030-12-31T23:59:00Z or 2030-12-31T23:59:00+01:00, found \
         \"2030-02-29T00:00:00Z\": there is no such date or time of day",
    );
}

#[test]
fn time_zones() {
    check(
        "TZ=europe/berlin 0 0 3 * * *",
        "\"europe/berlin\" is no time zone that dkron knows; expected an IANA name such as \"Europe/Berlin\", or \
         \"UTC\"; did you mean \"Europe/Berlin\"?",
    );
    check("CRON_TZ=UTC", "a space and a schedule are expected after \"CRON_TZ=UTC\"");
}

#[test]
fn hashes_that_do_not_fit() {
    check(
        "0 ~-70 * * * *",
        "wrong for every job name: `~` becomes a number, which makes it \"0 1-70 * * * *\": field 2 (minute) is \
         \"1-70\": 70 is above 59, the highest value",
    );
    // What is wrong whatever the name is said without naming one.
    check("0 ~ 24 * * *", "field 3 (hour) is \"24\": 24 is above 23, the highest value; midnight is 0");

    let schedule: Schedule = "0  0 ~ * * *".parse().unwrap();
    let error = schedule.for_job("k", &TimeZoneName::default()).map(|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "wrong for the job \"k\": `~` becomes a number, which makes it \"0  0 24 * * *\": field 3 (hour) is \"24\": 24 is above 23, the highest value; midnight is 0; dkron counts fields by single spaces: write one between two fields"
    );
}

#[test]
fn long_texts_are_cut() {
    let error = format!("{} * * * * *", "9".repeat(5000)).parse::<Schedule>().unwrap_err();
    let nines = "9".repeat(60);
    assert_eq!(error.to_string(), format!("field 1 (second) is \"{nines}…\": \"{nines}…\" is too large"));
}
