//! The RPCs over gRPC: what well-behaved Terraform never sends, and what core does not look at.

use std::collections::BTreeSet;

use hyper_util::rt::TokioIo;
use proto::tfplugin6::{
    self as pb, DynamicValue, diagnostic::Severity, provider_client::ProviderClient,
    provider_server::ProviderServer,
};
use serde_json::json;
use tfplugin::{
    codec::encode_dynamic,
    model::{Model, TfType},
    service::Server,
    value::Value,
};
use tokio_stream::StreamExt as _;
use tonic::transport::{Channel, Endpoint};

use crate::toy::{Config, Heirloom, Thing, ThingQuery, Toy, Trouble};

pub(crate) type Client = ProviderClient<Channel>;

/// A client of a toy provider, over a pipe in memory.
pub(crate) async fn client() -> Client {
    client_of(&Toy::default()).await
}

async fn client_of(toy: &Toy) -> Client {
    let (near, far) = tokio::io::duplex(1 << 16);
    let service = ProviderServer::new(Server::new(toy.clone()));
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(tokio_stream::once(Ok::<_, std::io::Error>(far))));
    let mut near = Some(TokioIo::new(near));
    let connector = tower::service_fn(move |_| {
        let near = near.take();
        async move { near.ok_or_else(|| std::io::Error::other("there is one connection only")) }
    });
    let endpoint = Endpoint::from_static("http://pipe");
    ProviderClient::new(endpoint.connect_with_connector(connector).await.unwrap())
}

async fn configured() -> Client {
    configured_client(&Toy::default()).await
}

pub(crate) async fn configured_client(toy: &Toy) -> Client {
    let mut client = client_of(toy).await;
    let answer = client.configure_provider(configure()).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
    client
}

fn configure() -> pb::configure_provider::Request {
    pb::configure_provider::Request {
        terraform_version: "1.6.6".to_owned(),
        config: Some(wire::<Config>(&Config::default())),
        client_capabilities: None,
    }
}

/// A model as it stands on the wire. Where it says nothing about blocks there are none.
pub(crate) fn wire<M: Model>(model: &M) -> DynamicValue {
    let schema = M::schema(0);
    encode_dynamic(&tfplugin::plan::normalise(&schema, model.encode()), &schema.object_type()).unwrap()
}

fn null() -> Option<DynamicValue> {
    Some(encode_dynamic(&Value::Null, &Thing::schema(0).object_type()).unwrap())
}

fn thing() -> DynamicValue {
    wire(&Thing { name: tfplugin::model::Attr::Known("robot".to_owned()), ..Thing::default() })
}

/// The summaries of the errors.
pub(crate) fn errors(diagnostics: &[pb::Diagnostic]) -> Vec<&str> {
    let errors = diagnostics.iter().filter(|found| found.severity() == Severity::Error);
    errors.map(|found| found.summary.as_str()).collect()
}

/// Every RPC of the protocol, from its definition.
fn rpcs() -> BTreeSet<&'static str> {
    let definition = include_str!("../../../proto/proto/tfplugin6.proto");
    let names = definition.lines().filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next());
    names.collect()
}

