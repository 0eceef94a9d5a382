//! Hooks of the organisation, from the folder that `KRONY_HOOKS_DIR` names: configuration can neither switch them off
//! nor take their place.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use xtask::terraform::Workspace;

use super::guest::{answering, denial, finding};
use super::{Outcome, block, hook, line, provider};
use crate::support::{each_terraform, job, shared_node, stage, workspace, written};

const JOB: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";

/// A folder of hooks, named by the environment of a workspace.
fn folder(workspace: &mut Workspace) -> PathBuf {
    let folder = workspace.folder().join("organisation");
    fs::create_dir(&folder).unwrap();
    workspace.env("KRONY_HOOKS_DIR", &folder);
    folder
}

#[test]
fn a_mandatory_hook_needs_no_configuration() {
    for terraform in each_terraform() {
        let node = shared_node();
        let mut workspace = workspace(&terraform, &node.url());
        let folder = folder(&mut workspace);
        let module = xtask::hooks::example("cap-retries").unwrap();
        fs::copy(module, folder.join("cap-retries.wat")).unwrap();
        let settings =
            json!({ "settings": { "max_retries": 3 }, "applies_to": { "name_glob": "hook_mandatory*" } });
        fs::write(folder.join("cap-retries.json"), settings.to_string()).unwrap();
        fs::write(folder.join("README.md"), "No hook.").unwrap();
        let jobs = |retries: usize| job("hook_mandatory", &format!("  retries = {retries}\n{JOB}"));
        // Without a provider block, with an empty one, and with one that tries to be rid of hooks.
        for provider in [
            "",
            "provider \"krony\" {\n}\n",
            "provider \"krony\" {\n  hooks = {}\n}\n",
            "provider \"krony\" {\n  hooks = null\n}\n",
        ] {
            workspace.write("main.tf", &(provider.to_owned() + &jobs(4))).unwrap();
            for command in ["validate", "plan", "apply"] {
                let outcome = Outcome::of(&workspace, &[command]);
                assert_eq!(outcome.code, 1, "{provider:?}, {command}: {outcome:#?}");
                assert_eq!(line(outcome.error()), "retries = 4", "{outcome:#?}");
                assert_eq!(outcome.of_hook("cap-retries").summary, "The job retries too often");
            }
        }
        assert_eq!(written(&node, "hook_mandatory"), None);
        workspace.write("main.tf", &jobs(3)).unwrap();
        Outcome::of(&workspace, &["apply"]).assert_silent();
        workspace.destroy(&[]).unwrap();
    }
}

#[test]
fn configuration_cannot_take_the_place_of_a_mandatory_hook() {
    let (node, mut workspace) = stage();
    let folder = folder(&mut workspace);
    let path = json!({ "path": [{ "attribute": "schedule" }] });
    let denies = answering(&json!({ "findings": [finding("Mandatory says no", path)] }));
    fs::write(folder.join("guard.wat"), denies).unwrap();
    let harmless = answering(&json!("ok"));
    let same = hook(&workspace, "guard", &harmless, "enforcement = \"advisory\"");
    let jobs = job("hook_taken", JOB);
    workspace.write("main.tf", &(provider(&same) + &jobs)).unwrap();
    for command in ["validate", "plan", "apply"] {
        let outcome = Outcome::of(&workspace, &[command]);
        let error = outcome.error();
        assert_eq!(error.summary, "Name of a mandatory hook", "{outcome:#?}");
        assert!(
            error.detail.contains("KRONY_HOOKS_DIR") && error.detail.contains("hooks[\"guard\"]"),
            "{error:#?}"
        );
    }
    // Beside hooks of the configuration it is asked as well. The environment overrides nothing that is mandatory.
    workspace.env("KRONY_HOOKS_OVERRIDE", "guard");
    let other = hook(&workspace, "own", &answering(&denial("My own says no")), "");
    workspace.write("main.tf", &(provider(&other) + &jobs)).unwrap();
    for command in ["validate", "plan", "apply"] {
        let outcome = Outcome::of(&workspace, &[command]);
        let mut summaries: Vec<_> = outcome.errors().iter().map(|error| error.summary.as_str()).collect();
        summaries.sort_unstable();
        assert_eq!(summaries, ["Mandatory says no", "My own says no"]);
    }
    assert_eq!(written(&node, "hook_taken"), None);
}

