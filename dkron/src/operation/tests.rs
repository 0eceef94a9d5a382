use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use url::Url;

use crate::fake::{Fake, Reply, job, scope};
use crate::{Client, Config, Job, Left, Retry, Scope};

/// An address at which nobody listens.
fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

fn hasty(endpoints: impl IntoIterator<Item = Url>) -> Client {
    let mut config = Config::new(endpoints);
    config.retry = Retry { budget: Duration::from_millis(500), max_wait: Duration::from_millis(100) };
    Client::new(config).unwrap()
}

async fn refusal(client: &Client, time: Duration) -> String {
    client.read(&Scope::lasting(time), "a", |_| false).await.unwrap_err().to_string()
}

/// Whichever of the endpoints is asked last.
#[tokio::test]
async fn that_there_is_no_leader_is_said_even_where_a_node_is_dead() {
    let survivor = Fake::start().await;
    survivor.put(json!({"name": "a"}));
    survivor.always("GET /v1/leader", Reply::new(500, "null"));
    for endpoints in [
        vec![nobody(), survivor.url.clone()],
        vec![survivor.url.clone(), nobody(), nobody()],
        vec![nobody(), nobody(), nobody(), survivor.url.clone()],
    ] {
        let told = refusal(&hasty(endpoints), Duration::from_secs(60)).await;
        assert!(told.contains(survivor.url.as_str()) && told.contains("the cluster has no leader"), "{told}");
        assert!(told.contains("(tried "), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_over_the_last_attempt_is_told() {
    let fake = Fake::start().await;
    fake.always("GET", Reply::new(200, "{}").after(Duration::from_secs(15)));
    let client = Client::new(Config::new([fake.url.clone()])).unwrap();
    let told = refusal(&client, Duration::from_secs(10)).await.replace(fake.url.as_str(), "http://dkron/");
    insta::assert_snapshot!(told, @r#"cannot read job "a": the time given for it is over; the last attempt: GET http://dkron/v1/jobs/a failed: there was no answer in time; check the cluster's health"#);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_until_the_time_is_over_may_have_been_applied() {
    let fake = Fake::start().await;
    fake.once("POST /v1/jobs", Reply::new(404, "specified parent job not found"));
    fake.always("POST /v1/jobs", Reply::new(201, "").after(Duration::from_secs(15)));
    let client = Client::new(Config::new([fake.url.clone()])).unwrap();
    let scope = Scope::lasting(Duration::from_secs(10));
    let error = client.create(&scope, &job("a"), |_| {}).await.unwrap_err();
    assert!(matches!(error.left, Left::Unknown), "{error}");
    let told = error.cause.to_string();
    assert!(told.contains("the time given for it is over; the last attempt: POST"), "{told}");
}

#[tokio::test]
async fn an_answer_larger_than_any_job_is_not_kept() {
    let fake = Fake::start().await;
    fake.always("GET /v1/jobs/a", Reply::new(200, &" ".repeat(33 << 20)));
    let told = refusal(&hasty([fake.url.clone()]), Duration::from_secs(60)).await;
    assert!(told.contains("is not what dkron's API promises (larger than 33554432 bytes)"), "{told}");
}

/// An answer that leaves it open whether the write was applied leaves it open as well whether a run undoes it.
#[tokio::test(start_paused = true)]
async fn what_a_run_undid_after_an_uncertain_answer_is_written_again() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "schedule": "@every 1s"}));
    let before = fake.job("a").unwrap();
    let uncertain = Reply::new(500, "leadership lost while committing log").but_applied();
    let undone_at_the_third_look = || {
        let before = before.clone();
        fake.meddle("GET /v1/jobs/a", |_| {}).meddle("GET /v1/jobs/a", |_| {});
        fake.meddle("GET /v1/jobs/a", move |jobs| drop(jobs.insert("a".into(), before)));
    };
    let client = Client::new(Config::new([fake.url.clone()])).unwrap();
    client.create(&scope(), &job("proves"), |_| {}).await.unwrap();

    undone_at_the_third_look();
    fake.once("POST /v1/jobs", uncertain.clone());
    let wanted = Job { schedule: "@every 1s".into(), owner: "new".into(), ..job("a") };
    assert_eq!(client.update(&scope(), &wanted, |_| {}).await.unwrap().owner, "new");
    assert_eq!(fake.job("a").unwrap()["owner"], "new");

    undone_at_the_third_look();
    fake.once("DELETE /v1/jobs/a", uncertain);
    client.delete(&scope(), "a").await.unwrap();
    assert!(fake.job("a").is_none());
    assert_eq!(fake.count("DELETE"), 2);
}

/// Questions and requests must not fall into a step in which the same of them always meets the dead node.
#[tokio::test(start_paused = true)]
async fn a_balancer_that_takes_turns_does_not_always_lead_to_the_dead_node() {
    let [leader, follower, dead] = [Some("n1"), Some("n2"), None];
    for turns in [
        [leader, follower, dead],
        [leader, dead, follower],
        [follower, leader, dead],
        [follower, dead, leader],
        [dead, leader, follower],
        [dead, follower, leader],
    ] {
        let fake = Fake::start().await;
        fake.take_turns(&turns);
        let mut config = Config::new([fake.url.clone()]);
        config.retry.budget = Duration::from_secs(5);
        let client = Client::new(config).unwrap();
        for name in ["a", "b", "c", "d"] {
            client.create(&scope(), &job(name), |_| {}).await.unwrap();
            let changed = Job { owner: "new".into(), ..job(name) };
            client.update(&scope(), &changed, |_| {}).await.unwrap();
            assert_eq!(client.read(&scope(), name, |_| false).await.unwrap().unwrap().owner, "new");
            client.delete(&scope(), name).await.unwrap();
        }
    }
}
