//! Managed resources without their types. In one place, for all resources, stands what Terraform stores when a handler
//! fails: what it saved last, else what was there before.

use super::{BoxFuture, Session, Shape, configured, decode, decode_optional, guarded};
use crate::{
    codec,
    context::{Context, ResourceContext},
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Strictness, TfType},
    path::Path,
    plan::{Plan, Proposal, normalise, plan, refine, unknown_as_null, written},
    private::Private,
    resource::{MoveSource, Operation, Resource, within, within_or_stopped},
    schema::{Field, Presence, Schema},
    spelling::keep_spelling,
    value::Value,
    wire,
};

/// What Terraform knows of an instance. A null identity is none.
pub(crate) struct Instance {
    pub(crate) state: Value,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Value,
}

/// What an operation left behind.
pub(crate) struct Outcome {
    pub(crate) instance: Instance,
    pub(crate) diagnostics: Diagnostics,
}

/// A plan and what there is to say about it.
pub(crate) struct PlanOutcome {
    pub(crate) plan: Plan,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Value,
    pub(crate) diagnostics: Diagnostics,
}

/// What core sends for an apply.
pub(crate) struct Change {
    pub(crate) prior: Value,
    pub(crate) planned: Instance,
    pub(crate) config: Value,
}

/// State from elsewhere, with its identity.
pub(crate) struct Imported {
    pub(crate) state: Value,
    pub(crate) identity: Value,
}

/// A resource without its types.
pub(crate) trait AnyResource<C>: Send + Sync {
    fn name(&self) -> &'static str;
    fn shape(&self) -> &Shape;
    /// The shape of its identity, if it has one.
    fn identity_shape(&self) -> Option<&Shape>;
    fn validate<'a>(&'a self, config: &'a Value) -> BoxFuture<'a, Diagnostics>;
    fn upgrade(&self, version: i64, state: &[u8]) -> Result<Value>;
    fn upgrade_identity(&self, version: i64, identity: &[u8]) -> Result<Value>;
    fn import(&self, id: &str) -> Result<Imported>;
    fn import_by_identity(&self, identity: &Value) -> Result<Imported>;
    fn move_from(&self, source: &MoveSource) -> Result<Imported>;
    fn generate_config(&self, state: &Value) -> Result<Value>;
    fn plan<'a>(
        &'a self,
        session: Session<C>,
        proposal: Proposal<'a>,
        private: Vec<u8>,
        identity: Value,
    ) -> BoxFuture<'a, PlanOutcome>;
    fn read(&self, session: Session<C>, known: Instance) -> BoxFuture<'_, Outcome>;
    fn apply(&self, session: Session<C>, change: Change) -> BoxFuture<'_, Outcome>;
}

pub(crate) struct TypedResource<R> {
    resource: R,
    shape: Shape,
    identity_shape: Option<Shape>,
}

