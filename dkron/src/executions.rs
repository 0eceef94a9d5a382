//! Executions: what dkron remembers of the runs of a job, at most the last 100 of them.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use crate::client::{Client, check_name};
use crate::error::Error;
use crate::job::{null_is_empty, zero_time_is_none};
use crate::operation::Operation;
use crate::scope::Scope;
use crate::transport::Request;

/// How often a look is repeated when a job that is there has no executions to look at.
const MOST_LOOKS: u32 = 5;

/// One attempt of a run, on one node.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Execution {
    /// Name of the execution: the nanosecond of its start, and its node.
    pub id: String,
    /// The run that it belongs to: the nanosecond in which the leader started it. All nodes and all
    /// attempts of a run share it.
    pub group: i64,
    /// Name of the node.
    #[serde(rename = "node_name", default, deserialize_with = "null_is_empty")]
    pub node: String,
    /// 1 for the first attempt, 2 for the first repetition, and so on.
    #[serde(default)]
    pub attempt: u32,
    /// When it started.
    #[serde(default, deserialize_with = "zero_time_is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` while it goes on, or if dkron lost sight of it.
    #[serde(default, deserialize_with = "zero_time_is_none")]
    pub finished_at: Option<Timestamp>,
    /// Whether it succeeded; false while it goes on.
    #[serde(default)]
    pub success: bool,
    /// The end of what it printed, as much as was asked for.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub output: String,
    /// Whether `output` lacks its beginning.
    #[serde(default)]
    pub output_truncated: bool,
}

/// Without the output, which may hold secrets.
impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("id", &self.id)
            .field("group", &self.group)
            .field("node", &self.node)
            .field("attempt", &self.attempt)
            .field("started_at", &self.started_at)
            .field("finished_at", &self.finished_at)
            .field("success", &self.success)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The executions of a job, newest first, with the last `output` bytes of what each printed; `None`
    /// if the job is proven to be absent. dkron keeps 100 of them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn executions(
        &self,
        scope: &Scope,
        name: &str,
        output: usize,
    ) -> Result<Option<Vec<Execution>>, Error> {
        check_name(name)?;
        let operation = self.operation(scope, format!("read the executions of job {name:?}"));
        for _ in 0..MOST_LOOKS {
            let executions = operation.executions(name, output).await?;
            if executions.is_some() || self.read(scope, name, |_| false).await?.is_none() {
                return Ok(executions);
            }
        }
        let doubt = "it shows the job itself".to_owned();
        Err(Error::Unproven { operation: operation.what, doubt })
    }
}

impl Operation<'_> {
    /// What the leader remembers, newest first; `None` if it says that there is no such job.
    pub(crate) async fn executions(
        &self,
        name: &str,
        output: usize,
    ) -> Result<Option<Vec<Execution>>, Error> {
        let request = Request::get(["jobs", name, "executions"])
            .with_query(vec![("output_size_limit".to_owned(), output.to_string())]);
        let answer = self.counted(&request).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let mut executions: Vec<Execution> = self.decode(&request, &answer)?;
        executions.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        Ok(Some(executions))
    }
}

#[cfg(test)]
mod tests;
