use serde_json::{Value as Json, json};

use super::*;
use crate::{
    model,
    model::{List, Map, Model as _, Set},
    testing::{self, UNKNOWN},
};

model! {
    /// An object with every kind of part.
    struct Whole {
        /// .
        name: String = required().replaces(),
        /// .
        note: String = optional().empty_is_null(),
        /// .
        size: i64 = optional().default(1),
        /// .
        region: String = optional().or_computed(),
        /// .
        id: String = computed(),
        /// .
        revision: i64 = computed().volatile(),
        /// .
        secret: String = optional().write_only(),
        /// .
        one: Part = optional(),
        /// .
        list: List<Part> = optional(),
        /// .
        set: Set<Part> = optional(),
        /// .
        map: Map<Part> = optional(),
        /// .
        given: Part = optional().or_computed(),
        /// .
        block: Inner = block(),
        /// .
        group: Inner = block().group(),
        /// .
        blocks: List<Inner> = block(),
        /// .
        block_set: Set<Plain> = block(),
        /// .
        block_map: Map<Inner> = block(),
    }
}

model! {
    /// A nested object.
    struct Part {
        /// .
        key: String = optional(),
        /// .
        size: i64 = optional().default(1),
        /// .
        id: String = computed(),
        /// .
        fixed: String = optional().replaces(),
    }
}

model! {
    /// A block.
    struct Inner {
        /// .
        key: String = optional(),
        /// .
        id: String = computed(),
        /// .
        count: i64 = computed().volatile(),
        /// .
        fixed: String = optional().replaces(),
        /// .
        secret: String = optional().write_only(),
    }
}

model! {
    /// A block for sets.
    struct Plain {
        /// .
        key: String = optional(),
        /// .
        id: String = computed(),
    }
}

fn schema() -> Schema {
    Whole::schema(0)
}

/// An object as Terraform would send it, but for write-only values, which stay. Null is no object.
fn config(json: &Json) -> Value {
    let schema = schema();
    let mut value = testing::value(&schema.object_type(), json);
    if let Value::Object(parts) = &mut value {
        for field in &schema.fields {
            let part = parts.entry(field.name().to_owned()).or_insert(Value::Null);
            if part.is_null() {
                *part = field.absent();
            }
        }
    }
    value
}

/// An object as it would be planned or stored.
fn object(json: &Json) -> Value {
    normalise(&schema(), config(json))
}

/// What every plan of a new object has.
fn new_object(json: Json) -> Json {
    let mut all = json!({ "name": "a", "size": 1, "region": UNKNOWN, "id": UNKNOWN, "revision": UNKNOWN, "given": UNKNOWN });
    all["group"] = json!({ "id": UNKNOWN, "count": UNKNOWN });
    merge(all, json)
}

/// What every object that is there has.
fn old_object(json: Json) -> Json {
    let mut all = json!({ "name": "a", "size": 1, "region": "moon", "id": "1", "revision": 3 });
    all["group"] = json!({ "id": "2", "count": 3 });
    merge(all, json)
}

fn changed_object(json: Json) -> Json {
    let changed = json!({ "revision": UNKNOWN, "group": { "id": "2", "count": UNKNOWN } });
    merge(merge(old_object(json!({})), changed), json)
}

fn merge(mut all: Json, mut other: Json) -> Json {
    all.as_object_mut().unwrap().append(other.as_object_mut().unwrap());
    all
}

fn plan_of(prior: &Json, configured: &Json) -> Plan {
    plan(&schema(), Proposal { prior: &object(prior), config: &config(configured) })
}

#[track_caller]
fn check(prior: &Json, configured: &Json, planned: &Json) {
    let plan = plan_of(prior, configured);
    assert_eq!(plan.planned, object(planned), "\nprior {prior}\nconfig {configured}");
}

#[test]
fn what_is_to_be_destroyed_is_null() {
    let plan = plan_of(&old_object(json!({})), &Json::Null);
    assert_eq!(plan, Plan { planned: Value::Null, replaces: vec![] });
}

