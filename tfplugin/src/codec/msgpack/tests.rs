use std::collections::BTreeMap;

use super::*;
use crate::value::{Bound, MAX_DEPTH, Number, Refinements};

fn refined(refinements: Refinements) -> Value {
    Value::Unknown(Some(Box::new(refinements)))
}

fn not_null() -> Refinements {
    Refinements { not_null: true, ..Refinements::default() }
}

/// The refinements that come back, or `None` for a plain unknown value.
fn there_and_back(refinements: Refinements, ty: &Type) -> Option<Refinements> {
    let bytes = encode(&refined(refinements), ty).unwrap();
    match decode(&bytes, ty).unwrap() {
        Value::Unknown(refinements) => refinements.map(|refinements| *refinements),
        known => panic!("{known:?} is known"),
    }
}

#[test]
fn a_fault_has_its_path_and_no_content() {
    let ty = Type::object([("list", Type::list(Type::object([("n", Type::Number)])))]);
    let bytes = b"\x81\xa4list\x92\x81\xa1n\x01\x81\xa1n\xa6secret";
    let error = decode(bytes, &ty).unwrap_err();
    let expected = "list[1].n: expected a number, found text that is neither a decimal number nor Inf";
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains("secret"));

    let error = decode(b"\x81\xa1k\xc3", &Type::map(Type::String)).unwrap_err();
    assert_eq!(error.to_string(), "[\"k\"]: expected a string, found a bool");
    let error = decode(b"\x91\x81\xa1n\xc3", &Type::set(Type::map(Type::String))).unwrap_err();
    assert_eq!(error.to_string(), "(root): expected a string, found a bool", "a path ends at a set");
}

#[test]
fn malformed_bytes_say_what_is_missing() {
    let message = |bytes: &[u8], ty: &Type| decode(bytes, ty).unwrap_err().to_string();
    assert_eq!(message(b"", &Type::Bool), "(root): expected more bytes, found the end of the message");
    assert_eq!(message(b"\xa5a", &Type::String), "(root): expected more bytes, found the end of the message");
    assert_eq!(
        message(b"\xdd\xff\xff\xff\xff\xc0", &Type::list(Type::Bool)),
        "[1]: expected more bytes, found the end of the message"
    );
    assert_eq!(
        message(b"\xc1", &Type::Bool),
        "(root): expected a bool, found a byte that msgpack does not use"
    );
    assert_eq!(
        message(b"\xa1\xff", &Type::String),
        "(root): expected a string, found bytes that are not UTF-8"
    );
    assert_eq!(message(b"\xcb\x7f\xf8\0\0\0\0\0\0", &Type::Number), "(root): expected a number, found NaN");
    let object = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
    assert_eq!(message(b"\x81\xa1a\xc0", &object), "(root): expected an object of 2 attributes, found 1");
    assert_eq!(
        message(b"\x82\xa1a\xc0\xa1c\xc0", &object),
        "c: expected no attribute of this name, found one"
    );
    assert_eq!(message(b"\x82\xa1a\xc0\xa1a\xc0", &object), "b: expected an attribute, found none");
    assert_eq!(
        message(b"\x92\xc4\x05\"int\"\x01", &Type::Dynamic),
        "(root): expected the type bool, number, string or dynamic, found \"int\""
    );
}

#[test]
fn texts_become_nfc() {
    let decoded = decode(b"\x81\xa6Cafe\xcc\x81\xa6Cafe\xcc\x81", &Type::map(Type::String)).unwrap();
    assert_eq!(
        decoded,
        Value::Map(BTreeMap::from([("Caf\u{e9}".to_owned(), Value::String("Caf\u{e9}".to_owned()))]))
    );
    let object = Type::object([("Caf\u{e9}", Type::Bool)]);
    assert!(decode(b"\x81\xa6Cafe\xcc\x81\xc3", &object).is_ok());
}

#[test]
fn a_type_that_is_itself_dynamic_adds_nothing() {
    let decoded = decode(b"\x92\xc4\x09\"dynamic\"\x92\xc4\x06\"bool\"\xc3", &Type::Dynamic).unwrap();
    assert_eq!(decoded, Value::dynamic(Type::Bool, Value::Bool(true)));
}

#[test]
fn nesting_is_bounded() {
    let levels = |count: usize| [b"\x92\xc4\x09\"dynamic\"".repeat(count), b"\xc0".to_vec()].concat();
    assert_eq!(decode(&levels(MAX_DEPTH), &Type::Dynamic), Ok(Value::Null));
    assert!(decode(&levels(MAX_DEPTH + 1), &Type::Dynamic).is_err());
}

#[test]
fn what_does_not_fit_is_not_written() {
    let ty = Type::object([("a", Type::Bool)]);
    let error =
        encode(&Value::Object(BTreeMap::from([("a".to_owned(), Value::from("secret"))])), &ty).unwrap_err();
    assert_eq!(error.to_string(), "a: expected a bool, found a string");
}

