//! The one retry policy: which failures are worth another try, how often, after how long.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Retry;
use crate::error::{Problem, RequestError};

/// The first wait; each further one is twice as long, up to [`Retry::max_wait`].
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// An endpoint that never answered is probably wrong rather than restarting: its user hears of it
/// after this time instead of the whole budget.
const FIRST_CONTACT: Duration = Duration::from_secs(10);

/// Whether the same request may succeed later. All requests of this crate may be repeated: reads
/// anyway, a write because it sends the whole job.
pub(crate) fn is_retryable(problem: &Problem) -> bool {
    match problem {
        Problem::Unreachable
        | Problem::Interrupted
        | Problem::TimedOut
        | Problem::NoLeader
        | Problem::Throttled
        | Problem::Unavailable
        | Problem::Uncounted => true,
        Problem::Tls(_)
        | Problem::Redirected { .. }
        | Problem::Unauthorized
        | Problem::Forbidden
        | Problem::NotDkron
        | Problem::TooLarge
        | Problem::Rejected
        | Problem::Unexpected
        | Problem::Undecodable(_) => false,
    }
}

/// Whether a failed write may have been applied all the same. A leader that loses its quorum answers
/// 500 to writes that are committed later (measured).
pub(crate) fn may_be_applied(problem: &Problem) -> bool {
    match problem {
        Problem::Interrupted | Problem::TimedOut | Problem::Unavailable => true,
        Problem::Unreachable
        | Problem::NoLeader
        | Problem::Uncounted
        | Problem::Tls(_)
        | Problem::Redirected { .. }
        | Problem::Unauthorized
        | Problem::Forbidden
        | Problem::NotDkron
        | Problem::TooLarge
        | Problem::Rejected
        | Problem::Throttled
        | Problem::Unexpected
        | Problem::Undecodable(_) => false,
    }
}

/// What is left of one operation's patience. The budget covers a row of failures: any success ends
/// the row.
#[derive(Debug)]
pub(crate) struct Patience {
    policy: Retry,
    attempts: u32,
    failing_since: Option<Instant>,
    /// Of the failures so far, the one that tells most.
    telling: Option<Box<RequestError>>,
}

impl Patience {
    pub(crate) fn new(policy: Retry) -> Self {
        Self { policy, attempts: 0, failing_since: None, telling: None }
    }

    /// Failures in the row so far.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The row of failures is over.
    pub(crate) fn restore(&mut self) {
        self.attempts = 0;
        self.failing_since = None;
        self.telling = None;
    }

    /// Keeps a failure that is not the last one. An endpoint that is silent does not outweigh what another
    /// one answered.
    pub(crate) fn note(&mut self, failure: Box<RequestError>) {
        self.telling = Some(self.most_telling(failure));
    }

    /// The failure to report when this one was the last. Of three nodes, two of which are dead, the third
    /// says that the cluster has no leader, which explains more than that a dead one does not answer.
    pub(crate) fn most_telling(&mut self, last: Box<RequestError>) -> Box<RequestError> {
        let explains = |told: &mut Box<RequestError>| {
            told.is_answer() && !last.is_answer() && is_retryable(&last.problem) && !told.is_from_where(&last)
        };
        match self.telling.take_if(explains) {
            Some(told) => Box::new(RequestError { attempts: last.attempts, elapsed: last.elapsed, ..*told }),
            None => last,
        }
    }

    /// What went wrong so far, if anything did.
    pub(crate) fn failure_so_far(&mut self) -> Option<Box<RequestError>> {
        self.telling.take()
    }

    /// How long to wait before the next try, or `None` to give up. Notes attempts and time in the
    /// error. `reached` says whether any endpoint ever answered, `cap` cuts the budget short.
    pub(crate) fn next_wait(
        &mut self,
        error: &mut RequestError,
        reached: bool,
        cap: Option<Duration>,
    ) -> Option<Duration> {
        let now = Instant::now();
        let since = *self.failing_since.get_or_insert(now);
        self.attempts += 1;
        error.attempts = self.attempts;
        error.elapsed = now - since;
        if !is_retryable(&error.problem) {
            return None;
        }
        let first_contact = (!reached && error.problem == Problem::Unreachable).then_some(FIRST_CONTACT);
        let budget = [Some(self.policy.budget), first_contact, cap].into_iter().flatten().min()?;
        let wait = self.wait(error.retry_after);
        (error.elapsed + wait <= budget).then_some(wait)
    }

    /// Exponential with jitter; a server that asks for more is heard, up to the cap.
    fn wait(&self, retry_after: Option<Duration>) -> Duration {
        let doublings = (self.attempts - 1).min(16);
        let longest = (FIRST_WAIT * 2_u32.pow(doublings)).min(self.policy.max_wait);
        let jittered = longest.mul_f64(0.5 + fastrand::f64() / 2.0);
        jittered.max(retry_after.unwrap_or_default().min(self.policy.max_wait))
    }
}

#[cfg(test)]
mod tests;
