//! The client: reads here, writes in `write`.

use std::fmt;
use std::sync::Arc;

use crate::config::{Config, ConfigError, Retry};
use crate::error::{Error, Problem, WriteError};
use crate::job::Job;
use crate::locks::Locks;
use crate::operation::{Operation, job_request};
use crate::query::{Filter, Member};
use crate::scope::Scope;
use crate::settle::Rhythms;
use crate::transport::{Request, Transport};
use crate::trust::{MOST_LOOKS, Trust};
use crate::write;

/// A client of one dkron cluster. Clones share everything: connections, what is known about the
/// leader, the limit on requests in flight, and the locks between writers.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all calls of a client share.
pub(crate) struct Shared {
    pub(crate) transport: Transport,
    pub(crate) trust: Trust,
    pub(crate) locks: Locks,
    pub(crate) rhythms: Rhythms,
    pub(crate) retry: Retry,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the settings and prepares the client; nothing is sent.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    #[expect(clippy::needless_pass_by_value, reason = "a configuration is made for one client")]
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let shared = Shared {
            transport: Transport::new(&config)?,
            trust: Trust::default(),
            locks: Locks::default(),
            rhythms: Rhythms::default(),
            retry: config.retry,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads a job; `None` is proven absence.
    ///
    /// `agrees` says whether a job is what the caller expects. Such an answer counts from any node and
    /// costs one request. Any other answer counts only from the leader. That there is no such job
    /// counts only from a leader which is known to have caught up with its log; finding that out takes
    /// two seconds, once for as long as the leader stays the same.
    ///
    /// # Errors
    /// [`Error::Unproven`], [`Error::LeaderUnreached`] or [`Error::Request`] when the job seems absent
    /// or changed and that cannot be proven; see [`Error`] for the rest.
    pub async fn read(
        &self,
        scope: &Scope,
        name: &str,
        agrees: impl Fn(&Job) -> bool,
    ) -> Result<Option<Job>, Error> {
        check_name(name)?;
        let operation = self.operation(scope, format!("read job {name:?}"));
        let request = job_request(name);
        let mut answer = operation.answer(&request).await?;
        for _ in 0..MOST_LOOKS {
            let job = operation.job(name, &answer)?;
            if job.as_ref().is_some_and(&agrees) {
                return Ok(job);
            }
            let leader = operation.leader_since(answer.received).await?;
            if answer.node == Some(leader) {
                if job.is_some() || self.shared.trust.proves_absence(&answer) {
                    return Ok(job);
                }
                operation.catch_up_by_waiting().await?;
            }
            answer = operation.leader_answer(&request).await?;
        }
        Err(operation.never_sure())
    }

    /// Creates a job that must not exist yet, and returns it as it is stored.
    ///
    /// `seen` is called as soon as the leader shows the job, before anything else is checked: a caller
    /// that is stopped after that knows that the job exists.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if there is a job of this name; it is left alone. Otherwise see
    /// [`Error`]; [`WriteError::left`] says what is there.
    pub async fn create(
        &self,
        scope: &Scope,
        job: &Job,
        seen: impl FnMut(&Job) + Send,
    ) -> Result<Job, WriteError> {
        let operation = self.operation(scope, format!("create job {:?}", job.name));
        write::create(operation, job, seen).await
    }

    /// Makes the job in dkron mean what `job` says, and returns it as it is stored. Nothing is written
    /// if it does already. Dependents, and fields that this crate does not know, are kept. A parent that
    /// has lost the job from its dependents lists it again.
    ///
    /// `seen` is called as soon as the leader shows the change.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such job, [`Error::ParentMissing`] if there is no such parent,
    /// [`Error::Cycle`] if the new parent comes after the job itself. Otherwise see [`Error`];
    /// [`WriteError::left`] says what is there.
    pub async fn update(
        &self,
        scope: &Scope,
        job: &Job,
        seen: impl FnMut(&Job) + Send,
    ) -> Result<Job, WriteError> {
        let operation = self.operation(scope, format!("update job {:?}", job.name));
        write::update(operation, job, seen).await
    }

    /// Deletes a job; one that does not exist is fine. Waits up to 30 s for its children to go; names among
    /// its dependents that are not its children do not keep it.
    ///
    /// # Errors
    /// [`Error::HasDependents`] if children stay. Otherwise see [`Error`]; [`WriteError::left`] says what
    /// is there.
    pub async fn delete(&self, scope: &Scope, name: &str) -> Result<(), WriteError> {
        let operation = self.operation(scope, format!("delete job {name:?}"));
        write::delete(operation, name).await
    }

    /// The jobs that match, by name, as a leader lists them that has caught up with its log: none is left out. Finding
    /// that out takes two seconds, once for as long as the leader stays the same.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list(&self, scope: &Scope, filter: &Filter) -> Result<Vec<Job>, Error> {
        let operation = self.operation(scope, "list jobs".to_owned());
        let request = Request::get(["jobs"]).with_query(filter.query());
        let mut patience = operation.patience();
        loop {
            operation.catch_up_by_waiting().await?;
            let answer = operation.counted(&request).await?;
            operation.leader_since(answer.received).await?;
            // What it leaves out is said to be absent.
            if self.shared.trust.proves_absence(&answer) {
                let mut jobs: Vec<Job> = operation.decode(&request, &answer)?;
                jobs.retain(|job| filter.has_metadata(job));
                return Ok(jobs);
            }
            let failure = operation.failure(&request, &answer, Problem::Unavailable);
            operation.wait_to_retry(&mut patience, failure).await?;
        }
    }

    /// The node that leads the cluster.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn leader(&self, scope: &Scope) -> Result<Member, Error> {
        let operation = self.operation(scope, "ask for the leader".to_owned());
        let (leader, _) = operation.until_it_works(|route| operation.ask_for_leader(route)).await?;
        Ok(leader)
    }

    /// The nodes of the cluster, gone ones included, as one of them knows them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn members(&self, scope: &Scope) -> Result<Vec<Member>, Error> {
        let operation = self.operation(scope, "ask for the members".to_owned());
        let request = Request::get(["members"]);
        let answer = operation.answer(&request).await?;
        operation.decode(&request, &answer)
    }

    pub(crate) fn operation(&self, scope: &Scope, what: String) -> Operation<'_> {
        Operation::new(&self.shared, scope, what)
    }
}

/// Refuses what would lead a request to another path; everything else is for dkron to judge.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') || name.contains(char::is_control)
    {
        return Err(Error::InvalidName { name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
