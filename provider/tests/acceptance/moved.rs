//! Jobs that other providers manage become ours by `moved` blocks, as the guide says.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::provider::{ADDRESS, PROGRAM};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    assert_plan_is_empty, built_provider, each_terraform, guide, shared_node, workspace, written,
};

const SYLVIETTEE: &str = "sylviettee/dkron";
const BOZERKINS: &str = "bozerkins/dkron";

/// State as Terraform stores it when another provider manages these jobs, by their labels.
fn state(provider: &str, jobs: &[(&str, Value)]) -> String {
    let resource = |(label, attributes): &(&str, Value)| {
        json!({
            "mode": "managed", "type": "dkron_job", "name": label,
            "provider": format!("provider[\"registry.terraform.io/{provider}\"]"),
            "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": [], "private": "bnVsbA=="}],
        })
    };
    let resources: Vec<Value> = jobs.iter().map(resource).collect();
    json!({
        "version": 4, "terraform_version": "1.8.0", "serial": 1, "lineage": "moved", "outputs": {}, "resources": resources,
    })
    .to_string()
}

/// What `sylviettee/dkron` 0.3.1 keeps in state of the guide's jobs: what is not set is null.
fn of_sylviettee() -> [(&'static str, Value); 2] {
    let report = json!({
        "id": "nightly-report", "name": "nightly-report", "displayname": "Nightly report", "schedule": "0 30 2 * * *",
        "timezone": "Europe/Stockholm", "owner": "data", "owner_email": null, "disabled": null, "retries": 3,
        "parent_job": null, "concurrency": "forbid", "tags": {"server": "true:1"}, "metadata": {"team": "data"},
        "executor": "http", "executor_config": http_settings(),
        "processors": [{"type": "log", "forward": "true", "log_dir": ""}],
    });
    let mail = json!({
        "id": "mail-report", "name": "mail-report", "displayname": null, "schedule": "@manually", "timezone": null,
        "owner": null, "owner_email": null, "disabled": null, "retries": null, "parent_job": "nightly-report",
        "concurrency": "allow", "tags": {"server": "true:1"}, "metadata": null, "executor": "shell",
        "executor_config": shell_settings(), "processors": [],
    });
    [("report", report), ("mail", mail)]
}

fn http_settings() -> Value {
    json!({
        "method": "POST", "url": "http://reports.example.com/run", "body": "{\"full\":true}", "expectCode": "200,201",
        "headers": "[\"Content-Type: application/json\"]",
    })
}

fn shell_settings() -> Value {
    json!({"command": "mail -s report ops@example.com < /srv/report", "shell": "true", "env": "LANG=C"})
}

/// The same jobs as that provider writes them to dkron.
fn written_by_sylviettee() -> [Value; 2] {
    let report = json!({
        "name": "nightly-report", "displayname": "Nightly report", "schedule": "0 30 2 * * *",
        "timezone": "Europe/Stockholm", "owner": "data", "retries": 3, "concurrency": "forbid",
        "tags": {"server": "true:1"}, "metadata": {"team": "data"}, "executor": "http",
        "executor_config": http_settings(), "processors": {"log": {"forward": "true"}},
    });
    let mail = json!({
        "name": "mail-report", "schedule": "@manually", "parent_job": "nightly-report", "concurrency": "allow",
        "tags": {"server": "true:1"}, "executor": "shell", "executor_config": shell_settings(),
    });
    [report, mail]
}

/// What `bozerkins/dkron` 0.2 keeps in state, where all of its schema is set or null.
fn of_bozerkins() -> [(&'static str, Value); 1] {
    let cleanup = json!({
        "id": "cleanup", "name": "cleanup", "parent_job": "", "schedule": "@every 10m", "timezone": "", "owner": "ops",
        "owner_email": "", "retries": 0, "disabled": null, "concurrency": "allow", "executor": "shell",
        "command": "find /data -mtime +7 -delete", "timeout": "9s", "cwd": "", "shell": false, "mem_limit_kb": "16384",
        "project": "files", "allowed_exitcodes": "0, 199", "tags": {"role": "cron:1"}, "dependent_jobs": null,
        "processors": [{"type": "log", "forward": "true", "log_dir": ""}],
    });
    [("cleanup", cleanup)]
}

/// The same job as that provider writes it: with every setting, and the type of a processor among its settings.
fn written_by_bozerkins() -> Value {
    json!({
        "name": "cleanup", "schedule": "@every 10m", "owner": "ops", "concurrency": "allow", "executor": "shell",
        "executor_config": {
            "command": "find /data -mtime +7 -delete", "timeout": "9s", "project": "files", "mem_limit_kb": "16384",
            "cwd": "", "shell": "false", "allowed_exitcodes": "0, 199",
        },
        "tags": {"role": "cron:1"}, "processors": {"log": {"type": "log", "forward": "true"}},
    })
}

/// Terraform asks for the provider that state names, but only what it can do: any other serves.
fn install(workspace: &Workspace, provider: &str) {
    let ours = built_provider();
    let stand_in = workspace.folder().with_file_name("stand-in");
    fs::create_dir(&stand_in).unwrap();
    fs::copy(ours.join(PROGRAM), stand_in.join("terraform-provider-dkron")).unwrap();
    let line = |address: &str, folder: &Path| format!("    {address:?} = {folder:?}\n");
    let other = format!("registry.terraform.io/{provider}");
    let lines = line(ADDRESS, ours) + &line(&other, &stand_in);
    let text = format!("provider_installation {{\n  dev_overrides {{\n{lines}  }}\n}}\n");
    fs::write(workspace.cli_config(), text).unwrap();
}

fn moving(terraform: &Terraform, node: &Node, provider: &str, heading: &str, state: &str) -> Workspace {
    let workspace = workspace(terraform, &node.url());
    workspace.write("main.tf", &guide("migrating", heading)).unwrap();
    workspace.write("terraform.tfstate", state).unwrap();
    install(&workspace, provider);
    workspace
}

/// The actions of a plan that must move every resource.
fn actions(workspace: &Workspace) -> Vec<Value> {
    let plan = workspace.plan_json(&[]).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    for change in changes {
        let from = change["address"].as_str().unwrap().replace("krony_job", "dkron_job");
        assert_eq!(change["previous_address"], from);
    }
    changes.iter().map(|change| change["change"]["actions"].clone()).collect()
}

/// The node is its own: two tests use the same names.
fn sylviettees_jobs_are_moved(take: impl Fn(&Terraform, &Node) -> Workspace) {
    let node = Node::start().unwrap();
    for job in written_by_sylviettee() {
        node.put_job(&job).unwrap();
    }
    let names = ["nightly-report", "mail-report"];
    let before = names.map(|name| written(&node, name));
    for terraform in each_terraform().into_iter().chain([Terraform::v1_8().unwrap()]) {
        let workspace = take(&terraform, &node);
        assert_eq!(actions(&workspace), [json!(["no-op"]), json!(["no-op"])]);
        let applied = workspace.apply(&[]).unwrap();
        assert!(applied.stdout.contains("0 added, 0 changed, 0 destroyed"), "{}", applied.text());
        assert_plan_is_empty(&workspace);
        assert_eq!(names.map(|name| written(&node, name)), before);
    }
}

#[test]
fn jobs_of_sylviettee_are_moved_without_a_change() {
    sylviettees_jobs_are_moved(|terraform, node| {
        moving(terraform, node, SYLVIETTEE, "From sylviettee/dkron", &state(SYLVIETTEE, &of_sylviettee()))
    });
}

#[test]
fn jobs_of_a_provider_that_is_gone_are_moved_as_well() {
    sylviettees_jobs_are_moved(|terraform, node| {
        let workspace = workspace(terraform, &node.url());
        workspace.write("main.tf", &guide("migrating", "From sylviettee/dkron")).unwrap();
        workspace.write("terraform.tfstate", &state(SYLVIETTEE, &of_sylviettee())).unwrap();
        let missing = workspace.run(&["plan", "-no-color"]).unwrap();
        assert_eq!(missing.code, 1);
        assert!(missing.stderr.contains(SYLVIETTEE), "{}", missing.text());
        workspace
            .expect(&["state", "replace-provider", "-auto-approve", SYLVIETTEE, "krony-cloud/krony"])
            .unwrap();
        workspace
    });
}

#[test]
fn jobs_of_bozerkins_are_moved_and_tidied_up() {
    let node = shared_node();
    for terraform in each_terraform() {
        node.put_job(&written_by_bozerkins()).unwrap();
        let state = state(BOZERKINS, &of_bozerkins());
        let workspace = moving(&terraform, &node, BOZERKINS, "From bozerkins/dkron", &state);
        assert_eq!(actions(&workspace), [json!(["update"])]);
        let change = workspace.plan_json(&[]).unwrap()["resource_changes"][0]["change"].clone();
        let differs = |name: &&String| change["before"][name.as_str()] != change["after"][name.as_str()];
        let differing: Vec<_> = change["after"].as_object().unwrap().keys().filter(differs).collect();
        assert_eq!(differing, ["executor", "processors", "shell"]);
        let applied = workspace.apply(&[]).unwrap();
        assert!(applied.stdout.contains("0 added, 1 changed, 0 destroyed"), "{}", applied.text());
        assert_plan_is_empty(&workspace);
        let job = written(&node, "cleanup").unwrap();
        assert_eq!(
            job["executor_config"],
            json!({"command": "find /data -mtime +7 -delete", "timeout": "9s"})
        );
        assert_eq!(job["processors"], json!({"log": {"forward": "true"}}));
        node.delete_job("cleanup").unwrap();
    }
}

#[test]
fn jobs_of_others_are_not_taken() {
    let [users, _] = each_terraform();
    let node = shared_node();
    let workspace = moving(
        &users,
        &node,
        "example/dkron",
        "From sylviettee/dkron",
        &state("example/dkron", &of_sylviettee()),
    );
    let plan = workspace.run(&["plan", "-no-color"]).unwrap();
    assert_eq!(plan.code, 1);
    assert!(plan.stderr.contains("Unsupported source of a move"), "{}", plan.text());
    assert!(plan.stderr.contains("registry.terraform.io/example/dkron"), "{}", plan.text());
}
