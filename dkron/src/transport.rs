//! One HTTP exchange: a request goes out to one endpoint, and comes back as dkron's answer or as a
//! typed error. No repeating and no judging of contents here.

mod quote;
mod settings;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, SERVER, VIA};
use tokio::sync::Semaphore;
use url::Url;

use crate::config::{Config, ConfigError};
use crate::error::{Error, Problem, RequestError};
use crate::job::Job;
use crate::moment::Moment;
use crate::scope::Scope;
use quote::Quote;

/// More than any list; keeps a server gone mad from filling our memory.
const LARGEST_LIST: usize = 256 << 20;

/// More than any job: dkron takes 4 MiB, and JSON writes a character with six at most.
const LARGEST_ANSWER: usize = 32 << 20;

/// A request, told apart from where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Segments of the path below `v1`, not encoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    /// The answer comes when something else has ended, such as a run: nothing but the caller's scope
    /// limits the wait, and ends it.
    pub(crate) lasting: bool,
}

impl Request {
    pub(crate) fn get<const N: usize>(path: [&str; N]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn new<const N: usize>(method: Method, path: [&str; N]) -> Self {
        Self { method, path: path.map(str::to_owned).into(), query: Vec::new(), body: None, lasting: false }
    }

    /// How much the body of the answer may hold.
    fn largest_answer(&self) -> usize {
        let lists = matches!(self.path.last().map(String::as_str), Some("jobs" | "executions" | "busy"));
        if lists && self.method == Method::GET { LARGEST_LIST } else { LARGEST_ANSWER }
    }

    pub(crate) fn with_query(self, query: Vec<(String, String)>) -> Self {
        Self { query, ..self }
    }
}

/// A JSON body, with the values in it that no error may quote.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) json: Bytes,
    pub(crate) secrets: Vec<String>,
}

impl Body {
    #[expect(clippy::expect_used, reason = "texts, numbers and maps keyed by texts always have a JSON form")]
    pub(crate) fn of(job: &Job) -> Self {
        let json = serde_json::to_vec(job).expect("a job has a JSON form");
        Self { json: json.into(), secrets: job.secret_values().collect() }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.json.len())
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Index of the endpoint.
    pub(crate) endpoint: usize,
    /// Over a new connection, so that a balancer chooses anew.
    pub(crate) fresh: bool,
}

/// dkron's answer: 2xx, or a 404 that a dkron node gave.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Name of the node that answered.
    pub(crate) node: Option<String>,
    /// `X-Total-Count`.
    pub(crate) total: Option<usize>,
    pub(crate) body: Bytes,
    pub(crate) sent: Moment,
    pub(crate) received: Moment,
    /// Our side of the connection, if it surely leads to dkron itself: such a connection lives as long
    /// as the dkron process behind it.
    pub(crate) direct: Option<SocketAddr>,
    pub(crate) route: Route,
}

