//! Actions without their types.

use tokio::sync::mpsc;

use super::{BoxFuture, Session, guarded, validate};
use crate::{
    action::{Action, ActionContext},
    context::Context,
    diagnostic::Diagnostics,
    model::{Model, Strictness, TfType},
    path::Path,
    resource::within_or_stopped,
    schema::Schema,
    value::{Type, Value},
};

/// An action without its types.
pub(crate) trait AnyAction<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn object_type(&self) -> &Type;
    fn validate(&self, config: &Value) -> Diagnostics;
    /// Does it, and answers with what there is to say about it.
    fn invoke(
        &self,
        session: Session<C>,
        config: Value,
        progress: mpsc::Sender<String>,
    ) -> BoxFuture<'_, Diagnostics>;
}

pub(crate) struct TypedAction<A> {
    action: A,
    schema: Schema,
    object_type: Type,
}

impl<A: Action> TypedAction<A> {
    pub(crate) fn new(action: A) -> Self {
        let schema = A::Config::schema(0);
        let object_type = schema.object_type();
        Self { action, schema, object_type }
    }
}

impl<A: Action> AnyAction<A::Client> for TypedAction<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn object_type(&self) -> &Type {
        &self.object_type
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate(config, |model| self.action.check(model))
    }

    fn invoke(
        &self,
        session: Session<A::Client>,
        config: Value,
        progress: mpsc::Sender<String>,
    ) -> BoxFuture<'_, Diagnostics> {
        Box::pin(async move {
            let config = match A::Config::decode(&config, &Path::root(), Strictness::Configuration) {
                Ok(config) => config,
                Err(findings) => return findings,
            };
            let timeout = self.action.timeout(&config);
            let context = Context::new(session.client, session.cancellation, timeout);
            let context = ActionContext::new(context, progress);
            let result = guarded(within_or_stopped(&context, self.action.invoke(&context, config))).await;
            let mut diagnostics = context.take_warnings();
            diagnostics.collect(result);
            diagnostics
        })
    }
}
