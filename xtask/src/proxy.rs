//! A proxy before dkron that counts what passes and plays the faults a network has.
//!
//! It speaks plain HTTP/1.1 in a thread of its own. Each [`Rule`] catches the requests that match it,
//! as often as it says; the first rule that still has a turn decides.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A running proxy. Ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
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
    skip: usize,
    turns: Option<usize>,
    fault: Fault,
}

/// What happens to a request instead of being passed on.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Passed on after a while.
    Delay(Duration),
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
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
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

    fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

impl Rule {
    /// Catches requests of one method (`*` is any) to one path (`…*` is any that begins so), always.
    pub fn new(method: &str, path: &str, fault: Fault) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), skip: 0, turns: None, fault }
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

    fn matches(&self, method: &str, path: &str) -> bool {
        matches(&self.method, method) && matches(&self.path, path)
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
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .context("cannot listen on a loopback port")?;
        let address = listener.local_addr().context("cannot tell the proxy's port")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the proxy's runtime")?;
        let shared =
            Arc::new(Shared { upstream: upstream.trim_end_matches('/').to_owned(), book: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || runtime.block_on(serve(listener, serving, stopped)))
            .context("cannot start the proxy's thread")?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule behind those that are there.
    pub fn inject(&self, rule: Rule) {
        self.shared.book().rules.push(rule);
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

    /// Notes a request and says what happens to it.
    fn note(&self, seen: Seen) -> Option<Fault> {
        let mut book = self.book();
        let rules = book.rules.iter_mut().filter(|rule| rule.matches(&seen.method, &seen.path));
        let fault = rules.filter_map(Rule::take).next();
        book.seen.push(seen);
        fault
    }
}

type Upstream = Client<HttpConnector, Full<Bytes>>;

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<Infallible>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let client: Upstream = Client::builder(TokioExecutor::new()).build_http();
    let accept = async {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, Arc::clone(&shared), client.clone()));
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
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

async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    client: &Upstream,
) -> Result<Response<Full<Bytes>>, Break> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Break::Close)?.to_bytes();
    let request = seen(&parts.method, &parts.uri, &parts.headers, &body);
    let fault = shared.note(request.clone());
    let forward = forward(&shared.upstream, parts, body, client);
    match fault {
        None => Ok(forward.await),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            Ok(forward.await)
        }
        Some(Fault::Reset) => Err(Break::Reset),
        Some(Fault::Close) => Err(Break::Close),
        Some(Fault::ResetAfter) => {
            forward.await;
            Err(Break::Reset)
        }
        Some(Fault::Answer(reply)) => Ok(reply.response()),
        Some(Fault::AnswerAfter(reply)) => {
            forward.await;
            Ok(reply.response())
        }
        Some(Fault::Echo(reply)) => Ok(Reply { body: request.to_string().into(), ..reply }.response()),
    }
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

/// Passes a request on; 502 with the reason where the server does not answer.
fn forward(
    upstream: &str,
    parts: hyper::http::request::Parts,
    body: Bytes,
    client: &Upstream,
) -> impl Future<Output = Response<Full<Bytes>>> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let uri = format!("{upstream}{target}").parse::<Uri>();
    async move {
        let answer = async {
            let mut request = Request::new(Full::new(body));
            *request.method_mut() = parts.method;
            *request.uri_mut() = uri?;
            *request.headers_mut() = parts.headers;
            request.headers_mut().remove(HOST);
            let (parts, body) = client.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Response::from_parts(parts, Full::new(body)))
        };
        answer.await.unwrap_or_else(|error| Reply::new(502, format!("proxy: {error:#}")).response())
    }
}

#[cfg(test)]
mod tests;
