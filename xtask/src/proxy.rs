//! A proxy before dkron that counts what passes and plays the faults a network has.
//!
//! It speaks plain HTTP/1.1 in a thread of its own. Each [`Rule`] catches the requests that match it,
//! as often as it says; the first rule that still has a turn decides.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::net::{self, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;

use crate::ports::Port;
use crate::process::wait_for;

/// How long opening and closing the port may take.
const SOON: Duration = Duration::from_secs(10);

/// A running proxy. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: Port,
    shared: Arc<Shared>,
    open: watch::Sender<bool>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// The servers that take turns.
    upstreams: Vec<String>,
    turn: AtomicUsize,
    /// What has passed, and the rules with the turns they have left.
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    seen: Vec<Seen>,
    rules: Vec<Rule>,
}

/// A request that reached the proxy, also one that it answered itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query without `?`; empty if there is none.
    pub query: String,
    /// The headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Seen {
    /// Name of the job that the request reads or writes, if it is about a single one.
    pub fn job(&self) -> Option<String> {
        if let Some(rest) = self.path.strip_prefix("/v1/jobs/") {
            return rest.split('/').next().map(str::to_owned);
        }
        let written: Value = serde_json::from_str(&self.body).ok()?;
        Some(written["name"].as_str()?.to_owned())
    }
}

impl fmt::Display for Seen {
    /// As it looks on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}?{}", self.method, self.path, self.query)?;
        self.headers.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))?;
        write!(f, "\n{}", self.body)
    }
}

/// Which requests get which fault, and how often.
#[derive(Clone, Debug)]
pub struct Rule {
    method: String,
    path: String,
    job: Option<String>,
    behind: Option<String>,
    skip: usize,
    turns: Option<usize>,
    fault: Fault,
    met: bool,
}

/// What happens to a request instead of being passed on.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Passed on after a while; not at all if the client has gone away until then.
    Delay(Duration),
    /// Passed on, and answered after a while.
    DelayAnswer(Duration),
    /// Passed on, but of the answer's body only the first half comes before the connection ends.
    Truncate,
    /// Passed on, but the answer's body comes byte by byte, with a pause behind each.
    Drip(Duration),
    /// Passed on, but the answer's body never ends.
    Endless,
    /// Passed on; before the answer goes back, this job is written: what a run does that read the job
    /// earlier.
    Undo(Value),
    /// The connection is reset; dkron never hears of the request.
    Reset,
    /// Passed on, then the connection is reset: done, but nobody was told.
    ResetAfter,
    /// The connection is closed without an answer; dkron never hears of the request.
    Close,
    /// Answered by the proxy; dkron never hears of the request.
    Answer(Reply),
    /// Passed on, but answered by the proxy: done, but reported otherwise.
    AnswerAfter(Reply),
    /// Answered by the proxy with all it was sent, headers included, in place of the reply's body; dkron
    /// never hears of the request.
    Echo(Reply),
}

/// An answer that the proxy makes up.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    /// A status with a plain text, as dkron itself answers errors. An impossible status becomes 500.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = Self { status, headers: HeaderMap::new(), body: Bytes::from(body.into()) };
        reply.header("content-type", "text/plain; charset=utf-8")
    }

    /// The 404 without a body with which dkron answers nearly everything, from the node `whom`.
    pub fn not_found(whom: &str) -> Self {
        Self::new(404, "").header("x-whom", whom)
    }

    /// A login page, as a gateway before dkron sends it with status 200.
    pub fn login_page() -> Self {
        Self::html(200, "<!DOCTYPE html><html><title>Sign in</title><body>Who are you?</body></html>")
    }

    /// An HTML page.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, body).header("content-type", "text/html; charset=utf-8")
    }

    /// A JSON document.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string()).header("content-type", "application/json; charset=utf-8")
    }

    /// A redirect (302) to `location`.
    pub fn redirect(location: &str) -> Self {
        Self::new(302, "").header("location", location)
    }

    /// Sets a header, in place of one by that name. What no header can be is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

