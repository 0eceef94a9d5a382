//! Why a module cannot be had. No text here holds credentials: URLs are shown without them and without a query.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;

use super::Digest;

/// Why a module cannot be had, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A remote source without a digest.
    #[error(
        "the module at {address} is remote, and what is there may change; set `sha256` to the digest of the module that is meant, \
         as `sha256sum` prints it"
    )]
    Unpinned {
        /// The source.
        address: String,
    },
    /// There is no such file.
    #[error(
        "expected a module at {}, found nothing; a path counts from the folder in which Terraform runs{}",
        path.display(),
        way(path)
    )]
    Missing {
        /// The path, absolute.
        path: PathBuf,
    },
    /// A folder, a device or the like.
    #[error("expected a file at {}, found something else, such as a folder; name the module itself", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {problem}; make the file readable for whoever runs Terraform", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// More than a module may hold.
    #[error(
        "expected a module of at most {limit} bytes at {address}, found more; look whether it is the right file, and \
         build the hook for release, without symbols"
    )]
    TooLarge {
        /// Where it is.
        address: String,
        /// How much is allowed, in bytes.
        limit: u64,
    },
    /// Not the bytes that were asked for.
    #[error(
        "expected a module with the SHA-256 {expected} at {address}, found {found}; if this is a new version and you \
         trust it, set `sha256` to the latter, else find out who changed it"
    )]
    WrongDigest {
        /// The source.
        address: String,
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what is there.
        found: Digest,
    },
    /// No answer at all.
    #[error(
        "cannot reach {address}: {problem}; check the address, the network and the proxy. The server's certificate \
         must come from an authority that this system trusts"
    )]
    Unreachable {
        /// What was asked for.
        address: String,
        /// What went wrong.
        problem: String,
    },
    /// The time is over.
    #[error(
        "the module at {address} could not be downloaded within {} s; try again, or keep the module in a file",
        limit.as_secs_f32()
    )]
    Slow {
        /// The source.
        address: String,
        /// How much time there was.
        limit: Duration,
    },
    /// The body ended too soon.
    #[error("the download of {address} broke off after {received} bytes{}: {problem}; try again", of(*expected))]
    BrokenOff {
        /// What was asked for.
        address: String,
        /// How much came, in bytes.
        received: u64,
        /// How much was announced, in bytes.
        expected: Option<u64>,
        /// What went wrong.
        problem: String,
    },
    /// The server sends us elsewhere.
    #[error(
        "expected a module at {address}, but the server leads to {target}; redirects are not followed: if you trust \
         that place, name the address where the module really lies"
    )]
    Redirect {
        /// What was asked for.
        address: String,
        /// Where it leads to.
        target: String,
    },
    /// Another status than 200.
    #[error("expected status 200 from {address}, found {status}; {}", advice(*status))]
    Status {
        /// What was asked for.
        address: String,
        /// The status.
        status: StatusCode,
    },
    /// A page for people.
    #[error(
        "expected a module from {address}, found an HTML page; this looks like a login or proxy page: open the address \
         in a browser to see what it wants"
    )]
    Page {
        /// What was asked for.
        address: String,
    },
    /// The registry wants other credentials, or some.
    #[error("the registry does not give out {address} {}; {}", with(*credentials), login(registry))]
    Denied {
        /// What was asked for.
        address: String,
        /// Host of the registry.
        registry: String,
        /// Whether Docker's configuration has credentials for it.
        credentials: bool,
    },
    /// Docker's configuration is there but cannot be used.
    #[error("cannot take credentials from {}: {problem}; log in anew with `docker login`", path.display())]
    DockerConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The registry does not keep to the protocol.
    #[error("expected {expected} from {address}, found {found}; check that this is an OCI registry")]
    Protocol {
        /// What was asked for.
        address: String,
        /// What the protocol wants there.
        expected: &'static str,
        /// What was there.
        found: String,
    },
    /// An artefact without a module, or with several.
    #[error(
        "expected an artefact with one layer of the type {} at {address}, found {found}; push the module with `wkg oci \
         push`, or with `oras push` and the media type after a colon",
        super::oci::LAYER_TYPES.join(" or ")
    )]
    Layers {
        /// The source.
        address: String,
        /// The media types of what is there.
        found: String,
    },
}

/// What is often wrong with a path.
fn way(path: &Path) -> &'static str {
    if path.components().any(|part| part.as_os_str() == "~") {
        ", and `~` means nothing in it: write `pathexpand(\"~/…\")`"
    } else {
        ", and `${path.module}/…` finds what lies beside the configuration"
    }
}

fn of(expected: Option<u64>) -> String {
    expected.map(|expected| format!(" of {expected}")).unwrap_or_default()
}

fn advice(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => {
            "the server does not give the module to everybody; check the address and what it asks for"
        }
        404 | 410 => "there is nothing at this address: check it",
        407 => "the proxy wants credentials: check the proxy's settings in the environment",
        429 | 500.. => "the server is not well or busy: try again later",
        _ => "check the address",
    }
}

fn with(credentials: bool) -> &'static str {
    if credentials { "with the credentials in Docker's configuration" } else { "without credentials" }
}

fn login(registry: &str) -> String {
    format!(
        "check the address, and log in with `docker login {registry}`. Credential helpers are not asked: the \
         credentials must stand in Docker's config.json"
    )
}
