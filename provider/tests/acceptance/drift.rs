//! What others do to jobs behind Terraform's back, and what nodes say that do not know better.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xtask::dkron::{Cluster, Node};
use xtask::process::{Finished, wait_for};
use xtask::proxy::{Fault, Proxy, Reply, Rule};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    apply, assert_plan_is_empty, errors, job, jobs, merge, names_in_dkron, names_in_state, names_of_jobs,
    plan_in_trouble, shared_node, stage, workspace, written,
};

const LIMIT: Duration = Duration::from_secs(120);

/// What each of the jobs below has beside name and tags.
const SETTINGS: &str = r#"  schedule   = "0 30 4 * * *"
  retries    = 2
  metadata   = { team = "a" }
  processors = { log = { forward = true } }
  http = {
    url     = "http://127.0.0.1:9"
    headers = { X-Token = "one" }
  }"#;

/// The attributes of a job that a plan is to show, and the fields that somebody changes in dkron.
fn changes() -> Vec<(&'static [&'static str], Value)> {
    vec![
        (&["concurrency"], json!({"concurrency": "forbid"})),
        (&["disabled"], json!({"disabled": true})),
        (&["display_name"], json!({"displayname": "another"})),
        (&["ephemeral"], json!({"ephemeral": true})),
        (&["expires_at"], json!({"expires_at": "2041-01-01T00:00:00Z"})),
        // What `http` cannot say.
        (&["executor", "http"], json!({"executor_config": {"unheard": "of"}})),
        (&["http"], json!({"executor_config": {"headers": "[\"X-Token: two\"]"}})),
        (&["metadata"], json!({"metadata": {"team": "b", "new": "x"}})),
        (&["owner"], json!({"owner": "somebody"})),
        (&["parent_job"], json!({"parent_job": "drift_owner"})),
        (&["processors"], json!({"processors": {"log": {"forward": "false"}, "syslog": {}}})),
        (&["retries"], json!({"retries": 0})),
        (&["schedule"], json!({"schedule": "@daily"})),
        (&["tags"], json!({"tags": {"server": "true:2"}})),
        (&["timezone"], json!({"timezone": "Europe/Berlin"})),
    ]
}

fn changed_job(attributes: &[&str]) -> String {
    format!("drift_{}", attributes.join("_"))
}

/// What a plan does to a resource: its actions, and the attributes in which before and after differ.
fn planned(plan: &Value, address: &str) -> (Value, Vec<String>) {
    let changes = plan["resource_changes"].as_array().unwrap();
    let change = &changes.iter().find(|change| change["address"] == address).unwrap()["change"];
    let (before, after) = (change["before"].as_object().unwrap(), change["after"].as_object().unwrap());
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    (change["actions"].clone(), changed)
}

#[test]
fn what_others_change_is_shown_and_repaired() {
    let (node, workspace) = stage();
    let names: Vec<_> = changes().iter().map(|(attributes, _)| changed_job(attributes)).collect();
    let config: String = names.iter().map(|name| job(name, SETTINGS)).collect();
    workspace.write("main.tf", &config).unwrap();
    apply(&workspace);

    let before: Vec<_> = names.iter().map(|name| written(&node, name).unwrap()).collect();
    for (name, (_, fields)) in names.iter().zip(changes()) {
        let mut job = node.job(name).unwrap().unwrap();
        merge(&mut job, fields);
        node.put_job(&job).unwrap();
    }
    let plan = workspace.plan_json(&[]).unwrap();
    for (name, (attributes, _)) in names.iter().zip(changes()) {
        let (actions, changed) = planned(&plan, &format!("krony_job.{name}"));
        assert_eq!(
            (actions, changed),
            (json!(["update"]), attributes.iter().map(ToString::to_string).collect())
        );
    }
    apply(&workspace);
    for (name, before) in names.iter().zip(before) {
        assert_eq!(written(&node, name), Some(before), "{name}");
    }
    workspace.destroy(&[]).unwrap();
}