#[test]
fn a_new_object_is_as_configured_and_otherwise_default_unknown_or_null() {
    let rows = [
        (json!({}), json!({})),
        (json!({ "note": "n" }), json!({ "note": "n" })),
        (json!({ "note": "" }), json!({ "note": "" })),
        (json!({ "note": UNKNOWN }), json!({ "note": UNKNOWN })),
        (json!({ "size": 5 }), json!({ "size": 5 })),
        (json!({ "size": UNKNOWN }), json!({ "size": UNKNOWN })),
        (json!({ "region": "mars" }), json!({ "region": "mars" })),
        (json!({ "secret": "s" }), json!({})),
        (json!({ "one": {} }), json!({ "one": { "size": 1, "id": UNKNOWN } })),
        (json!({ "one": UNKNOWN }), json!({ "one": UNKNOWN })),
        (json!({ "list": [] }), json!({ "list": [] })),
        (
            json!({ "list": [{ "key": "k", "size": 2 }, null, UNKNOWN] }),
            json!({ "list": [{ "key": "k", "size": 2, "id": UNKNOWN }, null, UNKNOWN] }),
        ),
        (json!({ "set": [{ "key": "k" }] }), json!({ "set": [{ "key": "k", "size": 1, "id": UNKNOWN }] })),
        (json!({ "map": { "x": {} } }), json!({ "map": { "x": { "size": 1, "id": UNKNOWN } } })),
        (json!({ "map": UNKNOWN }), json!({ "map": UNKNOWN })),
        (json!({ "given": { "key": "k" } }), json!({ "given": { "key": "k", "size": 1, "id": UNKNOWN } })),
        (json!({ "block": { "secret": "s" } }), json!({ "block": { "id": UNKNOWN, "count": UNKNOWN } })),
        (
            json!({ "group": { "key": "k" } }),
            json!({ "group": { "key": "k", "id": UNKNOWN, "count": UNKNOWN } }),
        ),
        (json!({ "blocks": [{}] }), json!({ "blocks": [{ "id": UNKNOWN, "count": UNKNOWN }] })),
        (json!({ "blocks": UNKNOWN }), json!({ "blocks": UNKNOWN })),
        (json!({ "block_set": [{ "key": "k" }] }), json!({ "block_set": [{ "key": "k", "id": UNKNOWN }] })),
        (
            json!({ "block_map": { "x": {} } }),
            json!({ "block_map": { "x": { "id": UNKNOWN, "count": UNKNOWN } } }),
        ),
    ];
    for (configured, planned) in rows {
        check(&Json::Null, &merge(json!({ "name": "a" }), configured), &new_object(planned));
    }
}

#[test]
fn an_object_that_does_not_change_is_planned_as_it_is() {
    let kept = [
        json!({}),
        json!({ "note": "n" }),
        json!({ "region": "mars" }),
        json!({ "one": { "key": "k", "size": 1, "id": "3" } }),
        // A computed value may be null for good.
        json!({ "one": { "key": "k", "size": 1 }, "set": [{ "key": "k", "size": 1 }] }),
        json!({ "list": [{ "size": 1, "id": "3" }], "map": { "x": { "size": 1, "id": "4" } } }),
        json!({ "set": [{ "key": "k", "size": 1, "id": "3" }, { "key": "l", "size": 1, "id": "4" }] }),
        json!({ "given": { "key": "k", "size": 1, "id": "3" } }),
        json!({ "blocks": [{ "key": "k", "id": "3", "count": 1 }], "block": { "id": "4", "count": 1 } }),
        json!({ "block_set": [{ "key": "k", "id": "3" }], "block_map": { "x": { "id": "4", "count": 2 } } }),
    ];
    for parts in kept {
        let prior = old_object(parts.clone());
        let configured = merge(json!({ "name": "a" }), without_computed(parts));
        check(&prior, &configured, &prior);
        assert_eq!(plan_of(&prior, &configured).replaces, []);
    }
}

/// What a user wrote of an object.
fn without_computed(json: Json) -> Json {
    match json {
        Json::Object(parts) => {
            let written = parts.into_iter().filter(|(name, _)| name != "id" && name != "count");
            Json::Object(written.map(|(name, part)| (name, without_computed(part))).collect())
        }
        Json::Array(items) => items.into_iter().map(without_computed).collect(),
        other => other,
    }
}

