//! List resources.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use proto::tfplugin6 as pb;
use serde_json::{Value as Json, json};
use tfplugin::{
    provider::{Configured, Offers, Provider, Settings},
    service::Server,
    testing::{Core, Failure, Listing, Query, UNKNOWN},
    value::Value,
};
use tokio_stream::StreamExt as _;

use crate::{
    core, findings,
    pets::PetList,
    rpc::{configured_client, wire},
    summaries,
    toy::{self, CANARY, Config, Toy},
};

const PET: &str = "toy_pet";

fn pet(name: &str) -> Json {
    json!({ "owner": "ann", "name": name })
}

/// A provider that manages two pets.
async fn two_pets() -> (Core<Toy>, Toy) {
    let (mut core, toy) = core().await;
    core.apply(PET, "first", &pet("tom")).await.unwrap();
    core.apply(PET, "second", &pet("mia")).await.unwrap();
    (core, toy)
}

async fn list(core: &Core<Toy>, config: Json) -> Result<Listing, Failure> {
    core.list(PET, &config, Query::default()).await
}

fn names(listing: &Listing) -> Vec<&str> {
    listing.found.iter().map(|(name, ..)| name.as_str()).collect()
}

#[tokio::test]
async fn what_there_is_is_listed_with_its_identity() {
    let (core, _) = two_pets().await;
    let listing = list(&core, json!({})).await.unwrap();
    assert_eq!(names(&listing), ["ann/mia", "ann/tom"]);
    let (_, identity, state) = &listing.found[0];
    assert_eq!((identity.get("name"), identity.get("chip")), (&Value::from("mia"), &Value::from(7)));
    assert!(state.is_null());
    assert_eq!(names(&list(&core, json!({ "owner": "bob" })).await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn state_is_there_where_it_is_wanted_and_without_write_only_values() {
    let (core, toy) = two_pets().await;
    for pet in toy.server.pets.lock().unwrap().values_mut() {
        pet.password_wo = tfplugin::model::Attr::Known(CANARY.to_owned());
    }
    let query = Query { include_state: true, ..Query::default() };
    let listing = core.list(PET, &json!({}), query).await.unwrap();
    let (_, _, state) = &listing.found[0];
    assert_eq!((state.get("kind"), state.get("password_wo")), (&Value::from("cat"), &Value::Null));
}

#[tokio::test]
async fn nobody_works_for_more_than_the_limit() {
    let (core, toy) = core().await;
    for limit in [100, 1, 0] {
        toy.server.listed.store(0, Ordering::Relaxed);
        let query = Query { limit, ..Query::default() };
        let listing = core.list(PET, &json!({ "mode": "many" }), query).await.unwrap();
        assert_eq!(i64::try_from(listing.found.len()), Ok(limit));
        let listed = toy.server.listed.load(Ordering::Relaxed);
        assert!((limit..=limit + 1).contains(&listed), "{limit}: {listed}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_early_says_why() {
    let (core, _) = two_pets().await;
    assert_eq!(findings(list(&core, json!({ "mode": "fail" })).await), ["error mode: Lost"]);
    assert_eq!(findings(list(&core, json!({ "mode": "gibberish" })).await), ["error mode: Invalid mode"]);
    let panicked = list(&core, json!({ "mode": "panic" })).await.unwrap_err().to_string();
    assert!(panicked.contains("The provider failed") && !panicked.contains(CANARY), "{panicked}");
    for mode in ["unknown identity", "unknown state"] {
        let query = Query { include_state: true, ..Query::default() };
        let faulty = core.list(PET, &json!({ "mode": mode }), query).await;
        assert_eq!(findings(faulty), ["error (root): The provider failed"], "{mode}");
    }
}

#[tokio::test]
async fn warnings_come_beside_what_was_found() {
    let (core, _) = two_pets().await;
    let listing = list(&core, json!({ "mode": "warn" })).await.unwrap();
    assert_eq!(names(&listing).len(), 2);
    assert_eq!(summaries(&listing.warnings), ["warning owner: Dusty"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_hangs_ends() {
    let (core, toy) = core().await;
    for (mode, finding) in [("wait", "error (root): Cancelled"), ("deaf", "error (root): Stopped")] {
        let config = json!({ "mode": mode });
        let (listed, stopped) = tokio::join!(list(&core, config), async {
            toy.server.waiting.notified().await;
            core.stop().await
        });
        stopped.unwrap();
        assert_eq!(findings(listed), [finding]);
    }
    assert_eq!(findings(list(&core, json!({ "mode": "hang" })).await), ["error (root): Timed out"]);
}

#[tokio::test]
async fn configuration_is_checked() {
    let (core, _) = core().await;
    core.validate_list(PET, &json!({ "owner": UNKNOWN, "mode": UNKNOWN })).await.unwrap();
    let checks = [("check fail", "error mode: Bad mode"), ("gibberish", "error mode: Invalid mode")];
    for (mode, finding) in checks {
        assert_eq!(findings(core.validate_list(PET, &json!({ "mode": mode })).await), [finding]);
    }
    assert_eq!(
        findings(core.validate_list(PET, &json!({ "mode": "check panic" })).await),
        ["error (root): The provider failed"]
    );
}

fn request(mode: &str, limit: i64) -> pb::list_resource::Request {
    let mode = tfplugin::model::Attr::Known(tfplugin::model::Text::new(mode));
    let config = crate::pets::PetQuery { mode, ..Default::default() };
    pb::list_resource::Request {
        type_name: PET.to_owned(),
        config: Some(wire(&config)),
        include_resource_object: false,
        limit,
    }
}

#[tokio::test]
async fn a_client_that_goes_away_stops_the_work() {
    let toy = Toy::default();
    for mode in ["many", "hang"] {
        let mut client = configured_client(&toy).await;
        let mut events = client.list_resource(request(mode, 10_000)).await.unwrap().into_inner();
        if mode == "many" {
            events.next().await.unwrap().unwrap();
        }
        drop(events);
        tokio::time::timeout(Duration::from_secs(60), toy.server.dropped.notified()).await.unwrap();
    }
    assert!(toy.server.listed.load(Ordering::Relaxed) < 10_000);
}

#[tokio::test]
async fn nobody_gets_more_than_the_limit() {
    let mut client = configured_client(&Toy::default()).await;
    let events = client.list_resource(request("stubborn", 10)).await.unwrap().into_inner();
    assert_eq!(events.collect::<Vec<_>>().await.len(), 10);
}

#[tokio::test]
async fn a_list_without_configuration_lists_all() {
    let toy = Toy::default();
    let mut client = configured_client(&toy).await;
    let request = pb::list_resource::Request { config: None, ..request("many", 10) };
    let mut events = client.list_resource(request).await.unwrap().into_inner();
    assert!(events.next().await.is_none());
    let request =
        pb::validate_list_resource_config::Request { type_name: PET.to_owned(), ..Default::default() };
    let answer = client.validate_list_resource_config(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics, []);
}

/// A provider that lists what it has not.
struct Lister;

impl Provider for Lister {
    type Config = Config;
    type Client = Arc<toy::Server>;
    const NAME: &'static str = "lister";
    const ADDRESS: &'static str = "registry.terraform.io/example/lister";

    async fn configure(&self, _: Settings<Config>) -> tfplugin::diagnostic::Result<Configured<Self::Client>> {
        Ok(Configured::new(Self::Client::default()))
    }

    fn offers(&self) -> Offers<Self::Client> {
        Offers::new().list_resource(PetList)
    }
}

#[test]
#[should_panic(expected = "the list resource lister_pet needs a resource of that type with an identity")]
fn a_list_needs_its_resource() {
    Server::new(Lister);
}
