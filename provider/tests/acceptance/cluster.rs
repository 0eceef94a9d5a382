//! Three servers that elect a leader, which dies and comes back; followers that lag; a balancer before them all.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use receiver::Server;
use xtask::dkron::{Cluster, Node};
use xtask::process::wait_for;
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    apply, assert_plan_is_empty, end, jobs, names_in_dkron, names_of_jobs, plan_in_trouble, workspace,
};

const LIMIT: Duration = Duration::from_secs(180);

/// Jobs that call the receiver each second.
const TICKERS: usize = 5;

/// Ways in which a leader goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// SIGKILL: writes that are under way hang for 10 s.
    Killed,
    /// SIGTERM: the same, for its peers are not told.
    Terminated,
    /// `POST /v1/leave`: it tells its peers, and stays up with its store closed.
    Departed,
}

impl Death {
    const ALL: [Self; 3] = [Self::Killed, Self::Terminated, Self::Departed];

    fn strike(self, node: &mut Node) {
        match self {
            Self::Killed => node.kill(),
            Self::Terminated => node.stop().unwrap(),
            Self::Departed => node.depart().unwrap(),
        }
    }

    /// The prefix of the jobs that are created meanwhile.
    fn prefix(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Terminated => "terminated",
            Self::Departed => "departed",
        }
    }
}

/// A cluster and a workspace that knows all its servers.
struct Scene {
    cluster: Cluster,
    workspace: Workspace,
}

impl Scene {
    fn new() -> Self {
        let cluster = Cluster::start().unwrap();
        let mut workspace = workspace(&Terraform::on_path().unwrap(), "");
        workspace.env("KRONY_ENDPOINTS", cluster.urls().join(","));
        Self { cluster, workspace }
    }

    fn leader(&self) -> usize {
        self.cluster.wait_for_leader().unwrap()
    }

    /// Starts whoever is down, and waits until all agree.
    fn restore(&mut self) {
        for node in self.cluster.nodes.iter_mut().filter(|node| node.pid().is_none()) {
            node.launch().unwrap();
            node.wait_until_ready().unwrap();
        }
        self.leader();
    }

    /// The leader has these jobs, each once, and no others.
    fn assert_jobs(&self, expected: &BTreeSet<String>) {
        let mut names = self.cluster.nodes[self.leader()].job_names().unwrap();
        names.sort();
        assert_eq!(names, expected.iter().cloned().collect::<Vec<_>>());
    }

    /// Creates jobs while the leader dies, which nobody notices. Returns when it was struck.
    fn create_without_leader(&mut self, death: Death, count: usize) -> Timestamp {
        let prefix = death.prefix();
        self.workspace.write(&format!("{prefix}.tf"), &jobs(prefix, count, "")).unwrap();
        let leader = self.leader();
        let arguments = ["apply", "-auto-approve", "-no-color", "-parallelism=4"];
        let running = self.workspace.spawn(&arguments).unwrap();
        let created = |node: &Node| &names_in_dkron(node) & &names_of_jobs(prefix, count);
        wait_for("dkron to hold some of the jobs", LIMIT, || {
            Ok((created(&self.cluster.nodes[leader]).len() >= count / 6).then_some(()))
        })
        .unwrap();
        let there = created(&self.cluster.nodes[leader]).len();
        assert!(there < count, "all jobs are there already: this was not the middle");
        let struck = Timestamp::now();
        death.strike(&mut self.cluster.nodes[leader]);
        let finished = end(running);
        assert!(finished.success(), "{death:?}: {}", finished.text());
        assert_plan_is_empty(&self.workspace);
        // One that left is still up.
        self.cluster.nodes[leader].kill();
        struck
    }
}

/// What became of the ticks of jobs that run each second.
#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    /// Those that never came, of the job that lost the most and of all jobs together.
    missed: (usize, usize),
    /// Those that came twice, of all jobs together.
    doubled: usize,
}

impl Ticks {
    fn of(jobs: impl Iterator<Item = Vec<Timestamp>>) -> Self {
        let mut ticks = Self::default();
        for times in jobs {
            let gaps = times.windows(2).map(|pair| pair[0].duration_until(pair[1]).as_secs_f64().round());
            let seconds: Vec<_> = gaps.map(|gap| gap as usize).collect();
            let missed = seconds.iter().map(|gap| gap.saturating_sub(1)).sum::<usize>();
            ticks.missed = (ticks.missed.0.max(missed), ticks.missed.1 + missed);
            ticks.doubled += seconds.iter().filter(|gap| **gap == 0).count();
        }
        ticks
    }
}

fn tickers(receiver: &Server) -> String {
    let url = receiver.base_url();
    format!(
        "resource \"krony_job\" \"ticker\" {{\n  count = {TICKERS}\n  name = \"ticker_${{count.index}}\"\n  schedule = \
         \"@every 1s\"\n  tags = {{ server = \"true:1\" }}\n  http = {{ url = \
         \"{url}/log/ticker_${{count.index}}\" }}\n}}\n"
    )
}

