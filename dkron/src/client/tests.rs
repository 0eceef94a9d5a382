use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::config::{Auth, Header, Retry};
use crate::fake::{Fake, Reply, job, scope};

/// A client that gives up soon.
fn hasty(fakes: &[&Fake]) -> Client {
    let mut config = Config::new(fakes.iter().map(|fake| fake.url.clone()));
    config.retry = Retry { budget: Duration::from_millis(500), max_wait: Duration::from_millis(200) };
    Client::new(config).unwrap()
}

fn with_auth(fake: &Fake) -> Client {
    let mut config = Config::new([fake.url.clone()]);
    config.auth = Auth::Basic { username: "me".into(), password: "hunter2-password".into() };
    config.headers.push(Header { name: "x-key".into(), value: "hunter2-header".into() });
    config.retry.budget = Duration::ZERO;
    Client::new(config).unwrap()
}

/// The error's text, and that of its causes, without the port that changes from run to run.
fn told(fake: &Fake, error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(source) = next {
        texts.push(source.to_string());
        next = source.source();
    }
    texts.join(" <- ").replace(fake.url.as_str(), "http://dkron/")
}

#[tokio::test]
async fn what_agrees_costs_one_request() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "schedule": "@manually"}));
    let found = fake.client().read(&scope(), "a", |found| found.same_meaning(&job("a"))).await.unwrap();
    assert!(found.is_some());
    assert_eq!(fake.calls(), ["GET /v1/jobs/a"]);
}

