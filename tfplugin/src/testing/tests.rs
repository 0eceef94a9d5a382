use proto::tfplugin6::Schema as WireSchema;
use proto::tfplugin6::schema::{
    Attribute, Block, NestedBlock, Object as WireObject, nested_block, object::NestingMode,
};
use serde_json::json;

use super::{
    proposed::proposed,
    schema::{Function, Identity},
    *,
};

fn attribute(name: &str, flags: &str) -> Attribute {
    let has = |flag| flags.split(' ').any(|found| found == flag);
    Attribute {
        name: name.to_owned(),
        r#type: "\"string\"".into(),
        required: has("required"),
        optional: has("optional"),
        computed: has("computed"),
        write_only: has("write_only"),
        ..Attribute::default()
    }
}

fn nested(name: &str, flags: &str, nesting: NestingMode) -> Attribute {
    let attributes = vec![
        attribute("key", "optional"),
        attribute("id", "computed"),
        attribute("free", "optional computed"),
    ];
    let nested_type = WireObject { attributes, nesting: nesting.into(), ..WireObject::default() };
    Attribute { r#type: Bytes::new(), nested_type: Some(nested_type), ..attribute(name, flags) }
}

fn block(name: &str, nesting: nested_block::NestingMode) -> NestedBlock {
    let attributes = vec![attribute("key", "optional"), attribute("id", "computed")];
    NestedBlock {
        type_name: name.to_owned(),
        block: Some(Block { attributes, ..Block::default() }),
        nesting: nesting.into(),
        ..NestedBlock::default()
    }
}

fn wire(attributes: Vec<Attribute>, block_types: Vec<NestedBlock>) -> WireSchema {
    WireSchema { version: 0, block: Some(Block { attributes, block_types, ..Block::default() }) }
}

fn whole() -> Schema {
    use nested_block::NestingMode as Blocks;
    let attributes = vec![
        attribute("plain", "optional"),
        attribute("free", "optional computed"),
        attribute("id", "computed"),
        attribute("secret", "optional write_only"),
        nested("one", "optional", NestingMode::Single),
        nested("list", "optional", NestingMode::List),
        nested("set", "optional", NestingMode::Set),
        nested("map", "optional", NestingMode::Map),
        nested("given", "optional computed", NestingMode::Single),
    ];
    let blocks = vec![
        block("single", Blocks::Single),
        block("group", Blocks::Group),
        block("blocks", Blocks::List),
        block("block_set", Blocks::Set),
        block("block_map", Blocks::Map),
    ];
    Schema::read("whole", &wire(attributes, blocks)).unwrap()
}

/// An object; where blocks are not mentioned there are none.
fn object(json: &Json) -> Value {
    let schema = whole();
    let mut value = value(&schema.object_type, json);
    if let Value::Object(parts) = &mut value {
        for (name, block) in &schema.object.blocks {
            if parts[name].is_null() {
                parts.insert(name.clone(), block.absent());
            }
        }
    }
    value
}

#[test]
fn a_schema_must_make_sense() {
    use nested_block::NestingMode as Blocks;
    let with_type = |json: &'static str| Attribute { r#type: json.into(), ..attribute("a", "optional") };
    let in_set = |inner: Attribute| {
        let mut set = nested("a", "optional", NestingMode::Set);
        set.nested_type.as_mut().unwrap().attributes.push(inner);
        set
    };
    let attributes = [
        (attribute("a", ""), "neither required"),
        (attribute("a", "required optional"), "required and also"),
        (attribute("a", "required computed"), "required and also"),
        (attribute("a", "computed write_only"), "write-only attribute that is computed"),
        (attribute("a", "optional computed write_only"), "write-only attribute that is computed"),
        (
            Attribute { deprecation_message: "m".to_owned(), ..attribute("a", "optional") },
            "deprecation message",
        ),
        (with_type(""), "not exactly one"),
        (with_type("\"int\""), "a type that is none"),
        (
            Attribute { r#type: "\"string\"".into(), ..nested("a", "optional", NestingMode::List) },
            "not exactly one",
        ),
        (nested("a", "optional", NestingMode::Invalid), "no nesting"),
        (in_set(attribute("b", "optional write_only")), "a set with a write-only"),
        (in_set(Attribute { name: "b".to_owned(), ..with_type("\"dynamic\"") }), "a set with a dynamic"),
    ];
    let limited = |nesting, min_items, max_items| NestedBlock { min_items, max_items, ..block("a", nesting) };
    let blocks = [
        (block("a", Blocks::Invalid), "no nesting"),
        (block("A", Blocks::List), "a block's name"),
        (block("", Blocks::List), "a block's name"),
        (NestedBlock { block: None, ..block("a", Blocks::List) }, "no block"),
        (limited(Blocks::Single, 0, 1), "0 to 1"),
        (limited(Blocks::Single, 2, 2), "2 to 2"),
        (limited(Blocks::Group, 1, 1), "1 to 1"),
        (limited(Blocks::List, 2, 1), "2 to 1"),
        (limited(Blocks::Set, 2, 1), "2 to 1"),
        (limited(Blocks::Map, 0, 1), "0 to 1"),
    ];
    let attributes = attributes.map(|(attribute, found)| (wire(vec![attribute], vec![]), found));
    let blocks = blocks.map(|(block, found)| (wire(vec![], vec![block]), found));
    for (schema, found) in attributes.into_iter().chain(blocks) {
        let violation = Schema::read("x", &schema).unwrap_err();
        assert_eq!((violation.rule, violation.path.to_string().starts_with("x")), (Rule::Schema, true));
        assert!(violation.found.contains(found), "{violation}");
    }
    let twice = wire(vec![attribute("a", "optional")], vec![block("a", Blocks::List)]);
    assert!(Schema::read("x", &twice).unwrap_err().found.contains("the same name twice"));
    assert!(Schema::read("x", &WireSchema { version: -1, ..wire(vec![], vec![]) }).is_err());
    assert!(Schema::read("x", &WireSchema::default()).is_err());
    assert!(whole().without_write_only("whole").is_err());
    for fine in [limited(Blocks::Single, 1, 1), limited(Blocks::List, 2, 0), limited(Blocks::Set, 2, 2)] {
        Schema::read("x", &wire(vec![], vec![fine])).unwrap();
    }
}

#[test]
fn an_identity_must_make_sense() {
    use proto::tfplugin6::{ResourceIdentitySchema, resource_identity_schema::IdentityAttribute};
    let attribute = |json: &'static str, required, optional| IdentityAttribute {
        name: "a".to_owned(),
        r#type: json.into(),
        required_for_import: required,
        optional_for_import: optional,
        ..IdentityAttribute::default()
    };
    let read = |version, attribute| {
        Identity::read("x", &ResourceIdentitySchema { version, identity_attributes: vec![attribute] })
    };
    for json in ["\"string\"", "\"number\"", "\"bool\"", "[\"list\",\"string\"]"] {
        let identity = read(0, attribute(json, true, false)).unwrap();
        assert_eq!(identity.required, ["a"]);
    }
    let broken = [
        (-1, attribute("\"string\"", true, false), "a negative version"),
        (0, attribute("\"string\"", false, false), "not exactly one of"),
        (0, attribute("\"string\"", true, true), "not exactly one of"),
        (0, attribute("", true, false), "a type that is none"),
        (0, attribute("\"dynamic\"", true, false), "an identity with a dynamic"),
        (0, attribute("[\"map\",\"string\"]", true, false), "an identity with a map"),
        (0, attribute("[\"list\",[\"list\",\"string\"]]", true, false), "an identity with a list of list"),
    ];
    for (version, attribute, found) in broken {
        let violation = read(version, attribute).unwrap_err();
        assert_eq!((violation.rule, violation.found.contains(found)), (Rule::Schema, true), "{violation}");
    }
}

#[test]
fn a_signature_must_make_sense() {
    use proto::tfplugin6::function::{Parameter, Return};
    let parameter =
        |name: &str| Parameter { name: name.to_owned(), r#type: "\"string\"".into(), ..Parameter::default() };
    let whole = || proto::tfplugin6::Function {
        parameters: vec![parameter("a"), parameter("b")],
        variadic_parameter: Some(parameter("c")),
        r#return: Some(Return { r#type: "\"bool\"".into() }),
        ..Default::default()
    };
    let function = Function::read("join_all", &whole()).unwrap();
    assert_eq!((function.parameters.len(), function.output), (2, Type::Bool));
    let broken = [
        ("1st", whole(), "no identifier"),
        ("", whole(), "no identifier"),
        (
            "f",
            proto::tfplugin6::Function { variadic_parameter: Some(parameter("a")), ..whole() },
            "there twice",
        ),
        ("f", proto::tfplugin6::Function { parameters: vec![parameter("a b")], ..whole() }, "no identifier"),
        ("f", proto::tfplugin6::Function { r#return: None, ..whole() }, "no result"),
        (
            "f",
            proto::tfplugin6::Function { r#return: Some(Return::default()), ..whole() },
            "a type that is none",
        ),
    ];
    for (name, function, found) in broken {
        let violation = Function::read(name, &function).unwrap_err();
        assert_eq!((violation.rule, violation.found.contains(found)), (Rule::Schema, true), "{violation}");
    }
}

#[test]
fn a_generated_configuration_can_be_written() {
    let fine = json!({ "plain": "a", "one": { "key": "k" }, "blocks": [{ "key": "k" }], "map": { "x": {} } });
    rules::can_be_written(&whole().object, &object(&fine), &Path::root()).unwrap();
    let broken = [
        (json!({ "id": "1" }), "id"),
        (json!({ "one": { "id": "1" } }), "one.id"),
        (json!({ "map": { "x": { "id": "1" } } }), "map[\"x\"].id"),
        (json!({ "blocks": [{ "id": "1" }] }), "blocks[0].id"),
    ];
    for (config, path) in broken {
        let violation = rules::can_be_written(&whole().object, &object(&config), &Path::root()).unwrap_err();
        assert_eq!((violation.rule, violation.path.to_string().as_str()), (Rule::GeneratedConfig, path));
    }
    let schema = Schema::read("x", &wire(vec![attribute("a", "required")], vec![])).unwrap();
    let violation = rules::can_be_written(&schema.object, &schema.object.empty(), &Path::root()).unwrap_err();
    assert_eq!(violation.path, Path::attribute("a"));
}

#[test]
fn proposed_is_configuration_with_prior_values_where_the_provider_sets_them() {
    let rows = [
        // prior, config, proposed
        (json!(null), json!({ "plain": "a" }), json!({ "plain": "a" })),
        (json!({ "plain": "a", "id": "1" }), json!({}), json!({ "id": "1" })),
        (json!({ "free": "a" }), json!({}), json!({ "free": "a" })),
        (json!({ "free": "a" }), json!({ "free": "b" }), json!({ "free": "b" })),
        (json!({}), json!({ "secret": "s" }), json!({ "secret": "s" })),
        (
            json!({ "one": { "id": "1" } }),
            json!({ "one": { "key": "k" } }),
            json!({ "one": { "key": "k", "id": "1" } }),
        ),
        (json!({ "one": { "id": "1" } }), json!({}), json!({})),
        (json!({ "one": { "id": "1" } }), json!({ "one": UNKNOWN }), json!({ "one": UNKNOWN })),
        // What only configuration can have set is not kept.
        (json!({ "given": { "key": "k", "id": "1" } }), json!({}), json!({})),
        (
            json!({ "given": { "free": "f", "id": "1" } }),
            json!({}),
            json!({ "given": { "free": "f", "id": "1" } }),
        ),
        (
            json!({ "list": [{ "id": "1" }] }),
            json!({ "list": [{}, {}] }),
            json!({ "list": [{ "id": "1" }, {}] }),
        ),
        (
            json!({ "map": { "x": { "id": "1" }, "y": { "id": "2" } } }),
            json!({ "map": { "y": {}, "z": {} } }),
            json!({ "map": { "y": { "id": "2" }, "z": {} } }),
        ),
        (
            json!({ "set": [{ "key": "k", "id": "1", "free": "f" }, { "key": "l", "id": "2" }] }),
            json!({ "set": [{ "key": "l" }, { "key": "k" }, { "key": "m" }] }),
            json!({ "set": [{ "key": "k", "id": "1", "free": "f" }, { "key": "l", "id": "2" }, { "key": "m" }] }),
        ),
        (
            json!({ "blocks": [{ "id": "1" }] }),
            json!({ "blocks": [{ "key": "k" }] }),
            json!({ "blocks": [{ "key": "k", "id": "1" }] }),
        ),
        (json!({ "group": { "id": "1" } }), json!({}), json!({ "group": { "id": "1" } })),
        (json!({ "single": { "id": "1" } }), json!({}), json!({})),
        (
            json!({ "block_set": [{ "key": "k", "id": "1" }] }),
            json!({ "block_set": [{ "key": "k" }] }),
            json!({ "block_set": [{ "key": "k", "id": "1" }] }),
        ),
    ];
    for (prior, config, expected) in rows {
        let found = proposed(&whole().object, &object(&prior), &object(&config));
        assert_eq!(found, object(&expected), "\nprior {prior}\nconfig {config}");
    }
}

#[track_caller]
fn check_plan(prior: &Json, config: &Json, planned: &Json, broken: Option<(Rule, &str)>) {
    let (prior, config, planned) = (object(prior), object(config), object(planned));
    let result = rules::plan_follows_config(&whole().object, &prior, &config, &planned, &Path::root());
    let found = result.err().map(|violation| (violation.rule, violation.path.to_string()));
    let expected = broken.map(|(rule, path)| (rule, path.to_owned()));
    assert_eq!(found, expected, "\nconfig {config:?}\nplanned {planned:?}");
}

#[test]
fn a_plan_may_be() {
    let rows = [
        // prior, config, planned
        (json!(null), json!(null), json!(null)),
        (json!(null), json!({ "plain": "a" }), json!({ "plain": "a" })),
        (json!({ "plain": "A" }), json!({ "plain": "a" }), json!({ "plain": "A" })),
        (json!(null), json!({ "plain": UNKNOWN }), json!({ "plain": UNKNOWN })),
        (json!({ "id": "1" }), json!({}), json!({ "id": "2" })),
        (json!({ "id": "1" }), json!({}), json!({ "id": UNKNOWN })),
        (json!({ "id": "1" }), json!({}), json!({})),
        (json!(null), json!({}), json!({ "free": "f" })),
        (json!(null), json!({ "secret": "s" }), json!({})),
        (json!(null), json!({ "one": { "key": "k" } }), json!({ "one": { "key": "k", "id": UNKNOWN } })),
        (json!(null), json!({ "one": UNKNOWN }), json!({ "one": UNKNOWN })),
        (json!(null), json!({}), json!({ "given": UNKNOWN })),
        (json!(null), json!({ "list": [{}, UNKNOWN] }), json!({ "list": [{ "id": "1" }, UNKNOWN] })),
        (
            json!({ "list": [{ "key": "K" }] }),
            json!({ "list": [{ "key": "k" }] }),
            json!({ "list": [{ "key": "K" }] }),
        ),
        (json!(null), json!({ "map": { "x": {} } }), json!({ "map": { "x": { "free": "f" } } })),
        // Elements of a set cannot be told apart.
        (json!(null), json!({ "set": [{ "key": "k" }] }), json!({ "set": [{ "key": "other" }] })),
        (json!(null), json!({ "single": {} }), json!({ "single": { "id": UNKNOWN } })),
        (json!(null), json!({ "blocks": [{}] }), json!({ "blocks": [{ "id": UNKNOWN }] })),
        (json!(null), json!({ "blocks": UNKNOWN }), json!({ "blocks": UNKNOWN })),
        (json!(null), json!({ "block_map": { "x": {} } }), json!({ "block_map": { "x": { "id": "1" } } })),
    ];
    for (prior, config, planned) in rows {
        check_plan(&prior, &config, &planned, None);
    }
}

#[test]
fn a_plan_may_not_be() {
    let rows = [
        // prior, config, planned, where it breaks
        (json!(null), json!({}), json!(null), "(root)"),
        (json!({}), json!(null), json!({}), "(root)"),
        (json!(null), json!({ "plain": "a" }), json!({ "plain": "b" }), "plain"),
        (json!({ "plain": "A" }), json!({ "plain": "a" }), json!({ "plain": "b" }), "plain"),
        (json!(null), json!({ "plain": "a" }), json!({ "plain": UNKNOWN }), "plain"),
        (json!({ "plain": "a" }), json!({}), json!({ "plain": "a" }), "plain"),
        (json!(null), json!({}), json!({ "plain": "a" }), "plain"),
        (json!(null), json!({ "free": "a" }), json!({ "free": "b" }), "free"),
        (json!(null), json!({ "one": {} }), json!({}), "one"),
        (json!(null), json!({}), json!({ "one": {} }), "one"),
        (json!(null), json!({ "one": {} }), json!({ "one": UNKNOWN }), "one"),
        (json!(null), json!({ "one": { "key": "k" } }), json!({ "one": { "key": "l" } }), "one.key"),
        (json!(null), json!({ "list": [{}] }), json!({ "list": [] }), "list"),
        (json!(null), json!({ "list": [{}] }), json!({ "list": [UNKNOWN] }), "list[0]"),
        (json!(null), json!({ "list": [{}, { "key": "k" }] }), json!({ "list": [{}, {}] }), "list[1].key"),
        (json!(null), json!({ "map": { "x": {} } }), json!({ "map": { "y": {} } }), "map"),
        (
            json!(null),
            json!({ "map": { "x": {} } }),
            json!({ "map": { "x": { "key": "k" } } }),
            "map[\"x\"].key",
        ),
        (json!(null), json!({ "set": [{}] }), json!({ "set": [{}, { "key": "k" }] }), "set"),
        (json!(null), json!({ "single": {} }), json!({}), "single"),
        (json!(null), json!({ "blocks": [{}] }), json!({ "blocks": [] }), "blocks"),
        (json!(null), json!({ "blocks": [{}] }), json!({ "blocks": UNKNOWN }), "blocks"),
        (json!(null), json!({ "blocks": UNKNOWN }), json!({ "blocks": [] }), "blocks"),
        (json!(null), json!({ "blocks": [{}] }), json!({ "blocks": [UNKNOWN] }), "blocks[0]"),
        (
            json!(null),
            json!({ "block_map": { "x": {} } }),
            json!({ "block_map": { "x": { "key": "k" } } }),
            "block_map[\"x\"].key",
        ),
    ];
    for (prior, config, planned, path) in rows {
        check_plan(&prior, &config, &planned, Some((Rule::PlanFollowsConfig, path)));
    }
    check_plan(
        &json!(null),
        &json!({ "secret": "s" }),
        &json!({ "secret": "s" }),
        Some((Rule::WriteOnly, "secret")),
    );
}

#[test]
fn no_blocks_are_never_null() {
    let config = object(&json!({}));
    let Value::Object(mut planned) = config.clone() else { unreachable!() };
    planned.insert("blocks".to_owned(), Value::Null);
    let planned = Value::Object(planned);
    let violation = rules::plan_follows_config(&whole().object, &config, &config, &planned, &Path::root());
    assert_eq!(violation.unwrap_err().path, Path::attribute("blocks"));
}

#[test]
fn what_is_applied_fills_in_what_was_planned() {
    let rows = [
        // planned, applied, where it breaks
        (json!({ "id": UNKNOWN }), json!({ "id": "1" }), None),
        (json!({ "id": UNKNOWN }), json!({}), None),
        (json!({ "id": "1" }), json!({ "id": "2" }), Some("id")),
        (json!({ "id": "1" }), json!({}), Some("id")),
        (json!({ "id": "1" }), json!({ "id": UNKNOWN }), Some("id")),
        (json!({}), json!({ "id": "1" }), Some("id")),
        (json!(null), json!({}), Some("(root)")),
        (json!({}), json!(null), Some("(root)")),
        (json!({ "one": UNKNOWN }), json!({ "one": { "key": "k" } }), None),
        (json!({ "one": { "id": UNKNOWN } }), json!({ "one": { "id": "1" } }), None),
        (json!({ "one": { "key": "k" } }), json!({ "one": { "key": "l" } }), Some("one.key")),
        (json!({ "list": [{}] }), json!({ "list": [{}, {}] }), Some("list")),
        (json!({ "list": [{}, {}] }), json!({ "list": [{}, { "key": "k" }] }), Some("list[1].key")),
        (json!({ "map": { "x": {} } }), json!({ "map": {} }), Some("map")),
        (json!({ "map": { "x": UNKNOWN } }), json!({ "map": { "x": { "key": "k" } } }), None),
        // A set may lose elements that turn out to be equal, and gains none.
        (json!({ "set": [{ "id": UNKNOWN }, { "key": UNKNOWN }] }), json!({ "set": [{}] }), None),
        (
            json!({ "set": [{ "id": UNKNOWN }] }),
            json!({ "set": [{ "id": "1" }, { "id": "2" }] }),
            Some("set"),
        ),
        (json!({ "set": [{ "key": "k" }] }), json!({ "set": [{ "key": "l" }] }), Some("set")),
        (json!({ "set": [{ "key": "k" }, { "key": "l" }] }), json!({ "set": [{ "key": "k" }] }), Some("set")),
        (json!({ "blocks": UNKNOWN }), json!({ "blocks": [{}] }), None),
        (json!({ "blocks": [{}] }), json!({ "blocks": [] }), Some("blocks")),
    ];
    for (planned, applied, expected) in rows {
        let result =
            rules::fills_in(Rule::ResultFollowsPlan, &object(&planned), &object(&applied), &Path::root());
        let found = result.err().map(|violation| violation.path.to_string());
        assert_eq!(found.as_deref(), expected, "\nplanned {planned}\napplied {applied}");
    }
    let dynamic = |value: Value| Value::dynamic(Type::String, value);
    let fills_in = |planned, applied| {
        rules::fills_in(Rule::ResultFollowsPlan, &dynamic(planned), &dynamic(applied), &Path::root()).is_ok()
    };
    assert!(fills_in(Value::UNKNOWN, Value::from("a")) && !fills_in(Value::from("a"), Value::from("b")));
}

#[test]
fn replace_paths_count_where_something_changes_and_must_exist() {
    let prior = object(&json!({ "plain": "a", "free": "f", "list": [{ "key": "k" }, {}] }));
    let planned = object(&json!({ "plain": "b", "free": "f", "list": [{ "key": "l" }] }));
    let plain = Path::attribute("plain");
    let element = |index| Path::attribute("list").index(index).attr("key");
    let paths = vec![plain.clone(), Path::attribute("free"), element(0), element(1)];
    assert_eq!(rules::changed_paths(&prior, &planned, paths), Ok(vec![plain.clone(), element(0)]));
    for nowhere in
        [Path::attribute("nowhere"), element(2), plain.attr("deeper"), Path::attribute("list").key("x")]
    {
        let violation = rules::changed_paths(&prior, &planned, vec![nowhere.clone()]).unwrap_err();
        assert_eq!((violation.rule, violation.path), (Rule::ReplacePath, nowhere));
    }
}

#[test]
fn stored_objects_are_known_and_without_write_only_values() {
    let unknown = object(&json!({ "map": { "x": { "id": UNKNOWN } } }));
    let violation = rules::is_wholly_known(&unknown).unwrap_err();
    assert_eq!((violation.rule, violation.path.to_string()), (Rule::WhollyKnown, "map[\"x\"].id".to_owned()));
    let secret = object(&json!({ "secret": "s" }));
    let violation = rules::write_only_is_null(&whole().object, &secret, &Path::root()).unwrap_err();
    assert_eq!((violation.rule, violation.path), (Rule::WriteOnly, Path::attribute("secret")));
    let fine = object(&json!({ "plain": "a", "set": [{}], "blocks": [{}] }));
    rules::is_wholly_known(&fine).unwrap();
    rules::write_only_is_null(&whole().object, &fine, &Path::root()).unwrap();
}

#[test]
fn attributes_that_there_are_no_longer_are_removed_from_state() {
    let mut state = json!({
        "plain": "a", "old": 1, "one": { "key": "k", "old": 1 },
        "list": [{ "old": 1 }], "map": { "x": { "old": 1, "id": "1" } },
    });
    whole().remove_surplus(&mut state);
    let expected =
        json!({ "plain": "a", "one": { "key": "k" }, "list": [{}], "map": { "x": { "id": "1" } } });
    assert_eq!(state, expected);
}

#[test]
fn violations_say_what_is_expected_and_what_was_found_where() {
    let planned = object(&json!({ "plain": "a" }));
    let applied = object(&json!({ "plain": "b" }));
    let violation = rules::fills_in(Rule::ResultFollowsPlan, &planned, &applied, &Path::root()).unwrap_err();
    let text = Failure::Violation { rpc: "ApplyResourceChange", violation }.to_string();
    insta::assert_snapshot!(text, @r#"the answer to ApplyResourceChange breaks a rule: what was applied must be what was planned; found at plain: String("b"), planned was String("a")"#);
}
