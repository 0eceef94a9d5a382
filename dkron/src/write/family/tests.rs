use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::Client;
use crate::fake::{Fake, Reply, job, scope};

fn child(name: &str, parent: &str) -> Job {
    Job { parent_job: parent.into(), ..job(name) }
}

fn dependents(fake: &Fake, name: &str) -> Value {
    fake.job(name).unwrap()["dependent_jobs"].clone()
}

/// The jobs that were sent, as name and parent.
fn sent(fake: &Fake) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    fake.sent().iter().map(|job| (text(&job["name"]), text(&job["parent_job"]))).collect()
}

/// A parent whose list somebody emptied.
async fn with_lost_link(parent: Value) -> Fake {
    let fake = Fake::start().await;
    fake.put(parent);
    fake.put(json!({"name": "child", "schedule": "", "parent_job": "parent", "executor": "shell"}));
    fake
}

fn lost() -> Job {
    Job { schedule: String::new(), executor: "shell".into(), ..child("child", "parent") }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_child_restores_its_link() {
    for keeps_dependents in [false, true] {
        let fake = with_lost_link(json!({"name": "parent", "dependent_jobs": ["other"]})).await;
        if keeps_dependents {
            fake.keep_dependents();
        }
        let stored = fake.client().update(&scope(), &lost(), |_| {}).await.unwrap();
        assert!(stored.same_meaning(&lost()));
        assert_eq!(dependents(&fake, "parent"), json!(["other", "child"]));
        // It left and came back; the parent was not written, and the child could not run meanwhile.
        let pair = |parent: &str| ("child".to_owned(), parent.to_owned());
        assert_eq!(sent(&fake), [pair(""), pair("parent")]);
        assert_eq!(fake.sent()[0]["disabled"], true);
        assert!(fake.client().update(&scope(), &lost(), |_| {}).await.is_ok());
        assert_eq!(fake.sent().len(), 2, "a link that is there is left alone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_listed_twice_is_listed_once() {
    let fake = with_lost_link(json!({"name": "parent", "dependent_jobs": ["child", "child"]})).await;
    fake.client().update(&scope(), &lost(), |_| {}).await.unwrap();
    assert_eq!(dependents(&fake, "parent"), json!(["child"]));
    fake.put(json!({"name": "parent", "schedule": "@manually", "dependent_jobs": ["child", "child"]}));
    let parent = Job { owner: "new".into(), ..job("parent") };
    fake.client().update(&scope(), &parent, |_| {}).await.unwrap();
    assert_eq!(dependents(&fake, "parent"), json!(["child"]));
}

#[tokio::test]
async fn a_child_without_its_parent_is_an_error() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "child", "schedule": "", "parent_job": "parent", "executor": "shell"}));
    let error = fake.client().update(&scope(), &lost(), |_| {}).await.unwrap_err();
    assert!(matches!(error.cause, Error::ParentMissing { .. }), "{error}");
    assert!(matches!(error.left, Left::Job(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_run_of_the_parent_undid_is_linked_again() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "parent", "schedule": "@every 1s", "dependent_jobs": ["other"]}));
    let before = fake.job("parent").unwrap();
    fake.meddle("GET /v1/jobs/parent", |_| {});
    fake.meddle("GET /v1/jobs/parent", move |jobs| drop(jobs.insert("parent".into(), before)));
    fake.client().create(&scope(), &child("child", "parent"), |_| {}).await.unwrap();
    assert_eq!(dependents(&fake, "parent"), json!(["other", "child"]));
    // A parent that does not run about now is not looked at twice.
    fake.put(json!({"name": "quiet", "schedule": "@manually"}));
    let client = fake.client();
    for index in 0..5 {
        client.create(&scope(), &child(&format!("child{index}"), "quiet"), |_| {}).await.unwrap();
    }
    assert_eq!(fake.count("GET /v1/jobs/quiet"), 1);
}

/// Brings a parent back as it was, as a run does that began before.
fn undo(fake: &Fake, call: &str) {
    let before = fake.job("from").unwrap();
    fake.meddle(call, move |jobs: &mut BTreeMap<String, Value>| drop(jobs.insert("from".into(), before)));
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_runs_forgets_the_children_that_leave() {
    let fake = Fake::start().await;
    let running = json!({"name": "from", "schedule": "@every 1s", "dependent_jobs": ["moves", "goes"]});
    fake.put(running).put(json!({"name": "to"}));
    fake.put(json!({"name": "moves", "parent_job": "from"}))
        .put(json!({"name": "goes", "parent_job": "from"}));
    let client = fake.client();
    undo(&fake, "GET /v1/jobs/from");
    client.update(&scope(), &child("moves", "to"), |_| {}).await.unwrap();
    assert_eq!((dependents(&fake, "from"), dependents(&fake, "to")), (json!(["goes"]), json!(["moves"])));
    undo(&fake, "GET /v1/jobs/from");
    client.delete(&scope(), "goes").await.unwrap();
    assert_eq!(dependents(&fake, "from"), json!([]));
}

#[tokio::test]
async fn an_orphan_that_moves_is_written_until_dkron_accepts_it() {
    for parent in ["", "new"] {
        let fake = Fake::start().await;
        fake.put(json!({"name": "new"})).put(json!({"name": "orphan", "parent_job": "gone"}));
        let moved = fake.client().update(&scope(), &child("orphan", parent), |_| {}).await.unwrap();
        assert_eq!(moved.parent_job, parent);
        // The first answer was 404, and dkron schedules and lists only what it accepts.
        assert!(fake.sent().len() >= 2);
        let listed = if parent.is_empty() { Value::Null } else { json!(["orphan"]) };
        assert_eq!(dependents(&fake, "new"), listed);
    }
}

#[tokio::test]
async fn a_job_does_not_come_after_itself() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "schedule": "@daily"}));
    fake.put(json!({"name": "b", "parent_job": "a"})).put(json!({"name": "c", "parent_job": "b"}));
    let error = fake.client().update(&scope(), &child("a", "c"), |_| {}).await.unwrap_err();
    assert!(matches!(error.left, Left::Untouched) && fake.sent().is_empty());
    insta::assert_snapshot!(error.to_string(), @"a job cannot run after itself, but with this parent it would: a -> c -> b -> a, each after the next. None of them would ever run; give one of them another parent. Nothing was written");
    // A cycle among others is theirs, and does not hold anybody up.
    fake.put(json!({"name": "x", "parent_job": "y"})).put(json!({"name": "y", "parent_job": "x"}));
    fake.client().update(&scope(), &child("a", "x"), |_| {}).await.unwrap();
}

