//! The RPCs of `tfplugin6.Provider`: each decodes its request, makes one call, encodes the answer.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use bytes::Bytes;
use proto::tfplugin6::{self as pb, provider_server};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

use crate::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    erased::{AnyDataSource, AnyResource, Change, Session, guarded},
    model::{Model, Strictness, TfType},
    path::Path,
    plan::{Proposal, write_only_in},
    provider::{Offers, Provider, Settings},
    schema::{Field, Schema},
    value::{Type, Value},
    wire,
};

/// Serves a provider over the protocol. Cheap to clone.
pub struct Server<P: Provider> {
    shared: Arc<Shared<P>>,
}

struct Shared<P: Provider> {
    provider: P,
    offers: Offers<P::Client>,
    schema: Schema,
    config_type: Type,
    /// Renewed by each ConfigureProvider: a process that is debugged serves many walks, also after a stop.
    session: RwLock<Option<Session<P::Client>>>,
}

impl<P: Provider> Clone for Server<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

type Answer<T> = std::result::Result<Response<T>, Status>;
type EventStream<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

/// A stream of one event.
fn once<T: Send + 'static>(event: T) -> Answer<EventStream<T>> {
    Ok(Response::new(Box::pin(tokio_stream::once(Ok(event)))))
}

/// The findings of a result; its value goes to `value`.
fn split<T>(result: Result<T>) -> (Option<T>, Diagnostics) {
    match result {
        Ok(value) => (Some(value), Diagnostics::new()),
        Err(findings) => (None, findings),
    }
}

/// The answer to a call about something that this provider does not offer.
fn unsupported(kind: &str, name: &str) -> Diagnostics {
    let detail = format!("This version of the provider has no {kind} `{name}`. A newer one may.");
    Diagnostic::error(format!("Unsupported {kind}"), detail).into()
}

fn unsupported_wire(kind: &str, name: &str) -> Vec<pb::Diagnostic> {
    wire::diagnostics(unsupported(kind, name), &[])
}

/// Runs an RPC in a span of its own and logs its end.
async fn traced<T>(rpc: &'static str, type_name: &str, answer: impl Future<Output = T>) -> Answer<T> {
    let span = tracing::debug_span!("rpc", tf_rpc = rpc, tf_resource_type = type_name);
    let begin = Instant::now();
    let answer = answer.instrument(span.clone()).await;
    tracing::debug!(parent: &span, tf_req_duration_ms = begin.elapsed().as_millis() as u64, "served");
    Ok(Response::new(answer))
}

impl<P: Provider> Server<P> {
    /// A server that is not configured yet.
    pub fn new(provider: P) -> Self {
        let schema = P::Config::schema(0);
        let config_type = schema.object_type();
        let offers = provider.offers();
        Self {
            shared: Arc::new(Shared { provider, offers, schema, config_type, session: RwLock::default() }),
        }
    }

    /// The schema of the provider block.
    pub fn provider_schema(&self) -> &Schema {
        &self.shared.schema
    }

