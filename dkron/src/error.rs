//! What can go wrong, with the facts as fields and a readable paragraph as text.
//!
//! No text here holds a secret: URLs have neither credentials nor query, quoted answers are cut and
//! cleaned by `transport`, jobs print the keys of their settings only.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use url::Url;

use crate::Job;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request failed, finally.
    #[error(transparent)]
    Request(#[from] Box<RequestError>),
    /// The caller cancelled.
    #[error("cannot {operation}: the call was cancelled")]
    Cancelled {
        /// What was being done.
        operation: String,
    },
    /// The deadline of the caller's [`Scope`](crate::Scope) passed.
    #[error("cannot {operation}: the time given for it is over{}", last_failure(failure.as_deref()))]
    DeadlineExceeded {
        /// What was being done.
        operation: String,
        /// What went wrong so far, if anything did.
        failure: Option<Box<RequestError>>,
    },
    /// The name cannot be a job's, and could lead a request astray.
    #[error(
        "{name:?} cannot be the name of a job: dkron's names are lower-case letters, digits, '-' and '_'"
    )]
    InvalidName {
        /// The name as given.
        name: String,
    },
    /// [`Client::create`](crate::Client::create) found a job of this name; it was left alone.
    #[error("a job named {:?} exists already in dkron and was left alone", job.name)]
    AlreadyExists {
        /// The job that is there.
        job: Box<Job>,
    },
    /// [`Client::update`](crate::Client::update) found no job of this name.
    #[error("there is no job named {name:?} in dkron to update: it was deleted behind our back")]
    Missing {
        /// Name of the job.
        name: String,
    },
    /// The nodes that answer are not the leader, and only the leader's answer counts here.
    #[error(
        "cannot {operation}: only the answer of the leader, node {leader:?}, counts for this, but the \
         endpoints lead to {}; add the leader's address to the endpoints, or use one that balances \
         over all nodes",
        nodes(answered)
    )]
    LeaderUnreached {
        /// What was being done.
        operation: String,
        /// Name of the leader.
        leader: String,
        /// Nodes that answered instead.
        answered: Vec<String>,
    },
    /// The job seems to be absent, but it cannot be proven.
    #[error(
        "cannot {operation}: dkron answers that there is no such job, but {doubt}; so the job may well \
         exist. Try again once the cluster is healthy"
    )]
    Unproven {
        /// What was being done.
        operation: String,
        /// Why the answer is not believed.
        doubt: String,
    },
    /// The parent of the job does not exist.
    #[error("dkron refused job {name:?}: its parent job {parent:?} does not exist; create the parent first")]
    ParentMissing {
        /// Name of the job.
        name: String,
        /// Name of the parent that is not there.
        parent: String,
    },
    /// The parent of the job would come after the job itself.
    #[error(
        "a job cannot run after itself, but with this parent it would: {}, each after the next. None of them \
         would ever run; give one of them another parent",
        chain.join(" -> ")
    )]
    Cycle {
        /// The job, its parent, the parent's parent and so on up to the job again.
        chain: Vec<String>,
    },
    /// Other jobs name this one as their parent, so it cannot be deleted.
    #[error(
        "job {name:?} cannot be deleted while other jobs depend on it: {}; delete them first or give \
         them another parent",
        dependents.join(", ")
    )]
    HasDependents {
        /// Name of the job.
        name: String,
        /// The jobs that have it as parent.
        dependents: Vec<String>,
    },
    /// This version of dkron drops a field silently; what was written was taken back.
    #[error(
        "this dkron does not know the field `{field}` of job {name:?} and drops it silently: it needs \
         {needs}. What was written was taken back; remove the field or upgrade dkron"
    )]
    Unsupported {
        /// Name of the job.
        name: String,
        /// Name of the field in the API.
        field: &'static str,
        /// The version that knows it.
        needs: &'static str,
    },
    /// dkron acknowledged a write but keeps showing something else.
    #[error("dkron accepted job {name:?} but {}; somebody else may be writing the same job", shows(fields))]
    NotStored {
        /// Name of the job.
        name: String,
        /// The fields that differ from what was written; empty if the job is absent.
        fields: Vec<&'static str>,
    },
    /// dkron acknowledged a delete but keeps showing the job.
    #[error(
        "dkron says that it deleted job {name:?} but still shows it afterwards; somebody else may be \
         writing the same job"
    )]
    StillThere {
        /// Name of the job.
        name: String,
    },
}

fn last_failure(failure: Option<&RequestError>) -> String {
    failure.map(|failure| format!("; the last attempt: {}", failure.what_came())).unwrap_or_default()
}

fn nodes(names: &[String]) -> String {
    if names.is_empty() { "nodes that do not say their name".to_owned() } else { names.join(", ") }
}

fn shows(fields: &[&str]) -> String {
    if fields.is_empty() {
        "does not show it afterwards".to_owned()
    } else {
        format!("shows something else afterwards in: {}", fields.join(", "))
    }
}

/// A failed write, and what is in dkron now as far as that is known.
#[derive(Debug, thiserror::Error)]
#[error("{cause}. {left}")]
pub struct WriteError {
    /// What went wrong.
    #[source]
    pub cause: Error,
    /// What is there now.
    pub left: Left,
}

