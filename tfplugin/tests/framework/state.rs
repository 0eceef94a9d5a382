//! State that other versions left behind, and private data.

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Instance};

use crate::{core, findings, stored};

const HEIRLOOM: &str = "toy_heirloom";

fn instance(schema_version: i64, attributes: Json, private: &str) -> Instance {
    Instance { schema_version, attributes, private: private.to_owned().into(), ..Instance::default() }
}

fn private(core: &tfplugin::testing::Core<crate::toy::Toy>, name: &str) -> Json {
    serde_json::from_slice(&core.instance(HEIRLOOM, name).unwrap().private).unwrap()
}

#[tokio::test]
async fn state_of_each_older_version_is_upgraded() {
    let (mut core, _) = core().await;
    let old = [
        (0, json!({ "title": "clock", "age": "90", "reads": null })),
        (1, json!({ "name": "clock", "age": "90", "reads": 1 })),
        (2, json!({ "name": "clock", "age": 90, "reads": 1 })),
        // An attribute that there is no longer, and one that there was not yet.
        (2, json!({ "name": "clock", "age": 90, "owner": "grandfather" })),
    ];
    for (version, attributes) in old {
        core.set_instance(HEIRLOOM, "clock", instance(version, attributes.clone(), ""));
        core.refresh(HEIRLOOM, "clock").await.unwrap();
        assert_eq!(core.instance(HEIRLOOM, "clock").unwrap().schema_version, 2);
        assert_eq!(*stored(&core, HEIRLOOM, "clock"), json!({ "name": "clock", "age": 90, "reads": 1 }));
    }
}

#[tokio::test]
async fn state_that_cannot_be_upgraded_is_left_alone() {
    let (mut core, _) = core().await;
    let bad = [
        (0, json!({ "age": "90" }), "error (root): State without what it must have"),
        (1, json!({ "name": "clock", "age": "old" }), "error (root): State without what it must have"),
        (1, json!({ "name": "clock", "colour": "brown" }), "error colour: Undecodable value"),
        (2, json!({ "name": "clock", "age": {} }), "error age: Undecodable value"),
    ];
    for (version, attributes, finding) in bad {
        let before = instance(version, attributes, "");
        core.set_instance(HEIRLOOM, "clock", before.clone());
        assert_eq!(findings(core.refresh(HEIRLOOM, "clock").await), [finding]);
        assert_eq!(core.instance(HEIRLOOM, "clock"), Some(&before));
    }
    core.set_instance("toy_thing", "robot", instance(-1, json!({ "name": "robot" }), ""));
    assert_eq!(
        findings(core.refresh("toy_thing", "robot").await),
        ["error (root): State of an unknown version"]
    );
}

#[tokio::test]
async fn blocks_that_state_does_not_know_yet_are_none() {
    let (mut core, _) = core().await;
    core.apply("toy_thing", "robot", &json!({ "name": "robot" })).await.unwrap();
    let mut before = core.instance("toy_thing", "robot").unwrap().clone();
    for block in ["step", "door", "special", "limits"] {
        before.attributes.as_object_mut().unwrap().remove(block);
    }
    core.set_instance("toy_thing", "robot", before);
    let plan = core.plan("toy_thing", "robot", &json!({ "name": "robot" })).await.unwrap();
    assert_eq!(plan.action, Action::NoOp);
}

#[tokio::test]
async fn private_data_goes_from_read_to_plan_to_apply_to_state() {
    let (mut core, _) = core().await;
    core.apply(HEIRLOOM, "clock", &json!({ "name": "clock" })).await.unwrap();
    // Planned twice: for the plan, and for the apply.
    assert_eq!(private(&core, "clock"), json!({ "version": 3, "values": { "plans": 1, "writes": 1 } }));
    core.apply(HEIRLOOM, "clock", &json!({ "name": "watch" })).await.unwrap();
    let expected = json!({ "version": 3, "values": { "plans": 2, "reads": 1, "writes": 2 } });
    assert_eq!(private(&core, "clock"), expected);
    assert_eq!(stored(&core, HEIRLOOM, "clock")["reads"], 1);
}

#[tokio::test]
async fn private_data_of_older_versions_is_upgraded() {
    let (mut core, _) = core().await;
    let attributes = json!({ "name": "clock", "age": null, "reads": 4 });
    let stored = r#"{ "version": 2, "values": { "read_count": 4 } }"#;
    core.set_instance(HEIRLOOM, "clock", instance(2, attributes.clone(), stored));
    core.refresh(HEIRLOOM, "clock").await.unwrap();
    assert_eq!(private(&core, "clock"), json!({ "version": 3, "values": { "reads": 5 } }));

    let before = instance(2, attributes, r#"{ "version": 1, "values": {} }"#);
    core.set_instance(HEIRLOOM, "clock", before.clone());
    let finding = "error (root): Private data from the stone age";
    assert_eq!(findings(core.refresh(HEIRLOOM, "clock").await), [finding]);
    assert_eq!(core.instance(HEIRLOOM, "clock"), Some(&before));
}

#[tokio::test]
async fn private_data_that_cannot_be_used_stops_everything_and_loses_nothing() {
    let (mut core, _) = core().await;
    let attributes = json!({ "name": "clock", "age": null, "reads": 4 });
    let unusable = [
        (r#"{ "version": 4, "values": {} }"#, "error (root): Private data from a newer provider"),
        (r#"{ "values": {} }"#, "error (root): Damaged private data"),
        ("clockwork", "error (root): Damaged private data"),
    ];
    for (private, finding) in unusable {
        let before = instance(2, attributes.clone(), private);
        core.set_instance(HEIRLOOM, "clock", before.clone());
        assert_eq!(findings(core.refresh(HEIRLOOM, "clock").await), [finding]);
        assert_eq!(findings(core.apply(HEIRLOOM, "clock", &json!({ "name": "watch" })).await), [finding]);
        assert_eq!(findings(core.destroy(HEIRLOOM, "clock").await), [finding]);
        assert_eq!(core.instance(HEIRLOOM, "clock"), Some(&before));
    }
}

#[tokio::test]
async fn tainted_objects_are_replaced() {
    let (mut core, toy) = core().await;
    let config = json!({ "name": "robot" });
    core.apply("toy_thing", "robot", &config).await.unwrap();
    let mut before = core.instance("toy_thing", "robot").unwrap().clone();
    before.tainted = true;
    core.set_instance("toy_thing", "robot", before.clone());
    let applied = core.apply("toy_thing", "robot", &config).await.unwrap();
    assert_eq!(applied.action, Action::Replace);
    let after = core.instance("toy_thing", "robot").unwrap();
    assert!(!after.tainted && after.attributes["id"] != before.attributes["id"]);
    assert_eq!(toy.server.things.lock().unwrap().len(), 1);
}