impl<R: Resource> TypedResource<R> {
    pub(crate) fn new(resource: R) -> Self {
        let identity_shape = Shape::of::<R::Identity>(R::IDENTITY_VERSION);
        let has_identity = !identity_shape.schema.fields.is_empty();
        Self {
            resource,
            shape: Shape::of::<R::Model>(R::VERSION),
            identity_shape: has_identity.then_some(identity_shape),
        }
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

    /// Plans, and notes what there is to say on the way.
    async fn try_plan(
        &self,
        session: Session<R::Client>,
        proposal: Proposal<'_>,
        private: &[u8],
        identity: &Value,
        diagnostics: &mut Diagnostics,
    ) -> Result<Planned> {
        let plan = plan(&self.shape.schema, proposal);
        if plan.planned.is_null() {
            let private = self.try_plan_delete(session, proposal.prior, private, diagnostics).await?;
            return Ok(Planned { plan, private, identity: identity.clone() });
        }
        let private = self.private(private)?;
        let prior = decode_optional::<R::Model>(proposal.prior)?;
        let config = decode::<R::Model>(proposal.config)?;
        let mut planned = decode::<R::Model>(&plan.planned)?;
        let operation = if prior.is_some() { Operation::Update } else { Operation::Create };
        let context = self.context(session, private, operation, &planned);
        let handler = self.resource.plan(&context, prior.as_ref(), &config, &mut planned);
        let result = guarded(within_or_stopped(&context, handler)).await;
        diagnostics.extend(context.take_warnings());
        result?;
        let plan = refine(&self.shape.schema, proposal.prior, plan, planned.encode());
        let is_kept = prior.is_some() && plan.replaces.is_empty();
        let identity = self.identity(&planned, if is_kept { identity } else { &Value::Null })?;
        Ok(Planned { plan, private: context.private().encode(R::PRIVATE_VERSION), identity })
    }

    /// Plans to destroy an instance, and notes what there is to say on the way: its private data until then.
    async fn try_plan_delete(
        &self,
        session: Session<R::Client>,
        prior: &Value,
        private: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<Vec<u8>> {
        // What cannot be decoded here could not be deleted either.
        let Some(prior) = decode_optional::<R::Model>(prior)? else { return Ok(private.to_vec()) };
        let context = self.context(session, self.private(private)?, Operation::Delete, &prior);
        let handler = self.resource.plan_delete(&context, &prior);
        let result = guarded(within_or_stopped(&context, handler)).await;
        diagnostics.extend(context.take_warnings());
        result?;
        Ok(context.private().encode(R::PRIVATE_VERSION))
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
                decode_optional::<R::Model>(&change.planned.state)?,
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
    async fn outcome(
        &self,
        finished: Finished<Option<R::Model>>,
        before: Value,
        expected: Instance,
    ) -> Outcome {
        let Finished { result, saved, private, warnings: mut diagnostics } = finished;
        let schema = &self.shape.schema;
        let keep = |found: Value| keep_spelling(schema, &expected.state, normalise(schema, found));
        let state = match result {
            Ok(model) => model.map_or(Value::Null, |model| keep(model.encode())),
            Err(findings) => {
                diagnostics.extend(findings);
                // What is not known yet of an object that is half done is not known to be there.
                saved.map_or(before, |saved| keep(unknown_as_null(saved)))
            }
        };
        // The state stays, whatever is wrong with the identity.
        let identity = guarded(async { self.identity_of(&state, &expected.identity) }).await;
        let identity = diagnostics.collect(identity).unwrap_or(expected.identity);
        let private = if state.is_null() { Vec::new() } else { private.encode(R::PRIVATE_VERSION) };
        Outcome { instance: Instance { state, private, identity }, diagnostics }
    }

    /// The identity of the instance whose state is `state`, and which was known as `before`.
    fn identity_of(&self, state: &Value, before: &Value) -> Result<Value> {
        if self.identity_shape.is_none() || state.is_null() {
            return Ok(Value::Null);
        }
        self.identity(&decode(state)?, before)
    }

    /// The identity of an instance that was known as `before`; null while anything in it is unknown, because
    /// Terraform cannot show such an identity.
    ///
    /// # Errors
    /// When it has become another one.
    fn identity(&self, model: &R::Model, before: &Value) -> Result<Value> {
        let Some(shape) = &self.identity_shape else { return Ok(Value::Null) };
        let identity = self.resource.identity(model).map_or(Value::Null, |identity| identity.encode());
        if !is_complete(&shape.schema, &identity) {
            return Ok(before.clone());
        }
        let changed = |field: &Field| {
            let before = before.get(field.name());
            !before.is_null() && before != identity.get(field.name())
        };
        if shape.schema.fields.iter().any(changed) {
            return Err(changed_identity(shape, before, &identity));
        }
        Ok(identity)
    }

    /// State that a resource made of what is no state of its own.
    fn imported(&self, model: &R::Model, identity: &Value) -> Result<Imported> {
        let state = normalise(&self.shape.schema, model.encode());
        if !state.is_wholly_known() {
            let detail =
                "This is a fault of the provider: it made state that is not known. Please report it.";
            return Err(Diagnostic::error("The provider failed", detail).into());
        }
        Ok(Imported { state, identity: self.identity(model, identity)? })
    }
}

/// Whether all that tells an instance from others is there.
fn is_complete(schema: &Schema, identity: &Value) -> bool {
    let is_required =
        |field: &Field| matches!(field, Field::Attribute(found) if found.presence == Presence::Required);
    let mut required = schema.fields.iter().filter(|field| is_required(field));
    identity.as_object().is_some()
        && identity.is_wholly_known()
        && required.all(|field| !identity.get(field.name()).is_null())
}

fn changed_identity(shape: &Shape, before: &Value, found: &Value) -> Diagnostics {
    let shown = |identity| codec::json::encode(identity, &shape.object_type).unwrap_or_default();
    let detail = format!(
        "Terraform knows this object as {}; now it would be {}. An object keeps its identity until it is replaced. If \
         another one has taken its place outside of Terraform, remove it with `terraform state rm` and import the other \
         one; else this is a fault of the provider, please report it.",
        shown(before),
        shown(found)
    );
    Diagnostic::error("Unexpected identity change", detail).into()
}

/// JSON that Terraform stored; `what` names it in the error.
fn stored_json(json: &[u8], what: &str) -> Result<serde_json::Value> {
    let unreadable = |_| {
        Diagnostic::error(
            format!("Unreadable {what}"),
            format!("The stored {what} of this object is not JSON."),
        )
    };
    Ok(serde_json::from_slice(json).map_err(unreadable)?)
}

/// A plan with what goes with it.
struct Planned {
    plan: Plan,
    private: Vec<u8>,
    identity: Value,
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

    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn identity_shape(&self) -> Option<&Shape> {
        self.identity_shape.as_ref()
    }

    fn validate<'a>(&'a self, config: &'a Value) -> BoxFuture<'a, Diagnostics> {
        Box::pin(async move {
            let (model, mut findings) = configured::<R::Model>(config);
            if let Some(model) = model {
                findings.extend(self.resource.check(&model).await);
            }
            findings
        })
    }

    fn upgrade(&self, version: i64, state: &[u8]) -> Result<Value> {
        if version == R::VERSION {
            let state = wire::json(state, &self.shape.object_type, "the stored state")?;
            return Ok(normalise(&self.shape.schema, state));
        }
        let state = stored_json(state, "state")?;
        let upgraded = self.resource.upgrade(version, state)?.to_string();
        let state = wire::json(upgraded.as_bytes(), &self.shape.object_type, "the upgraded state")?;
        Ok(normalise(&self.shape.schema, state))
    }

    fn upgrade_identity(&self, version: i64, identity: &[u8]) -> Result<Value> {
        let Some(shape) = &self.identity_shape else { return Ok(Value::Null) };
        let value = |json: &[u8]| wire::json(json, &shape.object_type, "the stored identity");
        if version == R::IDENTITY_VERSION {
            return value(identity);
        }
        let identity = stored_json(identity, "identity")?;
        value(self.resource.upgrade_identity(version, identity)?.to_string().as_bytes())
    }

    fn import(&self, id: &str) -> Result<Imported> {
        self.imported(&self.resource.import(id)?, &Value::Null)
    }

    fn import_by_identity(&self, identity: &Value) -> Result<Imported> {
        let schema = self.identity_shape.as_ref().map(|shape| &shape.schema);
        if !schema.is_some_and(|schema| is_complete(schema, identity)) {
            let detail = "An identity must be known, and all its required attributes set.";
            return Err(Diagnostic::error("Incomplete identity", detail).into());
        }
        let known = R::Identity::decode(identity, &Path::root(), Strictness::Configuration)?;
        self.imported(&self.resource.import_by_identity(known)?, identity)
    }

    fn move_from(&self, source: &MoveSource) -> Result<Imported> {
        let moved = self.resource.move_from(source)?;
        self.imported(&moved.ok_or_else(|| unknown_source::<R>(source))?, &Value::Null)
    }

    fn generate_config(&self, state: &Value) -> Result<Value> {
        if state.is_null() {
            return Ok(Value::Null);
        }
        let model = self.resource.generated_config(decode(state)?);
        Ok(written(&self.shape.schema, model.encode()))
    }

    fn plan<'a>(
        &'a self,
        session: Session<R::Client>,
        proposal: Proposal<'a>,
        private: Vec<u8>,
        identity: Value,
    ) -> BoxFuture<'a, PlanOutcome> {
        Box::pin(async move {
            let mut diagnostics = Diagnostics::new();
            let planned = self.try_plan(session, proposal, &private, &identity, &mut diagnostics).await;
            let Planned { plan, private, identity } = diagnostics.collect(planned).unwrap_or_else(|| {
                let plan = Plan { planned: proposal.prior.clone(), replaces: Vec::new() };
                Planned { plan, private, identity }
            });
            PlanOutcome { plan, private, identity, diagnostics }
        })
    }

    fn read(&self, session: Session<R::Client>, known: Instance) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match self.private(&known.private) {
                Ok(private) => {
                    let finished = self.try_read(session, &known.state, private).await;
                    self.outcome(finished, known.state.clone(), known).await
                }
                Err(diagnostics) => Outcome { instance: known, diagnostics },
            }
        })
    }

    fn apply(&self, session: Session<R::Client>, change: Change) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            match self.private(&change.planned.private) {
                Ok(private) => {
                    let finished = self.try_apply(session, &change, private).await;
                    self.outcome(finished, change.prior, change.planned).await
                }
                Err(diagnostics) => {
                    Outcome { instance: Instance { state: change.prior, ..change.planned }, diagnostics }
                }
            }
        })
    }
}

fn unknown_source<R: Resource>(source: &MoveSource) -> Diagnostics {
    let accepted = match R::MOVES_FROM {
        [] => "no other resource type".to_owned(),
        sources => sources.join(", "),
    };
    let detail = format!(
        "The state of `{}` of the provider {} cannot be taken over. Expected one of: {accepted}. \
         Import the object, or remove the `moved` block.",
        source.type_name, source.provider_address
    );
    Diagnostic::error("Unsupported source of a move", detail).into()
}
