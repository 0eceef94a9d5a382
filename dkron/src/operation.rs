//! One call of a client: its scope, its patience, and the ways in which it asks the cluster.

use std::collections::BTreeSet;
use std::future::Future;
use std::mem;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::client::Shared;
use crate::error::{Error, Problem, RequestError};
use crate::job::Job;
use crate::moment::Moment;
use crate::query::Member;
use crate::retry::{Patience, is_retryable};
use crate::scope::Scope;
use crate::transport::{Answer, Request, Route, Transport};

/// How long a call that was cancelled or has given up goes on finding out what its last write did.
const AFTERMATH: Duration = Duration::from_secs(5);

/// While one call asks who leads, others wait for its answer this long before they ask themselves.
const SHARED_QUESTION: Duration = Duration::from_secs(1);

/// How long the search for the leader goes on when only other nodes answer. They name a dead leader for
/// 1–2 s before they elect another (measured).
const LEADER_COMES_BACK: Duration = Duration::from_secs(8);
const SEARCH_AGAIN: Duration = Duration::from_millis(500);

pub(crate) struct Operation<'a> {
    pub(crate) shared: &'a Shared,
    /// What is being done, as it follows "cannot".
    pub(crate) what: String,
    /// Its token is replaced once something was written: finding out what happened is not cancelled.
    pub(crate) scope: Scope,
    cancel: CancellationToken,
    /// The call has given up and only wants to know what is left behind.
    hurried: bool,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(shared: &'a Shared, scope: &Scope, what: String) -> Self {
        Self { shared, what, scope: scope.clone(), cancel: scope.cancel.clone(), hurried: false }
    }

    /// To be called before each write.
    ///
    /// # Errors
    /// When the caller cancelled or the time is over.
    pub(crate) fn begin_write(&mut self) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled { operation: self.what.clone() });
        }
        if self.scope.left().is_zero() {
            return Err(Error::DeadlineExceeded { operation: self.what.clone(), failure: None });
        }
        self.scope.cancel = CancellationToken::new();
        Ok(())
    }

    /// From now on, failures are not waited out for long.
    pub(crate) fn hurry(&mut self) {
        self.hurried = true;
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience::new(self.shared.retry)
    }

    /// Sends the request once.
    pub(crate) async fn once(&self, request: &Request, route: Route) -> Result<Answer, Error> {
        let outcome = self.transport().exchange(&self.what, request, route, &self.scope).await;
        if let Err(Error::Request(failure)) = &outcome
            && is_retryable(&failure.problem)
        {
            self.transport().avoid(route.endpoint);
        }
        outcome
    }

    /// Waits for the next try after a failure that deserves one; otherwise gives the failure back.
    pub(crate) async fn wait_to_retry(&self, patience: &mut Patience, error: Error) -> Result<(), Error> {
        let mut failure = match error {
            Error::Request(failure) => failure,
            Error::DeadlineExceeded { operation, failure: None } => {
                return Err(Error::DeadlineExceeded { operation, failure: patience.failure_so_far() });
            }
            error => return Err(error),
        };
        let cap = (self.hurried || self.cancel.is_cancelled()).then_some(AFTERMATH);
        let wait = patience.next_wait(&mut failure, self.transport().reached(), cap);
        match wait.filter(|wait| *wait < self.scope.left()) {
            Some(wait) => {
                log_retry(&failure, wait);
                patience.note(failure);
                self.pause(wait).await
            }
            None => Err(Error::Request(patience.most_telling(failure))),
        }
    }

    pub(crate) async fn pause(&self, duration: Duration) -> Result<(), Error> {
        self.scope.bound(&self.what, tokio::time::sleep(duration)).await
    }

    /// The answer of any node.
    pub(crate) async fn answer(&self, request: &Request) -> Result<Answer, Error> {
        self.until_it_works(|route| self.once(request, route)).await
    }

    /// Tries along the preferred endpoints, over a new connection after a failure.
    pub(crate) async fn until_it_works<T, F>(&self, mut attempt: impl FnMut(Route) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut patience = self.patience();
        let mut fresh = false;
        loop {
            match attempt(Route { endpoint: self.transport().preferred(), fresh }).await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.wait_to_retry(&mut patience, error).await?,
            }
            fresh = true;
        }
    }

    /// The answer of the node that leads, as far as is known without asking again.
    pub(crate) async fn leader_answer(&self, request: &Request) -> Result<Answer, Error> {
        let mut leader = match self.shared.trust.leader() {
            Some(leader) => leader,
            None => self.find_leader().await?,
        };
        let mut patience = self.patience();
        let mut search = Search::new();
        let mut failures = 0_u32;
        let mut has_asked = false;
        loop {
            let route = search.route(self.transport(), &leader);
            let answer = match self.once(request, route).await {
                Ok(answer) => answer,
                Err(error) => {
                    self.wait_to_retry(&mut patience, error).await?;
                    failures += 1;
                    // Not each time: behind a balancer that takes strict turns, the request after the
                    // question would meet the same dead node again.
                    if failures % 4 == 1 {
                        leader = self.find_leader().await?;
                        has_asked = true;
                    }
                    continue;
                }
            };
            if answer.node.as_deref() == Some(&leader) {
                return Ok(answer);
            }
            if search.misses == 0 && !mem::take(&mut has_asked) {
                leader = self.find_leader().await?;
            }
            self.missed(&mut search, &leader, &answer).await?;
        }
    }

    /// The leader, as it said itself after `moment`. Calls that wonder at the same time share an answer.
    pub(crate) async fn leader_since(&self, moment: Moment) -> Result<String, Error> {
        let trust = &self.shared.trust;
        if let Some(leader) = trust.confirmed_since(moment) {
            return Ok(leader);
        }
        let turn = tokio::time::timeout(SHARED_QUESTION, trust.asking.lock());
        let _turn = self.scope.bound(&self.what, turn).await?;
        match trust.confirmed_since(moment) {
            Some(leader) => Ok(leader),
            None => self.find_leader().await,
        }
    }

    /// Asks until the leader itself says that it leads: a follower may repeat what was true a second
    /// ago.
    pub(crate) async fn find_leader(&self) -> Result<String, Error> {
        let mut patience = self.patience();
        let mut search = Search::new();
        let mut leader = self.shared.trust.leader().unwrap_or_default();
        loop {
            let route = search.route(self.transport(), &leader);
            let (named, answer) = match self.ask_for_leader(route).await {
                Ok(said) => said,
                Err(error) => {
                    self.wait_to_retry(&mut patience, error).await?;
                    search.misses += 1;
                    continue;
                }
            };
            leader = named.name;
            if answer.node.as_ref() == Some(&leader) {
                self.transport().prefer(answer.route.endpoint);
                self.shared.trust.confirm(&leader, &answer);
                return Ok(leader);
            }
            self.missed(&mut search, &leader, &answer).await?;
        }
    }

    /// Before a write that failed is repeated: every second time one question more is asked, whatever comes of
    /// it. The look before each attempt ends with the leader, so a balancer that takes strict turns would lead
    /// the write to the node behind it each time, which may be the dead one.
    pub(crate) async fn fall_out_of_step(&self, patience: &Patience) {
        if patience.attempts() % 2 == 1
            && let Err(error) = self.ask_for_leader(self.transport().usual_route()).await
        {
            tracing::debug!(operation = self.what, %error, "a question between two attempts failed");
        }
    }

    /// What one node says who leads.
    pub(crate) async fn ask_for_leader(&self, route: Route) -> Result<(Member, Answer), Error> {
        let request = Request::get(["leader"]);
        let answer = self.once(&request, route).await?;
        let member: Member = self.decode(&request, &answer)?;
        // Without a leader, dkron looks for the member whose address is empty, and there is one while a
        // node joins: it is said to lead (measured on dkron 4.0.5).
        if member.tags.get("rpc_addr").is_none_or(String::is_empty) {
            self.transport().avoid(route.endpoint);
            return Err(self.failure(&request, &answer, Problem::NoLeader));
        }
        Ok((member, answer))
    }

    /// Another node than the leader answered: the search goes on elsewhere, and after a while from the
    /// beginning, for nodes name a dead leader until they elect another.
    async fn missed(&self, search: &mut Search, leader: &str, answer: &Answer) -> Result<(), Error> {
        search.misses += 1;
        search.seen.extend(answer.node.clone());
        if search.misses < search.chances(self.transport().endpoints()) {
            return Ok(());
        }
        if search.began.elapsed() >= LEADER_COMES_BACK.min(self.shared.retry.budget) {
            return Err(Error::LeaderUnreached {
                operation: self.what.clone(),
                leader: leader.to_owned(),
                answered: search.seen.iter().cloned().collect(),
            });
        }
        search.misses = 0;
        self.pause(SEARCH_AGAIN).await
    }

    /// The job that an answer shows; `None` if it says that there is no such job.
    pub(crate) fn job(&self, name: &str, answer: &Answer) -> Result<Option<Job>, Error> {
        if answer.status == 404 {
            return Ok(None);
        }
        let request = job_request(name);
        let job: Job = self.decode(&request, answer)?;
        if job.name == name {
            Ok(Some(job))
        } else {
            Err(self.undecodable(&request, answer, "another job".into()))
        }
    }

    /// What the leader shows under this name now. Its "nothing" is good enough after a write that the
    /// leader acknowledged, and no more.
    pub(crate) async fn leader_job(&self, name: &str) -> Result<Option<Job>, Error> {
        let answer = self.leader_answer(&job_request(name)).await?;
        self.job(name, &answer)
    }

    pub(crate) fn decode<T: DeserializeOwned>(&self, request: &Request, answer: &Answer) -> Result<T, Error> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            // The error's own text may quote values, which may be secret.
            let place =
                format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column());
            self.undecodable(request, answer, place)
        })
    }

    fn undecodable(&self, request: &Request, answer: &Answer, place: String) -> Error {
        self.failure(request, answer, Problem::Undecodable(place))
    }

    /// An answer that dkron gave, and that is no good.
    pub(crate) fn failure(&self, request: &Request, answer: &Answer, problem: Problem) -> Error {
        Error::Request(Box::new(RequestError {
            operation: self.what.clone(),
            method: request.method.to_string(),
            url: self.transport().url(request, answer.route).to_string(),
            status: Some(answer.status),
            node: answer.node.clone(),
            text: None,
            html: false,
            problem,
            retry_after: None,
            attempts: 1,
            elapsed: Duration::ZERO,
            source: None,
        }))
    }

    pub(crate) fn transport(&self) -> &'a Transport {
        &self.shared.transport
    }
}

