//! Runs by hand on the real dkron.

use std::time::{Duration, Instant};

use dkron::{Client, Config, Error, Job, Run, RunError, Scope};
use tokio_util::sync::CancellationToken;

use crate::node::{Node, binary, rounds, scope};
use crate::{create, job, texts};

/// A job that runs this command line.
fn shell(name: &str, command: &str) -> Job {
    let executor_config = texts(&[("command", command), ("shell", "true")]);
    Job { executor_config, ..job(name, "@manually") }
}

async fn run(client: &Client, name: &str) -> Run {
    client.run(&scope(), name, |_| {}).await.expect("the job runs")
}

async fn refused(client: &Client, name: &str) -> RunError {
    client.run(&scope(), name, |_| {}).await.expect_err("the job does not run")
}

#[tokio::test(flavor = "multi_thread")]
async fn how_runs_end() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();

    // In a zone west of Greenwich dkron's "not ended yet" is a time of the year 0.
    let slow =
        Job { timezone: "America/New_York".to_owned(), ..shell("slow", "echo so far; sleep 3; echo done") };
    create(&client, &slow).await;
    let mut seen = Vec::new();
    let began = Instant::now();
    let ended = client.run(&scope(), "slow", |run| seen.push(run.clone())).await.expect("it runs");
    assert!(began.elapsed() >= Duration::from_secs(3));
    assert!(ended.succeeded());
    let [execution] = &ended.executions[..] else { panic!("{ended:?}") };
    assert_eq!((execution.node.as_str(), execution.attempt), (node.name(), 1));
    assert!(execution.output.ends_with("done\n"), "{:?}", execution.output);
    assert!(seen.first().is_some_and(|run| run.executions[0].finished_at.is_none()), "{seen:?}");
    let shown = client.executions(&scope(), "slow", 5).await.expect("executions").expect("the job");
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].output.as_str(), shown[0].output_truncated), ("done\n", true));

    create(&client, &Job { retries: 2, ..shell("fails", "echo no luck; exit 3") }).await;
    let ended = run(&client, "fails").await;
    assert!(!ended.succeeded());
    assert_eq!(ended.executions.iter().map(|execution| execution.attempt).collect::<Vec<_>>(), [3, 2, 1]);
    assert!(ended.last_attempts().all(|last| last.output.contains("no luck")));

    // One that runs all the time by itself: ours is told apart.
    create(&client, &Job { schedule: "@every 1s".to_owned(), ..shell("busy", "sleep 1.5") }).await;
    for _ in 0..rounds(3) {
        let ended = run(&client, "busy").await;
        assert!(ended.succeeded() && ended.executions.len() == 1, "{ended:?}");
    }

    create(&client, &Job { ephemeral: true, ..shell("once", "true") }).await;
    let ended = run(&client, "once").await;
    assert!(ended.succeeded() && ended.job_deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_jobs_do_not_run() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();
    assert!(matches!(refused(&client, "absent").await, RunError::Missing { .. }));

    create(&client, &Job { disabled: true, ..job("disabled", "@manually") }).await;
    assert!(matches!(refused(&client, "disabled").await, RunError::Disabled { .. }));

    create(&client, &Job { tags: texts(&[("dc", "mars")]), ..job("elsewhere", "@manually") }).await;
    assert!(matches!(refused(&client, "elsewhere").await, RunError::NoNode { .. }));

    create(&client, &Job { tags: texts(&[("server", "true:one")]), ..job("nowhere", "@manually") }).await;
    assert!(matches!(refused(&client, "nowhere").await, RunError::NoNode { .. }));

    // dkron runs a disabled child all the same.
    create(&client, &job("parent", "@manually")).await;
    let child = Job { disabled: true, parent_job: "parent".to_owned(), ..job("child", "") };
    create(&client, &child).await;
    assert!(run(&client, "child").await.succeeded());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_wait_leaves_the_run_alone() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();
    create(&client, &shell("slow", "sleep 4; echo ended")).await;
    let cancel = CancellationToken::new();
    let bounds = Scope { cancel: cancel.clone(), ..scope() };
    let began = Instant::now();
    let error = client.run(&bounds, "slow", |_| cancel.cancel()).await.expect_err("cancelled");
    assert!(began.elapsed() < Duration::from_secs(4), "nothing was waited for");
    assert!(matches!(error, RunError::Lost { cause: Error::Cancelled { .. }, run: Some(_) }), "{error}");
    loop {
        let shown = client.executions(&scope(), "slow", 100).await.expect("executions").expect("the job");
        if shown[0].success {
            return assert_eq!(shown.len(), 1, "it ran once");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The leader, which holds the request, dies; the run is on another node and is followed to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_outlives_the_leader() {
    let Some(binary) = binary() else { return };
    let mut nodes = Node::cluster(binary, 3).await;
    let client = Client::new(Config::new(nodes.iter().map(Node::url))).expect("a client");
    let leader = client.leader(&scope()).await.expect("a leader").name;
    let other = nodes.iter().find(|node| node.name() != leader).expect("a follower");
    let tags = client.members(&scope()).await.expect("members");
    let port = &tags.iter().find(|member| member.name == other.name()).expect("it is a member").tags["port"];
    create(&client, &Job { tags: texts(&[("port", port)]), ..shell("slow", "sleep 5") }).await;
    let (seen, mut first) = tokio::sync::mpsc::unbounded_channel();
    let running = {
        let client = client.clone();
        tokio::spawn(async move { client.run(&scope(), "slow", |run| drop(seen.send(run.clone()))).await })
    };
    let run = first.recv().await.expect("the run shows");
    assert_eq!(run.executions[0].node, other.name());
    nodes.iter_mut().find(|node| node.name() == leader).expect("one of ours").kill();
    let ended = running.await.expect("no panic").expect("the end is seen");
    assert_eq!(ended.executions.len(), 1);
    assert!(ended.executions[0].finished_at.is_some());
}
