//! How many requests a job costs: counted by a proxy, with a number of jobs and with twice as many.

use std::collections::{BTreeMap, BTreeSet};

use xtask::dkron::Node;
use xtask::proxy::{Proxy, Seen};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{jobs, names_of_jobs, workspace};

/// The requests of one command.
#[derive(Debug)]
struct Traffic {
    /// Number of requests about each job.
    of_jobs: BTreeMap<String, usize>,
    /// Number of all others, which a process needs to know whom to ask.
    others: usize,
    /// Number of all that are no GET.
    writes: usize,
}

/// The job that a request is about.
fn subject(seen: &Seen) -> Option<String> {
    seen.job().filter(|name| name != "krony-barrier")
}

impl Traffic {
    fn of(proxy: &Proxy, command: impl FnOnce()) -> Self {
        proxy.reset_count();
        command();
        let seen = proxy.seen();
        let mut of_jobs = BTreeMap::new();
        for name in seen.iter().filter_map(subject) {
            *of_jobs.entry(name).or_default() += 1;
        }
        let others = seen.len() - of_jobs.values().sum::<usize>();
        Self { of_jobs, others, writes: seen.iter().filter(|seen| seen.method != "GET").count() }
    }
}

/// The commands that follow each other in the life of so many jobs.
fn life(count: usize) -> Vec<(&'static str, Traffic)> {
    let node = Node::start().unwrap();
    let proxy = Proxy::start(&node.url()).unwrap();
    let workspace = workspace(&Terraform::on_path().unwrap(), &proxy.url());
    let write = |rest| workspace.write("main.tf", &jobs("counted", count, rest)).unwrap();
    let apply = |workspace: &Workspace| drop(workspace.apply(&[]).unwrap());
    write("");
    let create = Traffic::of(&proxy, || apply(&workspace));
    let plan = Traffic::of(&proxy, || assert!(workspace.plan_is_empty(&[]).unwrap()));
    let unchanged = Traffic::of(&proxy, || apply(&workspace));
    write("  owner = \"somebody\"");
    let update = Traffic::of(&proxy, || apply(&workspace));
    let destroy = Traffic::of(&proxy, || drop(workspace.destroy(&[]).unwrap()));
    assert_eq!(node.job_names().unwrap(), Vec::<String>::new());
    vec![
        ("create", create),
        ("plan", plan),
        ("unchanged", unchanged),
        ("update", update),
        ("destroy", destroy),
    ]
}

/// More than a process may ask to find out whom to believe: one question for each of its connections, and the proof
/// that the leader has caught up. It does not grow with the number of jobs.
const CONSTANT: usize = 16;

#[test]
fn a_job_costs_so_many_requests_and_no_more() {
    for count in [20, 40] {
        for (command, traffic) in life(count) {
            let Traffic { of_jobs, others, writes } = &traffic;
            let names: BTreeSet<_> = of_jobs.keys().cloned().collect();
            assert_eq!(names, names_of_jobs("counted", count), "{command}");
            let most = of_jobs.values().max().copied().unwrap_or_default();
            match command {
                // One look at each job, and not a single other request.
                "plan" | "unchanged" => {
                    assert_eq!((most, *others, *writes), (1, 0, 0), "{command}: {traffic:#?}");
                }
                // A look, the write, and a look at what it did; before it, the refresh unless the job is new.
                "create" => assert!(most <= 3, "{command}: {traffic:#?}"),
                _ => assert!(most <= 4, "{command}: {traffic:#?}"),
            }
            assert!(*others <= CONSTANT, "{command} of {count} jobs: {traffic:#?}");
        }
    }
}
