//! What is kept of a single call besides its time.

use std::fmt;

use axum::http::{HeaderMap, Method, request};
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::times::{Nanoseconds, timestamp};

/// Bytes of a call's body that are kept.
pub const BODY_KEPT: usize = 4 * 1024;
/// Bytes of a call's headers that are kept, names and values together.
pub const HEADERS_KEPT: usize = 4 * 1024;
/// Bytes of a call's query that are kept.
pub const QUERY_KEPT: usize = 2 * 1024;

/// A recorded call in detail.
///
/// Headers, query and body are kept as they came, secrets included, up to [`HEADERS_KEPT`], [`QUERY_KEPT`] and
/// [`BODY_KEPT`] bytes; `Debug` and the logs show none of their values. Serializes as `time`, `method`, `query`,
/// `headers` (pairs), `body` (text; bytes that are not UTF-8 are replaced by U+FFFD), `body_bytes` and `truncated`.
#[derive(Clone)]
pub struct Call {
    time: Nanoseconds,
    method: Method,
    query: Option<Box<str>>,
    /// `name: value` lines: one allocation for all of them.
    headers: Box<str>,
    body: Box<[u8]>,
    body_bytes: u64,
    truncated: bool,
}

/// A body of which only the first [`BODY_KEPT`] bytes are held.
#[derive(Default)]
pub(crate) struct Body {
    kept: Vec<u8>,
    bytes: u64,
}

impl Body {
    pub(crate) fn push(&mut self, data: &[u8]) {
        let room = BODY_KEPT - self.kept.len();
        self.kept.extend_from_slice(&data[..data.len().min(room)]);
        self.bytes += data.len() as u64;
    }

    /// All bytes that came, kept or not.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Call {
    pub(crate) fn new(time: Nanoseconds, head: request::Parts, body: Body) -> Self {
        let (query, query_cut) = kept_query(head.uri.query());
        let (headers, headers_cut) = kept_headers(&head.headers);
        let body_cut = body.bytes > body.kept.len() as u64;
        Self {
            time,
            method: head.method,
            query,
            headers,
            body: body.kept.into(),
            body_bytes: body.bytes,
            truncated: query_cut || headers_cut || body_cut,
        }
    }

    /// When the call arrived.
    pub fn time(&self) -> Timestamp {
        timestamp(self.time)
    }

    pub(crate) fn nanoseconds(&self) -> Nanoseconds {
        self.time
    }

    /// The request's method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// What followed the `?`, still percent-encoded.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Names (lower-case) and values; a name that was sent twice is there twice.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.lines().filter_map(|line| line.split_once(": "))
    }

    /// The first value of the header `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first [`BODY_KEPT`] bytes of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// How many bytes the body had in all.
    pub fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// Whether anything of query, headers or body was too large to be kept.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Memory that it takes.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>()
            + self.query.as_ref().map_or(0, |query| query.len())
            + self.headers.len()
            + self.body.len()
    }
}

fn kept_query(query: Option<&str>) -> (Option<Box<str>>, bool) {
    let Some(query) = query else { return (None, false) };
    let end = query.floor_char_boundary(QUERY_KEPT);
    (Some(query[..end].into()), end < query.len())
}

/// A header that does not fit is left out as a whole: half a value would look like one.
fn kept_headers(headers: &HeaderMap) -> (Box<str>, bool) {
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 3).sum::<usize>();
    let mut lines = String::with_capacity(size.min(HEADERS_KEPT));
    let mut cut = false;
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if lines.len() + name.as_str().len() + value.len() + 3 > HEADERS_KEPT {
            cut = true;
            continue;
        }
        for part in [name.as_str(), ": ", &value, "\n"] {
            lines.push_str(part);
        }
    }
    (lines.into(), cut)
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("time", &self.time())
            .field("method", &self.method)
            .field("headers", &self.headers().map(|(name, _)| name).collect::<Vec<_>>())
            .field("body_bytes", &self.body_bytes)
            .field("truncated", &self.truncated)
            .finish_non_exhaustive()
    }
}

impl Serialize for Call {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut call = serializer.serialize_struct("Call", 7)?;
        call.serialize_field("time", &format_args!("{:.9}", self.time()))?;
        call.serialize_field("method", self.method.as_str())?;
        call.serialize_field("query", &self.query())?;
        call.serialize_field("headers", &self.headers().collect::<Vec<_>>())?;
        call.serialize_field("body", &String::from_utf8_lossy(&self.body))?;
        call.serialize_field("body_bytes", &self.body_bytes)?;
        call.serialize_field("truncated", &self.truncated)?;
        call.end()
    }
}

#[cfg(test)]
mod tests;
