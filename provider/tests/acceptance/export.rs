//! A cluster that nobody manages becomes configuration that imports it without a change.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::process::{self, Finished};
use xtask::provider::PROGRAM;
use xtask::terraform::{Terraform, Workspace};

use crate::property::varied_jobs;
use crate::support::{
    assert_plan_is_empty, built_provider, each_terraform, names_in_dkron, stored, workspace, written,
};

const CANARY: &str = "canary-of-the-export";

/// Runs the command with these variables in its environment, and no others of ours.
fn export(variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let mut command = Command::new(built_provider().join(PROGRAM));
    command.arg("export").args(arguments).env_clear().envs(variables.iter().copied());
    process::run("export", &mut command, Duration::from_secs(60)).unwrap()
}

fn export_from(node: &Node, arguments: &[&str]) -> Finished {
    let finished = export(&[("KRONY_ENDPOINT", &node.url())], arguments);
    assert!(finished.success(), "{}", finished.text());
    finished
}

/// Jobs that random configurations do not lead to: written by other hands, by tenants, with a name that makes trouble.
fn others() -> Vec<Value> {
    let shell = |name: &str, fields: Value| {
        let mut job = stored(json!({
            "name": name, "schedule": "@manually", "executor": "shell", "executor_config": {"command": "true"},
        }));
        crate::support::merge(&mut job, fields);
        job
    };
    let executor = |name: &str, executor: &str, settings: Value| {
        shell(name, json!({"executor": executor, "executor_config": settings}))
    };
    let marks = json!({"krony.tenant": "acme", "krony.managed-by": "terraform"});
    let mut broken =
        executor("other_http", "http", json!({"method": "get", "url": "example.com", "expectCode": "1000"}));
    broken["executor_config"]["headers"] = json!(format!("[\"X: {CANARY}\", \"X: {CANARY}2\"]"));
    vec![
        broken,
        executor(
            "other_plugin",
            "my plugin",
            json!({"api_token": CANARY, "ü x": "${a} %{b} \"q\" \\ \n\u{2028}$${c}"}),
        ),
        executor("other_nothing", "", json!(null)),
        executor(
            "other_nats",
            "nats",
            json!({"url": "nats://u:canary-of-the-export@h:4222", "subject": "s"}),
        ),
        shell("0-9", json!({"concurrency": ""})),
        shell("a-b", json!({"metadata": {"k k": "x", "k": "\t", "🇸🇪 ü": "y"}})),
        shell("a_b", json!({"parent_job": "a-b", "schedule": ""})),
        shell(
            "größe",
            json!({"tags": {"server": "true:1"}, "processors": {"log": {"type": "log", "forward": "true"}}}),
        ),
        shell("acme--parent", json!({"metadata": marks})),
        shell("acme--child", json!({"metadata": marks, "parent_job": "acme--parent", "schedule": ""})),
        shell(
            "acme--unmarked",
            json!({"executor_config": {"command": "echo", "env": format!("A={CANARY}")}}),
        ),
        shell("krony--tenant-acme", json!({"disabled": true})),
    ]
}

fn assert_passes(workspace: &Workspace, arguments: &[&str]) {
    let finished = workspace.run(arguments).unwrap();
    assert!(finished.success(), "terraform {}:\n{}", arguments.join(" "), finished.text());
}

/// Exports into a workspace, applies, and expects nothing but imports.
fn apply_export(terraform: &Terraform, node: &Node, imported: usize) -> Workspace {
    let workspace = workspace(terraform, &node.url());
    workspace.remove("versions.tf").unwrap();
    let folder = workspace.folder();
    let secrets = folder.join("secrets.auto.tfvars");
    let folder = folder.to_str().unwrap();
    let exported = export_from(node, &["--output", folder, "--secrets", secrets.to_str().unwrap()]);
    assert!(exported.stderr.contains(&format!("{imported} jobs exported.")), "{}", exported.text());
    assert_eq!(exported.stdout, "");
    assert_passes(&workspace, &["fmt", "-check", "-diff"]);
    assert_passes(&workspace, &["validate"]);
    let applied = workspace.apply(&[]).unwrap();
    let summary = format!("Resources: {imported} imported, 0 added, 0 changed, 0 destroyed.");
    assert!(applied.stdout.contains(&summary), "{}", applied.text());
    assert_plan_is_empty(&workspace);
    workspace
}

