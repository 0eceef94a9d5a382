//! Parents and children: dkron keeps each link on both sides, and only the parent's makes the child run.

use std::time::Duration;

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::process::wait_for;
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

use crate::support::{apply, assert_plan_is_empty, errors, findings, job, merge, stage, workspace, written};

const LIMIT: Duration = Duration::from_secs(60);

/// What the jobs do, and what makes those without a parent run.
const COMMAND: &str = "  shell = { command = \"true\" }";
const ALONE: &str = "  shell = { command = \"true\" }\n  schedule = \"@manually\"";

/// A child that names its parent as text, of which Terraform learns no order.
fn child(name: &str, parent: &str) -> String {
    job(name, &format!("{COMMAND}\n  parent_job = \"{parent}\""))
}

/// A child that refers to its parent.
fn referring_child(name: &str, parent: &str) -> String {
    job(name, &format!("{COMMAND}\n  parent_job = krony_job.{parent}.name"))
}

/// The jobs that this one lists as its dependents, in order.
fn dependents(node: &Node, name: &str) -> Vec<String> {
    let job = node.job(name).unwrap().unwrap();
    let listed = job["dependent_jobs"].as_array().into_iter().flatten();
    let mut names: Vec<_> = listed.map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Writes into a job behind Terraform's back.
fn meddle(node: &Node, name: &str, fields: Value) {
    let mut job = node.job(name).unwrap().unwrap();
    merge(&mut job, fields);
    node.put_job(&job).unwrap();
}

/// Deletes a parent in spite of its children.
fn delete_parent(node: &Node, name: &str) {
    meddle(node, name, json!({"dependent_jobs": []}));
    node.delete_job(name).unwrap();
}

/// The actions of a plan by the label of the resource, without those that do nothing.
fn planned(workspace: &Workspace) -> Vec<(String, Value)> {
    let plan = workspace.plan_json(&[]).unwrap();
    let changes = plan["resource_changes"].as_array().into_iter().flatten();
    let actions = changes
        .map(|change| (change["name"].as_str().unwrap().to_owned(), change["change"]["actions"].clone()));
    actions.filter(|(_, actions)| *actions != json!(["no-op"])).collect()
}

#[test]
fn a_family_is_destroyed_in_any_order() {
    let (node, workspace) = stage();
    // Families of four, and a chain of five, each written after its parent is there.
    let mut names = Vec::new();
    for generation in 0..5 {
        let mut jobs = String::new();
        let mut add = |name: String, parent: Option<String>| {
            jobs += &parent.map_or_else(|| job(&name, ALONE), |parent| child(&name, &parent));
            names.push(name);
        };
        let above = (generation > 0).then(|| format!("any_chain_{}", generation - 1));
        add(format!("any_chain_{generation}"), above);
        for family in 0..3 {
            match generation {
                0 => add(format!("any_{family}"), None),
                1 => (0..3)
                    .for_each(|index| add(format!("any_{family}_{index}"), Some(format!("any_{family}")))),
                _ => {}
            }
        }
        workspace.write(&format!("{generation}.tf"), &jobs).unwrap();
        apply(&workspace);
    }
    assert_eq!(dependents(&node, "any_chain_0"), ["any_chain_1"]);
    workspace.destroy(&[]).unwrap();
    for name in names {
        assert_eq!(written(&node, &name), None, "{name} is still there");
    }
}

#[test]
fn a_parent_that_runs_can_be_renamed() {
    let (node, workspace) = stage();
    let names = ["rename_a", "rename_b", "rename_c"];
    for name in ["rename_1", "rename_2", "rename_1"] {
        let rest = format!(
            "{COMMAND}\n  schedule = \"@every 1s\"\n  lifecycle {{\n    create_before_destroy = true\n  }}"
        );
        let parent =
            job(name, &rest).replacen(&format!("\"krony_job\" \"{name}\""), "\"krony_job\" \"parent\"", 1);
        let children = names.map(|name| referring_child(name, "parent")).concat();
        let grandchild = referring_child("rename_grandchild", "rename_a");
        workspace.write("main.tf", &(parent + &children + &grandchild)).unwrap();
        apply(&workspace);
        assert_eq!(dependents(&node, name), names);
        assert_eq!(dependents(&node, "rename_a"), ["rename_grandchild"]);
    }
    assert_eq!(written(&node, "rename_2"), None);
    workspace.destroy(&[]).unwrap();
    assert_eq!(written(&node, "rename_1"), None);
}

#[test]
fn a_child_moves_and_becomes_independent() {
    let (node, workspace) = stage();
    let parents = job("moving_from", ALONE) + &job("moving_to", ALONE);
    let none: [&str; 0] = [];
    for parent in [Some("moving_from"), Some("moving_to"), None, Some("moving_from")] {
        let child = parent.map_or_else(|| job("moving", ALONE), |parent| referring_child("moving", parent));
        workspace.write("main.tf", &format!("{parents}{child}")).unwrap();
        apply(&workspace);
        for candidate in ["moving_from", "moving_to"] {
            let expected = if parent == Some(candidate) { ["moving"].as_slice() } else { none.as_slice() };
            assert_eq!(dependents(&node, candidate), expected, "{parent:?}");
        }
    }
    workspace.destroy(&[]).unwrap();
}

#[test]
fn a_lost_link_shows_in_the_plan_and_is_restored() {
    let (node, workspace) = stage();
    let config = job("lost_parent", ALONE)
        + &referring_child("lost_a", "lost_parent")
        + &child("lost_b", "lost_parent");
    workspace.write("parent.tf", &job("lost_parent", ALONE)).unwrap();
    apply(&workspace);
    workspace.write("parent.tf", &config).unwrap();
    apply(&workspace);
    let before = ["lost_parent", "lost_a", "lost_b"].map(|name| written(&node, name).unwrap());

    meddle(&node, "lost_parent", json!({"dependent_jobs": ["lost_b"]}));
    let finished = workspace.run(&["plan", "-json"]).unwrap();
    let mut warnings = findings(&finished);
    warnings.retain(|warning| !warning.address.is_empty());
    let [warning] = warnings.as_slice() else { panic!("{warnings:#?}") };
    assert_eq!(
        (warning.summary.as_str(), warning.address.as_str()),
        ("The job has lost its parent", "krony_job.lost_a")
    );
    assert_eq!(planned(&workspace), [("lost_a".to_owned(), json!(["update"]))]);
    apply(&workspace);
    assert_eq!(dependents(&node, "lost_parent"), ["lost_a", "lost_b"]);

    meddle(&node, "lost_parent", json!({"dependent_jobs": []}));
    let both = ["lost_a", "lost_b"].map(|name| (name.to_owned(), json!(["update"])));
    assert_eq!(planned(&workspace), both);
    apply(&workspace);
    assert_eq!(dependents(&node, "lost_parent"), ["lost_a", "lost_b"]);
    assert_eq!(["lost_parent", "lost_a", "lost_b"].map(|name| written(&node, name).unwrap()), before);
    workspace.destroy(&[]).unwrap();
}

#[test]
fn a_parent_that_was_deleted_comes_back_with_its_children() {
    let (node, workspace) = stage();
    let parent = job("deleted_parent", ALONE);
    let children =
        referring_child("deleted_a", "deleted_parent") + &referring_child("deleted_b", "deleted_parent");
    workspace.write("main.tf", &(parent + &children)).unwrap();
    apply(&workspace);
    delete_parent(&node, "deleted_parent");
    let expected = [("deleted_a", "update"), ("deleted_b", "update"), ("deleted_parent", "create")];
    assert_eq!(planned(&workspace), expected.map(|(name, action)| (name.to_owned(), json!([action]))));
    apply(&workspace);
    assert_eq!(dependents(&node, "deleted_parent"), ["deleted_a", "deleted_b"]);

    // An orphan that stays one cannot be repaired, and can be destroyed.
    delete_parent(&node, "deleted_parent");
    workspace.write("main.tf", &child("deleted_a", "deleted_parent")).unwrap();
    let errors = errors(&workspace, &["apply"]);
    let [error] = errors.as_slice() else { panic!("{errors:#?}") };
    assert!(error.code.contains("parent_job") && error.detail.contains("does not exist"), "{error:#?}");
    workspace.destroy(&[]).unwrap();
    assert_eq!(["deleted_a", "deleted_b"].map(|name| written(&node, name)), [None, None]);
}

/// dkron stores the change of an orphan, answers 404, and does not schedule the job.
#[test]
fn an_orphan_that_becomes_independent_runs() {
    let (node, workspace) = stage();
    workspace
        .write("main.tf", &(job("orphan_parent", ALONE) + &referring_child("orphan", "orphan_parent")))
        .unwrap();
    apply(&workspace);
    delete_parent(&node, "orphan_parent");
    workspace.write("main.tf", &job("orphan", &format!("{COMMAND}\n  schedule = \"@every 1s\""))).unwrap();
    apply(&workspace);
    wait_for("the job to run", LIMIT, || {
        Ok(node.job("orphan")?.filter(|job| job["success_count"].as_u64() > Some(0)))
    })
    .unwrap();
    workspace.destroy(&[]).unwrap();
}

#[test]
fn names_that_are_no_children_do_not_keep_a_parent() {
    let (node, workspace) = stage();
    workspace
        .write("main.tf", &(job("haunted", ALONE) + &referring_child("haunted_child", "haunted")))
        .unwrap();
    apply(&workspace);
    node.put_job(&json!({"name": "haunted_other", "schedule": "@manually", "tags": {}})).unwrap();
    let listed = ["haunted_ghost", "haunted_child", "haunted_child", "haunted_other", "No Name!/.."];
    meddle(&node, "haunted", json!({"dependent_jobs": listed}));
    workspace.destroy(&[]).unwrap();
    assert_eq!(["haunted", "haunted_child"].map(|name| written(&node, name)), [None, None]);
    node.delete_job("haunted_other").unwrap();
}

#[test]
fn children_of_others_are_named_however_short_the_time() {
    let (node, workspace) = stage();
    workspace
        .write("main.tf", &job("kept", &format!("{ALONE}\n  timeouts = {{ delete = \"3s\" }}")))
        .unwrap();
    apply(&workspace);
    let foreign = json!({"name": "kept_by_others", "parent_job": "kept", "executor": "shell"});
    node.put_job(&foreign).unwrap();
    let errors = errors(&workspace, &["destroy"]);
    let [error] = errors.as_slice() else { panic!("{errors:#?}") };
    assert_eq!(error.summary, "Job \"kept\" was not deleted");
    assert!(error.detail.contains("depend on it: kept_by_others;"), "{error:#?}");
    assert_plan_is_empty(&workspace);
    assert_eq!(dependents(&node, "kept"), ["kept_by_others"]);

    node.delete_job("kept_by_others").unwrap();
    workspace.destroy(&[]).unwrap();
    assert_eq!(written(&node, "kept"), None);
}

#[test]
fn a_job_that_would_run_after_itself_is_refused() {
    let (node, workspace) = stage();
    let ring = child("ring_a", "ring_b") + &child("ring_b", "ring_c") + &child("ring_c", "ring_a");
    workspace.write("main.tf", &ring).unwrap();
    for error in errors(&workspace, &["plan"]) {
        assert_eq!(error.summary, "Jobs run after each other in a circle");
        assert!(error.code.contains("parent_job ="), "{error:#?}");
        let rings = [
            "ring_a -> ring_b -> ring_c -> ring_a",
            "ring_b -> ring_c -> ring_a -> ring_b",
            "ring_c -> ring_a -> ring_b -> ring_c",
        ];
        assert!(rings.iter().any(|ring| error.detail.contains(ring)), "{error:#?}");
    }

    // With a job of somebody else's in it, only the server knows.
    workspace.write("main.tf", &job("ring_a", ALONE)).unwrap();
    apply(&workspace);
    node.put_job(&json!({"name": "ring_b", "parent_job": "ring_a"})).unwrap();
    workspace.write("main.tf", &child("ring_a", "ring_b")).unwrap();
    let errors = errors(&workspace, &["apply"]);
    let [error] = errors.as_slice() else { panic!("{errors:#?}") };
    assert!(
        error.code.contains("parent_job =") && error.detail.contains("ring_a -> ring_b -> ring_a"),
        "{error:#?}"
    );
    assert_eq!(written(&node, "ring_a").unwrap()["parent_job"], "");

    // Two that change places are no circle.
    node.delete_job("ring_b").unwrap();
    workspace.write("main.tf", &(job("ring_a", ALONE) + &referring_child("ring_b", "ring_a"))).unwrap();
    apply(&workspace);
    workspace.write("main.tf", &(job("ring_b", ALONE) + &referring_child("ring_a", "ring_b"))).unwrap();
    apply(&workspace);
    assert_eq!(dependents(&node, "ring_b"), ["ring_a"]);
    workspace.destroy(&[]).unwrap();
}

/// Parents are updated while their children are created: whoever writes the parent sends its list of dependents.
#[test]
fn no_link_is_lost_when_parents_and_children_are_written_at_once() {
    let families = if std::env::var_os("KRONY_SOAK").is_some() { 50 } else { 12 };
    let node = Node::start().unwrap();
    let workspace = workspace(&Terraform::on_path().unwrap(), &node.url());
    let parents = |owner: &str| {
        format!(
            "resource \"krony_job\" \"parent\" {{\n  count = {families}\n  name = \"family_${{count.index}}\"\n  tags = {{}}\n  \
             owner = \"{owner}\"\n{ALONE}\n}}\n"
        )
    };
    let children = |per_family: usize| {
        format!(
            "resource \"krony_job\" \"child\" {{\n  count = {}\n  name = \"family_${{count.index % {families}}}_${{count.index}}\"\n  \
             tags = {{}}\n  parent_job = \"family_${{count.index % {families}}}\"\n{COMMAND}\n}}\n",
            families * per_family
        )
    };
    workspace.write("parents.tf", &parents("nobody")).unwrap();
    apply(&workspace);
    for round in 1..=2 {
        workspace.write("parents.tf", &parents(&format!("round {round}"))).unwrap();
        workspace.write("children.tf", &children(2 * round)).unwrap();
        workspace.apply(&["-parallelism=16"]).unwrap();
        assert_plan_is_empty(&workspace);
        for family in 0..families {
            let name = format!("family_{family}");
            let members = (0..2 * round).map(|index| format!("{name}_{}", family + index * families));
            let mut members: Vec<_> = members.collect();
            members.sort();
            assert_eq!(dependents(&node, &name), members);
        }
    }
    // Parents that wait for their children take Terraform's places: with so many, children have to go first.
    workspace.remove("children.tf").unwrap();
    workspace.apply(&["-parallelism=16"]).unwrap();
    workspace.destroy(&["-parallelism=16"]).unwrap();
    assert_eq!(node.job_names().unwrap(), Vec::<String>::new());
}

/// Terraform reads a parent before the children that refer to it. One that is not read anyway is read once.
#[test]
fn links_cost_no_request_for_each_job() {
    let (node, mut workspace) = stage();
    let proxy = Proxy::start(&node.url()).unwrap();
    workspace.env("KRONY_ENDPOINT", proxy.url());
    let children = |parent: &str| {
        format!(
            "resource \"krony_job\" \"child\" {{\n  count = 10\n  name = \"counted_child_${{count.index}}\"\n  tags = {{}}\n  \
             parent_job = {parent}\n{COMMAND}\n}}\n"
        )
    };
    workspace.write("parent.tf", &job("counted_parent", ALONE)).unwrap();
    workspace.write("children.tf", &children("krony_job.counted_parent.name")).unwrap();
    apply(&workspace);
    proxy.reset_count();
    assert_plan_is_empty(&workspace);
    assert_eq!(proxy.count("GET", "/v1/jobs/counted_*"), 11, "{:#?}", proxy.counts());

    workspace.run(&["state", "rm", "krony_job.counted_parent"]).unwrap();
    workspace.remove("parent.tf").unwrap();
    workspace.write("children.tf", &children("\"counted_parent\"")).unwrap();
    proxy.reset_count();
    workspace.plan(&["-parallelism=1"]).unwrap();
    assert_eq!(proxy.count("GET", "/v1/jobs/counted_*"), 11, "{:#?}", proxy.counts());
    workspace.destroy(&[]).unwrap();
    node.delete_job("counted_parent").unwrap();
}
