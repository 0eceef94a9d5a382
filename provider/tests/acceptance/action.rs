//! The action `krony_job_run`, with the Terraform that has actions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::process::{Finished, Signal, wait_for};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{Finding, example, findings, job, shared_node, workspace};

const LIMIT: Duration = Duration::from_secs(60);

fn newest() -> (Arc<Node>, Workspace) {
    let node = shared_node();
    let workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    (node, workspace)
}

/// An action without a resource, with these lines in its configuration.
fn action(label: &str, config: &str) -> String {
    format!("action \"krony_job_run\" \"{label}\" {{\n  config {{\n{config}\n  }}\n}}\n")
}

fn invoke(workspace: &Workspace, label: &str) -> Finished {
    let invoke = format!("-invoke=action.krony_job_run.{label}");
    workspace.run(&["apply", "-json", "-auto-approve", &invoke]).unwrap()
}

/// What the action told while it ran.
fn progress(finished: &Finished) -> Vec<String> {
    let lines = finished.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["type"] == "action_progress")
        .map(|line| line["hook"]["message"].as_str().unwrap().to_owned())
        .collect()
}

fn error(finished: &Finished) -> Finding {
    assert_eq!(finished.code, 1, "{}", finished.text());
    findings(finished).into_iter().find(|finding| finding.severity == "error").unwrap()
}

fn shell(name: &str, command: &str) -> Value {
    json!({
        "name": name, "schedule": "@manually", "tags": {"server": "true:1"}, "executor": "shell",
        "executor_config": {"command": command, "shell": "true"},
    })
}

#[test]
fn a_run_by_hand_is_told_as_it_goes() {
    let (node, workspace) = newest();
    node.put_job(&shell("acme--action_slow", "sleep 12; echo done")).unwrap();
    let config = action("slow", "    job    = \"action_slow\"\n    tenant = \"acme\"");
    workspace.write("main.tf", &config).unwrap();
    let finished = invoke(&workspace, "slow");
    assert_eq!(finished.code, 0, "{}", finished.text());
    let told = progress(&finished);
    let [begins, runs, still, ended] = &told[..] else { panic!("{told:?}") };
    let on_node = format!("on node {:?}", node.name());
    assert_eq!(begins, "Running job \"acme--action_slow\"");
    assert_eq!(runs, &format!("Job \"acme--action_slow\" runs {on_node}"));
    assert!(
        still.starts_with("Job \"acme--action_slow\" still runs after 1") && still.ends_with(&on_node),
        "{still}"
    );
    assert!(ended.starts_with("Job \"acme--action_slow\" succeeded after 1"), "{ended}");
    node.delete_job("acme--action_slow").unwrap();
}

#[test]
fn a_run_that_fails_is_an_error_unless_it_may() {
    let (node, workspace) = newest();
    let mut fails = shell("action_fails", "echo first; seq 2 40; exit 3");
    fails["retries"] = json!(1);
    node.put_job(&fails).unwrap();
    let config = action("fails", "    job = \"action_fails\"")
        + &action("may_fail", "    job = \"action_fails\"\n    fail_on_error = false");
    workspace.write("main.tf", &config).unwrap();

    let failed = invoke(&workspace, "fails");
    let error = error(&failed);
    let told = format!(
        "failed: It failed 2 times on node {:?}, and printed at last:\n\nexit status 3\n…\n21\n22",
        node.name()
    );
    assert!(error.detail.contains(&told) && error.detail.ends_with("\n40"), "{error:#?}");
    assert!(!error.detail.contains("first"), "{error:#?}");

    let tolerated = invoke(&workspace, "may_fail");
    assert_eq!(tolerated.code, 0, "{}", tolerated.text());
    let warnings = findings(&tolerated);
    assert!(warnings.iter().any(|warning| warning.detail.contains(&told)), "{warnings:#?}");
    node.delete_job("action_fails").unwrap();
}