#[test]
fn a_varied_cluster_is_imported_without_a_change() {
    let node = Node::start().unwrap();
    let jobs = [varied_jobs(7_000, 100), others()].concat();
    for job in &jobs {
        node.put_job(job).unwrap();
    }
    let all = || -> BTreeMap<String, Option<Value>> {
        names_in_dkron(&node).into_iter().map(|name| (name.clone(), written(&node, &name))).collect()
    };
    let before = all();
    for terraform in each_terraform() {
        // All but krony's own, and the job without an executor, which has no configuration.
        let workspace = apply_export(&terraform, &node, jobs.len() - 2);
        for name in ["versions.tf", "variables.tf", "jobs.tf", "imports.tf"] {
            let text = workspace.read(name).unwrap();
            assert!(!text.contains(CANARY), "{name} holds a secret:\n{text}");
            assert!(!text.contains("krony--tenant-acme"), "{name}:\n{text}");
        }
        let text = workspace.read("jobs.tf").unwrap();
        for expected in [
            "# Job \"other_nothing\" is left out.",
            "parent_job = krony_job.a_b.name",
            "parent_job = krony_job.acme__parent.name",
            "resource \"krony_job\" \"_0_9\"",
        ] {
            assert!(text.contains(expected), "{expected} is missing:\n{text}");
        }
    }
    assert_eq!(all(), before, "an export or import changed a job");
}

#[test]
fn what_is_printed_is_the_same_each_time() {
    let node = Node::start().unwrap();
    for job in others() {
        node.put_job(&job).unwrap();
    }
    let first = export_from(&node, &[]);
    assert_eq!(first.stdout, export_from(&node, &[]).stdout);
    assert!(!first.text().contains(CANARY), "{}", first.text());
    assert!(
        first.stderr.contains("without values: set them, or export with --secrets FILE."),
        "{}",
        first.stderr
    );
    let workspace = workspace(&Terraform::v1_6().unwrap(), &node.url());
    workspace.remove("versions.tf").unwrap();
    workspace.write("all.tf", &first.stdout).unwrap();
    assert_passes(&workspace, &["fmt", "-check", "-diff"]);
    assert_passes(&workspace, &["validate"]);

    let acme = export_from(&node, &["--tenant", "acme"]);
    assert!(acme.stderr.contains("2 jobs exported."), "{}", acme.stderr);
    assert_eq!(
        acme.stdout.matches("tenant   = \"acme\"").count()
            + acme.stdout.matches("tenant     = \"acme\"").count(),
        2
    );
    let by_environment = export(&[("KRONY_ENDPOINT", &node.url()), ("KRONY_TENANT", "acme")], &[]);
    assert_eq!(acme.stdout, by_environment.stdout);
}

#[test]
fn an_export_replaces_no_file_and_leaves_nothing_half_done() {
    let node = Node::start().unwrap();
    node.put_job(&others()[0]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("new/jobs");
    let secrets = folder.path().join("mine.tfvars");
    let (output, secrets) = (output.to_str().unwrap(), secrets.to_str().unwrap());
    fs::write(secrets, "mine").unwrap();
    let refused = export(&[("KRONY_ENDPOINT", &node.url())], &["--output", output, "--secrets", secrets]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("mine.tfvars exists already"), "{}", refused.text());
    assert_eq!(fs::read_to_string(secrets).unwrap(), "mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something else was written");

    fs::remove_file(secrets).unwrap();
    export_from(&node, &["--output", output, "--secrets", secrets]);
    assert!(fs::read_to_string(secrets).unwrap().contains(CANARY));
    let refused = export(&[("KRONY_ENDPOINT", &node.url())], &["--output", output]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("jobs.tf exists already"), "{}", refused.text());
}

#[test]
fn an_export_that_cannot_be_says_why() {
    let nowhere = [("KRONY_ENDPOINT", "http://127.0.0.1:1"), ("KRONY_RETRY_BUDGET", "1ms")];
    let unchecked = [nowhere[0], nowhere[1], ("KRONY_INSECURE_SKIP_VERIFY", "true")];
    for (variables, arguments, code, said) in [
        (&[][..], &[][..], 1, "Error: Missing endpoint"),
        (&nowhere[..], &[][..], 1, "Error: Jobs could not be listed"),
        (&unchecked[..], &[][..], 1, "Warning: The server's certificate is not checked"),
        (
            &[("KRONY_ENDPOINT", "localhost")][..],
            &[][..],
            1,
            "The environment variable KRONY_ENDPOINT is in use.",
        ),
        (
            &[][..],
            &["--endpoint", "localhost"][..],
            2,
            "Expected an address such as https://example.com/path",
        ),
        (&nowhere[..], &["--tenant", "A"][..], 2, "Expected 2 to 32"),
    ] {
        let finished = export(variables, arguments);
        assert_eq!(finished.code, code, "{}", finished.text());
        assert!(finished.stderr.contains(said), "{}", finished.text());
        assert_eq!(finished.stdout, "");
    }
}
