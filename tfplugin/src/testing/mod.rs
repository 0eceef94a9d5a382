//! Terraform core, played within a test: a provider is checked without a Terraform binary.
//!
//! [`Core`] calls a provider as Terraform does — the same messages in the same order, with a state of its own — and
//! holds each answer to the rules by which Terraform tells a faulty provider: a plan follows the configuration, what
//! is applied is what was planned, nothing is left unknown, and so on (see [`Rule`]).
//!
//! Configuration is written as JSON. What it does not mention is null, or no blocks; [`UNKNOWN`] stands for a value
//! that is not known yet. Blocks are objects or arrays, as their nesting demands.
//!
//! ```
//! # use tfplugin::{context::*, diagnostic::Result, model, model::*, provider::*, resource::*};
//! # model! { /// None.
//! #     pub struct Config { /// None.
//! #         nothing: String = optional(), } }
//! # model! { /// A note.
//! #     pub struct NoteModel { /// Its text.
//! #         text: String = required(), } }
//! # struct Note;
//! # impl Resource for Note {
//! #     type Client = ();
//! #     type Model = NoteModel;
//! #     type Identity = NoIdentity;
//! #     const NAME: &'static str = "note";
//! #     async fn read(&self, _: &ResourceContext<(), NoteModel>, state: NoteModel) -> Result<Option<NoteModel>> {
//! #         Ok(Some(state))
//! #     }
//! #     async fn create(
//! #         &self, _: &ResourceContext<(), NoteModel>, planned: NoteModel, _: NoteModel,
//! #     ) -> Result<NoteModel> { Ok(planned) }
//! #     async fn update(
//! #         &self, _: &ResourceContext<(), NoteModel>, _: NoteModel, planned: NoteModel, _: NoteModel,
//! #     ) -> Result<NoteModel> { Ok(planned) }
//! #     async fn delete(&self, _: &ResourceContext<(), NoteModel>, _: NoteModel) -> Result<()> { Ok(()) }
//! # }
//! # struct Notes;
//! # impl Provider for Notes {
//! #     type Config = Config;
//! #     type Client = ();
//! #     const NAME: &'static str = "notes";
//! #     const ADDRESS: &'static str = "registry.terraform.io/example/notes";
//! #     async fn configure(&self, _: Settings<Config>) -> Result<Configured<()>> {
//! #         Ok(Configured::new(()))
//! #     }
//! #     fn offers(&self) -> Offers<()> { Offers::new().resource(Note) }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::result::Result<(), tfplugin::testing::Failure> {
//! use serde_json::json;
//! use tfplugin::testing::{Action, Core};
//!
//! let mut core = Core::configure(Notes, &json!({})).await?;
//! let config = json!({ "text": "Buy bread" });
//! core.apply("notes_note", "bread", &config).await?;
//! assert_eq!(core.plan("notes_note", "bread", &config).await?.action, Action::NoOp);
//! core.destroy("notes_note", "bread").await?;
//! # Ok(())
//! # }
//! ```

mod action;
mod config;
mod failure;
mod function;
mod import;
mod list;
mod proposed;
mod rpc;
mod rules;
mod schema;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, future::Future};

use bytes::Bytes;
use serde_json::Value as Json;

pub use self::{
    action::Invoked,
    config::UNKNOWN,
    failure::{Failure, Rule, Violation},
    list::{Listing, Query},
};
use self::{rpc::Rpc, schema::Schema};
use crate::{
    codec,
    diagnostic::Diagnostics,
    path::Path,
    plan::unknown_as_null,
    provider::Provider,
    service::Server,
    value::{Type, Value},
};

/// A value of type `of`; what `json` does not mention is null.
#[cfg(test)]
pub(crate) fn value(of: &Type, json: &Json) -> Value {
    config::plain_value(of, json, &Path::root()).unwrap()
}

type Result<T> = std::result::Result<T, Failure>;

