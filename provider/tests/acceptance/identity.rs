//! What tells a job from all others, to Terraform 1.12 and later.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{apply, assert_plan_is_empty, errors, job, shared_node, stored, workspace};

const SHELL: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }\n";

fn identities(workspace: &Workspace) -> Vec<Value> {
    let state: Value = serde_json::from_str(&workspace.read("terraform.tfstate").unwrap()).unwrap();
    let resources = state["resources"].as_array().unwrap().iter();
    resources.map(|resource| resource["instances"][0]["identity"].clone()).collect()
}

fn import(identity: &str) -> String {
    format!("import {{\n  to       = krony_job.identified\n  identity = {identity}\n}}\n")
}

#[test]
fn state_names_the_identity_of_each_job() {
    let node = shared_node();
    let workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    let jobs = |name: &str| {
        job(name, SHELL).replacen(&format!("\"{name}\" {{"), "\"a\" {", 1)
            + &job("identity_b", &format!("  tenant = \"acme\"\n{SHELL}"))
    };
    workspace.write("main.tf", &jobs("identity_a")).unwrap();
    apply(&workspace);
    let of_tenant = json!({"name": "identity_b", "tenant": "acme"});
    assert_eq!(identities(&workspace), [json!({"name": "identity_a", "tenant": null}), of_tenant.clone()]);
    // Another name is another job, and so another identity.
    workspace.write("main.tf", &jobs("identity_c")).unwrap();
    apply(&workspace);
    assert_eq!(identities(&workspace), [json!({"name": "identity_c", "tenant": null}), of_tenant]);
    workspace.destroy(&[]).unwrap();
}

/// The older Terraform that the tests know neither asks for identities nor keeps them; state made by either works with
/// the other.
#[test]
fn state_of_a_terraform_without_identities_gets_them() {
    let node = shared_node();
    let (users, newest) = (Terraform::on_path().unwrap(), Terraform::newest().unwrap());
    let mut workspace = workspace(&users, &node.url());
    workspace.write("main.tf", &job("identity_d", SHELL)).unwrap();
    apply(&workspace);
    assert_eq!(identities(&workspace), [Value::Null]);
    workspace.terraform(&newest);
    assert_plan_is_empty(&workspace);
    workspace.apply(&["-refresh-only"]).unwrap();
    assert_eq!(identities(&workspace), [json!({"name": "identity_d", "tenant": null})]);
    workspace.terraform(&users);
    workspace.destroy(&[]).unwrap();
}

#[test]
fn jobs_are_imported_by_identity() {
    let node = shared_node();
    let newest = Terraform::newest().unwrap();
    for (identity, full_name, tenant) in [
        ("{ name = \"identified\" }", "identified", Value::Null),
        ("{ name = \"identified\", tenant = \"acme\" }", "acme--identified", json!("acme")),
        // Without a tenant it is a job without a tenant, whatever its metadata says.
        ("{ name = \"acme--identified\" }", "acme--identified", Value::Null),
    ] {
        node.put_job(&stored(json!({
            "name": full_name, "schedule": "@manually", "executor": "shell",
            "executor_config": {"command": "true", "env": "PASSWORD=canary"}, "tags": {"server": "true:1"},
            "metadata": {"krony.tenant": "acme", "krony.managed-by": "terraform"}, "displayname": "${x} \"y\"",
        })))
        .unwrap();
        let workspace = workspace(&newest, &node.url());
        workspace.write("import.tf", &import(identity)).unwrap();
        workspace.plan(&["-generate-config-out=generated.tf"]).unwrap();
        let generated = workspace.read("generated.tf").unwrap();
        assert!(!generated.contains("canary"), "a secret was written:\n{generated}");
        let filled = generated.replacen("env ", "env = { PASSWORD = \"canary\" } #", 1);
        assert_ne!(filled, generated, "the secret has no place:\n{generated}");
        workspace.write("generated.tf", &filled).unwrap();
        let applied = workspace.apply(&[]).unwrap();
        assert!(applied.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", applied.text());
        assert_plan_is_empty(&workspace);
        let state = workspace.attributes("krony_job.identified").unwrap().unwrap();
        assert_eq!((&state["full_name"], &state["tenant"]), (&json!(full_name), &tenant));
        node.delete_job(full_name).unwrap();
    }
}

#[test]
fn identities_that_no_job_can_have_are_refused() {
    let node = shared_node();
    let workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    workspace.write("main.tf", &job("identified", SHELL)).unwrap();
    for (identity, summary, detail) in [
        ("{ name = \"no_such_job\" }", "Cannot import non-existent remote object", ""),
        ("{ name = \"Identified\" }", "Invalid job name", "Did you mean \"identified\"?"),
        ("{ name = \"krony--x\" }", "Invalid job name", "reserved"),
        ("{ name = \"-x\", tenant = \"acme\" }", "Invalid identity", "does not begin with `-`"),
        ("{ name = \"x\", tenant = \"krony\" }", "Invalid tenant name", "`krony` is reserved"),
        ("{ tenant = \"acme\" }", "Incorrect value type", "attribute \"name\" is required"),
    ] {
        workspace.write("import.tf", &import(identity)).unwrap();
        let found = errors(&workspace, &["plan"]);
        assert_eq!(found[0].summary, summary, "{found:?}");
        assert!(found[0].detail.contains(detail), "{found:?}");
    }
}

/// The example of the documentation is what Terraform takes.
#[test]
fn the_example_imports() {
    let node = shared_node();
    let workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/resources/krony_job");
    let example = fs::read_to_string(folder.join("import-by-identity.tf")).unwrap();
    node.put_job(&stored(json!({
        "name": "acme--nightly-backup", "schedule": "@manually", "executor": "shell",
        "executor_config": {"command": "true"}, "metadata": {"krony.tenant": "acme"},
    })))
    .unwrap();
    workspace.write("import.tf", &example).unwrap();
    workspace.plan(&["-generate-config-out=generated.tf"]).unwrap();
    let applied = workspace.apply(&[]).unwrap();
    assert!(applied.stdout.contains("1 imported, 0 added, 0 changed, 0 destroyed"), "{}", applied.text());
    node.delete_job("acme--nightly-backup").unwrap();
}
