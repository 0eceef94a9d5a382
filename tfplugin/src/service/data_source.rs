//! Data sources.

use proto::tfplugin6 as pb;

use super::{Server, deferral};
use crate::{
    diagnostic::{Diagnostics, Result},
    erased::guarded,
    provider::Provider,
    value::Value,
    wire,
};

pub(super) async fn validate<P: Provider>(
    server: &Server<P>,
    request: pb::validate_data_resource_config::Request,
) -> pb::validate_data_resource_config::Response {
    let checked = guarded(async { try_validate(server, &request) }).await;
    let diagnostics = checked.unwrap_or_else(|findings| wire::diagnostics(findings, &[]));
    pb::validate_data_resource_config::Response { diagnostics }
}

fn try_validate<P: Provider>(
    server: &Server<P>,
    request: &pb::validate_data_resource_config::Request,
) -> Result<Vec<pb::Diagnostic>> {
    let data_source = server.data_source(&request.type_name)?;
    let shape = data_source.shape();
    let config = wire::value(request.config.as_ref(), &shape.object_type, "the configuration")?;
    Ok(wire::diagnostics(data_source.validate(&config), &shape.schema.fields))
}

pub(super) async fn read<P: Provider>(
    server: &Server<P>,
    request: pb::read_data_source::Request,
) -> pb::read_data_source::Response {
    guarded(try_read(server, request)).await.unwrap_or_else(|findings| pb::read_data_source::Response {
        diagnostics: wire::diagnostics(findings, &[]),
        ..Default::default()
    })
}

async fn try_read<P: Provider>(
    server: &Server<P>,
    request: pb::read_data_source::Request,
) -> Result<pb::read_data_source::Response> {
    let data_source = server.data_source(&request.type_name)?;
    let shape = data_source.shape();
    let config = wire::value(request.config.as_ref(), &shape.object_type, "the configuration")?;
    let session = server.session()?;
    let deferred = deferral(&session, request.client_capabilities.as_ref());
    let (state, mut diagnostics) = match deferred {
        Some(_) => (Value::UNKNOWN, Diagnostics::new()),
        None => data_source.read(session, config).await,
    };
    Ok(pb::read_data_source::Response {
        state: wire::dynamic(&state, &shape.object_type, &mut diagnostics),
        diagnostics: wire::diagnostics(diagnostics, &shape.schema.fields),
        deferred,
    })
}
