//! The RPCs of `tfplugin6.Provider`: each decodes its request, makes one call, encodes the answer.

mod action;
mod data_source;
mod function;
mod list;
mod provider;
mod resource;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use proto::tfplugin6::{self as pb, provider_server};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use tracing::{Instrument, Span};

use crate::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    erased::{AnyAction, AnyDataSource, AnyFunction, AnyListResource, AnyResource, Session},
    function::Signature,
    model::Model,
    provider::{Offers, Provider},
    schema::Schema,
    value::Type,
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

impl<P: Provider> Server<P> {
    /// A server that is not configured yet.
    ///
    /// # Panics
    /// When a list resource is offered whose resource is not, or has no identity: a fault of the declaration.
    pub fn new(provider: P) -> Self {
        let schema = P::Config::schema(0);
        let config_type = schema.object_type();
        let offers = provider.offers();
        let server = Self {
            shared: Arc::new(Shared { provider, offers, schema, config_type, session: RwLock::default() }),
        };
        for (name, _) in server.list_resource_schemas() {
            let has_identity = server.identity_schemas().any(|(found, _)| found == name);
            assert!(has_identity, "the list resource {name} needs a resource of that type with an identity");
        }
        server
    }

    /// The schema of the provider block.
    pub fn provider_schema(&self) -> &Schema {
        &self.shared.schema
    }

    /// The schemas of the resources by type name.
    pub fn resource_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        self.shared.offers.resources.iter().map(|found| (type_name::<P>(found.name()), &found.shape().schema))
    }

    /// The schemas of the identities of those resources that have one, by type name.
    pub fn identity_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        let resources = self.shared.offers.resources.iter();
        resources.filter_map(|found| Some((type_name::<P>(found.name()), &found.identity_shape()?.schema)))
    }

    /// The schemas of the data sources by type name.
    pub fn data_source_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        let data_sources = self.shared.offers.data_sources.iter();
        data_sources.map(|found| (type_name::<P>(found.name()), &found.shape().schema))
    }

    /// The schemas of the list resources by type name.
    pub fn list_resource_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        let list_resources = self.shared.offers.list_resources.iter();
        list_resources.map(|found| (type_name::<P>(found.name()), &found.shape().schema))
    }

    /// The schemas of the actions by type name.
    pub fn action_schemas(&self) -> impl Iterator<Item = (String, &Schema)> {
        self.shared.offers.actions.iter().map(|found| (type_name::<P>(found.name()), &found.shape().schema))
    }

    /// The signatures of the functions by name.
    pub fn functions(&self) -> impl Iterator<Item = (&'static str, &Signature)> {
        self.shared.offers.functions.iter().map(|found| (found.name(), found.signature()))
    }

    fn resource(&self, name: &str) -> Result<&Arc<dyn AnyResource<P::Client>>> {
        find::<P, _>(&self.shared.offers.resources, |found| found.name(), "resource type", name)
    }

    fn data_source(&self, name: &str) -> Result<&Arc<dyn AnyDataSource<P::Client>>> {
        find::<P, _>(&self.shared.offers.data_sources, |found| found.name(), "data source", name)
    }

    fn list_resource(&self, name: &str) -> Result<&Arc<dyn AnyListResource<P::Client>>> {
        find::<P, _>(&self.shared.offers.list_resources, |found| found.name(), "list resource type", name)
    }

    fn action(&self, name: &str) -> Result<&Arc<dyn AnyAction<P::Client>>> {
        find::<P, _>(&self.shared.offers.actions, |found| found.name(), "action type", name)
    }

    fn function(&self, name: &str) -> Option<&Arc<dyn AnyFunction>> {
        self.shared.offers.functions.iter().find(|found| found.name() == name)
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
}

fn type_name<P: Provider>(name: &str) -> String {
    format!("{}_{name}", P::NAME)
}

