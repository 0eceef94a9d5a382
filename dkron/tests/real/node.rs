//! A real dkron server on free loopback ports, killed when dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dkron::{Client, Config, Scope};
use tempfile::TempDir;

/// The binary under test, or a line that says why nothing is tested.
pub(crate) fn binary() -> Option<PathBuf> {
    let path = std::env::var_os("KRONY_DKRON").map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: set KRONY_DKRON to a dkron binary to run this test");
    }
    path
}

/// Ports of one node.
#[derive(Clone, Copy)]
struct Ports {
    gossip: u16,
    rpc: u16,
    http: u16,
}

impl Ports {
    fn free() -> Self {
        let listeners: [TcpListener; 3] =
            std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [gossip, rpc, http] =
            listeners.map(|listener| listener.local_addr().expect("a bound address").port());
        Self { gossip, rpc, http }
    }
}

pub(crate) struct Node {
    binary: PathBuf,
    name: String,
    data: TempDir,
    ports: Ports,
    /// Gossip addresses of the whole cluster.
    peers: Vec<u16>,
    process: Option<Child>,
}

impl Node {
    /// One server on its own, up and leading.
    pub(crate) async fn alone(binary: PathBuf) -> Self {
        let mut nodes = Self::cluster(binary, 1).await;
        nodes.remove(0)
    }

    /// A cluster of so many servers, with a leader. Servers that start together sometimes miss each
    /// other's joining and never elect one; then others are started.
    pub(crate) async fn cluster(binary: PathBuf, size: usize) -> Vec<Self> {
        for _ in 0..5 {
            let nodes = Self::start_all(&binary, size);
            let client = Client::new(Config::new(nodes.iter().map(Node::url))).expect("a client");
            if client.leader(&Scope::lasting(Duration::from_secs(10))).await.is_ok() {
                return nodes;
            }
        }
        panic!("no cluster came up");
    }

    fn start_all(binary: &Path, size: usize) -> Vec<Self> {
        let ports: Vec<_> = (0..size).map(|_| Ports::free()).collect();
        let peers: Vec<_> = ports.iter().map(|ports| ports.gossip).collect();
        let node = |(index, ports)| {
            let data = tempfile::tempdir().expect("a directory for dkron's data");
            let name = format!("n{index}");
            let mut node =
                Self { binary: binary.to_owned(), name, data, ports, peers: peers.clone(), process: None };
            node.start();
            node
        };
        ports.into_iter().enumerate().map(node).collect()
    }

    pub(crate) fn start(&mut self) {
        let Ports { gossip, rpc, http } = self.ports;
        let mut command = Command::new(&self.binary);
        command
            .args(["agent", "--server", "--disable-usage-stats", "--log-level=error"])
            .arg(format!("--bootstrap-expect={}", self.peers.len()))
            .arg(format!("--node-name={}", self.name))
            .arg(format!("--data-dir={}", self.data.path().display()))
            .arg(format!("--bind-addr=127.0.0.1:{gossip}"))
            .arg(format!("--advertise-addr=127.0.0.1:{gossip}"))
            .arg(format!("--rpc-port={rpc}"))
            .arg(format!("--http-addr=127.0.0.1:{http}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if self.peers.len() > 1 {
            let others = self.peers.iter().filter(|peer| **peer != gossip);
            command.args(others.map(|peer| format!("--retry-join=127.0.0.1:{peer}")));
            command.arg("--retry-interval=1s");
        }
        self.process = Some(command.spawn().expect("dkron starts"));
    }

    /// Kills the server without a chance to say goodbye.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("dkron can be killed");
            process.wait().expect("dkron ends");
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> url::Url {
        format!("http://127.0.0.1:{}", self.ports.http).parse().expect("a URL")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(Config::new([self.url()])).expect("a client")
    }

    /// A request past the client, as somebody else would make it.
    pub(crate) async fn post(&self, path: &str, body: serde_json::Value) -> u16 {
        let url = self.url().join(path).expect("a URL");
        let request = reqwest::Client::new().post(url).body(body.to_string());
        request.send().await.expect("dkron answers").status().as_u16()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Time enough for anything here.
pub(crate) fn scope() -> Scope {
    Scope::lasting(Duration::from_secs(120))
}
