//! The receiver as a process of its own, so that it can go on after the demo.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use xtask::http;
use xtask::ports::Port;
use xtask::process::{Group, Running};

const READY: Duration = Duration::from_secs(30);

/// A running receiver on a free loopback port.
pub(super) struct Receiver {
    port: Port,
    running: Running,
}

impl Receiver {
    pub(super) fn start(program: &Path) -> Result<Self> {
        let port = Port::lease()?;
        let mut command = Command::new(program);
        command.arg("--bind").arg(port.address());
        let running = Running::start("the receiver", &mut command, Group::Shared)?;
        let mut receiver = Self { port, running };
        let url = format!("{}/healthz", receiver.url());
        let ready = receiver
            .running
            .wait_until("the receiver to answer", READY, || Ok(http::get(&url)?.status == 200));
        ready.with_context(|| format!("its last output:\n{}", receiver.running.output().tail(15)))?;
        Ok(receiver)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// All calls that it remembers.
    pub(super) fn calls(&self) -> Result<Calls> {
        let answer = http::get(&format!("{}/logs", self.url()))?;
        ensure!(answer.status == 200, "the receiver answers {answer} to GET /logs");
        serde_json::from_str(&answer.body).map(Calls).with_context(|| format!("no record of calls: {answer}"))
    }

    /// Forgets all calls.
    pub(super) fn clear(&self) -> Result<()> {
        let answer = http::delete(&format!("{}/logs", self.url()))?;
        if answer.status >= 300 {
            bail!("the receiver answers {answer} to DELETE /logs");
        }
        Ok(())
    }

    /// Lets it go on; returns its process id.
    pub(super) fn leave(self) -> u32 {
        self.running.leave()
    }
}

/// The times of calls (RFC 3339) by token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Calls(BTreeMap<String, Vec<String>>);

impl Calls {
    /// How many calls there were to a token.
    pub(super) fn count(&self, token: &str) -> usize {
        self.0.get(token).map_or(0, Vec::len)
    }

    /// How many calls there were at all.
    pub(super) fn total(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Calls that an earlier look did not show, as (time, token) in the order of time.
    pub(super) fn since(&self, earlier: &Self) -> Vec<(String, String)> {
        let fresh = |(token, times): (&String, &Vec<String>)| {
            let new = times.iter().skip(earlier.count(token));
            new.map(|time| (time.clone(), token.clone())).collect::<Vec<_>>()
        };
        let mut calls: Vec<_> = self.0.iter().flat_map(fresh).collect();
        calls.sort();
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(list: &[(&str, &[&str])]) -> Calls {
        let times = |times: &[&str]| times.iter().map(|time| (*time).to_owned()).collect();
        Calls(list.iter().map(|(token, list)| ((*token).to_owned(), times(list))).collect())
    }

    #[test]
    fn only_new_calls_are_shown_in_order() {
        let earlier = calls(&[("a", &["1"])]);
        let now = calls(&[("a", &["1", "4"]), ("b", &["2", "3"])]);
        let shown: Vec<String> =
            now.since(&earlier).into_iter().map(|(time, token)| format!("{time}{token}")).collect();
        assert_eq!(shown, ["2b", "3b", "4a"]);
        assert_eq!((now.count("a"), now.total(), now.count("c")), (2, 4, 0));
        assert!(now.since(&now).is_empty());
    }
}
