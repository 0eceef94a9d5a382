//! List resources without their types.

use tokio::sync::mpsc;

use super::{BoxFuture, Session, guarded, validate};
use crate::{
    context::Context,
    diagnostic::Diagnostics,
    list::{Found, ListResource, Results, Wanted},
    model::{Model, Strictness, TfType},
    path::Path,
    resource::{Resource, within_or_stopped},
    schema::Schema,
    value::{Type, Value},
};

/// A list resource without its types.
pub(crate) trait AnyListResource<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn object_type(&self) -> &Type;
    fn validate(&self, config: &Value) -> Diagnostics;
    /// Sends what is found, and answers with what there is to say about it.
    fn list(
        &self,
        session: Session<C>,
        config: Value,
        wanted: Wanted,
        found: mpsc::Sender<Found>,
    ) -> BoxFuture<'_, Diagnostics>;
}

pub(crate) struct TypedListResource<L> {
    list: L,
    schema: Schema,
    object_type: Type,
}

impl<L: ListResource> TypedListResource<L> {
    pub(crate) fn new(list: L) -> Self {
        let schema = L::Config::schema(0);
        let object_type = schema.object_type();
        Self { list, schema, object_type }
    }
}

impl<L: ListResource> AnyListResource<<L::Resource as Resource>::Client> for TypedListResource<L> {
    fn name(&self) -> &'static str {
        L::Resource::NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn object_type(&self) -> &Type {
        &self.object_type
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate(config, |model| self.list.check(model))
    }

    fn list(
        &self,
        session: Session<<L::Resource as Resource>::Client>,
        config: Value,
        wanted: Wanted,
        found: mpsc::Sender<Found>,
    ) -> BoxFuture<'_, Diagnostics> {
        Box::pin(async move {
            let config = match L::Config::decode(&config, &Path::root(), Strictness::Configuration) {
                Ok(config) => config,
                Err(findings) => return findings,
            };
            let timeout = self.list.timeout(&config);
            let context = Context::new(session.client, session.cancellation, timeout);
            let mut results = Results::new(wanted, found);
            let listing = within_or_stopped(&context, self.list.list(&context, config, &mut results));
            let result = guarded(listing).await;
            let mut diagnostics = context.take_warnings();
            diagnostics.collect(result);
            diagnostics
        })
    }
}
