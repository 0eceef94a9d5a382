//! Managed resources without their types. In one place, for all resources, stands what Terraform stores when a handler
//! fails: what it saved last, else what was there before.

use super::{BoxFuture, Session, decode, decode_optional, guarded, validate};
use crate::{
    context::{Context, ResourceContext},
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Model, TfType},
    plan::{Plan, Proposal, normalise, plan, refine, unknown_as_null},
    private::Private,
    resource::{Operation, Resource, within},
    schema::Schema,
    spelling::keep_spelling,
    value::{Type, Value},
    wire,
};

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
            let config = decode::<R::Model>(proposal.config)?;
            let mut planned = decode::<R::Model>(&plan.planned)?;
            let operation = if prior.is_some() { Operation::Update } else { Operation::Create };
            let context = self.context(session, private, operation, &planned);
            let plan_handler = async { self.resource.plan(&context, prior.as_ref(), &config, &mut planned) };
            let result = guarded(plan_handler).await;
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
