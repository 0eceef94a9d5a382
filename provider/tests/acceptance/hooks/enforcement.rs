//! What it means that a hook objects: it stops before anything is written, or only warns.

use std::sync::Arc;

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

use super::guest::{answering, answering_where, denial, finding, guest_with};
use super::{Outcome, STAGES, hook, line, provider, writes};
use crate::support::{apply, each_terraform, job, shared_node, workspace, written};

/// A workspace before a proxy that counts.
fn counted(terraform: &Terraform) -> (Arc<Node>, Proxy, Workspace) {
    let node = shared_node();
    let proxy = Proxy::start(&node.url()).unwrap();
    let workspace = workspace(terraform, &proxy.url());
    (node, proxy, workspace)
}

fn some_job(name: &str) -> String {
    job(name, "  schedule = \"@manually\"\n  shell = { command = \"true\" }")
}

/// Against the schedule of a job, whatever it is.
fn against_schedules() -> String {
    let path = json!({ "path": [{ "attribute": "schedule" }], "detail": "Expected another one." });
    answering(&json!({ "findings": [finding("A bad schedule", path)] }))
}

#[test]
fn an_advisory_hook_warns_and_the_job_is_made() {
    for terraform in each_terraform() {
        let (node, _proxy, workspace) = counted(&terraform);
        let hooks = hook(&workspace, "adviser", &against_schedules(), "enforcement = \"advisory\"");
        workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_advised"))).unwrap();
        for command in ["validate", "plan", "apply"] {
            let outcome = Outcome::of(&workspace, &[command]);
            assert_eq!(outcome.code, 0, "{outcome:#?}");
            assert!(outcome.errors().is_empty(), "{outcome:#?}");
            let warnings = outcome.by_hook("adviser");
            assert!(!warnings.is_empty(), "{command}: {outcome:#?}");
            for warning in warnings {
                assert_eq!(
                    (warning.severity.as_str(), line(warning)),
                    ("warning", "schedule = \"@manually\"")
                );
                assert_eq!(warning.summary, "A bad schedule");
                assert!(warning.detail.starts_with("Expected another one."), "{warning:#?}");
            }
        }
        assert!(written(&node, "hook_advised").is_some());
        workspace.destroy(&[]).unwrap();
    }
}

/// At every stage in which it alone is asked, and so also where only the last question before the write is left.
#[test]
fn a_mandatory_hook_stops_before_any_write() {
    for terraform in each_terraform() {
        let (node, proxy, workspace) = counted(&terraform);
        for (stage, commands) in [
            ("validate", ["validate", "plan", "apply"].as_slice()),
            ("plan", &["plan", "apply"]),
            ("apply", &["apply"]),
        ] {
            let stages = format!("stages = [\"{stage}\"]");
            let hooks = hook(&workspace, "guard", &against_schedules(), &stages);
            workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_stopped"))).unwrap();
            for command in commands {
                let outcome = Outcome::of(&workspace, &[command]);
                assert_eq!(
                    line(outcome.error()),
                    "schedule = \"@manually\"",
                    "{stage}, {command}: {outcome:#?}"
                );
                assert_eq!(outcome.of_hook("guard").summary, "A bad schedule");
            }
            for command in ["validate", "plan"].iter().filter(|command| !commands.contains(command)) {
                Outcome::of(&workspace, &[command]).assert_silent();
            }
        }
        assert_eq!(writes(&proxy), []);
        assert_eq!(written(&node, "hook_stopped"), None);
        assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
    }
}

/// A hook may say for itself when it wants to be asked.
#[test]
fn a_hook_is_asked_at_its_own_stages_only() {
    let (_node, proxy, workspace) = counted(&Terraform::on_path().unwrap());
    let description = json!({ "name": "late", "version": "1", "stages": ["apply"] }).to_string();
    let module = guest_with(&description, "\"ok\"", "", "unreachable");
    let hooks = hook(&workspace, "late", &module, "");
    workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_own_stages"))).unwrap();
    Outcome::of(&workspace, &["validate"]).assert_silent();
    Outcome::of(&workspace, &["plan"]).assert_silent();
    let outcome = Outcome::of(&workspace, &["apply"]);
    assert_eq!(outcome.error().summary, "A hook could not answer", "{outcome:#?}");
    assert_eq!(writes(&proxy), []);
}