#[tokio::test]
async fn every_rpc_answers() {
    let mut client = configured().await;
    let mut answered = BTreeSet::new();
    // With a request that says nothing: `succeeds` has no findings, `refuses` has an error.
    macro_rules! succeeds {
        ($($rpc:literal $method:ident),+ $(,)?) => {$(
            let answer = client.$method(pb_request!($method)).await.unwrap().into_inner();
            assert_eq!(answer.diagnostics, [], $rpc);
            assert!(answered.insert($rpc));
        )+};
    }
    macro_rules! refuses {
        ($($rpc:literal $method:ident),+ $(,)?) => {$(
            let answer = client.$method(pb_request!($method)).await.unwrap().into_inner();
            assert_eq!(errors(&answer.diagnostics).len(), 1, $rpc);
            assert!(answered.insert($rpc));
        )+};
    }
    macro_rules! pb_request {
        ($method:ident) => {
            pb::$method::Request::default()
        };
    }
    succeeds! {
        "GetMetadata" get_metadata,
        "GetProviderSchema" get_provider_schema,
        "GetResourceIdentitySchemas" get_resource_identity_schemas,
        "ValidateProviderConfig" validate_provider_config,
        "ConfigureProvider" configure_provider,
        "GetFunctions" get_functions,
    }
    refuses! {
        "ValidateResourceConfig" validate_resource_config,
        "UpgradeResourceState" upgrade_resource_state,
        "UpgradeResourceIdentity" upgrade_resource_identity,
        "ReadResource" read_resource,
        "PlanResourceChange" plan_resource_change,
        "ApplyResourceChange" apply_resource_change,
        "ImportResourceState" import_resource_state,
        "MoveResourceState" move_resource_state,
        "GenerateResourceConfig" generate_resource_config,
        "ValidateDataResourceConfig" validate_data_resource_config,
        "ReadDataSource" read_data_source,
        "ValidateEphemeralResourceConfig" validate_ephemeral_resource_config,
        "OpenEphemeralResource" open_ephemeral_resource,
        "RenewEphemeralResource" renew_ephemeral_resource,
        "CloseEphemeralResource" close_ephemeral_resource,
        "ValidateListResourceConfig" validate_list_resource_config,
        "ValidateActionConfig" validate_action_config,
        "PlanAction" plan_action,
        "ValidateStateStoreConfig" validate_state_store_config,
        "ConfigureStateStore" configure_state_store,
        "GetStates" get_states,
        "LockState" lock_state,
        "UnlockState" unlock_state,
        "DeleteState" delete_state,
    }

    let stopped = client.stop_provider(pb::stop_provider::Request::default()).await.unwrap().into_inner();
    assert_eq!(stopped.error, "");
    let called = client.call_function(pb::call_function::Request::default()).await.unwrap().into_inner();
    assert!(called.result.is_none() && called.error.is_some());
    let mut listed = client.list_resource(pb::list_resource::Request::default()).await.unwrap().into_inner();
    assert_eq!(errors(&listed.next().await.unwrap().unwrap().diagnostic).len(), 1);
    assert!(listed.next().await.is_none());
    let mut invoked = client.invoke_action(pb::invoke_action::Request::default()).await.unwrap().into_inner();
    let Some(pb::invoke_action::event::Type::Completed(end)) = invoked.next().await.unwrap().unwrap().r#type
    else {
        panic!("an action that does not complete counts as a success");
    };
    assert_eq!(errors(&end.diagnostics).len(), 1);
    let mut read =
        client.read_state_bytes(pb::read_state_bytes::Request::default()).await.unwrap().into_inner();
    assert_eq!(errors(&read.next().await.unwrap().unwrap().diagnostics).len(), 1);
    let chunks = tokio_stream::once(pb::write_state_bytes::RequestChunk::default());
    let written = client.write_state_bytes(chunks).await.unwrap().into_inner();
    assert_eq!(errors(&written.diagnostics).len(), 1);
    let others =
        ["StopProvider", "CallFunction", "ListResource", "InvokeAction", "ReadStateBytes", "WriteStateBytes"];
    answered.extend(others);
    assert_eq!(answered, rpcs());
}

#[tokio::test]
async fn metadata_and_schemas_agree() {
    let mut client = client().await;
    let metadata = client.get_metadata(pb::get_metadata::Request::default()).await.unwrap().into_inner();
    let schemas =
        client.get_provider_schema(pb::get_provider_schema::Request::default()).await.unwrap().into_inner();
    let resources: BTreeSet<_> = metadata.resources.into_iter().map(|found| found.type_name).collect();
    assert_eq!(resources, schemas.resource_schemas.into_keys().collect());
    let data_sources: BTreeSet<_> = metadata.data_sources.into_iter().map(|found| found.type_name).collect();
    assert_eq!(data_sources, schemas.data_source_schemas.into_keys().collect());
    let lists: BTreeSet<_> = metadata.list_resources.into_iter().map(|found| found.type_name).collect();
    assert_eq!(lists, schemas.list_resource_schemas.into_keys().collect());
    let actions: BTreeSet<_> = metadata.actions.into_iter().map(|found| found.type_name).collect();
    assert_eq!(actions, schemas.action_schemas.into_keys().collect());
    let functions: BTreeSet<_> = metadata.functions.into_iter().map(|found| found.name).collect();
    assert_eq!(functions, schemas.functions.into_keys().collect());
    assert_eq!(metadata.server_capabilities, schemas.server_capabilities);
}