#[test]
fn what_does_not_run_says_why() {
    let (node, workspace) = newest();
    let mut disabled = shell("action_disabled", "true");
    disabled["disabled"] = json!(true);
    node.put_job(&disabled).unwrap();
    let mut elsewhere = shell("action_elsewhere", "true");
    elsewhere["tags"] = json!({"dc": "mars:1"});
    node.put_job(&elsewhere).unwrap();
    node.put_job(&shell("action_sleeps", "sleep 30")).unwrap();
    let cases = [
        ("absent", "    job = \"action_absent\"", "dkron has no job \"action_absent\""),
        ("disabled", "    job = \"action_disabled\"", "because it is disabled; enable it first"),
        (
            "elsewhere",
            "    job = \"action_elsewhere\"",
            "no node that is alive has its tags (dc = \"mars:1\")",
        ),
        ("sleeps", "    job = \"action_sleeps\"\n    timeout = \"3s\"", "The run goes on in dkron, on node"),
    ];
    let config: String = cases.iter().map(|(label, config, _)| action(label, config)).collect();
    workspace.write("main.tf", &config).unwrap();
    for (label, _, expected) in cases {
        let error = error(&invoke(&workspace, label));
        assert!(error.detail.contains(expected), "{error:#?}");
    }
    for config in [
        "    job = \"UPPER\"",
        "    job = \"a\"\n    timeout = \"soon\"",
        "    job = \"a\"\n    tenant = \"-\"",
    ] {
        workspace.write("main.tf", &action("wrong", config)).unwrap();
        let finished = workspace.run(&["validate", "-json"]).unwrap();
        assert_eq!(finished.code, 1, "{}", finished.text());
    }
    for name in ["action_disabled", "action_elsewhere", "action_sleeps"] {
        node.delete_job(name).unwrap();
    }
}

#[test]
fn ctrl_c_ends_the_wait_and_not_the_run() {
    let (node, workspace) = newest();
    node.put_job(&shell("action_cancelled", "sleep 10; echo ended")).unwrap();
    workspace.write("main.tf", &action("cancelled", "    job = \"action_cancelled\"")).unwrap();
    let arguments = ["apply", "-no-color", "-auto-approve", "-invoke=action.krony_job_run.cancelled"];
    let mut running = workspace.spawn(&arguments).unwrap();
    wait_for("the run to be told", LIMIT, || {
        Ok(running.output().stdout().contains("runs on node").then_some(()))
    })
    .unwrap();
    running.signal_group(Signal::INT).unwrap();
    let status = running.wait(LIMIT).unwrap();
    let told = running.output().stderr() + &running.output().stdout();
    assert!(!status.success(), "{told}");
    let told: String = told.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("The run goes on in dkron, on node") && told.contains("nothing stops it"),
        "{told}"
    );
    wait_for("the run to end by itself", LIMIT, || {
        let job = node.job("action_cancelled")?;
        Ok(job.filter(|job| job["success_count"] == json!(1)).map(drop))
    })
    .unwrap();
    node.delete_job("action_cancelled").unwrap();
}

#[test]
fn a_job_runs_when_it_was_created_or_changed() {
    let (node, workspace) = newest();
    let config = |command: &str| {
        let rest = format!(
            "  schedule = \"@manually\"\n  shell = {{ command = {command:?} }}\n  lifecycle {{\n    action_trigger {{\n      \
             events  = [after_create, after_update]\n      actions = [action.krony_job_run.triggered]\n    }}\n  }}"
        );
        job("action_triggered", &rest) + &action("triggered", "    job = krony_job.action_triggered.name")
    };
    let runs = || node.job("action_triggered").unwrap().unwrap()["success_count"].clone();
    workspace.write("main.tf", &config("echo one")).unwrap();
    workspace.apply(&[]).unwrap();
    assert_eq!(runs(), json!(1));
    workspace.apply(&[]).unwrap();
    assert_eq!(runs(), json!(1), "nothing changed");
    workspace.write("main.tf", &config("echo two")).unwrap();
    workspace.apply(&[]).unwrap();
    assert_eq!(runs(), json!(2));
    // A run that fails fails the apply, and the job is there.
    workspace.write("main.tf", &config("false")).unwrap();
    let failed = workspace.run(&["apply", "-json", "-auto-approve"]).unwrap();
    assert!(error(&failed).detail.contains("Job \"action_triggered\" failed"), "{}", failed.text());
    workspace.destroy(&[]).unwrap();
}

#[test]
fn the_example_of_the_documentation_works() {
    let (node, workspace) = newest();
    workspace.write("main.tf", &example("actions/krony_job_run/action.tf")).unwrap();
    workspace.apply(&[]).unwrap();
    assert_eq!(node.job("migrate-database").unwrap().unwrap()["success_count"], json!(1));
    let finished = invoke(&workspace, "migration");
    assert_eq!(finished.code, 0, "{}", finished.text());
    assert_eq!(node.job("migrate-database").unwrap().unwrap()["success_count"], json!(2));
    workspace.destroy(&[]).unwrap();
}
