//! The provider itself: what it offers, its configuration, its end.

use std::sync::{Arc, PoisonError};

use proto::tfplugin6 as pb;
use tokio_util::sync::CancellationToken;

use super::{Server, function};
use crate::{
    diagnostic::{Diagnostics, Result},
    erased::{Session, guarded},
    model::{Strictness, TfType},
    path::Path,
    provider::{Provider, Settings},
    schema::Schema,
    wire,
};

const CAPABILITIES: pb::ServerCapabilities = pb::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: true,
};

pub(super) async fn metadata<P: Provider>(
    server: &Server<P>,
    _: pb::get_metadata::Request,
) -> pb::get_metadata::Response {
    use pb::get_metadata::{
        ActionMetadata, DataSourceMetadata, FunctionMetadata, ListResourceMetadata, ResourceMetadata,
    };
    let functions = server.functions().map(|(name, _)| FunctionMetadata { name: name.to_owned() });
    pb::get_metadata::Response {
        server_capabilities: Some(CAPABILITIES),
        resources: named_by(server.resource_schemas(), |type_name| ResourceMetadata { type_name }),
        data_sources: named_by(server.data_source_schemas(), |type_name| DataSourceMetadata { type_name }),
        list_resources: named_by(server.list_resource_schemas(), |type_name| ListResourceMetadata {
            type_name,
        }),
        actions: named_by(server.action_schemas(), |type_name| ActionMetadata { type_name }),
        functions: functions.collect(),
        ..Default::default()
    }
}

fn named_by<'a, T>(
    schemas: impl Iterator<Item = (String, &'a Schema)>,
    named: impl Fn(String) -> T,
) -> Vec<T> {
    schemas.map(|(type_name, _)| named(type_name)).collect()
}

pub(super) async fn schemas<P: Provider>(
    server: &Server<P>,
    _: pb::get_provider_schema::Request,
) -> pb::get_provider_schema::Response {
    let table = |(name, schema): (String, &Schema)| (name, wire::schema(schema));
    let action =
        |(name, schema): (String, &Schema)| (name, pb::ActionSchema { schema: Some(wire::schema(schema)) });
    pb::get_provider_schema::Response {
        provider: Some(wire::schema(&server.shared.schema)),
        resource_schemas: server.resource_schemas().map(table).collect(),
        data_source_schemas: server.data_source_schemas().map(table).collect(),
        list_resource_schemas: server.list_resource_schemas().map(table).collect(),
        action_schemas: server.action_schemas().map(action).collect(),
        functions: function::table(server),
        server_capabilities: Some(CAPABILITIES),
        ..Default::default()
    }
}

pub(super) async fn identity_schemas<P: Provider>(
    server: &Server<P>,
    _: pb::get_resource_identity_schemas::Request,
) -> pb::get_resource_identity_schemas::Response {
    let schemas = server.identity_schemas();
    pb::get_resource_identity_schemas::Response {
        identity_schemas: schemas.map(|(name, schema)| (name, wire::identity_schema(schema))).collect(),
        diagnostics: Vec::new(),
    }
}

pub(super) async fn validate<P: Provider>(
    server: &Server<P>,
    request: pb::validate_provider_config::Request,
) -> pb::validate_provider_config::Response {
    let checked = guarded(async {
        let config = config(server, request.config.as_ref())?;
        Ok(server.shared.provider.check(&config).await)
    });
    pb::validate_provider_config::Response { diagnostics: findings(server, checked.await) }
}

pub(super) async fn configure<P: Provider>(
    server: &Server<P>,
    request: pb::configure_provider::Request,
) -> pb::configure_provider::Response {
    let configured = guarded(try_configure(server, request)).await;
    pb::configure_provider::Response { diagnostics: findings(server, configured) }
}

async fn try_configure<P: Provider>(
    server: &Server<P>,
    request: pb::configure_provider::Request,
) -> Result<Diagnostics> {
    let config = config(server, request.config.as_ref())?;
    let settings = Settings { config, terraform_version: request.terraform_version };
    let configured = server.shared.provider.configure(settings).await?;
    let session = Session {
        client: Arc::new(configured.client),
        cancellation: CancellationToken::new(),
        deferred: configured.deferred,
    };
    *server.shared.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
    Ok(configured.warnings)
}

pub(super) async fn stop<P: Provider>(
    server: &Server<P>,
    _: pb::stop_provider::Request,
) -> pb::stop_provider::Response {
    // A provider that was never configured has nothing to stop.
    if let Ok(session) = server.session() {
        session.cancellation.cancel();
    }
    pb::stop_provider::Response::default()
}

/// The provider block; where there is none, nothing in it is set.
fn config<P: Provider>(server: &Server<P>, wire: Option<&pb::DynamicValue>) -> Result<P::Config> {
    let config = wire::value(wire, &server.shared.config_type, "the provider block")?;
    let config = if config.is_null() { server.shared.schema.empty_object() } else { config };
    P::Config::decode(&config, &Path::root(), Strictness::Configuration)
}

/// The findings of a check of the provider block.
fn findings<P: Provider>(server: &Server<P>, result: Result<Diagnostics>) -> Vec<pb::Diagnostic> {
    wire::diagnostics(result.unwrap_or_else(|findings| findings), &server.shared.schema.fields)
}
