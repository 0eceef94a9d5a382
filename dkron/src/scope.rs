//! How long a call may go on.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// The bounds of one call: nothing goes on after `deadline`, nothing new begins once `cancel` is
/// cancelled.
///
/// Cancelling ends waits and reads at once. A write that is already on its way is awaited and looked
/// at, so that the caller knows what is there.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The moment at which the call ends, finished or not.
    pub deadline: Instant,
    /// Asks the call to stop.
    pub cancel: CancellationToken,
}

impl Scope {
    /// A scope that ends after `duration` and that nobody cancels.
    #[must_use]
    pub fn lasting(duration: Duration) -> Self {
        Self { deadline: Instant::now() + duration, cancel: CancellationToken::new() }
    }

    /// The time that is left; zero once the deadline has passed.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Runs `work` within the bounds; it is dropped when they end first.
    pub(crate) async fn bound<T>(&self, operation: &str, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::Cancelled { operation: operation.to_owned() }),
            () = tokio::time::sleep_until(self.deadline) => {
                Err(Error::DeadlineExceeded { operation: operation.to_owned(), failure: None })
            }
            done = work => Ok(done),
        }
    }
}
