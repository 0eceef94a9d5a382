//! Managed resources.

use std::mem;

use bytes::Bytes;
use proto::tfplugin6::provider_server::Provider as _;

use super::{
    APPLY, Diagnostics, Failure, GENERATE, IMPORT, MOVE, PLAN, Path, Provider, READ, Request, Result, Rpc,
    Rule, Schema, UPGRADE, UPGRADE_IDENTITY, VALIDATE, Value, Violation, codec, path, pb, rules,
};
use crate::{
    resource::MoveSource,
    testing::{Action, Change, Instance, Object, proposed::proposed},
};

/// The answer to an apply, with what is kept of it.
pub(in crate::testing) struct Answer {
    /// The object that is left, which may be null; what is wrong with it, where nothing can be stored.
    pub(in crate::testing) state: std::result::Result<Value, Violation>,
    pub(in crate::testing) private: Bytes,
    /// The identity, which may be null; what is wrong with it, where it cannot be stored.
    pub(in crate::testing) identity: std::result::Result<Value, Failure>,
    pub(in crate::testing) diagnostics: Diagnostics,
}

impl Answer {
    /// Whether the apply went well: what was planned is there.
    pub(in crate::testing) fn verdict(&self, planned: &Value) -> Result<()> {
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
    pub(in crate::testing) async fn validate_resource(
        &self,
        type_name: &str,
        schema: &Schema,
        config: &Value,
    ) -> Result<Diagnostics> {
        let request = pb::validate_resource_config::Request {
            type_name: type_name.to_owned(),
            config: VALIDATE.encode(config, &schema.object_type)?,
            client_capabilities: Some(self.client_capabilities()),
        };
        let answer = self.server.validate_resource_config(Request::new(request)).await;
        VALIDATE.warnings(VALIDATE.answered(answer)?.diagnostics)
    }

    pub(in crate::testing) async fn upgrade(
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

    /// The stored identity in today's schema; null where there is none.
    pub(in crate::testing) async fn upgrade_identity(
        &self,
        type_name: &str,
        schema: &Schema,
        instance: &Instance,
    ) -> Result<Value> {
        let Some(shape) = schema.identity.as_ref().filter(|_| !instance.identity.is_null()) else {
            return Ok(Value::Null);
        };
        let json = Bytes::from(instance.identity.to_string());
        if instance.identity_version == shape.version {
            let stored = pb::DynamicValue { json, ..Default::default() };
            return UPGRADE_IDENTITY.value(Some(&stored), &shape.object_type);
        }
        let request = pb::upgrade_resource_identity::Request {
            type_name: type_name.to_owned(),
            version: instance.identity_version,
            raw_identity: Some(pb::RawState { json, ..Default::default() }),
        };
        let answer = self.server.upgrade_resource_identity(Request::new(request)).await;
        let answer = UPGRADE_IDENTITY.answered(answer)?;
        UPGRADE_IDENTITY.warnings(answer.diagnostics)?;
        UPGRADE_IDENTITY.identity(answer.upgraded_identity.as_ref(), schema)
    }

    pub(in crate::testing) async fn read(
        &self,
        type_name: &str,
        schema: &Schema,
        known: &Object,
    ) -> Result<(Object, Diagnostics)> {
        let request = pb::read_resource::Request {
            type_name: type_name.to_owned(),
            current_state: READ.encode(&known.value, &schema.object_type)?,
            private: known.private.clone(),
            current_identity: READ.encode_identity(&known.identity, schema)?,
            client_capabilities: Some(self.client_capabilities()),
            ..Default::default()
        };
        let answer = READ.answered(self.server.read_resource(Request::new(request)).await)?;
        let warnings = READ.warnings(answer.diagnostics)?;
        self.decided(READ, answer.deferred)?;
        let value = READ.object(answer.new_state.as_ref(), schema)?;
        let identity = READ.identity(answer.new_identity.as_ref(), schema)?;
        Ok((Object { value, identity, private: answer.private, tainted: known.tainted }, warnings))
    }

    /// Plans once. The action says what core makes of the answer.
    pub(in crate::testing) async fn plan(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
        config: &Value,
    ) -> Result<Change> {
        let proposed = proposed(&schema.object, &prior.value, config);
        let (answer, warnings) = self.send_plan(type_name, schema, prior, &proposed, config).await?;
        let planned = PLAN.value(answer.planned_state.as_ref(), &schema.object_type)?;
        rules::plan_follows_config(&schema.object, &prior.value, config, &planned, &Path::root())
            .map_err(|violation| PLAN.violation(violation))?;
        let identity = PLAN.identity(answer.planned_identity.as_ref(), schema)?;
        self.decided(PLAN, answer.deferred)?;
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
        Ok(Change { action, planned, private: answer.planned_private, identity, replaces, warnings })
    }

    /// Plans to destroy, if the provider wants to know: what is to be kept with the object until then.
    pub(in crate::testing) async fn plan_destroy(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
    ) -> Result<(Object, Diagnostics)> {
        if !self.capabilities.plan_destroy {
            return Ok((prior.clone(), Diagnostics::new()));
        }
        let nothing = &Value::Null;
        let (answer, warnings) = self.send_plan(type_name, schema, prior, nothing, nothing).await?;
        self.decided(PLAN, answer.deferred)?;
        if !PLAN.value(answer.planned_state.as_ref(), &schema.object_type)?.is_null() {
            return Err(PLAN.violation(Violation::new(Rule::DestroyPlan, &Path::root(), "an object")));
        }
        let identity = PLAN.identity(answer.planned_identity.as_ref(), schema)?;
        Ok((Object { private: answer.planned_private, identity, ..prior.clone() }, warnings))
    }

    /// The answer without what there is to say about it, and that.
    async fn send_plan(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
        proposed: &Value,
        config: &Value,
    ) -> Result<(pb::plan_resource_change::Response, Diagnostics)> {
        let request = pb::plan_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: PLAN.encode(&prior.value, &schema.object_type)?,
            proposed_new_state: PLAN.encode(proposed, &schema.object_type)?,
            config: PLAN.encode(config, &schema.object_type)?,
            prior_private: prior.private.clone(),
            prior_identity: PLAN.encode_identity(&prior.identity, schema)?,
            client_capabilities: Some(self.client_capabilities()),
            ..Default::default()
        };
        let mut answer = PLAN.answered(self.server.plan_resource_change(Request::new(request)).await)?;
        let warnings = PLAN.warnings(mem::take(&mut answer.diagnostics))?;
        Ok((answer, warnings))
    }

    /// Creates or updates.
    pub(in crate::testing) async fn apply(
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
            planned_identity: APPLY.encode_identity(&change.identity, schema)?,
            ..Default::default()
        };
        self.send_apply(schema, request).await
    }

