//! Plans and applies of many jobs, beside as many `terraform_data` in the same run.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use xtask::dkron::Node;
use xtask::progress::Task;
use xtask::provider::{self, Profile};
use xtask::terraform::{Terraform, Workspace};

use super::configuration::{krony_jobs, terraform_data};
use super::served::Served;
use super::{Spread, milliseconds};

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

/// Processor time of the provider for each job. One process serves all commands, so that nothing is lost between two
/// looks at it.
fn provider_cpu(folder: &Path, terraform: &Terraform, node: &Node, jobs: usize) -> Result<String> {
    let mut task = Task::start("Processor time of the provider", "");
    let served = Served::start(folder, terraform)?;
    served.workspace().write("main.tf", &krony_jobs(jobs, &node.url()))?;

    let mut rows = String::new();
    let steps: [(&str, &[&str]); 3] = [
        ("created", &["apply", "-auto-approve", "-no-color"]),
        ("refreshed and planned", &["plan", "-no-color", "-detailed-exitcode"]),
        ("destroyed", &["destroy", "-auto-approve", "-no-color"]),
    ];
    for (title, arguments) in steps {
        task.note(title);
        let each = served.cpu_of(arguments)?.as_secs_f64() * 1e6 / jobs as f64;
        rows += &format!("| {title} | {each:.0} |\n");
    }
    let peak = served.peak_memory()?;
    task.done("");
    Ok(format!(
        "| provider, {jobs} jobs | µs of processor time a job |\n|---|---|\n{rows}\n\
         Peak memory of that provider process over all three: {peak:.1} MiB.\n"
    ))
}
