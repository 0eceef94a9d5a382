//! What a client needs to know before its first request.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// Settings of a [`Client`](crate::Client).
#[derive(Clone)]
pub struct Config {
    /// Base addresses of the API, with or without a path prefix, without `/v1`. Several name the nodes
    /// of one cluster; a cluster behind a balancer has one.
    pub endpoints: Vec<Url>,
    /// How the client says who it is.
    pub auth: Auth,
    /// Further headers of every request.
    pub headers: Vec<Header>,
    /// TLS of `https` endpoints.
    pub tls: Tls,
    /// Time for one request. A dying dkron leader holds a request for 10 s before it answers, so less
    /// than 15 s gives up early.
    pub request_timeout: Duration,
    /// When to repeat what failed.
    pub retry: Retry,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How many requests may be under way at once. More than 16 writes at once gain nothing (measured).
    pub max_in_flight: usize,
}

impl Config {
    /// Default settings for these endpoints: no authentication, 20 s per request, 16 in flight.
    pub fn new(endpoints: impl IntoIterator<Item = Url>) -> Self {
        Self {
            endpoints: endpoints.into_iter().collect(),
            auth: Auth::None,
            headers: Vec::new(),
            tls: Tls::default(),
            request_timeout: Duration::from_secs(20),
            retry: Retry::default(),
            user_agent: concat!("krony-dkron/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_in_flight: 16,
        }
    }
}

/// Without the credentials that somebody may have put into an endpoint, where they are refused.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(|url| url.origin().ascii_serialization()).collect();
        f.debug_struct("Config")
            .field("endpoints", &endpoints)
            .field("auth", &self.auth)
            .field("headers", &self.headers)
            .field("tls", &self.tls)
            .field("request_timeout", &self.request_timeout)
            .field("retry", &self.retry)
            .field("user_agent", &self.user_agent)
            .field("max_in_flight", &self.max_in_flight)
            .finish()
    }
}

/// How requests are authenticated. dkron itself asks for nothing; what stands before it may.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// HTTP Basic.
    Basic {
        /// Name of the user.
        username: String,
        /// Password of the user.
        password: SecretString,
    },
    /// A bearer token.
    Bearer(SecretString),
}

/// A header that goes with every request; its value is treated as a secret.
#[derive(Clone, Debug)]
pub struct Header {
    /// Name of the header.
    pub name: String,
    /// Its value.
    pub value: SecretString,
}

/// TLS settings.
#[derive(Clone, Default)]
pub struct Tls {
    /// PEM certificates of the authorities to trust. They *replace* the system's: who names an
    /// authority wants this one and no other.
    pub ca_cert: Option<Vec<u8>>,
    /// PEM certificate (chain) that the client shows, and its PEM key; both or neither.
    pub client_cert: Option<Vec<u8>>,
    /// Key of `client_cert`.
    pub client_key: Option<SecretString>,
    /// Accept any certificate. For experiments.
    pub insecure_skip_verify: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca_cert", &self.ca_cert.is_some())
            .field("client_cert", &self.client_cert.is_some())
            .field("client_key", &self.client_key.is_some())
            .field("insecure_skip_verify", &self.insecure_skip_verify)
            .finish()
    }
}

/// How patient a client is with a cluster that is in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How long a row of failures may last before the call gives up; zero repeats nothing.
    pub budget: Duration,
    /// The longest single wait, and the cap on what `Retry-After` may ask for.
    pub max_wait: Duration,
}

/// A dead leader costs 10 s of hanging and 3–5 s of election (measured); the default outlasts several.
impl Default for Retry {
    fn default() -> Self {
        Self { budget: Duration::from_secs(60), max_wait: Duration::from_secs(5) }
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    /// Name of the setting, as the field of [`Config`] or [`Tls`] is called.
    pub setting: &'static str,
    /// What was expected, what was found and what to do, without the value where that is secret.
    pub problem: String,
}

impl ConfigError {
    pub(crate) fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}
