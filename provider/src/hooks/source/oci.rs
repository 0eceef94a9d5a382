//! What a pull from an OCI registry needs of its protocol: login, manifest, one layer.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::web::{self, Web};
use hooks::digest::InvalidDigest;

use super::{Digest, SourceError, docker};

/// The media types of a module: of `oras` by convention, and of `wkg`.
pub(super) const LAYER_TYPES: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// An index is asked for too, to be able to say that it is one.
const MANIFEST_TYPES: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// More than any manifest or token.
const LARGEST_JSON: u64 = 4 << 20;

/// Registries keep blobs elsewhere.
const MOST_REDIRECTS: usize = 3;

/// The name of an artefact: `registry/repository:tag` or `registry/repository@sha256:…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    version: Version,
}

#[derive(Clone, PartialEq, Eq)]
enum Version {
    Tag(String),
    Digest(Digest),
}

const EXPECTED: &str = "Expected oci://REGISTRY/REPOSITORY:TAG or oci://REGISTRY/REPOSITORY@sha256:DIGEST";

static REPOSITORY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[a-z0-9]+((\.|_{1,2}|-+|/)[a-z0-9]+)*$").ok());

static TAG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$").ok());

impl Reference {
    /// Reads what stands after `oci://`. A digest goes before a tag.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fits =
            |pattern: &Option<Regex>, text| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text));
        let (registry, rest) =
            text.split_once('/').ok_or_else(|| format!("{EXPECTED}, found no repository."))?;
        if text.split('@').count() > 2 || registry.contains('@') {
            return Err(format!(
                "{EXPECTED}; credentials do not belong there: they are taken from Docker's configuration."
            ));
        }
        if !is_host(registry) {
            return Err(format!("{EXPECTED}; what stands for the registry is not a host."));
        }
        let (name, digest) = rest.split_once('@').map_or((rest, None), |(name, digest)| (name, Some(digest)));
        let (repository, tag) =
            name.split_once(':').map_or((name, None), |(repository, tag)| (repository, Some(tag)));
        if !fits(&REPOSITORY, repository) {
            return Err(format!(
                "{EXPECTED}; a repository is lower-case letters, digits and `.`, `_`, `-`, `/` between them."
            ));
        }
        if tag.is_some_and(|tag| !fits(&TAG, tag)) {
            return Err(format!(
                "{EXPECTED}; a tag is at most 128 letters, digits, `_`, `.` and `-`, not beginning with the last two."
            ));
        }
        let version = match (digest, tag) {
            (Some(digest), _) => {
                Version::Digest(digest.parse().map_err(|error: InvalidDigest| error.to_string())?)
            }
            (None, Some(tag)) => Version::Tag(tag.to_owned()),
            (None, None) => return Err(format!("{EXPECTED}, found neither tag nor digest.")),
        };
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), version })
    }

    /// An address of the protocol.
    fn url(&self, kind: &str, name: &Version) -> Result<Url, SourceError> {
        // The one registry whose name is not its host.
        let host = if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry };
        let text = format!("https://{host}/v2/{}/{kind}/{name}", self.repository);
        Url::parse(&text).map_err(|error| SourceError::Unreachable {
            address: self.to_string(),
            problem: error.to_string(),
        })
    }
}

/// Whether this can be a host, with or without a port.
fn is_host(text: &str) -> bool {
    Url::parse(&format!("https://{text}")).is_ok_and(|url| {
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
    })
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.version {
            Version::Tag(_) => ':',
            Version::Digest(_) => '@',
        };
        write!(f, "oci://{}/{}{mark}{}", self.registry, self.repository, self.version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => write!(f, "sha256:{digest}"),
        }
    }
}

/// What a manifest says, as far as it matters here.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
    /// There in an index, which lists manifests.
    #[serde(default)]
    manifests: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

impl Manifest {
    /// The layer that is a module, or what is there instead.
    fn module(&self) -> Result<&Layer, String> {
        let mut modules = self.layers.iter().filter(|layer| LAYER_TYPES.contains(&layer.media_type.as_str()));
        match (modules.next(), modules.next()) {
            (Some(module), None) => Ok(module),
            _ if !self.manifests.is_empty() => {
                Err(format!("an index of {} manifests: name one by its digest", self.manifests.len()))
            }
            _ if self.layers.is_empty() => Err("none".to_owned()),
            _ => {
                let found: Vec<_> =
                    self.layers.iter().map(|layer| layer.media_type.escape_debug().to_string()).collect();
                Err(found.join(", "))
            }
        }
    }
}

/// A token, under the name of today or that of OAuth; some registries send both.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// How a registry wants to be asked.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer(HashMap<String, String>),
}

/// A registry, asked about one artefact.
pub(super) struct Registry<'a> {
    web: &'a Web,
    reference: &'a Reference,
    /// The folder of Docker's configuration.
    docker: Option<&'a Path>,
    /// What the registry lets us in with.
    authorization: Option<HeaderValue>,
}

impl<'a> Registry<'a> {
    pub(super) fn new(web: &'a Web, reference: &'a Reference, docker: Option<&'a Path>) -> Self {
        Self { web, reference, docker, authorization: None }
    }

