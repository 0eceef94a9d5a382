//! One HTTPS exchange: a request goes out, and comes back as a body of limited size or as a typed error.

use std::error::Error as StdError;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Certificate, Client, Response, StatusCode, redirect};
use url::{Position, Url};

use super::{Remote, SourceError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("terraform-provider-krony/", env!("CARGO_PKG_VERSION"));

/// The way to servers.
pub(super) struct Web(Client);

impl Web {
    /// A client that trusts the system's authorities, or these alone.
    pub(super) fn new(remote: &Remote, authorities: Option<&[Certificate]>) -> Result<Self, SourceError> {
        let builder = Client::builder()
            .user_agent(USER_AGENT)
            .https_only(true)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT);
        let builder = match authorities {
            Some(authorities) => builder.tls_certs_only(authorities.iter().cloned()),
            None => builder,
        };
        let client = builder.build();
        client
            .map(Self)
            .map_err(|error| SourceError::Unreachable { address: remote.to_string(), problem: root(error) })
    }

    /// Asks for what is at `url`.
    pub(super) async fn get(&self, url: &Url) -> Result<Response, SourceError> {
        self.get_with(url, HeaderMap::new()).await
    }

    /// The same, with these headers.
    pub(super) async fn get_with(&self, url: &Url, headers: HeaderMap) -> Result<Response, SourceError> {
        let sent = self.0.get(url.clone()).headers(headers).send().await;
        sent.map_err(|error| SourceError::Unreachable { address: shown(url), problem: reason(error) })
    }
}

/// The whole body of a good answer, if it is not larger than `largest`.
pub(super) async fn body(mut response: Response, largest: u64) -> Result<Vec<u8>, SourceError> {
    let address = shown(response.url());
    check(&response)?;
    let expected = response.content_length();
    let too_large = || SourceError::TooLarge { address: address.clone(), limit: largest };
    if expected.is_some_and(|length| length > largest) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let received = |bytes: &Vec<u8>| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    while let Some(chunk) = response.chunk().await.map_err(|error| SourceError::BrokenOff {
        address: address.clone(),
        received: received(&bytes),
        expected,
        problem: root(error),
    })? {
        bytes.extend_from_slice(&chunk);
        if received(&bytes) > largest {
            return Err(too_large());
        }
    }
    if is_page(&bytes) { Err(SourceError::Page { address }) } else { Ok(bytes) }
}

/// Refuses an answer that is not what was asked for, as far as its head tells.
fn check(response: &Response) -> Result<(), SourceError> {
    let address = shown(response.url());
    if let Some(target) = target(response) {
        return Err(SourceError::Redirect { address, target: shown(&target) });
    }
    if response.status() != StatusCode::OK {
        return Err(SourceError::Status { address, status: response.status() });
    }
    let kind = response.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes().to_ascii_lowercase());
    if kind.is_some_and(|kind| kind.starts_with(b"text/html")) {
        return Err(SourceError::Page { address });
    }
    Ok(())
}

/// Where a redirect leads to.
pub(super) fn target(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
    response.url().join(location.to_str().ok()?).ok()
}

/// Some servers send a page as if it were a file.
fn is_page(bytes: &[u8]) -> bool {
    let begin = bytes.trim_ascii_start();
    [b"<!doctype html".as_slice(), b"<html"]
        .iter()
        .any(|mark| begin.get(..mark.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(mark)))
}

/// A URL as it may be shown. Without its query too: a signature in it is as good as a password.
pub(super) fn shown(url: &Url) -> String {
    let origin = &url[Position::BeforeHost..Position::AfterPort];
    format!("{}://{origin}{}", url.scheme(), url.path())
}

fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() && error.is_connect() {
        format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())
    } else {
        root(error)
    }
}

/// The innermost cause: the one that says what happened.
fn root(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn StdError = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
