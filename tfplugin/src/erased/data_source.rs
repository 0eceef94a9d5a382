//! Data sources without their types.

use super::{BoxFuture, Session, guarded, validate};
use crate::{
    context::Context,
    data_source::DataSource,
    diagnostic::Diagnostics,
    model::{Model, Strictness, TfType},
    path::Path,
    plan::normalise,
    resource::within,
    schema::Schema,
    spelling::keep_spelling,
    value::{Type, Value},
};

/// A data source without its types.
pub(crate) trait AnyDataSource<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn object_type(&self) -> &Type;
    fn validate(&self, config: &Value) -> Diagnostics;
    fn read(&self, session: Session<C>, config: Value) -> BoxFuture<'_, (Value, Diagnostics)>;
}

pub(crate) struct TypedDataSource<D> {
    data_source: D,
    schema: Schema,
    object_type: Type,
}

impl<D: DataSource> TypedDataSource<D> {
    pub(crate) fn new(data_source: D) -> Self {
        let schema = D::Model::schema(0);
        let object_type = schema.object_type();
        Self { data_source, schema, object_type }
    }
}

impl<D: DataSource> AnyDataSource<D::Client> for TypedDataSource<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn object_type(&self) -> &Type {
        &self.object_type
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
                Ok(model) => keep_spelling(&self.schema, &config, normalise(&self.schema, model.encode())),
                Err(findings) => {
                    diagnostics.extend(findings);
                    Value::Null
                }
            };
            (state, diagnostics)
        })
    }
}
