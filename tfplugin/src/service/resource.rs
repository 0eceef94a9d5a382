//! Managed resources.

use proto::tfplugin6 as pb;

use super::{Server, deferral};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    erased::{AnyResource, Change, Imported, Instance, Outcome, PlanOutcome, guarded},
    path::Path,
    plan::{self, Proposal, write_only_in},
    provider::Provider,
    resource::MoveSource,
    value::Value,
    wire,
};

pub(super) async fn validate<P: Provider>(
    server: &Server<P>,
    request: pb::validate_resource_config::Request,
) -> pb::validate_resource_config::Response {
    let checked = guarded(try_validate(server, &request)).await;
    let diagnostics = checked.unwrap_or_else(|findings| wire::diagnostics(findings, &[]));
    pb::validate_resource_config::Response { diagnostics }
}

async fn try_validate<P: Provider>(
    server: &Server<P>,
    request: &pb::validate_resource_config::Request,
) -> Result<Vec<pb::Diagnostic>> {
    let resource = server.resource(&request.type_name)?;
    let shape = resource.shape();
    let config = wire::value(request.config.as_ref(), &shape.object_type, "the configuration")?;
    let mut findings = resource.validate(&config).await;
    let capabilities = request.client_capabilities.unwrap_or_default();
    if !capabilities.write_only_attributes_allowed {
        findings.extend(write_only_in(&shape.schema, &config).into_iter().map(no_write_only).collect());
    }
    Ok(wire::diagnostics(findings, &shape.schema.fields))
}

fn no_write_only(path: Path) -> Diagnostic {
    let detail = "A write-only value needs Terraform 1.11 or later; an older one would store it. \
                  Use the attribute without `_wo`, or a newer Terraform.";
    Diagnostic::error("Write-only attributes are not supported by this Terraform", detail).at(path)
}

pub(super) async fn upgrade<P: Provider>(
    server: &Server<P>,
    request: pb::upgrade_resource_state::Request,
) -> pb::upgrade_resource_state::Response {
    let mut diagnostics = Diagnostics::new();
    let upgraded = guarded(async {
        let resource = server.resource(&request.type_name)?;
        let state = stored(request.raw_state.as_ref(), "state")?;
        Ok((resource.upgrade(request.version, state)?, &resource.shape().object_type))
    });
    let upgraded = diagnostics.collect(upgraded.await);
    pb::upgrade_resource_state::Response {
        upgraded_state: upgraded.and_then(|(state, of)| wire::dynamic(&state, of, &mut diagnostics)),
        diagnostics: wire::diagnostics(diagnostics, &[]),
    }
}

pub(super) async fn upgrade_identity<P: Provider>(
    server: &Server<P>,
    request: pb::upgrade_resource_identity::Request,
) -> pb::upgrade_resource_identity::Response {
    let mut diagnostics = Diagnostics::new();
    let upgraded = guarded(async {
        let resource = server.resource(&request.type_name)?;
        let identity = stored(request.raw_identity.as_ref(), "identity")?;
        Ok((resource, resource.upgrade_identity(request.version, identity)?))
    });
    let upgraded = diagnostics.collect(upgraded.await);
    pb::upgrade_resource_identity::Response {
        upgraded_identity: upgraded
            .and_then(|(resource, identity)| identity_data(&**resource, &identity, &mut diagnostics)),
        diagnostics: wire::diagnostics(diagnostics, &[]),
    }
}

/// The JSON of something that Terraform stored; `what` names it in the error.
fn stored<'a>(raw: Option<&'a pb::RawState>, what: &str) -> Result<&'a [u8]> {
    let json = raw.map(|raw| raw.json.as_ref()).unwrap_or_default();
    if json.is_empty() {
        let detail =
            format!("The {what} is in a form from before Terraform 0.12, which this provider never wrote.");
        return Err(Diagnostic::error(format!("Unreadable {what}"), detail).into());
    }
    Ok(json)
}

/// An identity of a request; null where there is none.
fn known_identity<C>(
    resource: &dyn AnyResource<C>,
    wire: Option<&pb::ResourceIdentityData>,
) -> Result<Value> {
    let Some(shape) = resource.identity_shape() else { return Ok(Value::Null) };
    let data = wire.and_then(|identity| identity.identity_data.as_ref());
    wire::value(data, &shape.object_type, "the identity")
}

/// An identity of an answer; nothing where there is none.
pub(super) fn identity_data<C>(
    resource: &dyn AnyResource<C>,
    identity: &Value,
    diagnostics: &mut Diagnostics,
) -> Option<pb::ResourceIdentityData> {
    let shape = resource.identity_shape().filter(|_| !identity.is_null())?;
    let data = wire::dynamic(identity, &shape.object_type, diagnostics)?;
    Some(pb::ResourceIdentityData { identity_data: Some(data) })
}

