use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::Config;
use crate::fake::{Fake, Reply, scope};

const RUN: &str = "POST /v1/jobs/a/run";
const EXECUTIONS: &str = "GET /v1/jobs/a/executions";

/// A node with the job "a" and these further fields of it, which did not run before.
async fn node(job: Value) -> Fake {
    let fake = Fake::start().await;
    let mut fields = json!({"name": "a", "schedule": "@manually"});
    fields.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    fake.put(fields).once(EXECUTIONS, listed(&[]));
    fake
}

fn listed(executions: &[Value]) -> Reply {
    Reply::new(200, &json!(executions).to_string()).header("x-total-count", &executions.len().to_string())
}

/// A run that begins so many seconds from now.
fn group(seconds: i64) -> i64 {
    i64::try_from(Timestamp::now().as_nanosecond()).unwrap() + seconds * 1_000_000_000
}

fn execution(group: i64, node: &str, attempt: u32, ended: Option<bool>) -> Value {
    let finished = if ended.is_some() { "2026-11-22T15:00:03Z" } else { "0001-01-01T00:00:00Z" };
    json!({
        "id": format!("{group}-{attempt}-{node}"), "group": group, "node_name": node, "attempt": attempt,
        "started_at": "2026-11-22T15:00:01Z", "finished_at": finished, "success": ended == Some(true),
    })
}

fn answered() -> Reply {
    Reply::new(200, r#"{"name":"a"}"#)
}

async fn run(fake: &Fake) -> Result<Run, RunError> {
    fake.client().run(&scope(), "a", |_| {}).await
}

#[tokio::test]
async fn a_run_that_succeeds() {
    let fake = node(json!({})).await;
    let ours = execution(group(0), "n1", 1, Some(true));
    fake.once(RUN, answered()).always(EXECUTIONS, listed(&[ours]));
    let mut seen = Vec::new();
    let ended = fake.client().run(&scope(), "a", |run| seen.push(run.clone())).await.unwrap();
    assert!(ended.succeeded() && ended.executions.len() == 1);
    assert_eq!(seen, [ended]);
    assert_eq!(fake.count(RUN), 1);
}

#[tokio::test]
async fn the_last_attempt_of_every_node_counts() {
    let fake = node(json!({"retries": 1})).await;
    let group = group(0);
    let attempts = |last| {
        [(1, "n1", false), (2, "n1", last), (1, "n2", true)]
            .map(|(attempt, node, success)| execution(group, node, attempt, Some(success)))
    };
    fake.once(RUN, answered()).once(EXECUTIONS, listed(&attempts(true)));
    assert!(run(&fake).await.unwrap().succeeded());

    fake.once(EXECUTIONS, listed(&[])).once(RUN, answered()).once(EXECUTIONS, listed(&attempts(false)));
    let ended = run(&fake).await.unwrap();
    assert!(!ended.succeeded());
    let last: Vec<_> = ended.last_attempts().map(|last| (last.node.as_str(), last.attempt)).collect();
    assert_eq!(last, [("n1", 2), ("n2", 1)]);
}

#[tokio::test]
async fn other_runs_are_not_taken_for_it() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a", "schedule": "@every 1m"}));
    // One was there before, one was scheduled in the meantime, one goes on.
    let before = execution(group(0), "before", 1, Some(false));
    let ours = execution(group(1), "ours", 1, Some(true));
    let scheduled = execution(group(30), "scheduled", 1, Some(false));
    let going_on = execution(group(0), "going-on", 1, None);
    fake.once(EXECUTIONS, listed(std::slice::from_ref(&before)));
    fake.once(RUN, answered()).always(EXECUTIONS, listed(&[scheduled, ours, going_on, before]));
    let ended = run(&fake).await.unwrap();
    assert_eq!(ended.executions[0].node, "ours");
}

