//! The routes. A handler reads the request, makes one call to the [`Receiver`] and writes the answer.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;

use crate::call::{self, Call};
use crate::json;
use crate::receiver::{Outcome, Receiver};
use crate::store::TokenTimes;
use crate::times::{Nanoseconds, now, timestamp};

/// Bytes of a token, decoded. Names of jobs are far shorter.
const TOKEN_MAX: usize = 512;
/// Calls that one may wait for.
const COUNT_MAX: usize = 1_000_000;
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
const TIMEOUT_MAX: Duration = Duration::from_secs(3600);
/// Tokens in a summary, those that were called last.
const SUMMARY_MAX: usize = 500;
/// How many calls are missing in an answer that looks complete.
const DROPPED_HEADER: &str = "krony-dropped";

/// All routes over one record.
pub fn app(receiver: Receiver) -> Router {
    Router::new()
        .route("/log/{token}", any(log))
        .route("/log/{token}/wait", get(wait))
        .route("/logs", get(logs).delete(clear))
        .route("/calls/{token}", get(calls))
        .route("/", get(page))
        .route("/summary", get(summary))
        .route("/healthz", get(healthz))
        .fallback(not_found)
        .with_state(receiver)
}

/// A request that is not served: what is wrong with it, for the one who sent it.
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad_request(text: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, text.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1 + "\n").into_response()
    }
}

async fn log(State(receiver): State<Receiver>, Path(token): Path<String>, request: Request) -> Response {
    // First of all: neither a slow body nor a lock may shift it.
    let arrival = now();
    let method = request.method().clone();
    let response = match record(&receiver, &token, arrival, request).await {
        Ok(()) => "ok".into_response(),
        Err(refusal) => refusal.into_response(),
    };
    // Never anything else of the request: query, headers and body may hold secrets.
    tracing::debug!(token, %method, status = response.status().as_u16(), "call");
    response
}

/// A refused call is not recorded.
async fn record(
    receiver: &Receiver,
    token: &str,
    arrival: Nanoseconds,
    request: Request,
) -> Result<(), Refusal> {
    check_token(token)?;
    let (head, body) = request.into_parts();
    let body = read_body(body, receiver.limits().body).await?;
    receiver.record(token, Call::new(arrival, head, body));
    Ok(())
}

fn check_token(token: &str) -> Result<(), Refusal> {
    if token.len() > TOKEN_MAX {
        let found = token.len();
        return Err(Refusal::bad_request(format!(
            "a token has at most {TOKEN_MAX} bytes, this one has {found}"
        )));
    }
    Ok(())
}

/// Reads a body to its end and keeps its beginning.
async fn read_body(body: Body, limit: u64) -> Result<call::Body, Refusal> {
    let mut read = call::Body::default();
    if body.is_end_stream() {
        return Ok(read);
    }
    let too_large = || Refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {limit} bytes"));
    if body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let mut frames = body.into_data_stream();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|error| Refusal::bad_request(format!("cannot read the body: {error}")))?;
        read.push(&frame);
        if read.bytes() > limit {
            return Err(too_large());
        }
    }
    Ok(read)
}

async fn logs(State(receiver): State<Receiver>) -> Result<Response, Refusal> {
    let list = move || {
        let (totals, tokens) = receiver.all_times();
        ([(DROPPED_HEADER, totals.dropped.to_string())], JSON, json::logs(tokens)).into_response()
    };
    aside(list).await
}

async fn clear(State(receiver): State<Receiver>) -> Result<&'static str, Refusal> {
    aside(move || receiver.clear()).await?;
    Ok("ok")
}

/// The query of a wait as it came; [`WaitQuery::parse`] says what may be in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitQuery {
    count: Option<String>,
    since: Option<String>,
    timeout: Option<String>,
}

/// For how many calls, since when, and how long to wait.
#[derive(Debug, PartialEq)]
struct WaitFor {
    count: usize,
    since: Option<Timestamp>,
    timeout: Duration,
}

