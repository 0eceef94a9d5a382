//! What hooks cost: each example by itself, and a plan with hooks beside one without.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;
use xtask::dkron::Node;
use xtask::hooks;
use xtask::process::output_of;
use xtask::progress::Task;
use xtask::provider::{self, PROGRAM, Profile};
use xtask::terraform::{Terraform, Workspace};

use super::configuration::hooked_jobs;
use super::{LIMIT, Spread, milliseconds};

/// An example with what the jobs of the benchmark need of it.
struct Example {
    name: &'static str,
    language: &'static str,
    /// In HCL.
    settings: &'static str,
    /// Whether it was built for WASI.
    wasi: bool,
}

const EXAMPLES: [Example; 6] = [
    Example { name: "require-owner", language: "Rust", settings: "{}", wasi: false },
    Example {
        name: "cap-frequency",
        language: "Rust",
        settings: "{ min_interval_seconds = 60 }",
        wasi: false,
    },
    Example { name: "cap-retries", language: "WAT", settings: "{ max_retries = 3 }", wasi: false },
    Example {
        name: "allowed-hosts",
        language: "JavaScript",
        settings: "{ hosts = [\"127.0.0.1\"] }",
        wasi: false,
    },
    Example {
        name: "no-plain-http",
        language: "Go",
        settings: "{ except_hosts = [\"127.0.0.1\"] }",
        wasi: true,
    },
    Example { name: "no-night-runs", language: "Python", settings: "{ from = 22, to = 3 }", wasi: false },
];

pub(super) fn measure(jobs: usize, rounds: usize) -> Result<String> {
    let program = provider::build(PROGRAM, Profile::Release)?;
    let mut table = String::from(
        "| hook | language | size, KiB | compiled anew, ms | from the cache, ms | warm call, µs at the median (at most) | fuel \
         | memory, MiB |\n|---|---|---|---|---|---|---|---|\n",
    );
    for example in &EXAMPLES {
        table += &example.measure(&program)?;
    }
    Ok(format!("{table}\n{}", plans(jobs, rounds)?))
}

impl Example {
    fn measure(&self, program: &Path) -> Result<String> {
        let module = hooks::example(self.name)?;
        let task = Task::start(format!("Timing the hook {}", self.name), "");
        let mut bench = Command::new(program);
        bench.args(["hook", "bench", "--json", "--calls", "200", "--cases"]);
        bench.arg(hooks::folder(self.name).join("cases")).arg(&module);
        if self.wasi {
            bench.args(["--wasi", "stub"]);
        }
        let measured = output_of("hook bench", &mut bench, Duration::from_secs(300))?;
        task.done("");
        let measured: Value = serde_json::from_str(&measured).context("hook bench printed no JSON")?;
        let number =
            |name: &str| measured[name].as_f64().with_context(|| format!("hook bench measured no {name}"));
        Ok(format!(
            "| {} | {} | {} | {:.0} | {:.1} | {:.0} ({:.0}) | {} | {:.1} |\n",
            self.name,
            self.language,
            std::fs::metadata(&module)?.len() / 1024,
            number("compiled_anew")? / 1e3,
            number("from_the_cache")? / 1e3,
            number("call_at_the_median")?,
            number("call_at_most")?,
            number("fuel_at_most")?,
            number("memory_at_most")? / f64::from(1 << 20),
        ))
    }

    /// The lines that switch it on.
    fn block(&self) -> Result<String> {
        let (name, settings, module) = (self.name, self.settings, hooks::example(self.name)?);
        let wasi = if self.wasi { "\n      wasi = \"stub\"" } else { "" };
        Ok(format!(
            "    {name} = {{\n      source = {:?}\n      settings = jsonencode({settings}){wasi}\n    }}\n",
            module.display().to_string()
        ))
    }
}

/// Plans of the same jobs without hooks, with the first three and with all of them, in turn.
fn plans(jobs: usize, rounds: usize) -> Result<String> {
    let folder = provider::provider_folder(Profile::Release)?;
    let terraform = Terraform::on_path()?;
    let node = Node::start()?;
    let mut plans = Vec::new();
    for (title, count) in [("none", 0), ("the first three", 3), ("all six", EXAMPLES.len())] {
        let blocks: String = EXAMPLES[..count].iter().map(Example::block).collect::<Result<_>>()?;
        let mut workspace = Workspace::with_provider(&terraform, &folder)?;
        let settings = format!("  hooks = {{\n{blocks}  }}\n");
        workspace.limit(LIMIT).write("main.tf", &hooked_jobs(jobs, &node.url(), &settings))?;
        plans.push(Plan { title, workspace, times: Vec::new() });
    }
    let mut task = Task::start(format!("Planning {jobs} jobs with hooks"), "a minute or two a round");
    // The same jobs in the state of each.
    plans[0].workspace.expect(&["apply", "-auto-approve", "-no-color"])?;
    let state = plans[0].workspace.read("terraform.tfstate")?;
    for plan in &plans {
        plan.workspace.write("terraform.tfstate", &state)?;
    }
    for round in 0..=rounds {
        task.note(&format!("round {round} of {rounds}"));
        for plan in &mut plans {
            let begin = Instant::now();
            plan.workspace.expect(&["plan", "-no-color", "-detailed-exitcode"])?;
            // The first round compiles what is not in the cache.
            if round > 0 {
                plan.times.push(milliseconds(begin.elapsed()));
            }
        }
    }
    task.done("");
    let without = plans[0].times.clone();
    let rows: String = plans.into_iter().map(|plan| plan.row(&without)).collect::<Result<_>>()?;
    Ok(format!(
        "| hooks in a `plan` without changes of {jobs} jobs, {rounds} rounds | ms | ratio to none, round by round |\n\
         |---|---|---|\n{rows}"
    ))
}

struct Plan {
    title: &'static str,
    workspace: Workspace,
    times: Vec<f64>,
}

impl Plan {
    fn row(self, without: &[f64]) -> Result<String> {
        let ratios = self.times.iter().zip(without).map(|(with, without)| with / without).collect();
        let (times, ratio) = (Spread::of(self.times)?, Spread::of(ratios)?);
        Ok(format!("| {} | {} | {} |\n", self.title, times.show(0), ratio.show(2)))
    }
}
