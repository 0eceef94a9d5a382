//! A dkron for unit tests: it keeps jobs like a healthy node and acts out the faults it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::{Client, Config, Job, Scope};

/// A reply that is sent instead of the healthy one.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// Whether the request takes effect all the same.
    applied: bool,
    after: Duration,
}

impl Reply {
    /// A reply of the node itself.
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self::foreign(status, body).header("x-whom", "n1")
    }

    /// A reply of something that is not dkron.
    pub(crate) fn foreign(status: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self { status, headers: Vec::new(), body, applied: false, after: Duration::ZERO }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn node(self, name: &str) -> Self {
        self.header("x-whom", name)
    }

    /// What was asked for happens, whatever the reply says.
    pub(crate) fn but_applied(self) -> Self {
        Self { applied: true, ..self }
    }

    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

/// What changes the jobs behind the client's back, before a request is answered.
type Meddler = Box<dyn FnOnce(&mut BTreeMap<String, Value>) + Send>;

#[derive(Default)]
struct Node {
    name: String,
    leader: String,
    jobs: BTreeMap<String, Value>,
    calls: Vec<String>,
    bodies: Vec<Value>,
    /// Replies to come, by the beginning of the call they are for.
    once: VecDeque<(String, Reply)>,
    always: Vec<(String, Reply)>,
    meddlers: VecDeque<(String, Meddler)>,
    /// Headers of every answer.
    headers: Vec<(&'static str, &'static str)>,
    /// As dkron 4.0.9: a write of a job that has dependents does not change their list.
    keeps_dependents: bool,
    /// The nodes to which a balancer leads in turn: by name, `None` for one that is dead.
    turns: VecDeque<Option<&'static str>>,
}

/// A running fake.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) url: Url,
    node: Arc<Mutex<Node>>,
}

impl Fake {
    /// A node that leads.
    pub(crate) async fn start() -> Self {
        Self::named("n1", "n1").await
    }

    pub(crate) async fn named(name: &str, leader: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let node = Node { name: name.to_owned(), leader: leader.to_owned(), ..Node::default() };
        let fake = Self { url, node: Arc::new(Mutex::new(node)) };
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        fake
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(Config::new([self.url.clone()])).unwrap()
    }

    /// The next call that begins like this gets this reply.
    pub(crate) fn once(&self, call: &str, reply: Reply) -> &Self {
        self.node().once.push_back((call.to_owned(), reply));
        self
    }

    /// Every call that begins like this gets this reply.
    pub(crate) fn always(&self, call: &str, reply: Reply) -> &Self {
        self.node().always.push((call.to_owned(), reply));
        self
    }

    /// Changes the jobs right before the next call that begins like this.
    pub(crate) fn meddle(
        &self,
        call: &str,
        meddler: impl FnOnce(&mut BTreeMap<String, Value>) + Send + 'static,
    ) -> &Self {
        self.node().meddlers.push_back((call.to_owned(), Box::new(meddler)));
        self
    }

    /// From now on every answer has this header.
    pub(crate) fn add_header(&self, name: &'static str, value: &'static str) {
        self.node().headers.push((name, value));
    }

    pub(crate) fn keep_dependents(&self) {
        self.node().keeps_dependents = true;
    }

    /// From now on there is a balancer that takes strict turns over nodes of these names; `None` is a dead one.
    pub(crate) fn take_turns(&self, nodes: &[Option<&'static str>]) {
        self.node().turns = nodes.iter().copied().collect();
    }

    pub(crate) fn heal(&self) {
        self.node().always.clear();
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better with json!")]
    pub(crate) fn put(&self, job: Value) -> &Self {
        self.node().store(&job);
        self
    }

    pub(crate) fn job(&self, name: &str) -> Option<Value> {
        self.node().jobs.get(name).cloned()
    }

    /// The calls so far, oldest first, as "GET /v1/jobs/a".
    pub(crate) fn calls(&self) -> Vec<String> {
        self.node().calls.clone()
    }

    pub(crate) fn count(&self, call: &str) -> usize {
        self.node().calls.iter().filter(|made| made.starts_with(call)).count()
    }

    /// The jobs that were sent, oldest first; barriers are left out.
    pub(crate) fn sent(&self) -> Vec<Value> {
        let stores = |job: &&Value| job["name"] != "krony-barrier";
        self.node().bodies.iter().filter(stores).cloned().collect()
    }

    fn node(&self) -> MutexGuard<'_, Node> {
        self.node.lock().unwrap()
    }
}

impl Node {
    fn store(&mut self, job: &Value) {
        let name = job["name"].as_str().unwrap().to_owned();
        let mut stored = json!({
            "id": name, "displayname": "", "timezone": "", "schedule": "", "owner": "", "owner_email": "",
            "success_count": 0, "error_count": 0, "last_success": null, "last_error": null, "disabled": false,
            "tags": null, "metadata": null, "retries": 0, "dependent_jobs": null, "parent_job": "",
            "processors": {}, "concurrency": "allow", "executor": "", "executor_config": null, "status": "",
            "next": "0001-01-01T00:00:00Z", "ephemeral": false, "expires_at": null,
        });
        for (field, value) in job.as_object().unwrap() {
            if field != "starts_at" {
                stored[field] = value.clone();
            }
        }
        self.jobs.insert(name, stored);
    }

