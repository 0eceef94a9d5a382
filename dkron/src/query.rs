//! Questions beside the single job: lists of jobs, members of the cluster.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Problem};
use crate::job::Job;
use crate::operation::Operation;
use crate::transport::{Answer, Request};

/// Which jobs [`Client::list`](crate::Client::list) returns; the default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Metadata that a job must have, key and value exactly.
    pub metadata: BTreeMap<String, String>,
    /// Text that the name or the display name must contain (case-sensitive).
    pub text: Option<String>,
    /// Only disabled jobs, or only enabled ones.
    pub disabled: Option<bool>,
    /// `success`, `failed`, `partially_failed`, or `untriggered` for jobs that never ran.
    pub status: Option<String>,
}

impl Filter {
    /// The query as dkron reads it.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let metadata = self.metadata.iter().map(|(key, value)| (format!("metadata[{key}]"), value.clone()));
        let others = [
            ("q", self.text.clone()),
            ("disabled", self.disabled.map(|disabled| disabled.to_string())),
            ("status", self.status.clone()),
        ];
        let others = others.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        metadata.chain(others).collect()
    }

    /// dkron misreads metadata keys with brackets, so its answer is looked through again.
    pub(crate) fn has_metadata(&self, job: &Job) -> bool {
        self.metadata.iter().all(|(key, value)| job.metadata.get(key) == Some(value))
    }
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Name of the node, as `X-Whom` reports it.
    #[serde(rename = "Name")]
    pub name: String,
    /// Address at which the other nodes reach it.
    #[serde(rename = "Addr", default)]
    pub address: String,
    /// Gossip port.
    #[serde(rename = "Port", default)]
    pub port: u16,
    /// Tags of the node, dkron's own (`role`, `server`, `version`, …) and configured ones.
    #[serde(rename = "Tags", default)]
    pub tags: BTreeMap<String, String>,
    /// `alive`, `leaving`, `left` or `failed`; empty in the answer about the leader.
    #[serde(rename = "statusText", default)]
    pub status: String,
}

impl Operation<'_> {
    /// The leader's answer to a question for a list, or its 404. A node whose store is closed lists nothing and leaves
    /// out the count; it is asked again.
    pub(crate) async fn counted(&self, request: &Request) -> Result<Answer, Error> {
        let mut patience = self.patience();
        loop {
            let answer = self.leader_answer(request).await?;
            if answer.total.is_some() || answer.status == 404 {
                return Ok(answer);
            }
            let failure = self.failure(request, &answer, Problem::Uncounted);
            self.wait_to_retry(&mut patience, failure).await?;
        }
    }
}

#[cfg(test)]
mod tests;
