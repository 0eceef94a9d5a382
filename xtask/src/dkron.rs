//! Real dkron nodes on loopback ports, alone or as a cluster of three.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Answer};
use crate::ports::Port;
use crate::process::{self, Group, Running, Signal};
use crate::tools;

/// A node that has not answered by then will not: alone it takes 2.5 s, three under load 15 s.
const READY: Duration = Duration::from_secs(90);
/// A node that runs a job waits for its end on SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// One dkron agent with its own ports and data. Dropping it kills it and removes the data.
#[derive(Debug)]
pub struct Node {
    program: PathBuf,
    name: String,
    http: Port,
    rpc: Port,
    gossip: Port,
    /// How many servers there are in all.
    servers: usize,
    /// Gossip addresses of servers to join; it does not answer before it has joined one of them.
    peers: Vec<String>,
    folder: TempDir,
    running: Option<Running>,
}

impl Node {
    /// Starts a node alone and waits until it leads.
    ///
    /// # Errors
    /// When there is no dkron (see [`tools::dkron`]) or it does not come up; the error carries its log.
    pub fn start() -> Result<Self> {
        let program = tools::dkron().obtain()?;
        // A port can be taken by a program that knows nothing of our leases.
        let mut attempts = 3;
        loop {
            attempts -= 1;
            let mut node = Self::new(&program, "krony")?;
            match node.restart() {
                Err(_) if attempts > 0 && node.log().contains("address already in use") => {}
                result => return result.map(|()| node),
            }
        }
    }

    fn new(program: &Path, name: &str) -> Result<Self> {
        Ok(Self {
            program: program.to_owned(),
            name: name.to_owned(),
            http: Port::lease()?,
            rpc: Port::lease()?,
            gossip: Port::lease()?,
            servers: 1,
            peers: Vec::new(),
            folder: tempfile::Builder::new()
                .prefix("krony-dkron-")
                .tempdir()
                .context("cannot create a temporary folder for dkron's data")?,
            running: None,
        })
    }

    /// The name that answers carry in `X-Whom`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `http://127.0.0.1:PORT`, the same after a restart.
    pub fn url(&self) -> String {
        format!("http://{}", self.http.address())
    }

