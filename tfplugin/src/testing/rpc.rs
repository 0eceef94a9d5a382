//! The RPCs as core calls them: each encodes its request, and holds the answer to the rules.

use std::{collections::BTreeMap, future::Future};

use bytes::Bytes;
use proto::tfplugin6::{self as pb, attribute_path::step::Selector, provider_server::Provider as _};
use tonic::{Request, Response, Status};

use super::{
    Action, Change, Failure, Instance, Object, Result, Rule, Violation, proposed::proposed, rules,
    schema::Schema,
};
use crate::{
    codec,
    diagnostic::{Diagnostic, Diagnostics},
    path::{Path, Step},
    provider::Provider,
    service::Server,
    value::{Type, Value},
};

/// The name of an RPC, for failures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name(&'static str);

pub(super) const PLAN: Name = Name("PlanResourceChange");
const SCHEMA: Name = Name("GetProviderSchema");
const IDENTITIES: Name = Name("GetResourceIdentitySchemas");
const VALIDATE_PROVIDER: Name = Name("ValidateProviderConfig");
const CONFIGURE: Name = Name("ConfigureProvider");
const STOP: Name = Name("StopProvider");
const VALIDATE: Name = Name("ValidateResourceConfig");
const UPGRADE: Name = Name("UpgradeResourceState");
const READ: Name = Name("ReadResource");
const APPLY: Name = Name("ApplyResourceChange");
const IMPORT: Name = Name("ImportResourceState");
const VALIDATE_DATA_SOURCE: Name = Name("ValidateDataResourceConfig");
const READ_DATA_SOURCE: Name = Name("ReadDataSource");

/// The version of Terraform that is played.
const TERRAFORM_VERSION: &str = "1.11.4";

/// What that Terraform is able to do.
const CAPABILITIES: pb::ClientCapabilities =
    pb::ClientCapabilities { deferral_allowed: false, write_only_attributes_allowed: true };

impl Name {
    pub(super) fn violation(self, violation: Violation) -> Failure {
        Failure::Violation { rpc: self.0, violation }
    }

    fn answered<T>(self, answer: std::result::Result<Response<T>, Status>) -> Result<T> {
        answer.map(Response::into_inner).map_err(|status| Failure::Unanswered { rpc: self.0, status })
    }

    fn findings(self, found: Vec<pb::Diagnostic>) -> Result<Diagnostics> {
        let findings: std::result::Result<Diagnostics, Violation> = found.into_iter().map(finding).collect();
        findings.map_err(|violation| self.violation(violation))
    }

    /// The warnings among the findings.
    ///
    /// # Errors
    /// When one is an error.
    fn warnings(self, found: Vec<pb::Diagnostic>) -> Result<Diagnostics> {
        let diagnostics = self.findings(found)?;
        if diagnostics.has_errors() {
            Err(Failure::Diagnostics { rpc: self.0, diagnostics })
        } else {
            Ok(diagnostics)
        }
    }

    fn value(self, wire: Option<&pb::DynamicValue>, value_type: &Type) -> Result<Value> {
        let Some(wire) = wire else { return Ok(Value::Null) };
        codec::decode_dynamic(wire, value_type)
            .map_err(|error| self.violation(Violation::new(Rule::Conforms, &error.path, error.to_string())))
    }

    /// An object that is to be stored: it fits the schema, is known, and has no write-only values.
    fn object(self, wire: Option<&pb::DynamicValue>, schema: &Schema) -> Result<Value> {
        let value = self.value(wire, &schema.object_type)?;
        rules::is_wholly_known(&value)
            .and_then(|()| rules::write_only_is_null(&schema.object, &value, &Path::root()))
            .map_err(|violation| self.violation(violation))?;
        Ok(value)
    }

    fn present(self, value: Value) -> Result<Value> {
        if value.is_null() {
            return Err(self.violation(Violation::new(Rule::Present, &Path::root(), "null")));
        }
        Ok(value)
    }

    /// Encodes a value of core's own.
    fn encode(self, value: &Value, value_type: &Type) -> Result<Option<pb::DynamicValue>> {
        codec::encode_dynamic(value, value_type)
            .map(Some)
            .map_err(|error| Failure::refused(format!("{} cannot be asked: {error}.", self.0)))
    }
}