#[tokio::test]
async fn schemas_say_what_was_declared() {
    let mut client = client().await;
    let schemas =
        client.get_provider_schema(pb::get_provider_schema::Request::default()).await.unwrap().into_inner();
    let block = schemas.resource_schemas["toy_thing"].block.clone().unwrap();
    let flags = |name: &str| {
        let found = block.attributes.iter().find(|attribute| attribute.name == name).unwrap();
        let flags = [
            ("required", found.required),
            ("optional", found.optional),
            ("computed", found.computed),
            ("sensitive", found.sensitive),
            ("write_only", found.write_only),
            ("deprecated", found.deprecated),
        ];
        flags.into_iter().filter_map(|(name, set)| set.then_some(name)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(flags("id"), "computed");
    assert_eq!(flags("name"), "required");
    assert_eq!(flags("colour"), "optional");
    assert_eq!(flags("size"), "optional computed");
    assert_eq!(flags("region"), "optional computed");
    assert_eq!(flags("password"), "optional sensitive");
    assert_eq!(flags("password_wo"), "optional sensitive write_only");
    assert_eq!(flags("old_name"), "optional deprecated");
    assert_eq!(schemas.resource_schemas["toy_heirloom"].version, 2);
    let blocks: Vec<_> = block
        .block_types
        .iter()
        .map(|block| {
            format!("{} {:?} {}..{}", block.type_name, block.nesting(), block.min_items, block.max_items)
        })
        .collect();
    assert_eq!(
        blocks,
        ["engine Single 0..0", "limits Group 0..0", "step List 0..3", "door Set 0..0", "special Map 0..0"]
    );
}

#[tokio::test]
async fn unconfigured_providers_say_so_and_lose_nothing() {
    let mut client = client().await;
    let type_name = "toy_thing".to_owned();
    let unconfigured = ["Provider is not configured"];

    let read = pb::read_resource::Request {
        type_name: type_name.clone(),
        current_state: Some(thing()),
        private: "kept".into(),
        ..Default::default()
    };
    let answer = client.read_resource(read).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), unconfigured);
    assert_eq!((answer.new_state, answer.private), (Some(thing()), "kept".into()));

    let plan = pb::plan_resource_change::Request {
        type_name: type_name.clone(),
        prior_state: Some(thing()),
        config: Some(thing()),
        proposed_new_state: Some(thing()),
        ..Default::default()
    };
    let answer = client.plan_resource_change(plan).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), unconfigured);

    let apply = pb::apply_resource_change::Request {
        type_name: type_name.clone(),
        prior_state: Some(thing()),
        planned_state: null(),
        config: null(),
        planned_private: "kept".into(),
        ..Default::default()
    };
    let answer = client.apply_resource_change(apply).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), unconfigured);
    assert_eq!((answer.new_state, answer.private), (Some(thing()), "kept".into()));

    let query =
        ThingQuery { name: tfplugin::model::Attr::Known("robot".to_owned()), ..ThingQuery::default() };
    let query = pb::read_data_source::Request { type_name, config: Some(wire(&query)), ..Default::default() };
    let answer = client.read_data_source(query).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), unconfigured);
    assert!(answer.state.is_none());
}

/// Every way to cut a value short, and some to break it.
fn damaged(value: &DynamicValue) -> Vec<DynamicValue> {
    let bytes = &value.msgpack;
    let cut = (1..bytes.len()).map(|length| bytes.slice(..length));
    let wrong = [
        &b"\xc1"[..],
        b"\x80",
        b"\x90",
        b"\xa3abc",
        b"\xd9",
        b"\xdf\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
    ];
    let damaged = cut.chain(wrong.into_iter().map(bytes::Bytes::from_static));
    let msgpack = damaged.map(|msgpack| DynamicValue { msgpack, ..Default::default() });
    let json = [&b"{"[..], b"[]", b"{\"name\": 1, \"nmae\": 2}", b"\"text\"", b"\xff"];
    let json = json.map(|json| DynamicValue { json: json.into(), ..Default::default() });
    msgpack.chain(json).collect()
}

