//! List resources without their types.

use tokio::sync::mpsc;

use super::{BoxFuture, Session, Shape, guarded, validate};
use crate::{
    context::Context,
    diagnostic::Diagnostics,
    list::{ListEvent, ListResource, Results, Wanted},
    model::{Strictness, TfType},
    path::Path,
    resource::{Resource, within_or_stopped},
    value::Value,
};

/// A list resource without its types.
pub(crate) trait AnyListResource<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn shape(&self) -> &Shape;
    fn validate(&self, config: &Value) -> Diagnostics;
    /// Sends what is found, and answers with what there is to say about it.
    fn list(
        &self,
        session: Session<C>,
        config: Value,
        wanted: Wanted,
        events: mpsc::Sender<ListEvent>,
    ) -> BoxFuture<'_, Diagnostics>;
}

pub(crate) struct TypedListResource<L> {
    list: L,
    shape: Shape,
}

impl<L: ListResource> TypedListResource<L> {
    pub(crate) fn new(list: L) -> Self {
        Self { list, shape: Shape::of::<L::Config>(0) }
    }
}

impl<L: ListResource> AnyListResource<<L::Resource as Resource>::Client> for TypedListResource<L> {
    fn name(&self) -> &'static str {
        L::Resource::NAME
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate(config, |model| self.list.check(model))
    }

    fn list(
        &self,
        session: Session<<L::Resource as Resource>::Client>,
        config: Value,
        wanted: Wanted,
        events: mpsc::Sender<ListEvent>,
    ) -> BoxFuture<'_, Diagnostics> {
        Box::pin(async move {
            let config = match L::Config::decode(&config, &Path::root(), Strictness::Configuration) {
                Ok(config) => config,
                Err(findings) => return findings,
            };
            let timeout = self.list.timeout(&config);
            let context = Context::new(session.client, session.cancellation, timeout);
            let mut results = Results::new(wanted, events);
            let listing = within_or_stopped(&context, self.list.list(&context, config, &mut results));
            let result = guarded(listing).await;
            let mut diagnostics = context.take_warnings();
            diagnostics.collect(result);
            diagnostics
        })
    }
}
