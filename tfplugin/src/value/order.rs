//! Equality and order of values, as sets need them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Value;

/// Equality as Terraform core sees it: numbers by value, sets without order, and one unknown like another
/// (core strips refinements before it compares a plan).
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        compare(self, other) == Ordering::Equal
    }
}

/// Brings the elements of a set into core's order and merges duplicates.
///
/// Elements that are not wholly known are never merged: they may turn out to differ.
pub(super) fn canonical_set(mut elements: Vec<Value>) -> Vec<Value> {
    if !elements.is_sorted_by(|a, b| compare(a, b) == Ordering::Less) {
        elements.sort_by(compare);
        elements.dedup_by(|a, b| compare(a, b) == Ordering::Equal && a.is_wholly_known());
        elements.shrink_to_fit();
    }
    elements
}

/// Core's order for set elements: strings by bytes, numbers by value, false before true; then unknown values,
/// null last. Where core's order is its private matter (objects, collections), parts are compared in turn.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            compare_all(a.iter().zip(b), a.len().cmp(&b.len()))
        }
        (Value::Set(a), Value::Set(b)) => compare_sets(a, b),
        (Value::Map(a), Value::Map(b)) | (Value::Object(a), Value::Object(b)) => compare_maps(a, b),
        (Value::Dynamic(a), Value::Dynamic(b)) => a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1)),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn compare_all<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>, tie: Ordering) -> Ordering {
    pairs.map(|(a, b)| compare(a, b)).find(|order| order.is_ne()).unwrap_or(tie)
}

fn compare_maps(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> Ordering {
    a.keys().cmp(b.keys()).then_with(|| compare_all(a.values().zip(b.values()), Ordering::Equal))
}

/// Sets need not be in order: a resource may have built them by hand.
fn compare_sets(a: &[Value], b: &[Value]) -> Ordering {
    let tie = a.len().cmp(&b.len());
    if is_in_order(a) && is_in_order(b) {
        return compare_all(a.iter().zip(b), tie);
    }
    compare_all(in_order(a).into_iter().zip(in_order(b)), tie)
}

fn is_in_order(set: &[Value]) -> bool {
    set.is_sorted_by(|a, b| compare(a, b).is_le())
}

fn in_order(set: &[Value]) -> Vec<&Value> {
    let mut elements: Vec<&Value> = set.iter().collect();
    elements.sort_by(|a, b| compare(a, b));
    elements
}

/// The order of kinds. Only known, unknown, null meet in a set of core's; the rest makes the order total.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::List(_) => 3,
        Value::Set(_) => 4,
        Value::Tuple(_) => 5,
        Value::Map(_) => 6,
        Value::Object(_) => 7,
        Value::Dynamic(_) => 8,
        Value::Unknown(_) => 9,
        Value::Null => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Bound, Number, Refinements};

    fn texts(texts: &[&str]) -> Vec<Value> {
        texts.iter().map(|text| Value::from(*text)).collect()
    }

    #[test]
    fn sets_are_equal_in_any_order_but_not_when_one_contains_the_other() {
        assert_eq!(Value::Set(texts(&["b", "a"])), Value::Set(texts(&["a", "b"])));
        assert_ne!(Value::Set(texts(&["a", "a"])), Value::Set(texts(&["a", "b"])));
        assert_ne!(Value::Set(texts(&["a"])), Value::Set(texts(&["a", "b"])));
        let nested = |items: &[&str]| Value::Set(vec![Value::Null, Value::Set(texts(items))]);
        assert_eq!(nested(&["x", "y"]), nested(&["y", "x"]));
    }

    #[test]
    fn a_set_is_kept_in_core_s_order_without_duplicates() {
        let shuffled =
            [texts(&["b"]), vec![Value::Null, Value::UNKNOWN], texts(&["a", "B", "b"]), vec![Value::UNKNOWN]];
        let Value::Set(elements) = Value::set(shuffled.concat()) else { panic!("not a set") };
        let expected = [texts(&["B", "a", "b"]), vec![Value::UNKNOWN, Value::UNKNOWN, Value::Null]];
        assert_eq!(elements, expected.concat(), "two unknown elements may still turn out to differ");
    }

    #[test]
    fn kinds_differ_even_with_equal_parts() {
        let (list, tuple) = (Value::List(texts(&["a"])), Value::Tuple(texts(&["a"])));
        assert_ne!(list, tuple);
        assert_ne!(list, Value::dynamic(crate::value::Type::Dynamic, list.clone()));
        assert_ne!(Value::Null, Value::UNKNOWN);
        assert_ne!(Value::from("1"), Value::from(1));
    }

    #[test]
    fn one_unknown_is_like_another() {
        let bound = Bound { number: Number::from(1_i64), inclusive: true };
        let refined = Refinements { not_null: true, min: Some(bound), ..Refinements::default() };
        assert_eq!(Value::UNKNOWN, Value::Unknown(Some(Box::new(refined))));
    }
}
