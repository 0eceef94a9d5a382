//! Applies that do not come to their end: the next one does, and state never names a job that is not there.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use xtask::dkron::Node;
use xtask::process::{Signal, send, wait_for};
use xtask::proxy::{Fault, Proxy, Rule};
use xtask::terraform::{Terraform, Workspace, provider_pids};

use crate::support::{apply, end, errors, jobs, names_in_dkron, names_in_state, names_of_jobs, workspace};

const LIMIT: Duration = Duration::from_secs(120);
const JOBS: usize = 200;
const MIDDLE: RangeInclusive<usize> = 40..=160;
const PREFIX: &str = "killed";

/// A node with a proxy that slows writes down, so that there is a middle to interrupt.
struct Stage {
    node: Node,
    proxy: Proxy,
    workspace: Workspace,
}

impl Stage {
    fn new() -> Self {
        let node = Node::start().unwrap();
        let proxy = Proxy::start(&node.url()).unwrap();
        let workspace = workspace(&Terraform::on_path().unwrap(), &proxy.url());
        workspace.write("main.tf", &jobs(PREFIX, JOBS, "")).unwrap();
        let stage = Self { node, proxy, workspace };
        stage.slow_down();
        stage
    }

    fn slow_down(&self) {
        for method in ["POST", "DELETE"] {
            self.proxy.inject(Rule::new(method, "*", Fault::Delay(Duration::from_millis(50))));
        }
    }

    /// Waits until dkron holds a number of jobs that is in the middle.
    fn wait_for_the_middle(&self) {
        wait_for("dkron to hold some of the jobs", LIMIT, || {
            Ok(MIDDLE.contains(&names_in_dkron(&self.node).len()).then_some(()))
        })
        .unwrap();
    }

    fn assert_state_is_what_dkron_has(&self) {
        assert_eq!(names_in_state(&self.workspace), names_in_dkron(&self.node));
    }

    fn assert_all_is_there(&self) {
        self.assert_state_is_what_dkron_has();
        assert_eq!(names_in_dkron(&self.node), names_of_jobs(PREFIX, JOBS));
    }
}

#[test]
fn what_is_interrupted_goes_on_with_the_next_apply() {
    let stage = Stage::new();
    for command in ["apply", "destroy"] {
        stage.slow_down();
        let mut running = stage.workspace.spawn(&[command, "-auto-approve", "-no-color"]).unwrap();
        stage.wait_for_the_middle();
        // As Ctrl-C on a terminal: Terraform and provider hear it.
        running.signal_group(Signal::INT).unwrap();
        let finished = end(running);
        assert_eq!(finished.code, 1, "{}", finished.text());
        assert!(finished.stdout.contains("Gracefully shutting down"), "{}", finished.text());
        assert!(!finished.text().contains("lugin did not respond"), "{}", finished.text());
        let left = names_in_dkron(&stage.node).len();
        assert!((1..JOBS).contains(&left), "{left} jobs are there: this was not the middle");
        stage.assert_state_is_what_dkron_has();

        stage.proxy.heal();
        apply(&stage.workspace);
        stage.assert_all_is_there();
    }
}

#[test]
fn a_killed_provider_leaves_jobs_that_can_be_taken_over() {
    let mut stage = Stage::new();
    // The look that follows a write takes long, so that at any time jobs are written of which Terraform has not heard.
    for name in names_of_jobs(PREFIX, JOBS) {
        let slow = Fault::Delay(Duration::from_millis(500));
        stage.proxy.inject(Rule::new("GET", &format!("/v1/jobs/{name}"), slow).after(1));
    }
    let running = stage.workspace.spawn(&["apply", "-auto-approve", "-no-color"]).unwrap();
    stage.wait_for_the_middle();
    let providers = provider_pids(&running);
    assert_eq!(providers.len(), 1, "{providers:?}");
    send(providers[0], Signal::KILL).unwrap();
    let finished = end(running);
    assert_eq!(finished.code, 1, "{}", finished.text());
    let (there, state) = (names_in_dkron(&stage.node), names_in_state(&stage.workspace));
    assert!(there.len() < JOBS, "this was not the middle");
    assert!(there.is_superset(&state), "not there: {:?}", state.difference(&there));
    let orphans: BTreeSet<_> = there.difference(&state).cloned().collect();
    assert!(!orphans.is_empty(), "no job was in flight");

    stage.proxy.heal();
    let mut errors = errors(&stage.workspace, &["apply"]);
    assert_eq!(errors.len(), orphans.len(), "{errors:#?}");
    for name in &orphans {
        let block = format!("import {{\n  to = krony_job.{name}\n  id = \"{name}\"\n}}\n");
        errors.retain(|error| !error.detail.contains(&block));
    }
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(names_in_dkron(&stage.node), names_of_jobs(PREFIX, JOBS));
    assert_eq!(&names_in_state(&stage.workspace) | &orphans, names_of_jobs(PREFIX, JOBS));

    stage.workspace.env("KRONY_ADOPT", "identical");
    apply(&stage.workspace);
    stage.assert_all_is_there();
}

#[test]
fn an_apply_outlives_a_killed_dkron() {
    let mut stage = Stage::new();
    // Without the proxy, which would turn a lost connection into an answer.
    stage.workspace.env("KRONY_ENDPOINT", stage.node.url());
    let running = stage.workspace.spawn(&["apply", "-auto-approve", "-no-color"]).unwrap();
    stage.wait_for_the_middle();
    stage.node.restart().unwrap();
    let finished = end(running);
    assert!(finished.success(), "{}", finished.text());
    stage.assert_all_is_there();
    apply(&stage.workspace);
    stage.assert_all_is_there();
}
