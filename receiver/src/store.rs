//! What was recorded, who waits for more, and the bound on both.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::call::Call;
use crate::times::{Nanoseconds, Times};

/// How many calls of a token are kept in detail; of earlier ones the time remains.
pub const CALLS_IN_DETAIL: usize = 32;

/// Memory for a token beside its name, times and details: entries in two maps and their allocations, rounded up.
const TOKEN_SIZE: usize = 512;

/// The record. It does no locking and no I/O: each operation is short enough to run under one mutex.
pub(crate) struct Store {
    /// Bytes for everything; see [`Store::trim`] for how they are shared out.
    memory: usize,
    tokens: HashMap<Arc<str>, Token>,
    /// Each token once, with the time of its oldest call: the first entry names the oldest call of all.
    by_age: BTreeSet<(Nanoseconds, Arc<str>)>,
    waiters: HashMap<Box<str>, Vec<Waiter>>,
    calls: usize,
    dropped: u64,
    /// Bytes of tokens and their names.
    tokens_size: usize,
    /// Bytes of calls in detail.
    details_size: usize,
}

struct Token {
    name: Arc<str>,
    /// Shared with snapshots: taking one of every token is short, however many there are.
    times: Arc<Times>,
    /// The last calls, oldest first; never more than `times` has.
    details: VecDeque<Call>,
}

impl Token {
    fn new(name: &str) -> Self {
        Self { name: name.into(), times: Arc::default(), details: VecDeque::new() }
    }

    fn size(&self) -> usize {
        TOKEN_SIZE + self.name.len()
    }

    /// Grows by half instead of doubling: an empty place is as large as a call, and most tokens may have one call.
    fn push_detail(&mut self, call: Call) {
        if self.details.len() == self.details.capacity() {
            self.details.reserve_exact(1 + self.details.len() / 2);
        }
        self.details.push_back(call);
    }

    /// Forgets the details of the oldest call that has some; answers the bytes that this frees.
    fn drop_detail(&mut self) -> usize {
        self.details.pop_front().map_or(0, |call| call.size())
    }
}

/// Somebody who wants to hear once `count` calls at or after `since` are there.
struct Waiter {
    count: usize,
    since: Nanoseconds,
    reached: oneshot::Sender<Times>,
}

/// A token and a snapshot of its times.
pub(crate) type TokenTimes = (Arc<str>, Arc<Times>);

/// The answer to [`Store::wait`].
pub(crate) enum Waiting {
    /// They are there: the calls at or after the instant.
    Reached(Times),
    /// They will be sent. Dropping the receiver ends the waiting.
    Pending(oneshot::Receiver<Times>),
}

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// Calls whose time is kept.
    pub calls: usize,
    /// Tokens that have such calls.
    pub tokens: usize,
    /// Calls dropped, oldest first, since the start or the last clear, to stay within the memory bound.
    pub dropped: u64,
}

impl Store {
    pub(crate) fn new(memory: usize) -> Self {
        Self {
            memory,
            tokens: HashMap::new(),
            by_age: BTreeSet::new(),
            waiters: HashMap::new(),
            calls: 0,
            dropped: 0,
            tokens_size: 0,
            details_size: 0,
        }
    }

    pub(crate) fn record(&mut self, token: &str, call: Call) {
        let token = match self.tokens.get_mut(token) {
            Some(token) => token,
            None => {
                let new = Token::new(token);
                self.tokens_size += new.size();
                self.tokens.entry(Arc::clone(&new.name)).or_insert(new)
            }
        };

        let oldest = token.times.first();
        Arc::make_mut(&mut token.times).insert(call.nanoseconds());
        self.calls += 1;
        if token.times.first() != oldest {
            let rank = |time| (time, Arc::clone(&token.name));
            oldest.map(rank).inspect(|outdated| _ = self.by_age.remove(outdated));
            self.by_age.extend(token.times.first().map(rank));
        }

        if token.details.len() == CALLS_IN_DETAIL {
            self.details_size -= token.drop_detail();
        }
        self.details_size += call.size();
        token.push_detail(call);

        wake(&mut self.waiters, token);
        self.trim();
    }