impl WaitQuery {
    fn parse(&self) -> Result<WaitFor, Refusal> {
        Ok(WaitFor {
            count: self.count.as_deref().map_or(Ok(1), parse_count)?,
            since: self.since.as_deref().map(parse_since).transpose()?,
            timeout: self.timeout.as_deref().map_or(Ok(TIMEOUT_DEFAULT), parse_timeout)?,
        })
    }
}

fn parse_count(text: &str) -> Result<usize, Refusal> {
    let count = text.parse().ok().filter(|&count| count <= COUNT_MAX);
    count.ok_or_else(|| {
        Refusal::bad_request(format!("`count` must be a whole number from 0 to {COUNT_MAX}, found {text:?}"))
    })
}

fn parse_since(text: &str) -> Result<Timestamp, Refusal> {
    text.parse().map_err(|error| {
        let expected =
            "`since` must be an instant such as 2026-01-31T12:00:00.5Z (a + is written %2B in a query)";
        Refusal::bad_request(format!("{expected}, found {text:?}: {error}"))
    })
}

fn parse_timeout(text: &str) -> Result<Duration, Refusal> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|&timeout| timeout <= TIMEOUT_MAX).ok_or_else(|| {
        let max = TIMEOUT_MAX.as_secs();
        Refusal::bad_request(format!("`timeout` must be a number of seconds from 0 to {max}, found {text:?}"))
    })
}

async fn wait(
    State(receiver): State<Receiver>,
    Path(token): Path<String>,
    query: Result<Query<WaitQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    check_token(&token)?;
    let Query(query) = query.map_err(|rejection| Refusal::bad_request(rejection.body_text()))?;
    let WaitFor { count, since, timeout } = query.parse()?;
    tracing::debug!(token, count, ?timeout, "wait");
    let wait = receiver.wait(&token, count, since, timeout).await;
    let status = match wait.outcome() {
        Outcome::Reached => StatusCode::OK,
        Outcome::TimedOut => StatusCode::REQUEST_TIMEOUT,
        Outcome::Stopping => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok((status, JSON, json::wait(&token, wait)).into_response())
}

async fn calls(State(receiver): State<Receiver>, Path(token): Path<String>) -> impl IntoResponse {
    let calls = receiver.calls(&token);
    Json(json!({ "token": token, "calls": calls }))
}

async fn healthz(State(receiver): State<Receiver>) -> impl IntoResponse {
    Json(json!({ "status": "ok", "record": receiver.totals() }))
}

async fn summary(State(receiver): State<Receiver>) -> Result<Response, Refusal> {
    let summarize = move || {
        let (totals, tokens) = receiver.all_times();
        json!({ "record": totals, "recent": last_called(tokens) })
    };
    Ok(Json(aside(summarize).await?).into_response())
}

fn last_called(mut tokens: Vec<TokenTimes>) -> Vec<Value> {
    let rank = |(token, times): &TokenTimes| (Reverse(times.last()), Arc::clone(token));
    tokens.sort_by_cached_key(rank);
    tokens.truncate(SUMMARY_MAX);
    let line = |(token, times): &TokenTimes| {
        let last = times.last().map(|last| format!("{:.9}", timestamp(last)));
        json!({ "token": &**token, "count": times.len(), "last": last })
    };
    tokens.iter().map(line).collect()
}

/// Does what takes long with many tokens beside the threads that serve the calls.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| {
        Refusal(StatusCode::INTERNAL_SERVER_ERROR, format!("a fault of the receiver: {error}"))
    })
}

async fn page() -> impl IntoResponse {
    // Nothing but the page itself is loaded, and it talks to nobody but its own server.
    const POLICY: &str =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(include_str!("page.html")))
}

async fn not_found(method: Method, request: Request) -> Refusal {
    let path = request.uri().path();
    let text = format!("nothing is at {method} {path}; calls are recorded at /log/TOKEN and listed at /logs");
    Refusal(StatusCode::NOT_FOUND, text)
}

/// The type of a body that is JSON already.
const JSON: [(header::HeaderName, HeaderValue); 1] =
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];

#[cfg(test)]
mod tests;
