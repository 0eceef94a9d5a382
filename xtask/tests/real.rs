//! The handles on real parts, tried on the real parts.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use xtask::dkron::{Cluster, Node};
use xtask::http;
use xtask::process::wait_for;
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

const LIMIT: Duration = Duration::from_secs(60);

fn is_alive(pid: u32) -> bool {
    std::fs::exists(format!("/proc/{pid}")).unwrap_or(false)
}

fn job(name: &str) -> serde_json::Value {
    json!({
        "name": name, "schedule": "@every 1h", "executor": "shell",
        "executor_config": {"command": "true"}
    })
}

#[test]
fn a_node_keeps_its_jobs_and_its_address_over_stop_kill_and_restart() {
    let mut node = Node::start().unwrap();
    let url = node.url();
    assert_eq!(node.job_names().unwrap(), Vec::<String>::new());
    node.put_job(&job("kept")).unwrap();

    node.stop().unwrap();
    assert!(http::get(&url).is_err() && node.pid().is_none());
    node.restart().unwrap();
    node.kill();
    assert!(http::get(&url).is_err());
    node.restart().unwrap();

    assert_eq!(node.url(), url);
    // A node that has just started knows its leader before it knows all its jobs.
    wait_for("the job", LIMIT, || node.job("kept")).unwrap();
    assert!(node.is_idle().unwrap());
    node.delete_job("kept").unwrap();
    wait_for("the end of the job", LIMIT, || Ok(node.job("kept")?.is_none().then_some(()))).unwrap();
}

#[test]
fn nodes_run_side_by_side_and_end_with_their_handles() {
    let nodes: Vec<Node> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..2).map(|_| scope.spawn(Node::start)).collect();
        starts.into_iter().map(|start| start.join().unwrap().unwrap()).collect()
    });
    assert_ne!(nodes[0].url(), nodes[1].url());
    let pids: Vec<u32> = nodes.iter().filter_map(Node::pid).collect();
    assert_eq!(pids.len(), 2);
    drop(nodes);
    assert!(!pids.into_iter().any(is_alive));
}

#[test]
fn a_frozen_node_answers_again_when_it_goes_on() {
    let mut node = Node::start().unwrap();
    node.pause().unwrap();
    node.resume().unwrap();
    assert_eq!(node.leader_name().unwrap().as_deref(), Some(node.name()));
}

#[test]
fn a_cluster_elects_another_leader_when_its_leader_is_killed() {
    let mut cluster = Cluster::start().unwrap();
    let first = cluster.wait_for_leader().unwrap();
    cluster.nodes[first].put_job(&job("shared")).unwrap();
    cluster.nodes[first].kill();
    let second = wait_for("another leader", LIMIT, || {
        let leader = cluster.wait_for_leader()?;
        Ok((leader != first).then_some(leader))
    })
    .unwrap();
    // A new leader shows a job once it has gone through its log.
    wait_for("the job on the new leader", LIMIT, || {
        Ok(cluster.nodes[second].job("shared")?.is_some().then_some(()))
    })
    .unwrap();
    cluster.nodes[first].restart().unwrap();
    cluster.wait_for_leader().unwrap();
    assert_eq!(cluster.urls().len(), 3);
}

#[test]
fn a_proxy_before_dkron_counts() {
    let node = Node::start().unwrap();
    let proxy = Proxy::start(&node.url()).unwrap();
    let created = http::post_json(&format!("{}/v1/jobs", proxy.url()), &job("counted")).unwrap();
    assert_eq!(created.status, 201);
    assert_eq!(proxy.counts().into_iter().collect::<Vec<_>>(), [("POST /v1/jobs".to_owned(), 1)]);
}

#[test]
fn every_terraform_is_the_version_it_should_be() {
    let version = |terraform: Result<Terraform>| terraform.unwrap().version().unwrap();
    assert_eq!(version(Terraform::newest()), "1.15.5");
    assert_eq!(version(Terraform::v1_8()), "1.8.4");
    assert_eq!(version(Terraform::v1_6()), "1.6.6");
    assert!(version(Terraform::on_path()).starts_with("1."));
}

/// With the built-in provider only, so that it tells of the workspace alone.
#[test]
fn a_workspace_goes_through_a_life_in_every_terraform() {
    let folder = tempfile::tempdir().unwrap();
    for terraform in [Terraform::on_path(), Terraform::newest(), Terraform::v1_8(), Terraform::v1_6()] {
        let mut workspace = Workspace::with_provider(&terraform.unwrap(), folder.path()).unwrap();
        workspace.env("TF_VAR_text", "one");
        workspace
            .write(
                "main.tf",
                "variable \"text\" {}\nresource \"terraform_data\" \"a\" {\n  input = var.text\n}\n",
            )
            .unwrap();
        assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
        assert!(!workspace.plan_is_empty(&[]).unwrap());
        workspace.apply(&[]).unwrap();
        assert!(workspace.plan_is_empty(&[]).unwrap());
        assert_eq!(workspace.state_list().unwrap(), ["terraform_data.a"]);
        assert_eq!(workspace.attributes("terraform_data.a").unwrap().unwrap()["output"], "one");

        let plan = workspace.plan_json(&["-var=text=two"]).unwrap();
        assert_eq!(plan["resource_changes"][0]["change"]["actions"], json!(["update"]));
        workspace.write("main.tf", "output \"broken\" {\n  value = missing.a\n}\n").unwrap();
        let error = workspace.apply(&[]).unwrap_err().to_string();
        assert!(error.starts_with("terraform apply -no-color -auto-approve ended with code 1:"), "{error}");
        workspace.write("main.tf", "").unwrap();
        workspace.destroy(&[]).unwrap();
        assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
    }
}
