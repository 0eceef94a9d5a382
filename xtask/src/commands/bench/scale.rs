//! The same commands for few jobs and for many: what grows, and how.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::dkron::Node;
use xtask::progress::Task;
use xtask::provider::{self, Profile};
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

use super::configuration::krony_jobs;
use super::served::Served;

/// The commands in the life of jobs.
const COMMANDS: [(&str, &[&str]); 3] = [
    ("create", &["apply", "-auto-approve", "-no-color"]),
    ("plan", &["plan", "-no-color", "-detailed-exitcode"]),
    ("destroy", &["destroy", "-auto-approve", "-no-color"]),
];

/// What one command cost.
struct Cost {
    command: &'static str,
    time: Duration,
    cpu: Duration,
    requests: usize,
    /// Of the provider's process so far, in MiB.
    peak_memory: f64,
}

pub(super) fn measure(sizes: &[usize]) -> Result<String> {
    let folder = provider::provider_folder(Profile::Release)?;
    let terraform = Terraform::on_path()?;
    let mut table = String::from(
        "| jobs | command | seconds | ms a job | provider's processor time, µs a job | requests a job | provider's peak memory, MiB |\n\
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
    let Cost { command, time, cpu, requests, peak_memory } = cost;
    let each = |total: f64| total / jobs as f64;
    format!(
        "| {jobs} | {command} | {:.1} | {:.2} | {:.0} | {:.3} | {peak_memory:.1} |\n",
        time.as_secs_f64(),
        each(time.as_secs_f64() * 1e3),
        each(cpu.as_secs_f64() * 1e6),
        each(*requests as f64),
    )
}

/// Two passes, each on a node of its own: times as users have them, then all else, with a proxy that counts between
/// the provider and dkron.
fn costs(jobs: usize, folder: &Path, terraform: &Terraform) -> Result<Vec<Cost>> {
    let mut task = Task::start(format!("{jobs} jobs"), "some minutes when they are thousands");
    let times = times(jobs, folder, terraform, &mut task)?;

    let node = Node::start()?;
    let proxy = Proxy::start(&node.url())?;
    let served = Served::start(folder, terraform)?;
    served.workspace().write("main.tf", &krony_jobs(jobs, &proxy.url()))?;
    let mut costs = Vec::new();
    for ((command, arguments), time) in COMMANDS.into_iter().zip(times) {
        task.note(&format!("counting {command}"));
        proxy.reset_count();
        let cpu = served.cpu_of(arguments)?;
        let (requests, peak_memory) = (proxy.seen().len(), served.peak_memory()?);
        costs.push(Cost { command, time, cpu, requests, peak_memory });
    }
    task.done("");
    Ok(costs)
}

fn times(jobs: usize, folder: &Path, terraform: &Terraform, task: &mut Task) -> Result<Vec<Duration>> {
    let node = Node::start()?;
    let mut workspace = Workspace::with_provider(terraform, folder)?;
    workspace.limit(Duration::from_secs(3600));
    workspace.write("main.tf", &krony_jobs(jobs, &node.url()))?;
    let mut times = Vec::new();
    for (command, arguments) in COMMANDS {
        task.note(&format!("timing {command}"));
        let begin = Instant::now();
        workspace.expect(arguments)?;
        times.push(begin.elapsed());
    }
    Ok(times)
}
