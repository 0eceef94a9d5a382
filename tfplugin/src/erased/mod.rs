//! What a provider offers, without its types: the service works with values only.

mod action;
mod data_source;
mod function;
mod list;
mod resource;

use std::{future::Future, pin::Pin, sync::Arc};

use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    action::{AnyAction, TypedAction},
    data_source::{AnyDataSource, TypedDataSource},
    function::{AnyFunction, TypedFunction},
    list::{AnyListResource, TypedListResource},
    resource::{AnyResource, Change, Imported, Instance, Outcome, PlanOutcome, TypedResource},
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Model, Strictness, TfType},
    path::Path,
    process::panics,
    schema::Schema,
    value::{Type, Value},
};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What an object looks like: its schema, and the type as which it is encoded.
pub(crate) struct Shape {
    pub(crate) schema: Schema,
    pub(crate) object_type: Type,
}

impl Shape {
    /// The shape of an `M`, whose version is `version`.
    pub(crate) fn of<M: Model>(version: i64) -> Self {
        let schema = M::schema(version);
        let object_type = schema.object_type();
        Self { schema, object_type }
    }
}

/// A configured provider between two stops.
pub(crate) struct Session<C> {
    pub(crate) client: Arc<C>,
    pub(crate) cancellation: CancellationToken,
    /// Whether the provider's configuration is not known yet.
    pub(crate) deferred: bool,
}

impl<C> Clone for Session<C> {
    fn clone(&self) -> Self {
        Self { client: Arc::clone(&self.client), cancellation: self.cancellation.clone(), ..*self }
    }
}

fn decode<M: TfType>(value: &Value) -> Result<M> {
    M::decode(value, &Path::root(), Strictness::State)
}

fn decode_optional<M: TfType>(value: &Value) -> Result<Option<M>> {
    if value.is_null() { Ok(None) } else { decode(value).map(Some) }
}

/// All findings about configuration: of each attribute by itself, and of `check` about them together.
fn validate<M: Model>(config: &Value, check: impl FnOnce(&M) -> Diagnostics) -> Diagnostics {
    let (model, mut findings) = configured(config);
    findings.extend(model.as_ref().map(check).unwrap_or_default());
    findings
}

/// Configuration as far as it can be used, and the findings about each attribute by itself.
fn configured<M: Model>(config: &Value) -> (Option<M>, Diagnostics) {
    let mut findings = Diagnostics::new();
    let strict = findings.collect(M::decode(config, &Path::root(), Strictness::Configuration));
    (strict.or_else(|| decode(config).ok()), findings)
}

/// Runs a handler; a panic becomes an error that names the place, not the message: that may hold a secret.
pub(crate) async fn guarded<T>(handler: impl Future<Output = Result<T>>) -> Result<T> {
    match panics::catch(handler).await {
        Ok(result) => result,
        Err(panic) => Err(Diagnostic::error(
            "The provider failed",
            format!(
                "This is a fault of the provider: {panic}. State holds what is known to be there. \
                 Please report this with the provider's version."
            ),
        )
        .into()),
    }
}