    /// The schemas of the resources by type name.
    pub fn resource_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        self.shared.offers.resources.iter().map(|found| (type_name::<P>(found.name()), found.schema()))
    }

    /// The schemas of the data sources by type name.
    pub fn data_source_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        self.shared.offers.data_sources.iter().map(|found| (type_name::<P>(found.name()), found.schema()))
    }

    fn resource(&self, name: &str) -> Result<&dyn AnyResource<P::Client>> {
        let mut resources = self.shared.offers.resources.iter();
        let found = resources.find(|found| type_name::<P>(found.name()) == name);
        found.map(AsRef::as_ref).ok_or_else(|| unsupported("resource type", name))
    }

    fn data_source(&self, name: &str) -> Result<&dyn AnyDataSource<P::Client>> {
        let mut data_sources = self.shared.offers.data_sources.iter();
        let found = data_sources.find(|found| type_name::<P>(found.name()) == name);
        found.map(AsRef::as_ref).ok_or_else(|| unsupported("data source", name))
    }

    fn session(&self) -> Result<Session<P::Client>> {
        let session = self.shared.session.read().unwrap_or_else(PoisonError::into_inner).clone();
        session.ok_or_else(|| {
            Diagnostic::error(
                "Provider is not configured",
                "Terraform called this provider before configuring it.",
            )
            .into()
        })
    }

    /// The provider block; where there is none, nothing in it is set.
    fn provider_config(&self, wire: Option<&pb::DynamicValue>) -> Result<P::Config> {
        let config = wire::value(wire, &self.shared.config_type, "the provider block")?;
        let config = if config.is_null() { self.shared.schema.empty_object() } else { config };
        P::Config::decode(&config, &Path::root(), Strictness::Configuration)
    }

    async fn configure(&self, request: pb::configure_provider::Request) -> Result<Diagnostics> {
        let config = self.provider_config(request.config.as_ref())?;
        let settings = Settings { config, terraform_version: request.terraform_version };
        let configured = self.shared.provider.configure(settings).await?;
        let session = Session {
            client: Arc::new(configured.client),
            cancellation: CancellationToken::new(),
            deferred: configured.deferred,
        };
        *self.shared.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
        Ok(configured.warnings)
    }

    fn validate_provider(&self, request: &pb::validate_provider_config::Request) -> Result<Diagnostics> {
        Ok(self.shared.provider.check(&self.provider_config(request.config.as_ref())?))
    }

    fn validate_resource(
        &self,
        request: &pb::validate_resource_config::Request,
    ) -> Result<pb::validate_resource_config::Response> {
        let resource = self.resource(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), resource.object_type(), "the configuration")?;
        let mut findings = resource.validate(&config);
        let capabilities = request.client_capabilities.unwrap_or_default();
        if !capabilities.write_only_attributes_allowed {
            findings
                .extend(write_only_in(resource.schema(), &config).into_iter().map(no_write_only).collect());
        }
        let diagnostics = wire::diagnostics(findings, &resource.schema().fields);
        Ok(pb::validate_resource_config::Response { diagnostics })
    }

    fn upgrade(&self, request: &pb::upgrade_resource_state::Request) -> Result<Value> {
        let resource = self.resource(&request.type_name)?;
        let state = request.raw_state.as_ref().map(|state| state.json.as_ref()).unwrap_or_default();
        if state.is_empty() {
            let detail =
                "The state is in a form from before Terraform 0.12, which this provider never wrote.";
            return Err(Diagnostic::error("Unreadable state", detail).into());
        }
        resource.upgrade(request.version, state)
    }

    async fn read(&self, request: pb::read_resource::Request) -> Result<pb::read_resource::Response> {
        let resource = self.resource(&request.type_name)?;
        let state = wire::value(request.current_state.as_ref(), resource.object_type(), "the current state")?;
        if state.is_null() {
            let detail = "Terraform asked for an object without saying which.";
            return Err(Diagnostic::error("Nothing to read", detail).into());
        }
        let outcome = resource.read(self.session()?, state, request.private.to_vec()).await;
        let mut diagnostics = outcome.diagnostics;
        Ok(pb::read_resource::Response {
            new_state: wire::dynamic(&outcome.state, resource.object_type(), &mut diagnostics),
            private: outcome.private.into(),
            diagnostics: wire::diagnostics(diagnostics, &resource.schema().fields),
            ..Default::default()
        })
    }

    async fn plan(
        &self,
        request: pb::plan_resource_change::Request,
    ) -> Result<pb::plan_resource_change::Response> {
        let resource = self.resource(&request.type_name)?;
        let object_type = resource.object_type();
        let prior = wire::value(request.prior_state.as_ref(), object_type, "the prior state")?;
        let config = wire::value(request.config.as_ref(), object_type, "the configuration")?;
        let proposed = wire::value(request.proposed_new_state.as_ref(), object_type, "the proposed state")?;
        // Only a destroy proposes nothing; its configuration may still be sent.
        let config = if proposed.is_null() { Value::Null } else { config };
        let proposal = Proposal { prior: &prior, config: &config };
        let outcome = resource.plan(self.session()?, proposal, request.prior_private.to_vec()).await;
        let mut diagnostics = outcome.diagnostics;
        Ok(pb::plan_resource_change::Response {
            planned_state: wire::dynamic(&outcome.plan.planned, object_type, &mut diagnostics),
            requires_replace: outcome.plan.replaces.iter().map(wire::attribute_path).collect(),
            planned_private: outcome.private.into(),
            diagnostics: wire::diagnostics(diagnostics, &resource.schema().fields),
            ..Default::default()
        })
    }

    async fn apply(
        &self,
        request: &pb::apply_resource_change::Request,
    ) -> Result<pb::apply_resource_change::Response> {
        let resource = self.resource(&request.type_name)?;
        let object_type = resource.object_type();
        let change = Change {
            prior: wire::value(request.prior_state.as_ref(), object_type, "the prior state")?,
            planned: wire::value(request.planned_state.as_ref(), object_type, "the planned state")?,
            config: wire::value(request.config.as_ref(), object_type, "the configuration")?,
            private: request.planned_private.to_vec(),
        };
        let outcome = resource.apply(self.session()?, change).await;
        let mut diagnostics = outcome.diagnostics;
        Ok(pb::apply_resource_change::Response {
            new_state: wire::dynamic(&outcome.state, object_type, &mut diagnostics),
            private: outcome.private.into(),
            diagnostics: wire::diagnostics(diagnostics, &resource.schema().fields),
            ..Default::default()
        })
    }

    fn import(
        &self,
        request: &pb::import_resource_state::Request,
    ) -> Result<pb::import_resource_state::Response> {
        let resource = self.resource(&request.type_name)?;
        if request.id.is_empty() {
            return Err(Diagnostic::error(
                "Missing import id",
                "An object is imported by its id, a non-empty text.",
            )
            .into());
        }
        let state = resource.import(&request.id)?;
        let mut diagnostics = Diagnostics::new();
        let imported = pb::import_resource_state::ImportedResource {
            type_name: request.type_name.clone(),
            state: wire::dynamic(&state, resource.object_type(), &mut diagnostics),
            ..Default::default()
        };
        Ok(pb::import_resource_state::Response {
            imported_resources: vec![imported],
            diagnostics: wire::diagnostics(diagnostics, &resource.schema().fields),
            ..Default::default()
        })
    }

    fn validate_data_source(
        &self,
        request: &pb::validate_data_resource_config::Request,
    ) -> Result<pb::validate_data_resource_config::Response> {
        let data_source = self.data_source(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), data_source.object_type(), "the configuration")?;
        let diagnostics = wire::diagnostics(data_source.validate(&config), &data_source.schema().fields);
        Ok(pb::validate_data_resource_config::Response { diagnostics })
    }

    async fn read_data_source(
        &self,
        request: pb::read_data_source::Request,
    ) -> Result<pb::read_data_source::Response> {
        let data_source = self.data_source(&request.type_name)?;
        let object_type = data_source.object_type();
        let config = wire::value(request.config.as_ref(), object_type, "the configuration")?;
        let (state, mut diagnostics) = data_source.read(self.session()?, config).await;
        Ok(pb::read_data_source::Response {
            state: wire::dynamic(&state, object_type, &mut diagnostics),
            diagnostics: wire::diagnostics(diagnostics, &data_source.schema().fields),
            ..Default::default()
        })
    }
}

