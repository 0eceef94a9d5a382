//! `terraform query`: the list of jobs, and configuration generated from it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    assert_plan_is_empty, example, findings, merge, names_in_state, shared_node, workspace, written,
};

/// Several jobs of the set, each with something that configuration must say.
fn jobs(set: &str) -> Vec<Value> {
    let job = |name: &str, rest: Value| {
        let mut job = json!({
            "name": name, "schedule": "@manually", "metadata": {"set": set}, "tags": {"server": "true:1"},
        });
        if rest.get("executor").is_none() {
            merge(&mut job, json!({"executor": "shell", "executor_config": {"command": "true"}}));
        }
        merge(&mut job, rest);
        job
    };
    let marked = |tenant: &str| json!({"krony.tenant": tenant, "krony.managed-by": "terraform"});
    vec![
        job(&format!("{set}_a"), json!({"displayname": "First", "retries": 2, "concurrency": "forbid"})),
        job(
            &format!("{set}_b"),
            json!({"disabled": true, "timezone": "Europe/Berlin", "schedule": "0 0 4 * * *"}),
        ),
        job(
            &format!("{set}_c"),
            json!({
                "executor": "http",
                "executor_config": {"method": "POST", "url": "http://127.0.0.1:9/", "expectCode": "200"},
            }),
        ),
        job(&format!("{set}_d"), json!({"parent_job": format!("{set}_a"), "schedule": ""})),
        job(&format!("{set}_e"), json!({"executor": "unheard-of", "executor_config": {"key": "value"}})),
        job(
            &format!("acme--{set}_f"),
            json!({"metadata": marked("acme"), "processors": {"log": {"forward": "true"}}}),
        ),
        job(&format!("krony--{set}_g"), json!({"disabled": true})),
    ]
}

fn query(workspace: &Workspace, list: &str) -> Vec<Value> {
    workspace.write("all.tfquery.hcl", list).unwrap();
    let finished = workspace.expect(&["query", "-json"]).unwrap();
    let lines = finished.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line.get("list_resource_found").cloned()).collect()
}

fn list(rest: &str, config: &str) -> String {
    format!("list \"krony_job\" \"all\" {{\n  provider = krony\n{rest}\n  config {{\n{config}\n  }}\n}}\n")
}