    /// The process id while the node runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Running::pid)
    }

    /// Everything the node has logged, over all its starts.
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("dkron.log")
    }

    /// Starts the node on its ports and data, killing it first if it runs, and waits until it knows
    /// a leader.
    ///
    /// # Errors
    /// When it does not come up; the error carries its log.
    pub fn restart(&mut self) -> Result<()> {
        self.launch()?;
        self.wait_until_ready()
    }

    /// Starts the node as [`Node::restart`] does, but returns at once: for the moments in which a node
    /// answers and does not yet know what it should.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn launch(&mut self) -> Result<()> {
        self.kill();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .with_context(|| format!("cannot open {}", self.log_path().display()))?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        self.running = Some(Running::start_uncaptured("dkron", &mut command, Group::Shared)?);
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["agent", "--server", "--disable-usage-stats", "--log-level=info"]);
        command.arg(format!("--node-name={}", self.name));
        command.arg(format!("--bootstrap-expect={}", self.servers));
        command.arg(format!("--data-dir={}", self.folder.path().join("data").display()));
        command.arg(format!("--bind-addr={}", self.gossip.address()));
        command.arg(format!("--advertise-addr={}", self.gossip.address()));
        command.arg(format!("--rpc-port={}", self.rpc.number()));
        command.arg(format!("--http-addr={}", self.http.address()));
        for peer in &self.peers {
            command.arg(format!("--retry-join={peer}"));
        }
        if !self.peers.is_empty() {
            command.arg("--retry-interval=1s");
        }
        // It reads a configuration from its folder and from DKRON_… variables, and its executors leave
        // sockets in the temporary folder when they are killed.
        command.current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("TMPDIR", self.folder.path());
        command.envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }

    /// Waits until the node answers and knows a leader.
    ///
    /// # Errors
    /// When it ends or takes longer than 90 s; the error carries its log.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let url = self.url();
        let running = self.running.as_mut().context("this dkron node was not started")?;
        let ready = running.wait_until(&format!("a leader at {url}"), READY, || {
            Ok(http::get(&format!("{url}/v1/leader"))?.status == 200)
        });
        ready.with_context(|| format!("dkron did not come up; its log ends:\n{}", self.log_tail()))
    }

    /// Waits until the node takes part in gossip, which is before it knows a leader.
    fn wait_until_gossiping(&mut self) -> Result<()> {
        let log = self.log_path();
        let running = self.running.as_mut().context("this dkron node was not started")?;
        let up = running.wait_until("a dkron server to start", READY, || {
            Ok(fs::read_to_string(&log)?.contains("Listen for events"))
        });
        up.with_context(|| format!("dkron did not come up; its log ends:\n{}", self.log_tail()))
    }

    fn log_tail(&self) -> String {
        process::tail(&self.log(), 15)
    }

    /// Stops the node as an operator does (SIGTERM); after 10 s it is killed.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        running.signal(Signal::TERM)?;
        // Killed by the end of its handle in any case, as is what its jobs started.
        let _ = running.wait(GRACE);
        Ok(())
    }

    /// Kills the node (SIGKILL), as a crash does, and what its jobs started.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Takes the server out of its cluster (`POST /v1/leave`). It stays up until it is killed, with its
    /// store closed: it then says of every job that there is none.
    ///
    /// # Errors
    /// When it does not answer with 200.
    pub fn depart(&self) -> Result<()> {
        let answer = http::send("POST", &format!("{}/v1/leave", self.url()), "")?;
        ensure!(answer.status == 200, "dkron answers {answer} to POST /v1/leave");
        Ok(())
    }

    /// Freezes the node (SIGSTOP): it keeps its connections and answers nothing.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&mut self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen node go on (SIGCONT).
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        self.running.as_mut().context("this dkron node does not run")?.signal(signal)
    }

    /// Names of all jobs, as this node knows them.
    ///
    /// # Errors
    /// When the node does not answer with a list.
    pub fn job_names(&self) -> Result<Vec<String>> {
        let answer = http::get(&format!("{}/v1/jobs", self.url()))?;
        let jobs = answer.json()?;
        let jobs = jobs.as_array().with_context(|| format!("dkron's list of jobs is no list: {jobs}"))?;
        Ok(jobs.iter().filter_map(|job| Some(job["name"].as_str()?.to_owned())).collect())
    }

    /// The job as dkron has it, or nothing if there is none by that name.
    ///
    /// # Errors
    /// When the node answers anything but 200 and 404.
    pub fn job(&self, name: &str) -> Result<Option<Value>> {
        let answer = http::get(&format!("{}/v1/jobs/{name}", self.url()))?;
        match answer.status {
            404 => Ok(None),
            200 => answer.json().map(Some),
            _ => Err(anyhow!("dkron answers {answer} to GET /v1/jobs/{name}")),
        }
    }

    /// Writes a job behind Terraform's back.
    ///
    /// # Errors
    /// When dkron refuses it.
    pub fn put_job(&self, job: &Value) -> Result<()> {
        let answer = http::post_json(&format!("{}/v1/jobs", self.url()), job)?;
        ensure!(answer.status == 201, "dkron answers {answer} to POST /v1/jobs");
        Ok(())
    }

    /// Deletes a job behind Terraform's back.
    ///
    /// # Errors
    /// When dkron answers anything but 200.
    pub fn delete_job(&self, name: &str) -> Result<()> {
        let answer = http::delete(&format!("{}/v1/jobs/{name}", self.url()))?;
        ensure!(answer.status == 200, "dkron answers {answer} to DELETE /v1/jobs/{name}");
        Ok(())
    }

    /// Runs a job and waits for the end of the run, 20 s at most.
    ///
    /// # Errors
    /// When dkron does not run it.
    pub fn run_job(&self, name: &str) -> Result<()> {
        let path = format!("/v1/jobs/{name}/run");
        let answer = http::post_json(&format!("{}{path}", self.url()), &Value::Null)?;
        ensure!(answer.status == 200, "dkron answers {answer} to POST {path}");
        Ok(())
    }

    /// Whether no job is running.
    ///
    /// # Errors
    /// When the node does not answer with a list; where a server of a cluster is down it never does.
    pub fn is_idle(&self) -> Result<bool> {
        let running = http::get(&format!("{}/v1/busy", self.url()))?.json()?;
        // An empty list of Go is null.
        Ok(running.is_null() || running.as_array().is_some_and(Vec::is_empty))
    }

    /// The name of the leader as this node knows it, or nothing if it knows none.
    ///
    /// # Errors
    /// When the node does not answer.
    pub fn leader_name(&self) -> Result<Option<String>> {
        let Answer { status, body } = http::get(&format!("{}/v1/leader", self.url()))?;
        if status != 200 {
            return Ok(None);
        }
        let member: Value = serde_json::from_str(&body).context("dkron's leader is no JSON")?;
        Ok(member["Name"].as_str().map(str::to_owned))
    }

    /// Lets the node go on after this handle has gone. Returns its process id and its folder, which
    /// are then yours to end and to remove.
    ///
    /// # Errors
    /// When it does not run.
    pub fn leave(mut self) -> Result<(u32, PathBuf)> {
        let running = self.running.take().context("this dkron node does not run")?;
        Ok((running.leave(), self.folder.keep()))
    }
}

