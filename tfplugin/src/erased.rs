//! From typed resources and data sources to values: what the RPC layer calls.
//!
//! Here, once for all resources, stands what Terraform stores when a handler fails: what it saved last, else what
//! was there before.

use std::{future::Future, pin::Pin, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    context::{Context, ResourceContext},
    data_source::DataSource,
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Model, Strictness, TfType},
    path::Path,
    plan::{Plan, Proposal, normalise, plan, refine, unknown_as_null},
    private::Private,
    process::panics,
    resource::{Operation, Resource, within},
    schema::Schema,
    spelling::keep_spelling,
    value::{Type, Value},
    wire,
};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A configured provider between two stops.
pub(crate) struct Session<C> {
    pub(crate) client: Arc<C>,
    pub(crate) cancellation: CancellationToken,
}

impl<C> Clone for Session<C> {
    fn clone(&self) -> Self {
        Self { client: Arc::clone(&self.client), cancellation: self.cancellation.clone() }
    }
}

/// What an operation left behind.
pub(crate) struct Outcome {
    pub(crate) state: Value,
    pub(crate) private: Vec<u8>,
    pub(crate) diagnostics: Diagnostics,
}

/// A plan and what there is to say about it.
pub(crate) struct PlanOutcome {
    pub(crate) plan: Plan,
    pub(crate) private: Vec<u8>,
    pub(crate) diagnostics: Diagnostics,
}

/// What core sends for an apply.
pub(crate) struct Change {
    pub(crate) prior: Value,
    pub(crate) planned: Value,
    pub(crate) config: Value,
    pub(crate) private: Vec<u8>,
}

/// A resource without its types.
pub(crate) trait AnyResource<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn object_type(&self) -> &Type;
    fn validate(&self, config: &Value) -> Diagnostics;
    fn upgrade(&self, version: i64, state: &[u8]) -> Result<Value>;
    fn import(&self, id: &str) -> Result<Value>;
    fn plan<'a>(
        &'a self,
        session: Session<C>,
        proposal: Proposal<'a>,
        private: Vec<u8>,
    ) -> BoxFuture<'a, PlanOutcome>;
    fn read(&self, session: Session<C>, state: Value, private: Vec<u8>) -> BoxFuture<'_, Outcome>;
    fn apply(&self, session: Session<C>, change: Change) -> BoxFuture<'_, Outcome>;
}

/// A data source without its types.
pub(crate) trait AnyDataSource<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn object_type(&self) -> &Type;
    fn validate(&self, config: &Value) -> Diagnostics;
    fn read(&self, session: Session<C>, config: Value) -> BoxFuture<'_, (Value, Diagnostics)>;
}

pub(crate) struct TypedResource<R> {
    resource: R,
    schema: Schema,
    object_type: Type,
}

impl<R: Resource> TypedResource<R> {
    pub(crate) fn new(resource: R) -> Self {
        let schema = R::Model::schema(R::VERSION);
        let object_type = schema.object_type();
        Self { resource, schema, object_type }
    }

    fn context(
        &self,
        session: Session<R::Client>,
        private: Private,
        operation: Operation,
        model: &R::Model,
    ) -> ResourceContext<R::Client, R::Model> {
        let timeout = self.resource.timeout(operation, model);
        ResourceContext::new(Context::new(session.client, session.cancellation, timeout), private)
    }

    /// Stored private data as this version of the provider knows it.
    fn private(&self, stored: &[u8]) -> Result<Private> {
        let (version, private) = Private::decode(stored, R::PRIVATE_VERSION)?;
        if version == R::PRIVATE_VERSION {
            Ok(private)
        } else {
            self.resource.upgrade_private(version, private)
        }
    }

    /// A plan with the private data that goes with it, and the warnings that were given on the way.
    async fn try_plan(
        &self,
        session: Session<R::Client>,
        proposal: Proposal<'_>,
        private: &[u8],
    ) -> (Diagnostics, Result<(Plan, Vec<u8>)>) {
        let plan = plan(&self.schema, proposal);
        if plan.planned.is_null() {
            return (Diagnostics::new(), Ok((plan, private.to_vec())));
        }
        let mut warnings = Diagnostics::new();
        let refined = async {
            let private = self.private(private)?;
            let prior = decode_optional::<R::Model>(proposal.prior)?;
            let mut planned = decode::<R::Model>(&plan.planned)?;
            let operation = if prior.is_some() { Operation::Update } else { Operation::Create };
            let context = self.context(session, private, operation, &planned);
            let result = guarded(async { self.resource.plan(&context, prior.as_ref(), &mut planned) }).await;
            warnings = context.take_warnings();
            result?;
            let refined = refine(&self.schema, proposal.prior, &plan, planned.encode());
            Ok((refined, context.private().encode(R::PRIVATE_VERSION)))
        }
        .await;
        (warnings, refined)
    }

    /// Reads an instance: its new state, none when it is gone.
    async fn try_read(
        &self,
        session: Session<R::Client>,
        state: &Value,
        private: Private,
    ) -> Finished<Option<R::Model>> {
        let model = match decode::<R::Model>(state) {
            Ok(model) => model,
            Err(findings) => return Finished::failed(findings, private),
        };
        let context = self.context(session, private, Operation::Read, &model);
        let result = guarded(within(context.deadline(), self.resource.read(&context, model))).await;
        Finished::new(result, &context)
    }

