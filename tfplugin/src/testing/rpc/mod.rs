//! The RPCs as core calls them: each encodes its request, and holds the answer to the rules.

mod data_source;
mod resource;

use std::{collections::BTreeMap, future::Future};

use proto::tfplugin6::{self as pb, attribute_path::step::Selector, provider_server::Provider as _};
use tonic::{Request, Response, Status};

pub(super) use self::resource::Answer;
use super::{
    Failure, Result, Rule, Violation, rules,
    schema::{Function, Identity, Schema},
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
const UPGRADE_IDENTITY: Name = Name("UpgradeResourceIdentity");
const MOVE: Name = Name("MoveResourceState");
const GENERATE: Name = Name("GenerateResourceConfig");
pub(super) const CALL: Name = Name("CallFunction");
pub(super) const VALIDATE_LIST: Name = Name("ValidateListResourceConfig");
pub(super) const LIST: Name = Name("ListResource");
pub(super) const VALIDATE_ACTION: Name = Name("ValidateActionConfig");
pub(super) const PLAN_ACTION: Name = Name("PlanAction");
pub(super) const INVOKE: Name = Name("InvokeAction");

/// The version of Terraform that is played.
const TERRAFORM_VERSION: &str = "1.15.5";

impl Name {
    pub(super) fn violation(self, violation: Violation) -> Failure {
        Failure::Violation { rpc: self.0, violation }
    }

    pub(super) fn unanswered(self, status: Status) -> Failure {
        Failure::Unanswered { rpc: self.0, status }
    }

    pub(super) fn answered<T>(self, answer: std::result::Result<Response<T>, Status>) -> Result<T> {
        answer.map(Response::into_inner).map_err(|status| self.unanswered(status))
    }

    pub(super) fn findings(self, found: Vec<pb::Diagnostic>) -> Result<Diagnostics> {
        let findings: std::result::Result<Diagnostics, Violation> = found.into_iter().map(finding).collect();
        findings.map_err(|violation| self.violation(violation))
    }

    /// The warnings among the findings.
    ///
    /// # Errors
    /// When one is an error.
    pub(super) fn warnings(self, found: Vec<pb::Diagnostic>) -> Result<Diagnostics> {
        let diagnostics = self.findings(found)?;
        if diagnostics.has_errors() {
            Err(Failure::Diagnostics { rpc: self.0, diagnostics })
        } else {
            Ok(diagnostics)
        }
    }

    pub(super) fn value(self, wire: Option<&pb::DynamicValue>, value_type: &Type) -> Result<Value> {
        let Some(wire) = wire else { return Ok(Value::Null) };
        codec::decode_dynamic(wire, value_type)
            .map_err(|error| self.violation(Violation::new(Rule::Conforms, &error.path, error.to_string())))
    }

    /// An object that is to be stored: it fits the schema, is known, and has no write-only values.
    pub(super) fn object(self, wire: Option<&pb::DynamicValue>, schema: &Schema) -> Result<Value> {
        let value = self.value(wire, &schema.object_type)?;
        rules::is_wholly_known(&value)
            .and_then(|()| rules::write_only_is_null(&schema.object, &value, &Path::root()))
            .map_err(|violation| self.violation(violation))?;
        Ok(value)
    }

    /// An identity that is to be stored: it fits its schema and is known. Null where there is none.
    pub(super) fn identity(self, wire: Option<&pb::ResourceIdentityData>, schema: &Schema) -> Result<Value> {
        let Some(data) = wire.and_then(|identity| identity.identity_data.as_ref()) else {
            return Ok(Value::Null);
        };
        let unexpected =
            || Violation::new(Rule::Conforms, &Path::root(), "an identity of a type without one");
        let shape = schema.identity.as_ref().ok_or_else(|| self.violation(unexpected()))?;
        let identity = self.value(Some(data), &shape.object_type)?;
        rules::is_wholly_known(&identity).map_err(|violation| self.violation(violation))?;
        Ok(identity)
    }

    /// Encodes an identity of core's own; null is none.
    pub(super) fn encode_identity(
        self,
        identity: &Value,
        schema: &Schema,
    ) -> Result<Option<pb::ResourceIdentityData>> {
        let Some(shape) = schema.identity.as_ref().filter(|_| !identity.is_null()) else { return Ok(None) };
        let identity_data = self.encode(identity, &shape.object_type)?;
        Ok(Some(pb::ResourceIdentityData { identity_data }))
    }

    pub(super) fn present(self, value: Value) -> Result<Value> {
        if value.is_null() {
            return Err(self.violation(Violation::new(Rule::Present, &Path::root(), "null")));
        }
        Ok(value)
    }

    /// Encodes a value of core's own.
    pub(super) fn encode(self, value: &Value, value_type: &Type) -> Result<Option<pb::DynamicValue>> {
        codec::encode_dynamic(value, value_type)
            .map(Some)
            .map_err(|error| Failure::refused(format!("{} cannot be asked: {error}.", self.0)))
    }
}

/// Names with what was read of them.
fn table<W, T>(
    wire: &BTreeMap<String, W>,
    read: impl Fn(&str, &W) -> std::result::Result<T, Violation>,
) -> Result<BTreeMap<String, T>> {
    let read = wire.iter().map(|(name, found)| Ok((name.clone(), read(name, found)?)));
    read.collect::<std::result::Result<_, _>>().map_err(|violation| SCHEMA.violation(violation))
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
    pub(super) server: Server<P>,
    capabilities: pb::ServerCapabilities,
    /// Whether the Terraform that is played can wait for a provider's configuration.
    pub(super) can_wait: bool,
    provider: Schema,
    resources: BTreeMap<String, Schema>,
    data_sources: BTreeMap<String, Schema>,
    list_resources: BTreeMap<String, Schema>,
    actions: BTreeMap<String, Schema>,
    functions: BTreeMap<String, Function>,
}

impl<P: Provider> Rpc<P> {
    /// Asks for the schemas and looks whether they make sense.
    pub(super) async fn new(server: Server<P>) -> Result<Self> {
        let answer = SCHEMA.answered(server.get_provider_schema(Request::new(Default::default())).await)?;
        SCHEMA.warnings(answer.diagnostics)?;
        let identities = IDENTITIES
            .answered(server.get_resource_identity_schemas(Request::new(Default::default())).await)?;
        IDENTITIES.warnings(identities.diagnostics)?;

        let unstored = |name: &str, schema: &pb::Schema| Schema::read(name, schema)?.without_write_only(name);
        let action = |name: &str, action: &pb::ActionSchema| {
            unstored(name, action.schema.as_ref().unwrap_or(&pb::Schema::default()))
        };
        let mut resources = table(&answer.resource_schemas, Schema::read)?;
        for (name, identity) in table(&identities.identity_schemas, Identity::read)? {
            resources.get_mut(&name).ok_or_else(|| nothing_of(&name, "resource"))?.identity = Some(identity);
        }
        let list_resources = table(&answer.list_resource_schemas, unstored)?;
        for name in list_resources.keys() {
            let listed = resources.get(name).and_then(|resource| resource.identity.as_ref());
            listed.ok_or_else(|| nothing_of(name, "resource with an identity"))?;
        }
        let provider = answer.provider.as_ref().ok_or_else(|| nothing_of("provider", "provider block"))?;
        let provider = unstored("provider", provider).map_err(|violation| SCHEMA.violation(violation))?;
        Ok(Self {
            server,
            capabilities: answer.server_capabilities.unwrap_or_default(),
            can_wait: false,
            provider,
            resources,
            data_sources: table(&answer.data_source_schemas, unstored)?,
            list_resources,
            actions: table(&answer.action_schemas, action)?,
            functions: table(&answer.functions, Function::read)?,
        })
    }

    pub(super) fn provider_schema(&self) -> &Schema {
        &self.provider
    }

    pub(super) fn resource(&self, type_name: &str) -> Result<&Schema> {
        named(&self.resources, "resource type", type_name)
    }

    pub(super) fn data_source(&self, type_name: &str) -> Result<&Schema> {
        named(&self.data_sources, "data source", type_name)
    }

    pub(super) fn list_resource(&self, type_name: &str) -> Result<&Schema> {
        named(&self.list_resources, "list resource type", type_name)
    }

    pub(super) fn action(&self, type_name: &str) -> Result<&Schema> {
        named(&self.actions, "action type", type_name)
    }

    pub(super) fn function(&self, name: &str) -> Result<&Function> {
        named(&self.functions, "function", name)
    }

    /// What the Terraform that is played is able to do.
    pub(super) fn client_capabilities(&self) -> pb::ClientCapabilities {
        pb::ClientCapabilities { deferral_allowed: self.can_wait, write_only_attributes_allowed: true }
    }

    /// Stops where the provider asks to wait.
    pub(super) fn decided(&self, name: Name, deferred: Option<pb::Deferred>) -> Result<()> {
        match deferred {
            None => Ok(()),
            Some(_) if self.can_wait => Err(Failure::Deferred { rpc: name.0 }),
            Some(_) => {
                Err(name.violation(Violation::new(Rule::Deferral, &Path::root(), "it was asked to wait")))
            }
        }
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
            client_capabilities: Some(self.client_capabilities()),
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
}

fn named<'a, T>(table: &'a BTreeMap<String, T>, kind: &str, name: &str) -> Result<&'a T> {
    table.get(name).ok_or_else(|| Failure::refused(format!("The provider has no {kind} {name}.")))
}

fn nothing_of(name: &str, kind: &str) -> Failure {
    SCHEMA.violation(Violation::new(Rule::Schema, &Path::attribute(name), format!("no schema of a {kind}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule<T: std::fmt::Debug>(result: Result<T>) -> Rule {
        result.unwrap_err().violation().unwrap().rule
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
}