pub(super) async fn read<P: Provider>(
    server: &Server<P>,
    request: pb::read_resource::Request,
) -> pb::read_resource::Response {
    let before = request.clone();
    guarded(try_read(server, request)).await.unwrap_or_else(|findings| pb::read_resource::Response {
        new_state: before.current_state,
        private: before.private,
        new_identity: before.current_identity,
        diagnostics: wire::diagnostics(findings, &[]),
        deferred: None,
    })
}

async fn try_read<P: Provider>(
    server: &Server<P>,
    request: pb::read_resource::Request,
) -> Result<pb::read_resource::Response> {
    let resource = &**server.resource(&request.type_name)?;
    let shape = resource.shape();
    let mut known = Instance {
        state: wire::value(request.current_state.as_ref(), &shape.object_type, "the current state")?,
        private: request.private.to_vec(),
        identity: known_identity(resource, request.current_identity.as_ref())?,
    };
    if known.state.is_null() {
        known.state = named_by(resource, &known.identity)?;
    }
    let session = server.session()?;
    let deferred = deferral(&session, request.client_capabilities.as_ref());
    let Outcome { instance, mut diagnostics } = match deferred {
        Some(_) => Outcome { instance: known, diagnostics: Diagnostics::new() },
        None => resource.read(session, known).await,
    };
    Ok(pb::read_resource::Response {
        new_state: wire::dynamic(&instance.state, &shape.object_type, &mut diagnostics),
        new_identity: identity_data(resource, &instance.identity, &mut diagnostics),
        private: instance.private.into(),
        diagnostics: wire::diagnostics(diagnostics, &shape.schema.fields),
        deferred,
    })
}

/// What is to be read when only an identity is known.
fn named_by<C>(resource: &dyn AnyResource<C>, identity: &Value) -> Result<Value> {
    if identity.is_null() {
        let detail = "Terraform asked for an object without saying which.";
        return Err(Diagnostic::error("Nothing to read", detail).into());
    }
    Ok(resource.import_by_identity(identity)?.state)
}

pub(super) async fn plan<P: Provider>(
    server: &Server<P>,
    request: pb::plan_resource_change::Request,
) -> pb::plan_resource_change::Response {
    let before = request.prior_state.clone();
    guarded(try_plan(server, request)).await.unwrap_or_else(|findings| pb::plan_resource_change::Response {
        planned_state: before,
        diagnostics: wire::diagnostics(findings, &[]),
        ..Default::default()
    })
}

async fn try_plan<P: Provider>(
    server: &Server<P>,
    request: pb::plan_resource_change::Request,
) -> Result<pb::plan_resource_change::Response> {
    let resource = &**server.resource(&request.type_name)?;
    let shape = resource.shape();
    let prior = wire::value(request.prior_state.as_ref(), &shape.object_type, "the prior state")?;
    let config = wire::value(request.config.as_ref(), &shape.object_type, "the configuration")?;
    let identity = known_identity(resource, request.prior_identity.as_ref())?;
    let private = request.prior_private.to_vec();
    // Only a destroy proposes nothing; its configuration may still be sent.
    let is_destroy = wire::is_null(request.proposed_new_state.as_ref());
    let config = if is_destroy { Value::Null } else { config };
    let proposal = Proposal { prior: &prior, config: &config };
    let session = server.session()?;
    let deferred = deferral(&session, request.client_capabilities.as_ref());
    let PlanOutcome { plan, private, identity, mut diagnostics } = match deferred {
        Some(_) => {
            let plan = plan::plan(&shape.schema, proposal);
            PlanOutcome { plan, private, identity, diagnostics: Diagnostics::new() }
        }
        None => resource.plan(session, proposal, private, identity).await,
    };
    Ok(pb::plan_resource_change::Response {
        planned_state: wire::dynamic(&plan.planned, &shape.object_type, &mut diagnostics),
        requires_replace: plan.replaces.iter().map(wire::attribute_path).collect(),
        planned_private: private.into(),
        planned_identity: identity_data(resource, &identity, &mut diagnostics),
        diagnostics: wire::diagnostics(diagnostics, &shape.schema.fields),
        legacy_type_system: false,
        deferred,
    })
}

pub(super) async fn apply<P: Provider>(
    server: &Server<P>,
    request: pb::apply_resource_change::Request,
) -> pb::apply_resource_change::Response {
    guarded(try_apply(server, &request)).await.unwrap_or_else(|findings| {
        pb::apply_resource_change::Response {
            new_state: request.prior_state.clone(),
            private: request.planned_private.clone(),
            new_identity: request.planned_identity.clone(),
            diagnostics: wire::diagnostics(findings, &[]),
            legacy_type_system: false,
        }
    })
}