#[test]
fn a_change_keeps_what_the_provider_set_and_makes_volatile_values_unknown() {
    let rows = [
        // prior, config, planned
        (json!({ "note": "n" }), json!({}), json!({})),
        (json!({ "note": "n" }), json!({ "note": "" }), json!({ "note": "" })),
        (json!({}), json!({ "size": 5 }), json!({ "size": 5 })),
        (json!({ "size": 5 }), json!({}), json!({ "size": 1 })),
        (json!({}), json!({ "region": "mars" }), json!({ "region": "mars" })),
        (json!({ "region": "mars", "note": "n" }), json!({}), json!({ "region": "mars" })),
        (json!({}), json!({ "one": {} }), json!({ "one": { "size": 1, "id": UNKNOWN } })),
        (
            json!({ "one": { "key": "k", "size": 2, "id": "3" } }),
            json!({ "one": { "key": "l" } }),
            json!({ "one": { "key": "l", "size": 1, "id": "3" } }),
        ),
        (
            json!({ "list": [{ "key": "k", "size": 1, "id": "3" }] }),
            json!({ "list": [{ "key": "l" }, { "key": "m" }] }),
            json!({ "list": [{ "key": "l", "size": 1, "id": "3" }, { "key": "m", "size": 1, "id": UNKNOWN }] }),
        ),
        (
            json!({ "map": { "x": { "size": 1, "id": "3" }, "y": { "size": 1, "id": "4" } } }),
            json!({ "map": { "y": { "size": 2 }, "z": {} } }),
            json!({ "map": { "y": { "size": 2, "id": "4" }, "z": { "size": 1, "id": UNKNOWN } } }),
        ),
        // Elements of a set are what they were if only computed values differ; defaults come back.
        (
            json!({ "set": [{ "key": "k", "size": 7, "id": "3" }, { "key": "l", "size": 1, "id": "4" }] }),
            json!({ "set": [{ "key": "k" }, { "key": "m" }] }),
            json!({ "set": [{ "key": "k", "size": 1, "id": "3" }, { "key": "m", "size": 1, "id": UNKNOWN }] }),
        ),
        (
            json!({ "blocks": [{ "key": "k", "id": "3", "count": 1 }] }),
            json!({ "blocks": [{ "key": "l" }, {}] }),
            json!({ "blocks": [{ "key": "l", "id": "3", "count": UNKNOWN }, { "id": UNKNOWN, "count": UNKNOWN }] }),
        ),
        (
            json!({ "block_set": [{ "key": "k", "id": "3" }] }),
            json!({ "block_set": [{ "key": "l" }, { "key": "k" }] }),
            json!({ "block_set": [{ "key": "k", "id": "3" }, { "key": "l", "id": UNKNOWN }] }),
        ),
    ];
    for (prior, configured, planned) in rows {
        check(&old_object(prior), &merge(json!({ "name": "a" }), configured), &changed_object(planned));
    }
}

