//! The hooks in `examples/hooks/` deny and allow, each in its language, at every stage.

use std::fmt::Write as _;

use xtask::dkron::Node;
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

use super::{NOWHERE, Outcome, STAGES, block, line, made, provider, share_cache, writes};
use crate::support::{apply, each_terraform, shared_node, workspace, written};

/// An example, and an argument of a job that it judges.
struct Row {
    hook: &'static str,
    /// Of the provider's block, besides the source.
    arguments: &'static str,
    /// Of a job; `$` stands for the value that decides.
    job: &'static str,
    denied: &'static str,
    allowed: &'static str,
    summary: &'static str,
}

/// All that is in a job unless a row says otherwise, as the other hooks want it.
const JOB: [&str; 5] = [
    "owner = \"reports\"",
    "owner_email = \"reports@example.com\"",
    "schedule = \"0 0 12 * * *\"",
    "retries = 1",
    "http = { url = \"https://reports.example.com/run\" }",
];

/// The settings have different shapes: a list, texts and numbers within objects.
const ROWS: [Row; 6] = [
    Row {
        hook: "require-owner",
        arguments: "settings = jsonencode({ email_domain = \"example.com\" })",
        job: "owner_email = $",
        denied: "\"reports@elsewhere.test\"",
        allowed: "\"reports@mail.example.com\"",
        summary: "The owner cannot be reached at this address",
    },
    Row {
        hook: "cap-frequency",
        arguments: "settings = jsonencode({ min_interval_seconds = 60 })",
        job: "schedule = $",
        denied: "\"@every 30s\"",
        allowed: "\"@every 60h\"",
        summary: "The job would run too often",
    },
    Row {
        hook: "no-night-runs",
        arguments: "settings = jsonencode({ from = 22, to = 6 })",
        job: "schedule = $",
        denied: "\"0 0 3 * * *\"",
        allowed: "\"0 0 9 * * *\"",
        summary: "Schedule fires at night",
    },
    Row {
        hook: "allowed-hosts",
        arguments: "settings = jsonencode({ hosts = [\"*.example.com\", \"api.internal\"] })",
        job: "http = { url = $ }",
        denied: "\"https://elsewhere.test/\"",
        allowed: "\"https://api.internal/\"",
        summary: "Host is not allowed",
    },
    Row {
        hook: "no-plain-http",
        arguments: "wasi = \"stub\"",
        job: "http = { url = $ }",
        denied: "\"http://reports.example.com/run\"",
        allowed: "\"HTTPS://reports.example.com/run\"",
        summary: "The job calls a plain http:// address",
    },
    Row {
        hook: "cap-retries",
        arguments: "settings = jsonencode({ max_retries = 3 })",
        job: "retries = $",
        denied: "4",
        allowed: "3",
        summary: "The job retries too often",
    },
];

/// The name of the job of a row, and of all else that belongs to it.
fn label(row: &Row) -> String {
    format!("hook_{}", row.hook.replace('-', "_"))
}

/// The argument of a row with this value.
fn argument(row: &Row, value: &str) -> String {
    row.job.replace('$', value)
}

/// A job for each hook, with these values where the hooks look.
fn jobs(value: impl Fn(&Row) -> String) -> String {
    let mut jobs = String::new();
    for row in &ROWS {
        let label = label(row);
        let (name, _) = row.job.split_once(" = ").unwrap();
        let others = JOB.iter().filter(|other| !other.starts_with(&format!("{name} = ")));
        let others = others.copied().collect::<Vec<_>>().join("\n  ");
        let argument = argument(row, &value(row));
        writeln!(
            jobs,
            "resource \"krony_job\" \"{label}\" {{\n  name = \"{label}\"\n  tags = {{}}\n  disabled = true\n  {others}\n  {argument}\n}}"
        )
        .unwrap();
    }
    jobs
}

/// Jobs whose values are known only when they are applied.
fn late_jobs(value: impl Fn(&Row) -> &'static str) -> String {
    let values: String = ROWS.iter().map(|row| made(&label(row), value(row))).collect();
    values + &jobs(late)
}

/// All examples in one provider block, with one more argument in each.
fn hooks(more: &str) -> String {
    let hook = |row: &Row| {
        let module = xtask::hooks::example(row.hook).unwrap();
        block(row.hook, module.to_str().unwrap(), &format!("{}\n      {more}", row.arguments))
    };
    provider(&ROWS.iter().map(hook).collect::<String>())
}