/// The way to the cluster.
pub(crate) struct Transport {
    endpoints: Vec<Url>,
    pooled: reqwest::Client,
    /// Keeps no connection: each request opens one. Made when it is needed for the first time, because
    /// loading the system's authorities takes longer than a request.
    fresh: OnceLock<reqwest::Client>,
    config: Config,
    permits: Semaphore,
    /// The endpoint that is asked first.
    preferred: AtomicUsize,
    /// Who answers at an endpoint.
    nodes: Mutex<HashMap<usize, Behind>>,
    reached: AtomicBool,
    quote: Quote,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        if config.max_in_flight == 0 {
            return Err(ConfigError::new("max_in_flight", "must be at least 1"));
        }
        Ok(Self {
            endpoints: settings::endpoints(config)?,
            pooled: settings::client(config, true)?,
            fresh: OnceLock::new(),
            permits: Semaphore::new(config.max_in_flight),
            preferred: AtomicUsize::new(0),
            nodes: Mutex::default(),
            reached: AtomicBool::new(false),
            quote: Quote::new(&settings::secrets(config)),
            config: config.clone(),
        })
    }

    pub(crate) fn endpoints(&self) -> usize {
        self.endpoints.len()
    }

    /// The endpoint to ask when any will do.
    pub(crate) fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    /// The way of a request that any node may answer.
    pub(crate) fn usual_route(&self) -> Route {
        Route { endpoint: self.preferred(), fresh: false }
    }

    pub(crate) fn prefer(&self, endpoint: usize) {
        self.preferred.store(endpoint, Ordering::Relaxed);
    }

    /// Asks the next endpoint from now on, if this one is still the preferred one.
    pub(crate) fn avoid(&self, endpoint: usize) {
        let next = (endpoint + 1) % self.endpoints.len();
        let _ = self.preferred.compare_exchange(endpoint, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// An endpoint at which this node answered last.
    pub(crate) fn endpoint_of(&self, node: &str) -> Option<usize> {
        self.nodes().iter().find_map(|(endpoint, behind)| (behind.last == node).then_some(*endpoint))
    }

    /// Whether any endpoint ever answered.
    pub(crate) fn reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// Sends the request once. A write that is on its way is not given up before the deadline, unless
    /// it [lasts](Request::lasting).
    ///
    /// # Errors
    /// [`Error::Request`] for anything but an answer of dkron's; [`Error::Cancelled`] and
    /// [`Error::DeadlineExceeded`] as the scope says.
    pub(crate) async fn exchange(
        &self,
        operation: &str,
        request: &Request,
        route: Route,
        scope: &Scope,
    ) -> Result<Answer, Error> {
        // A request that lasts would keep others waiting. The semaphore is never closed, so there
        // always is a permit.
        let permit = scope.bound(operation, self.permits.acquire()).await?;
        let _permit = (!request.lasting).then_some(permit);
        let timeout = (!request.lasting).then(|| scope.left().min(self.config.request_timeout));
        let work = self.send(request, route, timeout);
        let may_be_dropped = request.method == Method::GET || request.lasting;
        let outcome = if may_be_dropped { scope.bound(operation, work).await } else { Ok(work.await) };
        let outcome = outcome.map_err(|error| self.explain(error, request, route))?;
        let outcome = outcome.map_err(|failure| Box::new(self.describe(operation, request, route, failure)));
        self.log(request, route, &outcome);
        outcome.map_err(|failure| match failure.problem {
            Problem::TimedOut if scope.left().is_zero() => {
                Error::DeadlineExceeded { operation: operation.to_owned(), failure: Some(failure) }
            }
            _ => Error::Request(failure),
        })
    }

    /// What was waited for when the time was over.
    fn explain(&self, error: Error, request: &Request, route: Route) -> Error {
        let Error::DeadlineExceeded { operation, .. } = error else { return error };
        let unanswered = Failure { problem: Problem::TimedOut, answer: None, source: None };
        let failure = Some(Box::new(self.describe(&operation, request, route, unanswered)));
        Error::DeadlineExceeded { operation, failure }
    }

    fn log(&self, request: &Request, route: Route, outcome: &Result<Answer, Box<RequestError>>) {
        let (status, node) = match outcome {
            Ok(answer) => (Some(answer.status), answer.node.as_deref()),
            Err(failure) => (failure.status, failure.node.as_deref()),
        };
        let (method, url) = (&request.method, self.url(request, route));
        tracing::debug!(%method, %url, status, node, fresh = route.fresh, "request to dkron");
    }

    fn client(&self, route: Route) -> Result<&reqwest::Client, Failure> {
        if !route.fresh {
            return Ok(&self.pooled);
        }
        if let Some(fresh) = self.fresh.get() {
            return Ok(fresh);
        }
        let fresh = settings::client(&self.config, false).map_err(|error| {
            let problem = Problem::Tls(error.to_string());
            Failure { problem, answer: None, source: None }
        })?;
        Ok(self.fresh.get_or_init(|| fresh))
    }

    async fn send(
        &self,
        request: &Request,
        route: Route,
        timeout: Option<Duration>,
    ) -> Result<Answer, Failure> {
        let mut builder = self
            .client(route)?
            .request(request.method.clone(), self.url(request, route))
            .header(ACCEPT, "application/json");
        if let Some(timeout) = timeout {
            builder = builder.timeout(timeout);
        }
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.json.clone());
        }
        let sent = Moment::now();
        let response = builder.send().await?;
        self.reached.store(true, Ordering::Relaxed);
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let direct = self.direct(route, &response);
        let body = whole(response, request.largest_answer()).await?;
        let node = text_of(&headers, "x-whom");
        let html = is_html(&headers, &body);
        if let Some(problem) = judge(status, node.is_some(), html, &headers, &body) {
            let answer = Facts { status, node, html, body, retry_after: retry_after(&headers) };
            return Err(Failure { problem, answer: Some(answer), source: None });
        }
        let balanced = node.as_ref().is_some_and(|node| self.answered(route.endpoint, node));
        let direct = direct.filter(|_| !balanced);
        let total = text_of(&headers, "x-total-count").and_then(|total| total.parse().ok());
        Ok(Answer { status, node, total, body, sent, received: Moment::now(), direct, route })
    }

    /// The URL without the query, which is not for error messages.
    pub(crate) fn url(&self, request: &Request, route: Route) -> Url {
        let mut url = self.endpoints[route.endpoint].clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(&request.path);
        }
        url
    }

    /// Our side of the connection, unless a proxy shows itself: its connections outlive the dkron
    /// process behind. dkron speaks no TLS and sets neither header; a proxy from the environment has a
    /// port of its own.
    fn direct(&self, route: Route, response: &reqwest::Response) -> Option<SocketAddr> {
        let (endpoint, headers) = (&self.endpoints[route.endpoint], response.headers());
        let connection = response.extensions().get::<HttpInfo>()?;
        let proxied = endpoint.scheme() != "http"
            || endpoint.port_or_known_default() != Some(connection.remote_addr().port())
            || headers.contains_key(VIA)
            || headers.contains_key(SERVER);
        (!proxied).then(|| connection.local_addr())
    }

    fn describe(&self, operation: &str, request: &Request, route: Route, failure: Failure) -> RequestError {
        let secrets = request.body.as_ref().map(|body| body.secrets.as_slice()).unwrap_or_default();
        let text = match (&failure.answer, &failure.source) {
            (Some(answer), _) if answer.html || shows_settings(&answer.body) => None,
            (Some(answer), _) => self.quote.clean(&answer.body, secrets),
            (None, Some(source)) => self.quote.clean(quote::root(source).as_bytes(), secrets),
            (None, None) => None,
        };
        let answer = failure.answer;
        RequestError {
            operation: operation.to_owned(),
            method: request.method.to_string(),
            url: self.url(request, route).to_string(),
            status: answer.as_ref().map(|answer| answer.status),
            html: answer.as_ref().is_some_and(|answer| answer.html),
            retry_after: answer.as_ref().and_then(|answer| answer.retry_after),
            node: answer.and_then(|answer| answer.node),
            text,
            problem: failure.problem,
            attempts: 0,
            elapsed: Duration::ZERO,
            source: failure.source.map(|source| Box::new(source) as _),
        }
    }

    /// Notes who answered at an endpoint; true if several nodes do, so that a balancer must be in between.
    fn answered(&self, endpoint: usize, node: &str) -> bool {
        let mut nodes = self.nodes();
        let behind =
            nodes.entry(endpoint).or_insert_with(|| Behind { last: node.to_owned(), several: false });
        if behind.last != node {
            *behind = Behind { last: node.to_owned(), several: true };
        }
        behind.several
    }

    fn nodes(&self) -> MutexGuard<'_, HashMap<usize, Behind>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The nodes that an endpoint leads to.