impl Rule {
    /// Catches requests of one method (`*` is any) to one path (`…*` is any that begins so), always.
    pub fn new(method: &str, path: &str, fault: Fault) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { method, path, job: None, behind: None, skip: 0, turns: None, fault, met: false }
    }

    /// Catches only requests about this job: those to its path, and writes of it.
    #[must_use]
    pub fn about(mut self, job: &str) -> Self {
        self.job = Some(job.to_owned());
        self
    }

    /// Lets requests about a job pass until there was one with this method about the same job.
    #[must_use]
    pub fn behind(mut self, method: &str) -> Self {
        self.behind = Some(method.to_owned());
        self
    }

    /// Catches only the first `turns` requests.
    #[must_use]
    pub fn times(mut self, turns: usize) -> Self {
        self.turns = Some(turns);
        self
    }

    /// Lets the first `count` requests pass before it catches any.
    #[must_use]
    pub fn after(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// The job that it is about, if it is about one.
    pub fn job(&self) -> Option<&str> {
        self.job.as_deref()
    }

    fn matches(&self, request: &Seen, before: &[Seen]) -> bool {
        let job = request.job();
        matches(&self.method, &request.method)
            && matches(&self.path, &request.path)
            && (self.job.is_none() || self.job == job)
            && self.behind.as_ref().is_none_or(|method| {
                before.iter().any(|earlier| earlier.method == *method && earlier.job() == job)
            })
    }

    /// Uses up a turn; the fault, if there is one for this request.
    fn take(&mut self) -> Option<Fault> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        match &mut self.turns {
            Some(0) => return None,
            Some(turns) => *turns -= 1,
            None => {}
        }
        self.met = true;
        Some(self.fault.clone())
    }
}

/// Whether `text` is `pattern`, or begins with it where it ends in `*`.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

impl Proxy {
    /// Starts a proxy on a free loopback port before `upstream` (`http://HOST:PORT`).
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start(upstream: &str) -> Result<Self> {
        Self::balance(&[upstream.to_owned()])
    }

    /// Starts a proxy that passes each request on to the next of these servers in turn, and to the one after
    /// it if no connection comes about.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn balance(upstreams: &[String]) -> Result<Self> {
        let port = Port::lease()?;
        let address: SocketAddr = port.address().parse().context("a leased port is an address")?;
        let listener = listen(address).context("cannot listen on a loopback port")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the proxy's runtime")?;
        let upstreams = upstreams.iter().map(|upstream| upstream.trim_end_matches('/').to_owned()).collect();
        let shared = Arc::new(Shared { upstreams, turn: AtomicUsize::new(0), book: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let (open, opened) = watch::channel(true);
        let serving = serve(address, listener, Arc::clone(&shared), opened);
        let thread = thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serving => {}
                        _ = stopped => {}
                    }
                });
            })
            .context("cannot start the proxy's thread")?;
        Ok(Self { port, shared, open, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Ends all connections and refuses new ones, until [`Proxy::open`].
    ///
    /// # Errors
    /// When the port stays open.
    pub fn close(&self) -> Result<()> {
        self.set_open(false).context("the proxy does not close its port")
    }

    /// Takes connections again.
    ///
    /// # Errors
    /// When the port stays closed.
    pub fn open(&self) -> Result<()> {
        self.set_open(true).context("the proxy does not open its port again")
    }

    fn set_open(&self, open: bool) -> Result<()> {
        self.open.send_replace(open);
        wait_for("the proxy's port", SOON, || {
            let connected = net::TcpStream::connect(self.port.address()).is_ok();
            Ok((connected == open).then_some(()))
        })
    }

    /// Adds a rule behind those that are there.
    pub fn inject(&self, rule: Rule) {
        self.shared.book().rules.push(rule);
    }

    /// The rules that have not caught a request yet.
    pub fn unmet(&self) -> Vec<Rule> {
        self.shared.book().rules.iter().filter(|rule| !rule.met).cloned().collect()
    }

    /// Forgets all rules.
    pub fn heal(&self) {
        self.shared.book().rules.clear();
    }

    /// Forgets what has passed.
    pub fn reset_count(&self) {
        self.shared.book().seen.clear();
    }

    /// Everything that has passed since the count began.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.book().seen.clone()
    }

    /// How many requests have passed that a rule with this method and path would catch.
    pub fn count(&self, method: &str, path: &str) -> usize {
        let seen = &self.shared.book().seen;
        seen.iter().filter(|seen| matches(method, &seen.method) && matches(path, &seen.path)).count()
    }

    /// The number of requests by method and path, such as `GET /v1/jobs/a`.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for seen in &self.shared.book().seen {
            *counts.entry(format!("{} {}", seen.method, seen.path)).or_default() += 1;
        }
        counts
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed; a second one would only end the process.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        // Each change is one step, so a test that panicked left nothing half done.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The servers, beginning with the one whose turn it is.
    fn in_turn(&self) -> impl Iterator<Item = &str> {
        let servers = self.upstreams.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % servers;
        self.upstreams.iter().cycle().skip(turn).take(servers).map(String::as_str)
    }

    /// Notes a request and says what happens to it.
    fn note(&self, seen: Seen) -> Option<Fault> {
        let mut book = self.book();
        let Book { seen: before, rules } = &mut *book;
        let fault = rules.iter_mut().filter(|rule| rule.matches(&seen, before)).find_map(Rule::take);
        before.push(seen);
        fault
    }
}

