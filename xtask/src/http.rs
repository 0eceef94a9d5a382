//! Blocking requests to loopback servers, usable inside and outside of an async runtime.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response};

/// An answer of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none; the error shows the answer.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("expected JSON, got {self}"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.status, self.body)
    }
}

/// GET.
///
/// # Errors
/// When no answer comes within 20 s.
pub fn get(url: &str) -> Result<Answer> {
    send("GET", url, "")
}

/// DELETE.
///
/// # Errors
/// When no answer comes within 20 s.
pub fn delete(url: &str) -> Result<Answer> {
    send("DELETE", url, "")
}

/// POST of a JSON document.
///
/// # Errors
/// When no answer comes within 20 s.
pub fn post_json(url: &str, document: &Value) -> Result<Answer> {
    send("POST", url, &document.to_string())
}

/// Any method; a body that is not empty is sent as JSON. Redirects are not followed.
///
/// # Errors
/// When no answer comes within 20 s (dkron holds a request for 10 s when its leader has just died).
pub fn send(method: &str, url: &str, body: &str) -> Result<Answer> {
    let doing = || format!("no answer to {method} {url}");
    let mut request = Request::builder().method(method).uri(url);
    if !body.is_empty() {
        request = request.header("Content-Type", "application/json");
    }
    let request = request.body(body.to_owned()).with_context(|| format!("{method} {url} is no request"))?;
    read(agent().run(request).with_context(doing)?).with_context(doing)
}

fn agent() -> Agent {
    Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(20)))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None) // loopback is never behind the user's proxy
        .allow_non_standard_methods(true)
        .build()
        .into()
}

fn read(mut response: Response<ureq::Body>) -> Result<Answer> {
    let status = response.status().as_u16();
    // A list of thousands of jobs is larger than the default limit.
    let body = response.body_mut().with_config().limit(1 << 30).lossy_utf8(true).read_to_string()?;
    Ok(Answer { status, body })
}