fn finding(found: pb::Diagnostic) -> std::result::Result<Diagnostic, Violation> {
    let path = found.attribute.as_ref().map(path).unwrap_or_default();
    let diagnostic = match found.severity() {
        pb::diagnostic::Severity::Error => Diagnostic::error(found.summary, found.detail),
        pb::diagnostic::Severity::Warning => Diagnostic::warning(found.summary, found.detail),
        pb::diagnostic::Severity::Invalid => return Err(Violation::new(Rule::Severity, &path, "neither")),
    };
    Ok(diagnostic.at(path))
}

/// A path from the wire. A step without content ends it.
fn path(wire: &pb::AttributePath) -> Path {
    let selectors = wire.steps.iter().map_while(|step| step.selector.as_ref());
    selectors.fold(Path::root(), |path, selector| match selector {
        Selector::AttributeName(name) => path.attr(name),
        Selector::ElementKeyString(key) => path.key(key),
        Selector::ElementKeyInt(index) => path.step(Step::Index(*index)),
    })
}

/// A provider and its schemas.
pub(super) struct Rpc<P: Provider> {
    server: Server<P>,
    provider: Schema,
    resources: BTreeMap<String, Schema>,
    data_sources: BTreeMap<String, Schema>,
}

/// The answer to an apply, with what is kept of it.
pub(super) struct Answer {
    /// The object that is left, which may be null; what is wrong with it, where nothing can be stored.
    pub(super) state: std::result::Result<Value, Violation>,
    pub(super) private: Bytes,
    pub(super) diagnostics: Diagnostics,
}

impl Answer {
    /// Whether the apply went well: what was planned is there.
    pub(super) fn verdict(&self, planned: &Value) -> Result<()> {
        let violation = |violation| APPLY.violation(violation);
        let state = self.state.as_ref().map_err(|found| violation(found.clone()))?;
        rules::is_wholly_known(state).map_err(violation)?;
        if self.diagnostics.has_errors() {
            return Err(Failure::Diagnostics { rpc: APPLY.0, diagnostics: self.diagnostics.clone() });
        }
        if planned.is_null() && !state.is_null() {
            return Err(violation(Violation::new(Rule::Destroyed, &Path::root(), "an object")));
        }
        rules::fills_in(Rule::ResultFollowsPlan, planned, state, &Path::root()).map_err(violation)
    }
}

impl<P: Provider> Rpc<P> {
    /// Asks for the schemas and looks whether they make sense.
    pub(super) async fn new(server: Server<P>) -> Result<Self> {
        let answer = SCHEMA.answered(server.get_provider_schema(Request::new(Default::default())).await)?;
        SCHEMA.warnings(answer.diagnostics)?;
        let identities = IDENTITIES
            .answered(server.get_resource_identity_schemas(Request::new(Default::default())).await)?;
        IDENTITIES.warnings(identities.diagnostics)?;

        let violation = |violation| SCHEMA.violation(violation);
        let read = |schemas: &BTreeMap<String, pb::Schema>| {
            let schemas = schemas.iter();
            schemas.map(|(name, schema)| Ok((name.clone(), Schema::read(name, schema)?))).collect()
        };
        let missing = || Violation::new(Rule::Schema, &Path::root(), "no schema of the provider block");
        let provider = answer.provider.as_ref().ok_or_else(missing).map_err(violation)?;
        let provider =
            Schema::read("provider", provider).and_then(|schema| schema.without_write_only("provider"));
        let data_sources: std::result::Result<BTreeMap<String, Schema>, Violation> =
            read(&answer.data_source_schemas);
        let data_sources = data_sources.and_then(|schemas| {
            let schemas = schemas.into_iter();
            schemas.map(|(name, schema)| Ok((name.clone(), schema.without_write_only(&name)?))).collect()
        });
        Ok(Self {
            provider: provider.map_err(violation)?,
            resources: read(&answer.resource_schemas).map_err(violation)?,
            data_sources: data_sources.map_err(violation)?,
            server,
        })
    }

    pub(super) fn provider_schema(&self) -> &Schema {
        &self.provider
    }