async fn try_apply<P: Provider>(
    server: &Server<P>,
    request: &pb::apply_resource_change::Request,
) -> Result<pb::apply_resource_change::Response> {
    let resource = &**server.resource(&request.type_name)?;
    let shape = resource.shape();
    let change = Change {
        prior: wire::value(request.prior_state.as_ref(), &shape.object_type, "the prior state")?,
        planned: Instance {
            state: wire::value(request.planned_state.as_ref(), &shape.object_type, "the planned state")?,
            private: request.planned_private.to_vec(),
            identity: known_identity(resource, request.planned_identity.as_ref())?,
        },
        config: wire::value(request.config.as_ref(), &shape.object_type, "the configuration")?,
    };
    let Outcome { instance, mut diagnostics } = resource.apply(server.session()?, change).await;
    Ok(pb::apply_resource_change::Response {
        new_state: wire::dynamic(&instance.state, &shape.object_type, &mut diagnostics),
        new_identity: identity_data(resource, &instance.identity, &mut diagnostics),
        private: instance.private.into(),
        diagnostics: wire::diagnostics(diagnostics, &shape.schema.fields),
        legacy_type_system: false,
    })
}

pub(super) async fn import<P: Provider>(
    server: &Server<P>,
    request: pb::import_resource_state::Request,
) -> pb::import_resource_state::Response {
    let imported = guarded(async { try_import(server, &request) }).await;
    imported.unwrap_or_else(|findings| pb::import_resource_state::Response {
        diagnostics: wire::diagnostics(findings, &[]),
        ..Default::default()
    })
}

fn try_import<P: Provider>(
    server: &Server<P>,
    request: &pb::import_resource_state::Request,
) -> Result<pb::import_resource_state::Response> {
    let resource = &**server.resource(&request.type_name)?;
    let identity = known_identity(resource, request.identity.as_ref())?;
    // An import works without a configured provider; one that must wait is configured.
    let session = server.session().ok();
    let deferred = session.and_then(|session| deferral(&session, request.client_capabilities.as_ref()));
    let imported = match (&deferred, request.id.is_empty(), identity.is_null()) {
        (Some(_), ..) => Imported { state: Value::UNKNOWN, identity },
        (None, false, _) => resource.import(&request.id)?,
        (None, true, false) => resource.import_by_identity(&identity)?,
        (None, true, true) => return Err(no_import_id()),
    };
    let mut diagnostics = Diagnostics::new();
    let imported = pb::import_resource_state::ImportedResource {
        type_name: request.type_name.clone(),
        state: wire::dynamic(&imported.state, &resource.shape().object_type, &mut diagnostics),
        identity: identity_data(resource, &imported.identity, &mut diagnostics),
        ..Default::default()
    };
    Ok(pb::import_resource_state::Response {
        imported_resources: vec![imported],
        diagnostics: wire::diagnostics(diagnostics, &[]),
        deferred,
    })
}

fn no_import_id() -> Diagnostics {
    let detail = "An object is imported by its id, a non-empty text, or by its identity.";
    Diagnostic::error("Missing import id", detail).into()
}

pub(super) async fn move_state<P: Provider>(
    server: &Server<P>,
    request: pb::move_resource_state::Request,
) -> pb::move_resource_state::Response {
    let moved = guarded(async { try_move_state(server, &request) }).await;
    moved.unwrap_or_else(|findings| pb::move_resource_state::Response {
        diagnostics: wire::diagnostics(findings, &[]),
        ..Default::default()
    })
}

fn try_move_state<P: Provider>(
    server: &Server<P>,
    request: &pb::move_resource_state::Request,
) -> Result<pb::move_resource_state::Response> {
    let resource = &**server.resource(&request.target_type_name)?;
    let unreadable = |_| Diagnostic::error("Unreadable state", "The state to be moved is not JSON.");
    let state = stored(request.source_state.as_ref(), "state")?;
    let moved = resource.move_from(&MoveSource {
        provider_address: request.source_provider_address.clone(),
        type_name: request.source_type_name.clone(),
        schema_version: request.source_schema_version,
        state: serde_json::from_slice(state).map_err(unreadable)?,
    })?;
    let mut diagnostics = Diagnostics::new();
    Ok(pb::move_resource_state::Response {
        target_state: wire::dynamic(&moved.state, &resource.shape().object_type, &mut diagnostics),
        target_identity: identity_data(resource, &moved.identity, &mut diagnostics),
        diagnostics: wire::diagnostics(diagnostics, &[]),
        // Another provider's private data means nothing here.
        target_private: bytes::Bytes::new(),
    })
}

pub(super) async fn generate_config<P: Provider>(
    server: &Server<P>,
    request: pb::generate_resource_config::Request,
) -> pb::generate_resource_config::Response {
    let mut diagnostics = Diagnostics::new();
    let generated = guarded(async {
        let resource = server.resource(&request.type_name)?;
        let object_type = &resource.shape().object_type;
        let state = wire::value(request.state.as_ref(), object_type, "the state")?;
        Ok((resource.generate_config(&state)?, object_type))
    });
    let generated = diagnostics.collect(generated.await);
    pb::generate_resource_config::Response {
        config: generated.and_then(|(config, of)| wire::dynamic(&config, of, &mut diagnostics)),
        diagnostics: wire::diagnostics(diagnostics, &[]),
    }
}