#[tokio::test]
async fn damaged_values_are_errors_and_lose_nothing() {
    let mut client = configured().await;
    let type_name = || "toy_thing".to_owned();
    for damaged in damaged(&thing()) {
        let undecodable = ["Undecodable value"];
        let damaged = Some(damaged);

        let request = pb::validate_resource_config::Request {
            type_name: type_name(),
            config: damaged.clone(),
            ..Default::default()
        };
        let answer = client.validate_resource_config(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), undecodable);

        let request = pb::read_resource::Request {
            type_name: type_name(),
            current_state: damaged.clone(),
            private: "kept".into(),
            ..Default::default()
        };
        let answer = client.read_resource(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), undecodable);
        assert_eq!((answer.new_state, answer.private), (damaged.clone(), "kept".into()));

        let whole = pb::plan_resource_change::Request {
            type_name: type_name(),
            prior_state: Some(thing()),
            config: Some(thing()),
            proposed_new_state: Some(thing()),
            ..Default::default()
        };
        let requests = [
            pb::plan_resource_change::Request { prior_state: damaged.clone(), ..whole.clone() },
            pb::plan_resource_change::Request { config: damaged.clone(), ..whole },
        ];
        for request in requests {
            let answer = client.plan_resource_change(request).await.unwrap().into_inner();
            assert_eq!(errors(&answer.diagnostics), undecodable);
        }

        let whole = pb::apply_resource_change::Request {
            type_name: type_name(),
            prior_state: Some(thing()),
            planned_state: Some(thing()),
            config: Some(thing()),
            planned_private: "kept".into(),
            ..Default::default()
        };
        let requests = [
            pb::apply_resource_change::Request { prior_state: damaged.clone(), ..whole.clone() },
            pb::apply_resource_change::Request { planned_state: damaged.clone(), ..whole.clone() },
            pb::apply_resource_change::Request { config: damaged.clone(), ..whole },
        ];
        for request in requests {
            let prior = request.prior_state.clone();
            let answer = client.apply_resource_change(request).await.unwrap().into_inner();
            assert_eq!(errors(&answer.diagnostics), undecodable);
            assert_eq!((answer.new_state, answer.private), (prior, "kept".into()));
        }
    }
    let query =
        ThingQuery { name: tfplugin::model::Attr::Known("robot".to_owned()), ..ThingQuery::default() };
    for damaged in damaged(&wire(&query)) {
        let config = Some(damaged);
        let request =
            pb::validate_data_resource_config::Request { type_name: type_name(), config: config.clone() };
        let answer = client.validate_data_resource_config(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), ["Undecodable value"]);
        let request = pb::read_data_source::Request { type_name: type_name(), config, ..Default::default() };
        let answer = client.read_data_source(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), ["Undecodable value"]);
    }
    for damaged in damaged(&wire(&Config::default())) {
        let config = Some(damaged);
        let request = pb::validate_provider_config::Request { config: config.clone() };
        let answer = client.validate_provider_config(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), ["Undecodable value"]);
        let request = pb::configure_provider::Request { config, ..Default::default() };
        let answer = client.configure_provider(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), ["Undecodable value"]);
    }
}

#[tokio::test]
async fn damaged_stored_state_is_an_error() {
    let mut client = configured().await;
    for json in [&b"{"[..], b"[]", b"1", b"\xff", b"{\"name\":{}}"] {
        for version in [1, 2] {
            let raw_state = Some(pb::RawState { json: json.into(), ..Default::default() });
            let type_name = "toy_heirloom".to_owned();
            let request = pb::upgrade_resource_state::Request { type_name, version, raw_state };
            let answer = client.upgrade_resource_state(request).await.unwrap().into_inner();
            assert_eq!(errors(&answer.diagnostics).len(), 1, "{json:?} in version {version}");
            assert!(answer.upgraded_state.is_none());
        }
    }
}

