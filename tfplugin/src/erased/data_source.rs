//! Data sources without their types.

use super::{BoxFuture, Session, Shape, guarded, validate};
use crate::{
    context::Context,
    data_source::DataSource,
    diagnostic::Diagnostics,
    model::{Strictness, TfType},
    path::Path,
    plan::normalise,
    resource::within,
    spelling::keep_spelling,
    value::Value,
};

/// A data source without its types.
pub(crate) trait AnyDataSource<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn shape(&self) -> &Shape;
    fn validate(&self, config: &Value) -> Diagnostics;
    fn read(&self, session: Session<C>, config: Value) -> BoxFuture<'_, (Value, Diagnostics)>;
}

pub(crate) struct TypedDataSource<D> {
    data_source: D,
    shape: Shape,
}

impl<D: DataSource> TypedDataSource<D> {
    pub(crate) fn new(data_source: D) -> Self {
        Self { data_source, shape: Shape::of::<D::Model>(0) }
    }
}

impl<D: DataSource> AnyDataSource<D::Client> for TypedDataSource<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate(config, |model| self.data_source.check(model))
    }

    fn read(&self, session: Session<D::Client>, config: Value) -> BoxFuture<'_, (Value, Diagnostics)> {
        Box::pin(async move {
            let model = match D::Model::decode(&config, &Path::root(), Strictness::Configuration) {
                Ok(model) => model,
                Err(findings) => return (Value::Null, findings),
            };
            let timeout = self.data_source.timeout(&model);
            let context = Context::new(session.client, session.cancellation, timeout);
            let result = guarded(within(context.deadline(), self.data_source.read(&context, model))).await;
            let mut diagnostics = context.take_warnings();
            let state = match result {
                Ok(model) => {
                    keep_spelling(&self.shape.schema, &config, normalise(&self.shape.schema, model.encode()))
                }
                Err(findings) => {
                    diagnostics.extend(findings);
                    Value::Null
                }
            };
            (state, diagnostics)
        })
    }
}
