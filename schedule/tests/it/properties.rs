//! What holds for every text, time and zone.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use schedule::{Schedule, TimeZoneName, duration};

proptest! {
    #[test]
    fn any_text_is_answered(text in any_text(), job in ".*", now in instant()) {
        exercise(&text, &job, now);
    }

    #[test]
    fn a_schedule_displays_as_written(text in text_near_the_grammar()) {
        if let Ok(schedule) = text.parse::<Schedule>() {
            prop_assert_eq!(schedule.to_string(), text);
        }
    }

    #[test]
    fn runs_rise_strictly(cron in cron(), zone in zone(), after in instant()) {
        let schedule: Schedule = cron.text.parse().unwrap();
        let job = schedule.for_job("job", &zone.parse().unwrap()).unwrap();
        let mut last = after;
        for run in job.upcoming(after).take(20) {
            prop_assert!(run > last, "{} in {zone}: {run} follows {last}", cron.text);
            last = run;
        }
    }

    #[test]
    fn a_hash_is_the_same_for_names_with_the_same_letters(text in text_near_the_grammar(), name in "[a-z0-9-]{1,8}") {
        let turned: String = name.chars().rev().collect();
        if let Ok(schedule) = text.parse::<Schedule>() {
            let zone = TimeZoneName::default();
            let now = Timestamp::UNIX_EPOCH;
            let runs = |name: &str| schedule.for_job(name, &zone).map(|job| job.next_after(now)).ok();
            prop_assert_eq!(runs(&name), runs(&turned));
        }
    }

    #[test]
    fn every_counts_whole_seconds_from_the_last_run(nanoseconds in any::<i64>(), after in instant()) {
        let written = duration::format(SignedDuration::from_nanos(nanoseconds));
        let schedule: Schedule = format!("@every {written}").parse().unwrap();
        let job = schedule.for_job("job", &TimeZoneName::default()).unwrap();
        let delay = SignedDuration::from_secs((nanoseconds / 1_000_000_000).max(1));
        prop_assert_eq!(job.delay(), Some(delay));
        let next = job.next_after(after).unwrap();
        prop_assert_eq!(next.subsec_nanosecond(), 0);
        let waited = next.duration_since(after);
        prop_assert!(waited <= delay && waited > delay - SignedDuration::from_secs(1));
    }

    #[test]
    fn a_duration_is_read_as_it_was_written(nanoseconds in any::<i64>()) {
        let duration = SignedDuration::from_nanos(nanoseconds);
        prop_assert_eq!(duration::parse(&duration::format(duration)), Ok(duration));
    }

    #[test]
    fn any_duration_and_zone_is_answered(text in any_text()) {
        if let Err(error) = duration::parse(&text) {
            prop_assert!(error.to_string().len() < 1000);
        }
        if let Err(error) = text.parse::<TimeZoneName>() {
            prop_assert!(error.to_string().len() < 1000);
        }
    }

    #[test]
    fn a_run_is_near_itself(cron in cron(), after in instant(), margin in 1..120_u64) {
        let schedule: Schedule = cron.text.parse().unwrap();
        let job = schedule.for_job("job", &TimeZoneName::default()).unwrap();
        if let Some(run) = job.next_after(after) {
            let margin = Duration::from_secs(margin);
            prop_assert!(job.may_run_near(run, margin));
            prop_assert!(job.may_run_near(run - margin + Duration::from_millis(1), margin));
            prop_assert_eq!(
                job.may_run_near(after, margin),
                job.next_after(after - margin).is_some_and(|run| run < after + margin)
            );
        }
    }
}

proptest! {
    // Each case tries some 90 000 seconds.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_next_run_is_the_first_second_that_fits(
        cron in cron(), offset in select(vec!["UTC", "Etc/GMT-14", "Etc/GMT+12", "Asia/Kolkata"]), after in instant(),
    ) {
        let schedule: Schedule = cron.text.parse().unwrap();
        let job = schedule.for_job("job", &offset.parse().unwrap()).unwrap();
        let first = first_fit(&cron, &TimeZone::get(offset).unwrap(), after);
        let next = job.next_after(after);
        match first {
            Some(first) => prop_assert_eq!(next, Some(first)),
            None => prop_assert!(next.is_none_or(|next| next > after + SEARCHED)),
        }
    }
}

#[test]
fn long_texts_are_answered() {
    let long = 200_000;
    for text in [
        " ".repeat(long),
        "0 ".repeat(long),
        "9".repeat(long),
        format!("{} 0 0 0 0 0", "9".repeat(long)),
        format!("0 0 0 0 0 {}", ",".repeat(long)),
        format!("0 0 0 * * {}", "1,".repeat(long)),
        format!("0 0 0 * * {}", "1-".repeat(long)),
        format!("{} 0 0 * * *", "*/".repeat(long)),
        "~".repeat(long),
        format!("{}~~~ ~ ~ ~ ~ ~", "~,".repeat(long)),
        format!("@every {}", "1ns".repeat(long)),
        format!("@every 0.{}s", "3".repeat(long)),
        format!("@at {}", "2".repeat(long)),
        format!("@at 2030-01-01T00:00:00.{}Z", "2".repeat(long)),
        format!("TZ={} 0 0 0 * * *", "a".repeat(long)),
        format!("@{}", "daily ".repeat(long)),
    ] {
        exercise(&text, &"x".repeat(long), Timestamp::UNIX_EPOCH);
    }
}