#[tokio::test]
async fn write_only_values_are_refused_for_clients_that_would_store_them() {
    let mut client = configured().await;
    let secret = || tfplugin::model::Attr::Known("sesame".to_owned());
    let config = Trouble { name: secret(), secret_wo: secret(), ..Trouble::default() };
    let mut request = pb::validate_resource_config::Request {
        type_name: "toy_trouble".to_owned(),
        config: Some(wire_with_write_only(&config)),
        client_capabilities: None,
    };
    let refusal = ["Write-only attributes are not supported by this Terraform"];
    let answer = client.validate_resource_config(request.clone()).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), refusal);
    let attribute = answer.diagnostics[0].attribute.clone().unwrap();
    let name = pb::attribute_path::step::Selector::AttributeName("secret_wo".to_owned());
    assert_eq!(attribute.steps[0].selector, Some(name));

    request.client_capabilities = Some(pb::ClientCapabilities::default());
    let answer = client.validate_resource_config(request.clone()).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), refusal);

    let able = pb::ClientCapabilities { write_only_attributes_allowed: true, ..Default::default() };
    request.client_capabilities = Some(able);
    let answer = client.validate_resource_config(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
}

/// Configuration, in which write-only attributes have values.
fn wire_with_write_only(model: &Trouble) -> DynamicValue {
    let Value::Object(mut parts) = model.encode() else { unreachable!("a model is an object") };
    parts.insert("step".to_owned(), Value::List(Vec::new()));
    encode_dynamic(&Value::Object(parts), &Trouble::schema(0).object_type()).unwrap()
}

#[tokio::test]
async fn a_destroy_plan_is_null_and_keeps_private_data() {
    let mut client = configured().await;
    let private = r#"{"version":1,"values":{"key":7}}"#;
    let request = pb::plan_resource_change::Request {
        type_name: "toy_thing".to_owned(),
        prior_state: Some(thing()),
        config: null(),
        proposed_new_state: null(),
        prior_private: private.into(),
        ..Default::default()
    };
    let answer = client.plan_resource_change(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
    assert_eq!((answer.planned_state, answer.planned_private), (null(), private.into()));
}

#[tokio::test]
async fn a_destroy_plan_may_note_private_data() {
    let mut client = configured().await;
    let request = pb::plan_resource_change::Request {
        type_name: "toy_heirloom".to_owned(),
        prior_state: Some(wire(&Heirloom::default())),
        config: null(),
        proposed_new_state: null(),
        ..Default::default()
    };
    let answer = client.plan_resource_change(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
    assert_eq!(answer.planned_private, r#"{"version":3,"values":{"farewells":1}}"#);
}

#[tokio::test]
async fn a_destroy_plan_that_is_refused_keeps_state_and_private_data() {
    let mut client = configured().await;
    let known = |text: &str| tfplugin::model::Attr::Known(text.to_owned());
    let prior = wire(&Trouble { name: known("pot"), mode: known("keep"), ..Trouble::default() });
    let request = pb::plan_resource_change::Request {
        type_name: "toy_trouble".to_owned(),
        prior_state: Some(prior.clone()),
        config: null(),
        proposed_new_state: null(),
        prior_private: r#"{"version":1,"values":{}}"#.into(),
        ..Default::default()
    };
    let answer = client.plan_resource_change(request.clone()).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["Still in use"]);
    assert_eq!((answer.planned_state, answer.planned_private), (Some(prior), request.prior_private));
}

#[tokio::test]
async fn what_is_not_offered_is_named() {
    let mut client = configured().await;
    let request = pb::read_resource::Request { type_name: "toy_train".to_owned(), ..Default::default() };
    let answer = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics[0].summary, "Unsupported resource type");
    assert!(answer.diagnostics[0].detail.contains("`toy_train`"));
}

#[tokio::test]
async fn values_may_come_as_json() {
    let mut client = configured().await;
    let json = json!({ "name": "clock", "age": 3, "reads": null }).to_string().into_bytes();
    let config = Some(DynamicValue { json: json.into(), ..Default::default() });
    let type_name = "toy_heirloom".to_owned();
    let request = pb::validate_resource_config::Request { type_name, config, ..Default::default() };
    let answer = client.validate_resource_config(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
    assert_eq!(Heirloom::schema(2).fields.len(), 3);
}
