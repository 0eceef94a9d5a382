//! The receiver under load: requests a second, and memory for each recorded call.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use xtask::ports::Port;
use xtask::process::{Group, Running, output_of};
use xtask::progress::Task;
use xtask::provider::{self, Profile, RECEIVER};
use xtask::{http, tools};

use super::resident_memory;

/// How long the load lasts.
const LOAD: &str = "10s";

/// What wrk sends: calls of a hundred jobs, and now and then somebody looks at all of them.
const CALLS: &str = r#"
local calls = 0
request = function()
  calls = calls + 1
  return wrk.format("PUT", "/log/job-" .. calls % 100)
end
"#;

pub(super) fn measure() -> Result<String> {
    let program = provider::build(RECEIVER, Profile::Release)?;
    let wrk = tools::wrk().obtain()?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let script = folder.path().join("calls.lua");
    fs::write(&script, CALLS).context("cannot write the script of the load")?;

    let port = Port::lease()?;
    let url = format!("http://{}", port.address());
    let mut command = Command::new(program);
    command.args(["--bind", &port.address()]);
    let mut running = Running::start("receiver", &mut command, Group::Own)?;
    running.wait_until("the receiver", Duration::from_secs(10), || {
        Ok(http::get(&format!("{url}/healthz"))?.status == 200)
    })?;

    let task = Task::start("Calling the receiver", "ten seconds");
    let empty = resident_memory(running.pid())?;
    let mut load = Command::new(wrk);
    load.args(["-t1", "-c64", "-d", LOAD, "-s"]).arg(&script).arg(&url);
    let report = output_of("wrk", &mut load, Duration::from_secs(60))?;
    let full = resident_memory(running.pid())?;
    task.done("");

    let rate = field(&report, "Requests/sec:")?;
    let recorded = http::get(&format!("{url}/logs"))?.json()?;
    let recorded: usize = recorded
        .as_object()
        .into_iter()
        .flat_map(|tokens| tokens.values())
        .filter_map(|times| times.as_array())
        .map(Vec::len)
        .sum();
    ensure!(recorded > 0, "the receiver recorded nothing; wrk says:\n{report}");
    ensure!(!report.contains("Non-2xx"), "the receiver refused calls:\n{report}");
    let bytes = (full - empty) * 1024.0 * 1024.0 / recorded as f64;
    Ok(format!(
        "| receiver, 64 connections for {LOAD} | |\n|---|---|\n| requests a second | {rate:.0} |\n\
         | calls kept | {recorded} |\n| memory for each call kept, bytes | {bytes:.0} |\n| memory when empty, MiB | {empty:.1} |\n"
    ))
}

/// The number behind a word in wrk's report.
fn field(report: &str, name: &str) -> Result<f64> {
    let line = report.lines().find_map(|line| line.trim().strip_prefix(name));
    let line = line.with_context(|| format!("wrk does not say {name}\n{report}"))?;
    line.trim().parse().with_context(|| format!("wrk says {line:?} for {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found() {
        assert_eq!(
            field("  123 requests in 1s\nRequests/sec:  57000.5\n", "Requests/sec:").unwrap(),
            57000.5
        );
        assert!(field("", "Requests/sec:").is_err());
    }
}
