//! Identity: what it is, import by it, and the ways into state that came with it.

use proto::tfplugin6 as pb;
use serde_json::{Value as Json, json};
use tfplugin::{
    codec::encode_dynamic,
    model::{Attr, Model},
    resource::MoveSource,
    testing::{Action, Instance, UNKNOWN},
    value::Value,
};

use crate::{
    core, findings,
    pets::{Pet, PetIdentity},
    rpc::{configured_client, errors, wire},
    stored,
    toy::{CANARY, Toy},
};

const PET: &str = "toy_pet";

fn pet(mode: &str) -> Json {
    json!({ "owner": "ann", "name": "tom", "mode": mode })
}

fn identity() -> Json {
    json!({ "owner": "ann", "name": "tom", "chip": 7 })
}

/// The identity in state.
fn identity_of(core: &tfplugin::testing::Core<Toy>) -> &Json {
    &core.instance(PET, "it").unwrap().identity
}

#[tokio::test]
async fn an_identity_is_told_once_it_is_known_and_kept() {
    let (mut core, _) = core().await;
    let planned = core.plan(PET, "it", &pet("none")).await.unwrap();
    // The chip is not known yet.
    assert!(planned.identity.is_null());
    core.apply_plan(planned, &pet("none")).await.unwrap();
    assert_eq!(*identity_of(&core), identity());
    core.refresh(PET, "it").await.unwrap();
    assert_eq!(*identity_of(&core), identity());
    let changed = json!({ "owner": "ann", "name": "tom", "nickname": "T" });
    let planned = core.plan(PET, "it", &changed).await.unwrap();
    assert_eq!((planned.action, planned.identity.get("chip")), (Action::Update, &Value::from(7)));
    core.apply_plan(planned, &changed).await.unwrap();
    assert_eq!(*identity_of(&core), identity());
    core.destroy(PET, "it").await.unwrap();
    assert!(core.instance(PET, "it").is_none());
}

#[tokio::test]
async fn another_object_has_another_identity() {
    let (mut core, _) = core().await;
    core.apply(PET, "it", &pet("none")).await.unwrap();
    let other = json!({ "owner": "bob", "name": "tom" });
    let planned = core.plan(PET, "it", &other).await.unwrap();
    assert_eq!(planned.action, Action::Replace);
    core.apply_plan(planned, &other).await.unwrap();
    assert_eq!(identity_of(&core)["owner"], "bob");
    let unknown = json!({ "owner": UNKNOWN, "name": "tom" });
    let planned = core.plan(PET, "it", &unknown).await.unwrap();
    assert_eq!((planned.action, planned.identity), (Action::Replace, Value::Null));
}

#[tokio::test]
async fn an_identity_that_changes_is_an_error_and_loses_nothing() {
    let (mut core, _) = core().await;
    core.apply(PET, "it", &pet("read other")).await.unwrap();
    let before = core.instance(PET, "it").unwrap().clone();
    let refreshed = core.refresh(PET, "it").await.unwrap_err().to_string();
    assert!(refreshed.contains("Unexpected identity change") && refreshed.contains("thief"), "{refreshed}");
    assert_eq!(core.instance(PET, "it"), Some(&before));

    let (mut core, _) = crate::core().await;
    core.apply(PET, "it", &pet("none")).await.unwrap();
    let planned = core.plan(PET, "it", &pet("plan other")).await;
    assert_eq!(findings(planned), ["error (root): Unexpected identity change"]);
    // What is there is stored, under the identity that it had.
    let applied = core.apply(PET, "it", &pet("update other")).await;
    assert_eq!(findings(applied), ["error (root): Unexpected identity change"]);
    assert_eq!((stored(&core, PET, "it")["chip"].as_i64(), identity_of(&core)), (Some(8), &identity()));
}

