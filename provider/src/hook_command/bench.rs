//! `hook bench`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use hooks::author::{self, Case, Expectation};
use hooks::cache::Cache;
use hooks::host::{Cost, Hook, Host};
use hooks::limits::Limits;
use serde::Serialize;

use super::{Failure, Module, expect_settings, not_a_hook, print, settings};
use crate::text::sentence;

/// Measures what a hook uses: fuel, memory and time, compiled anew, from the cache, and warm
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    module: Module,
    /// Settings: JSON, or @ and the path of a file.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// A folder of cases to ask instead of one example, each with its own settings.
    #[arg(long, value_name = "DIR", conflicts_with = "settings")]
    cases: Option<PathBuf>,
    /// How many warm calls are timed for each question.
    #[arg(long, default_value_t = 1000)]
    calls: u32,
    /// Prints one line of JSON instead, with times in microseconds.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let cases = match &arguments.cases {
        Some(folder) => author::read(folder).map_err(sentence)?.into_iter().map(|(_, case)| case).collect(),
        None => vec![Case {
            settings: settings(arguments.settings.as_deref())?,
            request: author::example_request(),
            expect: Expectation::Ok,
        }],
    };
    let limits = arguments.module.limits();
    let (cold, cached, hook) = load(&arguments.module)?;
    let costs = calls(&hook, &limits, &cases, arguments.calls.max(1))?;
    let measured = Measured::of(cold, cached, &costs);
    if arguments.json {
        print(serde_json::to_string(&measured).map_err(sentence)?)?;
    } else {
        print(measured.show(&limits))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was measured. Times are in microseconds.
#[derive(Serialize)]
struct Measured {
    compiled_anew: f64,
    from_the_cache: f64,
    calls: usize,
    call_at_the_median: f64,
    call_at_most: f64,
    fuel_at_most: u64,
    /// In bytes.
    memory_at_most: usize,
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl Measured {
    fn of(cold: Duration, cached: Duration, costs: &[Cost]) -> Self {
        let mut times: Vec<Duration> = costs.iter().map(|cost| cost.time).collect();
        times.sort();
        Self {
            compiled_anew: microseconds(cold),
            from_the_cache: microseconds(cached),
            calls: times.len(),
            call_at_the_median: times.get(times.len() / 2).copied().map(microseconds).unwrap_or_default(),
            call_at_most: times.last().copied().map(microseconds).unwrap_or_default(),
            fuel_at_most: costs.iter().map(|cost| cost.fuel).max().unwrap_or_default(),
            memory_at_most: costs.iter().map(|cost| cost.memory).max().unwrap_or_default(),
        }
    }

    fn show(&self, limits: &Limits) -> String {
        let share = self.fuel_at_most as f64 / limits.fuel as f64 * 100.0;
        let mebibytes = self.memory_at_most as f64 / f64::from(1 << 20);
        [
            format!("compiled anew     {:.1} ms", self.compiled_anew / 1e3),
            format!("from the cache    {:.1} ms", self.from_the_cache / 1e3),
            format!(
                "a warm call       {:.0} µs at the median of {}, {:.0} µs at most",
                self.call_at_the_median, self.calls, self.call_at_most
            ),
            format!("fuel              {} at most, {share:.2} % of the limit", self.fuel_at_most),
            format!("memory            {mebibytes:.1} MiB at most, of {} MiB", limits.memory >> 20),
        ]
        .join("\n")
    }
}

/// How often a load from the cache is timed.
const LOADS: usize = 5;

/// How long it takes to compile the hook and to load it when that was done, and the hook.
fn load(module: &Module) -> Result<(Duration, Duration, Hook), Failure> {
    let bytes = module.read()?;
    let folder = tempfile::tempdir().map_err(|error| format!("There is no temporary folder: {error}."))?;
    let load = || {
        let cache = Cache::open(&folder.path().join("cache"), &folder.path().join("state/key"));
        let cache = cache.map_err(|error| format!("There is no cache: {error}."))?;
        let host = Host::new(Some(cache)).map_err(sentence)?;
        let begin = Instant::now();
        let loaded = host.load(&module.name(), &bytes, module.wasi());
        let loaded = loaded.map_err(|error| not_a_hook(&module.path, error))?;
        Ok::<_, Failure>((begin.elapsed(), loaded.hook))
    };
    let (cold, hook) = load()?;
    let mut times: Vec<Duration> =
        (0..LOADS).map(|_| load().map(|(time, _)| time)).collect::<Result<_, _>>()?;
    times.sort();
    Ok((cold, times[LOADS / 2], hook))
}

fn calls(hook: &Hook, limits: &Limits, cases: &[Case], count: u32) -> Result<Vec<Cost>, Failure> {
    let mut costs = Vec::new();
    for case in cases.iter().filter(|case| !matches!(case.expect, Expectation::SettingsError(_))) {
        expect_settings(hook, limits, &case.settings)?;
        for _ in 0..count {
            let call = hook.validate(limits, &case.settings, &case.request);
            call.result.map_err(|error| format!("The hook gave no answer. {}", sentence(error)))?;
            costs.push(call.cost);
        }
    }
    if costs.is_empty() {
        return Err("All cases are about settings: there is no call to measure.".to_owned());
    }
    Ok(costs)
}
