//! Objects from their creation to their end, all rules of core kept.

use serde_json::{Value as Json, json};
use tfplugin::{
    path::Path,
    testing::{Action, UNKNOWN},
    value::Value,
};

use crate::{core, findings, stored, summaries, toy::City};

/// A thing in which everything is set, in the user's spelling.
fn everything() -> Json {
    json!({
        "name": "robot",
        "colour": "RED",
        "colours": ["Green", "blue"],
        "size": 5,
        "weight": 0.1,
        "fresh": false,
        "note": "beeps",
        "labels": { "a": "1" },
        "words": { "en": ["hello", "world"] },
        "password": "open",
        "password_wo": "sesame",
        "password_wo_version": 1,
        "region": "mars",
        "home": { "city": "Rome" },
        "route": [{ "city": "Oslo", "code": 1 }, { "city": "lima" }],
        "visited": [{ "city": "Bern" }, { "city": "Rome", "code": 2 }],
        "friends": { "r2": { "city": "Lima" } },
        "engine": { "fuel": "coal", "colour": "Blue", "part": [{ "name": "piston" }] },
        "limits": { "depth": 3 },
        "step": [{ "action": "walk" }, { "action": "jump", "times": 2 }],
        "door": [{ "colour": "Red" }, { "colour": "GREEN", "height": 3 }],
        "special": { "one": { "what": "shiny" }, "two": {} },
    })
}

fn with(mut config: Json, mut changes: Json) -> Json {
    config.as_object_mut().unwrap().append(changes.as_object_mut().unwrap());
    config
}

#[tokio::test]
async fn what_is_applied_needs_no_further_change() {
    let (mut core, toy) = core().await;
    let mut config = everything();
    let applied = core.apply("toy_thing", "robot", &config).await.unwrap();
    assert_eq!(applied.action, Action::Create);
    let changes = [
        json!({ "colour": "red" }),
        json!({ "colour": "blue", "colours": [] }),
        json!({ "size": null, "fresh": null, "region": null }),
        json!({ "note": "", "labels": {} }),
        json!({ "note": null, "labels": null, "words": {} }),
        json!({ "home": null, "route": [{ "city": "lima" }], "visited": [{ "city": "rome", "code": 2 }] }),
        json!({ "home": { "city": "Bern", "code": 3 }, "friends": {}, "route": [] }),
        json!({ "step": [], "door": [], "special": {}, "limits": null }),
        json!({ "step": [{ "action": "sit" }], "door": [{ "colour": "red" }], "special": { "two": {} } }),
    ];
    for change in changes {
        let plan = core.plan("toy_thing", "robot", &config).await.unwrap();
        assert_eq!((plan.action, &plan.planned), (Action::NoOp, &plan.prior), "before {change}");
        config = with(config, change.clone());
        let applied = core.apply("toy_thing", "robot", &config).await.unwrap();
        assert_eq!(applied.action, Action::Update, "{change}");
    }
    core.destroy("toy_thing", "robot").await.unwrap();
    assert!(core.instance("toy_thing", "robot").is_none());
    assert!(toy.server.things.lock().unwrap().is_empty());
}

#[tokio::test]
async fn state_has_the_users_spelling_and_the_servers_values() {
    let (mut core, _) = core().await;
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    core.refresh("toy_thing", "robot").await.unwrap();
    let state = stored(&core, "toy_thing", "robot");
    let expected = json!({
        "colour": "RED", "size": 5, "fresh": false, "region": "mars", "revision": 1, "note": "beeps",
        "limits": { "heat": 40, "depth": 3 }, "password": "open", "old_name": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&state[name], value, "{name}");
    }
    assert_eq!(state["route"][1]["city"], "lima");
    assert_eq!(state["route"][1]["code"], 7);
    assert_eq!(state["engine"]["colour"], "Blue");
    let doors: Vec<_> = state["door"].as_array().unwrap().iter().map(|door| door["colour"].clone()).collect();
    assert_eq!(doors.len(), 2);
    assert!(doors.contains(&json!("Red")) && doors.contains(&json!("GREEN")), "{doors:?}");
    assert!(state["id"].as_str().unwrap().starts_with("id-"));
}

#[tokio::test]
async fn what_is_not_mentioned_is_null_or_default_or_decided_by_the_server() {
    let (mut core, _) = core().await;
    let applied = core.apply("toy_thing", "plain", &json!({ "name": "plain" })).await.unwrap();
    for name in ["colour", "note", "labels", "home", "route", "visited", "friends", "engine"] {
        assert_eq!(applied.state.get(name), &Value::Null, "{name}");
    }
    assert_eq!(applied.state.get("size"), &Value::from(1));
    assert_eq!(applied.state.get("region"), &Value::from("moon"));
    assert_eq!(applied.state.get("limits").get("heat"), &Value::from(40));
    assert_eq!(applied.state.get("step"), &Value::List(Vec::new()));
}