/// Terraform core with one provider and a state.
///
/// Each operation on an object is a walk of its own, for which the provider is configured anew, as it would be in a
/// process of its own.
pub struct Core<P: Provider> {
    rpc: Rpc<P>,
    config: Value,
    state: BTreeMap<Address, Instance>,
}

/// The address of an object: its type and name.
type Address = (String, String);

/// An object as a state file holds it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Instance {
    /// Version of the schema in which the attributes are written.
    pub schema_version: i64,
    /// The attributes.
    pub attributes: Json,
    /// What the provider keeps beside them.
    pub private: Bytes,
    /// Version of the schema in which the identity is written.
    pub identity_version: i64,
    /// The identity; null where there is none.
    pub identity: Json,
    /// Whether it is to be replaced because its creation failed half-way.
    pub tainted: bool,
}

/// What a plan does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Creates it.
    Create,
    /// Changes it in place.
    Update,
    /// Destroys it and creates it again.
    Replace,
}

/// A plan for an object.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What is to be done.
    pub action: Action,
    /// The object as it was read; null if there is none.
    pub prior: Value,
    /// The object as it will be.
    pub planned: Value,
    /// The identity that it will have; null while that is not known, or where there is none.
    pub identity: Value,
    /// The attributes whose change replaces it.
    pub replaces: Vec<Path>,
    /// What the provider warned of.
    pub warnings: Diagnostics,
    address: Address,
    refreshed: Option<Instance>,
    private: Bytes,
}

/// A plan that was carried out.
#[derive(Debug, Clone)]
pub struct Applied {
    /// What was done.
    pub action: Action,
    /// The object as it is now.
    pub state: Value,
    /// What the provider warned of.
    pub warnings: Diagnostics,
}

/// What a provider found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The object; null if there is none.
    pub state: Value,
    /// What the provider warned of.
    pub warnings: Diagnostics,
}

/// An object on its way through a walk; null where there is none.
#[derive(Debug, Clone)]
struct Object {
    value: Value,
    private: Bytes,
    identity: Value,
    tainted: bool,
}

impl Object {
    const NONE: Self =
        Self { value: Value::Null, private: Bytes::new(), identity: Value::Null, tainted: false };
}

/// What is to become of an object.
struct Change {
    action: Action,
    planned: Value,
    private: Bytes,
    identity: Value,
    replaces: Vec<Path>,
    warnings: Diagnostics,
}

impl<P: Provider> Core<P> {
    /// Looks at the provider's schemas and configures it; `config` is the provider block.
    ///
    /// # Errors
    /// When Terraform would not accept the schemas, or the provider not its configuration.
    pub async fn configure(provider: P, config: &Json) -> Result<Self> {
        let rpc = Rpc::new(Server::new(provider)).await?;
        let mut core = Self { rpc, config: Value::Null, state: BTreeMap::new() };
        core.reconfigure(config).await?;
        Ok(core)
    }

    /// Replaces the provider block, as when it was edited or an unknown setting became known.
    ///
    /// # Errors
    /// When the provider does not accept its configuration.
    pub async fn reconfigure(&mut self, config: &Json) -> Result<Diagnostics> {
        let schema = &self.rpc.provider_schema().object;
        self.config = config::object(schema, config, &Path::root()).map_err(Failure::Refused)?;
        let mut warnings = self.rpc.validate_provider(&self.config).await?;
        warnings.extend(self.rpc.configure(&self.config).await?);
        Ok(warnings)
    }

    /// Plays a Terraform that can wait until a provider's configuration is known. A provider that asks it to ends the
    /// operation with [`Failure::Deferred`].
    #[must_use]
    pub fn can_wait(mut self) -> Self {
        self.rpc.can_wait = true;
        self
    }

    /// The object `name` of the type `type_name`, as it stands in state.
    pub fn instance(&self, type_name: &str, name: &str) -> Option<&Instance> {
        self.state.get(&address(type_name, name))
    }

    /// Puts an object into state, as if an older run, or another version of the provider, had left it.
    pub fn set_instance(&mut self, type_name: &str, name: &str, instance: Instance) {
        self.state.insert(address(type_name, name), instance);
    }