    pub(in crate::testing) async fn delete(
        &self,
        type_name: &str,
        schema: &Schema,
        prior: &Object,
    ) -> Result<Answer> {
        let nothing = APPLY.encode(&Value::Null, &schema.object_type)?;
        let request = pb::apply_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: APPLY.encode(&prior.value, &schema.object_type)?,
            planned_state: nothing.clone(),
            config: nothing,
            planned_private: prior.private.clone(),
            planned_identity: APPLY.encode_identity(&prior.identity, schema)?,
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
        let identity = APPLY.identity(answer.new_identity.as_ref(), schema);
        Ok(Answer { state, private: answer.private, identity, diagnostics })
    }

    /// Imports by an id, or by an identity, the other being empty or null.
    pub(in crate::testing) async fn import(
        &self,
        type_name: &str,
        schema: &Schema,
        id: &str,
        identity: &Value,
    ) -> Result<(Object, Diagnostics)> {
        let request = pb::import_resource_state::Request {
            type_name: type_name.to_owned(),
            id: id.to_owned(),
            identity: IMPORT.encode_identity(identity, schema)?,
            client_capabilities: Some(self.client_capabilities()),
        };
        let answer = IMPORT.answered(self.server.import_resource_state(Request::new(request)).await)?;
        let warnings = IMPORT.warnings(answer.diagnostics)?;
        self.decided(IMPORT, answer.deferred)?;
        let [imported] = answer.imported_resources.as_slice() else {
            let found = format!("{} objects", answer.imported_resources.len());
            return Err(IMPORT.violation(Violation::new(Rule::OneImport, &Path::root(), found)));
        };
        if imported.type_name != type_name {
            let found = format!("an object of type {:?}", imported.type_name);
            return Err(IMPORT.violation(Violation::new(Rule::OneImport, &Path::root(), found)));
        }
        let mut value = IMPORT.object(imported.state.as_ref(), schema)?;
        let mut found = IMPORT.identity(imported.identity.as_ref(), schema)?;
        if identity.is_null() {
            value = IMPORT.present(value)?;
        } else {
            found = IMPORT.present(found)?;
        }
        Ok((Object { value, identity: found, private: imported.private.clone(), tainted: false }, warnings))
    }

    /// Takes over the state of another type.
    pub(in crate::testing) async fn move_state(
        &self,
        type_name: &str,
        schema: &Schema,
        source: &MoveSource,
    ) -> Result<(Object, Diagnostics)> {
        if !self.capabilities.move_resource_state {
            return Err(Failure::refused("The provider does not move state."));
        }
        let state = |json: &serde_json::Value| {
            Some(pb::RawState { json: json.to_string().into(), ..Default::default() })
        };
        let request = pb::move_resource_state::Request {
            source_provider_address: source.provider_address.clone(),
            source_type_name: source.type_name.clone(),
            source_schema_version: source.schema_version,
            source_state: state(&source.state),
            source_private: "of another provider".into(),
            target_type_name: type_name.to_owned(),
            ..Default::default()
        };
        let answer = MOVE.answered(self.server.move_resource_state(Request::new(request)).await)?;
        let warnings = MOVE.warnings(answer.diagnostics)?;
        let value = MOVE.present(MOVE.object(answer.target_state.as_ref(), schema)?)?;
        let identity = MOVE.identity(answer.target_identity.as_ref(), schema)?;
        Ok((Object { value, identity, private: answer.target_private, tainted: false }, warnings))
    }

    /// The configuration for an object.
    pub(in crate::testing) async fn generate_config(
        &self,
        type_name: &str,
        schema: &Schema,
        state: &Value,
    ) -> Result<Value> {
        if !self.capabilities.generate_resource_config {
            return Err(Failure::refused("The provider does not generate configuration."));
        }
        let request = pb::generate_resource_config::Request {
            type_name: type_name.to_owned(),
            state: GENERATE.encode(state, &schema.object_type)?,
        };
        let answer = GENERATE.answered(self.server.generate_resource_config(Request::new(request)).await)?;
        GENERATE.warnings(answer.diagnostics)?;
        let config = GENERATE.object(answer.config.as_ref(), schema)?;
        rules::can_be_written(&schema.object, &config, &Path::root())
            .map_err(|violation| GENERATE.violation(violation))?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;

    fn rule<T: std::fmt::Debug>(result: Result<T>) -> Rule {
        result.unwrap_err().violation().unwrap().rule
    }

    fn answer(state: std::result::Result<Value, Violation>, diagnostics: Diagnostics) -> Answer {
        Answer { state, private: Bytes::new(), identity: Ok(Value::Null), diagnostics }
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
