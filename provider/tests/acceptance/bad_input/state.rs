//! Jobs that are there already, and state that another provider wrote.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::support::{apply, assert_plan_is_empty, errors, job, stage, stored, written};

const REST: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";

#[test]
fn a_job_that_exists_comes_with_its_import_block() {
    let (node, mut workspace) = stage();
    let there = stored(json!({
        "name": "bad-exists", "schedule": "@manually", "owner": "somebody", "tags": {"server": "true:1"},
        "executor": "shell", "executor_config": {"command": "false"},
    }));
    node.put_job(&there).unwrap();
    let configuration =
        job("bad-exists", REST).replacen("\"krony_job\" \"bad-exists\"", "\"krony_job\" \"bad_exists\"", 1);
    workspace.write("main.tf", &configuration).unwrap();
    let found = errors(&workspace, &["apply"]);
    let [error] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(error.summary, "Job \"bad-exists\" exists already");
    assert!(error.code.contains("name = \"bad-exists\""), "{error:#?}");
    assert_eq!(written(&node, "bad-exists").as_ref(), Some(&there));
    assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());

    workspace.env("KRONY_ADOPT", "identical");
    let different = errors(&workspace, &["apply"]);
    assert!(different[0].detail.contains("the two differ in: owner, executor_config."), "{different:#?}");
    assert_eq!(written(&node, "bad-exists"), Some(there));

    // As pasted from the message.
    let block = error.detail.find("import {").unwrap();
    let end = error.detail[block..].find("\n}").unwrap() + block + 2;
    workspace.write("import.tf", &error.detail[block..end]).unwrap();
    workspace.apply(&[]).unwrap();
    assert_plan_is_empty(&workspace);
    assert_eq!(written(&node, "bad-exists").unwrap()["executor_config"], json!({"command": "true"}));
    workspace.destroy(&[]).unwrap();
}

#[test]
fn a_missing_parent_is_refused_at_its_line() {
    let (node, workspace) = stage();
    let rest = "  parent_job = \"bad_nobody\"\n  shell = { command = \"true\" }";
    workspace.write("main.tf", &job("bad_orphan", rest)).unwrap();
    let found = errors(&workspace, &["apply"]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].code.contains("parent_job = \"bad_nobody\""), "{found:#?}");
    assert!(found[0].detail.contains("its parent job \"bad_nobody\" does not exist"), "{found:#?}");
    assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
    assert_eq!(written(&node, "bad_orphan"), None);
}

/// What a provider keeps beside the state of a resource, as another version might have written it.
#[test]
fn private_data_of_a_newer_provider_is_left_alone() {
    let (node, workspace) = stage();
    workspace.write("main.tf", &job("bad_private", REST)).unwrap();
    apply(&workspace);
    let sound = workspace.read("terraform.tfstate").unwrap();
    let before = written(&node, "bad_private");
    for (private, says) in [
        ("{\"version\": 99, \"values\": {\"new\": true}}", "has version 99"),
        ("not JSON", "is not what a provider of this type writes"),
    ] {
        let mut state: Value = serde_json::from_str(&sound).unwrap();
        state["resources"][0]["instances"][0]["private"] = json!(BASE64_STANDARD.encode(private));
        let state = state.to_string();
        workspace.write("terraform.tfstate", &state).unwrap();
        workspace.write("main.tf", &job("bad_private", &format!("{REST}\n  owner = \"me\""))).unwrap();
        for command in ["plan", "apply", "destroy"] {
            let found = errors(&workspace, &[command]);
            assert!(found.iter().all(|error| error.detail.contains(says)), "{command}: {found:#?}");
            assert!(found.iter().all(|error| error.address == "krony_job.bad_private"), "{found:#?}");
        }
        assert_eq!(workspace.read("terraform.tfstate").unwrap(), state, "state changed");
    }
    assert_eq!(written(&node, "bad_private"), before);
    workspace.write("terraform.tfstate", &sound).unwrap();
    workspace.destroy(&[]).unwrap();
}
