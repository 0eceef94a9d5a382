//! The settings of a client, made into HTTP clients.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{ClientBuilder, redirect};
use secrecy::ExposeSecret;
use url::Url;

use super::{quote, tls};
use crate::config::{Auth, Config, ConfigError};

/// A host that does not answer at all is left for the next endpoint or the next try.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that keeps its connections, or one that opens a new one for each request.
pub(super) fn client(config: &Config, keeps_connections: bool) -> Result<reqwest::Client, ConfigError> {
    let builder = ClientBuilder::new()
        .default_headers(headers(config)?)
        .user_agent(config.user_agent.as_str())
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true);
    let builder = if keeps_connections { builder } else { builder.pool_max_idle_per_host(0) };
    let https = config.endpoints.iter().any(|url| url.scheme() == "https");
    let client = tls::configure(builder, config, https)?.build();
    client.map_err(|error| ConfigError::new("tls", quote::root(&error.without_url())))
}

/// The endpoints, checked.
pub(super) fn endpoints(config: &Config) -> Result<Vec<Url>, ConfigError> {
    if config.endpoints.is_empty() {
        let problem = "name at least one endpoint, such as http://localhost:8080";
        return Err(ConfigError::new("endpoints", problem));
    }
    config.endpoints.iter().map(base_url).collect()
}

/// Checks an endpoint's address.
fn base_url(url: &Url) -> Result<Url, ConfigError> {
    let refuse = |problem: &str| Err(ConfigError::new("endpoints", problem));
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return refuse("expected an http:// or https:// URL with a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("leave the credentials out of the URL; they have settings of their own");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("leave query and fragment out of the URL; it is where the API is found");
    }
    if url.path().trim_end_matches('/').ends_with("/v1") {
        return refuse("leave /v1 out of the URL; it is added to each request");
    }
    Ok(url.clone())
}

fn headers(config: &Config) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for header in &config.headers {
        let name = HeaderName::try_from(&header.name)
            .map_err(|_| ConfigError::new("headers", format!("{:?} is no header name", header.name)))?;
        if matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding" | "upgrade") {
            return Err(ConfigError::new(
                "headers",
                format!("{name} belongs to the connection; leave it out"),
            ));
        }
        let value = secret_value(header.value.expose_secret())
            .map_err(|problem| ConfigError::new("headers", format!("the value of {name} {problem}")))?;
        headers.append(name, value);
    }
    let authorization = match &config.auth {
        Auth::None => return Ok(headers),
        Auth::Basic { username, .. } if username.contains(':') => {
            return Err(ConfigError::new(
                "username",
                "must not contain a colon, which ends it in HTTP Basic",
            ));
        }
        Auth::Basic { .. } => format!("Basic {}", basic(config).unwrap_or_default()),
        Auth::Bearer(token) => format!("Bearer {}", token.expose_secret()),
    };
    let value = secret_value(&authorization).map_err(|problem| ConfigError::new("token", problem))?;
    headers.insert(AUTHORIZATION, value);
    Ok(headers)
}

fn basic(config: &Config) -> Option<String> {
    let Auth::Basic { username, password } = &config.auth else { return None };
    Some(BASE64_STANDARD.encode(format!("{username}:{}", password.expose_secret())))
}

/// A header's value that does not show up in debug output.
fn secret_value(text: &str) -> Result<HeaderValue, &'static str> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| "has characters that a header cannot carry, such as a line break")?;
    value.set_sensitive(true);
    Ok(value)
}

/// Everything that an echo of our requests could give away.
pub(super) fn secrets(config: &Config) -> Vec<String> {
    let mut secrets: Vec<String> =
        config.headers.iter().map(|header| header.value.expose_secret().to_owned()).collect();
    match &config.auth {
        Auth::None => {}
        Auth::Basic { password, .. } => secrets.push(password.expose_secret().to_owned()),
        Auth::Bearer(token) => secrets.push(token.expose_secret().to_owned()),
    }
    secrets.extend(basic(config));
    secrets
}

#[cfg(test)]
mod tests;
