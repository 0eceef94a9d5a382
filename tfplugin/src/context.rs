//! What a handler is given beside its arguments.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    model::TfType,
    private::Private,
    value::Value,
};

/// The surroundings of one operation.
pub struct Context<C> {
    client: Arc<C>,
    deadline: Instant,
    cancellation: CancellationToken,
    span: Span,
    warnings: Mutex<Diagnostics>,
}

impl<C> Context<C> {
    pub(crate) fn new(client: Arc<C>, cancellation: CancellationToken, timeout: Duration) -> Self {
        Self {
            client,
            deadline: Instant::now() + timeout,
            cancellation,
            span: Span::current(),
            warnings: Mutex::default(),
        }
    }

    /// What the provider made of its configuration.
    pub fn client(&self) -> &C {
        &self.client
    }

    /// When the operation must be over. The framework drops a handler that is still at it a little later.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Is cancelled when the user stops Terraform: begin nothing new, say what is there, return.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// The operation's tracing span.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Shows a warning, whatever becomes of the operation.
    pub fn warn(&self, warning: Diagnostic) {
        lock(&self.warnings).push(warning);
    }

    pub(crate) fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut lock(&self.warnings))
    }
}

/// The surroundings of an operation on one resource instance, whose state is an `M`.
///
/// What a handler [saves](Self::save) is what Terraform stores if the operation then fails, panics or is stopped;
/// without it, that is the prior state.
pub struct ResourceContext<C, M> {
    context: Context<C>,
    saved: Mutex<Option<Value>>,
    private: Mutex<Private>,
    model: std::marker::PhantomData<fn() -> M>,
}

impl<C, M: TfType> ResourceContext<C, M> {
    pub(crate) fn new(context: Context<C>, private: Private) -> Self {
        Self {
            context,
            saved: Mutex::default(),
            private: Mutex::new(private),
            model: std::marker::PhantomData,
        }
    }

    /// Notes what is there now. Call it as soon as a write is seen.
    pub fn save(&self, state: &M) {
        *lock(&self.saved) = Some(state.encode());
    }

    /// Notes that nothing is there after all: what was saved before has been undone.
    pub fn forget(&self) {
        *lock(&self.saved) = Some(Value::Null);
    }

    /// The private data of the instance, as last set.
    pub fn private(&self) -> Private {
        lock(&self.private).clone()
    }

    /// Replaces the private data of the instance.
    pub fn set_private(&self, private: Private) {
        *lock(&self.private) = private;
    }

    pub(crate) fn take_saved(&self) -> Option<Value> {
        lock(&self.saved).take()
    }
}

impl<C, M> Deref for ResourceContext<C, M> {
    type Target = Context<C>;
    fn deref(&self) -> &Context<C> {
        &self.context
    }
}

/// A handler that panicked while it held the lock left a whole value behind: all writes are single assignments.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
