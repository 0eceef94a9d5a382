//! Jobs of tenants: what they are called, how they are marked, and how they come and go.

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    apply, assert_plan_is_empty, each_terraform, errors, findings, job, stage, stored, workspace, written,
};

const SHELL: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }\n";

/// A job of a tenant as dkron has it.
fn marked(tenant: &str, name: &str) -> Value {
    stored(json!({
        "name": format!("{tenant}--{name}"), "schedule": "@manually", "tags": {"server": "true:1"},
        "metadata": {"krony.tenant": tenant, "krony.managed-by": "terraform"},
        "executor": "shell", "executor_config": {"command": "true"},
    }))
}

fn put(node: &Node, tenant: &str, name: &str, metadata: &Value) {
    let mut job = marked(tenant, name);
    job["metadata"] = metadata.clone();
    node.put_job(&job).unwrap();
}

fn provider(tenant: &str) -> String {
    format!("provider \"krony\" {{\n  tenant = {tenant}\n}}\n")
}

/// Addresses and actions of a plan that does something.
fn actions(workspace: &Workspace) -> Vec<(String, Value)> {
    let plan = workspace.plan_json(&[]).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap().iter();
    let changes =
        changes.map(|it| (it["address"].as_str().unwrap().to_owned(), it["change"]["actions"].clone()));
    changes.filter(|(_, actions)| *actions != json!(["no-op"])).collect()
}

fn a_family_lives_in_its_tenant(terraform: &Terraform, node: &Node) {
    let workspace = workspace(terraform, &node.url());
    let family = |tenant: &str, owner: &str| {
        let rest =
            format!("  tenant = \"{tenant}\"\n  owner = \"{owner}\"\n  metadata = {{ team = \"a\" }}\n");
        let child = "  parent_job = krony_job.family_p.name\n";
        job("family_p", &format!("{rest}{SHELL}")) + &job("family_c", &format!("{rest}{child}{SHELL}"))
    };
    workspace.write("main.tf", &family("acme", "x")).unwrap();
    apply(&workspace);
    let child = written(node, "acme--family_c").unwrap();
    assert_eq!(child["parent_job"], "acme--family_p");
    let metadata = json!({"team": "a", "krony.tenant": "acme", "krony.managed-by": "terraform"});
    assert_eq!(child["metadata"], metadata);
    let state = workspace.attributes("krony_job.family_c").unwrap().unwrap();
    assert_eq!(
        [&state["id"], &state["full_name"], &state["name"], &state["tenant"], &state["parent_job"]],
        ["acme--family_c", "acme--family_c", "family_c", "acme", "family_p"]
    );
    assert_eq!(state["metadata"], json!({"team": "a"}));

    workspace.write("main.tf", &family("acme", "y")).unwrap();
    apply(&workspace);
    assert_eq!(written(node, "acme--family_c").unwrap()["metadata"], metadata);

    workspace.write("main.tf", &family("team-42", "y")).unwrap();
    apply(&workspace);
    assert_eq!(written(node, "acme--family_c"), None);
    assert_eq!(written(node, "acme--family_p"), None);
    assert_eq!(written(node, "team-42--family_c").unwrap()["parent_job"], "team-42--family_p");
    workspace.destroy(&[]).unwrap();
    assert_eq!(written(node, "team-42--family_p"), None);
}

#[test]
fn a_family_lives_in_its_tenant_with_each_terraform() {
    let (node, _) = stage();
    for terraform in each_terraform() {
        a_family_lives_in_its_tenant(&terraform, &node);
    }
}

#[test]
fn the_provider_names_the_tenant_of_jobs_that_do_not() {
    let (node, mut workspace) = stage();
    let jobs = job("by_default", SHELL) + &job("by_itself", &format!("  tenant = \"own\"\n{SHELL}"));
    let both = |tenant: &str| provider(tenant) + &jobs;
    workspace.write("main.tf", &both("\"acme\"")).unwrap();
    apply(&workspace);
    assert_eq!(written(&node, "acme--by_default"), Some(marked("acme", "by_default")));
    assert_eq!(written(&node, "own--by_itself"), Some(marked("own", "by_itself")));

    // The setting moves to the environment: nothing changes. Another tenant is another job.
    workspace.write("main.tf", &jobs).unwrap();
    workspace.env("KRONY_TENANT", "acme");
    assert_plan_is_empty(&workspace);
    let replaced = [("krony_job.by_default".to_owned(), json!(["delete", "create"]))];
    workspace.write("main.tf", &both("\"other\"")).unwrap();
    assert_eq!(actions(&workspace), replaced);
    workspace.env("KRONY_TENANT", "");
    workspace.write("main.tf", &jobs).unwrap();
    assert_eq!(actions(&workspace), replaced, "no tenant is another one, too");
    apply(&workspace);
    assert_eq!(written(&node, "acme--by_default"), None);
    assert_eq!(written(&node, "by_default").unwrap()["metadata"], Value::Null);
    workspace.destroy(&[]).unwrap();
}

#[test]
fn a_tenant_that_is_not_known_yet_is_planned() {
    let (node, workspace) = stage();
    let later = "resource \"terraform_data\" \"tenant\" {\n  input = \"later\"\n}\n";
    let jobs = provider("terraform_data.tenant.output") + later + &job("by_surprise", SHELL);
    workspace.write("main.tf", &jobs).unwrap();
    let plan = workspace.plan_json(&[]).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    let planned = changes.iter().find(|change| change["address"] == "krony_job.by_surprise").unwrap();
    let unknown = &planned["change"]["after_unknown"];
    assert_eq!([&unknown["tenant"], &unknown["full_name"]], [true, true], "{planned}");
    apply(&workspace);
    assert!(written(&node, "later--by_surprise").is_some());
    workspace.destroy(&[]).unwrap();
}

