//! What the tests share: a node, a workspace, and comparisons that show what differs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use provider::job::Job;
use serde_json::{Map, Value, json};
use tfplugin::model::Model;
use tfplugin::schema::{Attribute, Field, Kind, Nesting};
use xtask::dkron::Node;
use xtask::process::{Finished, Running};
use xtask::provider::{Profile, provider_folder};
use xtask::terraform::{Terraform, Workspace};

/// The node of all tests that do nothing to it: they keep apart by the names of their jobs.
///
/// It ends with the last test that holds it, for nothing ends what a static holds.
pub(crate) fn shared_node() -> Arc<Node> {
    static NODE: Mutex<Weak<Node>> = Mutex::new(Weak::new());
    let mut shared = NODE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(node) = shared.upgrade() {
        return node;
    }
    let node = Arc::new(Node::start().unwrap());
    *shared = Arc::downgrade(&node);
    node
}

/// The Terraforms that everything is tried with: the user's own and the newest.
pub(crate) fn each_terraform() -> [Terraform; 2] {
    [Terraform::on_path().unwrap(), Terraform::newest().unwrap()]
}

/// The folder with the provider of this tree.
pub(crate) fn built_provider() -> &'static Path {
    static PROVIDER: LazyLock<PathBuf> = LazyLock::new(|| provider_folder(Profile::Debug).unwrap());
    &PROVIDER
}

/// A workspace with the provider of this tree, which finds dkron at `endpoint` by its environment. The configuration
/// is yours to write; it needs no `provider` block.
pub(crate) fn workspace(terraform: &Terraform, endpoint: &str) -> Workspace {
    let mut workspace = Workspace::with_provider(terraform, built_provider()).unwrap();
    workspace.env("KRONY_ENDPOINT", endpoint);
    let versions =
        "terraform {\n  required_providers {\n    krony = { source = \"krony-cloud/krony\" }\n  }\n}\n";
    workspace.write("versions.tf", versions).unwrap();
    workspace
}

/// A workspace of the user's own Terraform and the shared node.
pub(crate) fn stage() -> (Arc<Node>, Workspace) {
    let node = shared_node();
    let workspace = workspace(&Terraform::on_path().unwrap(), &node.url());
    (node, workspace)
}

/// Panics with the plan unless it is empty.
pub(crate) fn assert_plan_is_empty(workspace: &Workspace) {
    let plan = workspace.run(&["plan", "-no-color", "-detailed-exitcode"]).unwrap();
    assert_eq!(plan.code, 0, "the plan is not empty:\n{}", plan.text());
}

/// Applies and plans again: nothing may be left to do.
pub(crate) fn apply(workspace: &Workspace) {
    workspace.apply(&[]).unwrap();
    assert_plan_is_empty(workspace);
}