/// What is mandatory must not be missed, whatever is wrong with the folder.
#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    let (node, mut workspace) = stage();
    let folder = folder(&mut workspace);
    workspace.write("main.tf", &(provider("") + &job("hook_folder", JOB))).unwrap();
    let module = answering(&json!("ok"));
    let write = |files: &[(&str, String)]| {
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
    };
    let source = json!({ "source": "/elsewhere/a.wasm" }).to_string();
    let alone = |text: &str| vec![("a.json", text.to_owned())];
    let beside = |text: &str| vec![("a.wat", module.clone()), ("a.json", text.to_owned())];
    let with = |name: &str, value: Value| beside(&json!({ name: value }).to_string());
    let rows = [
        (alone("{}"), "Expected a.wasm beside a.json, or `source` in that file."),
        (alone(&source), "Expected a module at /elsewhere/a.wasm"),
        (beside(&source), "exclude each other"),
        (beside("{"), "Expected a JSON object in a.json: at line 1"),
        (with("enforcement", json!("strict")), "In a.json: `enforcement`"),
        (with("enforcment", json!("advisory")), "enforcment"),
        (with("limits", json!({ "fuel": "much" })), "In a.json: "),
        (vec![("a.wat", "<html>".to_owned())], "It is no WebAssembly"),
    ];
    for (files, says) in rows {
        write(&files);
        for command in ["validate", "plan", "apply"] {
            let outcome = Outcome::of(&workspace, &[command]);
            assert!(outcome.error().detail.contains(says), "{says}: {outcome:#?}");
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    for command in ["validate", "plan", "apply"] {
        let outcome = Outcome::of(&workspace, &[command]);
        assert_eq!(outcome.error().summary, "Unusable folder of hooks");
        assert!(
            outcome.error().detail.contains("KRONY_HOOKS_DIR")
                && outcome.error().detail.contains("cannot be read"),
            "{outcome:#?}"
        );
    }
    assert_eq!(written(&node, "hook_folder"), None);
}

/// The file beside a module holds what a block holds.
#[test]
fn the_file_beside_a_module_is_a_block() {
    let (_node, mut workspace) = stage();
    let folder = folder(&mut workspace);
    let module = answering(&denial("No"));
    fs::write(folder.join("adviser.wat"), &module).unwrap();
    fs::write(
        folder.join("adviser.json"),
        json!({ "enforcement": "advisory", "stages": ["plan"] }).to_string(),
    )
    .unwrap();
    workspace.write("elsewhere.wat", &module).unwrap();
    let elsewhere = json!({
        "source": workspace.folder().join("elsewhere.wat"), "stages": ["apply"], "settings": "{\"a\":1}",
        "limits": { "fuel": 1000000, "memory": 2, "timeout": "1s" },
    });
    fs::write(folder.join("elsewhere.json"), elsewhere.to_string()).unwrap();
    workspace
        .write(
            "main.tf",
            &(provider(&block("gone", "gone.wasm", "on_error = \"warn\"")) + &job("hook_beside", JOB)),
        )
        .unwrap();
    let outcome = Outcome::of(&workspace, &["plan"]);
    assert_eq!((outcome.code, outcome.of_hook("adviser").severity.as_str()), (0, "warning"), "{outcome:#?}");
    let outcome = Outcome::of(&workspace, &["apply"]);
    assert_eq!(outcome.error().summary, "No", "{outcome:#?}");
    assert_eq!(outcome.of_hook("elsewhere").severity, "error");
}