    /// Keeps the memory within its bound. A quarter is for details: losing those hurts less than losing calls.
    fn trim(&mut self) {
        if self.details_size > self.memory / 4 {
            self.halve_details();
        }
        while self.tokens_size + self.calls * size_of::<Nanoseconds>() > self.memory / 4 * 3 {
            if self.drop_oldest().is_none() {
                break;
            }
        }
    }

    /// Forgets the older half of every token's details: one pass that makes room for many calls.
    fn halve_details(&mut self) {
        for token in self.tokens.values_mut() {
            for _ in 0..token.details.len().div_ceil(2) {
                self.details_size -= token.drop_detail();
            }
            token.details.shrink_to_fit();
        }
    }

    /// `None` when there is nothing to drop.
    fn drop_oldest(&mut self) -> Option<()> {
        let (_, name) = self.by_age.pop_first()?;
        let token = self.tokens.get_mut(&name)?;
        Arc::make_mut(&mut token.times).pop_first();
        self.calls -= 1;
        self.dropped += 1;
        if token.details.len() > token.times.len() {
            self.details_size -= token.drop_detail();
        }
        match token.times.first() {
            Some(oldest) => _ = self.by_age.insert((oldest, name)),
            None => {
                self.tokens_size -= token.size();
                self.tokens.remove(&name);
            }
        }
        Some(())
    }

    /// Answers at once if the calls are there, else notes who waits.
    pub(crate) fn wait(&mut self, token: &str, count: usize, since: Nanoseconds) -> Waiting {
        let times = self.times(token);
        if times.reach(count, since) {
            return Waiting::Reached(times.since(since));
        }
        self.forget_gone_waiters();
        let (reached, pending) = oneshot::channel();
        self.waiters.entry(token.into()).or_default().push(Waiter { count, since, reached });
        Waiting::Pending(pending)
    }

    /// Those who gave up; done when one comes, so that no more remain than waited at once.
    fn forget_gone_waiters(&mut self) {
        self.waiters.retain(|_, waiters| {
            waiters.retain(|waiter| !waiter.reached.is_closed());
            !waiters.is_empty()
        });
    }

    /// A snapshot; empty for a token without calls.
    pub(crate) fn times(&self, token: &str) -> Times {
        self.tokens.get(token).map(|token| Times::clone(&token.times)).unwrap_or_default()
    }

    /// A snapshot of everything, in no order.
    pub(crate) fn all_times(&self) -> Vec<TokenTimes> {
        self.tokens.values().map(|token| (Arc::clone(&token.name), Arc::clone(&token.times))).collect()
    }

    /// The last calls in detail, oldest first.
    pub(crate) fn calls(&self, token: &str) -> Vec<Call> {
        self.tokens.get(token).map(|token| token.details.iter().cloned().collect()).unwrap_or_default()
    }

    #[cfg(test)]
    pub(crate) fn waiters(&self) -> usize {
        self.waiters.values().map(Vec::len).sum()
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals { calls: self.calls, tokens: self.tokens.len(), dropped: self.dropped }
    }

    /// Empties the record; waiters stay. Answers what was in it, so that the caller frees it outside of the lock.
    pub(crate) fn clear(&mut self) -> impl Sized + use<> {
        let mut cleared = Self::new(self.memory);
        cleared.waiters = std::mem::take(&mut self.waiters);
        std::mem::replace(self, cleared)
    }
}

/// Sends the calls to those who waited for the last of them.
fn wake(waiters: &mut HashMap<Box<str>, Vec<Waiter>>, token: &Token) {
    let Some(waiting) = waiters.get_mut(&*token.name) else { return };
    for waiter in waiting.extract_if(.., |waiter| token.times.reach(waiter.count, waiter.since)) {
        // An error means that the waiter gave up meanwhile: nothing is lost.
        _ = waiter.reached.send(Times::clone(&token.times).since(waiter.since));
    }
    if waiting.is_empty() {
        waiters.remove(&*token.name);
    }
}

#[cfg(test)]
mod tests;