#[tokio::test]
async fn why_dkron_refuses() {
    let member =
        |status: &str| json!([{"Name": "n1", "Tags": {"server": "true"}, "statusText": status}]).to_string();
    let cases = [
        (json!({"disabled": true}), "alive", "because it is disabled; enable it first"),
        (
            json!({"tags": {"server": "true", "dc": "x:1"}}),
            "alive",
            r#"no node that is alive has its tags (dc = "x:1", server = "true")"#,
        ),
        (json!({"tags": {"server": "true:1"}}), "failed", r#"has its tags (server = "true:1")"#),
        (json!({"tags": {"server": "true:one"}}), "alive", r#"its tag server = "true:one" asks for no node"#),
        (json!({"tags": {"server": "true:1"}}), "alive", "did not say why"),
    ];
    for (job, status, expected) in cases {
        let fake = node(job).await;
        fake.always("GET /v1/members", Reply::new(200, &member(status)));
        let error = run(&fake).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(fake.count(RUN), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_absent_job_is_not_run() {
    let fake = Fake::start().await;
    let error = run(&fake).await.unwrap_err();
    assert!(matches!(error, RunError::Missing { .. }), "{error}");
    assert_eq!(fake.count(RUN), 0);
    let error = fake.client().run(&scope(), "a/b", |_| {}).await.unwrap_err();
    assert!(matches!(error, RunError::NotStarted(Error::InvalidName { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn asked_again_only_when_dkron_did_not_hear_it() {
    let fake = node(json!({})).await;
    fake.once(RUN, Reply::foreign(429, "slow down")).once(RUN, answered());
    fake.always(EXECUTIONS, listed(&[execution(group(0), "n1", 1, Some(true))]));
    assert!(run(&fake).await.unwrap().succeeded());
    assert_eq!(fake.count(RUN), 2);

    let fake = node(json!({})).await;
    fake.always(RUN, Reply::foreign(403, "no"));
    let error = run(&fake).await.unwrap_err();
    assert!(matches!(error, RunError::NotStarted(Error::Request(_))), "{error}");
    assert_eq!(fake.count(RUN), 1);
}

/// A proxy in between gives up on the answer; the run goes on and is followed to its end.
#[tokio::test(start_paused = true)]
async fn a_run_is_followed_when_the_answer_does_not_arrive() {
    let fake = node(json!({"retries": 1})).await;
    let group = group(0);
    let [running, failed, repeated, done] = [(1, None), (1, Some(false)), (2, None), (2, Some(true))]
        .map(|(attempt, ended)| execution(group, "n1", attempt, ended));
    fake.once(RUN, Reply::foreign(504, "<html>timeout</html>"));
    fake.once(EXECUTIONS, listed(&[]));
    for executions in [vec![running], vec![failed.clone()], vec![failed.clone(), repeated]] {
        fake.once(EXECUTIONS, listed(&executions));
    }
    fake.always(EXECUTIONS, listed(&[failed, done]));
    let ended = run(&fake).await.unwrap();
    assert!(ended.succeeded() && ended.executions.len() == 2);
    assert_eq!(fake.count(RUN), 1, "it is not started again");
}

/// dkron does not repeat what it lost the stream of.
#[tokio::test(start_paused = true)]
async fn a_repetition_is_waited_for_in_vain() {
    let fake = node(json!({"retries": 1})).await;
    fake.once(RUN, Reply::new(500, "error reading from server: EOF"));
    fake.always(EXECUTIONS, listed(&[execution(group(0), "n1", 1, Some(false))]));
    let began = Instant::now();
    assert!(!run(&fake).await.unwrap().succeeded());
    assert!(began.elapsed() >= REPEATED_WITHIN);
}

#[tokio::test(start_paused = true)]
async fn nothing_shows() {
    let fake = node(json!({})).await;
    fake.once(RUN, Reply::foreign(502, "")).always(EXECUTIONS, listed(&[]));
    let error = run(&fake).await.unwrap_err();
    assert!(matches!(error, RunError::Lost { cause: Error::Request(_), run: None }), "{error}");
    assert!(error.to_string().contains("Whether the run began is not known"), "{error}");

    fake.once(RUN, answered());
    let error = run(&fake).await.unwrap_err();
    assert!(matches!(error, RunError::NotRecorded { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_says_that_the_run_goes_on() {
    let fake = node(json!({})).await;
    fake.once(RUN, answered().after(Duration::from_secs(3600)));
    fake.always(EXECUTIONS, listed(&[execution(group(0), "n7", 1, None)]));
    let cancel = CancellationToken::new();
    let scope = Scope { cancel: cancel.clone(), ..scope() };
    let error = fake.client().run(&scope, "a", |_| cancel.cancel()).await.unwrap_err();
    let RunError::Lost { cause: Error::Cancelled { .. }, run: Some(_) } = &error else { panic!("{error}") };
    assert_eq!(
        error.to_string(),
        r#"cannot run job "a": the call was cancelled. The run goes on in dkron, on node "n7": nothing stops it, and the job's executions show its end"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_gone_may_run_the_job_or_not() {
    let fake = node(json!({})).await;
    let mut config = Config::new([fake.url.clone()]);
    config.retry.budget = Duration::from_secs(1);
    fake.once(RUN, Reply::new(500, "").after(Duration::from_secs(10)));
    fake.once(EXECUTIONS, listed(&[execution(group(0), "n7", 1, None)]));
    let gone = fake.clone();
    let client = Client::new(config).unwrap();
    let lost = |_: &Run| {
        gone.always("GET", Reply::foreign(503, ""));
    };
    let error = client.run(&scope(), "a", lost).await.unwrap_err();
    assert!(matches!(error, RunError::Lost { cause: Error::Request(_), run: Some(_) }), "{error}");
    assert!(
        error.to_string().contains("When it was seen last, the run went on in dkron, on node \"n7\""),
        "{error}"
    );
}

/// Longer than a request may take, and without a permit that others need.
#[tokio::test(start_paused = true)]
async fn only_the_scope_limits_the_wait() {
    let fake = node(json!({})).await;
    let mut config = Config::new([fake.url.clone()]);
    config.max_in_flight = 1;
    config.request_timeout = Duration::from_secs(1);
    let client = Client::new(config).unwrap();
    fake.once(RUN, answered().after(Duration::from_secs(90)));
    fake.always(EXECUTIONS, listed(&[execution(group(0), "n1", 1, Some(true))]));
    let looks = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&looks);
    assert!(client.run(&scope(), "a", move |_| *counted.lock().unwrap() += 1).await.unwrap().succeeded());
    assert_eq!(*looks.lock().unwrap(), 1, "what shows nothing new is not reported again");
    assert!(fake.count(EXECUTIONS) > 30, "it was looked at meanwhile");

    fake.once(RUN, answered().after(Duration::from_secs(90)));
    let error = client.run(&Scope::lasting(Duration::from_secs(30)), "a", |_| {}).await.unwrap_err();
    assert!(matches!(error, RunError::Lost { cause: Error::DeadlineExceeded { .. }, .. }), "{error}");
}

/// A node that is shutting down says that there is no such job.
#[tokio::test(start_paused = true)]
async fn that_there_is_no_such_job_is_not_believed() {
    let fake = Fake::start().await;
    let lie = Reply::new(404, "");
    fake.put(json!({"name": "a", "schedule": "@manually"}));
    fake.once(EXECUTIONS, lie.clone()).once(EXECUTIONS, listed(&[])).once(EXECUTIONS, lie);
    fake.once(RUN, answered()).always(EXECUTIONS, listed(&[execution(group(0), "n1", 1, Some(true))]));
    assert!(run(&fake).await.unwrap().succeeded());
}

#[tokio::test(start_paused = true)]
async fn an_ephemeral_job_is_gone_before_the_answer_arrives() {
    for (ephemeral, gone_before_a_look) in [(true, true), (true, false), (false, true)] {
        let fake = node(json!({"ephemeral": ephemeral})).await;
        fake.once(RUN, Reply::foreign(504, "<html>timeout</html>"));
        if !gone_before_a_look {
            fake.once(EXECUTIONS, listed(&[execution(group(0), "n1", 1, None)]));
        }
        fake.meddle(RUN, |jobs| drop(jobs.remove("a")));
        match run(&fake).await {
            Ok(ended) => assert!(ephemeral && ended.job_deleted && ended.succeeded()),
            Err(error) => {
                assert!(!ephemeral, "{error}");
                assert!(matches!(error, RunError::Lost { cause: Error::Request(_), run: None }), "{error}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_ephemeral_job_is_gone_after_its_run() {
    let fake = node(json!({"ephemeral": true})).await;
    fake.meddle(RUN, |jobs| drop(jobs.remove("a"))).once(RUN, answered());
    let ended = run(&fake).await.unwrap();
    assert!(ended.succeeded() && ended.job_deleted && ended.executions.is_empty());

    // Any other job was deleted by somebody.
    let fake = node(json!({})).await;
    fake.meddle(RUN, |jobs| drop(jobs.remove("a"))).once(RUN, answered());
    let error = run(&fake).await.unwrap_err();
    assert!(matches!(error, RunError::NotRecorded { .. }), "{error}");
}