#[test]
fn refinements_come_back() {
    let bound = |text: &str, inclusive| Some(Bound { number: text.parse().unwrap(), inclusive });
    let cases = [
        (Type::Bool, not_null()),
        (Type::String, Refinements { prefix: Some("https://".to_owned()), ..not_null() }),
        (
            Type::Number,
            Refinements { min: bound("-0.1", false), max: bound("1e30", true), ..Refinements::default() },
        ),
        (
            Type::map(Type::Bool),
            Refinements { length_min: Some(1), length_max: Some(u64::MAX), ..not_null() },
        ),
    ];
    for (ty, refinements) in cases {
        assert_eq!(there_and_back(refinements.clone(), &ty), Some(refinements));
    }
}

#[test]
fn what_holds_for_every_value_is_left_out() {
    let infinite = |value| Some(Bound { number: Number::Float(value), inclusive: true });
    let truisms = [
        (Type::String, Refinements { prefix: Some(String::new()), ..Refinements::default() }),
        (
            Type::Number,
            Refinements {
                min: infinite(f64::NEG_INFINITY),
                max: infinite(f64::INFINITY),
                ..Refinements::default()
            },
        ),
        (Type::list(Type::Bool), Refinements { length_min: Some(0), ..Refinements::default() }),
    ];
    for (ty, refinements) in truisms {
        assert_eq!(encode(&refined(refinements), &ty).unwrap(), b"\xd4\0\0");
    }
    assert_eq!(decode(b"\xc7\x03\x0c\x81\x05\xff", &Type::list(Type::Bool)), Ok(Value::UNKNOWN));
    let Value::Unknown(plain) = decode(b"\xc7\x03\x0c\x81\x05\0", &Type::list(Type::Bool)).unwrap() else {
        panic!("known")
    };
    assert_eq!(plain, None);
}

#[test]
fn a_long_prefix_is_cut_where_nothing_can_join_it() {
    let cut = |prefix: String| {
        let refinements = Refinements { prefix: Some(prefix), ..Refinements::default() };
        there_and_back(refinements, &Type::String).and_then(|refinements| refinements.prefix).unwrap()
    };
    assert_eq!(cut("a".repeat(256)), "a".repeat(256));
    assert_eq!(cut("a".repeat(257)), "a".repeat(254));
    // The last character kept must not be one that an accent after the cut would have changed.
    assert_eq!(cut(format!("{}q\u{323}\u{307}bc", "a".repeat(252))), "a".repeat(252));
}

#[test]
fn more_than_core_would_read_about_an_unknown_value_is_not_written() {
    let digits =
        |first: &str| Some(Bound { number: format!("{first}e-600").parse().unwrap(), inclusive: true });
    let refinements = Refinements { min: digits("1"), max: digits("2"), ..Refinements::default() };
    assert_eq!(encode(&refined(refinements), &Type::Number).unwrap(), b"\xd4\0\0");
}

#[test]
fn what_can_be_only_one_thing_is_that() {
    let decode_refined =
        |payload: &[u8], ty: &Type| decode(&[&[0xc7, payload.len() as u8, 12], payload].concat(), ty);
    let (list, set, map) = (Type::list(Type::Bool), Type::set(Type::Bool), Type::map(Type::Bool));
    assert_eq!(
        decode_refined(b"\x83\x01\xc2\x05\x02\x06\x02", &list),
        Ok(Value::List(vec![Value::UNKNOWN; 2]))
    );
    assert_eq!(decode_refined(b"\x82\x01\xc2\x06\0", &map), Ok(Value::Map(BTreeMap::new())));
    assert_eq!(decode_refined(b"\x83\x01\xc2\x05\x01\x06\x01", &set), Ok(Value::Set(vec![Value::UNKNOWN])));
    assert!(
        decode_refined(b"\x83\x01\xc2\x05\x02\x06\x02", &set).unwrap().is_unknown(),
        "they may be the same"
    );
    assert!(decode_refined(b"\x82\x05\x02\x06\x02", &list).unwrap().is_unknown(), "it may be null");
    let number = decode_refined(b"\x83\x01\xc2\x03\x92\x05\xc3\x04\x92\x05\xc3", &Type::Number);
    assert_eq!(number, Ok(Value::from(5)));
    assert_eq!(decode_refined(b"\x81\x01\xc3", &list), Ok(Value::Null));

    assert!(decode_refined(b"\x82\x01\xc3\x01\xc2", &list).is_err(), "null and not null");
    assert!(decode_refined(b"\x82\x05\x05\x06\x04", &list).is_err(), "at least 5 and at most 4");
    assert!(decode_refined(b"\x81\x06\xff", &list).is_err(), "at most -1");
}

#[test]
fn length_bounds_imply_elements_only_within_a_budget() {
    let thousand = b"\xc7\x0b\x0c\x83\x01\xc2\x05\xcd\x03\xe8\x06\xcd\x03\xe8";
    let bytes = [b"\x92".as_slice(), thousand, thousand].concat();
    let Value::List(lists) = decode(&bytes, &Type::list(Type::list(Type::Bool))).unwrap() else {
        panic!("no list")
    };
    assert_eq!(lists[0], Value::List(vec![Value::UNKNOWN; 1000]));
    assert!(lists[1].is_unknown());
}

#[test]
fn a_key_of_a_newer_core_ends_the_reading() {
    let decoded = decode(b"\xc7\x08\x0c\x83\x01\xc2\x63\x91\x07\x02\xc0", &Type::String).unwrap();
    let Value::Unknown(Some(refinements)) = decoded else { panic!("no refinements") };
    assert_eq!(*refinements, not_null());
}
