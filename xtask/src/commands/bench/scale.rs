//! The same commands for few jobs and for many: what grows, and how.
//!
//! Terraform's own work for an apply grows with the square of the number of objects (1.11.4); as many `terraform_data`
//! beside them tell that part from ours.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::dkron::Node;
use xtask::progress::Task;
use xtask::provider::{self, Profile};
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

use super::LIMIT;
use super::configuration::{krony_jobs, terraform_data};
use super::served::Served;

const COMMANDS: [(&str, &[&str]); 2] = [
    ("apply that creates", &["apply", "-auto-approve", "-no-color"]),
    ("plan without changes", &["plan", "-no-color", "-detailed-exitcode"]),
];

/// What one command cost.
struct Cost {
    command: &'static str,
    time: Duration,
    terraform_data: Duration,
    cpu: Duration,
    requests: usize,
    /// Of the provider's process so far, in MiB.
    peak_memory: f64,
}

pub(super) fn measure(sizes: &[usize]) -> Result<String> {
    let folder = provider::provider_folder(Profile::Release)?;
    let terraform = Terraform::on_path()?;
    let mut table = String::from(
        "| jobs | command | seconds | seconds with `terraform_data` | provider's processor time, µs a job | requests a job | provider's peak memory, MiB |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for &jobs in sizes {
        for cost in costs(jobs, &folder, &terraform)? {
            table += &row(jobs, &cost);
        }
    }
    Ok(table)
}

fn row(jobs: usize, cost: &Cost) -> String {
    let Cost { command, time, terraform_data, cpu, requests, peak_memory } = cost;
    format!(
        "| {jobs} | `{command}` | {:.1} | {:.1} | {:.0} | {:.3} | {peak_memory:.1} |\n",
        time.as_secs_f64(),
        terraform_data.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / jobs as f64,
        *requests as f64 / jobs as f64,
    )
}

/// With a proxy between the provider and dkron, which counts.
fn costs(jobs: usize, folder: &Path, terraform: &Terraform) -> Result<Vec<Cost>> {
    let mut task = Task::start(format!("{jobs} jobs"), "half an hour when they are thousands");
    let node = Node::start()?;
    let proxy = Proxy::start(&node.url())?;
    let served = Served::start(folder, terraform)?;
    served.workspace().write("main.tf", &krony_jobs(jobs, &proxy.url()))?;
    let mut theirs = Workspace::with_provider(terraform, folder)?;
    theirs.limit(LIMIT).write("main.tf", &terraform_data(jobs))?;

    let mut costs = Vec::new();
    for (command, arguments) in COMMANDS {
        task.note(&format!("{command}: terraform_data"));
        let begin = Instant::now();
        theirs.expect(arguments)?;
        let terraform_data = begin.elapsed();

        task.note(&format!("{command}: krony_job"));
        proxy.reset_count();
        let begin = Instant::now();
        let cpu = served.cpu_of(arguments)?;
        let time = begin.elapsed();
        let (requests, peak_memory) = (proxy.seen().len(), served.peak_memory()?);
        costs.push(Cost { command, time, terraform_data, cpu, requests, peak_memory });
    }
    task.done("");
    Ok(costs)
}
