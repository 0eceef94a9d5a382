//! The client against the real dkron, named by `KRONY_DKRON`; skipped without it.
#![expect(clippy::expect_used, reason = "a test ends at the first thing that fails")]

mod node;
mod runs;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dkron::{Client, Config, Error, Filter, Job, Left, Problem};
use node::{Node, binary, rounds, scope};
use serde_json::json;

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn job(name: &str, schedule: &str) -> Job {
    Job {
        name: name.to_owned(),
        schedule: schedule.to_owned(),
        executor: "shell".to_owned(),
        executor_config: texts(&[("command", "true")]),
        tags: texts(&[("server", "true:1")]),
        ..Job::default()
    }
}

fn child(name: &str, parent: &str) -> Job {
    Job { parent_job: parent.to_owned(), ..job(name, "") }
}

async fn create(client: &Client, job: &Job) -> Job {
    client.create(&scope(), job, |_| {}).await.expect("the job is created")
}

async fn leader_shows(client: &Client, name: &str) -> Option<Job> {
    client.read(&scope(), name, |_| false).await.expect("the job is read")
}

#[tokio::test(flavor = "multi_thread")]
async fn life_of_a_job() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();
    let full = Job {
        displayname: "Everything".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        owner: "team".to_owned(),
        owner_email: "team@example.org".to_owned(),
        metadata: texts(&[("a", "1"), ("empty", "")]),
        retries: 3,
        processors: BTreeMap::from([("files".to_owned(), texts(&[("forward", "true")]))]),
        concurrency: "forbid".to_owned(),
        expires_at: Some("2040-01-01T00:00:00.5+02:00".parse().expect("an instant")),
        ..job("full", "0 30 4 * * MON-FRI")
    };

    let mut seen = Vec::new();
    let stored = client.create(&scope(), &full, |job| seen.push(job.clone())).await.expect("created");
    assert_eq!(stored.differences(&full), [""; 0]);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].same_meaning(&full));

    // A second create leaves alone what is there.
    let other = Job { owner: "somebody else".to_owned(), ..full.clone() };
    let refused = client.create(&scope(), &other, |_| {}).await.expect_err("it exists");
    assert!(matches!(refused.left, Left::Untouched));
    let Error::AlreadyExists { job: existing } = refused.cause else { panic!("{refused}") };
    assert!(existing.same_meaning(&full));
    assert!(leader_shows(&client, "full").await.expect("still there").same_meaning(&full));

    // Every field can be emptied and set again.
    let bare = job("full", "@every 1h");
    let updated = client.update(&scope(), &bare, |_| {}).await.expect("updated");
    assert_eq!(updated.differences(&bare), [""; 0]);
    let updated = client.update(&scope(), &full, |_| {}).await.expect("updated");
    assert_eq!(updated.differences(&full), [""; 0]);

    let jobs = client.list(&scope(), &Filter::default()).await.expect("listed");
    assert_eq!(jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["full"]);
    for (filter, matches) in [
        (Filter { metadata: texts(&[("a", "1"), ("empty", "")]), ..Filter::default() }, true),
        (Filter { metadata: texts(&[("a", "2")]), ..Filter::default() }, false),
        (Filter { text: Some("Every".to_owned()), ..Filter::default() }, true),
        (Filter { disabled: Some(true), ..Filter::default() }, false),
        (Filter { status: Some("untriggered".to_owned()), ..Filter::default() }, true),
    ] {
        let jobs = client.list(&scope(), &filter).await.expect("listed");
        assert_eq!(!jobs.is_empty(), matches, "{filter:?}");
    }
    assert_eq!(client.leader(&scope()).await.expect("a leader").name, node.name());
    let members = client.members(&scope()).await.expect("members");
    assert_eq!(members.iter().map(|node| node.status.as_str()).collect::<Vec<_>>(), ["alive"]);

    client.delete(&scope(), "full").await.expect("deleted");
    assert!(leader_shows(&client, "full").await.is_none());
    client.delete(&scope(), "full").await.expect("deleting what is gone is fine");
    let missing = client.update(&scope(), &full, |_| {}).await.expect_err("gone");
    assert!(matches!(missing.cause, Error::Missing { .. }) && matches!(missing.left, Left::Nothing));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_leave_nothing_behind() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();
    let problem = |cause: &Error| match cause {
        Error::Request(failure) => failure.problem.clone(),
        other => panic!("{other}"),
    };

    let invalid = client.create(&scope(), &job("invalid", "* * * * *"), |_| {}).await.expect_err("5 fields");
    assert_eq!(problem(&invalid.cause), Problem::Rejected);
    assert!(matches!(invalid.left, Left::Untouched));
    assert!(invalid.to_string().contains("expected exactly 6 fields"), "{invalid}");

    let mut large = job("large", "@manually");
    large.executor_config.insert("payload".to_owned(), "x".repeat(4_300_000));
    let large = client.create(&scope(), &large, |_| {}).await.expect_err("larger than 4 MiB");
    assert_eq!(problem(&large.cause), Problem::TooLarge);

    let orphan = client.create(&scope(), &child("orphan", "nobody"), |_| {}).await.expect_err("no parent");
    assert!(matches!(orphan.cause, Error::ParentMissing { .. }) && matches!(orphan.left, Left::Nothing));

    // dkron before 4.0.9 drops `starts_at`: nothing may be left, and the job never was enabled.
    let later = Some("2040-01-01T00:00:00Z".parse().expect("an instant"));
    let starting = Job { starts_at: later, ..job("starting", "@every 1s") };
    let mut enabled = false;
    let dropped = client.create(&scope(), &starting, |job| enabled |= !job.disabled).await;
    let dropped = dropped.expect_err("unsupported");
    assert!(matches!(dropped.cause, Error::Unsupported { field: "starts_at", .. }), "{dropped}");
    assert!(matches!(dropped.left, Left::Nothing) && !enabled);

    // An update is taken back likewise.
    let prior = create(&client, &job("prior", "0 0 4 * * *")).await;
    let changed = Job { starts_at: later, owner: "new".to_owned(), ..prior.clone() };
    let dropped = client.update(&scope(), &changed, |_| {}).await.expect_err("unsupported");
    let Left::Job(restored) = &dropped.left else { panic!("{dropped:?}") };
    assert!(restored.same_meaning(&prior));
    assert!(leader_shows(&client, "prior").await.expect("still there").same_meaning(&prior));

    let names = client.list(&scope(), &Filter::default()).await.expect("listed");
    assert_eq!(names.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["prior"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_when_nothing_changed() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();
    // Writing it each half second would restart its phase each time, and it would never run.
    let every = create(&client, &job("every", "@every 2s")).await;
    let mut ran = false;
    let end = Instant::now() + Duration::from_secs(15);
    while !ran && Instant::now() < end {
        client.update(&scope(), &every, |_| {}).await.expect("nothing to do");
        tokio::time::sleep(Duration::from_millis(500)).await;
        ran = leader_shows(&client, "every").await.is_some_and(|job| job.success_count > 0);
    }
    assert!(ran);

    // An ephemeral job that ran is proven gone.
    create(&client, &Job { ephemeral: true, ..job("once", "@every 1s") }).await;
    let end = Instant::now() + Duration::from_secs(15);
    while leader_shows(&client, "once").await.is_some() {
        assert!(Instant::now() < end, "the ephemeral job stays");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_keep_their_children() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();
    let names = |round: usize| (0..3).map(move |child| format!("r{round}-child{child}"));
    for round in 0..rounds(50) {
        let parent = job(&format!("r{round}"), "@manually");
        create(&client, &parent).await;
        let children: Vec<_> = names(round)
            .map(|name| {
                let (client, job) = (client.clone(), child(&name, &parent.name));
                tokio::spawn(async move { create(&client, &job).await })
            })
            .collect();
        let changed = Job { owner: "changed".to_owned(), ..parent.clone() };
        client.update(&scope(), &changed, |_| {}).await.expect("the parent is updated");
        for child in children {
            child.await.expect("the child is created");
        }
        let stored = leader_shows(&client, &parent.name).await.expect("the parent");
        let mut linked = stored.dependent_jobs;
        linked.sort();
        assert_eq!(linked, names(round).collect::<Vec<_>>());
    }

    // Parent and children are deleted at once, in no order: the parent waits.
    let deletions: Vec<_> = std::iter::once("r0".to_owned())
        .chain(names(0))
        .map(|name| {
            let client = client.clone();
            tokio::spawn(async move { client.delete(&scope(), &name).await })
        })
        .collect();
    for deletion in deletions {
        deletion.await.expect("no panic").expect("deleted");
    }
    assert!(leader_shows(&client, "r0").await.is_none());

    // An orphan, as a write that forgets the dependents makes it, is deleted although dkron says 404.
    node.post("v1/jobs", json!({"name": "r1", "schedule": "@manually"})).await;
    client.delete(&scope(), "r1").await.expect("the wiped parent is deleted");
    client.delete(&scope(), "r1-child0").await.expect("the orphan is deleted");
    assert!(leader_shows(&client, "r1-child0").await.is_none());
    // And another one loses its parent although dkron says 404.
    let freed = Job { parent_job: String::new(), ..job("r1-child1", "@manually") };
    client.update(&scope(), &freed, |_| {}).await.expect("the orphan is freed");

    // A child that moves is with its new parent, and only there.
    client.update(&scope(), &child("r2-child0", "r3"), |_| {}).await.expect("moved");
    let [from, to] = [leader_shows(&client, "r2").await, leader_shows(&client, "r3").await];
    assert_eq!(from.expect("r2").dependent_jobs.len(), 2);
    assert!(to.expect("r3").dependent_jobs.contains(&"r2-child0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_do_not_undo_writes() {
    let Some(binary) = binary() else { return };
    let node = Node::alone(binary).await;
    let client = node.client();
    let jobs = 20;
    for index in 0..jobs {
        create(&client, &job(&format!("j{index}"), "@every 1s")).await;
    }
    let tasks: Vec<_> = (0..jobs)
        .map(|index| {
            let client = client.clone();
            tokio::spawn(async move {
                let name = format!("j{index}");
                for round in 0..rounds(8) {
                    let changed = Job { owner: format!("round {round}"), ..job(&name, "@every 1s") };
                    let stored = client.update(&scope(), &changed, |_| {}).await.expect("updated");
                    assert_eq!(stored.owner, changed.owner);
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(0..600))).await;
                    let shown = leader_shows(&client, &name).await.expect("still there");
                    assert_eq!(shown.owner, changed.owner, "a run undid the update of {name}");
                }
                client.delete(&scope(), &name).await.expect("deleted");
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no write is undone");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let left = client.list(&scope(), &Filter::default()).await.expect("listed");
    assert_eq!(left.len(), 0, "a run brought back {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarting_node_is_not_believed() {
    let Some(binary) = binary() else { return };
    let mut node = Node::alone(binary).await;
    let client = node.client();
    for index in 0..100 {
        create(&client, &job(&format!("j{index}"), "@manually")).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..8)
        .map(|reader| {
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut reads = 0;
                while !stop.load(Ordering::Relaxed) {
                    let name = format!("j{}", (reader * 13 + reads) % 100);
                    let job = client.read(&scope(), &name, |_| true).await.expect("read");
                    assert!(job.is_some(), "{name} is there");
                    reads += 1;
                }
            })
        })
        .collect();
    for _ in 0..rounds(2) {
        node.kill();
        node.start();
        // A new client meets the node at its start, as another terraform would.
        let newcomer = node.client();
        for offset in 0..4 {
            tokio::time::sleep(Duration::from_millis(300 * offset)).await;
            let job = newcomer.read(&scope(), "j7", |_| true).await.expect("read");
            assert!(job.is_some(), "j7 is there");
        }
        // Creating meets it as well: the job is there, even if the node does not know yet.
        node.kill();
        node.start();
        let newcomer = node.client();
        let refused =
            newcomer.create(&scope(), &job("j7", "@manually"), |_| {}).await.expect_err("it exists");
        assert!(matches!(refused.cause, Error::AlreadyExists { .. }), "{refused}");
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("no reader was told a lie");
    }
    // What is absent is found to be so, and for the second job at once.
    assert!(leader_shows(&client, "absent").await.is_none());
    for index in 0..200 {
        assert!(leader_shows(&client, &format!("absent{index}")).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_shuts_down_is_not_believed() {
    let Some(binary) = binary() else { return };
    for _ in 0..5 {
        if is_met_while_it_shuts_down(binary.clone()).await {
            return;
        }
    }
    panic!("five nodes were gone before they could be asked");
}

/// Asks a node that shuts down; false if it was gone too soon.
async fn is_met_while_it_shuts_down(binary: PathBuf) -> bool {
    let node = Arc::new(Node::alone(binary).await);
    let mut config = Config::new([node.url()]);
    config.retry.budget = Duration::from_secs(1);
    let client = Client::new(config).expect("a client");
    let mut slow = job("slow", "@manually");
    slow.executor_config.insert("command".to_owned(), "sleep 6".to_owned());
    create(&client, &slow).await;
    assert!(leader_shows(&client, "absent").await.is_none(), "the node is trusted at first");
    let run = {
        let node = Arc::clone(&node);
        tokio::spawn(async move { node.post("v1/jobs/slow/run", json!({})).await })
    };
    let busy = || async { node.get("v1/busy").await.as_array().is_some_and(|runs| !runs.is_empty()) };
    while !busy().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.terminate();
    // It answers 404 about every job from some moment on.
    while node.status("v1/jobs/slow").await == Some(200) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if node.status("v1/jobs/slow").await != Some(404) {
        run.abort();
        return false;
    }
    let refused = client.read(&scope(), "slow", |_| true).await.expect_err("the job is not gone");
    assert!(matches!(refused, Error::Request(_)), "{refused}");
    let refused = client.create(&scope(), &slow, |_| {}).await.expect_err("nobody takes it");
    assert!(matches!(refused.left, Left::Untouched), "{refused}");
    run.abort();
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_leader_goes_unnoticed() {
    let Some(binary) = binary() else { return };
    let mut nodes = Node::cluster(binary, 3).await;
    let client = Client::new(Config::new(nodes.iter().map(Node::url))).expect("a client");
    let creations: Vec<_> = (0..6)
        .map(|writer| {
            let client = client.clone();
            tokio::spawn(async move {
                for index in 0..40 {
                    create(&client, &job(&format!("w{writer}-{index}"), "@manually")).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let leader = client.leader(&scope()).await.expect("a leader").name;
    let dead = nodes.iter_mut().find(|node| node.name() == leader).expect("the leader is one of ours");
    dead.kill();
    for creation in creations {
        creation.await.expect("every job is created");
    }
    let jobs = client.list(&scope(), &Filter::default()).await.expect("listed");
    assert_eq!(jobs.len(), 240);
    // A client that knows a follower only is told so, instead of being fed stale answers.
    let next = client.leader(&scope()).await.expect("a leader").name;
    let follower = nodes.iter().find(|node| ![&leader, &next].contains(&&node.name().to_owned()));
    let narrow = follower.expect("three nodes, one dead, one leading").client();
    assert!(narrow.read(&scope(), "w0-0", |_| true).await.expect("any node will do").is_some());
    let refused = narrow.read(&scope(), "absent", |_| true).await.expect_err("not the leader");
    assert!(matches!(refused, Error::LeaderUnreached { .. }), "{refused}");
}