fn type_name<P: Provider>(name: &str) -> String {
    format!("{}_{name}", P::NAME)
}

fn no_write_only(path: Path) -> Diagnostic {
    let detail = "A write-only value needs Terraform 1.11 or later; an older one would store it. \
                  Use the attribute without `_wo`, or a newer Terraform.";
    Diagnostic::error("Write-only attributes are not supported by this Terraform", detail).at(path)
}

fn capabilities() -> pb::ServerCapabilities {
    pb::ServerCapabilities { get_provider_schema_optional: true, ..Default::default() }
}

/// The findings of a check of an object with these fields.
fn findings(result: Result<Diagnostics>, fields: &[Field]) -> Vec<pb::Diagnostic> {
    wire::diagnostics(result.unwrap_or_else(|findings| findings), fields)
}

#[tonic::async_trait]
impl<P: Provider> provider_server::Provider for Server<P> {
    async fn get_metadata(
        &self,
        _: Request<pb::get_metadata::Request>,
    ) -> Answer<pb::get_metadata::Response> {
        use pb::get_metadata::{DataSourceMetadata, ResourceMetadata};
        let resources = self.resource_schemas().map(|(type_name, _)| ResourceMetadata { type_name });
        let data_sources = self.data_source_schemas().map(|(type_name, _)| DataSourceMetadata { type_name });
        let response = pb::get_metadata::Response {
            server_capabilities: Some(capabilities()),
            resources: resources.collect(),
            data_sources: data_sources.collect(),
            ..Default::default()
        };
        traced("GetMetadata", "", async { response }).await
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        let table = |(name, schema): (String, &Schema)| (name, wire::schema(schema));
        let response = pb::get_provider_schema::Response {
            provider: Some(wire::schema(&self.shared.schema)),
            resource_schemas: self.resource_schemas().map(table).collect(),
            data_source_schemas: self.data_source_schemas().map(table).collect(),
            server_capabilities: Some(capabilities()),
            ..Default::default()
        };
        traced("GetProviderSchema", "", async { response }).await
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        traced("GetResourceIdentitySchemas", "", async { Default::default() }).await
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        let request = request.into_inner();
        traced("ValidateProviderConfig", "", async {
            let checked = guarded(async { self.validate_provider(&request) }).await;
            pb::validate_provider_config::Response {
                diagnostics: findings(checked, &self.shared.schema.fields),
            }
        })
        .await
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        traced("ConfigureProvider", "", async {
            let configured = guarded(self.configure(request.into_inner())).await;
            pb::configure_provider::Response { diagnostics: findings(configured, &self.shared.schema.fields) }
        })
        .await
    }