/// The configuration that a guide shows below a heading.
pub(crate) fn guide(name: &str, heading: &str) -> String {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides");
    let text = fs::read_to_string(guides.join(format!("{name}.md"))).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```terraform\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

/// A job in HCL whose label is its name, with `rest` behind that.
pub(crate) fn job(name: &str, rest: &str) -> String {
    format!(
        "resource \"krony_job\" \"{name}\" {{\n  name = \"{name}\"\n  tags = {{ server = \"true:1\" }}\n{rest}\n}}\n"
    )
}

/// The job as dkron gives it back when it was written with these fields and no others.
pub(crate) fn stored(fields: Value) -> Value {
    let mut job = json!({
        "name": "", "displayname": "", "schedule": "", "timezone": "", "owner": "", "owner_email": "",
        "disabled": false, "tags": null, "metadata": null, "retries": 0, "parent_job": "", "processors": {},
        "concurrency": "allow", "executor": "", "executor_config": null, "expires_at": null, "ephemeral": false,
    });
    merge(&mut job, fields);
    job
}

/// Puts `fields` into `value`: objects are merged, all else is replaced.
pub(crate) fn merge(value: &mut Value, fields: Value) {
    match (value, fields) {
        (Value::Object(value), Value::Object(fields)) => {
            for (name, field) in fields {
                merge(value.entry(name).or_insert(Value::Null), field);
            }
        }
        (value, field) => *value = field,
    }
}

/// The job that dkron has, without what belongs to the server; nothing if there is none.
pub(crate) fn written(node: &Node, name: &str) -> Option<Value> {
    let server = [
        "id",
        "success_count",
        "error_count",
        "last_success",
        "last_error",
        "dependent_jobs",
        "status",
        "next",
    ];
    let mut job = node.job(name).unwrap()?;
    object(&mut job).retain(|field, _| !server.contains(&field.as_str()));
    Some(job)
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// What Terraform reports about a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) severity: String,
    pub(crate) summary: String,
    pub(crate) detail: String,
    /// The resource or data source, such as `krony_job.a`; empty where there is none.
    pub(crate) address: String,
    /// The lines of the configuration that Terraform shows; empty where it knows none.
    pub(crate) code: String,
}

/// The findings of a command that ran with `-json`.
pub(crate) fn findings(finished: &Finished) -> Vec<Finding> {
    let diagnostic = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        line.get("diagnostic").map(finding)
    };
    finished.stdout.lines().filter_map(diagnostic).collect()
}

/// The finding of a diagnostic in Terraform's JSON.
pub(crate) fn finding(diagnostic: &Value) -> Finding {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Finding {
        severity: text(&diagnostic["severity"]),
        summary: text(&diagnostic["summary"]),
        detail: text(&diagnostic["detail"]),
        address: text(&diagnostic["address"]),
        code: text(&diagnostic["snippet"]["code"]),
    }
}

/// The errors of a command (`plan`, `apply`, `destroy` with `arguments`) that must end with code 1, and not by a panic.
pub(crate) fn errors(workspace: &Workspace, arguments: &[&str]) -> Vec<Finding> {
    let (command, rest) = arguments.split_first().unwrap();
    let approve: &[&str] = if *command == "plan" { &[] } else { &["-auto-approve"] };
    let finished = workspace.run(&[&[*command, "-json"], approve, rest].concat()).unwrap();
    assert_eq!(finished.code, 1, "terraform {command} should have failed:\n{}", finished.text());
    assert!(!finished.text().contains("panic"), "{}", finished.text());
    let mut errors = findings(&finished);
    errors.retain(|finding| finding.severity == "error");
    assert!(!errors.is_empty(), "no error was reported:\n{}", finished.text());
    errors
}

/// What a user can set of a job, by its path; the parts of an object instead of the object.
pub(crate) fn arguments() -> BTreeSet<String> {
    arguments_of(&Job::schema(0).fields, "")
}

fn arguments_of(fields: &[Field], above: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for field in fields {
        let Field::Attribute(Attribute { name, kind, presence, .. }) = field else { continue };
        let path = format!("{above}{name}");
        match kind {
            _ if !presence.is_configurable() => {}
            Kind::Nested(Nesting::Single, fields) => found.extend(arguments_of(fields, &format!("{path}."))),
            Kind::Nested(..) | Kind::Plain(_) => {
                found.insert(path);
            }
        }
    }
    found
}

/// As many equal jobs in HCL, called `prefix_0`, `prefix_1` and so on, with `rest` in each of them.
pub(crate) fn jobs(prefix: &str, count: usize, rest: &str) -> String {
    format!(
        "resource \"krony_job\" \"{prefix}\" {{\n  count = {count}\n  name = \"{prefix}_${{count.index}}\"\n  \
         schedule = \"@manually\"\n  tags = {{ server = \"true:1\" }}\n  shell = {{ command = \"true\" }}\n{rest}\n}}\n"
    )
}

/// The names of such jobs.
pub(crate) fn names_of_jobs(prefix: &str, count: usize) -> BTreeSet<String> {
    (0..count).map(|index| format!("{prefix}_{index}")).collect()
}

/// The names of the jobs that state holds.
pub(crate) fn names_in_state(workspace: &Workspace) -> BTreeSet<String> {
    let state = workspace.show().unwrap();
    let resources = state["values"]["root_module"]["resources"].as_array().into_iter().flatten();
    resources.map(|resource| resource["values"]["name"].as_str().unwrap().to_owned()).collect()
}

/// The names of the jobs that dkron holds.
pub(crate) fn names_in_dkron(node: &Node) -> BTreeSet<String> {
    node.job_names().unwrap().into_iter().collect()
}

/// More than anything that a test starts and waits for takes.
const LIMIT: Duration = Duration::from_secs(180);

/// Waits for the end of a command that was started.
pub(crate) fn end(mut running: Running) -> Finished {
    let status = running.wait(LIMIT).unwrap();
    let (stdout, stderr) = (running.output().stdout(), running.output().stderr());
    Finished { code: status.code().unwrap_or(-1), stdout, stderr }
}

/// A plan may fail when the cluster is not well, but must not do anything about jobs that exist. Returns whether it
/// worked.
pub(crate) fn plan_in_trouble(workspace: &Workspace, mut meanwhile: impl FnMut()) -> bool {
    let mut plan = workspace.spawn(&["plan", "-no-color", "-detailed-exitcode"]).unwrap();
    let status = plan.wait_with(LIMIT, |_| meanwhile()).unwrap();
    let text = || format!("{}{}", plan.output().stdout(), plan.output().stderr());
    assert!(matches!(status.code(), Some(0 | 1)), "a job that exists would be touched:\n{}", text());
    status.success()
}

/// A file of the examples, which the documentation shows.
pub(crate) fn example(path: &str) -> String {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    fs::read_to_string(Path::new(examples).join(path)).unwrap()
}