async fn wait_for_ticks(receiver: &Server, count: usize) {
    let since = Timestamp::now();
    for name in names_of_jobs("ticker", TICKERS) {
        let wait = receiver.wait(&name, count, Some(since), LIMIT).await;
        assert!(wait.reached(), "{name} ticks no more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_leader_is_not_noticed() {
    let soak = std::env::var_os("KRONY_SOAK").is_some();
    let count = if soak { 300 } else { 60 };
    let receiver = Server::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut scene = Scene::new();
    scene.workspace.write("tickers.tf", &tickers(&receiver)).unwrap();
    apply(&scene.workspace);
    let mut expected = names_of_jobs("ticker", TICKERS);
    for death in Death::ALL {
        wait_for_ticks(&receiver, 3).await;
        let struck = scene.create_without_leader(death, count);
        wait_for_ticks(&receiver, 3).await;
        let from = struck - SignedDuration::from_secs(2);
        let times = |name: &String| receiver.times(name).into_iter().filter(|time| *time >= from).collect();
        let ticks = Ticks::of(names_of_jobs("ticker", TICKERS).iter().map(times));
        eprintln!("leader {}: ticks of {TICKERS} jobs each second: {ticks:?}", death.prefix());

        expected.extend(names_of_jobs(death.prefix(), count));
        scene.assert_jobs(&expected);
        // A server that left is taken in again after most of a minute only.
        if soak || death != Death::Departed {
            scene.restore();
            scene.assert_jobs(&expected);
            assert_plan_is_empty(&scene.workspace);
        }
    }
}

#[test]
fn a_server_that_restarts_loses_no_job() {
    let mut scene = Scene::new();
    scene.workspace.write("main.tf", &jobs("restarting", 40, "")).unwrap();
    apply(&scene.workspace);
    let all = scene.cluster.urls().join(",");
    for round in 0..4 {
        // The leader restarts, then a follower; all are asked, then only the one that restarts.
        let node = (scene.leader() + round % 2) % 3;
        let alone = scene.cluster.nodes[node].url();
        scene.cluster.nodes[node].launch().unwrap();
        scene.workspace.env("KRONY_ENDPOINTS", &all);
        assert!(plan_in_trouble(&scene.workspace, || {}), "two of three servers are well");
        scene.cluster.nodes[node].launch().unwrap();
        scene.workspace.env("KRONY_ENDPOINTS", &alone).env("KRONY_RETRY_BUDGET", "10s");
        plan_in_trouble(&scene.workspace, || {});
        scene.cluster.nodes[node].wait_until_ready().unwrap();
        scene.workspace.env("KRONY_RETRY_BUDGET", "1m");
    }
    scene.workspace.env("KRONY_ENDPOINTS", &all);
    assert_plan_is_empty(&scene.workspace);
}

#[test]
fn a_follower_that_lags_is_not_believed() {
    let mut scene = Scene::new();
    scene.workspace.write("main.tf", &jobs("lagging", 20, "")).unwrap();
    apply(&scene.workspace);
    let leader = scene.leader();
    let (follower, urls) = ((leader + 1) % 3, scene.cluster.urls());
    let others: Vec<_> = (0..3).filter(|index| *index != follower).map(|index| urls[index].clone()).collect();
    for rest in ["  owner = \"somebody\"", "  owner = \"somebody else\""] {
        // What it sleeps through, it does not know at first.
        scene.cluster.nodes[follower].pause().unwrap();
        scene.workspace.env("KRONY_ENDPOINTS", others.join(","));
        scene.workspace.write("main.tf", &jobs("lagging", 20, rest)).unwrap();
        apply(&scene.workspace);
        scene.cluster.nodes[follower].resume().unwrap();
        let endpoints = format!("{},{}", urls[follower], others.join(","));
        scene.workspace.env("KRONY_ENDPOINTS", endpoints);
        assert_plan_is_empty(&scene.workspace);
    }
    scene.workspace.destroy(&[]).unwrap();
    scene.assert_jobs(&BTreeSet::new());
}

/// Each request goes to another server, also to one that is down.
#[test]
fn a_balancer_before_the_servers_is_as_good_as_their_addresses() {
    let mut scene = Scene::new();
    let proxy = Proxy::balance(&scene.cluster.urls()).unwrap();
    scene.workspace.env("KRONY_ENDPOINTS", proxy.url());
    scene.workspace.write("main.tf", &jobs("balanced", 20, "")).unwrap();
    apply(&scene.workspace);
    scene.workspace.write("main.tf", &jobs("balanced", 20, "  owner = \"somebody\"")).unwrap();
    apply(&scene.workspace);
    scene.cluster.nodes[scene.leader()].delete_job("balanced_0").unwrap();
    apply(&scene.workspace);

    scene.create_without_leader(Death::Killed, 30);
    scene.assert_jobs(&(&names_of_jobs("balanced", 20) | &names_of_jobs("killed", 30)));
    scene.restore();
    assert_plan_is_empty(&scene.workspace);
    scene.workspace.destroy(&[]).unwrap();
    scene.assert_jobs(&BTreeSet::new());
}
