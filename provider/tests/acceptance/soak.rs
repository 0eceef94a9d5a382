//! Updates and deletes of jobs that run every second: a run that begins before a write stores the job as it was, and
//! must not have the last word.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use receiver::Server;
use xtask::dkron::Node;
use xtask::process::wait_for;
use xtask::proxy::{Proxy, Seen};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{assert_plan_is_empty, names_in_dkron, workspace, written};

/// How long after an apply everything is looked at again.
const AFTERWARDS: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(60);

/// How much is tried.
struct Effort {
    jobs: usize,
    /// How often each job is changed.
    updates: usize,
    /// How often all jobs are deleted.
    deletes: usize,
}

impl Effort {
    /// 2,000 updates and 520 deletes where there is time for them.
    fn chosen() -> Self {
        if std::env::var_os("KRONY_SOAK").is_some() {
            Self { jobs: 40, updates: 50, deletes: 13 }
        } else {
            Self { jobs: 30, updates: 1, deletes: 1 }
        }
    }
}

/// Jobs that run every second and call the receiver, with a proxy that counts what is written.
struct Stage {
    node: Node,
    proxy: Proxy,
    receiver: Server,
    workspace: Workspace,
    jobs: usize,
}

/// What a phase came to.
#[derive(Debug, Default)]
struct Figures {
    writes: usize,
    /// Writes that a run undid, so that they were sent again.
    repeated: usize,
}

impl Stage {
    async fn new(jobs: usize) -> Self {
        let node = Node::start().unwrap();
        let proxy = Proxy::start(&node.url()).unwrap();
        let receiver = Server::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let workspace = workspace(&Terraform::on_path().unwrap(), &proxy.url());
        Self { node, proxy, receiver, workspace, jobs }
    }

    /// Every second job keeps the seconds of the clock, the others count from their last write.
    fn configure(&self, round: usize) {
        let config = format!(
            r#"resource "krony_job" "soaked" {{
  count    = {}
  name     = "soaked_${{count.index}}"
  schedule = count.index % 2 == 0 ? "* * * * * *" : "@every 1s"
  owner    = "round {round}"
  tags     = {{ server = "true:1" }}
  http     = {{ url = "{}/log/soaked_${{count.index}}?round={round}" }}
}}
"#,
            self.jobs,
            self.receiver.base_url(),
        );
        self.workspace.write("main.tf", &config).unwrap();
    }

    fn names(&self) -> BTreeSet<String> {
        (0..self.jobs).map(|index| format!("soaked_{index}")).collect()
    }

    /// Applies, and counts how often a write had to be sent again.
    fn write(&self, command: &str, method: &str, figures: &mut Figures) {
        self.proxy.reset_count();
        self.workspace.expect(&[command, "-auto-approve", "-no-color", "-parallelism=40"]).unwrap();
        let names = self.names();
        let is_ours =
            |seen: &Seen| seen.method == method && seen.job().is_some_and(|job| names.contains(&job));
        let sent = self.proxy.seen().iter().filter(|seen| is_ours(seen)).count();
        figures.writes += self.jobs;
        figures.repeated += sent - self.jobs;
    }

    fn assert_round_is_stored(&self, round: usize) {
        for name in self.names() {
            let found = written(&self.node, &name).unwrap();
            assert_eq!(found["owner"], format!("round {round}"), "a run undid the update of {name}");
            let url = found["executor_config"]["url"].as_str().unwrap();
            assert!(url.ends_with(&format!("?round={round}")), "a run undid the update of {name}: {url}");
        }
    }

    /// Waits until every job has called since then.
    fn wait_for_calls(&self, since: Timestamp) {
        wait_for("each job to call the receiver", LIMIT, || {
            let called = |name: &String| self.receiver.times(name).last().is_some_and(|last| *last >= since);
            Ok(self.names().iter().all(called).then_some(()))
        })
        .unwrap();
    }

    /// Of the jobs that keep the seconds of the clock: how many seconds passed between first and last call, and how
    /// many of them had no call.
    fn ticks(&self) -> (i64, i64) {
        let ticks = (0..self.jobs).step_by(2).map(|index| {
            let times = self.receiver.times(&format!("soaked_{index}"));
            // A call comes a little after its second.
            let seconds: BTreeSet<i64> = times.iter().map(|time| time.as_second()).collect();
            let passed = seconds.last().unwrap() - seconds.first().unwrap() + 1;
            (passed, passed - seconds.len() as i64)
        });
        ticks.fold((0, 0), |(passed, missed), (more, without)| (passed + more, missed + without))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_has_the_last_word() {
    let effort = Effort::chosen();
    let stage = Stage::new(effort.jobs).await;
    let (mut created, mut updated, mut deleted) = <(Figures, Figures, Figures)>::default();
    stage.configure(0);
    stage.write("apply", "POST", &mut created);
    stage.wait_for_calls(Timestamp::now());
    for round in 1..=effort.updates {
        stage.configure(round);
        stage.write("apply", "POST", &mut updated);
        let applied = Timestamp::now();
        thread::sleep(AFTERWARDS);
        stage.assert_round_is_stored(round);
        stage.wait_for_calls(applied);
    }
    assert_plan_is_empty(&stage.workspace);
    let (seconds, missed) = stage.ticks();
    for round in 1..=effort.deletes {
        stage.write("destroy", "DELETE", &mut deleted);
        thread::sleep(AFTERWARDS);
        assert_eq!(names_in_dkron(&stage.node), BTreeSet::new(), "a run undid a delete");
        if round < effort.deletes {
            stage.write("apply", "POST", &mut created);
            stage.wait_for_calls(Timestamp::now());
        }
    }
    eprintln!(
        "created {created:?}\nupdated {updated:?}\ndeleted {deleted:?}\n{missed} of {seconds} ticks without a call"
    );
}