    /// What a healthy node does and says.
    fn serve(&mut self, call: &str, body: &Value) -> Reply {
        let reply = match call.split_once(' ').unwrap() {
            ("GET", "/v1/leader") => {
                let leader = json!({"Name": self.leader, "Addr": "127.0.0.1", "Port": 1, "Tags": {"rpc_addr": "127.0.0.1:2"}});
                Reply::new(200, &leader.to_string())
            }
            ("GET", path) if path == "/v1/jobs" || path.starts_with("/v1/jobs?") => {
                let limit = if path.contains("_end=1") { 1 } else { usize::MAX };
                let jobs: Vec<_> = self.jobs.values().take(limit).collect();
                Reply::new(200, &json!(jobs).to_string())
                    .header("x-total-count", &self.jobs.len().to_string())
            }
            ("POST", "/v1/jobs") => self.post(body),
            (method, path) => {
                let name = path.strip_prefix("/v1/jobs/").unwrap();
                match (method, self.jobs.get(name).cloned()) {
                    ("GET", Some(job)) => Reply::new(200, &job.to_string()),
                    ("DELETE", Some(job)) => self.delete(&job),
                    _ => Reply::new(404, ""),
                }
            }
        };
        reply.node(&self.name)
    }

    /// A change of parent is stored before the former parent is found to be missing.
    fn post(&mut self, body: &Value) -> Reply {
        let orphan = || Reply::new(404, "specified parent job not found");
        let (name, parent) = (body["name"].as_str().unwrap(), text(&body["parent_job"]));
        if !parent.is_empty() && !self.jobs.contains_key(parent) {
            return orphan();
        }
        let before = self.jobs.get(name).cloned().unwrap_or_default();
        let former = text(&before["parent_job"]);
        self.store(body);
        if self.keeps_dependents && !names_in(&before["dependent_jobs"]).is_empty() {
            self.jobs.get_mut(name).unwrap()["dependent_jobs"] = before["dependent_jobs"].clone();
        }
        if parent != former {
            if !self.unlink(former, name) {
                return orphan();
            }
            if let Some(parent) = self.jobs.get_mut(parent) {
                let mut names = names_in(&parent["dependent_jobs"]);
                names.push(name.to_owned());
                parent["dependent_jobs"] = json!(names);
            }
        }
        Reply::new(201, &body.to_string())
    }

    /// An orphan is deleted before its parent is found to be missing.
    fn delete(&mut self, job: &Value) -> Reply {
        if !names_in(&job["dependent_jobs"]).is_empty() {
            return Reply::new(404, "");
        }
        let name = text(&job["name"]);
        self.jobs.remove(name);
        if self.unlink(text(&job["parent_job"]), name) {
            Reply::new(200, &job.to_string())
        } else {
            Reply::new(404, "")
        }
    }

    /// Takes a child out of its parent's list; false if there is no such parent.
    fn unlink(&mut self, parent: &str, child: &str) -> bool {
        if parent.is_empty() {
            return true;
        }
        let Some(parent) = self.jobs.get_mut(parent) else { return false };
        let mut names = names_in(&parent["dependent_jobs"]);
        names.retain(|name| name != child);
        parent["dependent_jobs"] = json!(names);
        true
    }

    fn reply(&mut self, call: &str, body: &Value) -> Reply {
        self.calls.push(call.to_owned());
        if call.starts_with("POST") {
            self.bodies.push(body.clone());
        }
        if let Some(turn) = self.turns.pop_front() {
            self.turns.push_back(turn);
            let Some(name) = turn else { return Reply::foreign(502, "") };
            self.name = name.to_owned();
        }
        if let Some(position) = self.meddlers.iter().position(|(begins, _)| call.starts_with(begins.as_str()))
            && let Some((_, meddler)) = self.meddlers.remove(position)
        {
            meddler(&mut self.jobs);
        }
        let once = self.once.iter().position(|(begins, _)| call.starts_with(begins.as_str()));
        let told = once.and_then(|position| self.once.remove(position));
        let told = told
            .or_else(|| self.always.iter().find(|(begins, _)| call.starts_with(begins.as_str())).cloned());
        match told {
            Some((_, reply)) => {
                if reply.applied {
                    self.serve(call, body);
                }
                reply
            }
            None => self.serve(call, body),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn names_in(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|name| text(name).to_owned()).collect()
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path_and_query().unwrap());
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let reply = fake.node().reply(&call, &body);
    tokio::time::sleep(reply.after).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &fake.node().headers {
        response = response.header(*name, *value);
    }
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// A scope that no test outlives.
pub(crate) fn scope() -> Scope {
    Scope::lasting(Duration::from_secs(3600))
}

pub(crate) fn job(name: &str) -> Job {
    Job { name: name.to_owned(), schedule: "@manually".to_owned(), ..Job::default() }
}