    /// Asks the provider to stop what it is doing. The future borrows nothing, so that it can run beside an operation.
    pub fn stop(&self) -> impl Future<Output = Result<()>> + Send + use<P> {
        self.rpc.stop()
    }

    /// Checks the configuration of a resource, as `terraform validate` does, and returns the warnings.
    ///
    /// # Errors
    /// When the provider finds fault with it.
    pub async fn validate(&self, type_name: &str, config: &Json) -> Result<Diagnostics> {
        let schema = self.rpc.resource(type_name)?;
        self.rpc.validate_resource(type_name, schema, &resource_config(schema, config)?).await
    }

    /// Plans an object for `config`, which may hold unknown values: reads it first if it is in state. State is not
    /// changed.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn plan(&self, type_name: &str, name: &str, config: &Json) -> Result<Planned> {
        let schema = self.rpc.resource(type_name)?;
        let config = resource_config(schema, config)?;
        let address = address(type_name, name);
        let mut warnings = self.begin_walk().await?;
        let prior = self.upgraded(&address, schema, &mut warnings).await?;
        let prior = self.read(type_name, schema, prior, &mut warnings).await?;
        warnings.extend(self.rpc.validate_resource(type_name, schema, &config).await?);
        let change = self.change(type_name, schema, &prior, &config).await?;
        warnings.extend(change.warnings);
        Ok(Planned {
            action: change.action,
            planned: change.planned,
            replaces: change.replaces,
            private: change.private,
            identity: change.identity,
            refreshed: stored(schema, &prior)?,
            prior: prior.value,
            address,
            warnings,
        })
    }

    /// Plans and applies `config`.
    ///
    /// # Errors
    /// See [`Failure`]. State holds what Terraform would keep then.
    pub async fn apply(&mut self, type_name: &str, name: &str, config: &Json) -> Result<Applied> {
        let planned = self.plan(type_name, name, config).await?;
        self.apply_plan(planned, config).await
    }

    /// Applies a plan; in `config` all must be known by now.
    ///
    /// # Errors
    /// See [`Failure`]. State holds what Terraform would keep then.
    pub async fn apply_plan(&mut self, plan: Planned, config: &Json) -> Result<Applied> {
        let type_name = plan.address.0.clone();
        let config = known_config(self.rpc.resource(&type_name)?, config)?;
        self.store(&plan.address, plan.refreshed.clone());
        if plan.action == Action::NoOp {
            return Ok(Applied { action: Action::NoOp, state: plan.planned, warnings: plan.warnings });
        }
        let mut warnings = self.begin_walk().await?;
        if plan.action == Action::Replace {
            let prior = self.upgraded(&plan.address, self.rpc.resource(&type_name)?, &mut warnings).await?;
            let prior = Object { private: plan.private.clone(), ..prior };
            warnings.extend(self.delete(&plan.address, &prior).await?.warnings);
        }
        let schema = self.rpc.resource(&type_name)?;
        let prior = self.upgraded(&plan.address, schema, &mut warnings).await?;
        warnings.extend(self.rpc.validate_resource(&type_name, schema, &config).await?);
        let change = self.final_change(&plan, schema, &prior, &config).await?;
        if change.action == Action::NoOp {
            return Ok(Applied { action: Action::NoOp, state: prior.value, warnings });
        }
        let answer = self.rpc.apply(&type_name, schema, &prior, &change, &config).await?;
        let found = self.keep(&plan.address, &prior, &change.planned, answer)?;
        warnings.extend(found.warnings);
        Ok(Applied { action: plan.action, state: found.state, warnings })
    }

    /// Destroys an object: reads it first, as a destroy plan does.
    ///
    /// # Errors
    /// See [`Failure`]. State holds what Terraform would keep then.
    pub async fn destroy(&mut self, type_name: &str, name: &str) -> Result<Found> {
        let mut found = self.refresh(type_name, name).await?;
        if found.state.is_null() {
            return Ok(found);
        }
        let address = address(type_name, name);
        let schema = self.rpc.resource(type_name)?;
        found.warnings.extend(self.begin_walk().await?);
        let prior = self.upgraded(&address, schema, &mut found.warnings).await?;
        let (prior, warnings) = self.rpc.plan_destroy(type_name, schema, &prior).await?;
        found.warnings.extend(warnings);
        found.warnings.extend(self.begin_walk().await?);
        let deleted = self.delete(&address, &prior).await?;
        found.warnings.extend(deleted.warnings);
        Ok(Found { state: deleted.state, ..found })
    }

    /// Reads an object that is in state and stores what was found.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn refresh(&mut self, type_name: &str, name: &str) -> Result<Found> {
        let address = address(type_name, name);
        let schema = self.rpc.resource(type_name)?;
        if !self.state.contains_key(&address) {
            return Err(Failure::refused(format!("There is no {type_name}.{name} in state.")));
        }
        let mut warnings = self.begin_walk().await?;
        let prior = self.upgraded(&address, schema, &mut warnings).await?;
        let found = self.read(type_name, schema, prior, &mut warnings).await?;
        let instance = stored(schema, &found)?;
        self.store(&address, instance);
        Ok(Found { state: found.value, warnings })
    }

    /// Reads a data source.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn read_data_source(&self, type_name: &str, config: &Json) -> Result<Found> {
        let schema = self.rpc.data_source(type_name)?;
        let config = known_config(schema, config)?;
        let mut warnings = self.begin_walk().await?;
        warnings.extend(self.rpc.validate_data_source(type_name, schema, &config).await?);
        let (state, findings) = self.rpc.read_data_source(type_name, schema, &config).await?;
        warnings.extend(findings);
        Ok(Found { state, warnings })
    }

    /// What a new provider process is told first.
    async fn begin_walk(&self) -> Result<Diagnostics> {
        let mut warnings = self.rpc.validate_provider(&self.config).await?;
        warnings.extend(self.rpc.configure(&self.config).await?);
        Ok(warnings)
    }

    /// The object in state, in today's schema.
    async fn upgraded(
        &self,
        address: &Address,
        schema: &Schema,
        warnings: &mut Diagnostics,
    ) -> Result<Object> {
        let Some(instance) = self.state.get(address) else { return Ok(Object::NONE) };
        if instance.schema_version > schema.version {
            return Err(Failure::refused("The state was written by a newer version of the provider."));
        }
        let (value, findings) = self.rpc.upgrade(&address.0, schema, instance).await?;
        warnings.extend(findings);
        let identity = self.rpc.upgrade_identity(&address.0, schema, instance).await?;
        Ok(Object { value, identity, private: instance.private.clone(), tainted: instance.tainted })
    }

    /// The object as the provider finds it now.
    async fn read(
        &self,
        type_name: &str,
        schema: &Schema,
        known: Object,
        warnings: &mut Diagnostics,
    ) -> Result<Object> {
        if known.value.is_null() {
            return Ok(known);
        }
        let (found, findings) = self.rpc.read(type_name, schema, &known).await?;
        warnings.extend(findings);
        Ok(if found.value.is_null() { Object::NONE } else { found })
    }

    /// What is to become of `prior`. Where it must be replaced, the provider plans a second time, without it.
    async fn change(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
        config: &Value,
    ) -> Result<Change> {
        if prior.tainted {
            let change = self.rpc.plan(type_name, schema, &Object::NONE, config).await?;
            return Ok(Change { action: Action::Replace, ..change });
        }
        let first = self.rpc.plan(type_name, schema, prior, config).await?;
        if first.action != Action::Replace {
            return Ok(first);
        }
        let nothing = Object { private: first.private, identity: first.identity, ..Object::NONE };
        let mut change = self.rpc.plan(type_name, schema, &nothing, config).await?;
        let mut warnings = first.warnings;
        warnings.extend(std::mem::take(&mut change.warnings));
        Ok(Change { action: Action::Replace, replaces: first.replaces, warnings, ..change })
    }

    /// The change again, now that all is known.
    async fn final_change(
        &self,
        plan: &Planned,
        schema: &Schema,
        prior: &Object,
        config: &Value,
    ) -> Result<Change> {
        let change = self.change(&plan.address.0, schema, prior, config).await?;
        let expected = if plan.action == Action::Replace { Action::Create } else { plan.action };
        let same_action = change.action == expected;
        if !(same_action || (expected, change.action) == (Action::Update, Action::NoOp)) {
            let found = format!("{:?} where {expected:?} was planned", change.action);
            let violation = Violation::new(Rule::FinalPlan, &Path::root(), found);
            return Err(rpc::PLAN.violation(violation));
        }
        rules::fills_in(Rule::FinalPlan, &plan.planned, &change.planned, &Path::root())
            .map_err(|violation| rpc::PLAN.violation(violation))?;
        Ok(change)
    }

    /// Destroys the object at `address`.
    async fn delete(&mut self, address: &Address, prior: &Object) -> Result<Found> {
        let answer = self.rpc.delete(&address.0, self.rpc.resource(&address.0)?, prior).await?;
        self.keep(address, prior, &Value::Null, answer)
    }

    /// Stores what is left after an apply, whether it went well or not, and says which.
    fn keep(
        &mut self,
        address: &Address,
        prior: &Object,
        planned: &Value,
        answer: rpc::Answer,
    ) -> Result<Found> {
        let verdict = answer.verdict(planned);
        let schema = self.rpc.resource(&address.0)?;
        let failed = verdict.is_err();
        let left = match answer.state {
            // A value that does not fit is lost.
            Err(_) => Object::NONE,
            Ok(state) if state.is_null() && failed => prior.clone(),
            Ok(state) => Object {
                value: unknown_as_null(state),
                private: answer.private,
                // One that cannot be stored is dropped.
                identity: answer.identity.as_ref().map_or(Value::Null, Value::clone),
                tainted: failed && (prior.value.is_null() || prior.tainted),
            },
        };
        let instance = stored(schema, &left)?;
        self.store(address, instance);
        verdict?;
        answer.identity?;
        Ok(Found { state: left.value, warnings: answer.diagnostics })
    }

    fn store(&mut self, address: &Address, instance: Option<Instance>) {
        match instance {
            Some(instance) => self.state.insert(address.clone(), instance),
            None => self.state.remove(address),
        };
    }
}