    /// Creates, updates or deletes an instance: its new state, none when it was deleted.
    async fn try_apply(
        &self,
        session: Session<R::Client>,
        change: &Change,
        private: Private,
    ) -> Finished<Option<R::Model>> {
        let decoded = (|| {
            Ok((
                decode_optional::<R::Model>(&change.prior)?,
                decode_optional::<R::Model>(&change.planned)?,
                decode_optional::<R::Model>(&change.config)?,
            ))
        })();
        let (prior, planned, config) = match decoded {
            Ok(decoded) => decoded,
            Err(findings) => return Finished::failed(findings, private),
        };
        match (prior, planned) {
            (None, Some(planned)) => {
                let context = self.context(session, private, Operation::Create, &planned);
                let create = self.resource.create(&context, planned, config.unwrap_or_default());
                let result = guarded(within(context.deadline(), create)).await;
                Finished::new(result.map(Some), &context)
            }
            (Some(prior), Some(planned)) => {
                let context = self.context(session, private, Operation::Update, &planned);
                let update = self.resource.update(&context, prior, planned, config.unwrap_or_default());
                let result = guarded(within(context.deadline(), update)).await;
                Finished::new(result.map(Some), &context)
            }
            (Some(prior), None) => {
                let context = self.context(session, private, Operation::Delete, &prior);
                let result = guarded(within(context.deadline(), self.resource.delete(&context, prior))).await;
                Finished::new(result.map(|()| None), &context)
            }
            (None, None) => Finished::failed(
                Diagnostic::error("Nothing to apply", "Terraform sent neither a prior nor a planned state.")
                    .into(),
                private,
            ),
        }
    }

    /// The outcome of a handler whose instance was `before`, and is to look like `expected`.
    fn outcome(&self, finished: Finished<Option<R::Model>>, before: Value, expected: &Value) -> Outcome {
        let Finished { result, saved, private, mut warnings } = finished;
        let keep = |found: Value| keep_spelling(&self.schema, expected, normalise(&self.schema, found));
        let state = match result {
            Ok(model) => model.map_or(Value::Null, |model| keep(model.encode())),
            Err(findings) => {
                warnings.extend(findings);
                // What is not known yet of an object that is half done is not known to be there.
                saved.map_or(before, |saved| keep(unknown_as_null(saved)))
            }
        };
        let private = if state.is_null() { Vec::new() } else { private.encode(R::PRIVATE_VERSION) };
        Outcome { state, private, diagnostics: warnings }
    }
}

/// A handler that came to its end.
struct Finished<T> {
    result: Result<T>,
    saved: Option<Value>,
    private: Private,
    warnings: Diagnostics,
}

impl<T> Finished<T> {
    fn new<C, M: TfType>(result: Result<T>, context: &ResourceContext<C, M>) -> Self {
        let (saved, private, warnings) = (context.take_saved(), context.private(), context.take_warnings());
        Self { result, saved, private, warnings }
    }

    fn failed(findings: Diagnostics, private: Private) -> Self {
        Self { result: Err(findings), saved: None, private, warnings: Diagnostics::new() }
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
    let mut findings = Diagnostics::new();
    findings.collect(M::decode(config, &Path::root(), Strictness::Configuration));
    if let Ok(model) = decode(config) {
        findings.extend(check(&model));
    }
    findings
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

impl<R: Resource> AnyResource<R::Client> for TypedResource<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn object_type(&self) -> &Type {
        &self.object_type
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        validate(config, |model| self.resource.check(model))
    }

    fn upgrade(&self, version: i64, state: &[u8]) -> Result<Value> {
        if version == R::VERSION {
            let state = wire::json(state, &self.object_type, "the stored state")?;
            return Ok(normalise(&self.schema, state));
        }
        let unreadable =
            |_| Diagnostic::error("Unreadable state", "The stored state of this object is not JSON.");
        let state = serde_json::from_slice(state).map_err(unreadable)?;
        let upgraded = self.resource.upgrade(version, state)?.to_string();
        let state = wire::json(upgraded.as_bytes(), &self.object_type, "the upgraded state")?;
        Ok(normalise(&self.schema, state))
    }

    fn import(&self, id: &str) -> Result<Value> {
        self.resource.import(id).map(|model| normalise(&self.schema, model.encode()))
    }

    fn plan<'a>(
        &'a self,
        session: Session<R::Client>,
        proposal: Proposal<'a>,
        private: Vec<u8>,
    ) -> BoxFuture<'a, PlanOutcome> {
        Box::pin(async move {
            let (mut diagnostics, result) = self.try_plan(session, proposal, &private).await;
            let (plan, private) = result.unwrap_or_else(|findings| {
                diagnostics.extend(findings);
                (Plan { planned: proposal.prior.clone(), replaces: Vec::new() }, private)
            });
            PlanOutcome { plan, private, diagnostics }
        })
    }

    fn read(&self, session: Session<R::Client>, state: Value, private: Vec<u8>) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match self.private(&private) {
                Ok(data) => {
                    let finished = self.try_read(session, &state, data).await;
                    self.outcome(finished, state.clone(), &state)
                }
                Err(diagnostics) => Outcome { state, private, diagnostics },
            }
        })
    }

    fn apply(&self, session: Session<R::Client>, change: Change) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match self.private(&change.private) {
                Ok(data) => {
                    let finished = self.try_apply(session, &change, data).await;
                    self.outcome(finished, change.prior, &change.planned)
                }
                Err(diagnostics) => Outcome { state: change.prior, private: change.private, diagnostics },
            }
        })
    }
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