#[test]
fn jobs_are_listed_and_filtered() {
    let node = shared_node();
    let mut workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    for job in jobs("listed") {
        node.put_job(&job).unwrap();
    }
    let set = "    metadata = { set = \"listed\" }\n";
    let names = |workspace: &Workspace, rest: &str, filter: &str| -> Vec<String> {
        let found = query(workspace, &list(rest, &format!("{set}{filter}")));
        found.iter().map(|job| job["identity"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let found = query(&workspace, &list("", set));
    let [f, a, b, c, d, e] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(f["identity"], json!({"name": "listed_f", "tenant": "acme"}));
    assert_eq!(a["identity"], json!({"name": "listed_a", "tenant": null}));
    let called: Vec<_> = [f, a, b, c, d, e].map(|job| job["display_name"].as_str().unwrap()).into();
    assert_eq!(called, ["acme--listed_f", "First", "listed_b", "listed_c", "listed_d", "listed_e"]);
    assert!(a.get("resource_object").is_none_or(Value::is_null), "{a}");

    assert_eq!(names(&workspace, "", "    disabled = true"), ["listed_b"]);
    assert_eq!(names(&workspace, "", "    name_contains = \"_c\""), ["listed_c"]);
    assert_eq!(names(&workspace, "", "    tenant = \"acme\""), ["listed_f"]);
    assert_eq!(names(&workspace, "", "    status = \"failed\""), [""; 0]);
    assert_eq!(names(&workspace, "  limit = 2", "").len(), 2);

    let with_object =
        query(&workspace, &list("  include_resource = true", &format!("{set}    disabled = true")));
    let object = &with_object[0]["resource_object"];
    assert_eq!(
        [&object["id"], &object["timezone"], &object["shell"]["command"]],
        [&json!("listed_b"), &json!("Europe/Berlin"), &json!("true")]
    );
    workspace.env("KRONY_TENANT", "acme");
    assert_eq!(names(&workspace, "", ""), ["listed_f"]);

    workspace.write("all.tfquery.hcl", &list("", "    status = \"ok\"")).unwrap();
    let wrong = workspace.run(&["query", "-json"]).unwrap();
    assert_eq!(wrong.code, 1, "{}", wrong.text());
    let told = findings(&wrong);
    assert!(told.iter().any(|finding| finding.detail.contains("\"untriggered\"")), "{told:#?}");
    remove(&node, "listed");
}

fn remove(node: &xtask::dkron::Node, set: &str) {
    for job in jobs(set).iter().rev() {
        node.delete_job(job["name"].as_str().unwrap()).unwrap();
    }
}

#[test]
fn generated_configuration_is_what_dkron_has() {
    let node = shared_node();
    let workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    for job in jobs("generated") {
        node.put_job(&job).unwrap();
    }
    let before: Vec<_> =
        jobs("generated").iter().map(|job| written(&node, job["name"].as_str().unwrap())).collect();
    let config = list("  include_resource = true", "    metadata = { set = \"generated\" }");
    workspace.write("all.tfquery.hcl", &config).unwrap();
    workspace.expect(&["query", "-no-color", "-generate-config-out=generated.tf"]).unwrap();
    workspace.remove("all.tfquery.hcl").unwrap();
    let generated = workspace.read("generated.tf").unwrap();

    let applied = workspace.apply(&[]).unwrap();
    assert!(
        applied.stdout.contains("6 imported, 0 added, 0 changed, 0 destroyed"),
        "{}\n{generated}",
        applied.stdout
    );
    assert_plan_is_empty(&workspace);
    let names: BTreeSet<_> =
        ["a", "b", "c", "d", "e", "f"].map(|letter| format!("generated_{letter}")).into();
    assert_eq!(names_in_state(&workspace), names);
    let after: Vec<_> =
        jobs("generated").iter().map(|job| written(&node, job["name"].as_str().unwrap())).collect();
    assert_eq!(before, after, "nothing was written");
    remove(&node, "generated");
}

/// Terraform writes no sensitive values into configuration: the plan shows what is missing there.
#[test]
fn secrets_are_not_generated() {
    let node = shared_node();
    let workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    node.put_job(&json!({
        "name": "generated_secret", "schedule": "@manually", "tags": {"server": "true:1"}, "executor": "shell",
        "executor_config": {"command": "true", "env": "TOKEN=hunter2"},
    }))
    .unwrap();
    let config = list("  include_resource = true", "    name_contains = \"generated_secret\"");
    workspace.write("all.tfquery.hcl", &config).unwrap();
    workspace.expect(&["query", "-no-color", "-generate-config-out=generated.tf"]).unwrap();
    workspace.remove("all.tfquery.hcl").unwrap();
    let generated = workspace.read("generated.tf").unwrap();
    assert!(!generated.contains("hunter2"), "{generated}");
    let plan = workspace.run(&["plan", "-no-color", "-detailed-exitcode"]).unwrap();
    assert!(plan.code == 2 && plan.stdout.contains("- env "), "{}", plan.text());
    node.delete_job("generated_secret").unwrap();
}

#[test]
fn the_example_of_the_documentation_works() {
    let node = shared_node();
    let workspace = workspace(&Terraform::newest().unwrap(), &node.url());
    node.put_job(
        &json!({"name": "query_example", "schedule": "@manually", "metadata": {"team": "platform"}}),
    )
    .unwrap();
    let found = query(&workspace, &example("list-resources/krony_job/list-resource.tfquery.hcl"));
    assert!(found.iter().any(|job| job["identity"]["name"] == "query_example"), "{found:#?}");
    node.delete_job("query_example").unwrap();
}
