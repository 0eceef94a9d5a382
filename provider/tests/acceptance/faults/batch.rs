//! All cells of one operation: a job for each of them, in one root behind one proxy.

use std::collections::BTreeSet;

use serde_json::Value;
use xtask::dkron::Node;
use xtask::process::Finished;
use xtask::proxy::Proxy;
use xtask::terraform::{Terraform, Workspace};

use super::table::{COLUMNS, Column, End, MAX_WAIT, Operation, REQUEST_TIMEOUT, RETRY_BUDGET, ROWS, Row};
use crate::support::{Finding, assert_plan_is_empty, findings, names_in_dkron, names_in_state, workspace};

/// All jobs at once, so that no fault waits for another.
const PARALLEL: &str = "-parallelism=100";
/// Marks every secret, and occurs nowhere else.
const CANARY: &str = "canary";

/// A fault and the column in which it is met.
pub(super) type Place = (&'static str, Column);

struct Cell {
    row: &'static Row,
    column: Column,
    end: End,
    job: String,
}

impl Cell {
    /// The cells of one operation that can be, either of jobs that run meanwhile or of those that do not.
    fn all(operation: Operation, runs: bool) -> Vec<Self> {
        let columns = COLUMNS.into_iter().enumerate().filter(|(_, column)| column.operation == operation);
        let cells = columns.flat_map(|(index, column)| {
            ROWS.iter().filter(move |row| row.runs() == runs).map(move |row| {
                let job = format!("{} {}", column.title(), row.fault).to_lowercase();
                let job = job.replace(|other: char| !other.is_ascii_alphanumeric(), "_");
                Self { row, column, end: row.ends[index], job }
            })
        });
        cells.filter(|cell| !matches!(cell.end, End::Missing)).collect()
    }

    fn configuration(&self, owner: &str, starts_later: bool) -> String {
        let job = &self.job;
        // Its runs are due, but it has expired: dkron's own runs would undo what the proxy undoes.
        let schedule =
            if self.row.runs() { "@every 1s\"\n  expires_at = \"2020-01-01T00:00:00Z" } else { "@manually" };
        let starts_at = if starts_later && self.row.starts_later() {
            "  starts_at = \"2040-01-01T00:00:00Z\"\n"
        } else {
            ""
        };
        format!(
            "resource \"krony_job\" \"{job}\" {{\n  name = \"{job}\"\n  schedule = \"{schedule}\"\n  \
             tags = {{ server = \"true:1\" }}\n  owner = \"{owner}\"\n{starts_at}  \
             http = {{\n    url = \"http://127.0.0.1:9\"\n    headers = {{ X-Key = \"{CANARY} of {job}\" }}\n  }}\n}}\n"
        )
    }

    /// The errors of this cell among all.
    fn errors<'a>(&self, errors: &'a [Finding]) -> Vec<&'a Finding> {
        let name = format!("{:?}", self.job);
        let is_ours = |error: &&Finding| error.summary.contains(&name) || error.detail.contains(&name);
        errors.iter().filter(is_ours).collect()
    }

    /// What is wrong with the errors of this cell, if anything is.
    fn complaint(&self, errors: &[Finding]) -> Option<String> {
        let errors = self.errors(errors);
        match (self.end, errors.as_slice()) {
            (End::Succeeds, []) => None,
            (End::Fails(says), [error])
                if error.detail.contains(says)
                    && error.address == self.address()
                    && (!self.row.starts_later() || error.code.contains("starts_at =")) =>
            {
                None
            }
            _ => Some(format!("expected {:?}, found {errors:#?}", self.end)),
        }
    }

    /// Where Terraform reports an error. To those of imports and deletes it gives no place.
    fn address(&self) -> String {
        match self.column.operation {
            Operation::Import | Operation::Delete => String::new(),
            Operation::Data => format!("data.krony_job.{}", self.job),
            Operation::Read | Operation::Create | Operation::Update => format!("krony_job.{}", self.job),
        }
    }

    /// Whether state must say what dkron has: not where no look is possible, and the error admits that. Beside deletes
    /// these may be writes that a busy machine did not acknowledge in time.
    fn is_known(&self, errors: &[Finding]) -> bool {
        let admits = |error: &Finding| error.detail.contains("Whether the write was applied is not known");
        !(self.column.look && self.errors(errors).into_iter().any(admits))
    }
}