async fn with_children(names: &[&str]) -> (Fake, Client) {
    let fake = Fake::start().await;
    fake.put(json!({"name": "parent", "dependent_jobs": names}));
    for name in names {
        fake.put(json!({"name": name, "parent_job": "parent"}));
    }
    let client = fake.client();
    (fake, client)
}

#[tokio::test(start_paused = true)]
async fn a_parent_waits_for_its_children_to_go() {
    let (fake, client) = with_children(&["one", "two"]).await;
    let began = Instant::now();
    let error = client.delete(&scope(), "parent").await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 30);
    insta::assert_snapshot!(error.to_string(), @r#"job "parent" cannot be deleted while other jobs depend on it: one, two; delete them first or give them another parent. Nothing was written"#);
    assert_eq!(fake.count("DELETE"), 0);
    let deletion = tokio::spawn({
        let client = client.clone();
        async move { client.delete(&scope(), "parent").await }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    client.delete(&scope(), "one").await.unwrap();
    client.update(&scope(), &job("two"), |_| {}).await.unwrap();
    deletion.await.unwrap().unwrap();
    assert!(fake.job("parent").is_none());
}

#[tokio::test(start_paused = true)]
async fn children_are_named_however_short_the_time() {
    let (_fake, client) = with_children(&["one", "two"]).await;
    let error = client.delete(&crate::Scope::lasting(Duration::from_secs(2)), "parent").await.unwrap_err();
    let Error::HasDependents { dependents, .. } = &error.cause else { panic!("{error}") };
    assert_eq!(dependents, &["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn names_that_are_no_children_do_not_keep_a_parent() {
    let (fake, client) = with_children(&["real"]).await;
    let names = ["ghost", "elsewhere", "real", "real", "..", "a/b", ""];
    fake.put(json!({"name": "parent", "owner": "me", "dependent_jobs": names}));
    fake.put(json!({"name": "elsewhere", "parent_job": "other"}));
    let deletion = tokio::spawn({
        let client = client.clone();
        async move { client.delete(&scope(), "parent").await }
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(fake.count("DELETE"), 0, "a real child is waited for");
    client.delete(&scope(), "real").await.unwrap();
    deletion.await.unwrap().unwrap();
    assert!(fake.job("parent").is_none() && fake.job("elsewhere").is_some());
}

/// dkron 4.0.9 does not let anybody write the list.
#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_cleaned_is_reported() {
    let (fake, client) = with_children(&[]).await;
    fake.keep_dependents();
    fake.put(json!({"name": "parent", "dependent_jobs": ["ghost"]}));
    let error = client.delete(&scope(), "parent").await.unwrap_err();
    assert!(
        matches!(&error.cause, Error::NotStored { fields, .. } if fields == &["dependent_jobs"]),
        "{error}"
    );
    assert!(fake.job("parent").is_some());
}

/// The update of a parent and the creation of its children at the same moment.
#[tokio::test]
async fn no_link_is_lost_when_parent_and_children_are_written_at_once() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "parent", "schedule": "@manually"}));
    // Whoever reads the parent takes long to write it.
    fake.always("GET /v1/leader", slow_leader());
    let client = fake.client();
    let mut writes = tokio::task::JoinSet::new();
    for index in 0..20 {
        let client = client.clone();
        writes.spawn(async move {
            let written = if index % 4 == 0 {
                let parent = Job { owner: format!("owner {index}"), ..job("parent") };
                client.update(&scope(), &parent, |_| {}).await
            } else {
                client.create(&scope(), &child(&format!("child{index}"), "parent"), |_| {}).await
            };
            written.unwrap();
        });
    }
    writes.join_all().await;
    assert_eq!(dependents(&fake, "parent").as_array().unwrap().len(), 15);
}

fn slow_leader() -> Reply {
    let leader = json!({"Name": "n1", "Addr": "127.0.0.1", "Port": 1, "Tags": {"rpc_addr": "127.0.0.1:2"}});
    Reply::new(200, &leader.to_string()).after(Duration::from_millis(20))
}