/// What Terraform calls `type_name` of all that is offered; `kind` says what that is.
fn find<'a, P: Provider, T: ?Sized>(
    offered: &'a [Arc<T>],
    name_of: impl Fn(&T) -> &'static str,
    kind: &str,
    type_name: &str,
) -> Result<&'a Arc<T>> {
    let name = type_name.strip_prefix(P::NAME).and_then(|rest| rest.strip_prefix('_'));
    let found = offered.iter().find(|found| name == Some(name_of(found)));
    found.ok_or_else(|| unsupported(kind, type_name))
}

/// The answer to a call about something that this provider does not offer.
fn unsupported(kind: &str, name: &str) -> Diagnostics {
    let detail = format!("This version of the provider has no {kind} `{name}`. A newer one may.");
    Diagnostic::error(format!("Unsupported {kind}"), detail).into()
}

fn unsupported_wire(kind: &str, name: &str) -> Vec<pb::Diagnostic> {
    wire::diagnostics(unsupported(kind, name), &[])
}

/// What to answer where the provider's configuration is not known yet, if it is not and the client can wait.
fn deferral<C>(session: &Session<C>, capabilities: Option<&pb::ClientCapabilities>) -> Option<pb::Deferred> {
    let can_wait = capabilities.is_some_and(|capabilities| capabilities.deferral_allowed);
    let reason = pb::deferred::Reason::ProviderConfigUnknown.into();
    (session.deferred && can_wait).then_some(pb::Deferred { reason })
}

type Answer<T> = std::result::Result<Response<T>, Status>;
type EventStream<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

fn span(rpc: &'static str, type_name: &str) -> Span {
    tracing::debug_span!("rpc", tf_rpc = rpc, tf_resource_type = type_name)
}

/// Runs an RPC in a span of its own and logs its end.
async fn traced<T>(rpc: &'static str, type_name: &str, answer: impl Future<Output = T>) -> T {
    let span = span(rpc, type_name);
    let begin = Instant::now();
    let answer = answer.instrument(span.clone()).await;
    tracing::debug!(parent: &span, tf_req_duration_ms = begin.elapsed().as_millis() as u64, "served");
    answer
}

/// The events that `produce` sends, as the wire has them. It runs while the stream is read, and is dropped with it:
/// what nobody waits for any more is not worked on.
fn streamed<E, T, F>(
    rpc: &'static str,
    type_name: &str,
    produce: impl FnOnce(mpsc::Sender<E>) -> F,
    mut event: impl FnMut(E) -> T + Send + 'static,
) -> EventStream<T>
where
    E: Send + 'static,
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, events) = mpsc::channel(1);
    let running = produce(sender).instrument(span(rpc, type_name));
    let running = tokio_stream::once(running).then(|running| running).filter_map(|()| None);
    let events = ReceiverStream::new(events).map(move |found| Ok(event(found)));
    Box::pin(events.merge(running))
}

/// A stream of one event.
fn once<T: Send + 'static>(event: T) -> EventStream<T> {
    Box::pin(tokio_stream::once(Ok(event)))
}

