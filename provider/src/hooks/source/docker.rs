//! Credentials from Docker's configuration file: entries of `auths` that hold `auth`. Credential helpers
//! (`credsStore`, `credHelpers`) are not run: a provider starts no programs that the configuration does not name.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::header::HeaderValue;
use serde::Deserialize;

use super::{SourceError, file};

/// More than any configuration.
const LARGEST: u64 = 1 << 20;

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: HashMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    /// User name and password with a colon between them, in base64; missing or empty where a helper keeps them.
    #[serde(default)]
    auth: String,
}

/// Where Docker keeps its configuration.
pub(super) fn folder() -> Option<PathBuf> {
    match env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(folder.into()),
        None => env::home_dir().map(|home| home.join(".docker")),
    }
}

/// The header `Authorization` for this registry, if the file in `folder` has credentials for it.
pub(super) fn authorization(folder: &Path, registry: &str) -> Result<Option<HeaderValue>, SourceError> {
    let path = folder.join("config.json");
    let text = match file::read(&path, LARGEST) {
        Ok(text) => text,
        Err(SourceError::Missing { path: _ }) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The parser's words may quote what stands there.
    let wrong = |problem: &str| SourceError::DockerConfig { path: path.clone(), problem: problem.to_owned() };
    let config: Config = serde_json::from_slice(&text)
        .map_err(|error| wrong(&format!("no such JSON as Docker writes, at line {}", error.line())))?;
    let entry =
        config.auths.into_iter().find(|(name, entry)| host(name) == registry && !entry.auth.is_empty());
    let Some((name, entry)) = entry else { return Ok(None) };
    let pair = BASE64_STANDARD.decode(&entry.auth).ok().filter(|pair| pair.contains(&b':'));
    let header = pair.and_then(|pair| basic(&pair));
    header
        .map(Some)
        .ok_or_else(|| wrong(&format!("`auth` of {name:?} is not a user name and a password in base64")))
}

fn basic(pair: &[u8]) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Docker names a registry by its host, and in old entries by a URL.
fn host(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    let host = name.split('/').next().unwrap_or(name);
    if host == "index.docker.io" { "docker.io" } else { host }
}