/// Terraform plans a job once more as it stands before it destroys it: a rule that came later must not keep it there.
#[test]
fn a_job_that_stays_as_it_is_gets_warnings() {
    let (node, _proxy, workspace) = counted(&Terraform::on_path().unwrap());
    workspace.write("main.tf", &some_job("hook_unchanged")).unwrap();
    apply(&workspace);
    let bad =
        json!({ "findings": [finding("A bad schedule", json!({ "path": [{ "attribute": "schedule" }] }))] });
    let updates = answering_where("\"update\"", &bad);
    let hooks = hook(&workspace, "guard", &updates, "stages = [\"plan\", \"apply\"]");
    let changed = job("hook_unchanged", "  schedule = \"@daily\"\n  shell = { command = \"true\" }");
    workspace.write("main.tf", &(provider(&hooks) + &changed)).unwrap();
    Outcome::of(&workspace, &["plan"]).error();

    workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_unchanged"))).unwrap();
    let outcome = Outcome::of(&workspace, &["plan"]);
    assert_eq!(outcome.code, 0, "{outcome:#?}");
    let warning = outcome.of_hook("guard");
    assert!(warning.detail.contains("The job stays as it is"), "{warning:#?}");
    assert_eq!((warning.severity.as_str(), line(warning)), ("warning", "schedule = \"@manually\""));

    let outcome = Outcome::of(&workspace, &["destroy"]);
    assert_eq!(outcome.code, 0, "{outcome:#?}");
    assert_eq!(written(&node, "hook_unchanged"), None);
}

#[test]
fn what_can_be_overridden_stops_unless_it_is() {
    let (node, proxy, mut workspace) = counted(&Terraform::on_path().unwrap());
    let hooks = hook(&workspace, "guard", &against_schedules(), "enforcement = \"mandatory-overridable\"")
        + &hook(&workspace, "other", &answering(&json!("ok")), "enforcement = \"mandatory-overridable\"");
    workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_overridden"))).unwrap();
    for others in ["", "other", "guard-2, other"] {
        workspace.env("KRONY_HOOKS_OVERRIDE", others);
        for command in ["validate", "plan", "apply"] {
            let outcome = Outcome::of(&workspace, &[command]);
            assert!(
                outcome.error().detail.contains("set the environment variable KRONY_HOOKS_OVERRIDE=guard."),
                "{outcome:#?}"
            );
        }
    }
    assert_eq!(writes(&proxy), []);

    workspace.env("KRONY_HOOKS_OVERRIDE", "other, guard");
    for command in ["validate", "plan", "apply"] {
        let outcome = Outcome::of(&workspace, &[command]);
        assert_eq!(outcome.code, 0, "{outcome:#?}");
        let warnings = outcome.by_hook("guard");
        assert!(!warnings.is_empty(), "{outcome:#?}");
        for warning in warnings {
            assert_eq!((warning.severity.as_str(), warning.summary.as_str()), ("warning", "A bad schedule"));
            assert!(
                warning.detail.contains("It passes because KRONY_HOOKS_OVERRIDE names the hook."),
                "{warning:#?}"
            );
        }
    }
    assert!(written(&node, "hook_overridden").is_some());

    // A mandatory hook cannot be overridden.
    let hooks = hook(&workspace, "guard", &against_schedules(), "");
    workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_overridden"))).unwrap();
    let outcome = Outcome::of(&workspace, &["plan"]);
    assert!(!outcome.error().detail.contains("KRONY_HOOKS_OVERRIDE"), "{outcome:#?}");
    workspace.write("main.tf", &provider("")).unwrap();
    workspace.apply(&[]).unwrap();
    assert_eq!(written(&node, "hook_overridden"), None);
}

