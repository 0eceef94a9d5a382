//! Every golden vector: our codecs against what Terraform's own libraries make of the same values and bytes.
//!
//! Where the two Go libraries differ we do as go-cty, for Terraform core is built on it; it also knows
//! refinements, merges sets and normalises strings, which terraform-plugin-go does not. The choices that are
//! ours alone are the constants below; a vector that needs none of them is compared as it stands.

#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod data;

use serde_json::{Map, Value as Json};
use tfplugin::codec::{json, msgpack};
use tfplugin::value::{Type, Value};

use crate::data::{bytes, notation, same, ty, value, vectors};

/// Fewer entries than these mean that the file lost some.
const SECTIONS: [(&str, usize); 8] = [
    ("captured", 7),
    ("decode", 56),
    ("encode", 113),
    ("encode_large", 4),
    ("json_decode", 19),
    ("number_equality", 8),
    ("type_json", 16),
    ("type_json_bad", 14),
];

/// Values that their notation does not tell apart: noted as decimal text, but made from a float.
const MADE_FROM_FLOATS: &str = "number-float64-";

/// A prefix too long to be sent whole: what is read is shorter than what is noted.
const SHORTENED: &str = "ref-string-prefix-300-truncated";

/// Types that we print otherwise than they were written: without the names of optional attributes, which make
/// no difference to values and are not to be sent in schemas.
const WITH_OPTIONAL_ATTRIBUTES: &str = "object with optional";

/// What one check found wrong in one entry.
type Outcome = Result<(), String>;

