use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::fake::{Fake, Reply, job, scope};
use crate::{Client, Config, Scope};

async fn create(fake: &Fake, job: &Job) -> Result<Job, WriteError> {
    fake.client().create(&scope(), job, |_| {}).await
}

async fn update(fake: &Fake, job: &Job) -> Result<Job, WriteError> {
    fake.client().update(&scope(), job, |_| {}).await
}

async fn delete(fake: &Fake, name: &str) -> Result<(), WriteError> {
    fake.client().delete(&scope(), name).await
}

fn owned(name: &str, owner: &str) -> Job {
    Job { owner: owner.into(), ..job(name) }
}

/// A client that gives up soon.
fn hasty(fake: &Fake) -> Client {
    let mut config = Config::new([fake.url.clone()]);
    config.retry = crate::Retry { budget: Duration::from_millis(300), max_wait: Duration::from_millis(100) };
    Client::new(config).unwrap()
}

/// The answer to the barrier that precedes a client's first write.
fn barrier() -> Reply {
    Reply::new(404, "specified parent job not found")
}

/// Does something as soon as so many of these calls have come in.
fn once_called(fake: &Fake, call: &'static str, count: usize, action: impl FnOnce() + Send + 'static) {
    let fake = fake.clone();
    tokio::spawn(async move {
        while fake.count(call) < count {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        action();
    });
}

#[tokio::test]
async fn a_create_costs_three_requests_and_a_process_a_few() {
    let fake = Fake::start().await;
    let client = fake.client();
    let jobs = 200;
    let creations: Vec<_> = (0..10)
        .map(|writer| {
            let client = client.clone();
            tokio::spawn(async move {
                for index in 0..jobs / 10 {
                    client.create(&scope(), &job(&format!("w{writer}-{index}")), |_| {}).await.unwrap();
                }
            })
        })
        .collect();
    for creation in creations {
        creation.await.unwrap();
    }
    // The barrier, and who leads: before it, after it, and once for each connection that is new.
    let constant = 1 + 2 + 16;
    let made = fake.calls().len();
    assert!(made <= 3 * jobs + constant, "{made} requests for {jobs} jobs");
    assert_eq!(fake.sent().len(), jobs);
}

#[tokio::test]
async fn create_leaves_alone_what_exists() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "owner": "somebody"}));
    let error = create(&fake, &job("a")).await.unwrap_err();
    let Error::AlreadyExists { job } = &error.cause else { panic!("{error}") };
    assert_eq!(job.owner, "somebody");
    assert!(matches!(error.left, Left::Untouched));
    assert!(fake.sent().is_empty());
    insta::assert_snapshot!(error.to_string(), @r#"a job named "a" exists already in dkron and was left alone. Nothing was written"#);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_not_proof_that_nothing_happened() {
    let uncertain = [
        Reply::new(500, "leadership lost while committing log"),
        Reply::foreign(504, "gateway timeout"),
        Reply::new(500, "error reading from server: EOF"),
    ];
    for reply in uncertain {
        // Applied: nothing is written again, and what is there is not mistaken for somebody else's.
        let fake = Fake::start().await;
        fake.once("POST /v1/jobs", barrier());
        fake.once("POST /v1/jobs", reply.clone().but_applied());
        assert!(create(&fake, &job("a")).await.unwrap().same_meaning(&job("a")));
        assert_eq!(fake.sent().len(), 1);
        // Not applied: it is written again.
        let fake = Fake::start().await;
        fake.once("POST /v1/jobs", barrier());
        fake.once("POST /v1/jobs", reply);
        assert!(create(&fake, &job("a")).await.unwrap().same_meaning(&job("a")));
        assert_eq!(fake.sent().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fails_for_good_says_what_is_left() {
    let fake = Fake::start().await;
    let client = hasty(&fake);
    client.create(&scope(), &job("before"), |_| {}).await.unwrap();
    fake.always("POST /v1/jobs", Reply::new(500, "raft is already shutdown"));
    let error = client.create(&scope(), &job("a"), |_| {}).await.unwrap_err();
    assert!(matches!(error.left, Left::Nothing), "{error}");

    // Applied although every answer said no: the job exists, and that is a success.
    fake.heal();
    fake.always("POST /v1/jobs", Reply::new(500, "leadership lost while committing log").but_applied());
    assert!(client.create(&scope(), &job("b"), |_| {}).await.is_ok());

    fake.heal();
    fake.always("POST /v1/jobs", Reply::new(400, "Job contains invalid value: can't parse job schedule."));
    let error = client.create(&scope(), &job("c"), |_| {}).await.unwrap_err();
    assert!(matches!(error.left, Left::Untouched));
    let told = error.to_string().replace(fake.url.as_str(), "http://dkron/");
    insta::assert_snapshot!(told, @r#"cannot create job "c": POST http://dkron/v1/jobs answered 400 from node "n1" with "Job contains invalid value: can't parse job schedule.": dkron does not accept it; correct what it names. Nothing was written"#);
    let error = client.update(&scope(), &owned("b", "new"), |_| {}).await.unwrap_err();
    assert!(matches!(error.left, Left::Untouched));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_be_asked_nothing_is_claimed() {
    let fake = Fake::start().await;
    fake.once("POST /v1/jobs", barrier());
    fake.always("POST /v1/jobs", Reply::new(500, "context deadline exceeded").after(Duration::from_secs(10)));
    let silent = fake.clone();
    once_called(&fake, "POST", 2, move || {
        silent.always("GET", Reply::foreign(502, ""));
    });
    let error = hasty(&fake).create(&scope(), &job("a"), |_| {}).await.unwrap_err();
    assert!(matches!(error.left, Left::Unknown), "{error}");
    assert!(error.to_string().ends_with("Whether the write was applied is not known"), "{error}");
}

#[tokio::test]
async fn a_missing_parent_is_named() {
    let fake = Fake::start().await;
    let child = Job { parent_job: "nobody".into(), ..job("child") };
    let error = create(&fake, &child).await.unwrap_err();
    assert!(matches!(error.cause, Error::ParentMissing { .. }) && matches!(error.left, Left::Nothing));
    insta::assert_snapshot!(error.to_string(), @r#"dkron refused job "child": its parent job "nobody" does not exist; create the parent first. The job does not exist in dkron"#);
}

#[tokio::test]
async fn an_update_sends_everything_and_only_when_needed() {
    let fake = Fake::start().await;
    fake.put(
        json!({"name": "a", "schedule": "@manually", "dependent_jobs": ["child"], "new_field": {"x": 1.5}}),
    );
    assert!(update(&fake, &job("a")).await.unwrap().same_meaning(&job("a")));
    assert!(fake.sent().is_empty());

    let stored = update(&fake, &owned("a", "new")).await.unwrap();
    assert_eq!(stored.owner, "new");
    let [sent] = &fake.sent()[..] else { panic!("one write") };
    assert_eq!(sent["dependent_jobs"], json!(["child"]));
    assert_eq!(sent["new_field"], json!({"x": 1.5}));
    assert_eq!(sent["schedule"], "@manually");
    assert_eq!(sent.get("next"), None);

    let error = update(&fake, &job("absent")).await.unwrap_err();
    assert!(matches!(error.cause, Error::Missing { .. }) && matches!(error.left, Left::Nothing));
}

#[tokio::test(start_paused = true)]
async fn what_a_run_undid_is_written_again() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "schedule": "@every 1s"}));
    let before = fake.job("a").unwrap();
    let undo = move |jobs: &mut std::collections::BTreeMap<String, Value>| {
        jobs.insert("a".into(), before.clone());
    };
    // Once before it is read back, once right after it showed, which only a second look tells.
    fake.meddle("GET /v1/jobs/a", |_| {});
    fake.meddle("GET /v1/jobs/a", undo.clone());
    let seen = Arc::new(AtomicUsize::new(0));
    let wanted = Job { schedule: "@every 1s".into(), ..owned("a", "new") };
    let counting = Arc::clone(&seen);
    let undone_later = fake.clone();
    let (client, scope) = (fake.client(), scope());
    let stored = client.update(&scope, &wanted, move |shown| {
        assert_eq!(shown.owner, "new");
        if counting.fetch_add(1, Ordering::Relaxed) == 0 {
            undone_later.meddle("GET /v1/jobs/a", undo.clone());
        }
    });
    assert_eq!(stored.await.unwrap().owner, "new");
    assert_eq!(fake.sent().len(), 3);
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stores_something_else_is_found_out() {
    let fake = Fake::start().await;
    for _ in 0..100 {
        fake.meddle("GET /v1/jobs/a", |jobs| {
            if let Some(job) = jobs.get_mut("a") {
                job["retries"] = json!(0);
            }
        });
    }
    let error = create(&fake, &Job { retries: 3, ..job("a") }).await.unwrap_err();
    let Left::Job(left) = &error.left else { panic!("{error}") };
    assert_eq!(left.retries, 0);
    insta::assert_snapshot!(error.to_string(), @r#"dkron accepted job "a" but shows something else afterwards in: retries; somebody else may be writing the same job. The job exists in dkron"#);
}

#[tokio::test]
async fn an_ephemeral_job_may_be_done_before_it_is_seen() {
    let fake = Fake::start().await;
    let once = Job { ephemeral: true, ..job("once") };
    fake.meddle("GET /v1/jobs/once", |_| {});
    for _ in 0..10 {
        fake.meddle("GET /v1/jobs/once", |jobs| drop(jobs.remove("once")));
    }
    assert!(create(&fake, &once).await.unwrap().same_meaning(&once));
    assert_eq!(fake.sent().len(), 1);
}

#[tokio::test]
async fn a_dropped_starts_at_is_undone_before_the_job_can_run() {
    let later = Some("2040-01-01T00:00:00Z".parse().unwrap());
    let fake = Fake::start().await;
    let error = create(&fake, &Job { starts_at: later, ..job("a") }).await.unwrap_err();
    assert!(
        matches!(error.cause, Error::Unsupported { field: "starts_at", .. })
            && matches!(error.left, Left::Nothing)
    );
    assert!(fake.job("a").is_none());
    assert!(fake.sent().iter().all(|sent| sent["disabled"] == true));
    insta::assert_snapshot!(error.to_string(), @"this dkron does not know the field `starts_at` of job \"a\" and drops it silently: it needs dkron 4.0.9. What was written was taken back; remove the field or upgrade dkron. The job does not exist in dkron");

    fake.put(json!({"name": "a", "schedule": "@manually", "owner": "old", "dependent_jobs": ["child"]}));
    let error = update(&fake, &Job { starts_at: later, ..owned("a", "new") }).await.unwrap_err();
    let Left::Job(left) = &error.left else { panic!("{error}") };
    assert!(left.same_meaning(&owned("a", "old")) && left.dependent_jobs == ["child"]);
    assert_eq!(fake.job("a").unwrap()["owner"], "old");
}

#[tokio::test]
async fn a_kept_starts_at_ends_enabled() {
    let fake = Fake::start().await;
    let kept = |jobs: &mut std::collections::BTreeMap<String, Value>| {
        if let Some(job) = jobs.get_mut("a") {
            job["starts_at"] = json!("2040-01-01T00:00:00Z");
        }
    };
    for _ in 0..100 {
        fake.meddle("GET /v1/jobs/a", kept);
    }
    let wanted = Job { starts_at: Some("2040-01-01T01:00:00+01:00".parse().unwrap()), ..job("a") };
    assert!(create(&fake, &wanted).await.unwrap().same_meaning(&wanted));
    let disabled: Vec<_> = fake.sent().iter().map(|sent| sent["disabled"].clone()).collect();
    assert_eq!(disabled, [true, false]);
    // It is known now that the field is kept.
    update(&fake, &Job { owner: "new".into(), ..wanted }).await.unwrap();
    assert_eq!(fake.sent().len(), 3);
}

#[tokio::test]
async fn a_trial_that_cannot_be_ended_is_not_forgotten() {
    let later = Some("2040-01-01T00:00:00Z".parse().unwrap());
    let fake = Fake::start().await;
    for _ in 0..100 {
        fake.meddle("GET /v1/jobs/a", |jobs| {
            if let Some(job) = jobs.get_mut("a") {
                job["starts_at"] = json!("2040-01-01T00:00:00Z");
            }
        });
    }
    fake.once("POST /v1/jobs", barrier());
    fake.once("POST /v1/jobs", Reply::new(201, "{}").but_applied());
    fake.once("POST /v1/jobs", Reply::new(400, "Job contains invalid value."));
    let error = create(&fake, &Job { starts_at: later, ..job("a") }).await.unwrap_err();
    let Left::Job(left) = &error.left else { panic!("{error}") };
    assert!(left.disabled);
}

#[tokio::test(start_paused = true)]
async fn deletes_are_looked_after() {
    // 404 although it was deleted, as for orphans.
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    fake.once("DELETE /v1/jobs/a", Reply::new(404, "").but_applied());
    delete(&fake, "a").await.unwrap();
    // 404 because there is no leader for a while.
    fake.put(json!({"name": "a"}));
    fake.once("DELETE /v1/jobs/a", Reply::new(404, "")).once("DELETE /v1/jobs/a", Reply::new(404, ""));
    delete(&fake, "a").await.unwrap();
    assert!(fake.job("a").is_none());
    assert_eq!(fake.count("DELETE"), 4);
    // Nothing to do.
    delete(&fake, "a").await.unwrap();
    assert_eq!(fake.count("DELETE"), 4);
    // A run brings it back right after it was gone.
    fake.put(json!({"name": "a", "schedule": "@every 1s"}));
    let back = fake.job("a").unwrap();
    fake.meddle("GET /v1/jobs/a", |_| {}).meddle("GET /v1/jobs/a", |_| {});
    fake.meddle("GET /v1/jobs/a", move |jobs| drop(jobs.insert("a".into(), back)));
    delete(&fake, "a").await.unwrap();
    assert!(fake.job("a").is_none());
    assert_eq!(fake.count("DELETE"), 6);
    // It stays for good.
    fake.put(json!({"name": "a"})).always("DELETE", Reply::new(404, ""));
    let error = hasty(&fake).delete(&scope(), "a").await.unwrap_err();
    assert!(matches!(error.left, Left::Job(_)));
    let told = error.to_string().replace(fake.url.as_str(), "http://dkron/");
    assert!(told.starts_with(r#"cannot delete job "a": DELETE http://dkron/v1/jobs/a answered 404 from node "n1": the server could not do it"#), "{told}");
}

#[tokio::test(start_paused = true)]
async fn writes_do_without_the_barrier_where_it_is_forbidden() {
    let fake = Fake::start().await;
    fake.once("POST /v1/jobs", Reply::foreign(403, "not your job"));
    create(&fake, &job("a")).await.unwrap();
    assert_eq!(fake.count("GET /v1/jobs?_end=1"), 2, "the leader was watched instead");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_under_way_is_awaited_when_cancelled() {
    let fake = Fake::start().await;
    fake.once("POST /v1/jobs", barrier());
    fake.once("POST /v1/jobs", Reply::new(201, "{}").but_applied().after(Duration::from_secs(10)));
    let scope = Scope { cancel: CancellationToken::new(), ..scope() };
    let cancel = scope.cancel.clone();
    once_called(&fake, "POST", 2, move || cancel.cancel());
    let stored = fake.client().create(&scope, &job("a"), |_| {}).await.unwrap();
    assert!(stored.same_meaning(&job("a")));
    // Nothing new begins in a scope that is cancelled.
    let error = fake.client().create(&scope, &job("b"), |_| {}).await.unwrap_err();
    assert!(matches!(error.cause, Error::Cancelled { .. }) && matches!(error.left, Left::Untouched));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_write_that_failed_is_not_repeated() {
    let fake = Fake::start().await;
    let scope = Scope { cancel: CancellationToken::new(), ..scope() };
    fake.once("POST /v1/jobs", barrier());
    fake.once("POST /v1/jobs", Reply::new(500, "context deadline exceeded").after(Duration::from_secs(10)));
    let cancel = scope.cancel.clone();
    once_called(&fake, "POST", 2, move || cancel.cancel());
    let error = fake.client().create(&scope, &job("a"), |_| {}).await.unwrap_err();
    assert!(matches!(error.cause, Error::Cancelled { .. }) && matches!(error.left, Left::Nothing), "{error}");
    assert_eq!(fake.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_may_have_restarted_is_proven_anew() {
    let fake = Fake::start().await;
    let client = fake.client();
    // Each request needs a new connection, as after a restart.
    fake.add_header("connection", "close");
    client.create(&scope(), &job("first"), |_| {}).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    // It replays its log: the job is there once a barrier has passed.
    fake.meddle("POST", |jobs| drop(jobs.insert("a".into(), json!({"name": "a", "owner": "somebody"}))));
    let error = client.create(&scope(), &job("a"), |_| {}).await.unwrap_err();
    assert!(matches!(error.cause, Error::AlreadyExists { .. }), "{error}");
    assert_eq!(fake.job("a").unwrap()["owner"], "somebody");
}

#[tokio::test(start_paused = true)]
async fn a_delete_does_not_believe_a_node_that_shuts_down() {
    let fake = Fake::start().await;
    let client = hasty(&fake);
    client.create(&scope(), &job("a"), |_| {}).await.unwrap();
    fake.always("GET /v1/leader", Reply::new(500, "null"));
    fake.always("GET /v1/jobs/a", Reply::new(404, ""));
    let error = client.delete(&scope(), "a").await.unwrap_err();
    assert!(matches!(error.left, Left::Untouched), "{error}");
    let error = client.update(&scope(), &owned("a", "new"), |_| {}).await.unwrap_err();
    assert!(!matches!(error.cause, Error::Missing { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_proof_unless_a_proxy_holds_it() {
    let barriers = async |header: Option<(&'static str, &'static str)>, another: Option<&str>| {
        let fake = Fake::start().await;
        let client = fake.client();
        if let Some((name, value)) = header {
            fake.add_header(name, value);
        }
        for name in ["first", "second"] {
            if let Some(node) = another {
                fake.once("GET /v1/jobs", Reply::new(404, "").node(node));
            }
            client.create(&scope(), &job(name), |_| {}).await.unwrap();
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        fake.count("POST") - fake.sent().len()
    };
    assert_eq!(barriers(None, None).await, 1);
    assert_eq!(barriers(Some(("via", "1.1 proxy")), None).await, 2);
    assert_eq!(barriers(Some(("server", "nginx")), None).await, 2);
    // Nor is one over which another node has answered.
    assert_eq!(barriers(None, Some("n2")).await, 2);
}