/// Each hook has found one thing, in its job, and shows the argument with this value.
fn assert_denied(outcome: &Outcome, value: impl Fn(&Row) -> String) {
    assert_eq!(outcome.code, 1, "{outcome:#?}");
    for row in &ROWS {
        let found = outcome.of_hook(row.hook);
        assert_eq!((found.severity.as_str(), found.summary.as_str()), ("error", row.summary), "{found:#?}");
        assert_eq!(found.address, format!("krony_job.{}", label(row)), "{found:#?}");
        assert_eq!(line(found), argument(row, &value(row)), "{found:#?}");
    }
    assert_eq!(outcome.errors().len(), ROWS.len(), "{outcome:#?}");
    assert!(outcome.warnings().is_empty(), "{outcome:#?}");
}

fn assert_nothing_was_written(node: &Node, proxy: &Proxy, workspace: &Workspace) {
    assert_eq!(writes(proxy), []);
    for row in &ROWS {
        assert_eq!(written(node, &label(row)), None);
    }
    let state = workspace.state_list().unwrap();
    assert!(state.iter().all(|address| !address.starts_with("krony_job.")), "{state:?}");
}

fn write(workspace: &Workspace, more: &str, jobs: &str) {
    workspace.write("provider.tf", &hooks(more)).unwrap();
    workspace.write("main.tf", jobs).unwrap();
}

/// Values that stand in the configuration, the first time without a server.
fn known_values_are_judged(workspace: &mut Workspace, endpoint: &str) {
    let (denied, allowed) = (|row: &Row| row.denied.to_owned(), |row: &Row| row.allowed.to_owned());
    write(workspace, "", &jobs(denied));
    assert_denied(&Outcome::of(workspace, &["validate"]), denied);
    write(workspace, "", &jobs(allowed));
    Outcome::of(workspace, &["validate"]).assert_silent();

    workspace.env("KRONY_ENDPOINT", endpoint);
    Outcome::of(workspace, &["plan"]).assert_silent();
    for (stage, command) in STAGES {
        write(workspace, stage, &jobs(denied));
        assert_denied(&Outcome::of(workspace, &[command]), denied);
    }
}

/// What is known only while it is applied: the hooks are asked when it is planned once more, or right before it is
/// written.
fn late_values_are_judged(workspace: &Workspace) {
    let [.., (last, _)] = STAGES;
    for stages in ["", last] {
        write(workspace, stages, &late_jobs(|row| row.denied));
        Outcome::of(workspace, &["validate"]).assert_silent();
        if stages.is_empty() {
            Outcome::of(workspace, &["plan"]).assert_silent();
        }
        assert_denied(&Outcome::of(workspace, &["apply"]), late);
    }
}

/// The reference to a value that is known late.
fn late(row: &Row) -> String {
    format!("terraform_data.{}.output", label(row))
}

/// What exists already is judged when it changes, and may go.
fn existing_jobs_are_judged(node: &Node, workspace: &Workspace) {
    write(workspace, "", &late_jobs(|row| row.allowed));
    apply(workspace);
    let exists = || ROWS.iter().all(|row| written(node, &label(row)).is_some());
    assert!(exists());
    write(workspace, "", &late_jobs(|row| row.denied));
    assert_denied(&Outcome::of(workspace, &["apply"]), late);
    assert!(exists());
    write(workspace, "", "");
    Outcome::of(workspace, &["apply"]).assert_silent();
    assert!(ROWS.iter().all(|row| written(node, &label(row)).is_none()));
}

#[test]
fn each_example_denies_and_allows_at_validate_plan_and_apply() {
    for terraform in each_terraform().into_iter().chain([Terraform::v1_6().unwrap()]) {
        let node = shared_node();
        let proxy = Proxy::start(&node.url()).unwrap();
        let mut workspace = workspace(&terraform, NOWHERE);
        share_cache(&mut workspace);
        known_values_are_judged(&mut workspace, &proxy.url());
        late_values_are_judged(&workspace);
        assert_nothing_was_written(&node, &proxy, &workspace);
        existing_jobs_are_judged(&node, &workspace);
    }
}

/// What is not there cannot be shown: the whole resource is.
#[test]
fn a_missing_owner_is_shown_at_the_resource() {
    let mut workspace = workspace(&Terraform::on_path().unwrap(), NOWHERE);
    share_cache(&mut workspace);
    let module = xtask::hooks::example("require-owner").unwrap();
    let hooks = provider(&block("require-owner", module.to_str().unwrap(), ""));
    let rest = "  schedule = \"@daily\"\n  shell = { command = \"true\" }";
    workspace.write("main.tf", &(hooks + &crate::support::job("hook_nobodys", rest))).unwrap();
    let outcome = Outcome::of(&workspace, &["validate"]);
    let found = outcome.by_hook("require-owner");
    let summaries: Vec<_> = found.iter().map(|finding| finding.summary.as_str()).collect();
    assert_eq!(summaries, ["The job has no owner", "The job has no address to write to"]);
    for finding in found {
        assert_eq!(line(finding), "resource \"krony_job\" \"hook_nobodys\" {", "{finding:#?}");
    }
}