#[tokio::test]
async fn trouble_with_an_identity_does_not_lose_the_object() {
    let (mut core, _) = core().await;
    let applied = core.apply(PET, "it", &pet("identity panic")).await.unwrap_err().to_string();
    assert!(applied.contains("The provider failed") && !applied.contains(CANARY), "{applied}");
    assert_eq!(stored(&core, PET, "it")["chip"], 7);
    assert!(identity_of(&core).is_null());

    let (mut core, _) = crate::core().await;
    assert_eq!(findings(core.apply(PET, "it", &pet("fail")).await), ["error (root): Failed"]);
    assert_eq!(*identity_of(&core), json!({ "owner": "ann", "name": "tom", "chip": null }));

    let (mut core, _) = crate::core().await;
    core.apply(PET, "it", &pet("stays")).await.unwrap();
    assert_eq!(findings(core.destroy(PET, "it").await), ["error (root): It stays"]);
    assert_eq!(*identity_of(&core), identity());
}

#[tokio::test]
async fn an_object_may_be_without_identity() {
    let (mut core, _) = core().await;
    core.apply(PET, "it", &pet("nameless")).await.unwrap();
    assert!(identity_of(&core).is_null());
    core.refresh(PET, "it").await.unwrap();
    // One that was there is kept.
    let instance =
        Instance { identity: identity(), identity_version: 1, ..core.instance(PET, "it").unwrap().clone() };
    core.set_instance(PET, "it", instance);
    core.refresh(PET, "it").await.unwrap();
    assert_eq!(*identity_of(&core), identity());
}

#[tokio::test]
async fn imports_take_an_id_or_an_identity() {
    let (mut core, _) = core().await;
    core.apply(PET, "it", &pet("none")).await.unwrap();
    core.import(PET, "by_id", "ann/tom").await.unwrap();
    assert_eq!(core.instance(PET, "by_id").unwrap().identity, identity());
    // What is left out is filled in.
    let short = json!({ "owner": "ann", "name": "tom" });
    for (name, written) in [("short", short), ("whole", identity())] {
        core.import_by_identity(PET, name, &written).await.unwrap();
        let instance = core.instance(PET, name).unwrap();
        assert_eq!((&instance.identity, &instance.attributes["kind"]), (&identity(), &json!("cat")));
    }
    let wrong_chip = json!({ "owner": "ann", "name": "tom", "chip": 6 });
    assert_eq!(
        findings(core.import_by_identity(PET, "wrong", &wrong_chip).await),
        ["error (root): Unexpected identity change"]
    );
    let nobody = json!({ "owner": "nobody", "name": "tom" });
    assert_eq!(
        findings(core.import_by_identity(PET, "nobody", &nobody).await),
        ["error (root): No such owner"]
    );
    let gone = core.import_by_identity(PET, "gone", &json!({ "owner": "ann", "name": "mia" })).await;
    assert!(gone.unwrap_err().to_string().contains("no object"));
    for (type_name, written) in [(PET, json!({ "owner": "ann" })), ("toy_thing", identity())] {
        let refusal = core.import_by_identity(type_name, "x", &written).await.unwrap_err();
        assert!(refusal.to_string().contains("Terraform itself refuses"), "{refusal}");
    }
}

fn data(identity: &PetIdentity) -> Option<pb::ResourceIdentityData> {
    Some(pb::ResourceIdentityData { identity_data: Some(wire(identity)) })
}

fn tom() -> PetIdentity {
    let known = |text: &str| Attr::Known(text.to_owned());
    PetIdentity { owner: known("ann"), name: known("tom"), chip: Attr::Null }
}