/// `GET /v1/jobs/<name>`.
pub(crate) fn job_request(name: &str) -> Request {
    Request::get(["jobs", name])
}

fn log_retry(failure: &RequestError, wait: Duration) {
    tracing::info!(
        operation = failure.operation,
        method = failure.method,
        url = failure.url,
        status = failure.status,
        node = failure.node,
        text = failure.text,
        attempt = failure.attempts,
        wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        "request to dkron failed, trying again"
    );
}

/// The way to one node: through the endpoint where it answered last, then through each endpoint, then
/// over new connections, for which a balancer may choose another node.
struct Search {
    began: Instant,
    misses: usize,
    seen: BTreeSet<String>,
}

impl Search {
    fn new() -> Self {
        Self { began: Instant::now(), misses: 0, seen: BTreeSet::new() }
    }

    fn route(&self, transport: &Transport, node: &str) -> Route {
        let first = transport.endpoint_of(node).unwrap_or_else(|| transport.preferred());
        let endpoint = (first + self.misses) % transport.endpoints();
        Route { endpoint, fresh: self.misses >= transport.endpoints() }
    }

    /// How often to try in a row. A balancer that leads to more nodes than there are endpoints gets 40
    /// chances: of three nodes it then misses one once in ten million times.
    fn chances(&self, endpoints: usize) -> usize {
        if self.seen.len() > endpoints { 40 } else { 12.max(3 * endpoints) }
    }
}

#[cfg(test)]
mod tests;
