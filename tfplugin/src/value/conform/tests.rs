use std::collections::BTreeMap;

use super::*;

fn object(attributes: &[(&str, Value)]) -> Value {
    Value::Object(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn message(value: &Value, ty: &Type) -> String {
    value.conforms(ty).expect_err("fits").to_string()
}

#[test]
fn null_and_unknown_fit_every_type() {
    for ty in [Type::Bool, Type::Dynamic, Type::list(Type::Number), Type::object([("a", Type::String)])] {
        assert_eq!(Value::Null.conforms(&ty), Ok(()));
        assert_eq!(Value::UNKNOWN.conforms(&ty), Ok(()));
    }
}

#[test]
fn every_kind_fits_its_type() {
    let (ty, value): (Vec<Type>, Vec<Value>) = [
        (Type::Bool, Value::Bool(true)),
        (Type::Number, Value::from(1)),
        (Type::String, Value::from("a")),
        (Type::list(Type::Bool), Value::List(vec![Value::Bool(true), Value::Null])),
        (Type::set(Type::Bool), Value::Set(vec![Value::Bool(true)])),
        (Type::map(Type::Bool), Value::Map(BTreeMap::from([("k".to_owned(), Value::Bool(true))]))),
        (Type::object([("a", Type::Bool)]), object(&[("a", Value::Null)])),
        (Type::Dynamic, Value::dynamic(Type::String, Value::from("a"))),
    ]
    .into_iter()
    .unzip();
    assert_eq!(Value::Tuple(value).conforms(&Type::Tuple(ty)), Ok(()));
}

#[test]
fn a_fault_says_where_and_what() {
    let port = Type::object([("port", Type::Number)]);
    let rules = Type::object([("rules", Type::list(port.clone())), ("tags", Type::map(Type::String))]);
    let value = |port: Value, tag: Value| {
        let tags = Value::Map(BTreeMap::from([("env".to_owned(), tag)]));
        object(&[("rules", Value::List(vec![object(&[("port", port)])])), ("tags", tags)])
    };
    assert_eq!(value(Value::from(80), Value::from("x")).conforms(&rules), Ok(()));
    let wrong_port = value(Value::from("secret"), Value::Null);
    assert_eq!(message(&wrong_port, &rules), "rules[0].port: expected a number, found a string");
    let wrong_tag = value(Value::from(80), Value::from(1));
    assert_eq!(message(&wrong_tag, &rules), "tags[\"env\"]: expected a string, found a number");

    let missing = object(&[("rules", Value::Null)]);
    assert_eq!(message(&missing, &rules), "tags: expected an attribute, found none");
    let surplus = object(&[("port", Value::Null), ("prot", Value::Null)]);
    assert_eq!(message(&surplus, &port), "prot: expected no attribute of this name, found one");
    assert_eq!(
        message(&Value::List(vec![]), &Type::set(port)),
        "(root): expected a set of object, found a list"
    );
}

#[test]
fn a_path_ends_at_a_set() {
    let ty = Type::object([("ports", Type::set(Type::object([("n", Type::Number)])))]);
    let value = object(&[("ports", Value::Set(vec![object(&[("n", Value::Bool(true))])]))]);
    assert_eq!(message(&value, &ty), "ports: expected a number, found a bool");
}

#[test]
fn a_dynamic_slot_needs_a_type_and_only_a_dynamic_slot_takes_one() {
    let bare = Value::from("a");
    assert_eq!(message(&bare, &Type::Dynamic), "(root): expected a value with its type, found a string");
    let typed = Value::dynamic(Type::String, bare);
    assert_eq!(
        message(&typed, &Type::String),
        "(root): expected a string, found a value with a type of its own"
    );
    let lie = Value::dynamic(Type::Bool, Value::from("a"));
    assert_eq!(message(&lie, &Type::Dynamic), "(root): expected a bool, found a string");
}

#[test]
fn tuples_have_one_length() {
    let ty = Type::Tuple(vec![Type::String, Type::String]);
    assert_eq!(message(&Value::Tuple(vec![Value::Null]), &ty), "(root): expected 2 elements, found 1");
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| {
        (0..levels)
            .fold((Value::Null, Type::Bool), |(value, ty), _| (Value::List(vec![value]), Type::list(ty)))
    };
    let (value, ty) = nested(MAX_DEPTH);
    assert_eq!(value.conforms(&ty), Ok(()));
    let (value, ty) = nested(MAX_DEPTH + 1);
    assert_eq!(value.conforms(&ty).expect_err("fits").expected, "at most 128 levels of nesting");
}

#[test]
fn refinements_fit_their_types_and_each_other() {
    let bound = |number: i64, inclusive| Some(Bound { number: Number::from(number), inclusive });
    let none = Refinements::default;
    let check =
        |refinements: Refinements, ty: &Type| Value::Unknown(Some(Box::new(refinements))).conforms(ty);

    let prefix = || Refinements { prefix: Some("a".to_owned()), ..none() };
    let range = |min, max| Refinements { min, max, ..none() };
    let length = |length_min, length_max| Refinements { length_min, length_max, ..none() };
    assert!(check(prefix(), &Type::String).is_ok());
    assert!(check(range(bound(1, true), bound(1, true)), &Type::Number).is_ok());
    assert!(check(length(Some(1), Some(1)), &Type::map(Type::Bool)).is_ok());
    assert!(check(Refinements { not_null: true, ..none() }, &Type::Bool).is_ok());

    assert!(check(prefix(), &Type::Bool).is_err());
    assert!(check(range(bound(1, true), None), &Type::String).is_err());
    assert!(check(length(None, Some(1)), &Type::Tuple(vec![])).is_err());
    assert!(check(Refinements { not_null: true, ..none() }, &Type::Dynamic).is_err());

    assert!(check(range(bound(2, true), bound(1, true)), &Type::Number).is_err());
    assert!(check(range(bound(1, true), bound(1, false)), &Type::Number).is_err());
    assert!(check(length(Some(2), Some(1)), &Type::list(Type::Bool)).is_err());
}
