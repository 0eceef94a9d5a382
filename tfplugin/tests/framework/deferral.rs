//! A provider whose configuration is not known yet.

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Core, Failure, UNKNOWN};

use crate::toy::Toy;

const PET: &str = "toy_pet";

fn pet() -> Json {
    json!({ "owner": "ann", "name": "tom" })
}

fn unknown() -> Json {
    json!({ "endpoint": UNKNOWN })
}

/// A provider that manages a pet and whose configuration then became unknown.
async fn unconfigured() -> Core<Toy> {
    let mut core = Core::configure(Toy::default(), &json!({})).await.unwrap();
    core.apply(PET, "it", &pet()).await.unwrap();
    core.reconfigure(&unknown()).await.unwrap();
    core
}

fn deferred<T: std::fmt::Debug>(result: Result<T, Failure>) -> &'static str {
    match result.unwrap_err() {
        Failure::Deferred { rpc } => rpc,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_terraform_that_can_wait_is_told_to() {
    let mut core = unconfigured().await.can_wait();
    assert_eq!(deferred(core.refresh(PET, "it").await), "ReadResource");
    assert_eq!(deferred(core.plan(PET, "new", &pet()).await), "PlanResourceChange");
    assert_eq!(deferred(core.import(PET, "new", "ann/tom").await), "ImportResourceState");
    assert_eq!(deferred(core.read_data_source("toy_thing", &json!({ "name": "x" })).await), "ReadDataSource");
    assert_eq!(deferred(core.plan_action("toy_feed", &json!({ "name": "tom" })).await), "PlanAction");
    core.reconfigure(&json!({})).await.unwrap();
    assert_eq!(core.plan(PET, "it", &pet()).await.unwrap().action, Action::NoOp);
}

#[tokio::test]
async fn any_other_is_served_as_far_as_it_goes() {
    let mut core = unconfigured().await;
    core.refresh(PET, "it").await.unwrap();
    assert_eq!(core.plan(PET, "new", &pet()).await.unwrap().action, Action::Create);
    core.plan_action("toy_feed", &json!({ "name": "tom" })).await.unwrap();
}
