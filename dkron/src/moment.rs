//! Moments that are in order even where the clock does not tell them apart.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, Ordering as Sequence};
use std::time::Duration;

use tokio::time::Instant;

/// A point in time of this process. Of two moments the one that was taken later is greater, always.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    instant: Instant,
    order: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        static TAKEN: AtomicU64 = AtomicU64::new(0);
        Self { order: TAKEN.fetch_add(1, Sequence::SeqCst), instant: Instant::now() }
    }

    /// The time from an earlier moment to this one; zero if it was not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.instant.saturating_duration_since(earlier.instant)
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order)
    }
}

#[cfg(test)]
impl Moment {
    /// A moment so many milliseconds after this one, for tests that make up their time.
    pub(crate) fn after(self, milliseconds: u64) -> Self {
        Self { instant: self.instant + Duration::from_millis(milliseconds), order: self.order + milliseconds }
    }
}