#[tokio::test]
async fn drift_is_shown_and_repaired() {
    let (mut core, toy) = core().await;
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    {
        let mut things = toy.server.things.lock().unwrap();
        let robot = things.get_mut("robot").unwrap();
        robot.colour = tfplugin::model::Attr::Known(tfplugin::model::Text::new("green"));
    }
    let plan = core.plan("toy_thing", "robot", &everything()).await.unwrap();
    assert_eq!(plan.action, Action::Update);
    assert_eq!(plan.prior.get("colour"), &Value::from("green"));
    assert_eq!(plan.planned.get("colour"), &Value::from("RED"));
    assert!(plan.planned.get("revision").is_unknown());
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    assert_eq!(
        toy.server.things.lock().unwrap()["robot"].colour.known().map(|text| text.to_string()),
        Some("red".into())
    );
}

#[tokio::test]
async fn what_is_gone_is_created_again() {
    let (mut core, toy) = core().await;
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    toy.server.things.lock().unwrap().clear();
    let plan = core.plan("toy_thing", "robot", &everything()).await.unwrap();
    assert_eq!((plan.action, &plan.prior), (Action::Create, &Value::Null));
    core.apply_plan(plan, &everything()).await.unwrap();
    toy.server.things.lock().unwrap().clear();
    let found = core.refresh("toy_thing", "robot").await.unwrap();
    assert!(found.state.is_null() && core.instance("toy_thing", "robot").is_none());
}