/// What a failed write left behind in dkron.
#[derive(Clone, Debug)]
pub enum Left {
    /// Nothing was written: whatever was there still is.
    Untouched,
    /// This job, as the leader shows it.
    Job(Box<Job>),
    /// No job of this name, as the leader shows.
    Nothing,
    /// A write may or may not have been applied, and nobody can be asked.
    Unknown,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untouched => "Nothing was written",
            Self::Job(_) => "The job exists in dkron",
            Self::Nothing => "The job does not exist in dkron",
            Self::Unknown => "Whether the write was applied is not known",
        })
    }
}

/// A request that failed, with everything one needs to find out why.
#[derive(Debug)]
pub struct RequestError {
    /// What was being done, as it follows "cannot": `read job "a"`.
    pub operation: String,
    /// Method of the request.
    pub method: String,
    /// URL of the request without credentials and query.
    pub url: String,
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// The node that answered (`X-Whom`).
    pub node: Option<String>,
    /// The answer's text: one line, cut, known secrets removed. An HTML page is not quoted.
    pub text: Option<String>,
    /// Whether the answer was an HTML page.
    pub html: bool,
    /// What it means.
    pub problem: Problem,
    /// What `Retry-After` asks for.
    pub retry_after: Option<Duration>,
    /// How often it was tried, and for how long.
    pub attempts: u32,
    /// Time from the first failure to the last.
    pub elapsed: Duration,
    /// The error below, if any.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What a failed request means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// No connection came about: nothing was sent.
    Unreachable,
    /// The connection broke before the answer was complete.
    Interrupted,
    /// No answer within the request timeout.
    TimedOut,
    /// TLS failed; the text says how.
    Tls(String),
    /// The answer points elsewhere, to this host; redirects are not followed, for they would take the
    /// credentials along.
    Redirected {
        /// Scheme, host and port of the target; `None` if the answer does not say.
        target: Option<String>,
    },
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// The answer is not one of dkron's.
    NotDkron,
    /// The cluster has no leader.
    NoLeader,
    /// The job is larger than dkron can pass between its nodes.
    TooLarge,
    /// dkron refused what was sent.
    Rejected,
    /// The server asks for patience (429).
    Throttled,
    /// The server failed (5xx, or 404 for a delete that it could not do).
    Unavailable,
    /// A list without the number of its entries (`X-Total-Count`).
    Uncounted,
    /// Any other status.
    Unexpected,
    /// The body cannot be read; the text says where.
    Undecodable(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str(
                "no connection came about; check that dkron runs, that host and port are right, and that \
                 nothing between blocks it",
            ),
            Self::Interrupted => f.write_str("the connection broke before the answer was complete"),
            Self::TimedOut => f.write_str("there was no answer in time; check the cluster's health"),
            Self::Tls(how) => f.write_str(how),
            Self::Redirected { target: Some(target) } => write!(
                f,
                "the answer redirects to {target}, and redirects are not followed because they would take \
                 the credentials along; use the final address as endpoint"
            ),
            Self::Redirected { target: None } => f.write_str(
                "the answer is a redirect, and redirects are not followed because they would take the \
                 credentials along; use the final address as endpoint",
            ),
            Self::Unauthorized => f.write_str("the credentials are missing or wrong; check them"),
            Self::Forbidden => f.write_str("the credentials do not permit this; check their rights"),
            Self::NotDkron => f.write_str(
                "this is not an answer of dkron (its answers name the node in X-Whom); check the endpoint \
                 and its path, and that a proxy in between passes X-Whom on",
            ),
            Self::NoLeader => {
                f.write_str("the cluster has no leader; check that a majority of its servers runs")
            }
            Self::TooLarge => {
                f.write_str("the job is too large for dkron, whose limit is 4 MiB; make it smaller")
            }
            Self::Rejected => f.write_str("dkron does not accept it; correct what it names"),
            Self::Throttled => f.write_str("the server asks for fewer requests; try again later"),
            Self::Unavailable => f.write_str("the server could not do it; check the cluster's health"),
            Self::Uncounted => f.write_str(
                "the answer does not say how many entries there are (X-Total-Count); check that the node is not \
                 stopping, and that a proxy in between passes X-Total-Count on",
            ),
            Self::Unexpected => f.write_str("this answer was not expected; check the endpoint"),
            Self::Undecodable(place) => {
                write!(f, "the answer is not what dkron's API promises ({place}); check the endpoint")
            }
        }
    }
}

impl RequestError {
    /// Whether there was an answer, and so somebody who knows.
    pub(crate) fn is_answer(&self) -> bool {
        self.status.is_some()
    }

    /// Whether both requests went to the same address.
    pub(crate) fn is_from_where(&self, other: &Self) -> bool {
        let origin = |failure: &Self| Url::parse(&failure.url).map(|url| url.origin());
        origin(self) == origin(other)
    }

    /// What was sent where, and what came of it.
    fn what_came(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            write!(f, "{} {}", self.method, self.url)?;
            match self.status {
                Some(status) => write!(f, " answered {status}")?,
                None => f.write_str(" failed")?,
            }
            if let Some(node) = &self.node {
                write!(f, " from node {node:?}")?;
            }
            if self.html {
                f.write_str(" with an HTML page, which looks like a proxy or login page")?;
            } else if let Some(text) = &self.text {
                write!(f, " with {text:?}")?;
            }
            write!(f, ": {}", self.problem)?;
            if self.attempts > 1 {
                write!(f, " (tried {} times in {} s)", self.attempts, self.elapsed.as_secs())?;
            }
            Ok(())
        })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.operation, self.what_came())
    }
}

impl StdError for RequestError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