fn address(type_name: &str, name: &str) -> Address {
    (type_name.to_owned(), name.to_owned())
}

fn resource_config(schema: &Schema, config: &Json) -> Result<Value> {
    config::object(&schema.object, config, &Path::root()).map_err(Failure::Refused)
}

fn known_config(schema: &Schema, config: &Json) -> Result<Value> {
    let config = resource_config(schema, config)?;
    if config.is_wholly_known() {
        Ok(config)
    } else {
        Err(Failure::refused("The configuration is not known yet."))
    }
}

/// An object as a state file holds it; none where there is none.
fn stored(schema: &Schema, object: &Object) -> Result<Option<Instance>> {
    if object.value.is_null() {
        return Ok(None);
    }
    let identity = schema.identity.as_ref().filter(|_| !object.identity.is_null());
    Ok(Some(Instance {
        schema_version: schema.version,
        attributes: json(&object.value, &schema.object_type)?,
        private: object.private.clone(),
        identity_version: schema.identity.as_ref().map_or(0, |identity| identity.version),
        identity: identity.map_or(Ok(Json::Null), |shape| json(&object.identity, &shape.object_type))?,
        tainted: object.tainted,
    }))
}

/// A value as a state file holds it.
fn json(value: &Value, value_type: &Type) -> Result<Json> {
    let unwritable =
        |error: &dyn std::fmt::Display| Failure::refused(format!("The value cannot be written: {error}."));
    let text = codec::json::encode(value, value_type).map_err(|error| unwritable(&error))?;
    serde_json::from_str(&text).map_err(|error| unwritable(&error))
}
