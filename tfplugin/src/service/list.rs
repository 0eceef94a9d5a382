//! List resources.

use std::sync::Arc;

use proto::tfplugin6 as pb;
use tokio::sync::mpsc;

use super::{EventStream, Server, once, resource::identity_data, streamed};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    erased::{AnyListResource, AnyResource, Shape, guarded},
    list::{Found, ListEvent, Wanted},
    plan::normalise,
    provider::Provider,
    value::Value,
    wire,
};

pub(super) async fn validate<P: Provider>(
    server: &Server<P>,
    request: pb::validate_list_resource_config::Request,
) -> pb::validate_list_resource_config::Response {
    let checked = guarded(async { try_validate(server, &request) }).await;
    let diagnostics = checked.unwrap_or_else(|findings| wire::diagnostics(findings, &[]));
    pb::validate_list_resource_config::Response { diagnostics }
}

fn try_validate<P: Provider>(
    server: &Server<P>,
    request: &pb::validate_list_resource_config::Request,
) -> Result<Vec<pb::Diagnostic>> {
    let list = server.list_resource(&request.type_name)?;
    let config = config(list.shape(), request.config.as_ref())?;
    Ok(wire::diagnostics(list.validate(&config), &list.shape().schema.fields))
}

/// What stands in the `config` block; where there is none, nothing in it is set.
fn config(shape: &Shape, wire: Option<&pb::DynamicValue>) -> Result<Value> {
    let config = wire::value(wire, &shape.object_type, "the configuration")?;
    Ok(if config.is_null() { shape.schema.empty_object() } else { config })
}

pub(super) fn list<P: Provider>(
    server: &Server<P>,
    request: pb::list_resource::Request,
) -> EventStream<pb::list_resource::Event> {
    let found = server
        .list_resource(&request.type_name)
        .and_then(|list| Ok((Arc::clone(list), Arc::clone(server.resource(&request.type_name)?))));
    let (list, resource) = match found {
        Ok(found) => found,
        Err(findings) => return once(ended(findings, None)),
    };
    let (server, name, shown) = (server.clone(), request.type_name.clone(), Arc::clone(&list));
    let produce = |events: mpsc::Sender<ListEvent>| async move {
        let listed = guarded(try_list(&server, &*list, &request, events.clone())).await;
        let findings = listed.unwrap_or_else(|findings| findings);
        if !findings.is_empty() {
            // Where nobody listens any more there is nobody to tell.
            let _ = events.send(ListEvent::Ended(findings)).await;
        }
    };
    streamed("ListResource", &name, produce, move |event| match event {
        ListEvent::Found(found) => listed(&*resource, found),
        ListEvent::Ended(findings) => ended(findings, Some(shown.shape())),
    })
}

async fn try_list<P: Provider>(
    server: &Server<P>,
    list: &dyn AnyListResource<P::Client>,
    request: &pb::list_resource::Request,
    events: mpsc::Sender<ListEvent>,
) -> Result<Diagnostics> {
    let config = config(list.shape(), request.config.as_ref())?;
    let limit = u64::try_from(request.limit).unwrap_or(0);
    if limit == 0 {
        return Ok(Diagnostics::new());
    }
    let wanted = Wanted { limit, state: request.include_resource_object };
    Ok(list.list(server.session()?, config, wanted, events).await)
}

fn ended(findings: Diagnostics, shape: Option<&Shape>) -> pb::list_resource::Event {
    let fields = shape.map(|shape| shape.schema.fields.as_slice()).unwrap_or_default();
    pb::list_resource::Event { diagnostic: wire::diagnostics(findings, fields), ..Default::default() }
}

/// A found object. Where the provider says nonsense about it, that ends the list.
fn listed<C>(resource: &dyn AnyResource<C>, found: Found) -> pb::list_resource::Event {
    let Found { identity, display_name, state } = found;
    let mut findings = Diagnostics::new();
    let state = state.map(|state| normalise(&resource.shape().schema, state));
    if !(identity.is_wholly_known() && state.as_ref().is_none_or(Value::is_wholly_known)) {
        let detail = format!(
            "This is a fault of the provider: what it lists as {display_name:?} is not known. Please report it."
        );
        findings.push(Diagnostic::error("The provider failed", detail));
    }
    let identity = identity_data(resource, &identity, &mut findings);
    let object_type = &resource.shape().object_type;
    let resource_object = state.and_then(|state| wire::dynamic(&state, object_type, &mut findings));
    if findings.has_errors() {
        return ended(findings, None);
    }
    pb::list_resource::Event { identity, display_name, resource_object, diagnostic: Vec::new() }
}
