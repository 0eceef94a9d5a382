use serde_json::json;

use super::*;
use crate::config::{Config, Retry};
use crate::error::Problem;
use crate::fake::{Fake, Reply, scope};

use std::time::Duration;

fn listed(executions: &serde_json::Value) -> Reply {
    let count = executions.as_array().unwrap().len().to_string();
    Reply::new(200, &executions.to_string()).header("x-total-count", &count)
}

#[tokio::test]
async fn newest_first_with_what_is_missing_as_none() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    // dkron shows times in the job's zone, also those that stand for "not yet", and leaves out what is empty.
    let shown = json!([
        {"id": "1-n1", "job_name": "a", "started_at": "2026-11-22T16:00:01+01:00",
         "finished_at": "2026-11-22T16:00:03+01:00", "success": true, "node_name": "n1", "group": 1, "attempt": 1,
         "output": "done", "output_truncated": true},
        {"id": "2-n2", "job_name": "a", "started_at": "2026-11-22T15:00:02Z",
         "finished_at": "0000-12-31T19:03:58-04:56", "success": false, "group": 9_007_199_254_740_993_i64},
    ]);
    fake.always("GET /v1/jobs/a/executions", listed(&shown));
    let executions = fake.client().executions(&scope(), "a", 70).await.unwrap().unwrap();
    assert_eq!(fake.count("GET /v1/jobs/a/executions?output_size_limit=70"), 1);

    let [running, done] = &executions[..] else { panic!("{executions:?}") };
    assert_eq!((running.id.as_str(), running.node.as_str()), ("2-n2", ""));
    assert_eq!((running.finished_at, running.group), (None, 9_007_199_254_740_993));
    assert_eq!(done.finished_at, Some("2026-11-22T15:00:03Z".parse().unwrap()));
    assert_eq!((done.output.as_str(), done.output_truncated), ("done", true));
    assert!(!format!("{done:?}").contains("done"), "output may hold secrets");
}

#[tokio::test(start_paused = true)]
async fn of_an_absent_job_there_are_none() {
    let fake = Fake::start().await;
    assert!(fake.client().executions(&scope(), "absent", 0).await.unwrap().is_none());
    assert_eq!(fake.count("GET /v1/jobs?_end=1"), 2, "the absence was proven");
}

#[tokio::test(start_paused = true)]
async fn a_job_without_executions_to_look_at_is_no_absent_job() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    let error = fake.client().executions(&scope(), "a", 0).await.unwrap_err();
    assert!(matches!(error, Error::Unproven { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_closed_store_is_not_believed() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "a"}));
    fake.always("GET /v1/jobs/a/executions", Reply::new(200, ""));
    let mut config = Config::new([fake.url.clone()]);
    config.retry = Retry { budget: Duration::from_millis(500), max_wait: Duration::from_millis(200) };
    let error = Client::new(config).unwrap().executions(&scope(), "a", 0).await.unwrap_err();
    let Error::Request(failure) = &error else { panic!("{error}") };
    assert_eq!(failure.problem, Problem::Uncounted);
    fake.heal();
    fake.once("GET /v1/jobs/a/executions", Reply::new(200, ""));
    fake.always("GET /v1/jobs/a/executions", listed(&json!([])));
    assert_eq!(fake.client().executions(&scope(), "a", 0).await.unwrap(), Some(Vec::new()));
}
