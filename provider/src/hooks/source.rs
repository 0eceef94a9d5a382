//! Where a hook's module comes from: a file, a web server or an OCI registry.
//!
//! ```text
//! text ─→ Source ─→ fetch ─→ Module (its bytes and their digest)
//!                     ├─ file
//!                     ├─ cache    what was downloaded before, by digest
//!                     ├─ web      one HTTPS exchange
//!                     └─ oci ─→ web    login, manifest, layer; credentials: docker
//! ```
//!
//! A remote module is always pinned by its digest: whoever controls the server cannot change what runs.

mod cache;
mod digest;
mod docker;
mod error;
mod file;
mod oci;
mod web;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hooks::limits::MAX_MODULE;
use reqwest::Certificate;
use tfplugin::model::TextType;
use url::Url;

pub use digest::HookDigest;
pub use error::SourceError;
pub use hooks::digest::Digest;
pub use oci::Reference;
use web::Web;

/// How long a download may take, login included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a module comes from.
///
/// Neither `Display` nor `Debug` shows credentials.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A file; the path counts from the working directory.
    File(PathBuf),
    /// A file elsewhere.
    Remote(Remote),
}

/// Where a module comes from that is not in a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Remote {
    /// A file on an `https` server.
    Web(Url),
    /// An artefact in an OCI registry.
    Oci(Reference),
}

impl Source {
    /// Reads a source as it stands in configuration.
    ///
    /// # Errors
    /// What was expected and what was found, as whole sentences. The text is not quoted: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(format!("{EXPECTED}, found nothing."));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::File(text.into()));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Url::parse(text)
                .map(|url| Self::Remote(Remote::Web(url)))
                .map_err(|error| format!("{EXPECTED}; the URL cannot be read: {error}.")),
            "oci" => Reference::parse(rest).map(|name| Self::Remote(Remote::Oci(name))),
            "http" => Err(format!("{EXPECTED}, found http://: use https://.")),
            "file" => Err(format!("{EXPECTED}, found file://: write the path alone.")),
            scheme if scheme.chars().all(char::is_alphanumeric) => {
                Err(format!("{EXPECTED}, found the scheme {scheme:?}."))
            }
            _ => Err(format!("{EXPECTED}, found none of them.")),
        }
    }
}

impl Remote {
    /// The digest, which has to be there.
    fn pinned<'a>(&self, sha256: Option<&'a Digest>) -> Result<&'a Digest, SourceError> {
        sha256.ok_or_else(|| SourceError::Unpinned { address: self.to_string() })
    }
}

const EXPECTED: &str = "Expected a path, https://HOST/PATH or oci://REGISTRY/REPOSITORY:TAG";

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Remote(remote) => remote.fmt(f),
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => web::shown(url).fmt(f),
            Self::Oci(reference) => reference.fmt(f),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({self})")
    }
}

/// Where a hook comes from, as text.
#[derive(Clone)]
pub enum HookSource {}

impl TextType for HookSource {
    const NAME: &'static str = "source of a hook";
    const EXAMPLES: &'static [&'static str] = &[
        "hooks/require-owner.wasm",
        "https://hooks.example.com/require-owner-1.2.0.wasm",
        "oci://registry.example.com/hooks/require-owner:1.2.0",
    ];

    fn check(text: &str) -> Result<(), String> {
        Source::parse(text).map(drop)
    }
}

/// A module as it was read, not looked into yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Module {
    /// What the file holds.
    pub bytes: Vec<u8>,
    /// The digest of it.
    pub digest: Digest,
}

impl Module {
    /// Takes bytes if they are those that were asked for.
    fn checked(
        bytes: Vec<u8>,
        expected: Option<&Digest>,
        address: impl fmt::Display,
    ) -> Result<Self, SourceError> {
        let digest = Digest::of(&bytes);
        digest::expect(digest, expected.unwrap_or(&digest), address)?;
        Ok(Self { bytes, digest })
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Module({} bytes, {})", self.bytes.len(), self.digest)
    }
}

/// Reads or downloads a module. What was downloaded once is kept in the folder `cache`, if there is one, so that later runs
/// need no network.
///
/// # Errors
/// [`SourceError`]. An unusable cache is none: it is logged, and the module is downloaded.
pub async fn fetch(
    source: &Source,
    sha256: Option<&Digest>,
    cache: Option<&Path>,
) -> Result<Module, SourceError> {
    Terms::default().fetch(source, sha256, cache).await
}

/// On which terms something is fetched.
struct Terms {
    largest: u64,
    patience: Duration,
    /// Whom to trust instead of the system's authorities.
    authorities: Option<Vec<Certificate>>,
    /// The folder of Docker's configuration.
    docker: Option<PathBuf>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { largest: MAX_MODULE as u64, patience: PATIENCE, authorities: None, docker: docker::folder() }
    }
}

impl Terms {
    async fn fetch(
        &self,
        source: &Source,
        sha256: Option<&Digest>,
        cache: Option<&Path>,
    ) -> Result<Module, SourceError> {
        match source {
            Source::File(path) => Module::checked(file::read(path, self.largest)?, sha256, source),
            Source::Remote(remote) => self.fetch_remote(remote, remote.pinned(sha256)?, cache).await,
        }
    }

    async fn fetch_remote(
        &self,
        remote: &Remote,
        digest: &Digest,
        cache: Option<&Path>,
    ) -> Result<Module, SourceError> {
        if let Some(bytes) = cache.and_then(|cache| cache::load(cache, digest, self.largest)) {
            return Ok(Module { bytes, digest: *digest });
        }
        let download = tokio::time::timeout(self.patience, self.download(remote, digest));
        let slow = |_| SourceError::Slow { address: remote.to_string(), limit: self.patience };
        let module = Module::checked(download.await.map_err(slow)??, Some(digest), remote)?;
        if let Some(cache) = cache {
            cache::store(cache, &module);
        }
        Ok(module)
    }

    async fn download(&self, remote: &Remote, digest: &Digest) -> Result<Vec<u8>, SourceError> {
        let web = Web::new(remote, self.authorities.as_deref())?;
        match remote {
            Remote::Web(url) => web::body(web.get(url).await?, self.largest).await,
            Remote::Oci(reference) => {
                let mut registry = oci::Registry::new(&web, reference, self.docker.as_deref());
                // Known from the manifest already, which saves the download of a wrong one.
                digest::expect(registry.module().await?, digest, remote)?;
                registry.blob(digest, self.largest).await
            }
        }
    }
}

#[cfg(test)]
mod tests;