    /// The digest of the module, as the manifest tells it.
    pub(super) async fn module(&mut self) -> Result<Digest, SourceError> {
        let url = self.reference.url("manifests", &self.reference.version)?;
        let bytes = web::body(self.get(&url, MANIFEST_TYPES).await?, LARGEST_JSON).await?;
        let found = Digest::of(&bytes);
        if matches!(self.reference.version, Version::Digest(digest) if digest != found) {
            return Err(protocol(&url, "the manifest of this digest", format!("one of the digest {found}")));
        }
        let manifest: Manifest = json(&url, "a manifest as JSON", &bytes)?;
        let layer = manifest
            .module()
            .map_err(|found| SourceError::Layers { address: self.reference.to_string(), found })?;
        let digest = layer.digest.strip_prefix("sha256:").and_then(|digits| digits.parse::<Digest>().ok());
        digest.ok_or_else(|| {
            protocol(&url, "a layer with a digest sha256:…", format!("the digest {:?}", layer.digest))
        })
    }

    /// The blob of this digest, not checked.
    pub(super) async fn blob(&mut self, digest: &Digest, largest: u64) -> Result<Vec<u8>, SourceError> {
        let url = self.reference.url("blobs", &Version::Digest(*digest))?;
        let mut response = self.get(&url, "*/*").await?;
        for _ in 0..MOST_REDIRECTS {
            // Our authorization is for the registry only.
            match web::target(&response).filter(|target| target.scheme() == "https") {
                Some(target) => response = self.web.get(&target).await?,
                None => break,
            }
        }
        web::body(response, largest).await
    }

    /// Asks, and logs in if the registry wants that.
    async fn get(&mut self, url: &Url, accept: &'static str) -> Result<Response, SourceError> {
        let response = self.send(url, accept).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let credentials = match self.docker {
            Some(folder) => docker::authorization(folder, &self.reference.registry)?,
            None => None,
        };
        let known = credentials.is_some();
        self.authorization = match challenge(response.headers()) {
            Some(Challenge::Basic) => credentials,
            Some(Challenge::Bearer(parameters)) => Some(self.token(url, &parameters, credentials).await?),
            None => {
                let found = "status 401 without it".to_owned();
                return Err(protocol(url, "WWW-Authenticate with Basic or Bearer", found));
            }
        };
        let response = self.send(url, accept).await?;
        if is_refusal(&response) { Err(self.denied(url, known)) } else { Ok(response) }
    }

    async fn send(&self, url: &Url, accept: &'static str) -> Result<Response, SourceError> {
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        self.web.get_with(url, headers).await
    }

    /// Gets a token for reading, with credentials or as anybody.
    async fn token(
        &self,
        url: &Url,
        parameters: &HashMap<String, String>,
        credentials: Option<HeaderValue>,
    ) -> Result<HeaderValue, SourceError> {
        let realm = parameters.get("realm").and_then(|realm| Url::parse(realm).ok());
        let mut realm = realm
            .filter(|realm| realm.scheme() == "https")
            .ok_or_else(|| protocol(url, "an https URL as realm", "something else".to_owned()))?;
        let pull = format!("repository:{}:pull", self.reference.repository);
        if let Some(service) = parameters.get("service") {
            realm.query_pairs_mut().append_pair("service", service);
        }
        realm.query_pairs_mut().append_pair("scope", parameters.get("scope").unwrap_or(&pull));
        let known = credentials.is_some();
        let headers = credentials.into_iter().map(|credentials| (AUTHORIZATION, credentials)).collect();
        let response = self.web.get_with(&realm, headers).await?;
        if is_refusal(&response) {
            return Err(self.denied(url, known));
        }
        let bytes = web::body(response, LARGEST_JSON).await?;
        let expected = "a token as JSON";
        let answer: Token = json(&realm, expected, &bytes)?;
        let token = answer.token.or(answer.access_token);
        let header = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
        let mut header = header.ok_or_else(|| protocol(&realm, expected, "none".to_owned()))?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn denied(&self, url: &Url, credentials: bool) -> SourceError {
        let registry = self.reference.registry.clone();
        SourceError::Denied { address: web::shown(url), registry, credentials }
    }
}

fn is_refusal(response: &Response) -> bool {
    matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn protocol(url: &Url, expected: &'static str, found: String) -> SourceError {
    SourceError::Protocol { address: web::shown(url), expected, found }
}

fn json<T: DeserializeOwned>(url: &Url, expected: &'static str, bytes: &[u8]) -> Result<T, SourceError> {
    // The parser's words may quote a token.
    serde_json::from_slice(bytes).map_err(|error| {
        protocol(url, expected, format!("{} bytes that are none, at line {}", bytes.len(), error.line()))
    })
}

/// A parameter of a challenge: `name="value"`.
static PARAMETER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"([A-Za-z_]+)\s*=\s*"([^"]*)""#).ok());

/// What the registry asks for; a token where there is a choice.
fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let challenges = texts.filter_map(|text| {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(Challenge::Bearer(parameters(rest))),
            "basic" => Some(Challenge::Basic),
            _ => None,
        }
    });
    challenges.max_by_key(|challenge| matches!(challenge, Challenge::Bearer(_)))
}

fn parameters(text: &str) -> HashMap<String, String> {
    let pairs = PARAMETER.as_ref().into_iter().flat_map(|pattern| pattern.captures_iter(text));
    pairs.map(|pair| (pair[1].to_ascii_lowercase(), pair[2].to_owned())).collect()
}
