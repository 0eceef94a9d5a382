//! A real dkron server on free loopback ports, killed when dropped.

use std::net::TcpListener;
use std::path::PathBuf;
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
    /// Gossip port of the node to join.
    first: Option<u16>,
    /// How many servers elect the first leader.
    size: usize,
    process: Option<Child>,
}

impl Node {
    /// One server on its own, up and leading.
    pub(crate) async fn alone(binary: PathBuf) -> Self {
        let mut nodes = Self::cluster(binary, 1).await;
        nodes.remove(0)
    }

    /// A cluster of so many servers, with a leader.
    ///
    /// Servers elect their first leader when one of them learns that another *joins*. News of a server
    /// is held back for up to 3 s and becomes an *update* if it changes in that time, as it does while
    /// it starts. So the last server begins when the news of the others is old.
    pub(crate) async fn cluster(binary: PathBuf, size: usize) -> Vec<Self> {
        let mut nodes: Vec<Self> = Vec::new();
        for index in 0..size {
            if index > 0 && index == size - 1 {
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
            let mut node = Self {
                binary: binary.clone(),
                name: format!("n{index}"),
                data: tempfile::tempdir().expect("a directory for dkron's data"),
                ports: Ports::free(),
                first: nodes.first().map(|first| first.ports.gossip),
                size,
                process: None,
            };
            node.start();
            node.client().members(&scope()).await.expect("the node comes up");
            nodes.push(node);
        }
        let client = Client::new(Config::new(nodes.iter().map(Node::url))).expect("a client");
        client.leader(&scope()).await.expect("a leader is elected");
        nodes
    }

    pub(crate) fn start(&mut self) {
        let Ports { gossip, rpc, http } = self.ports;
        let mut command = Command::new(&self.binary);
        command
            .args(["agent", "--server", "--disable-usage-stats", "--log-level=error"])
            .arg(format!("--node-name={}", self.name))
            .arg(format!("--data-dir={}", self.data.path().display()))
            .arg(format!("--bind-addr=127.0.0.1:{gossip}"))
            .arg(format!("--advertise-addr=127.0.0.1:{gossip}"))
            .arg(format!("--rpc-port={rpc}"))
            .arg(format!("--bootstrap-expect={}", self.size))
            // Without it a node that joins has no port at first, and does not count as a server.
            .arg(format!("--tag=port={rpc}"))
            .arg(format!("--http-addr=127.0.0.1:{http}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(first) = self.first {
            command.arg(format!("--retry-join=127.0.0.1:{first}")).arg("--retry-interval=1s");
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

    /// Asks the server to end; it waits for running jobs, with its store closed.
    pub(crate) fn terminate(&self) {
        let process = self.process.as_ref().expect("dkron runs");
        let sent = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
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

    /// What the node answers, read past the client.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let response = reqwest::get(self.url().join(path).expect("a URL")).await.expect("dkron answers");
        let body = response.bytes().await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// The status it answers with; `None` once it is gone.
    pub(crate) async fn status(&self, path: &str) -> Option<u16> {
        let response = reqwest::get(self.url().join(path).expect("a URL")).await;
        response.ok().map(|response| response.status().as_u16())
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

/// So many rounds of something that fails rarely; `KRONY_SOAK` multiplies them.
pub(crate) fn rounds(few: usize) -> usize {
    let factor = std::env::var("KRONY_SOAK").ok().and_then(|factor| factor.parse().ok());
    few * factor.unwrap_or(1)
}