    pub(super) fn resource(&self, type_name: &str) -> Result<&Schema> {
        let missing = || Failure::refused(format!("The provider has no resource type {type_name}."));
        self.resources.get(type_name).ok_or_else(missing)
    }

    pub(super) fn data_source(&self, type_name: &str) -> Result<&Schema> {
        let missing = || Failure::refused(format!("The provider has no data source {type_name}."));
        self.data_sources.get(type_name).ok_or_else(missing)
    }

    pub(super) async fn validate_provider(&self, config: &Value) -> Result<Diagnostics> {
        let config = VALIDATE_PROVIDER.encode(config, &self.provider.object_type)?;
        let request = pb::validate_provider_config::Request { config };
        let answer = self.server.validate_provider_config(Request::new(request)).await;
        VALIDATE_PROVIDER.warnings(VALIDATE_PROVIDER.answered(answer)?.diagnostics)
    }

    pub(super) async fn configure(&self, config: &Value) -> Result<Diagnostics> {
        let request = pb::configure_provider::Request {
            terraform_version: TERRAFORM_VERSION.to_owned(),
            config: CONFIGURE.encode(config, &self.provider.object_type)?,
            client_capabilities: Some(CAPABILITIES),
        };
        let answer = self.server.configure_provider(Request::new(request)).await;
        CONFIGURE.warnings(CONFIGURE.answered(answer)?.diagnostics)
    }

    pub(super) fn stop(&self) -> impl Future<Output = Result<()>> + Send + use<P> {
        let server = self.server.clone();
        async move {
            let answer = STOP.answered(server.stop_provider(Request::new(Default::default())).await)?;
            if answer.error.is_empty() {
                return Ok(());
            }
            let diagnostics = Diagnostic::error("Cannot stop", answer.error).into();
            Err(Failure::Diagnostics { rpc: STOP.0, diagnostics })
        }
    }

    pub(super) async fn validate_resource(
        &self,
        type_name: &str,
        schema: &Schema,
        config: &Value,
    ) -> Result<Diagnostics> {
        let request = pb::validate_resource_config::Request {
            type_name: type_name.to_owned(),
            config: VALIDATE.encode(config, &schema.object_type)?,
            client_capabilities: Some(CAPABILITIES),
        };
        let answer = self.server.validate_resource_config(Request::new(request)).await;
        VALIDATE.warnings(VALIDATE.answered(answer)?.diagnostics)
    }

    pub(super) async fn upgrade(
        &self,
        type_name: &str,
        schema: &Schema,
        instance: &Instance,
    ) -> Result<(Value, Diagnostics)> {
        let mut attributes = instance.attributes.clone();
        if instance.schema_version == schema.version {
            schema.remove_surplus(&mut attributes);
        }
        let json = Bytes::from(attributes.to_string());
        let request = pb::upgrade_resource_state::Request {
            type_name: type_name.to_owned(),
            version: instance.schema_version,
            raw_state: Some(pb::RawState { json, ..Default::default() }),
        };
        let answer = UPGRADE.answered(self.server.upgrade_resource_state(Request::new(request)).await)?;
        let warnings = UPGRADE.warnings(answer.diagnostics)?;
        let value = UPGRADE.object(answer.upgraded_state.as_ref(), schema)?;
        Ok((UPGRADE.present(value)?, warnings))
    }

    pub(super) async fn read(
        &self,
        type_name: &str,
        schema: &Schema,
        known: &Object,
    ) -> Result<(Object, Diagnostics)> {
        let request = pb::read_resource::Request {
            type_name: type_name.to_owned(),
            current_state: READ.encode(&known.value, &schema.object_type)?,
            private: known.private.clone(),
            client_capabilities: Some(CAPABILITIES),
            ..Default::default()
        };
        let answer = READ.answered(self.server.read_resource(Request::new(request)).await)?;
        let warnings = READ.warnings(answer.diagnostics)?;
        let value = READ.object(answer.new_state.as_ref(), schema)?;
        Ok((Object { value, private: answer.private, ..Object::NONE }, warnings))
    }