#[tokio::test]
async fn an_identity_is_enough_to_read() {
    let toy = Toy::default();
    let tom_himself = Pet { owner: tom().owner, name: tom().name, chip: Attr::Known(7), ..Pet::default() };
    toy.server.pets.lock().unwrap().insert("ann/tom".to_owned(), tom_himself);
    let mut client = configured_client(&toy).await;
    let null = encode_dynamic(&Value::Null, &Pet::schema(0).object_type()).unwrap();
    for current_state in [None, Some(null)] {
        let request = pb::read_resource::Request {
            type_name: PET.to_owned(),
            current_state,
            current_identity: data(&tom()),
            ..Default::default()
        };
        let answer = client.read_resource(request).await.unwrap().into_inner();
        assert_eq!(answer.diagnostics, []);
        assert_eq!(answer.new_identity, data(&PetIdentity { chip: Attr::Known(7), ..tom() }));
    }
    let request = pb::read_resource::Request { type_name: PET.to_owned(), ..Default::default() };
    let answer = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(errors(&answer.diagnostics), ["Nothing to read"]);
}

#[tokio::test]
async fn hostile_identities_are_errors() {
    let mut client = configured_client(&Toy::default()).await;
    let damaged = pb::DynamicValue { msgpack: b"\xc1"[..].into(), ..Default::default() };
    let identities = [
        (data(&PetIdentity { owner: Attr::Unknown, ..tom() }), "Incomplete identity"),
        (data(&PetIdentity { name: Attr::Null, ..tom() }), "Incomplete identity"),
        (Some(pb::ResourceIdentityData { identity_data: Some(damaged) }), "Undecodable value"),
        (Some(pb::ResourceIdentityData::default()), "Missing import id"),
        (None, "Missing import id"),
    ];
    for (identity, expected) in identities {
        let request =
            pb::import_resource_state::Request { type_name: PET.to_owned(), identity, ..Default::default() };
        let answer = client.import_resource_state(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), [expected]);
        assert!(answer.imported_resources.is_empty());
    }
}

#[tokio::test]
async fn identities_of_older_versions_are_upgraded() {
    let (mut core, _) = core().await;
    core.apply(PET, "it", &pet("none")).await.unwrap();
    let old = |id: &str| Instance {
        identity: json!({ "id": id }),
        identity_version: 0,
        ..core.instance(PET, "it").unwrap().clone()
    };
    let (good, bad) = (old("ann/tom"), old("tom"));
    core.set_instance(PET, "it", good);
    core.refresh(PET, "it").await.unwrap();
    assert_eq!((identity_of(&core), core.instance(PET, "it").unwrap().identity_version), (&identity(), 1));
    core.set_instance(PET, "it", bad.clone());
    assert_eq!(findings(core.refresh(PET, "it").await), ["error (root): Damaged identity"]);
    assert_eq!(core.instance(PET, "it"), Some(&bad));
}

#[tokio::test]
async fn stored_identities_that_are_no_identities_are_errors() {
    let mut client = configured_client(&Toy::default()).await;
    let bad = [&b"{"[..], b"[]", b"1", b"{\"owner\": {}}", b"{\"colour\": 1}", b""];
    for json in bad {
        for version in [0, 1] {
            let raw_identity = Some(pb::RawState { json: json.into(), ..Default::default() });
            let request =
                pb::upgrade_resource_identity::Request { type_name: PET.to_owned(), version, raw_identity };
            let answer = client.upgrade_resource_identity(request).await.unwrap().into_inner();
            assert_eq!(errors(&answer.diagnostics).len(), 1, "{json:?} in version {version}");
            assert!(answer.upgraded_identity.is_none());
        }
    }
}

fn animal(state: Json) -> MoveSource {
    MoveSource {
        provider_address: "registry.terraform.io/example/zoo".to_owned(),
        type_name: "zoo_animal".to_owned(),
        schema_version: 1,
        state,
    }
}

#[tokio::test]
async fn a_move_takes_over_state_and_no_private_data() {
    let (mut core, _) = core().await;
    core.apply(PET, "it", &pet("none")).await.unwrap();
    let source = animal(json!({ "keeper": "ann", "title": "tom", "legs": 4 }));
    core.move_from(PET, "moved", &source).await.unwrap();
    let moved = core.instance(PET, "moved").unwrap();
    assert_eq!((&moved.identity, moved.private.len()), (&identity(), 0));
    assert_eq!(core.plan(PET, "moved", &pet("none")).await.unwrap().action, Action::NoOp);
}