#[test]
fn a_mark_that_was_lost_comes_back_with_the_next_change() {
    let (node, workspace) = stage();
    let mine = |rest: &str| job("unmarked", &format!("  tenant = \"acme\"\n{rest}{SHELL}"));
    workspace.write("main.tf", &mine("")).unwrap();
    apply(&workspace);
    for spoilt in [json!(null), json!({"krony.tenant": "other", "krony.note": "kept"})] {
        put(&node, "acme", "unmarked", &spoilt);
        workspace.write("main.tf", &mine("")).unwrap();
        assert_plan_is_empty(&workspace);
        workspace.write("main.tf", &mine("  owner = \"me\"\n")).unwrap();
        apply(&workspace);
        let metadata = &written(&node, "acme--unmarked").unwrap()["metadata"];
        assert_eq!(
            [&metadata["krony.tenant"], &metadata["krony.managed-by"], &metadata["krony.note"]],
            [&json!("acme"), &json!("terraform"), &spoilt["krony.note"]]
        );
    }
    workspace.destroy(&[]).unwrap();
}

#[test]
fn jobs_of_tenants_are_imported_by_either_name() {
    let (node, workspace) = stage();
    let mine = job("imported_t", &format!("  tenant = \"acme\"\n{SHELL}"));
    workspace.write("main.tf", &mine).unwrap();
    let marks = json!({"krony.tenant": "acme", "krony.managed-by": "terraform"});
    for (metadata, id, warned) in [
        (&marks, "acme--imported_t", false),
        (&marks, "acme/imported_t", false),
        (&json!(null), "acme/imported_t", true),
    ] {
        put(&node, "acme", "imported_t", metadata);
        let import = workspace.import("krony_job.imported_t", id).unwrap();
        assert_eq!(import.stdout.contains("not marked as its tenant's"), warned, "{}", import.text());
        assert_plan_is_empty(&workspace);
        workspace.expect(&["state", "rm", "krony_job.imported_t"]).unwrap();
    }
    // Without the mark a full name proves nothing: it may be a plain name.
    workspace.import("krony_job.imported_t", "acme--imported_t").unwrap();
    assert_eq!(workspace.attributes("krony_job.imported_t").unwrap().unwrap()["tenant"], Value::Null);
    workspace.expect(&["state", "rm", "krony_job.imported_t"]).unwrap();

    let exists = errors(&workspace, &["apply"]);
    assert!(exists[0].detail.contains("id = \"acme/imported_t\""), "{exists:?}");
    node.delete_job("acme--imported_t").unwrap();
}

#[test]
fn names_that_no_tenant_can_have_are_refused() {
    let (_node, mut workspace) = stage();
    let named = |tenant: &str, name: &str, rest: &str| {
        format!(
            "resource \"krony_job\" \"a\" {{\n  tenant = {tenant}\n  name = \"{name}\"\n{rest}{SHELL}}}\n"
        )
    };
    for (config, summary, line) in [
        (named("\"krony\"", "x", ""), "Invalid tenant name", "tenant = \"krony\""),
        (named("\"a--b\"", "x", ""), "Invalid tenant name", "tenant = \"a--b\""),
        (named("\"\"", "x", ""), "Invalid tenant name", "tenant = \"\""),
        (named("\"acme\"", "-x", ""), "Invalid job name", "name = \"-x\""),
        (named("\"acme\"", "krony--x", ""), "Invalid job name", "name = \"krony--x\""),
        (named("\"acme\"", "x", "  parent_job = \"-p\"\n"), "Invalid job name", "parent_job = \"-p\""),
        (named("\"acme\"", "x", "  parent_job = \"/p\"\n"), "Invalid job name", "parent_job = \"/p\""),
    ] {
        workspace.write("main.tf", &config).unwrap();
        let found = errors(&workspace, &["plan"]);
        assert_eq!((found.len(), found[0].summary.as_str()), (1, summary), "{found:?}");
        assert_eq!(found[0].code.trim(), line);
    }
    workspace.write("main.tf", &named("null", "x", "")).unwrap();
    workspace.env("KRONY_TENANT", "Acme");
    let found = errors(&workspace, &["plan"]);
    assert!(found[0].detail.starts_with("The environment variable KRONY_TENANT is in use."), "{found:?}");
}

/// A parent from outside of the tenant is a difference, though it has the same name there.
#[test]
fn a_parent_of_another_tenant_shows() {
    let (node, workspace) = stage();
    for tenant in ["acme", "other"] {
        put(&node, tenant, "stray_p", &json!({"krony.tenant": tenant}));
    }
    let child = job("stray_c", &format!("  tenant = \"acme\"\n  parent_job = \"stray_p\"\n{SHELL}"));
    workspace.write("main.tf", &child).unwrap();
    apply(&workspace);
    let mut job = written(&node, "acme--stray_c").unwrap();
    job["parent_job"] = json!("other--stray_p");
    node.put_job(&job).unwrap();
    let plan = workspace.run(&["plan", "-json"]).unwrap();
    assert!(findings(&plan).iter().all(|finding| finding.severity != "error"), "{}", plan.text());
    assert_eq!(actions(&workspace), [("krony_job.stray_c".to_owned(), json!(["update"]))]);
    apply(&workspace);
    assert_eq!(written(&node, "acme--stray_c").unwrap()["parent_job"], "acme--stray_p");
    workspace.destroy(&[]).unwrap();
    for tenant in ["acme", "other"] {
        node.delete_job(&format!("{tenant}--stray_p")).unwrap();
    }
}
