use serde_json::json;

use super::*;

/// As dkron 4.0.5 answers about a job of which only name and schedule were given.
const MINIMAL: &str = r#"{"id":"min","name":"min","displayname":"","timezone":"","schedule":"@every 1h","owner":"","owner_email":"","success_count":0,"error_count":0,"last_success":null,"last_error":null,"disabled":false,"tags":null,"metadata":null,"retries":0,"dependent_jobs":null,"parent_job":"","processors":{},"concurrency":"allow","executor":"","executor_config":null,"status":"","next":"2026-11-22T16:03:28Z","ephemeral":false,"expires_at":null}"#;

fn full() -> Job {
    let texts = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    Job {
        name: "full".into(),
        displayname: "Full".into(),
        schedule: "0 30 * * * *".into(),
        timezone: "Europe/Berlin".into(),
        owner: "own".into(),
        owner_email: "a@b.c".into(),
        disabled: true,
        tags: texts("server", "true:1"),
        metadata: texts("k", "v"),
        retries: 3,
        parent_job: "parent".into(),
        processors: BTreeMap::from([("files".to_owned(), texts("forward", "hunter2-processor"))]),
        concurrency: "forbid".into(),
        executor: "http".into(),
        executor_config: texts("headers", "hunter2-executor"),
        ephemeral: true,
        expires_at: Some("2030-01-01T00:00:00+02:00".parse().unwrap()),
        starts_at: Some("2029-01-01T00:00:00Z".parse().unwrap()),
        ..Job::default()
    }
}

#[test]
fn reads_what_dkron_answers() {
    let minimal: Job = serde_json::from_str(MINIMAL).unwrap();
    let expected = Job {
        name: "min".into(),
        schedule: "@every 1h".into(),
        concurrency: "allow".into(),
        ..Job::default()
    };
    assert!(minimal.same_meaning(&expected));
    assert_eq!(minimal.next, Some("2026-11-22T16:03:28Z".parse().unwrap()));
    assert!(minimal.unknown.is_empty());
}

#[test]
fn null_and_absence_are_emptiness() {
    let expected = Job { name: "a".into(), ..Job::default() };
    let fields = [
        "displayname",
        "schedule",
        "timezone",
        "owner",
        "owner_email",
        "disabled",
        "tags",
        "metadata",
        "retries",
        "parent_job",
        "processors",
        "concurrency",
        "executor",
        "executor_config",
        "ephemeral",
        "expires_at",
        "starts_at",
        "dependent_jobs",
        "next",
        "status",
        "success_count",
        "error_count",
        "last_success",
        "last_error",
        "id",
    ];
    for field in fields {
        let job: Job = serde_json::from_value(json!({"name": "a", field: null})).unwrap();
        assert!(job.same_meaning(&expected), "{field}");
        assert!(job.unknown.is_empty(), "{field}");
    }
    let nested = json!({"name": "a", "tags": {"t": null}, "processors": {"p": null, "q": {"k": null}}});
    let job: Job = serde_json::from_value(nested).unwrap();
    assert_eq!(job.tags["t"], "");
    assert!(job.processors["p"].is_empty());
    assert_eq!(job.processors["q"]["k"], "");
}

#[test]
fn no_next_run_is_none() {
    for zero in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
        let job: Job = serde_json::from_value(json!({"name": "a", "next": zero})).unwrap();
        assert_eq!(job.next, None);
    }
}

#[test]
fn sends_what_is_the_clients() {
    let read = json!({
        "id": "a", "name": "a", "next": "2026-11-22T16:03:28Z", "status": "success", "success_count": 5,
        "error_count": 2, "last_success": "2020-01-01T00:00:00Z", "last_error": "2020-01-01T00:00:00Z",
        "concurrency": "", "dependent_jobs": ["b"],
        "new_number": 12345678901234567890_u64, "new_fraction": 0.1, "new_map": {"deep": [1, null]},
    });
    let job: Job = serde_json::from_value(read).unwrap();
    assert_eq!((job.success_count, job.error_count, job.status.as_str()), (5, 2, "success"));
    let sent = serde_json::to_value(&job).unwrap();
    let expected = json!({
        "name": "a", "displayname": "", "schedule": "", "timezone": "", "owner": "", "owner_email": "",
        "disabled": false, "tags": {}, "metadata": {}, "retries": 0, "parent_job": "", "processors": {},
        "executor": "", "executor_config": {}, "ephemeral": false, "expires_at": null, "dependent_jobs": ["b"],
        "new_number": 12345678901234567890_u64, "new_fraction": 0.1, "new_map": {"deep": [1, null]},
    });
    assert_eq!(sent, expected);
    let sent = serde_json::to_value(full()).unwrap();
    assert_eq!(sent["expires_at"], "2029-12-31T22:00:00Z");
    assert_eq!(sent["starts_at"], "2029-01-01T00:00:00Z");
}

#[test]
fn every_field_of_the_client_counts() {
    assert_eq!(full().differences(&full()), [""; 0]);
    assert_eq!(
        full().differences(&Job::default()),
        [
            "name",
            "displayname",
            "schedule",
            "timezone",
            "owner",
            "owner_email",
            "disabled",
            "tags",
            "metadata",
            "retries",
            "parent_job",
            "processors",
            "concurrency",
            "executor",
            "executor_config",
            "ephemeral",
            "expires_at",
            "starts_at"
        ]
    );
}

type Change = fn(&mut Job);

#[test]
fn meaning_is_what_counts() {
    let change = |change: Change| {
        let mut job = Job::default();
        change(&mut job);
        job
    };
    let same: [(Change, &str); 5] = [
        (|job| job.concurrency = "allow".into(), "no concurrency is allow"),
        (|job| job.dependent_jobs.push("child".into()), "dependents are the server's"),
        (|job| job.success_count = 1, "counters are the server's"),
        (|job| job.next = Some(Timestamp::now()), "the next run is the server's"),
        (|job| drop(job.unknown.insert("new".into(), json!(1))), "nobody knows what it means"),
    ];
    for (same, why) in same {
        assert!(change(same).same_meaning(&Job::default()), "{why}");
    }
    let different: [(Change, &str); 3] = [
        (|job| job.concurrency = "forbid".into(), "concurrency"),
        (|job| drop(job.tags.insert("k".into(), String::new())), "tags"),
        (|job| job.schedule = " ".into(), "schedule"),
    ];
    for (different, field) in different {
        assert_eq!(change(different).differences(&Job::default()), [field]);
    }
}

#[test]
fn debug_output_has_no_secrets() {
    let mut job = full();
    job.unknown.insert("new".into(), json!("hunter2-unknown"));
    let shown = format!("{job:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("headers") && shown.contains("forward") && shown.contains("new"), "{shown}");
}

#[test]
fn a_secret_is_one_also_without_those_beside_it() {
    let job: Job = serde_json::from_value(json!({
        "name": "a",
        "executor_config": {
            "headers": r#"["Authorization: Bearer \"tok:en\"", "X-Short: 1"]"#,
            "env": "TOKEN=hunter2=1,MODE=on",
            "body": "plain text",
        },
        "processors": {"custom": {"secret": "processor"}},
    }))
    .unwrap();
    let values: Vec<_> = job.secret_values().collect();
    for secret in [r#"Bearer "tok:en""#, "hunter2=1", "TOKEN=hunter2=1,MODE=on", "plain text", "processor"] {
        assert!(values.iter().any(|value| value == secret), "{secret} is missing in {values:?}");
    }
    assert!(values.iter().all(|value| value.len() >= 6), "{values:?}");
}