pub(super) struct Batch<'a> {
    operation: Operation,
    /// Whether the jobs run meanwhile. What a run does, and is undone, takes its time: nobody hurries it.
    runs: bool,
    cells: Vec<Cell>,
    node: &'a Node,
    proxy: Proxy,
    workspace: Workspace,
}

impl<'a> Batch<'a> {
    pub(super) fn new(operation: Operation, runs: bool, node: &'a Node) -> Self {
        let proxy = Proxy::start(&node.url()).unwrap();
        let mut workspace = workspace(&Terraform::on_path().unwrap(), &proxy.url());
        // The way out where an error admits that nobody knows whether the job was created.
        workspace.env("KRONY_ADOPT", "identical").env("KRONY_TOKEN", format!("{CANARY} of the token"));
        Self { operation, runs, cells: Cell::all(operation, runs), node, proxy, workspace }
    }

    /// Meets all faults and goes on without them; returns the cells that do not end as they should, and why.
    pub(super) fn complaints(mut self) -> Vec<(Place, String)> {
        if self.cells.is_empty() {
            return Vec::new();
        }
        self.prepare();
        let state = self.state();
        for cell in &self.cells {
            let before = self.node.job(&cell.job).unwrap();
            cell.row
                .rule(cell.column, &cell.job, before)
                .into_iter()
                .for_each(|rule| self.proxy.inject(rule));
        }
        self.proxy.reset_count();
        if !self.runs {
            self.be_patient(REQUEST_TIMEOUT, RETRY_BUDGET, MAX_WAIT);
        }
        let finished = self.workspace.run(&self.command()).unwrap();
        self.be_patient("20s", "60s", "5s");
        let unmet = self.proxy.unmet();
        self.proxy.heal();

        let text = finished.text();
        assert_eq!(finished.code, 1, "{text}");
        assert!(!text.contains("panic") && !text.contains(CANARY), "{text}");
        let errors = errors(&finished);
        let mut complaints = self.unexpected(&errors);
        let is_unmet = |cell: &&Cell| unmet.iter().any(|rule| rule.job() == Some(&cell.job));
        let unmet = self.cells.iter().filter(is_unmet);
        complaints.extend(unmet.map(|cell| (place(cell), "no request met the fault".to_owned())));
        if self.changes_nothing() {
            assert_eq!(self.state(), state, "state changed");
            assert!(
                !text.contains("\"type\":\"planned_change\"") || self.operation != Operation::Read,
                "{text}"
            );
        } else {
            complaints.extend(self.untrue(&errors));
        }
        self.converge();
        complaints
    }

    fn be_patient(&mut self, request_timeout: &str, retry_budget: &str, max_wait: &str) {
        self.workspace
            .env("KRONY_REQUEST_TIMEOUT", request_timeout)
            .env("KRONY_RETRY_BUDGET", retry_budget)
            .env("KRONY_RETRY_MAX_WAIT", max_wait);
    }

    fn changes_nothing(&self) -> bool {
        matches!(self.operation, Operation::Read | Operation::Import | Operation::Data)
    }

    fn prepare(&self) {
        match self.operation {
            Operation::Create => self.configure("after", true),
            Operation::Update | Operation::Delete | Operation::Read | Operation::Import | Operation::Data => {
                self.configure("before", false);
                self.workspace.apply(&[PARALLEL]).unwrap();
            }
        }
        match self.operation {
            Operation::Read => {}
            Operation::Import => {
                self.workspace.remove("terraform.tfstate").unwrap();
                self.add(|job| format!("import {{\n  to = krony_job.{job}\n  id = \"{job}\"\n}}\n"));
            }
            Operation::Data => {
                self.add(|job| format!("data \"krony_job\" \"{job}\" {{\n  name = \"{job}\"\n}}\n"));
            }
            Operation::Create => drop(self.workspace.plan(&["-out=plan"]).unwrap()),
            Operation::Update => {
                self.configure("after", true);
                self.workspace.plan(&["-out=plan"]).unwrap();
            }
            Operation::Delete => drop(self.workspace.plan(&["-destroy", "-out=plan"]).unwrap()),
        }
    }