/// Uses all that a text and a job name reach, and holds messages to a length.
fn exercise(text: &str, job: &str, now: Timestamp) {
    let schedule = match text.parse::<Schedule>() {
        Ok(schedule) => schedule,
        Err(error) => return assert!(error.to_string().len() < 2000, "{error}"),
    };
    assert!(!schedule.describe().is_empty());
    match schedule.for_job(job, &TimeZoneName::default()) {
        Ok(job) => {
            job.next_after(now);
            job.describe();
            job.concerns(now)
                .iter()
                .for_each(|concern| assert!(concern.to_string().len() < 2000, "{concern}"));
        }
        Err(error) => assert!(schedule.is_hashed() && error.to_string().len() < 2000, "{error}"),
    }
}

/// Six fields and, told without the parser, the values that they stand for.
#[derive(Debug, Clone)]
struct Cron {
    text: String,
    values: Vec<BTreeSet<i8>>,
    /// Whether the two day fields have a star.
    stars: [bool; 2],
}

const BOUNDS: [(i8, i8); 6] = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

fn cron() -> impl Strategy<Value = Cron> {
    let fields: Vec<_> = BOUNDS.iter().map(|(low, high)| field(*low, *high)).collect();
    fields.prop_map(|fields| Cron {
        text: fields.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" "),
        stars: [fields[3].0 == "*", fields[5].0 == "*"],
        values: fields.into_iter().map(|(_, values)| values).collect(),
    })
}

fn field(low: i8, high: i8) -> impl Strategy<Value = (String, BTreeSet<i8>)> {
    let all = move || (low..=high).collect::<BTreeSet<i8>>();
    prop_oneof![
        4 => Just(("*".to_owned(), all())),
        2 => (low..=high).prop_map(|value| (value.to_string(), BTreeSet::from([value]))),
        2 => (2..20_usize).prop_map(move |step| (format!("*/{step}"), (low..=high).step_by(step).collect())),
        2 => (low..=high, low..=high, 1..9_usize).prop_map(|(left, right, step)| {
            let (start, end) = (left.min(right), left.max(right));
            (format!("{start}-{end}/{step}"), (start..=end).step_by(step).collect())
        }),
        1 => prop::collection::btree_set(low..=high, 1..5).prop_map(|values| {
            (values.iter().map(i8::to_string).collect::<Vec<_>>().join(","), values)
        }),
    ]
}

/// How far the brute search goes.
const SEARCHED: SignedDuration = SignedDuration::from_hours(26);

/// Tries second after second. For zones that keep their offset only.
fn first_fit(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let offset = i64::from(zone.to_offset(after).seconds());
    let start = after.as_second() + 1;
    let fits = |second: &i64| {
        let (day, second_of_day) =
            ((second + offset).div_euclid(86_400), (second + offset).rem_euclid(86_400));
        let [hour, minute, second] =
            [second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60].map(|value| value as i8);
        let contains = |field: usize, value: i8| cron.values[field].contains(&value);
        contains(0, second) && contains(1, minute) && contains(2, hour) && fits_day(cron, day)
    };
    (start..=start + SEARCHED.as_secs()).find(fits).map(|second| Timestamp::from_second(second).unwrap())
}

fn fits_day(cron: &Cron, days_since_1970: i64) -> bool {
    let date = Date::constant(1970, 1, 1) + SignedDuration::from_hours(24 * days_since_1970);
    let weekday = (date.weekday().since(Weekday::Sunday)) % 7;
    let (day, weekday) = (cron.values[3].contains(&date.day()), cron.values[5].contains(&weekday));
    let fits = if cron.stars[0] || cron.stars[1] { day && weekday } else { day || weekday };
    fits && cron.values[4].contains(&date.month())
}

/// From 1970 to 2200.
fn instant() -> impl Strategy<Value = Timestamp> {
    (0..7_258_118_400_i64, 0..1_000_000_000_i32)
        .prop_map(|(second, nanosecond)| Timestamp::new(second, nanosecond).unwrap())
}

fn zone() -> impl Strategy<Value = String> {
    let zones: Vec<_> = TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    select(zones)
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), text_near_the_grammar()]
}

/// Pieces of schedules in any order.
fn text_near_the_grammar() -> impl Strategy<Value = String> {
    let pieces = "* ? 0 5 59 60 - / , ~ + MON jan L # @ @every @at @daily @manually 1h30m 1.5s -5s 9223372036854775807ns \
                  TZ= CRON_TZ= UTC Europe/Berlin Local 2030-01-01T00:00:00Z 2030-02-30 T24:00:00+24:60 İ ٣";
    let piece = prop_oneof![
        3 => select(pieces.split(' ').map(str::to_owned).collect::<Vec<_>>()),
        3 => Just(" ".to_owned()),
        1 => select(vec!["\t".to_owned(), "\u{a0}".to_owned(), "  ".to_owned(), "\n".to_owned()]),
    ];
    let fields = prop::collection::vec(
        select("* 0 ~ */5 1-5 ~/7 ? 3,~ ~-40 MON *-".split(' ').map(str::to_owned).collect::<Vec<_>>()),
        5..8,
    );
    prop_oneof![
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat()),
        fields.prop_map(|fields| fields.join(" ")),
    ]
}
