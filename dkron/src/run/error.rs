//! Why a run was not seen to its end.

use std::fmt;

use crate::error::Error;
use crate::run::Run;

/// Why [`Client::run`](crate::Client::run) does not know how a run ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nothing was started.
    #[error(transparent)]
    NotStarted(#[from] Error),
    /// There is no such job.
    #[error("there is no job named {name:?} in dkron")]
    Missing {
        /// The name as given.
        name: String,
    },
    /// dkron runs no disabled job.
    #[error("dkron does not run job {name:?} because it is disabled; enable it first")]
    Disabled {
        /// Name of the job.
        name: String,
    },
    /// The job's tags fit no node.
    #[error("dkron cannot run job {name:?}: {why}")]
    NoNode {
        /// Name of the job.
        name: String,
        /// What is wrong with its tags.
        why: String,
    },
    /// dkron refused for a reason that does not show.
    #[error(
        "dkron refused to run job {name:?} and did not say why. It exists, is enabled, and a node fits its \
         tags; the leader may have lost it from its schedule, which writing the job again mends"
    )]
    Refused {
        /// Name of the job.
        name: String,
    },
    /// dkron says that the run ended, and shows no trace of it.
    #[error(
        "dkron says that the run of job {name:?} ended, but shows no execution of it: the node could not be \
         reached, or the job was deleted meanwhile; the log of the leader tells more"
    )]
    NotRecorded {
        /// Name of the job.
        name: String,
    },
    /// The wait ended before the run did.
    #[error("{cause}. {}", whereabouts(cause, run.as_ref()))]
    Lost {
        /// Why the wait ended.
        cause: Error,
        /// The run as it was seen last; none if it was not seen.
        run: Option<Run>,
    },
}

/// What is known of a run that is not watched any more.
fn whereabouts(cause: &Error, run: Option<&Run>) -> impl fmt::Display {
    let Some(run) = run else {
        return "Whether the run began is not known; the job's executions show it".to_owned();
    };
    let running = run.last_attempts().filter(|execution| execution.finished_at.is_none());
    let nodes = running.map(|execution| format!("{:?}", execution.node)).collect::<Vec<_>>().join(", ");
    let chosen = matches!(cause, Error::Cancelled { .. } | Error::DeadlineExceeded { .. });
    match &nodes[..] {
        "" => "What was seen of the run had ended, and the job's executions show the rest".to_owned(),
        nodes if chosen => format!(
            "The run goes on in dkron, on node {nodes}: nothing stops it, and the job's executions show its end"
        ),
        nodes => format!(
            "When it was seen last, the run went on in dkron, on node {nodes}; the job's executions show its end"
        ),
    }
}