/// Implements all RPCs: those with one answer by `RPC method field => function` (the field names the type that the call
/// is about), those that stream, and those about what no provider of this framework offers.
macro_rules! rpcs {
    (
        answered { $($rpc:literal $method:ident $($field:ident)? => $answer:path,)+ }
        streamed { $($stream:ident $stream_method:ident => $events:path,)+ }
        unsupported { $($kind:literal { $($kind_rpc:literal $kind_method:ident,)+ })+ }
    ) => {
        #[tonic::async_trait]
        impl<P: Provider> provider_server::Provider for Server<P> {
            $(async fn $method(&self, request: Request<pb::$method::Request>) -> Answer<pb::$method::Response> {
                let request = request.into_inner();
                let about = [String::new(), $(request.$field.clone())?].concat();
                Ok(Response::new(traced($rpc, &about, $answer(self, request)).await))
            })+

            $(
                type $stream = EventStream<pb::$stream_method::Event>;

                async fn $stream_method(
                    &self,
                    request: Request<pb::$stream_method::Request>,
                ) -> Answer<Self::$stream> {
                    Ok(Response::new($events(self, request.into_inner())))
                }
            )+

            $($(async fn $kind_method(
                &self,
                request: Request<pb::$kind_method::Request>,
            ) -> Answer<pb::$kind_method::Response> {
                let name = request.into_inner().type_name;
                let diagnostics = unsupported_wire($kind, &name);
                #[allow(clippy::needless_update, reason = "some answers have findings only")]
                let answer = pb::$kind_method::Response { diagnostics, ..Default::default() };
                Ok(Response::new(traced($kind_rpc, &name, async { answer }).await))
            })+)+

            type ReadStateBytesStream = EventStream<pb::read_state_bytes::ResponseChunk>;

            async fn read_state_bytes(
                &self,
                request: Request<pb::read_state_bytes::Request>,
            ) -> Answer<Self::ReadStateBytesStream> {
                let diagnostics = unsupported_wire("state store", &request.into_inner().type_name);
                let chunk = pb::read_state_bytes::ResponseChunk { diagnostics, ..Default::default() };
                Ok(Response::new(once(chunk)))
            }

            async fn write_state_bytes(
                &self,
                request: Request<Streaming<pb::write_state_bytes::RequestChunk>>,
            ) -> Answer<pb::write_state_bytes::Response> {
                // Only the first chunk names the store; the rest is not read.
                let first = request.into_inner().message().await?;
                let name = first.and_then(|chunk| chunk.meta).unwrap_or_default().type_name;
                let diagnostics = unsupported_wire("state store", &name);
                Ok(Response::new(pb::write_state_bytes::Response { diagnostics }))
            }
        }
    };
}

rpcs! {
    answered {
        "GetMetadata" get_metadata => provider::metadata,
        "GetProviderSchema" get_provider_schema => provider::schemas,
        "GetResourceIdentitySchemas" get_resource_identity_schemas => provider::identity_schemas,
        "ValidateProviderConfig" validate_provider_config => provider::validate,
        "ConfigureProvider" configure_provider => provider::configure,
        "StopProvider" stop_provider => provider::stop,
        "ValidateResourceConfig" validate_resource_config type_name => resource::validate,
        "UpgradeResourceState" upgrade_resource_state type_name => resource::upgrade,
        "UpgradeResourceIdentity" upgrade_resource_identity type_name => resource::upgrade_identity,
        "ReadResource" read_resource type_name => resource::read,
        "PlanResourceChange" plan_resource_change type_name => resource::plan,
        "ApplyResourceChange" apply_resource_change type_name => resource::apply,
        "ImportResourceState" import_resource_state type_name => resource::import,
        "MoveResourceState" move_resource_state target_type_name => resource::move_state,
        "GenerateResourceConfig" generate_resource_config type_name => resource::generate_config,
        "ValidateDataResourceConfig" validate_data_resource_config type_name => data_source::validate,
        "ReadDataSource" read_data_source type_name => data_source::read,
        "ValidateListResourceConfig" validate_list_resource_config type_name => list::validate,
        "GetFunctions" get_functions => function::signatures,
        "CallFunction" call_function name => function::call,
        "ValidateActionConfig" validate_action_config action_type => action::validate,
        "PlanAction" plan_action action_type => action::plan,
    }
    streamed {
        ListResourceStream list_resource => list::list,
        InvokeActionStream invoke_action => action::invoke,
    }
    unsupported {
        "ephemeral resource type" {
            "ValidateEphemeralResourceConfig" validate_ephemeral_resource_config,
            "OpenEphemeralResource" open_ephemeral_resource,
            "RenewEphemeralResource" renew_ephemeral_resource,
            "CloseEphemeralResource" close_ephemeral_resource,
        }
        "state store" {
            "ValidateStateStoreConfig" validate_state_store_config,
            "ConfigureStateStore" configure_state_store,
            "GetStates" get_states,
            "LockState" lock_state,
            "UnlockState" unlock_state,
            "DeleteState" delete_state,
        }
    }
}
