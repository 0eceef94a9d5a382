//! Random valid configurations, made from the schema: what they say is what dkron has, and nothing is left to do.

mod coverage;
mod expected;
mod generator;

use std::collections::BTreeSet;
use std::{env, iter};

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::terraform::{Terraform, Workspace};

use self::coverage::Coverage;
use self::expected::{expected, full_name};
use self::generator::{Generator, PARENTS};
use crate::support::{assert_plan_is_empty, each_terraform, shared_node, workspace, written};

/// Terraform takes longer to start than to apply a job.
const JOBS_OF_A_ROOT: usize = 100;
/// One whose first two roots show every attribute in every way; `KRONY_SEED` names another one.
const SEED: u64 = 4_002;

#[test]
fn random_jobs_become_what_they_say() {
    let seed = env::var("KRONY_SEED").map_or(SEED, |seed| seed.parse().expect("KRONY_SEED is a number"));
    let roots = if env::var_os("KRONY_SOAK").is_some() { 50 } else { 2 };
    let node = shared_node();
    let mut coverage = Coverage::default();
    for (root, terraform) in iter::zip(0..roots, each_terraform().iter().cycle()) {
        eprintln!("root {root} of {roots} is the first of KRONY_SEED={}", seed + root);
        let mut generator = Generator::new(seed + root);
        let first = generator.jobs(JOBS_OF_A_ROOT);
        let second = generator.changed(&first);
        for (first, second) in iter::zip(&first, &second) {
            coverage.observe(first, second);
        }
        apply_both(&node, terraform, &first, &second);
    }
    assert_eq!(coverage.missing(), Vec::<String>::new(), "not seen in {roots} roots");
}

/// Jobs as dkron has them when they come of random configurations; parents go before their children.
pub(crate) fn varied_jobs(seed: u64, count: usize) -> Vec<Value> {
    Generator::new(seed).jobs(count).iter().map(expected).collect()
}

fn apply_both(node: &Node, terraform: &Terraform, first: &[Value], second: &[Value]) {
    let workspace = workspace(terraform, &node.url());
    apply(&workspace, node, first);
    apply(&workspace, node, second);
    let (before, after) = (names(first), names(second));
    for name in before.difference(&after) {
        assert_eq!(written(node, name), None, "a job got another name, and this one stayed");
    }
    workspace.destroy(&[]).unwrap();
    for name in after {
        assert_eq!(written(node, &name), None, "all jobs were destroyed, and this one stayed");
    }
}

fn names(jobs: &[Value]) -> BTreeSet<String> {
    jobs.iter().map(full_name).collect()
}

fn apply(workspace: &Workspace, node: &Node, jobs: &[Value]) {
    workspace.write("main.tf.json", &format!("{:#}", root(jobs))).unwrap();
    workspace.apply(&[]).unwrap();
    assert_plan_is_empty(workspace);
    for job in jobs {
        let found = written(node, &full_name(job));
        assert_eq!(found, Some(expected(job)), "of this configuration:\n{job:#}");
    }
}

/// A root with these jobs. Parents are named by reference, so that Terraform knows what comes first.
fn root(jobs: &[Value]) -> Value {
    let names: Vec<&Value> = jobs.iter().map(|job| &job["name"]).collect();
    let resource = |(number, job): (usize, &Value)| {
        let mut resource = literal(job);
        if let Some(parent) = names.iter().position(|name| **name == job["parent_job"]) {
            resource["parent_job"] = json!(format!("${{krony_job.j{parent}.name}}"));
        }
        if number < PARENTS {
            resource["lifecycle"] = json!({"create_before_destroy": true});
        }
        (format!("j{number}"), resource)
    };
    let resources: serde_json::Map<String, Value> = jobs.iter().enumerate().map(resource).collect();
    json!({"resource": {"krony_job": resources}})
}

/// The value with its text escaped: all text is a template to Terraform.
fn literal(value: &Value) -> Value {
    let escape = |text: &str| text.replace("${", "$${").replace("%{", "%%{");
    match value {
        Value::String(text) => escape(text).into(),
        Value::Array(items) => items.iter().map(literal).collect(),
        Value::Object(parts) => parts.iter().map(|(name, part)| (escape(name), literal(part))).collect(),
        other => other.clone(),
    }
}
