//! A hook that cannot decide yet waits, and is asked again before the write.

use serde_json::json;
use xtask::proxy::Proxy;
use xtask::terraform::Terraform;

use super::guest::{answering, answering_where, denial};
use super::{Outcome, block, hook, line, made, provider, writes};
use crate::support::{each_terraform, job, shared_node, stage, workspace, written};

/// Waits while the schedule is unknown, and denies what it then is.
fn patient() -> String {
    let waits = json!({ "needs-known": [[{ "attribute": "schedule" }]] });
    answering_where("\"schedule\":{\"$unknown\":true}", &waits)
}

fn late_job(name: &str) -> String {
    let rest = "  schedule = terraform_data.late.output\n  shell = { command = \"true\" }";
    made("late", "\"@manually\"") + &job(name, rest)
}

#[test]
fn a_hook_that_waits_is_asked_again_before_the_write() {
    for terraform in each_terraform() {
        let node = shared_node();
        let proxy = Proxy::start(&node.url()).unwrap();
        let workspace = workspace(&terraform, &proxy.url());
        // One has nothing against what comes out; the other one sees it, and objects.
        let hooks = hook(&workspace, "patient", &patient(), "");
        let objects = answering_where("\"schedule\":\"@manually\"", &denial("Seen"));
        let objecting = hooks.clone() + &hook(&workspace, "objecting", &objects, "");
        workspace.write("main.tf", &(provider(&objecting) + &late_job("hook_waiting"))).unwrap();
        Outcome::of(&workspace, &["validate"]).assert_silent();
        Outcome::of(&workspace, &["plan"]).assert_silent();
        let outcome = Outcome::of(&workspace, &["apply"]);
        assert_eq!((outcome.error().summary.as_str(), writes(&proxy)), ("Seen", vec![]));
        assert_eq!(written(&node, "hook_waiting"), None);

        workspace.write("main.tf", &(provider(&hooks) + &late_job("hook_waiting"))).unwrap();
        Outcome::of(&workspace, &["apply"]).assert_silent();
        assert!(written(&node, "hook_waiting").is_some());
        workspace.destroy(&[]).unwrap();
    }
}

/// A plan that was saved is applied by another process, with hooks as they are then.
#[test]
fn a_saved_plan_does_not_evade_a_hook() {
    let (node, workspace) = stage();
    let hooks = hook(&workspace, "changing", &answering(&json!("ok")), "");
    let rest = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_saved", rest))).unwrap();
    workspace.plan(&["-out=saved"]).unwrap();
    workspace.write("changing.wat", &answering(&denial("Not any more"))).unwrap();
    let outcome = Outcome::of(&workspace, &["apply", "saved"]);
    assert_eq!(outcome.error().summary, "Not any more");
    assert_eq!(written(&node, "hook_saved"), None);
}

/// A hook that waits for what is known already would wait for ever.
#[test]
fn a_hook_that_waits_for_nothing_is_said_to() {
    let (node, workspace) = stage();
    let waits = |path| answering(&json!({ "needs-known": path }));
    let hooks = hook(&workspace, "idle", &waits(json!([])), "")
        + &hook(&workspace, "blind", &waits(json!([[{ "attribute": "schedule" }]])), "on_error = \"warn\"");
    let rest = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_idle", rest))).unwrap();
    let outcome = Outcome::of(&workspace, &["apply"]);
    assert!(
        outcome.error().detail.contains("It waits for nothing, where everything is known"),
        "{outcome:#?}"
    );
    let blind = outcome.of_hook("blind");
    assert_eq!(blind.severity, "warning");
    assert!(blind.detail.contains("It waits for `schedule`, where everything is known"), "{outcome:#?}");
    assert_eq!(written(&node, "hook_idle"), None);
}

#[test]
fn a_hook_whose_settings_are_not_known_yet_is_asked_when_they_are() {
    for terraform in each_terraform() {
        let node = shared_node();
        let workspace = workspace(&terraform, &node.url());
        let module = xtask::hooks::example("cap-retries").unwrap();
        let settings = "settings = jsonencode({ max_retries = terraform_data.limit.output })";
        let hooks = provider(&block("cap", module.to_str().unwrap(), settings));
        let rest = "  retries = 4\n  schedule = \"@manually\"\n  shell = { command = \"true\" }";
        let root = |limit: &str| hooks.clone() + &made("limit", limit) + &job("hook_late_settings", rest);
        workspace.write("main.tf", &root("3")).unwrap();
        let outcome = Outcome::of(&workspace, &["plan"]);
        assert_eq!(outcome.warning().summary, "Hook \"cap\" is not asked yet", "{outcome:#?}");
        assert!(
            outcome.warning().detail.contains("It will be asked before anything is written."),
            "{outcome:#?}"
        );
        let outcome = Outcome::of(&workspace, &["apply"]);
        assert_eq!(line(outcome.error()), "retries = 4", "{outcome:#?}");
        assert!(
            outcome.of_hook("cap").detail.contains("Expected at most 3 retries, found 4."),
            "{outcome:#?}"
        );
        assert_eq!(written(&node, "hook_late_settings"), None);

        workspace.write("main.tf", &root("4")).unwrap();
        let outcome = Outcome::of(&workspace, &["apply"]);
        assert_eq!((outcome.code, outcome.errors().len()), (0, 0), "{outcome:#?}");
        assert!(written(&node, "hook_late_settings").is_some());
        workspace.destroy(&[]).unwrap();
    }
}

#[test]
fn a_name_that_is_known_late_does_not_evade_a_pattern() {
    let node = shared_node();
    let workspace = workspace(&Terraform::on_path().unwrap(), &node.url());
    let hooks = hook(
        &workspace,
        "by_name",
        &answering(&denial("No")),
        "applies_to = { name_glob = \"hook_late_*\" }",
    );
    let late = job("late", "  schedule = \"@manually\"\n  shell = { command = \"true\" }")
        .replace("name = \"late\"", "name = terraform_data.name.output");
    workspace.write("main.tf", &(provider(&hooks) + &made("name", "\"hook_late_name\"") + &late)).unwrap();
    Outcome::of(&workspace, &["plan"]).assert_silent();
    let outcome = Outcome::of(&workspace, &["apply"]);
    assert_eq!(outcome.of_hook("by_name").summary, "No", "{outcome:#?}");
    assert_eq!(written(&node, "hook_late_name"), None);
}
