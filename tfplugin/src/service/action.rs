//! Actions.

use std::sync::Arc;

use pb::invoke_action::{
    Event,
    event::{Completed, Progress, Type},
};
use proto::tfplugin6 as pb;
use tokio::sync::mpsc;

use super::{EventStream, Server, deferral, once, streamed};
use crate::{
    action::ActionEvent,
    diagnostic::{Diagnostics, Result},
    erased::{AnyAction, Shape, guarded},
    provider::Provider,
    wire,
};

pub(super) async fn validate<P: Provider>(
    server: &Server<P>,
    request: pb::validate_action_config::Request,
) -> pb::validate_action_config::Response {
    let checked = guarded(async {
        let action = server.action(&request.action_type)?;
        let shape = action.shape();
        let config = wire::value(request.config.as_ref(), &shape.object_type, "the configuration")?;
        Ok(wire::diagnostics(action.validate(&config), &shape.schema.fields))
    });
    let diagnostics = checked.await.unwrap_or_else(|findings| wire::diagnostics(findings, &[]));
    pb::validate_action_config::Response { diagnostics }
}

pub(super) async fn plan<P: Provider>(
    server: &Server<P>,
    request: pb::plan_action::Request,
) -> pb::plan_action::Response {
    let planned: Result<_> = server.action(&request.action_type).and_then(|action| {
        // What it is to do is not known yet, but must be readable.
        wire::value(request.config.as_ref(), &action.shape().object_type, "the configuration")?;
        Ok(deferral(&server.session()?, request.client_capabilities.as_ref()))
    });
    match planned {
        Ok(deferred) => pb::plan_action::Response { diagnostics: Vec::new(), deferred },
        Err(findings) => {
            pb::plan_action::Response { diagnostics: wire::diagnostics(findings, &[]), deferred: None }
        }
    }
}

pub(super) fn invoke<P: Provider>(
    server: &Server<P>,
    request: pb::invoke_action::Request,
) -> EventStream<Event> {
    let action = match server.action(&request.action_type) {
        Ok(action) => Arc::clone(action),
        Err(findings) => return once(completed(findings, None)),
    };
    let (server, name, shown) = (server.clone(), request.action_type.clone(), Arc::clone(&action));
    let produce = |events: mpsc::Sender<ActionEvent>| async move {
        let invoked = guarded(try_invoke(&server, &*action, &request, events.clone())).await;
        let findings = invoked.unwrap_or_else(|findings| findings);
        // A stream that ends without this would count as success. Where nobody listens any more nobody minds.
        let _ = events.send(ActionEvent::Completed(findings)).await;
    };
    streamed("InvokeAction", &name, produce, move |event| match event {
        ActionEvent::Progress(message) => Event { r#type: Some(Type::Progress(Progress { message })) },
        ActionEvent::Completed(findings) => completed(findings, Some(shown.shape())),
    })
}

async fn try_invoke<P: Provider>(
    server: &Server<P>,
    action: &dyn AnyAction<P::Client>,
    request: &pb::invoke_action::Request,
    events: mpsc::Sender<ActionEvent>,
) -> Result<Diagnostics> {
    let config = wire::value(request.config.as_ref(), &action.shape().object_type, "the configuration")?;
    Ok(action.invoke(server.session()?, config, events).await)
}

fn completed(findings: Diagnostics, shape: Option<&Shape>) -> Event {
    let fields = shape.map(|shape| shape.schema.fields.as_slice()).unwrap_or_default();
    Event { r#type: Some(Type::Completed(Completed { diagnostics: wire::diagnostics(findings, fields) })) }
}