#[test]
fn replaced_is_what_a_flagged_attribute_changes_in() {
    let rows = [
        (json!({}), json!({ "name": "b" }), vec!["name"]),
        (json!({}), json!({ "name": UNKNOWN }), vec!["name"]),
        (json!({}), json!({ "note": "n" }), vec![]),
        (json!({ "one": { "fixed": "x" } }), json!({ "one": { "fixed": "y" } }), vec!["one.fixed"]),
        (json!({ "one": { "fixed": "x" } }), json!({ "one": { "fixed": "x", "key": "k" } }), vec![]),
        (json!({ "one": { "fixed": "x" } }), json!({}), vec!["one.fixed"]),
        (json!({}), json!({ "one": { "fixed": "x" } }), vec!["one.fixed"]),
        (json!({ "one": { "fixed": "x" } }), json!({ "one": UNKNOWN }), vec!["one.fixed"]),
        (
            json!({ "list": [{ "fixed": "x" }, { "fixed": "y" }] }),
            json!({ "list": [{ "fixed": "x" }, { "fixed": "z" }, { "fixed": "a" }] }),
            vec!["list[1].fixed", "list[2].fixed"],
        ),
        (json!({ "list": [{ "fixed": "x" }] }), json!({ "list": [] }), vec!["list[0].fixed"]),
        (
            json!({ "map": { "x": { "fixed": "x" }, "y": {} } }),
            json!({ "map": { "x": { "fixed": "y" }, "z": { "fixed": "z" } } }),
            vec!["map[\"x\"].fixed", "map[\"z\"].fixed"],
        ),
        (json!({ "set": [{ "fixed": "x" }] }), json!({ "set": [{ "fixed": "y" }] }), vec!["set"]),
        (json!({ "block": { "fixed": "x" } }), json!({ "block": { "fixed": "y" } }), vec!["block.fixed"]),
        (
            json!({ "blocks": [{ "fixed": "x" }] }),
            json!({ "blocks": [{ "fixed": "y" }] }),
            vec!["blocks[0].fixed"],
        ),
        (json!({}), json!({ "block_set": [{ "key": "k" }] }), vec![]),
    ];
    for (prior, planned, expected) in rows {
        let name = json!({ "name": "a" });
        let (prior, planned) = (object(&merge(name.clone(), prior)), object(&merge(name, planned)));
        let found = replaced(&schema(), &prior, &planned);
        assert_eq!(found.iter().map(Path::to_string).collect::<Vec<_>>(), expected);
        assert_eq!(replaced(&schema(), &Value::Null, &planned), [], "nothing is replaced by a create");
    }
}

#[test]
fn a_refined_plan_is_complete() {
    let prior = object(&old_object(json!({ "blocks": [{ "id": "3", "count": 1 }] })));
    let configured = config(&json!({ "name": "a", "blocks": [{}] }));
    let plan = plan(&schema(), Proposal { prior: &prior, config: &configured });
    assert_eq!(plan.planned, prior);
    assert_eq!(refine(&schema(), &prior, plan.clone(), plan.planned.clone()), plan);

    // The resource knows of a change: what it left alone and is volatile becomes unknown.
    let change = json!({ "id": "9", "blocks": [{ "id": "3", "count": 1 }] });
    let refined = refine(&schema(), &prior, plan.clone(), object(&old_object(change)));
    let expected = json!({ "id": "9", "blocks": [{ "id": "3", "count": UNKNOWN }] });
    assert_eq!(refined.planned, object(&changed_object(expected)));
    // What it decided stays.
    let decided = json!({ "id": "9", "revision": 4, "blocks": [{ "id": "3", "count": 2 }] });
    let refined = refine(&schema(), &prior, plan.clone(), object(&old_object(decided)));
    let expected = json!({ "id": "9", "revision": 4, "blocks": [{ "id": "3", "count": 2 }] });
    assert_eq!(refined.planned, object(&changed_object(expected)));

    let other_name = refine(&schema(), &prior, plan, object(&old_object(json!({ "name": "b" }))));
    assert_eq!(other_name.replaces, [Path::attribute("name")]);
}

#[test]
fn normal_objects_have_no_write_only_values_and_no_null_blocks() {
    let model = Whole { secret: model::Attr::Known("s".to_owned()), ..Whole::default() };
    let value = normalise(&schema(), model::TfType::encode(&model));
    assert_eq!(value.get("secret"), &Value::Null);
    assert_eq!(value.get("block"), &Value::Null);
    assert_eq!(value.get("group").get("key"), &Value::Null);
    assert!(value.get("group").as_object().is_some());
    assert_eq!(value.get("blocks"), &Value::List(vec![]));
    assert_eq!(value.get("block_set"), &Value::Set(vec![]));
    assert_eq!(value.get("block_map"), &Value::Map(BTreeMap::new()));
    let nested = object(&json!({ "block": { "secret": "s" }, "blocks": [{ "secret": "s" }] }));
    assert_eq!(nested.get("block").get("secret"), &Value::Null);
    assert_eq!(nested.get("blocks"), object(&json!({ "blocks": [{}] })).get("blocks"));
    assert_eq!(normalise(&schema(), Value::Null), Value::Null);
}