type Upstream = Client<HttpConnector, Full<Bytes>>;

/// An answer on its way to the client.
type Outgoing = Response<UnsyncBoxBody<Bytes, Break>>;

fn listen(address: SocketAddr) -> std::io::Result<net::TcpListener> {
    let listener = net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves while the port is open, and opens it again after it was closed.
async fn serve(
    address: SocketAddr,
    mut listener: net::TcpListener,
    shared: Arc<Shared>,
    mut open: watch::Receiver<bool>,
) {
    let client: Upstream = Client::builder(TokioExecutor::new()).build_http();
    loop {
        tokio::select! {
            () = accept(listener, &shared, &client) => {}
            _ = open.wait_for(|open| !open) => {}
        }
        if open.wait_for(|open| *open).await.is_err() {
            return;
        }
        listener = match listen(address) {
            Ok(listener) => listener,
            Err(_) => return,
        };
    }
}

/// Serves connections, which end with it.
async fn accept(listener: net::TcpListener, shared: &Arc<Shared>, client: &Upstream) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(shared), client.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection. An error of the service ends it without an answer, which is what
/// the faults that break a connection return.
async fn connection(stream: TcpStream, shared: Arc<Shared>, client: Upstream) {
    let Ok((stream, twin)) = twins(stream) else { return };
    let service = service_fn(|request| answer(request, &shared, &client));
    let broken = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.err();
    if broken.is_some_and(|error| is_reset(&error)) {
        // With no time to linger, closing the last descriptor resets the connection.
        let _ = twin.set_zero_linger();
    }
}

/// The stream twice, since hyper closes the one it is given.
fn twins(stream: TcpStream) -> std::io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let twin = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, TcpStream::from_std(twin)?))
}

/// Ends a connection without an answer.
#[derive(Debug)]
enum Break {
    Reset,
    Close,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection broken on purpose")
    }
}

impl std::error::Error for Break {}

fn is_reset(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    matches!(source.and_then(|source| source.downcast_ref()), Some(Break::Reset))
}