/// Checks every entry of a section and reports all that fail.
fn check_section(section: &str, check: impl Fn(&Map<String, Json>) -> Outcome) {
    let vectors = vectors();
    let entries = vectors[section].as_array().unwrap();
    let (_, least) = SECTIONS.iter().find(|(name, _)| *name == section).unwrap();
    assert!(entries.len() >= *least, "{section} has {} entries, expected at least {least}", entries.len());
    let mut failures = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let entry = entry.as_object().unwrap();
        if let Err(failure) = check(entry) {
            let name =
                ["name", "note", "json"].iter().find_map(|key| entry.get(*key)?.as_str()).unwrap_or("");
            failures.push(format!("{section}[{position}] {name}: {failure}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), entries.len(), failures.join("\n"));
}

#[test]
fn no_section_is_forgotten() {
    let expected: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(vectors().keys().collect::<Vec<_>>(), expected);
}

#[test]
fn encode() {
    check_section("encode", |entry| {
        let (ty, expected) = (ty(&entry["type_json"]), &entry["value"]);
        let wire = bytes(text(entry, "msgpack_hex"));
        let built = value(expected);

        let decoded = msgpack::decode(&wire, &ty).map_err(|error| error.to_string())?;
        if text(entry, "name") != SHORTENED {
            expect_same("decoded", &notation(&decoded), expected)?;
        }
        expect_wire("read and written again", &decoded, &ty, &wire)?;
        if !text(entry, "name").starts_with(MADE_FROM_FLOATS) {
            expect_wire("written", &built, &ty, &wire)?;
        }
        // terraform-plugin-go drops refinements and normal forms; what it writes must mean the same to us.
        let other = bytes(text(entry, "tftypes_reencoded_hex"));
        if !other.is_empty() && msgpack::decode(&other, &ty).ok().as_ref() != Some(&built) {
            return Err("what terraform-plugin-go writes is read as another value".to_owned());
        }
        let unknowns = entry["unknown_paths"].as_array().unwrap();
        if decoded.is_wholly_known() != unknowns.is_empty() {
            return Err(format!("is_wholly_known is {}", decoded.is_wholly_known()));
        }
        check_json_form(entry, &built, &ty)
    });
}

/// Core's JSON text of the same value; null where there can be none.
fn check_json_form(entry: &Map<String, Json>, built: &Value, ty: &Type) -> Outcome {
    let written = json::encode(built, ty);
    let Some(expected) = entry["value_json"].as_str() else {
        return match written {
            Ok(_) => Err("was written as JSON, which has no form for it".to_owned()),
            Err(_) => Ok(()),
        };
    };
    let written = written.map_err(|error| error.to_string())?;
    if written != expected && !has_private_order(ty) {
        return Err(format!("JSON is {written}, expected {expected}"));
    }
    let read = json::decode(expected.as_bytes(), ty).map_err(|error| error.to_string())?;
    expect_same("JSON read", &notation(&read), &entry["value"])
}

#[test]
fn encode_large() {
    check_section("encode_large", |entry| {
        let ty = ty(&entry["type_json"]);
        let count = entry["repeat"].as_u64().unwrap() as usize;
        let built = match &ty {
            Type::String => Value::from("c".repeat(count)),
            _ => Value::List(vec![Value::Bool(true); count]),
        };
        let unit = bytes(text(entry, "msgpack_hex_repeated"));
        let wire = [bytes(text(entry, "msgpack_hex_prefix")), unit.repeat(count)].concat();
        expect_wire("written", &built, &ty, &wire)?;
        let decoded = msgpack::decode(&wire, &ty).map_err(|error| error.to_string())?;
        if decoded == built { Ok(()) } else { Err("is read as another value".to_owned()) }
    });
}

#[test]
fn decode() {
    check_section("decode", |entry| {
        let decoded = msgpack::decode(&bytes(text(entry, "msgpack_hex")), &ty(&entry["type_json"]));
        expect_as_go(entry, decoded.map_err(|error| error.to_string()))
    });
}

#[test]
fn captured() {
    check_section("captured", |entry| {
        let (ty, wire) = (ty(&entry["type_json"]), bytes(text(entry, "msgpack_hex")));
        let decoded = msgpack::decode(&wire, &ty).map_err(|error| error.to_string())?;
        expect_same("decoded", &notation(&decoded), &entry["go_cty"])?;
        expect_wire("read and written again", &decoded, &ty, &wire)
    });
}

#[test]
fn json_decode() {
    check_section("json_decode", |entry| {
        let decoded = json::decode(text(entry, "json_text").as_bytes(), &ty(&entry["type_json"]));
        expect_as_go(entry, decoded.map_err(|error| error.to_string()))
    });
}

#[test]
fn number_equality() {
    check_section("number_equality", |entry| {
        let number = |key: &str| msgpack::decode(&bytes(text(entry, key)), &Type::Number).unwrap();
        let (a, b) = (number("a"), number("b"));
        let expected = entry["equals"].as_bool().unwrap();
        if (a == b, b == a) == (expected, expected) { Ok(()) } else { Err(format!("expected {expected}")) }
    });
}

#[test]
fn type_json() {
    check_section("type_json", |entry| {
        let expected = text(entry, "json");
        let ty = Type::from_json(expected.as_bytes()).map_err(|error| error.to_string())?;
        if ty.to_string() != text(entry, "friendly_name") {
            return Err(format!("is called {ty}"));
        }
        if text(entry, "name") != WITH_OPTIONAL_ATTRIBUTES && ty.to_json() != expected {
            return Err(format!("is printed as {}", ty.to_json()));
        }
        Ok(())
    });
}

#[test]
fn type_json_bad() {
    check_section("type_json_bad", |entry| {
        let parsed = Type::from_json(text(entry, "json").as_bytes());
        match (text(entry, "go_cty").strip_prefix("ok: "), parsed) {
            (Some(expected), Ok(ty)) if ty.to_json() == expected => Ok(()),
            (None, Err(_)) => Ok(()),
            (_, other) => Err(format!("gives {other:?}")),
        }
    });
}

/// The value that go-cty reads, or an error where it has one or panics. Ours alone: a string that is not UTF-8
/// is an error, for it could only do harm further on.
fn expect_as_go(entry: &Map<String, Json>, decoded: Result<Value, String>) -> Outcome {
    let expected = &entry["go_cty"];
    match decoded {
        Err(_) if expected.is_null() || expected.to_string().contains("str_hex") => Ok(()),
        Ok(value) if expected.is_null() => Err(format!("is read as {}", notation(&value))),
        Ok(value) => expect_same("decoded", &notation(&value), expected),
        Err(error) => Err(format!("{error}; expected {expected}")),
    }
}

fn expect_same(what: &str, found: &Json, expected: &Json) -> Outcome {
    if same(found, expected) { Ok(()) } else { Err(format!("{what} is {found}, expected {expected}")) }
}

fn expect_wire(what: &str, value: &Value, ty: &Type, expected: &[u8]) -> Outcome {
    let written = msgpack::encode(value, ty).map_err(|error| error.to_string())?;
    if written == expected {
        return Ok(());
    }
    if has_private_order(ty) && written.len() == expected.len() {
        let read = msgpack::decode(&written, ty).map_err(|error| error.to_string())?;
        return expect_same(what, &notation(&read), &notation(value));
    }
    Err(format!("{what} is {written:02x?}, expected {expected:02x?}"))
}

/// Whether there is a set in it whose order is go-cty's private matter.
fn has_private_order(ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Number | Type::String | Type::Dynamic => false,
        Type::Set(element) => !matches!(**element, Type::Bool | Type::Number | Type::String),
        Type::List(element) | Type::Map(element) => has_private_order(element),
        Type::Tuple(types) => types.iter().any(has_private_order),
        Type::Object(types) => types.values().any(has_private_order),
    }
}

fn text<'a>(entry: &'a Map<String, Json>, key: &str) -> &'a str {
    entry[key].as_str().unwrap()
}
