//! Provider functions: results, errors at the argument that is wrong, and times at which dkron really runs.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use receiver::Server;
use serde_json::{Value, json};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{each_terraform, errors, example, job, stage, workspace};

/// Nobody asks dkron: functions work without a configured provider.
const NOWHERE: &str = "http://127.0.0.1:9";

/// The outputs of a configuration without resources.
fn outputs(workspace: &Workspace, config: &str) -> Value {
    workspace.write("main.tf", config).unwrap();
    workspace.apply(&[]).unwrap();
    workspace.json(&["output", "-json"]).unwrap()
}

#[test]
fn what_they_answer() {
    let cases = [
        (
            r#"schedule_next("0 30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00+01:00", 3)"#,
            // 02:30 of the 29th is skipped.
            json!(["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]),
        ),
        (
            r#"schedule_next("@every 90s", null, "2026-01-01T00:00:00.5Z", 2)"#,
            json!(["2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z"]),
        ),
        (
            r#"schedule_next("@daily", "Asia/Tokyo", "2026-01-01T00:00:00Z", 1)"#,
            json!(["2026-01-02T00:00:00Z"]),
        ),
        (
            r#"schedule_next("TZ=Asia/Tokyo @daily", "UTC", "2026-01-01T00:00:00Z", 1)"#,
            json!(["2026-01-01T15:00:00Z"]),
        ),
        (r#"schedule_next("0 0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", 5)"#, json!([])),
        (r#"schedule_next("@manually", "", "2026-01-01T00:00:00Z", 5)"#, json!([])),
        (
            r#"schedule_next("@at 2026-01-02T00:00:00Z", "UTC", "2026-01-01T00:00:00Z", 5)"#,
            json!(["2026-01-02T00:00:00Z"]),
        ),
        (
            r#"schedule_next("0 0 ~ * * *", "UTC", "2026-01-01T00:00:00Z", 1, "backup")"#,
            json!(["2026-01-01T06:00:00Z"]),
        ),
        (
            r#"schedule_next("0 0 ~ * * *", "UTC", "2026-01-01T00:00:00Z", 1, "acme--backup")"#,
            json!(["2026-01-01T22:00:00Z"]),
        ),
        (
            r#"schedule_next("0 0 5 * * *", "UTC", "2026-01-01T00:00:00Z", 1, null)"#,
            json!(["2026-01-01T05:00:00Z"]),
        ),
        (
            r#"length(provider::krony::schedule_next("* * * * * *", "UTC", "2026-01-01T00:00:00Z", 1000))"#,
            json!(1000),
        ),
        (r#"schedule_describe("0 30 3 * * MON-FRI")"#, json!("at 03:30:00 on Monday to Friday")),
        (r#"schedule_describe("0 30 3 * * MON-FRI", null)"#, json!("at 03:30:00 on Monday to Friday")),
        (
            r#"schedule_describe("0 0 ~ * * *", "Europe/Berlin")"#,
            json!("at minute 0 of hour ~ every day (Europe/Berlin); the job's name chooses ~"),
        ),
        (r#"schedule_describe("@hourly", "Europe/Berlin")"#, json!("every hour")),
        (r#"full_name("acme", "backup")"#, json!("acme--backup")),
        (r#"full_name(null, "backup--2")"#, json!("backup--2")),
        (r#"parse_full_name("acme--a--b")"#, json!({"tenant": "acme", "name": "a--b"})),
        (r#"parse_full_name("backup")"#, json!({"tenant": null, "name": "backup"})),
        (r#"parse_full_name("krony--tenant-acme")"#, json!({"tenant": null, "name": "krony--tenant-acme"})),
    ];
    let mut config = String::new();
    for (number, (call, _)) in cases.iter().enumerate() {
        let call =
            if call.starts_with("length") { (*call).to_owned() } else { format!("provider::krony::{call}") };
        writeln!(config, "output \"o{number}\" {{\n  value = {call}\n}}").unwrap();
    }
    for terraform in each_terraform().into_iter().chain([Terraform::v1_8().unwrap()]) {
        let found = outputs(&workspace(&terraform, NOWHERE), &config);
        for (number, (call, expected)) in cases.iter().enumerate() {
            assert_eq!(&found[format!("o{number}")]["value"], expected, "{call}");
        }
    }
}

#[test]
fn errors_are_at_the_argument() {
    let cases = [
        (
            r#"schedule_next("* * * * *", "UTC", "2026-01-01T00:00:00Z", 1)"#,
            "schedule",
            "put a second in front",
        ),
        (r#"schedule_next("", "UTC", "2026-01-01T00:00:00Z", 1)"#, "schedule", "A schedule is expected"),
        (
            r#"schedule_next("@daily", "europe/berlin", "2026-01-01T00:00:00Z", 1)"#,
            "timezone",
            "did you mean \"Europe/Berlin\"",
        ),
        (r#"schedule_next("@daily", "UTC", "yesterday", 1)"#, "after", "2031-06-30T12:00:00Z"),
        (r#"schedule_next("@daily", "UTC", "2026-01-01T00:00:00Z", 0)"#, "count", "1 to 1000, found 0"),
        (r#"schedule_next("@daily", "UTC", "2026-01-01T00:00:00Z", 1001)"#, "count", "1 to 1000, found 1001"),
        (r#"schedule_next("@daily", "UTC", "2026-01-01T00:00:00Z", 1.5)"#, "count", "a whole number"),
        (r#"schedule_next("@daily", "UTC", "2026-01-01T00:00:00Z", -1)"#, "count", "a whole number"),
        (
            r#"schedule_next("0 ~ * * * *", "UTC", "2026-01-01T00:00:00Z", 1)"#,
            "schedule",
            "give the name as the fifth argument",
        ),
        (
            r#"schedule_next("@daily", "UTC", "2026-01-01T00:00:00Z", 1, "Backup")"#,
            "name",
            "Did you mean \"backup\"",
        ),
        (
            r#"schedule_next("@daily", "UTC", "2026-01-01T00:00:00Z", 1, "a", "b", "c")"#,
            "name",
            "At most one",
        ),
        (r#"schedule_describe("0 0 25 * * *")"#, "schedule", "above 23"),
        (r#"schedule_describe("@daily", "Mars")"#, "timezone", "no time zone"),
        (r#"full_name("a--b", "backup")"#, "tenant", "a--b"),
        (r#"full_name("acme", "-backup")"#, "name", "does not begin with `-`"),
        (r#"full_name(null, "krony--x")"#, "name", "reserved"),
        (r#"parse_full_name("Acme")"#, "full_name", "Did you mean \"acme\""),
    ];
    let workspace = workspace(&Terraform::on_path().unwrap(), NOWHERE);
    let mut config = String::new();
    for (number, (call, ..)) in cases.iter().enumerate() {
        writeln!(config, "output \"o{number}\" {{\n  value = provider::krony::{call}\n}}").unwrap();
    }
    workspace.write("main.tf", &config).unwrap();
    let errors = errors(&workspace, &["plan"]);
    for (call, parameter, expected) in cases {
        let error = errors.iter().find(|error| error.code.contains(call));
        let error = error.unwrap_or_else(|| panic!("no error at {call}: {errors:#?}"));
        let place = format!("Invalid value for \"{parameter}\" parameter");
        assert!(error.detail.contains(&place), "{call}: {error:#?}");
        assert!(error.detail.contains(expected), "{call}: {error:#?}");
    }
}

#[test]
fn examples_of_the_documentation_work() {
    let workspace = workspace(&Terraform::on_path().unwrap(), NOWHERE);
    let found = outputs(&workspace, &example("functions/schedule_next/function.tf"));
    assert_eq!(found["next_backups"]["value"], json!(["2026-03-30T01:30:00Z", "2026-03-31T01:30:00Z"]));
    let found = outputs(&workspace, &example("functions/schedule_describe/function.tf"));
    assert_eq!(found["when"]["value"], json!("at 03:30:00 on Monday to Friday (Europe/Berlin)"));
    let found = outputs(&workspace, &example("functions/full_name/function.tf"));
    assert_eq!(found["job_of_a_tenant"]["value"], json!("acme--nightly-backup"));
    let found = outputs(&workspace, &example("functions/parse_full_name/function.tf"));
    assert_eq!(found["job_of_a_tenant"]["value"], json!({"tenant": "acme", "name": "nightly-backup"}));
}

/// A job of which it is known when dkron called.
struct Scheduled {
    name: String,
    schedule: String,
    timezone: &'static str,
}

/// `<second> <minute> <hour> * * *`, of the present and the next two minutes there.
fn nearby(second: &str, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap();
    let moments: Vec<_> = (0..3)
        .map(|minutes| zone.to_datetime(Timestamp::now() + SignedDuration::from_mins(minutes)))
        .collect();
    let list = |part: fn(&jiff::civil::DateTime) -> i8| {
        moments.iter().map(|moment| part(moment).to_string()).collect::<Vec<_>>().join(",")
    };
    format!("{second} {} {} * * *", list(|moment| moment.minute()), list(|moment| moment.hour()))
}

/// A name that dkron turns into a second between 0 and 4.
fn early_name() -> String {
    let sum = |name: &str| name.chars().map(u32::from).sum::<u32>();
    let mut names = ('a'..='z').flat_map(|a| ('a'..='z').map(move |b| format!("next_hashed_{a}{b}{b}")));
    names.find(|name| (1..5).contains(&(sum(name) % 60))).unwrap()
}

const CALLS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn dkron_runs_when_schedule_next_says() {
    let receiver = Server::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let (_node, workspace) = stage();
    let scheduled =
        |name: &str, schedule: String, timezone| Scheduled { name: name.to_owned(), schedule, timezone };
    let jobs = [
        scheduled("next_steps", "*/3 * * * * *".to_owned(), ""),
        scheduled("next_list", "1,6,7,20-40/5,50 * * * * *".to_owned(), "UTC"),
        scheduled("next_kathmandu", nearby("*/4", "Asia/Kathmandu"), "Asia/Kathmandu"),
        scheduled(
            "next_prefix",
            format!("TZ=America/New_York {}", nearby("*/5", "America/New_York")),
            "Europe/Berlin",
        ),
        scheduled("next_every", "@every 3s".to_owned(), "Europe/Berlin"),
        Scheduled { name: early_name(), schedule: "~/6 * * * * *".to_owned(), timezone: "UTC" },
    ];
    let mut config = String::new();
    for Scheduled { name, schedule, timezone } in &jobs {
        let url = format!("{}/log/{name}", receiver.base_url());
        let rest = format!(
            "  schedule = \"{schedule}\"\n  timezone = \"{timezone}\"\n  http = {{ url = \"{url}\" }}"
        );
        config += &job(name, &rest);
    }
    workspace.write("main.tf", &config).unwrap();
    workspace.apply(&[]).unwrap();
    let created = Timestamp::now();
    for Scheduled { name, .. } in &jobs {
        let wait = receiver.wait(name, CALLS, Some(created), Duration::from_secs(120)).await;
        assert!(wait.reached(), "dkron does not run {name}");
    }
    workspace.destroy(&[]).unwrap();

    let calls: Vec<Vec<Timestamp>> = jobs
        .iter()
        .map(|job| receiver.times(&job.name).into_iter().filter(|time| *time > created).collect())
        .collect();
    let mut questions = String::new();
    for (Scheduled { name, schedule, timezone }, calls) in jobs.iter().zip(&calls) {
        // `@every` counts from a moment that only its first run tells.
        let after =
            if schedule.starts_with("@every") { calls[0] } else { created - SignedDuration::from_secs(60) };
        writeln!(
            questions,
            "output \"{name}\" {{\n  value = provider::krony::schedule_next({schedule:?}, {timezone:?}, \"{after}\", 200, {name:?})\n}}"
        )
        .unwrap();
    }
    let answers = outputs(&workspace, &questions);
    for (Scheduled { name, schedule, .. }, calls) in jobs.iter().zip(&calls) {
        let announced = answers[name]["value"].as_array().unwrap();
        let announced: Vec<Timestamp> =
            announced.iter().map(|time| time.as_str().unwrap().parse().unwrap()).collect();
        let calls = &calls[usize::from(schedule.starts_with("@every"))..];
        let early = SignedDuration::from_millis(50);
        let first = announced.iter().rposition(|time| *time <= calls[0] + early);
        check(schedule, &announced[first.unwrap()..], calls);
    }
}

/// Each call is that of one announced run, none of which is left out; half of them come within a second.
fn check(schedule: &str, announced: &[Timestamp], calls: &[Timestamp]) {
    let late = |(announced, call): (&Timestamp, &Timestamp)| call.duration_since(*announced).as_millis();
    let mut delays: Vec<_> = announced.iter().zip(calls).map(late).collect();
    let told = format!("{schedule}: announced {:?}, called {calls:?}", &announced[..calls.len()]);
    let gaps = announced.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_millis());
    for (delay, gap) in delays.iter().zip(gaps) {
        assert!((-50..gap).contains(delay), "a call {delay} ms after its time; {told}");
    }
    delays.sort_unstable();
    assert!(delays[delays.len() / 2] < 1000, "{told}");
}
