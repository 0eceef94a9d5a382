//! `cargo xtask bench`: measures, compares within one run, and prints tables for BENCHMARKS.md.

mod configuration;
mod hooks;
mod receiver;
mod scale;
mod served;
mod start;
mod terraform;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Measure speed and memory, and print tables in Markdown
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Measure only this
    #[arg(value_enum)]
    only: Option<Subject>,
    /// How many jobs a plan has
    #[arg(long, default_value_t = 500)]
    jobs: usize,
    /// The numbers of jobs whose growth is looked at
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 5_000])]
    sizes: Vec<usize>,
    /// Another build of the provider, whose starts are timed in turn with those of this one
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// How often each command runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Bounds one command of Terraform; thousands of jobs take it a quarter of an hour.
const LIMIT: Duration = Duration::from_secs(3600);

/// What there is to measure.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Subject {
    /// From the start of the provider's process to its handshake.
    Start,
    /// Plans and applies, beside the same number of `terraform_data`.
    Terraform,
    /// What grows with the number of jobs: time, processor time, memory, requests.
    Scale,
    /// The example hooks, and what hooks cost a plan.
    Hooks,
    /// The receiver under load.
    Receiver,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let wanted = |subject| arguments.only.is_none_or(|only| only == subject);
    if wanted(Subject::Start) {
        println!("{}", start::measure(arguments.rounds * 10, arguments.against.as_deref())?);
    }
    if wanted(Subject::Terraform) {
        println!("{}", terraform::measure(arguments.jobs, arguments.rounds)?);
    }
    if wanted(Subject::Scale) {
        println!("{}", scale::measure(&arguments.sizes)?);
    }
    if wanted(Subject::Hooks) {
        println!("{}", hooks::measure(arguments.jobs, arguments.rounds)?);
    }
    if wanted(Subject::Receiver) {
        println!("{}", receiver::measure()?);
    }
    Ok(ExitCode::SUCCESS)
}

/// The middle of several measurements, with the smallest and the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    /// Of at least one measurement.
    fn of(mut measured: Vec<f64>) -> Result<Self> {
        measured.sort_by(f64::total_cmp);
        let first = *measured.first().context("nothing was measured")?;
        Ok(Self { least: first, median: measured[measured.len() / 2], most: measured[measured.len() - 1] })
    }

    /// With so many decimals: `median (least–most)`.
    fn show(self, decimals: usize) -> String {
        format!("{:.decimals$} ({:.decimals$}–{:.decimals$})", self.median, self.least, self.most)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The most memory that a process has had resident so far, in MiB.
fn peak_memory(pid: u32) -> Result<f64> {
    memory(pid, "VmHWM:")
}

/// The memory that a process has resident now, in MiB.
fn resident_memory(pid: u32) -> Result<f64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, field: &str) -> Result<f64> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).context("cannot read the status of a process")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix(field)).context("the status names no memory")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().context("the status names no amount")?;
    Ok(kibibytes / 1024.0)
}

/// The processor time that a process has used so far, in user and system mode together.
fn cpu_time(pid: u32) -> Result<Duration> {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).context("cannot read the status of a process")?;
    // The name in parentheses may hold blanks.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<std::result::Result<_, _>>().context("the status names no times")?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_median() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!(spread.show(1), "2.0 (1.0–3.0)");
        assert!(Spread::of(Vec::new()).is_err());
    }

    #[test]
    fn a_process_can_be_looked_at() {
        let pid = std::process::id();
        // In this order: other tests make the process grow between the two looks.
        let resident = resident_memory(pid).unwrap();
        assert!(peak_memory(pid).unwrap() >= resident);
        cpu_time(pid).unwrap();
    }
}