#[tokio::test]
async fn replaced_are_only_objects_whose_meaning_changes() {
    let (mut core, toy) = core().await;
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    let plan =
        core.plan("toy_thing", "robot", &with(everything(), json!({ "name": "android" }))).await.unwrap();
    assert_eq!(
        (plan.action, plan.replaces.as_slice()),
        (Action::Replace, [Path::attribute("name")].as_slice())
    );
    assert!(plan.planned.get("id").is_unknown());

    let nuclear = with(everything(), json!({ "engine": { "fuel": "uranium" } }));
    let plan = core.plan("toy_thing", "robot", &nuclear).await.unwrap();
    assert_eq!(plan.replaces, [Path::attribute("engine").attr("fuel")]);
    let before = stored(&core, "toy_thing", "robot")["id"].clone();
    let applied = core.apply_plan(plan, &nuclear).await.unwrap();
    assert_eq!(applied.action, Action::Replace);
    assert_ne!(stored(&core, "toy_thing", "robot")["id"], before);
    assert_eq!(toy.server.things.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn unknown_values_are_filled_in_by_the_apply() {
    let (mut core, _) = core().await;
    let unknown = with(
        everything(),
        json!({
            "colour": UNKNOWN,
            "labels": UNKNOWN,
            "home": UNKNOWN,
            "route": [{ "city": UNKNOWN }],
            "visited": [{ "city": UNKNOWN, "code": 2 }],
            "step": [{ "action": UNKNOWN }],
        }),
    );
    let known = with(
        everything(),
        json!({ "route": [{ "city": "Oslo" }], "visited": [{ "city": "Bern", "code": 2 }], "step": [{ "action": "sit" }] }),
    );
    let plan = core.plan("toy_thing", "robot", &unknown).await.unwrap();
    assert!(plan.planned.get("home").is_unknown() && plan.planned.get("colour").is_unknown());
    core.apply_plan(plan, &known).await.unwrap();
    assert_eq!(core.plan("toy_thing", "robot", &known).await.unwrap().action, Action::NoOp);

    // An update that turns out to change nothing.
    let plan =
        core.plan("toy_thing", "robot", &with(known.clone(), json!({ "note": UNKNOWN }))).await.unwrap();
    assert_eq!(plan.action, Action::Update);
    assert_eq!(core.apply_plan(plan, &known).await.unwrap().action, Action::NoOp);
}

#[tokio::test]
async fn write_only_values_reach_the_server_and_no_state() {
    let (mut core, toy) = core().await;
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    assert_eq!(stored(&core, "toy_thing", "robot")["password_wo"], Json::Null);
    let other = with(everything(), json!({ "password_wo": "other" }));
    assert_eq!(core.apply("toy_thing", "robot", &other).await.unwrap().action, Action::NoOp);
    let again = with(other, json!({ "password_wo_version": 2 }));
    assert_eq!(core.apply("toy_thing", "robot", &again).await.unwrap().action, Action::Update);
    assert_eq!(*toy.server.secrets.lock().unwrap(), ["sesame", "other"]);
}

#[tokio::test]
async fn imported_is_what_is_there() {
    let (mut core, _) = core().await;
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    let found = core.import("toy_thing", "twin", "robot").await.unwrap();
    assert_eq!(found.state.get("size"), &Value::from(5));
    // The server's spelling differs from the user's, which is a change of state and nothing else.
    let plan = core.plan("toy_thing", "twin", &everything()).await.unwrap();
    assert_eq!((plan.action, plan.replaces), (Action::Update, vec![]));

    let refusal = core.import("toy_thing", "nobody", "nobody").await.unwrap_err();
    assert!(refusal.to_string().contains("no object \"nobody\""), "{refusal}");
    assert_eq!(findings(core.import("toy_thing", "nobody", "no body").await), ["error (root): Bad id"]);
    assert_eq!(findings(core.import("toy_thing", "nobody", "").await), ["error (root): Missing import id"]);
    assert_eq!(
        findings(core.import("toy_trouble", "x", "x").await),
        ["error (root): Import is not supported"]
    );
}

#[tokio::test]
async fn data_sources_are_read() {
    let (mut core, _) = core().await;
    core.apply("toy_thing", "robot", &everything()).await.unwrap();
    let query = json!({ "name": "robot", "door": [{ "colour": "BLUE" }] });
    let found = core.read_data_source("toy_thing", &query).await.unwrap();
    assert_eq!(found.state.get("colour"), &Value::from("red"));
    let Value::Set(doors) = found.state.get("door") else { panic!() };
    assert_eq!(doors[0].get("colour"), &Value::from("BLUE"));

    let missing = core.read_data_source("toy_thing", &json!({ "name": "nobody" })).await;
    assert_eq!(findings(missing), ["error name: No such thing"]);
}

#[tokio::test]
async fn faults_of_configuration_are_found_at_the_attribute_all_at_once() {
    let (core, _) = core().await;
    let config = json!({
        "name": "robot",
        "old_name": "robot",
        "colour": "grey",
        "colours": ["red", "mauve"],
        "size": 0.5,
        "route": [{ "city": "Rome" }, { "city": "" }],
        "visited": [{ "city": "" }],
        "friends": { "r2": { "city": "" } },
        "engine": { "fuel": "coal", "colour": "beige" },
        "door": [{ "colour": "none" }],
    });
    let found = findings(core.validate("toy_thing", &config).await);
    let expected = [
        "error colour: Invalid colour",
        "error colours: Invalid colour",
        "error size: Number out of range",
        // Paths as Terraform finds lines by them: no further than one element below an attribute.
        "error route[1]: Invalid city",
        "error visited[\"city\"]: Invalid city",
        "error friends[\"r2\"]: Invalid city",
        "error engine.colour: Invalid colour",
        "error door.colour: Invalid colour",
    ];
    assert_eq!(found, expected);
    let both = json!({ "name": "robot", "old_name": "robot", "colour": "grey" });
    let expected = ["error colour: Invalid colour", "error old_name: Twice the same name"];
    assert_eq!(findings(core.validate("toy_thing", &both).await), expected);
    let unknown = json!({ "name": UNKNOWN, "colour": UNKNOWN, "route": UNKNOWN, "size": 2_000_000 });
    let warnings = core.validate("toy_thing", &unknown).await.unwrap();
    assert_eq!(summaries(&warnings), ["warning size: That is large"]);
}

#[tokio::test]
async fn what_terraform_refuses_never_reaches_the_provider() {
    let (core, _) = core().await;
    let refused = [
        (json!({}), "name"),
        (json!({ "name": "a", "nmae": 1 }), "nmae"),
        (json!({ "name": "a", "id": "b" }), "id"),
        (json!({ "name": 1 }), "name"),
        (json!({ "name": "a", "route": [{}] }), "route[0].city"),
        (
            json!({ "name": "a", "step": [{ "action": "" }, { "action": "" }, { "action": "" }, { "action": "" }] }),
            "step",
        ),
        (json!({ "name": "a", "special": [] }), "special"),
    ];
    for (config, path) in refused {
        let refusal = core.validate("toy_thing", &config).await.unwrap_err();
        assert!(refusal.to_string().contains(&format!("(at {path})")), "{refusal}");
    }
}

#[tokio::test]
async fn the_provider_block_is_checked_and_configures() {
    let (mut core, toy) = core().await;
    assert_eq!(*toy.server.terraform_version.lock().unwrap(), "1.15.5");
    let warnings =
        core.reconfigure(&json!({ "endpoint": "far away", "retry": { "count": 3 } })).await.unwrap();
    assert_eq!(summaries(&warnings), ["warning (root): This may take long"]);
    core.reconfigure(&json!({ "endpoint": UNKNOWN })).await.unwrap();
    let wrong = [
        ("nowhere", "error endpoint: No such place"),
        ("locked", "error token: Locked"),
        ("panic", "error (root): The provider failed"),
        ("broken", "error (root): The provider failed"),
    ];
    for (endpoint, finding) in wrong {
        assert_eq!(findings(core.reconfigure(&json!({ "endpoint": endpoint })).await), [finding]);
    }
}

#[test]
fn the_toys_are_honest() {
    use tfplugin::model::TextType;
    assert!(City::EXAMPLES.iter().all(|city| City::check(city).is_ok()));
}
