use std::collections::BTreeMap;

use super::*;
use crate::value::{MAX_DEPTH, Number};

fn message(text: &str, ty: &Type) -> String {
    decode(text.as_bytes(), ty).unwrap_err().to_string()
}

#[test]
fn core_s_leniency() {
    let read = |text: &str, ty: Type| decode(text.as_bytes(), &ty).unwrap();
    assert_eq!(read("1.50", Type::String), Value::from("1.50"));
    assert_eq!(read("false", Type::String), Value::from("false"));
    assert_eq!(read("\"1.5\"", Type::Number), Value::Number("1.5".parse().unwrap()));
    assert_eq!(read("\"Inf\"", Type::Number), Value::Number(Number::Float(f64::INFINITY)));
    assert_eq!(read("\"1\"", Type::Bool), Value::Bool(true));
    assert_eq!(read("\"false\"", Type::Bool), Value::Bool(false));
    assert_eq!(read("[2,1,1]", Type::set(Type::Number)), Value::Set(vec![Value::from(1), Value::from(2)]));
    assert_eq!(read(" \n{\n} ", Type::object([("a", Type::Bool)])).get("a"), &Value::Null);
    assert_eq!(read("true false", Type::Bool), Value::Bool(true), "bytes after the value are ignored");
}

#[test]
fn a_fault_has_its_path_and_no_content() {
    let ty = Type::object([("m", Type::map(Type::list(Type::Number)))]);
    assert_eq!(
        message(r#"{"m":{"k":[1,"secret"]}}"#, &ty),
        "m[\"k\"][1]: expected a number, found text that is neither a decimal number nor Inf"
    );
    assert_eq!(message(r#"{"x":1}"#, &ty), "x: expected no attribute of this name, found one");
    assert_eq!(message(r#"{"m":[1]}"#, &ty), "m: expected a map of list of number, found an array");
    assert_eq!(
        message(r#"["secret",[]]"#, &Type::set(Type::Bool)),
        "(root): expected a bool, found other text"
    );
    assert_eq!(message("[1]", &Type::Tuple(vec![])), "(root): expected a tuple of 0 elements, found 1");
    assert_eq!(message("\"a\"", &Type::Dynamic), "(root): expected a value with its type, found a string");
    assert_eq!(
        message(r#"{"type":"bool"}"#, &Type::Dynamic),
        "(root): expected an object of type and value, found other keys"
    );
    let syntax = message(r#"{"m":"secret}"#, &ty);
    assert_eq!(syntax, "(root): expected JSON, found EOF while parsing a string at line 1 column 13");
    assert_eq!(message("", &ty), "(root): expected JSON, found nothing");
}

#[test]
fn half_a_surrogate_pair_is_replaced_as_in_go() {
    let read = |text: &str| decode(text.as_bytes(), &Type::String).unwrap();
    assert_eq!(read(r#""\ud83d""#), Value::from("\u{fffd}"));
    assert_eq!(read(r#""\ude00\ud83d\uD83D\uDE00x""#), Value::from("\u{fffd}\u{fffd}\u{1f600}x"));
    assert_eq!(read(r#""\\ud83d""#), Value::from("\\ud83d"), "no escape");
    assert!(decode(br#""\ud8"#, &Type::String).is_err());
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| {
        let text = format!("{}null{}", r#"{"type":"dynamic","value":"#.repeat(levels), "}".repeat(levels));
        decode(text.as_bytes(), &Type::Dynamic)
    };
    assert_eq!(nested(MAX_DEPTH), Ok(Value::Null));
    assert!(nested(MAX_DEPTH + 1).is_err());
    assert_eq!(
        message(&"[".repeat(100_000), &Type::Dynamic),
        "(root): expected JSON, found more than 256 levels of nesting"
    );
    let brackets = format!("\"{}\"", "[".repeat(1000));
    assert!(decode(brackets.as_bytes(), &Type::String).is_ok(), "brackets in a string are no nesting");
}

#[test]
fn missing_attributes_are_null_within_bounds() {
    let wide = Type::object((0..1000).map(|number| (format!("attribute_{number}"), Type::Bool)));
    assert_eq!(decode(b"{}", &wide).unwrap().as_object().map(BTreeMap::len), Some(1000));
    let many = format!("[{}]", ["{}"; 100].join(","));
    let error = decode(many.as_bytes(), &Type::list(wide)).unwrap_err().to_string();
    assert_eq!(error, "[1].attribute_3: expected an attribute, found none, like too many before");
}

#[test]
fn written_as_core_writes() {
    let ty = Type::object([("d", Type::Dynamic), ("n", Type::Number), ("s", Type::String)]);
    let value = Value::Object(BTreeMap::from([
        ("d".to_owned(), Value::dynamic(Type::list(Type::Bool), Value::List(vec![Value::Bool(true)]))),
        ("n".to_owned(), Value::Number("1e30".parse().unwrap())),
        ("s".to_owned(), Value::from("<\"&\u{2028}\n>")),
    ]));
    let text = r#"{"d":{"value":[true],"type":["list","bool"]},"n":1000000000000000000000000000000,"s":"\u003c\"\u0026\u2028\n\u003e"}"#;
    assert_eq!(encode(&value, &ty).unwrap(), text);
}

#[test]
fn json_has_no_unknown_and_no_infinite_values() {
    let ty = Type::object([("a", Type::list(Type::Number))]);
    let write = |item: Value| {
        encode(&Value::Object(BTreeMap::from([("a".to_owned(), Value::List(vec![item]))])), &ty)
    };
    let message = |item: Value| write(item).unwrap_err().to_string();
    assert_eq!(message(Value::UNKNOWN), "a[0]: expected a known value, found an unknown value");
    let infinite = Value::Number(Number::Float(f64::INFINITY));
    assert_eq!(message(infinite), "a[0]: expected a finite number, found an infinite one");
}
