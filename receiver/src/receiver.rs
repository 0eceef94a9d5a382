//! The handle that handlers, tests and the in-process server share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::call::Call;
use crate::store::{Store, TokenTimes, Totals, Waiting};
use crate::times::{Nanoseconds, Times, nanoseconds, timestamp};

/// What a receiver takes and keeps.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes for recorded calls, estimated. Three quarters are for times (8 bytes each) and tokens (about half a
    /// kilobyte each), one quarter for calls in detail. Beyond it the oldest are dropped.
    pub memory: usize,
    /// Bytes of a request's body; a larger one is refused and not recorded.
    pub body: u64,
}

impl Default for Limits {
    /// 128 MiB, which is about 12 million calls, and 10 MiB.
    fn default() -> Self {
        Self { memory: 128 << 20, body: 10 << 20 }
    }
}

/// A record of calls; a clone is another handle to the same record.
///
/// One lock guards it. A call holds it for well under a microsecond and a reader takes references to what it wants
/// and formats them outside, so that neither reads nor size stall the writers.
#[derive(Clone)]
pub struct Receiver(Arc<Shared>);

struct Shared {
    store: Mutex<Store>,
    limits: Limits,
    closing: CancellationToken,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The calls are there.
    Reached,
    /// The time was over first.
    TimedOut,
    /// The receiver stops.
    Stopping,
}

/// The answer to [`Receiver::wait`].
#[derive(Clone, Debug)]
#[must_use = "a wait may have ended without the calls"]
pub struct Wait {
    pub(crate) outcome: Outcome,
    pub(crate) times: Times,
}

impl Wait {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether the calls are there.
    pub fn reached(&self) -> bool {
        self.outcome == Outcome::Reached
    }

    /// How many calls at or after the instant there were when the wait ended.
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// Their times, oldest first.
    pub fn times(&self) -> Vec<Timestamp> {
        timestamps(&self.times)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("limits", &self.0.limits).field("totals", &self.totals()).finish()
    }
}

impl Receiver {
    /// An empty record.
    pub fn new(limits: Limits) -> Self {
        let store = Mutex::new(Store::new(limits.memory));
        Self(Arc::new(Shared { store, limits, closing: CancellationToken::new() }))
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A panic under the lock would be a fault of ours; going on with the record serves better than none.
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }

    pub(crate) fn record(&self, token: &str, call: Call) {
        self.store().record(token, call);
    }

    pub(crate) fn all_times(&self) -> (Totals, Vec<TokenTimes>) {
        let store = self.store();
        (store.totals(), store.all_times())
    }

    /// When `token` was called, oldest first.
    pub fn times(&self, token: &str) -> Vec<Timestamp> {
        let times = self.store().times(token);
        timestamps(&times)
    }

    /// The last calls of `token` in detail, oldest first: [`CALLS_IN_DETAIL`](crate::CALLS_IN_DETAIL) at most, fewer
    /// when memory is short.
    pub fn calls(&self, token: &str) -> Vec<Call> {
        self.store().calls(token)
    }

    /// How much there is.
    pub fn totals(&self) -> Totals {
        self.store().totals()
    }

    /// Forgets all calls and sets the counter of dropped ones to zero. Those who wait go on waiting.
    pub fn clear(&self) {
        let cleared = self.store().clear();
        drop(cleared);
    }

    /// Waits until `token` has `count` calls, at or after `since` if given, for `timeout` at most.
    pub async fn wait(&self, token: &str, count: usize, since: Option<Timestamp>, timeout: Duration) -> Wait {
        let since = since.map_or(Nanoseconds::MIN, nanoseconds);
        let pending = match self.store().wait(token, count, since) {
            Waiting::Reached(times) => return Wait { outcome: Outcome::Reached, times },
            Waiting::Pending(pending) => pending,
        };
        let outcome = tokio::select! {
            biased;
            Ok(times) = pending => return Wait { outcome: Outcome::Reached, times },
            () = self.0.closing.cancelled() => Outcome::Stopping,
            () = tokio::time::sleep(timeout) => Outcome::TimedOut,
        };
        let times = self.store().times(token).since(since);
        // The last call may have come just now.
        let outcome = if times.len() >= count { Outcome::Reached } else { outcome };
        Wait { outcome, times }
    }

    /// Ends all waiting, now and later: the server stops.
    pub(crate) fn close(&self) {
        self.0.closing.cancel();
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }
}

fn timestamps(times: &Times) -> Vec<Timestamp> {
    times.slices().flatten().copied().map(timestamp).collect()
}

#[cfg(test)]
mod tests;
