//! Plans and applies of many jobs, beside as many `terraform_data` in the same run.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use xtask::dkron::Node;
use xtask::process::{Group, Running, wait_for};
use xtask::progress::Task;
use xtask::provider::{self, PROGRAM, Profile};
use xtask::terraform::{Terraform, Workspace};

use super::{Spread, cpu_time, milliseconds, peak_memory};

pub(super) fn measure(jobs: usize, rounds: usize) -> Result<String> {
    let folder = provider::provider_folder(Profile::Release)?;
    let terraform = Terraform::on_path()?;
    let node = Node::start()?;
    let ours = Workspace::with_provider(&terraform, &folder)?;
    ours.write("main.tf", &krony_jobs(jobs, &node.url()))?;
    let theirs = Workspace::with_provider(&terraform, &folder)?;
    theirs.write("main.tf", &terraform_data(jobs))?;

    let compared = compare(&ours, &theirs, rounds)?;
    let cpu = provider_cpu(&folder, &terraform, &node, jobs)?;
    Ok(format!(
        "| {jobs} jobs, {rounds} rounds, Terraform {} | `krony_job`, ms | `terraform_data`, ms | ratio, round by round |\n\
         |---|---|---|---|\n{compared}\n{cpu}",
        terraform.version()?
    ))
}

/// One row for each command: both workspaces in turn, so that a change of the machine's speed meets both.
fn compare(ours: &Workspace, theirs: &Workspace, rounds: usize) -> Result<String> {
    let mut task = Task::start("Planning and applying", "a few seconds a round");
    let mut rows =
        [Row::new("`apply` that creates"), Row::new("`plan` without changes"), Row::new("`destroy`")];
    for round in 0..rounds {
        task.note(&format!("round {} of {rounds}", round + 1));
        let [create, plan, destroy] = &mut rows;
        create.pair(ours, theirs, &["apply", "-auto-approve", "-no-color"])?;
        plan.pair(ours, theirs, &["plan", "-no-color", "-detailed-exitcode"])?;
        destroy.pair(ours, theirs, &["destroy", "-auto-approve", "-no-color"])?;
    }
    task.done("");
    rows.into_iter().map(Row::show).collect()
}

struct Row {
    title: &'static str,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Row {
    fn new(title: &'static str) -> Self {
        Self { title, ours: Vec::new(), theirs: Vec::new() }
    }

    fn pair(&mut self, ours: &Workspace, theirs: &Workspace, arguments: &[&str]) -> Result<()> {
        self.ours.push(time(ours, arguments)?);
        self.theirs.push(time(theirs, arguments)?);
        Ok(())
    }

    fn show(self) -> Result<String> {
        let ratios = self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect();
        let (ours, theirs, ratio) = (Spread::of(self.ours)?, Spread::of(self.theirs)?, Spread::of(ratios)?);
        Ok(format!("| {} | {} | {} | {} |\n", self.title, ours.show(0), theirs.show(0), ratio.show(2)))
    }
}

fn time(workspace: &Workspace, arguments: &[&str]) -> Result<f64> {
    let begin = Instant::now();
    workspace.expect(arguments)?;
    Ok(milliseconds(begin.elapsed()))
}

/// Processor time of the provider for each job. One process serves all commands, in debug mode, so that nothing is
/// lost between two looks at it.
fn provider_cpu(folder: &std::path::Path, terraform: &Terraform, node: &Node, jobs: usize) -> Result<String> {
    let mut task = Task::start("Processor time of the provider", "");
    let mut command = std::process::Command::new(folder.join(PROGRAM));
    command.arg("-debug");
    let provider = Running::start("provider", &mut command, Group::Own)?;
    let line = wait_for("the provider's address", Duration::from_secs(10), || {
        let text = format!("{}{}", provider.output().stdout(), provider.output().stderr());
        Ok(text
            .split_once("TF_REATTACH_PROVIDERS='")
            .and_then(|(_, rest)| Some(rest.split_once('\'')?.0.to_owned())))
    })?;
    let mut workspace = Workspace::with_provider(terraform, folder)?;
    workspace.env("TF_REATTACH_PROVIDERS", line);
    workspace.write("main.tf", &krony_jobs(jobs, &node.url()))?;

    let mut rows = String::new();
    let steps: [(&str, &[&str]); 3] = [
        ("created", &["apply", "-auto-approve", "-no-color"]),
        ("refreshed and planned", &["plan", "-no-color", "-detailed-exitcode"]),
        ("destroyed", &["destroy", "-auto-approve", "-no-color"]),
    ];
    for (title, arguments) in steps {
        task.note(title);
        let before = cpu_time(provider.pid())?;
        workspace.expect(arguments)?;
        let used = cpu_time(provider.pid())?.checked_sub(before).context("processor time ran backwards")?;
        let each = used.as_secs_f64() * 1e6 / jobs as f64;
        rows += &format!("| {title} | {each:.0} |\n");
    }
    let peak = peak_memory(provider.pid())?;
    task.done("");
    Ok(format!(
        "| provider, {jobs} jobs | µs of processor time a job |\n|---|---|\n{rows}\n\
         Peak memory of that provider process over all three: {peak:.1} MiB.\n"
    ))
}

fn krony_jobs(count: usize, endpoint: &str) -> String {
    format!(
        r#"terraform {{
  required_providers {{
    krony = {{ source = "krony-cloud/krony" }}
  }}
}}

provider "krony" {{
  endpoint = "{endpoint}"
}}

resource "krony_job" "this" {{
  count    = {count}
  name     = "job-${{count.index}}"
  schedule = "0 0 4 1 1 *"
  owner    = "bench"
  tags     = {{ server = "true:1" }}
  metadata = {{ team = "bench" }}
  http = {{
    method  = "POST"
    url     = "http://127.0.0.1:9/${{count.index}}"
    headers = {{ Accept = "text/plain" }}
    timeout = "10s"
  }}
}}
"#
    )
}

/// As much text as a job has.
fn terraform_data(count: usize) -> String {
    format!(
        r#"resource "terraform_data" "this" {{
  count = {count}
  input = {{
    name     = "job-${{count.index}}"
    schedule = "0 0 4 1 1 *"
    owner    = "bench"
    tags     = {{ server = "true:1" }}
    metadata = {{ team = "bench" }}
    http = {{
      method  = "POST"
      url     = "http://127.0.0.1:9/${{count.index}}"
      headers = {{ Accept = "text/plain" }}
      timeout = "10s"
    }}
  }}
}}
"#
    )
}
