//! May an answer be believed that says "there is no such job"?
//!
//! A dkron node says so wrongly while it replays its log after a start, and once it is shutting down
//! (measured: for 1–4 s, or as long as a last job runs). So two things are to be known: that the node
//! led *after* it answered, which ends the second case, and that it had caught up *before*, in the
//! first case.
//!
//! Catching up is proven once ([`Operation::catch_up_by_waiting`], [`Operation::catch_up_by_barrier`])
//! and holds while the same process leads. That is what a [`Chain`] follows. The process is the same
//! if the answer comes over a TCP connection that belongs to it already (unless a proxy may be in
//! between), or if it has not been silent as a leader for a second: a restarted node needs 1.4–2 s to
//! lead again (measured), the election timeout being at least one.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use tokio::time::Instant;

use crate::error::{Error, Problem};
use crate::job::Job;
use crate::moment::Moment;
use crate::operation::{Operation, job_request};
use crate::transport::{Answer, Body, Request, Route};

/// A leader that says so twice within this time did not restart in between.
const RESTART: Duration = Duration::from_secs(1);

/// How recently a leader behind a proxy must have said so for a write to rely on it. Had it restarted
/// since, it would not lead yet, and the write that follows would fail.
const RECENT: Duration = Duration::from_millis(500);

/// How long a leader is watched before its "no such job" counts, in steps of [`WATCH_STEP`].
const WATCH: Duration = Duration::from_secs(2);
const WATCH_STEP: Duration = Duration::from_millis(500);

/// A list that grows while we watch may be one that is being replayed, or others may be creating jobs:
/// after so many rounds it is taken for the latter.
const WATCH_ROUNDS: u32 = 5;

/// How often a look is repeated before it admits that it cannot be sure.
pub(crate) const MOST_LOOKS: u32 = 20;

/// Known connections that are remembered; a balancer that closes them often does not fill our memory.
const MOST_CONNECTIONS: usize = 1024;

/// What is known about the leader.
#[derive(Default)]
pub(crate) struct Trust {
    chain: Mutex<Option<Chain>>,
    /// Held by who asks for the leader.
    pub(crate) asking: tokio::sync::Mutex<()>,
    /// Held by who proves that the leader has caught up.
    proving: tokio::sync::Mutex<()>,
}

/// One process that leads without a break.
struct Chain {
    leader: String,
    /// When the chain began: tells chains apart.
    began: Moment,
    /// When the last question was sent to which the leader answered that it leads.
    confirmed: Moment,
    /// Since when its answers are known to be complete.
    caught_up: Option<Moment>,
    /// Connections that surely end in this process.
    connections: HashSet<SocketAddr>,
}

impl Trust {
    pub(crate) fn leader(&self) -> Option<String> {
        self.chain().as_ref().map(|chain| chain.leader.clone())
    }

    pub(crate) fn confirmed_since(&self, moment: Moment) -> Option<String> {
        self.chain().as_ref().filter(|chain| chain.confirmed >= moment).map(|chain| chain.leader.clone())
    }

    /// The leader itself answered that it leads.
    pub(crate) fn confirm(&self, leader: &str, answer: &Answer) {
        let mut slot = self.chain();
        match slot.as_mut().filter(|chain| chain.continues(leader, answer)) {
            Some(chain) => chain.confirmed = chain.confirmed.max(answer.sent),
            None => {
                *slot = Some(Chain {
                    leader: leader.to_owned(),
                    began: answer.sent,
                    confirmed: answer.sent,
                    caught_up: None,
                    connections: HashSet::new(),
                });
            }
        }
        if let Some(chain) = slot.as_mut() {
            chain.learn(answer);
        }
    }

    /// Whether the absence that this answer claims is proven. The leader must have been asked since.
    pub(crate) fn proves_absence(&self, answer: &Answer) -> bool {
        self.judge(answer, |chain| chain.confirmed >= answer.received)
    }

    /// Whether a write may rely on what this answer shows.
    pub(crate) fn vouches(&self, answer: &Answer) -> bool {
        self.judge(answer, |chain| {
            chain.confirmed >= answer.received
                || match answer.direct {
                    Some(connection) => chain.connections.contains(&connection),
                    None => answer.received.since(chain.confirmed) <= RECENT,
                }
        })
    }

    /// Whether the leader's process gave this answer after it had caught up; `same_process` finds out
    /// the former.
    fn judge(&self, answer: &Answer, same_process: impl FnOnce(&Chain) -> bool) -> bool {
        let mut slot = self.chain();
        let Some(chain) = slot.as_mut() else { return false };
        let caught_up = chain.caught_up.is_some_and(|moment| moment <= answer.sent);
        let believed = answer.node.as_ref() == Some(&chain.leader) && caught_up && same_process(chain);
        if believed {
            chain.learn(answer);
        }
        believed
    }

    fn is_caught_up(&self) -> bool {
        self.chain().as_ref().is_some_and(|chain| chain.caught_up.is_some())
    }

    fn began(&self) -> Option<Moment> {
        self.chain().as_ref().map(|chain| chain.began)
    }

    /// The chain that began then has caught up at `moment`; false if it has ended meanwhile.
    fn caught_up(&self, began: Option<Moment>, moment: Moment) -> bool {
        let mut slot = self.chain();
        let Some(chain) = slot.as_mut().filter(|chain| Some(chain.began) == began) else { return false };
        chain.caught_up.get_or_insert(moment);
        true
    }