struct Behind {
    /// The one that answered last.
    last: String,
    several: bool,
}

/// A failed exchange, before it is put into words.
struct Failure {
    problem: Problem,
    answer: Option<Facts>,
    source: Option<reqwest::Error>,
}

/// What is worth keeping of an unwelcome answer.
struct Facts {
    status: u16,
    node: Option<String>,
    html: bool,
    body: Bytes,
    retry_after: Option<Duration>,
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let problem = if let Some(how) = tls::explain(&error) {
            Problem::Tls(how)
        } else if error.is_connect() {
            Problem::Unreachable
        } else if error.is_timeout() {
            Problem::TimedOut
        } else {
            Problem::Interrupted
        };
        Self { problem, answer: None, source: Some(error) }
    }
}

async fn whole(mut response: reqwest::Response, largest: usize) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > largest {
            let problem = Problem::Undecodable(format!("larger than {largest} bytes"));
            return Err(Failure { problem, answer: None, source: None });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What is wrong with an answer; `None` if it is one that dkron gives in good health.
fn judge(status: u16, from_dkron: bool, html: bool, headers: &HeaderMap, body: &[u8]) -> Option<Problem> {
    let says = |words: &str| String::from_utf8_lossy(body).contains(words);
    let problem = match status {
        200..300 if html => Problem::NotDkron,
        200..300 => return None,
        300..400 => Problem::Redirected { target: redirect_target(headers) },
        400 | 422 if from_dkron => Problem::Rejected,
        401 | 407 => Problem::Unauthorized,
        403 => Problem::Forbidden,
        404 if from_dkron => return None,
        404 => Problem::NotDkron,
        408 => Problem::TimedOut,
        413 => Problem::TooLarge,
        429 => Problem::Throttled,
        // gRPC's own words: no restart makes the message smaller.
        500 if says("larger than max") => Problem::TooLarge,
        // The answer about the leader, and that of a write that has nobody to go to.
        500 if body == b"null" || says("received empty target") => Problem::NoLeader,
        500..600 => Problem::Unavailable,
        _ if html => Problem::NotDkron,
        _ => Problem::Unexpected,
    };
    Some(problem)
}

/// Whether a text holds the settings of a job. What of them is secret is known only to who sends them, and this may
/// be the answer to a question.
fn shows_settings(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("executor_config")
}

/// Scheme, host and port only: path and query may repeat secrets.
fn redirect_target(headers: &HeaderMap) -> Option<String> {
    let target = Url::parse(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    Some(target.origin().ascii_serialization())
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text_of(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&value).ok()?;
    Duration::try_from(date.duration_since(jiff::Timestamp::now())).ok()
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = text_of(headers, CONTENT_TYPE.as_str()).is_some_and(|kind| kind.contains("html"));
    declared || body.trim_ascii_start().starts_with(b"<")
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests;
