//! Faults of the whole endpoint, in the middle of an operation.

use std::collections::BTreeSet;
use std::time::Duration;

use xtask::dkron::{Cluster, Node};
use xtask::process::wait_for;
use xtask::proxy::{Fault, Proxy, Reply, Rule};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    apply, assert_plan_is_empty, errors, job, jobs, names_in_dkron, names_in_state, names_of_jobs, workspace,
};

const LIMIT: Duration = Duration::from_secs(60);
const JOBS: usize = 12;
const PREFIX: &str = "endpoint";

/// A node with a proxy before it, and jobs that have an owner.
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
        Self { node, proxy, workspace }
    }

    fn configure(&self, owner: &str) {
        let owner = format!("  owner = \"{owner}\"");
        self.workspace.write("main.tf", &jobs(PREFIX, JOBS, &owner)).unwrap();
    }

    fn assert_dkron_has(&self, owner: &str) {
        assert_eq!(names_in_dkron(&self.node), names_of_jobs(PREFIX, JOBS));
        for name in names_of_jobs(PREFIX, JOBS) {
            assert_eq!(self.node.job(&name).unwrap().unwrap()["owner"], owner, "{name}");
        }
    }

    /// Begins while the port is closed, and opens it when the provider has noticed.
    fn run_while_refused(&self, arguments: &[&str]) {
        self.proxy.close().unwrap();
        let mut command = self.workspace.spawn(arguments).unwrap();
        command
            .wait_until("a refused connection", LIMIT, || {
                Ok(self.workspace.read("terraform.log").unwrap_or_default().contains("trying again"))
            })
            .unwrap();
        self.proxy.open().unwrap();
        let status = command.wait(LIMIT).unwrap();
        assert!(status.success(), "{}{}", command.output().stdout(), command.output().stderr());
        self.workspace.remove("terraform.log").unwrap();
    }
}

#[test]
fn a_connection_that_is_refused_for_a_while_is_waited_for() {
    let mut stage = Stage::new();
    stage.workspace.env("TF_LOG_PROVIDER", "info").env("TF_LOG_PATH", "terraform.log");
    stage.configure("first");
    stage.run_while_refused(&["apply", "-auto-approve"]);
    stage.assert_dkron_has("first");
    stage.run_while_refused(&["plan", "-detailed-exitcode"]);
    stage.configure("second");
    stage.run_while_refused(&["apply", "-auto-approve", "-refresh=false"]);
    stage.assert_dkron_has("second");
    stage.run_while_refused(&["destroy", "-auto-approve", "-refresh=false"]);
    assert_eq!(names_in_dkron(&stage.node), BTreeSet::new());
}

/// Some requests into an operation the gateway before dkron does not want us any more.
#[test]
fn credentials_that_are_refused_in_the_middle_lose_nothing() {
    let stage = Stage::new();
    for (status, says, passed) in
        [(401, "the credentials are missing or wrong", 4), (403, "the credentials do not permit this", 25)]
    {
        let refuse = |arguments: &[&str]| {
            stage.proxy.inject(Rule::new("*", "*", Fault::Answer(Reply::new(status, "no"))).after(passed));
            let errors = errors(&stage.workspace, arguments);
            stage.proxy.heal();
            assert!(errors.iter().all(|error| error.detail.contains(says)), "{errors:#?}");
        };
        stage.configure("first");
        refuse(&["apply"]);
        assert_eq!(names_in_state(&stage.workspace), names_in_dkron(&stage.node));
        apply(&stage.workspace);
        stage.assert_dkron_has("first");

        stage.configure("second");
        refuse(&["apply"]);
        assert_eq!(names_in_state(&stage.workspace), names_of_jobs(PREFIX, JOBS));
        apply(&stage.workspace);
        stage.assert_dkron_has("second");

        refuse(&["destroy"]);
        // What was deleted and could not be looked at is still in state.
        assert!(names_in_state(&stage.workspace).is_superset(&names_in_dkron(&stage.node)));
        apply(&stage.workspace);
        stage.assert_dkron_has("second");
        stage.workspace.destroy(&[]).unwrap();
        assert_eq!(names_in_dkron(&stage.node), BTreeSet::new());
    }
}

/// An operation ends with its own time, says what it waited for, and shows the line that gives it more.
#[test]
fn an_operation_that_hangs_ends_with_its_time() {
    let stage = Stage::new();
    let config = |owner: &str, operation: &str| {
        let rest = format!(
            "  schedule = \"@manually\"\n  owner = \"{owner}\"\n  shell = {{ command = \"true\" }}\n  \
             timeouts = {{ {operation} = \"2s\" }}"
        );
        stage.workspace.write("main.tf", &job("endpoint_slow", &rest)).unwrap();
    };
    for (operation, owner, command, method) in [
        ("create", "first", &["apply"][..], "POST"),
        ("read", "first", &["plan"], "GET"),
        ("update", "second", &["apply"], "POST"),
        ("delete", "second", &["destroy"], "DELETE"),
    ] {
        config(owner, operation);
        if operation == "read" || operation == "delete" {
            // These timeouts are those of state.
            stage.workspace.apply(&[]).unwrap();
        }
        let hangs = Fault::Delay(LIMIT);
        stage.proxy.inject(Rule::new(method, "*", hangs).about("endpoint_slow"));
        let errors = errors(&stage.workspace, command);
        stage.proxy.heal();
        let [error] = errors.as_slice() else { panic!("{operation}: {errors:#?}") };
        for says in ["the time given for it is over", "/v1/jobs", "a longer time in `timeouts` helps"] {
            assert!(error.detail.contains(says), "{operation}: {error:#?}");
        }
        assert!(operation == "delete" || error.code.contains("timeouts = {"), "{operation}: {error:#?}");
        assert_eq!(names_in_state(&stage.workspace), names_in_dkron(&stage.node), "{operation}");
        if operation != "delete" {
            apply(&stage.workspace);
        }
    }
    stage.workspace.destroy(&[]).unwrap();
}

/// A leader that dies leaves its followers waiting for 10 s, and the election takes some more.
#[test]
fn a_request_timeout_shorter_than_an_election_does_no_harm() {
    let mut cluster = Cluster::start().unwrap();
    let mut workspace = workspace(&Terraform::on_path().unwrap(), "");
    workspace.env("KRONY_ENDPOINTS", cluster.urls().join(",")).env("KRONY_REQUEST_TIMEOUT", "1s");
    workspace.write("main.tf", &jobs(PREFIX, 100, "")).unwrap();
    let leader = cluster.wait_for_leader().unwrap();
    let survivor = (leader + 1) % cluster.nodes.len();
    let mut running = workspace.spawn(&["apply", "-auto-approve"]).unwrap();
    wait_for("some of the jobs", LIMIT, || {
        Ok((cluster.nodes[survivor].job_names()?.len() > 20).then_some(()))
    })
    .unwrap();
    cluster.nodes[leader].kill();
    let status = running.wait(LIMIT).unwrap();
    assert!(status.success(), "{}{}", running.output().stdout(), running.output().stderr());
    assert_plan_is_empty(&workspace);
    assert_eq!(names_in_dkron(&cluster.nodes[survivor]), names_of_jobs(PREFIX, 100));
}