#[tokio::test(start_paused = true)]
async fn what_disagrees_counts_from_the_leader() {
    let follower = Fake::named("n2", "n1").await;
    let leader = Fake::named("n1", "n1").await;
    follower.put(json!({"name": "a", "owner": "stale"}));
    leader.put(json!({"name": "a", "owner": "true"}));
    let read = async |client: Client| client.read(&scope(), "a", |_| false).await;
    let found = read(hasty(&[&follower, &leader])).await.unwrap().unwrap();
    assert_eq!(found.owner, "true");
    // The follower alone cannot say, however often it is asked.
    let error = read(hasty(&[&follower])).await.unwrap_err();
    insta::assert_snapshot!(told(&follower, &error), @r#"cannot read job "a": only the answer of the leader, node "n1", counts for this, but the endpoints lead to n2; add the leader's address to the endpoints, or use one that balances over all nodes"#);
}

#[tokio::test]
async fn behind_a_balancer_the_leader_is_tried_for() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "owner": "true"}));
    for _ in 0..4 {
        fake.once("GET /v1/jobs/a", Reply::new(200, r#"{"name":"a","owner":"stale"}"#).node("n2"));
    }
    let named = r#"{"Name":"n1","Tags":{"rpc_addr":"127.0.0.1:2"}}"#;
    fake.once("GET /v1/leader", Reply::new(200, named).node("n3"));
    let found = fake.client().read(&scope(), "a", |_| false).await.unwrap().unwrap();
    assert_eq!(found.owner, "true");
}

#[tokio::test(start_paused = true)]
async fn absence_is_proven_once_and_shared() {
    let fake = Fake::start().await;
    let client = fake.client();
    let began = Instant::now();
    assert!(client.read(&scope(), "absent", |_| true).await.unwrap().is_none());
    assert!(began.elapsed() >= Duration::from_secs(2), "the leader is watched first");
    assert_eq!(fake.count("GET /v1/jobs?_end=1"), 2);
    assert_eq!(fake.count("POST"), 0, "reading does not write");

    let (proven, calls) = (Instant::now(), fake.calls().len());
    for index in 0..100 {
        assert!(client.read(&scope(), &format!("absent{index}"), |_| true).await.unwrap().is_none());
    }
    assert!(proven.elapsed() < Duration::from_secs(1), "nobody waits again");
    assert!(fake.calls().len() <= calls + 200, "a look and a question each");
}

#[tokio::test(start_paused = true)]
async fn concurrent_absences_share_one_proof() {
    let fake = Fake::start().await;
    let client = fake.client();
    let reads: Vec<_> = (0..50)
        .map(|index| {
            let client = client.clone();
            tokio::spawn(async move { client.read(&scope(), &format!("absent{index}"), |_| true).await })
        })
        .collect();
    for read in reads {
        assert!(read.await.unwrap().unwrap().is_none());
    }
    assert_eq!(fake.count("GET /v1/jobs?_end=1"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_grows_is_watched_on() {
    let fake = Fake::start().await;
    // The node replays its log: one more job is there each time the list is looked at.
    for index in 0..3 {
        let appears = json!({"name": format!("j{index}")});
        fake.meddle("GET /v1/jobs?_end=1", move |jobs| drop(jobs.insert(format!("j{index}"), appears)));
    }
    fake.meddle("GET /v1/jobs?_end=1", |jobs| drop(jobs.insert("late".into(), json!({"name": "late"}))));
    let found = fake.client().read(&scope(), "late", |_| true).await.unwrap();
    assert_eq!(found.map(|job| job.name).as_deref(), Some("late"));
    assert_eq!(fake.count("GET /v1/jobs?_end=1"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_shuts_down_is_not_believed() {
    let fake = Fake::start().await;
    let client = hasty(&[&fake]);
    // It had been trusted before.
    assert!(client.read(&scope(), "absent", |_| true).await.unwrap().is_none());
    fake.put(json!({"name": "a"}));
    fake.always("GET /v1/leader", Reply::new(500, "null"));
    fake.always("GET /v1/jobs?", Reply::new(200, ""));
    fake.always("GET /v1/jobs/a", Reply::new(404, ""));
    let error = client.read(&scope(), "a", |_| true).await.unwrap_err();
    let Error::Request(failure) = &error else { panic!("{error}") };
    assert_eq!(failure.problem, Problem::NoLeader);
    fake.heal();
    assert!(client.read(&scope(), "a", |_| true).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_list_without_count_proves_nothing() {
    let fake = Fake::start().await;
    fake.always("GET /v1/jobs?", Reply::new(200, ""));
    let error = hasty(&[&fake]).read(&scope(), "a", |_| true).await.unwrap_err();
    let Error::Request(failure) = &error else { panic!("{error}") };
    assert_eq!(failure.problem, Problem::Uncounted);
    assert!(error.to_string().contains("that a proxy in between passes X-Total-Count on"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_leader_without_address_leads_nothing() {
    let fake = Fake::start().await;
    // As dkron answers while a node joins: the empty leader's address matches the newcomer's.
    fake.always("GET /v1/leader", Reply::new(200, r#"{"Name":"n1","Tags":{"role":"dkron"}}"#));
    let error = hasty(&[&fake]).leader(&scope()).await.unwrap_err();
    let Error::Request(failure) = &error else { panic!("{error}") };
    assert_eq!(failure.problem, Problem::NoLeader);
}

#[tokio::test(start_paused = true)]
async fn reads_survive_passing_faults() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    for fault in [
        Reply::new(500, "context deadline exceeded"),
        Reply::foreign(502, "<html>bad gateway"),
        Reply::foreign(503, "").header("retry-after", "0"),
        Reply::foreign(429, "slow down"),
    ] {
        fake.once("GET /v1/jobs/a", fault);
    }
    assert!(fake.client().read(&scope(), "a", |_| true).await.unwrap().is_some());
    assert_eq!(fake.count("GET /v1/jobs/a"), 5);
}

#[tokio::test]
async fn another_endpoint_answers_for_a_dead_one() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    let dead = "http://127.0.0.1:1".parse().unwrap();
    let client = Client::new(Config::new([dead, fake.url.clone()])).unwrap();
    assert!(client.read(&scope(), "a", |_| true).await.unwrap().is_some());
    client.create(&scope(), &job("b"), |_| {}).await.unwrap();
}

#[tokio::test]
async fn errors_say_what_where_and_what_next() {
    let fake = Fake::start().await;
    let client = with_auth(&fake);
    let read = async |reply: Reply| {
        fake.once("GET /v1/jobs/a", reply);
        told(&fake, &client.read(&scope(), "a", |_| true).await.unwrap_err())
    };
    insta::assert_snapshot!(read(Reply::foreign(401, "who are you?")).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 401 with "who are you?": the credentials are missing or wrong; check them"#);
    insta::assert_snapshot!(read(Reply::foreign(403, "")).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 403: the credentials do not permit this; check their rights"#);
    insta::assert_snapshot!(read(Reply::foreign(200, "<!doctype html><p>hunter2")).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 200 with an HTML page, which looks like a proxy or login page: this is not an answer of dkron (its answers name the node in X-Whom); check the endpoint and its path, and that a proxy in between passes X-Whom on"#);
    insta::assert_snapshot!(read(Reply::foreign(404, "404 page not found")).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 404 with "404 page not found": this is not an answer of dkron (its answers name the node in X-Whom); check the endpoint and its path, and that a proxy in between passes X-Whom on"#);
    insta::assert_snapshot!(read(Reply::foreign(307, "").header("location", "https://me:hunter2@login.example:444/?k=hunter2")).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 307: the answer redirects to https://login.example:444, and redirects are not followed because they would take the credentials along; use the final address as endpoint"#);
    insta::assert_snapshot!(read(Reply::new(200, r#"{"name": "a", "retries": "hunter2"}"#)).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 200 from node "n1": the answer is not what dkron's API promises (Data error at line 1 column 34); check the endpoint"#);
    insta::assert_snapshot!(read(Reply::new(200, r#"{"name": "b"}"#)).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 200 from node "n1": the answer is not what dkron's API promises (another job); check the endpoint"#);
    insta::assert_snapshot!(read(Reply::new(500, "raft is already shutdown")).await, @r#"cannot read job "a": GET http://dkron/v1/jobs/a answered 500 from node "n1" with "raft is already shutdown": the server could not do it; check the cluster's health"#);
    let refused = client.read(&scope(), "../a", |_| true).await.unwrap_err();
    insta::assert_snapshot!(refused.to_string(), @r#""../a" cannot be the name of a job: dkron's names are lower-case letters, digits, '-' and '_'"#);
    assert_eq!(fake.count("GET /v1/a"), 0);
}

#[tokio::test]
async fn nobody_there_is_said_plainly() {
    let mut config = Config::new(["http://127.0.0.1:1".parse().unwrap()]);
    config.retry.budget = Duration::ZERO;
    let error = Client::new(config).unwrap().leader(&scope()).await.unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r#"cannot ask for the leader: GET http://127.0.0.1:1/v1/leader failed with "Connection refused (os error 111)": no connection came about; check that dkron runs, that host and port are right, and that nothing between blocks it"#);
}

#[tokio::test(start_paused = true)]
async fn an_echo_gives_no_secret_away() {
    let fake = Fake::start().await;
    let client = with_auth(&fake);
    let echo = "you sent Basic bWU6aHVudGVyMi1wYXNzd29yZA== or hunter2-password, X-Key: hunter2-header";
    let mut secret = job("a");
    secret.executor_config.insert("env".into(), "hunter2-executor".into());
    let body = serde_json::to_string(&secret).unwrap();
    client.create(&scope(), &job("first"), |_| {}).await.unwrap();
    for (status, text) in [(400, echo), (403, echo), (500, echo), (418, &body), (500, &body)] {
        fake.once("GET /v1/jobs/a", Reply::foreign(status, text));
        fake.once("POST /v1/jobs", Reply::foreign(status, text));
        let read = client.read(&scope(), "a", |_| true).await.unwrap_err();
        let written = client.create(&scope(), &secret, |_| {}).await.unwrap_err();
        for told in [told(&fake, &read), told(&fake, &written), format!("{read:?}"), format!("{written:?}")] {
            assert!(!told.contains("hunter2"), "{told}");
            assert!(!told.contains("bWU6aHVudGVy"), "{told}");
        }
    }
    assert!(!format!("{client:?}").contains("hunter2"));
}

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn retries_are_logged_and_no_log_gives_a_secret_away() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    // While there is only one subscriber, another test's thread, which has none, may decide for all
    // threads that an event it meets first interests nobody.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    fake.once("GET /v1/jobs/a", Reply::new(500, "you sent hunter2-password"));
    let mut config = Config::new([fake.url.clone()]);
    config.auth = Auth::Basic { username: "me".into(), password: "hunter2-password".into() };
    config.headers.push(Header { name: "x-key".into(), value: "hunter2-header".into() });
    let client = Client::new(config).unwrap();
    client.read(&scope(), "a", |_| true).await.unwrap();
    let mut secret = job("b");
    secret.executor_config.insert("env".into(), "hunter2-executor".into());
    client.create(&scope(), &secret, |_| {}).await.unwrap();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("INFO") && log.contains("trying again") && log.contains("[redacted]"), "{log}");
    assert!(log.contains("TRACE"), "libraries are heard, too");
    assert!(!log.contains("hunter2") && !log.contains("bWU6aHVudGVy"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_a_read_at_once() {
    let fake = Fake::start().await;
    fake.always("GET", Reply::new(200, "{}").after(Duration::from_secs(15)));
    let scope = scope();
    let cancel = scope.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    });
    let began = Instant::now();
    let error = fake.client().read(&scope, "a", |_| true).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_on_after_the_deadline() {
    let fake = Fake::start().await;
    fake.always("GET", Reply::new(500, "context deadline exceeded").after(Duration::from_secs(10)));
    let began = Instant::now();
    let error =
        fake.client().read(&Scope::lasting(Duration::from_secs(15)), "a", |_| true).await.unwrap_err();
    assert!(matches!(error, Error::DeadlineExceeded { .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_request_has_its_own_limit() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    fake.once("GET", Reply::new(200, "{}").after(Duration::from_secs(3600)));
    let began = Instant::now();
    assert!(fake.client().read(&scope(), "a", |_| true).await.unwrap().is_some());
    assert_eq!(began.elapsed().as_secs(), 20);
}

#[tokio::test]
async fn so_many_requests_are_under_way_and_no_more() {
    let fake = Fake::start().await;
    fake.always("GET", Reply::new(200, r#"{"name":"a"}"#).after(Duration::from_millis(300)));
    let mut config = Config::new([fake.url.clone()]);
    config.max_in_flight = 3;
    let client = Client::new(config).unwrap();
    let reads: Vec<_> = (0..7)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.read(&scope(), "a", |_| true).await.unwrap() })
        })
        .collect();
    while fake.calls().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fake.calls().len(), 3);
    for read in reads {
        assert!(read.await.unwrap().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn lists_come_from_the_leader_and_are_filtered() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "metadata": {"team [x]": "1"}})).put(json!({"name": "b"}));
    // A node whose store is closed, and a follower.
    fake.once("GET /v1/jobs?metadata", Reply::new(200, ""));
    fake.once("GET /v1/jobs?metadata", Reply::new(200, "[]").node("n2").header("x-total-count", "0"));
    let filter = Filter {
        metadata: [("team [x]".to_owned(), "1".to_owned())].into(),
        text: Some("a b&c".into()),
        disabled: Some(false),
        status: Some("failed".into()),
    };
    let jobs = fake.client().list(&scope(), &filter).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["a"]);
    let asked = "GET /v1/jobs?metadata%5Bteam+%5Bx%5D%5D=1&q=a+b%26c&disabled=false&status=failed";
    assert_eq!(fake.count(asked), 3);
}

#[tokio::test]
async fn members_are_told() {
    let fake = Fake::start().await;
    let members = json!([
        {"Name": "n1", "Addr": "10.0.0.1", "Port": 8946, "Tags": {"role": "dkron"}, "Status": 1, "statusText": "alive"},
        {"Name": "n2", "statusText": "failed"},
    ]);
    fake.once("GET /v1/members", Reply::new(200, &members.to_string()));
    let members = fake.client().members(&scope()).await.unwrap();
    assert_eq!(
        (members[0].name.as_str(), members[0].port, members[0].tags["role"].as_str()),
        ("n1", 8946, "dkron")
    );
    assert_eq!(members[1].status, "failed");
}