    /// The command that meets the faults: of an apply only the apply itself, for its plan is made already.
    fn command(&self) -> Vec<&'static str> {
        let command: &[_] = match self.operation {
            Operation::Read | Operation::Import => &["plan"],
            Operation::Data => &["plan", "-refresh=false"],
            Operation::Create | Operation::Update | Operation::Delete => &["apply", "-auto-approve"],
        };
        let plan: &[_] = if self.changes_nothing() { &[] } else { &["plan"] };
        [command, &["-json", PARALLEL], plan].concat()
    }

    fn configure(&self, owner: &str, starts_later: bool) {
        let configuration: String =
            self.cells.iter().map(|cell| cell.configuration(owner, starts_later)).collect();
        self.workspace.write("main.tf", &configuration).unwrap();
    }

    fn add(&self, block: impl Fn(&str) -> String) {
        let blocks: String = self.cells.iter().map(|cell| block(&cell.job)).collect();
        self.workspace.write("more.tf", &blocks).unwrap();
    }

    fn state(&self) -> Option<String> {
        self.workspace.read("terraform.tfstate").ok()
    }

    fn unexpected(&self, errors: &[Finding]) -> Vec<(Place, String)> {
        let complaints = self.cells.iter().filter_map(|cell| Some((place(cell), cell.complaint(errors)?)));
        complaints.collect()
    }

    /// The cells after which state says something else than dkron.
    fn untrue(&self, errors: &[Finding]) -> Vec<(Place, String)> {
        let state = self.workspace.show().unwrap();
        let resources = state["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
        let owner_in_state = |job: &str| {
            let found = resources.iter().find(|resource| resource["values"]["name"] == job)?;
            Some(found["values"]["owner"].clone())
        };
        let owner_in_dkron = |job: &str| Some(self.node.job(job).unwrap()?["owner"].clone());
        let compare = |cell: &Cell| {
            let (state, dkron) = (owner_in_state(&cell.job), owner_in_dkron(&cell.job));
            let complaint = format!("state has the owner {state:?}, and dkron {dkron:?}");
            (cell.is_known(errors) && state != dkron).then(|| (place(cell), complaint))
        };
        self.cells.iter().filter_map(compare).collect()
    }

    /// The next apply without the faults: all is as configured, and nothing there twice.
    fn converge(&self) {
        let (owner, mut expected) = match self.operation {
            Operation::Create | Operation::Update => ("after", self.names()),
            Operation::Delete => ("before", BTreeSet::new()),
            Operation::Read | Operation::Import | Operation::Data => ("before", self.names()),
        };
        if self.operation == Operation::Delete {
            self.workspace.destroy(&[PARALLEL]).unwrap();
        } else {
            self.configure(owner, false);
            self.workspace.apply(&[PARALLEL]).unwrap();
            assert_plan_is_empty(&self.workspace);
        }
        assert_eq!(names_in_state(&self.workspace), expected);
        let ours = self.names();
        for name in names_in_dkron(self.node).intersection(&ours) {
            assert!(expected.remove(name), "{name} should be gone");
            let job: Value = self.node.job(name).unwrap().unwrap();
            assert_eq!(job["owner"], owner, "{name}");
        }
        assert_eq!(expected, BTreeSet::new(), "are not there");
    }

    fn names(&self) -> BTreeSet<String> {
        self.cells.iter().map(|cell| cell.job.clone()).collect()
    }
}

fn errors(finished: &Finished) -> Vec<Finding> {
    let mut errors = findings(finished);
    errors.retain(|finding| finding.severity == "error");
    errors
}

fn place(cell: &Cell) -> Place {
    (cell.row.fault, cell.column)
}