/// Three servers that elect a leader among them.
#[derive(Debug)]
pub struct Cluster {
    /// The servers; stop, kill and restart them one by one.
    pub nodes: Vec<Node>,
}

impl Cluster {
    /// Starts three servers and waits until all of them know the same leader.
    ///
    /// # Errors
    /// When there is no dkron or the servers do not come together; the error carries a log.
    pub fn start() -> Result<Self> {
        let program = tools::dkron().obtain()?;
        let mut nodes =
            (1..=3).map(|i| Node::new(&program, &format!("krony-{i}"))).collect::<Result<Vec<_>>>()?;
        let addresses: Vec<String> = nodes.iter().map(|node| node.gossip.address()).collect();
        for (i, node) in nodes.iter_mut().enumerate() {
            node.servers = addresses.len();
            // One after the other: a server founds the cluster when it hears that others have joined, and
            // of servers that start at once it hears only that they have changed.
            node.peers = addresses[..i].to_vec();
            node.launch()?;
            node.wait_until_gossiping()?;
            // Later any of the others will do. A server that joined itself would look for nobody else.
            node.peers = addresses.iter().filter(|address| **address != addresses[i]).cloned().collect();
        }
        for node in &mut nodes {
            node.wait_until_ready()?;
        }
        let cluster = Self { nodes };
        cluster.wait_for_leader()?;
        Ok(cluster)
    }

    /// Waits until every running server names the same leader, and that one runs. Returns its index.
    ///
    /// # Errors
    /// When they do not agree within 90 s.
    pub fn wait_for_leader(&self) -> Result<usize> {
        process::wait_for("the cluster to agree on a leader", READY, || {
            let running = self.nodes.iter().filter(|node| node.running.is_some());
            let names = running.map(Node::leader_name).collect::<Result<Vec<_>>>()?;
            let Some(first) = names.first().cloned().flatten() else { return Ok(None) };
            if names.iter().any(|name| name.as_ref() != Some(&first)) {
                return Ok(None);
            }
            Ok(self.nodes.iter().position(|node| node.running.is_some() && node.name == first))
        })
    }

    /// The URLs of all servers.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::url).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_ends_at_once_says_why() {
        // A shell knows none of dkron's arguments.
        let mut node = Node::new(Path::new("/bin/sh"), "krony").unwrap();
        let error = format!("{:#}", node.restart().unwrap_err());
        assert!(error.contains("its log ends:\n") && error.contains("agent"), "{error}");
        assert!(error.contains("dkron ended (exit status: "), "{error}");
    }

    #[test]
    fn servers_of_a_cluster_look_for_the_others() {
        let mut node = Node::new(Path::new("dkron"), "krony-1").unwrap();
        node.servers = 3;
        node.peers = vec!["127.0.0.1:2".to_owned(), "127.0.0.1:3".to_owned()];
        let command = node.command();
        let arguments: Vec<_> = command.get_args().filter_map(|argument| argument.to_str()).collect();
        assert!(arguments.contains(&"--bootstrap-expect=3"), "{arguments:?}");
        assert!(arguments.contains(&"--retry-join=127.0.0.1:3"), "{arguments:?}");
        let http = format!("--http-addr={}", node.url().trim_start_matches("http://"));
        assert!(arguments.contains(&http.as_str()), "{arguments:?}");
    }
}