#[test]
fn a_hook_that_refuses_deletes_keeps_the_job_and_the_state() {
    let guard = answering_where("\"operation\":\"delete\"", &denial("Jobs stay"));
    for terraform in each_terraform() {
        let (node, proxy, workspace) = counted(&terraform);
        let write = |arguments: &str, jobs: &str| {
            let hooks = hook(&workspace, "keeper", &guard, arguments);
            workspace.write("main.tf", &(provider(&hooks) + jobs)).unwrap();
        };
        write("", &some_job("hook_kept"));
        apply(&workspace);
        proxy.reset_count();
        let refused = |arguments: &[&str]| {
            let outcome = Outcome::of(&workspace, arguments);
            let error = outcome.error();
            assert_eq!(error.summary, "Jobs stay");
            // Terraform has no line to show where the resource is gone.
            assert!(
                error.detail.ends_with("It is about the removal of the job \"hook_kept\"."),
                "{outcome:#?}"
            );
            assert_eq!(outcome.by_hook("keeper").len(), 1, "{outcome:#?}");
        };
        refused(&["plan", "-destroy"]);
        refused(&["destroy"]);
        // The resource is gone from the configuration.
        write("", "");
        refused(&["plan"]);
        refused(&["apply"]);
        // Replacing a job deletes it as well.
        write("", &some_job("hook_kept").replace("name = \"hook_kept\"", "name = \"hook_kept_no_more\""));
        refused(&["plan"]);
        refused(&["apply"]);
        // The last question, right before the job would go.
        write("stages = [\"apply\"]", &some_job("hook_kept"));
        Outcome::of(&workspace, &["plan", "-destroy"]).assert_silent();
        refused(&["destroy"]);
        assert_eq!(writes(&proxy), []);
        assert!(written(&node, "hook_kept").is_some());
        assert_eq!(workspace.state_list().unwrap(), ["krony_job.hook_kept"]);

        write("enforcement = \"advisory\"", "");
        let outcome = Outcome::of(&workspace, &["apply"]);
        assert_eq!(outcome.code, 0, "{outcome:#?}");
        assert!(!outcome.by_hook("keeper").is_empty(), "{outcome:#?}");
        assert_eq!(written(&node, "hook_kept"), None);
    }
}

/// Settings are JSON as text: no two hooks need the same.
#[test]
fn three_hooks_have_settings_of_three_shapes() {
    let (node, _proxy, workspace) = counted(&Terraform::on_path().unwrap());
    let shapes: [(&str, Value); 3] = [
        ("lists", json!({ "hosts": ["a", "b"], "nested": [{ "c": [1] }] })),
        ("numbers", json!({ "from": 22, "to": 6.5 })),
        ("texts", json!({ "word": "ä \"quoted\" ${}", "switch": true, "nothing": null })),
    ];
    let mut hooks = String::new();
    for (name, settings) in &shapes {
        // Objects to these exactly.
        let word = format!("\"settings\":{settings}");
        let module = answering_where(&word, &denial("These are my settings"));
        let text = settings.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${");
        hooks += &hook(&workspace, name, &module, &format!("settings = \"{text}\""));
    }
    workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_shapes"))).unwrap();
    for command in ["validate", "plan", "apply"] {
        let outcome = Outcome::of(&workspace, &[command]);
        assert_eq!(outcome.errors().len(), shapes.len(), "{outcome:#?}");
        for (name, _) in &shapes {
            assert_eq!(outcome.of_hook(name).summary, "These are my settings");
        }
    }
    assert_eq!(written(&node, "hook_shapes"), None);
}

/// What a hook is not meant for it is not asked about.
#[test]
fn a_hook_is_asked_about_what_it_applies_to() {
    let (_node, _proxy, workspace) = counted(&Terraform::on_path().unwrap());
    let denies = answering(&denial("No"));
    let of_tenant = some_job("hook_scope_b").replace("tags = {", "tenant = \"acme\"\n  tags = {");
    for (stage, command) in STAGES {
        let hooks = [
            ("by_glob", "name_glob = \"hook_scope_a*\""),
            ("by_full_name", "name_glob = \"acme--*\""),
            ("by_type", "resource_types = [\"krony_job\"]"),
            ("by_other_type", "resource_types = [\"krony_tenant\"]"),
            ("by_tenant", "tenants = [\"acme\", \"zeta\"]"),
        ]
        .map(|(name, scope)| {
            hook(&workspace, name, &denies, &format!("applies_to = {{ {scope} }}\n      {stage}"))
        })
        .concat();
        workspace.write("main.tf", &(provider(&hooks) + &some_job("hook_scope_a") + &of_tenant)).unwrap();
        let outcome = Outcome::of(&workspace, &[command]);
        let found = |name: &str| -> Vec<_> {
            let mut addresses: Vec<_> =
                outcome.by_hook(name).iter().map(|found| found.address.as_str()).collect();
            addresses.sort_unstable();
            addresses
        };
        assert_eq!(found("by_glob"), ["krony_job.hook_scope_a"], "{command}: {outcome:#?}");
        assert_eq!(found("by_full_name"), ["krony_job.hook_scope_b"], "{command}");
        assert_eq!(found("by_type"), ["krony_job.hook_scope_a", "krony_job.hook_scope_b"], "{command}");
        assert_eq!(found("by_other_type"), [""; 0], "{command}");
        assert_eq!(found("by_tenant"), ["krony_job.hook_scope_b"], "{command}");
    }
}