#[test]
fn a_written_configuration_is_without_what_need_not_be_said() {
    let rows = [
        // state, configuration
        (old_object(json!({})), json!({ "name": "a", "region": "moon" })),
        (json!({ "name": "a", "note": "", "size": 2, "secret": "s" }), json!({ "name": "a", "size": 2 })),
        (json!({ "one": { "key": "k", "id": "1", "size": 1 } }), json!({ "one": { "key": "k" } })),
        // That there is one says something by itself.
        (json!({ "one": { "id": "1", "size": 1 } }), json!({ "one": {} })),
        (json!({ "list": [{ "size": 1 }, { "size": 2 }] }), json!({ "list": [{}, { "size": 2 }] })),
        (json!({ "map": { "x": { "id": "1" } } }), json!({ "map": { "x": {} } })),
        (json!({ "set": [{ "key": "k", "id": "1", "size": 1 }] }), json!({ "set": [{ "key": "k" }] })),
        (json!({ "block": { "key": "k", "count": 1, "secret": "s" } }), json!({ "block": { "key": "k" } })),
        (json!({ "block_map": { "x": { "id": "1" } } }), json!({ "block_map": { "x": {} } })),
    ];
    for (state, expected) in rows {
        let state = object(&state);
        let found = written(&schema(), state.clone());
        assert_eq!(found, config(&expected));
        // It leads where it came from.
        let plan = plan(&schema(), Proposal { prior: &state, config: &found });
        assert!(plan.replaces.is_empty(), "{:?}", plan.replaces);
    }
    assert_eq!(written(&schema(), Value::Null), Value::Null);
}

#[test]
fn unknown_parts_are_stored_as_null() {
    let value = object(
        &json!({ "name": UNKNOWN, "list": [{ "id": UNKNOWN }], "map": { "x": UNKNOWN }, "set": UNKNOWN }),
    );
    assert_eq!(unknown_as_null(value), object(&json!({ "list": [{}], "map": { "x": null } })));
}

#[test]
fn configured_write_only_attributes_are_found_at_every_depth() {
    let configured = json!({
        "secret": "s",
        "block": { "secret": UNKNOWN },
        "group": { "key": "k" },
        "blocks": [{}, { "secret": "s" }],
        "block_map": { "x": { "secret": "s" } },
    });
    let found = write_only_in(&schema(), &config(&configured));
    let found: Vec<_> = found.iter().map(Path::to_string).collect();
    assert_eq!(found, ["secret", "block.secret", "blocks[1].secret", "block_map[\"x\"].secret"]);
    assert_eq!(write_only_in(&schema(), &config(&json!({ "name": "a" }))), []);
}

/// Blocks with a dynamic attribute inside come with types of their own.
#[test]
fn blocks_of_different_types_are_planned_one_by_one() {
    let attribute = |name, presence, kind| {
        let mut fields = Plain::fields();
        let Field::Attribute(mut attribute) = fields.remove(0) else { unreachable!() };
        (attribute.name, attribute.presence, attribute.kind) = (name, presence, kind);
        Field::Attribute(attribute)
    };
    let fields = [
        attribute("any", Presence::Optional, Kind::Plain(crate::value::Type::Dynamic)),
        attribute("id", Presence::Computed, Kind::Plain(crate::value::Type::String)),
    ];
    let block = |any: Value, id: Value| {
        Value::Object(BTreeMap::from([("any".to_owned(), any), ("id".to_owned(), id)]))
    };
    let of = crate::value::Type::Tuple(vec![]);
    let tuple = |blocks: Vec<Value>| Value::dynamic(of.clone(), Value::Tuple(blocks));
    let prior = tuple(vec![block(Value::from("x"), Value::from("1"))]);
    let configured = tuple(vec![block(Value::from(true), Value::Null), block(Value::from(2), Value::Null)]);
    let planned = plan_nested(Nesting::List, &fields, &prior, &configured);
    let expected =
        tuple(vec![block(Value::from(true), Value::from("1")), block(Value::from(2), Value::UNKNOWN)]);
    assert_eq!(planned, expected);
    assert_eq!(map_objects(Nesting::List, expected, |_| Value::Null), tuple(vec![Value::Null, Value::Null]));
}