#[tokio::test]
async fn moves_from_elsewhere_are_refused_with_what_is_accepted() {
    let (mut core, _) = core().await;
    let foreign =
        MoveSource { provider_address: "registry.terraform.io/other/zoo".to_owned(), ..animal(json!({})) };
    let refusal = core.move_from(PET, "it", &foreign).await.unwrap_err().to_string();
    for part in [
        "`zoo_animal` of the provider registry.terraform.io/other/zoo",
        "`zoo_animal` of example/zoo, `farm_animal`",
    ] {
        assert!(refusal.contains(part), "{refusal}");
    }
    let refusal = core.move_from("toy_thing", "it", &animal(json!({}))).await.unwrap_err().to_string();
    assert!(refusal.contains("no other resource type"), "{refusal}");
    for state in [json!({ "keeper": 1, "title": "tom" }), json!([]), json!("text"), json!(null)] {
        let wrong = core.move_from(PET, "it", &animal(state)).await;
        assert_eq!(findings(wrong), ["error (root): Unusable state"]);
    }
    let unknown = MoveSource { schema_version: 0, ..animal(json!({ "keeper": "ann", "title": "tom" })) };
    assert_eq!(findings(core.move_from(PET, "it", &unknown).await), ["error (root): The provider failed"]);
    assert!(core.instance(PET, "it").is_none());
}

#[tokio::test]
async fn state_that_is_no_json_is_not_moved() {
    let mut client = configured_client(&Toy::default()).await;
    for json in [&b"{"[..], b"\xff", b""] {
        let request = pb::move_resource_state::Request {
            target_type_name: PET.to_owned(),
            source_provider_address: "registry.terraform.io/example/zoo".to_owned(),
            source_type_name: "zoo_animal".to_owned(),
            source_state: Some(pb::RawState { json: json.into(), ..Default::default() }),
            ..Default::default()
        };
        let answer = client.move_resource_state(request).await.unwrap().into_inner();
        assert_eq!(errors(&answer.diagnostics), ["Unreadable state"]);
        assert!(answer.target_state.is_none());
    }
}

#[tokio::test]
async fn a_generated_configuration_needs_no_change() {
    let (mut core, _) = core().await;
    let config = json!({
        "owner": "ann", "name": "tom", "nickname": "tom", "old_name": "tim", "sound": "purr",
        "collar": { "colour": "blue" }, "food": [{ "name": "fish" }, { "name": "milk", "amount": 2 }],
    });
    core.apply(PET, "it", &config).await.unwrap();
    let generated = core.generate_config(PET, "it").await.unwrap();
    let expected = json!({
        "owner": "ann", "name": "tom", "kind": null, "sound": "purr", "nickname": null, "old_name": null,
        "password_wo": null, "chip": null, "mode": null, "collar": { "colour": "blue", "number": null },
        "food": [{ "name": "fish", "amount": null }, { "name": "milk", "amount": 2 }],
    });
    assert_eq!(generated, expected);
    let minimal = json!({ "owner": "ann", "name": "mia" });
    core.apply(PET, "minimal", &minimal).await.unwrap();
    let generated = core.generate_config(PET, "minimal").await.unwrap();
    assert_eq!(core.plan(PET, "minimal", &generated).await.unwrap().action, Action::NoOp);
}

#[tokio::test]
async fn nothing_generates_nothing() {
    let mut client = configured_client(&Toy::default()).await;
    let null = encode_dynamic(&Value::Null, &Pet::schema(0).object_type()).unwrap();
    let request =
        pb::generate_resource_config::Request { type_name: PET.to_owned(), state: Some(null.clone()) };
    let answer = client.generate_resource_config(request).await.unwrap().into_inner();
    assert_eq!((answer.config, answer.diagnostics), (Some(null), vec![]));
}