    async fn stop_provider(
        &self,
        _: Request<pb::stop_provider::Request>,
    ) -> Answer<pb::stop_provider::Response> {
        traced("StopProvider", "", async {
            // A provider that was never configured has nothing to stop.
            if let Ok(session) = self.session() {
                session.cancellation.cancel();
            }
            pb::stop_provider::Response::default()
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        let request = request.into_inner();
        traced("ValidateResourceConfig", &request.type_name, async {
            let checked = guarded(async { self.validate_resource(&request) }).await;
            checked.unwrap_or_else(|findings| pb::validate_resource_config::Response {
                diagnostics: wire::diagnostics(findings, &[]),
            })
        })
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let request = request.into_inner();
        traced("UpgradeResourceState", &request.type_name, async {
            let upgraded = guarded(async {
                let object_type = self.resource(&request.type_name)?.object_type();
                Ok((self.upgrade(&request)?, object_type))
            });
            let (upgraded, mut diagnostics) = split(upgraded.await);
            pb::upgrade_resource_state::Response {
                upgraded_state: upgraded.and_then(|(state, of)| wire::dynamic(&state, of, &mut diagnostics)),
                diagnostics: wire::diagnostics(diagnostics, &[]),
            }
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        let name = request.into_inner().type_name;
        traced("UpgradeResourceIdentity", &name, async {
            pb::upgrade_resource_identity::Response {
                upgraded_identity: None,
                diagnostics: unsupported_wire("resource identity", &name),
            }
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        let request = request.into_inner();
        let (name, before) = (request.type_name.clone(), request.clone());
        traced("ReadResource", &name, async {
            guarded(self.read(request)).await.unwrap_or_else(|findings| pb::read_resource::Response {
                new_state: before.current_state,
                private: before.private,
                diagnostics: wire::diagnostics(findings, &[]),
                ..Default::default()
            })
        })
        .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let request = request.into_inner();
        let (name, before) = (request.type_name.clone(), request.prior_state.clone());
        traced("PlanResourceChange", &name, async {
            guarded(self.plan(request)).await.unwrap_or_else(|findings| pb::plan_resource_change::Response {
                planned_state: before,
                diagnostics: wire::diagnostics(findings, &[]),
                ..Default::default()
            })
        })
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let request = request.into_inner();
        traced("ApplyResourceChange", &request.type_name, async {
            guarded(self.apply(&request)).await.unwrap_or_else(|findings| {
                pb::apply_resource_change::Response {
                    new_state: request.prior_state.clone(),
                    private: request.planned_private.clone(),
                    diagnostics: wire::diagnostics(findings, &[]),
                    ..Default::default()
                }
            })
        })
        .await
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let request = request.into_inner();
        traced("ImportResourceState", &request.type_name, async {
            let imported = guarded(async { self.import(&request) }).await;
            imported.unwrap_or_else(|findings| pb::import_resource_state::Response {
                diagnostics: wire::diagnostics(findings, &[]),
                ..Default::default()
            })
        })
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        let request = request.into_inner();
        traced("MoveResourceState", &request.target_type_name, async {
            pb::move_resource_state::Response {
                diagnostics: unsupported_wire("move from resource type", &request.source_type_name),
                ..Default::default()
            }
        })
        .await
    }

    async fn generate_resource_config(
        &self,
        request: Request<pb::generate_resource_config::Request>,
    ) -> Answer<pb::generate_resource_config::Response> {
        let name = request.into_inner().type_name;
        traced("GenerateResourceConfig", &name, async {
            pb::generate_resource_config::Response {
                config: None,
                diagnostics: unsupported_wire("configuration generator for resource type", &name),
            }
        })
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<pb::validate_data_resource_config::Request>,
    ) -> Answer<pb::validate_data_resource_config::Response> {
        let request = request.into_inner();
        traced("ValidateDataResourceConfig", &request.type_name, async {
            let checked = guarded(async { self.validate_data_source(&request) }).await;
            checked.unwrap_or_else(|findings| pb::validate_data_resource_config::Response {
                diagnostics: wire::diagnostics(findings, &[]),
            })
        })
        .await
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        traced("ReadDataSource", &name, async {
            guarded(Self::read_data_source(self, request)).await.unwrap_or_else(|findings| {
                pb::read_data_source::Response {
                    diagnostics: wire::diagnostics(findings, &[]),
                    ..Default::default()
                }
            })
        })
        .await
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        let name = request.into_inner().type_name;
        traced("ValidateEphemeralResourceConfig", &name, async {
            let diagnostics = unsupported_wire("ephemeral resource type", &name);
            pb::validate_ephemeral_resource_config::Response { diagnostics }
        })
        .await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        let name = request.into_inner().type_name;
        traced("OpenEphemeralResource", &name, async {
            let diagnostics = unsupported_wire("ephemeral resource type", &name);
            pb::open_ephemeral_resource::Response { diagnostics, ..Default::default() }
        })
        .await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        let name = request.into_inner().type_name;
        traced("RenewEphemeralResource", &name, async {
            let diagnostics = unsupported_wire("ephemeral resource type", &name);
            pb::renew_ephemeral_resource::Response { diagnostics, ..Default::default() }
        })
        .await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        let name = request.into_inner().type_name;
        traced("CloseEphemeralResource", &name, async {
            let diagnostics = unsupported_wire("ephemeral resource type", &name);
            pb::close_ephemeral_resource::Response { diagnostics }
        })
        .await
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<pb::validate_list_resource_config::Request>,
    ) -> Answer<pb::validate_list_resource_config::Response> {
        let name = request.into_inner().type_name;
        traced("ValidateListResourceConfig", &name, async {
            let diagnostics = unsupported_wire("list resource type", &name);
            pb::validate_list_resource_config::Response { diagnostics }
        })
        .await
    }

    type ListResourceStream = EventStream<pb::list_resource::Event>;

    async fn list_resource(
        &self,
        request: Request<pb::list_resource::Request>,
    ) -> Answer<Self::ListResourceStream> {
        let diagnostic = unsupported_wire("list resource type", &request.into_inner().type_name);
        once(pb::list_resource::Event { diagnostic, ..Default::default() })
    }

    async fn get_functions(
        &self,
        _: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        traced("GetFunctions", "", async { Default::default() }).await
    }

    async fn call_function(
        &self,
        request: Request<pb::call_function::Request>,
    ) -> Answer<pb::call_function::Response> {
        let name = request.into_inner().name;
        traced("CallFunction", "", async {
            let text = format!("This version of the provider has no function `{name}`. A newer one may.");
            let error = pb::FunctionError { text, function_argument: None };
            pb::call_function::Response { result: None, error: Some(error) }
        })
        .await
    }

    async fn validate_action_config(
        &self,
        request: Request<pb::validate_action_config::Request>,
    ) -> Answer<pb::validate_action_config::Response> {
        let name = request.into_inner().action_type;
        traced("ValidateActionConfig", &name, async {
            pb::validate_action_config::Response { diagnostics: unsupported_wire("action type", &name) }
        })
        .await
    }

    async fn plan_action(
        &self,
        request: Request<pb::plan_action::Request>,
    ) -> Answer<pb::plan_action::Response> {
        let name = request.into_inner().action_type;
        traced("PlanAction", &name, async {
            pb::plan_action::Response { diagnostics: unsupported_wire("action type", &name), deferred: None }
        })
        .await
    }

    type InvokeActionStream = EventStream<pb::invoke_action::Event>;

    async fn invoke_action(
        &self,
        request: Request<pb::invoke_action::Request>,
    ) -> Answer<Self::InvokeActionStream> {
        use pb::invoke_action::{
            Event,
            event::{Completed, Type},
        };
        // A stream that ends without `completed` would count as success.
        let diagnostics = unsupported_wire("action type", &request.into_inner().action_type);
        once(Event { r#type: Some(Type::Completed(Completed { diagnostics })) })
    }

    async fn validate_state_store_config(
        &self,
        request: Request<pb::validate_state_store_config::Request>,
    ) -> Answer<pb::validate_state_store_config::Response> {
        let name = request.into_inner().type_name;
        traced("ValidateStateStoreConfig", &name, async {
            pb::validate_state_store_config::Response { diagnostics: unsupported_wire("state store", &name) }
        })
        .await
    }

    async fn configure_state_store(
        &self,
        request: Request<pb::configure_state_store::Request>,
    ) -> Answer<pb::configure_state_store::Response> {
        let name = request.into_inner().type_name;
        traced("ConfigureStateStore", &name, async {
            let diagnostics = unsupported_wire("state store", &name);
            pb::configure_state_store::Response { diagnostics, ..Default::default() }
        })
        .await
    }

    async fn get_states(
        &self,
        request: Request<pb::get_states::Request>,
    ) -> Answer<pb::get_states::Response> {
        let name = request.into_inner().type_name;
        traced("GetStates", &name, async {
            pb::get_states::Response {
                diagnostics: unsupported_wire("state store", &name),
                ..Default::default()
            }
        })
        .await
    }

    type ReadStateBytesStream = EventStream<pb::read_state_bytes::ResponseChunk>;

    async fn read_state_bytes(
        &self,
        request: Request<pb::read_state_bytes::Request>,
    ) -> Answer<Self::ReadStateBytesStream> {
        let diagnostics = unsupported_wire("state store", &request.into_inner().type_name);
        once(pb::read_state_bytes::ResponseChunk { diagnostics, bytes: Bytes::new(), ..Default::default() })
    }

    async fn write_state_bytes(
        &self,
        request: Request<Streaming<pb::write_state_bytes::RequestChunk>>,
    ) -> Answer<pb::write_state_bytes::Response> {
        // Only the first chunk names the store; the rest is not read.
        let first = request.into_inner().message().await?;
        let name = first.and_then(|chunk| chunk.meta).unwrap_or_default().type_name;
        traced("WriteStateBytes", &name, async {
            pb::write_state_bytes::Response { diagnostics: unsupported_wire("state store", &name) }
        })
        .await
    }

    async fn lock_state(
        &self,
        request: Request<pb::lock_state::Request>,
    ) -> Answer<pb::lock_state::Response> {
        let name = request.into_inner().type_name;
        traced("LockState", &name, async {
            pb::lock_state::Response {
                diagnostics: unsupported_wire("state store", &name),
                ..Default::default()
            }
        })
        .await
    }

    async fn unlock_state(
        &self,
        request: Request<pb::unlock_state::Request>,
    ) -> Answer<pb::unlock_state::Response> {
        let name = request.into_inner().type_name;
        traced("UnlockState", &name, async {
            pb::unlock_state::Response { diagnostics: unsupported_wire("state store", &name) }
        })
        .await
    }

    async fn delete_state(
        &self,
        request: Request<pb::delete_state::Request>,
    ) -> Answer<pb::delete_state::Response> {
        let name = request.into_inner().type_name;
        traced("DeleteState", &name, async {
            pb::delete_state::Response { diagnostics: unsupported_wire("state store", &name) }
        })
        .await
    }
}