    fn chain(&self) -> MutexGuard<'_, Option<Chain>> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chain {
    fn continues(&self, leader: &str, answer: &Answer) -> bool {
        let known = answer.direct.is_some_and(|connection| self.connections.contains(&connection));
        let silence = answer.received.since(self.confirmed);
        self.leader == leader && (known || silence <= RESTART)
    }

    /// The connection of an answer that surely came from this process.
    fn learn(&mut self, answer: &Answer) {
        if self.connections.len() >= MOST_CONNECTIONS {
            self.connections.clear();
        }
        self.connections.extend(answer.direct);
    }
}

impl Operation<'_> {
    /// What is stored under this name, as a write may rely on it: from a leader that has caught up,
    /// and that still leads if it shows nothing.
    pub(crate) async fn fresh(&self, name: &str) -> Result<Option<Job>, Error> {
        self.look(name, Trust::proves_absence).await
    }

    /// Likewise before a job is created, but without asking who leads after each "nothing": a node that
    /// is shutting down says so wrongly, and takes no write either.
    pub(crate) async fn glance(&self, name: &str) -> Result<Option<Job>, Error> {
        self.look(name, Trust::vouches).await
    }

    async fn look(&self, name: &str, absent: fn(&Trust, &Answer) -> bool) -> Result<Option<Job>, Error> {
        let trust = &self.shared.trust;
        for _ in 0..MOST_LOOKS {
            self.catch_up_by_barrier().await?;
            let answer = self.leader_answer(&job_request(name)).await?;
            let job = self.job(name, &answer)?;
            let believed = if job.is_some() { Trust::vouches } else { absent };
            if believed(trust, &answer) {
                return Ok(job);
            }
            self.leader_since(answer.received).await?;
            if believed(trust, &answer) {
                return Ok(job);
            }
        }
        Err(self.never_sure())
    }

    /// After [`MOST_LOOKS`].
    pub(crate) fn never_sure(&self) -> Error {
        let doubt = "the cluster keeps changing its leader".to_owned();
        Error::Unproven { operation: self.what.clone(), doubt }
    }

    /// Proves without writing that the leader has caught up: it is watched leading for two seconds,
    /// while its list does not grow.
    pub(crate) async fn catch_up_by_waiting(&self) -> Result<(), Error> {
        let trust = &self.shared.trust;
        let _turn = self.scope.bound(&self.what, trust.proving.lock()).await?;
        while !trust.is_caught_up() {
            self.watch().await?;
        }
        Ok(())
    }

    /// One attempt to watch the leader; it fails silently when the leader changes.
    async fn watch(&self) -> Result<(), Error> {
        let trust = &self.shared.trust;
        self.leader_since(Moment::now()).await?;
        let began = trust.began();
        let mut before = self.count().await?;
        for _ in 0..WATCH_ROUNDS {
            let end = Instant::now() + WATCH;
            while Instant::now() < end {
                self.pause(WATCH_STEP).await?;
                self.leader_since(Moment::now()).await?;
                if trust.began() != began {
                    return Ok(());
                }
            }
            let after = self.count().await?;
            if after <= before {
                break;
            }
            before = after;
        }
        trust.caught_up(began, Moment::now());
        Ok(())
    }

    /// How many jobs the leader lists.
    async fn count(&self) -> Result<usize, Error> {
        let request = Request::get(["jobs"]).with_query(vec![("_end".to_owned(), "1".to_owned())]);
        Ok(self.counted(&request).await?.total.unwrap_or_default())
    }

    /// Proves at once that the leader has caught up, with a write that stores nothing: it names a
    /// parent that no job can have as its name, and "specified parent job not found" is said by the
    /// leader's state machine after everything written before. Where the write is not permitted, the
    /// leader is watched instead.
    pub(crate) async fn catch_up_by_barrier(&self) -> Result<(), Error> {
        let trust = &self.shared.trust;
        if trust.is_caught_up() {
            return Ok(());
        }
        {
            let _turn = self.scope.bound(&self.what, trust.proving.lock()).await?;
            while !trust.is_caught_up() {
                if !self.barrier().await? {
                    break;
                }
            }
        }
        self.catch_up_by_waiting().await
    }

    /// One barrier; `false` if the server does not let us.
    async fn barrier(&self) -> Result<bool, Error> {
        let trust = &self.shared.trust;
        self.leader_since(Moment::now()).await?;
        let began = trust.began();
        let passed = self.until_it_works(|route| self.flush_once(route)).await?;
        if passed {
            let flushed = Moment::now();
            self.leader_since(flushed).await?;
            trust.caught_up(began, flushed);
        }
        Ok(passed)
    }

    /// Waits until the leader has applied everything that was handed to it before, by a write that
    /// stores nothing; `false` if the server does not let us.
    pub(crate) async fn flush_once(&self, route: Route) -> Result<bool, Error> {
        let json = br#"{"name":"krony-barrier","parent_job":"! no job has this name"}"#;
        let body = Body { json: json.as_slice().into(), secrets: Vec::new() };
        let request = Request { body: Some(body), ..Request::new(Method::POST, ["jobs"]) };
        match self.once(&request, route).await {
            Ok(answer) => Ok(answer.status == 404),
            Err(Error::Request(failure))
                if matches!(
                    failure.problem,
                    Problem::Forbidden | Problem::Rejected | Problem::Unexpected
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