async fn answer(request: Request<Incoming>, shared: &Shared, client: &Upstream) -> Result<Outgoing, Break> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Break::Close)?.to_bytes();
    let request = seen(&parts.method, &parts.uri, &parts.headers, &body);
    let fault = shared.note(request.clone());
    let forward = forward(shared, parts, body, client);
    match fault {
        None => Ok(whole(forward.await)),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            Ok(whole(forward.await))
        }
        Some(Fault::DelayAnswer(time)) => {
            let answer = forward.await;
            tokio::time::sleep(time).await;
            Ok(whole(answer))
        }
        Some(Fault::Truncate) => Ok(truncated(forward.await)),
        Some(Fault::Drip(pause)) => Ok(dripping(forward.await, pause)),
        Some(Fault::Endless) => Ok(endless(forward.await)),
        Some(Fault::Undo(job)) => {
            let answer = forward.await;
            let undone = write(&shared.upstreams[0], &job, client).await;
            Ok(whole(if undone.status().is_success() { answer } else { undone }))
        }
        Some(Fault::Reset) => Err(Break::Reset),
        Some(Fault::Close) => Err(Break::Close),
        Some(Fault::ResetAfter) => {
            forward.await;
            Err(Break::Reset)
        }
        Some(Fault::Answer(reply)) => Ok(whole(reply.response())),
        Some(Fault::AnswerAfter(reply)) => {
            forward.await;
            Ok(whole(reply.response()))
        }
        Some(Fault::Echo(reply)) => Ok(whole(Reply { body: request.to_string().into(), ..reply }.response())),
    }
}

fn whole(answer: Response<Bytes>) -> Outgoing {
    answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync())
}

fn truncated(answer: Response<Bytes>) -> Outgoing {
    answer.map(|body| {
        let half = body.slice(..body.len() / 2);
        let frames = [Ok(Frame::data(half)), Err(Break::Close)];
        // Without a pause, hyper would drop the half that it has not sent yet.
        StreamBody::new(tokio_stream::iter(frames).throttle(Duration::from_millis(10))).boxed_unsync()
    })
}

fn dripping(answer: Response<Bytes>, pause: Duration) -> Outgoing {
    answer.map(|body| {
        let bytes = (0..body.len()).map(move |at| Ok(Frame::data(body.slice(at..=at))));
        StreamBody::new(tokio_stream::iter(bytes).throttle(pause)).boxed_unsync()
    })
}

fn endless(mut answer: Response<Bytes>) -> Outgoing {
    answer.headers_mut().remove(CONTENT_LENGTH);
    answer.map(|body| {
        let filler = Bytes::from_static(&[b' '; 4096]);
        let frames = [body].into_iter().chain(std::iter::repeat(filler)).map(|data| Ok(Frame::data(data)));
        // Fast enough to fill a memory, and slow enough to leave the processor to others.
        StreamBody::new(tokio_stream::iter(frames).throttle(Duration::from_millis(1))).boxed_unsync()
    })
}

fn seen(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Seen {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Seen {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

/// Passes a request on; 502 with the reason where no server answers.
async fn forward(
    shared: &Shared,
    parts: hyper::http::request::Parts,
    body: Bytes,
    client: &Upstream,
) -> Response<Bytes> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut answer = Err(anyhow!("there is no server"));
    for upstream in shared.in_turn() {
        let attempt = async {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = parts.method.clone();
            *request.uri_mut() = format!("{upstream}{target}").parse()?;
            *request.headers_mut() = parts.headers.clone();
            request.headers_mut().remove(HOST);
            send(request, client).await
        };
        answer = attempt.await;
        if !answer.as_ref().is_err_and(is_unreachable) {
            break;
        }
    }
    answer.unwrap_or_else(|error| unreached(&error))
}

/// Whether no connection came about, so that another server may be asked.
fn is_unreachable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect())
}

/// Writes a job of the proxy's own accord.
async fn write(upstream: &str, job: &Value, client: &Upstream) -> Response<Bytes> {
    let answer = async {
        let request = Request::post(format!("{upstream}/v1/jobs")).body(Full::from(job.to_string()))?;
        send(request, client).await
    };
    answer.await.unwrap_or_else(|error| unreached(&error))
}

async fn send(request: Request<Full<Bytes>>, client: &Upstream) -> Result<Response<Bytes>> {
    let (parts, body) = client.request(request).await?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

fn unreached(error: &anyhow::Error) -> Response<Bytes> {
    Reply::new(502, format!("proxy: {error:#}")).response()
}

#[cfg(test)]
mod tests;
