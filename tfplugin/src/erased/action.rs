//! Actions without their types.

use tokio::sync::mpsc;

use super::{BoxFuture, Session, Shape, guarded, validate};
use crate::{
    action::{Action, ActionContext, ActionEvent},
    context::Context,
    diagnostic::Diagnostics,
    model::{Strictness, TfType},
    path::Path,
    resource::within_or_stopped,
    value::Value,
};

/// An action without its types.
pub(crate) trait AnyAction<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn shape(&self) -> &Shape;
    fn validate(&self, config: &Value) -> Diagnostics;
    /// Does it, and answers with what there is to say about it.
    fn invoke(
        &self,
        session: Session<C>,
        config: Value,
        events: mpsc::Sender<ActionEvent>,
    ) -> BoxFuture<'_, Diagnostics>;
}

pub(crate) struct TypedAction<A> {
    action: A,
    shape: Shape,
}

impl<A: Action> TypedAction<A> {
    pub(crate) fn new(action: A) -> Self {
        Self { action, shape: Shape::of::<A::Config>(0) }
    }
}

impl<A: Action> AnyAction<A::Client> for TypedAction<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate(config, |model| self.action.check(model))
    }

    fn invoke(
        &self,
        session: Session<A::Client>,
        config: Value,
        events: mpsc::Sender<ActionEvent>,
    ) -> BoxFuture<'_, Diagnostics> {
        Box::pin(async move {
            let config = match A::Config::decode(&config, &Path::root(), Strictness::Configuration) {
                Ok(config) => config,
                Err(findings) => return findings,
            };
            let timeout = self.action.timeout(&config);
            let context = Context::new(session.client, session.cancellation, timeout);
            let context = ActionContext::new(context, events);
            let result = guarded(within_or_stopped(&context, self.action.invoke(&context, config))).await;
            let mut diagnostics = context.take_warnings();
            diagnostics.collect(result);
            diagnostics
        })
    }
}
