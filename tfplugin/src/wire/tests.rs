use proto::tfplugin6::{StringKind, attribute_path::step::Selector, schema::nested_block::NestingMode};

use super::*;
use crate::{
    model,
    model::{List, Map, Model as _, Set},
};

model! {
    /// Everything.
    struct Whole {
        /// Text.
        text: String = required().sensitive(),
        /// A number.
        number: i64 = optional().default(1).deprecated("Count yourself."),
        /// A secret.
        secret: String = optional().write_only(),
        /// A map.
        map: Map<List<bool>> = computed(),
        /// Nested.
        nested: Set<Part> = optional().or_computed(),
        /// One that must be.
        one: Part = block().at_least(1),
        /// A group.
        group: Part = block().group(),
        /// Some.
        some: List<Part> = block().at_least(1).at_most(3),
        /// A set.
        set: Set<Part> = block(),
        /// By label.
        label: Map<Part> = block(),
    }
}

model! {
    /// A part.
    struct Part {
        /// A key.
        key: String = optional(),
    }
}

#[test]
fn schemas_have_every_flag() {
    let schema = schema(&Whole::schema(4));
    assert_eq!(schema.version, 4);
    let block = schema.block.unwrap();
    assert_eq!((block.description.as_str(), block.description_kind()), ("Everything.", StringKind::Markdown));
    let text = |of: &schema::Attribute| String::from_utf8(of.r#type.to_vec()).unwrap();
    let [string, number, secret, map, nested] = block.attributes.as_slice() else { panic!() };
    assert_eq!((string.name.as_str(), text(string).as_str()), ("text", "\"string\""));
    assert!(string.required && string.sensitive && !string.optional && !string.computed);
    assert!(number.optional && number.computed && number.deprecated && !number.required);
    assert_eq!(number.deprecation_message, "Count yourself.");
    assert!(secret.write_only && secret.optional && !secret.computed);
    assert!(map.computed && !map.optional);
    assert_eq!(text(map), r#"["map",["list","bool"]]"#);
    assert!(nested.optional && nested.computed && nested.r#type.is_empty());
    let object = nested.nested_type.as_ref().unwrap();
    assert_eq!(object.nesting(), schema::object::NestingMode::Set);
    assert_eq!(object.attributes[0].name, "key");
}

#[test]
fn blocks_have_the_limits_that_terraform_accepts() {
    let block = schema(&Whole::schema(0)).block.unwrap();
    let found: Vec<_> = block
        .block_types
        .iter()
        .map(|block| (block.type_name.as_str(), block.nesting(), block.min_items, block.max_items))
        .collect();
    let expected = [
        ("one", NestingMode::Single, 1, 1),
        ("group", NestingMode::Group, 0, 0),
        ("some", NestingMode::List, 1, 3),
        ("set", NestingMode::Set, 0, 0),
        ("label", NestingMode::Map, 0, 0),
    ];
    assert_eq!(found, expected);
}

/// The path on the wire, as it is written, and the detail of a finding at `path`.
fn sent(path: Path) -> (String, String) {
    let findings = diagnostics(Diagnostic::error("s", "d").at(path).into(), &Whole::schema(0).fields);
    let steps = findings[0].attribute.clone().unwrap().steps.into_iter().filter_map(|step| step.selector);
    let path = steps.fold(Path::root(), |path, step| match step {
        Selector::AttributeName(name) => path.attr(name),
        Selector::ElementKeyString(key) => path.key(key),
        Selector::ElementKeyInt(index) => path.step(Step::Index(index)),
    });
    (path.to_string(), findings[0].detail.clone())
}

#[test]
fn findings_go_where_terraform_finds_the_line() {
    let nested = Path::attribute("nested");
    for (path, expected) in [
        (Path::attribute("text"), ("text", "d")),
        (Path::attribute("map").key("a b").index(1), ("map[\"a b\"]", "In `map[\"a b\"][1]`: d")),
        (nested.attr("key"), ("nested[\"key\"]", "In `nested.key`: d")),
        (nested.index(0).attr("key"), ("nested[0]", "In `nested[0].key`: d")),
        (Path::attribute("one").attr("key"), ("one.key", "In `one.key`: d")),
        (Path::attribute("some").index(1).attr("key"), ("some[1].key", "In `some[1].key`: d")),
        (Path::attribute("gone").attr("key"), ("gone.key", "In `gone.key`: d")),
    ] {
        assert_eq!(sent(path), (expected.0.to_owned(), expected.1.to_owned()));
    }
}

#[test]
fn findings_keep_severity_and_text() {
    let findings = [Diagnostic::error("s", "d"), Diagnostic::warning("w", "")].into_iter().collect();
    let found = diagnostics(findings, &[]);
    assert_eq!(found[0].severity(), tfplugin6::diagnostic::Severity::Error);
    assert_eq!((found[0].summary.as_str(), found[0].detail.as_str()), ("s", "d"));
    assert_eq!(found[1].severity(), tfplugin6::diagnostic::Severity::Warning);
    assert_eq!(found[1].attribute, None);
}

#[test]
fn values_that_cannot_be_read_or_written_are_findings_at_their_place() {
    let of = Whole::schema(0).object_type();
    assert_eq!(value(None, &of, "it"), Ok(Value::Null));
    let damaged = tfplugin6::DynamicValue { json: r#"{"map": {"x": [1]}}"#.into(), ..Default::default() };
    let findings = value(Some(&damaged), &of, "the prior state").unwrap_err();
    assert!(findings.to_string().starts_with(
        r#"error: Undecodable value (at map["x"][0]): Terraform and this provider do not agree about the prior state: "#
    ));
    assert!(json(b"{", &of, "the stored state").unwrap_err().has_errors());

    let mut findings = Diagnostics::new();
    assert!(dynamic(&Value::from("canary"), &of, &mut findings).is_none());
    let text = findings.to_string();
    assert!(text.starts_with("error: Unencodable value") && !text.contains("canary"), "{text}");
    let mut findings = Diagnostics::new();
    let wire = dynamic(&Value::Null, &of, &mut findings).unwrap();
    assert_eq!((&wire.msgpack[..], findings.is_empty()), (&b"\xc0"[..], true));
}

#[test]
fn null_is_seen_without_reading_a_value() {
    let message = |msgpack: &'static [u8], json: &'static [u8]| tfplugin6::DynamicValue {
        msgpack: msgpack.into(),
        json: json.into(),
    };
    for null in [message(b"\xc0", b""), message(b"", b"null"), message(b"", b"")] {
        assert!(is_null(Some(&null)), "{null:?}");
    }
    for value in
        [message(b"\x80", b""), message(b"", b"{}"), message(b"\xd4\x00\x00", b""), message(b"\x80", b"null")]
    {
        assert!(!is_null(Some(&value)), "{value:?}");
    }
    assert!(is_null(None));
}