    /// Plans once. The action says what core makes of the answer.
    pub(super) async fn plan(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
        config: &Value,
    ) -> Result<Change> {
        let request = pb::plan_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: PLAN.encode(&prior.value, &schema.object_type)?,
            proposed_new_state: PLAN
                .encode(&proposed(&schema.object, &prior.value, config), &schema.object_type)?,
            config: PLAN.encode(config, &schema.object_type)?,
            prior_private: prior.private.clone(),
            client_capabilities: Some(CAPABILITIES),
            ..Default::default()
        };
        let answer = PLAN.answered(self.server.plan_resource_change(Request::new(request)).await)?;
        let warnings = PLAN.warnings(answer.diagnostics)?;
        let planned = PLAN.value(answer.planned_state.as_ref(), &schema.object_type)?;
        rules::plan_follows_config(&schema.object, &prior.value, config, &planned, &Path::root())
            .map_err(|violation| PLAN.violation(violation))?;
        let mut replaces = Vec::new();
        if !prior.value.is_null() {
            let paths = answer.requires_replace.iter().map(path).collect();
            replaces = rules::changed_paths(&prior.value, &planned, paths)
                .map_err(|violation| PLAN.violation(violation))?;
        }
        let action = match () {
            () if prior.value.is_null() => Action::Create,
            () if planned == prior.value => Action::NoOp,
            () if replaces.is_empty() => Action::Update,
            () => Action::Replace,
        };
        Ok(Change { action, planned, private: answer.planned_private, replaces, warnings })
    }

    /// Creates or updates.
    pub(super) async fn apply(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
        change: &Change,
        config: &Value,
    ) -> Result<Answer> {
        let request = pb::apply_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: APPLY.encode(&prior.value, &schema.object_type)?,
            planned_state: APPLY.encode(&change.planned, &schema.object_type)?,
            config: APPLY.encode(config, &schema.object_type)?,
            planned_private: change.private.clone(),
            ..Default::default()
        };
        self.send_apply(schema, request).await
    }

    pub(super) async fn delete(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
        private: Bytes,
    ) -> Result<Answer> {
        let nothing = APPLY.encode(&Value::Null, &schema.object_type)?;
        let request = pb::apply_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: APPLY.encode(&prior.value, &schema.object_type)?,
            planned_state: nothing.clone(),
            config: nothing,
            planned_private: private,
            ..Default::default()
        };
        self.send_apply(schema, request).await
    }

    async fn send_apply(
        &self,
        schema: &Schema,
        request: pb::apply_resource_change::Request,
    ) -> Result<Answer> {
        let answer = APPLY.answered(self.server.apply_resource_change(Request::new(request)).await)?;
        let diagnostics = APPLY.findings(answer.diagnostics)?;
        let wire = answer.new_state.unwrap_or_default();
        let state = codec::decode_dynamic(&wire, &schema.object_type)
            .map_err(|error| Violation::new(Rule::Conforms, &error.path, error.to_string()))
            .and_then(|value| {
                rules::write_only_is_null(&schema.object, &value, &Path::root()).map(|()| value)
            });
        Ok(Answer { state, private: answer.private, diagnostics })
    }

    pub(super) async fn import(
        &self,
        type_name: &str,
        schema: &Schema,
        id: &str,
    ) -> Result<(Object, Diagnostics)> {
        let request = pb::import_resource_state::Request {
            type_name: type_name.to_owned(),
            id: id.to_owned(),
            client_capabilities: Some(CAPABILITIES),
            ..Default::default()
        };
        let answer = IMPORT.answered(self.server.import_resource_state(Request::new(request)).await)?;
        let warnings = IMPORT.warnings(answer.diagnostics)?;
        let [imported] = answer.imported_resources.as_slice() else {
            let found = format!("{} objects", answer.imported_resources.len());
            return Err(IMPORT.violation(Violation::new(Rule::OneImport, &Path::root(), found)));
        };
        if imported.type_name != type_name {
            let found = format!("an object of type {:?}", imported.type_name);
            return Err(IMPORT.violation(Violation::new(Rule::OneImport, &Path::root(), found)));
        }
        let value = IMPORT.present(IMPORT.object(imported.state.as_ref(), schema)?)?;
        Ok((Object { value, private: imported.private.clone(), ..Object::NONE }, warnings))
    }

    pub(super) async fn validate_data_source(
        &self,
        type_name: &str,
        schema: &Schema,
        config: &Value,
    ) -> Result<Diagnostics> {
        let request = pb::validate_data_resource_config::Request {
            type_name: type_name.to_owned(),
            config: VALIDATE_DATA_SOURCE.encode(config, &schema.object_type)?,
        };
        let answer = self.server.validate_data_resource_config(Request::new(request)).await;
        VALIDATE_DATA_SOURCE.warnings(VALIDATE_DATA_SOURCE.answered(answer)?.diagnostics)
    }

    pub(super) async fn read_data_source(
        &self,
        type_name: &str,
        schema: &Schema,
        config: &Value,
    ) -> Result<(Value, Diagnostics)> {
        let request = pb::read_data_source::Request {
            type_name: type_name.to_owned(),
            config: READ_DATA_SOURCE.encode(config, &schema.object_type)?,
            client_capabilities: Some(CAPABILITIES),
            ..Default::default()
        };
        let answer =
            pb::provider_server::Provider::read_data_source(&self.server, Request::new(request)).await;
        let answer = READ_DATA_SOURCE.answered(answer)?;
        let warnings = READ_DATA_SOURCE.warnings(answer.diagnostics)?;
        let value = READ_DATA_SOURCE.object(answer.state.as_ref(), schema)?;
        Ok((READ_DATA_SOURCE.present(value)?, warnings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule<T: std::fmt::Debug>(result: Result<T>) -> Rule {
        result.unwrap_err().violation().unwrap().rule
    }

    fn answer(state: std::result::Result<Value, Violation>, diagnostics: Diagnostics) -> Answer {
        Answer { state, private: Bytes::new(), diagnostics }
    }

    #[test]
    fn a_finding_is_an_error_or_a_warning() {
        let nothing = pb::Diagnostic::default();
        assert_eq!(rule(PLAN.findings(vec![nothing.clone()])), Rule::Severity);
        let warning =
            pb::Diagnostic { severity: pb::diagnostic::Severity::Warning.into(), ..nothing.clone() };
        assert!(!PLAN.warnings(vec![warning.clone()]).unwrap().is_empty());
        let error = pb::Diagnostic { severity: pb::diagnostic::Severity::Error.into(), ..nothing };
        let failure = PLAN.warnings(vec![warning, error]).unwrap_err();
        assert_eq!(failure.diagnostics().unwrap().iter().count(), 2);
    }

    #[test]
    fn findings_keep_their_path() {
        let expected = Path::attribute("a").key("b").step(Step::Index(1));
        let attribute = Some(crate::wire::attribute_path(&expected));
        let severity = pb::diagnostic::Severity::Error.into();
        let found = finding(pb::Diagnostic { severity, attribute, ..Default::default() }).unwrap();
        assert_eq!(found.path, expected);
    }

    #[test]
    fn answers_fit_their_type_and_are_there() {
        let wire = pb::DynamicValue { msgpack: (&b"\x01"[..]).into(), ..Default::default() };
        assert_eq!(rule(READ.value(Some(&wire), &Type::String)), Rule::Conforms);
        assert_eq!(READ.value(Some(&wire), &Type::Number).unwrap(), Value::from(1));
        assert_eq!(READ.value(None, &Type::Number).unwrap(), Value::Null);
        assert_eq!(rule(READ.present(Value::Null)), Rule::Present);
    }

    #[test]
    fn an_apply_went_well_when_what_was_planned_is_there() {
        let there = || Value::from("a");
        answer(Ok(there()), Diagnostics::new()).verdict(&there()).unwrap();
        answer(Ok(Value::Null), Diagnostics::new()).verdict(&Value::Null).unwrap();
        let broken = [
            (Ok(there()), Value::Null, Rule::Destroyed),
            (Ok(Value::Null), there(), Rule::ResultFollowsPlan),
            (Ok(Value::UNKNOWN), Value::UNKNOWN, Rule::WhollyKnown),
            (Err(Violation::new(Rule::Conforms, &Path::root(), "")), there(), Rule::Conforms),
        ];
        for (state, planned, expected) in broken {
            assert_eq!(rule(answer(state, Diagnostics::new()).verdict(&planned)), expected);
        }
        let failed = answer(Ok(there()), Diagnostic::error("Failed", "").into()).verdict(&Value::Null);
        assert!(failed.unwrap_err().diagnostics().is_some());
    }
}