/// The proof that a job is gone takes two seconds and is made once, whatever the number of jobs.
#[test]
fn deleted_jobs_are_created_again_after_one_proof() {
    const ALL: usize = 60;
    const DELETED: usize = 50;
    // How many resources Terraform reads at the same time.
    const PARALLEL: usize = 10;
    let node = Node::start().unwrap();
    let proxy = Proxy::start(&node.url()).unwrap();
    let workspace = workspace(&Terraform::on_path().unwrap(), &proxy.url());
    workspace.write("main.tf", &jobs("deleted", ALL, "")).unwrap();
    apply(&workspace);

    let deleted = names_of_jobs("deleted", DELETED);
    deleted.iter().for_each(|name| node.delete_job(name).unwrap());
    proxy.reset_count();
    let plan = workspace.plan_json(&[]).unwrap();
    let created: BTreeSet<_> = plan["resource_changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["change"]["actions"] == json!(["create"]))
        .map(|change| change["change"]["after"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(created, deleted);
    // Those that wait for the proof look again afterwards; the others come later and look once.
    assert!(proxy.count("GET", "/v1/jobs/deleted_*") <= ALL + PARALLEL, "{:#?}", proxy.counts());
    // The proof itself: the list before and after, and the leader while it is watched, and after each look.
    assert_eq!(proxy.count("GET", "/v1/jobs"), 2, "{:#?}", proxy.counts());
    assert!(proxy.count("GET", "/v1/leader") <= DELETED + 20, "{:#?}", proxy.counts());

    apply(&workspace);
    assert_eq!(names_in_dkron(&node), names_of_jobs("deleted", ALL));
}

/// Lets one answer about the job be `reply`, or each if `always`, and refreshes the state.
fn refresh_with_lie(workspace: &Workspace, proxy: &Proxy, reply: Reply, always: bool) -> Finished {
    let rule = Rule::new("GET", "/v1/jobs/lie_0", Fault::Answer(reply));
    proxy.inject(if always { rule } else { rule.times(1) });
    let refresh = ["apply", "-refresh-only", "-auto-approve", "-no-color"];
    let finished = workspace.run(&refresh).unwrap();
    proxy.heal();
    assert_eq!(names_in_state(workspace), names_of_jobs("lie", 3), "{}", finished.text());
    assert_plan_is_empty(workspace);
    finished
}

#[test]
fn an_answer_that_proves_nothing_removes_nothing_from_state() {
    let node = shared_node();
    let proxy = Proxy::start(&node.url()).unwrap();
    let workspace = workspace(&Terraform::on_path().unwrap(), &proxy.url());
    workspace.write("main.tf", &jobs("lie", 3, "")).unwrap();
    apply(&workspace);

    // One false answer is not noticed, be it of a node that lags or of the leader itself.
    for whom in ["krony-lagging", node.name()] {
        let finished = refresh_with_lie(&workspace, &proxy, Reply::not_found(whom), false);
        assert!(finished.success(), "{}", finished.text());
    }
    let lasting = [
        (Reply::not_found("krony-lagging"), "terraform state rm"),
        (Reply::new(404, ""), "this is not an answer of dkron"),
        (Reply::new(200, ""), "the answer is not what dkron's API promises"),
        (Reply::new(200, "").header("x-whom", node.name()), "the answer is not what dkron's API promises"),
    ];
    for (reply, expected) in lasting {
        let finished = refresh_with_lie(&workspace, &proxy, reply, true);
        assert_eq!(finished.code, 1, "{}", finished.text());
        // Terraform breaks lines where it likes.
        let text: Vec<_> = finished.stderr.split_whitespace().filter(|word| *word != "│").collect();
        assert!(text.join(" ").contains(expected), "expected {expected:?} in:\n{}", finished.text());
    }
    workspace.destroy(&[]).unwrap();
}

#[test]
fn a_node_that_restarts_loses_no_job() {
    let soak = std::env::var_os("KRONY_SOAK").is_some();
    let (restarts, count) = if soak { (30, 200) } else { (4, 60) };
    let mut node = Node::start().unwrap();
    let workspace = workspace(&Terraform::on_path().unwrap(), &node.url());
    workspace.write("main.tf", &jobs("restarted", count, "")).unwrap();
    apply(&workspace);

    let (mut lies, mut worked) = (0, 0);
    for restart in 0..restarts {
        node.launch().unwrap();
        let launched = Instant::now();
        let mut look = || lies += usize::from(node.job("restarted_0").is_ok_and(|job| job.is_none()));
        let offset = Duration::from_secs(4) * restart / (restarts - 1);
        wait_for("the moment to plan", LIMIT, || {
            look();
            Ok((launched.elapsed() >= offset).then_some(()))
        })
        .unwrap();
        worked += u32::from(plan_in_trouble(&workspace, look));
        node.wait_until_ready().unwrap();
    }
    assert!(lies > 0, "the node never claimed that a job is gone: the test saw nothing");
    assert!(worked > restarts / 2, "only {worked} of {restarts} plans worked");
    assert_plan_is_empty(&workspace);
}

#[test]
fn a_cluster_without_a_leader_loses_no_job() {
    let mut cluster = Cluster::start().unwrap();
    let endpoints = cluster.urls().join(",");
    let mut workspace = workspace(&Terraform::on_path().unwrap(), "");
    workspace.env("KRONY_ENDPOINTS", &endpoints);
    workspace.write("main.tf", &jobs("leaderless", 10, "")).unwrap();
    apply(&workspace);

    // What the survivor of three says is even true, but nobody can confirm it.
    let survivor = cluster.wait_for_leader().unwrap();
    let (gone, there) = ("leaderless_0", "leaderless_1");
    cluster.nodes[survivor].delete_job(gone).unwrap();
    let mut changed = cluster.nodes[survivor].job(there).unwrap().unwrap();
    merge(&mut changed, json!({"owner": "somebody"}));
    cluster.nodes[survivor].put_job(&changed).unwrap();
    for (index, node) in cluster.nodes.iter_mut().enumerate() {
        if index != survivor {
            node.kill();
        }
    }
    let alone = &cluster.nodes[survivor];
    wait_for("the loss of the leader", LIMIT, || Ok(alone.leader_name()?.is_none().then_some(()))).unwrap();
    workspace.env("KRONY_RETRY_BUDGET", "2s");
    let unread = errors(&workspace, &["apply", "-refresh-only"]);
    assert_eq!(unread.len(), 2, "{unread:#?}");
    for name in [gone, there] {
        assert!(unread.iter().any(|error| error.summary.contains(name)), "{unread:#?}");
    }
    workspace.write("more.tf", &jobs("leaderless_more", 1, "")).unwrap();
    let unwritten = errors(&workspace, &["apply", "-refresh=false"]);
    workspace.remove("more.tf").unwrap();
    let address = "-target=krony_job.leaderless[1]";
    let undeleted = errors(&workspace, &["destroy", "-refresh=false", address]);
    // Not that a dead one does not answer, which is true as well.
    for error in unread.iter().chain(&unwritten).chain(&undeleted) {
        assert!(error.detail.contains("the cluster has no leader"), "{error:#?}");
        assert!(error.detail.contains(&alone.url()), "{error:#?}");
    }
    assert_eq!(names_in_state(&workspace), names_of_jobs("leaderless", 10));

    for node in cluster.nodes.iter_mut().filter(|node| node.pid().is_none()) {
        node.launch().unwrap();
    }
    let leader = cluster.wait_for_leader().unwrap();
    workspace.env("KRONY_ENDPOINTS", &endpoints).env("KRONY_RETRY_BUDGET", "1m");
    apply(&workspace);
    assert_eq!(names_in_dkron(&cluster.nodes[leader]), names_of_jobs("leaderless", 10));

    // A follower that replays its log, and nobody else to ask.
    let follower = &mut cluster.nodes[(leader + 1) % 3];
    workspace.env("KRONY_ENDPOINTS", follower.url()).env("KRONY_RETRY_BUDGET", "10s");
    for _ in 0..2 {
        follower.launch().unwrap();
        plan_in_trouble(&workspace, || {});
        follower.wait_until_ready().unwrap();
    }
}

#[test]
fn notes_of_krony_itself_are_hidden_and_kept() {
    let (node, workspace) = stage();
    workspace.write("main.tf", &job("drift_noted", SETTINGS)).unwrap();
    apply(&workspace);
    let mut noted = written(&node, "drift_noted").unwrap();
    merge(&mut noted, json!({"metadata": {"krony.tenant": "blue"}}));
    node.put_job(&noted).unwrap();
    assert_plan_is_empty(&workspace);

    workspace.write("main.tf", &job("drift_noted", &SETTINGS.replace("= 2", "= 3"))).unwrap();
    apply(&workspace);
    let found = written(&node, "drift_noted").unwrap();
    assert_eq!(found["retries"], 3);
    assert_eq!(found["metadata"], json!({"team": "a", "krony.tenant": "blue"}));
}
