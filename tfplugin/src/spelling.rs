//! Equality by meaning: pure functions over a schema.
//!
//! It decides what is kept of what a server says, and what counts as a change. A plan never goes by it: what a user
//! writes is planned as it is written.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{
    schema::{Field, Nesting, Schema},
    value::Value,
};

/// Keeps the spelling of `known` wherever `found` means the same: what was read from a server looks as the user
/// wrote it, and what was applied looks as it was planned. Everything else is as found.
pub fn keep_spelling(schema: &Schema, known: &Value, found: Value) -> Value {
    keep_object(&schema.fields, known, found)
}

fn keep_object(fields: &[Field], known: &Value, found: Value) -> Value {
    let (known, mut parts) = match (known.as_object(), found) {
        (Some(known), Value::Object(parts)) => (known, parts),
        (_, found) => return found,
    };
    for field in fields {
        let (Some(known), Some(part)) = (known.get(field.name()), parts.get_mut(field.name())) else {
            continue;
        };
        let found = std::mem::replace(part, Value::Null);
        *part = match (field, field.nested()) {
            (Field::Attribute(attribute), _) if attribute.same(known, &found) => known.clone(),
            (_, Some((nesting, fields))) => keep_nested(nesting, fields, known, found),
            (_, None) => found,
        };
    }
    Value::Object(parts)
}

fn keep_nested(nesting: Nesting, fields: &[Field], known: &Value, found: Value) -> Value {
    match (nesting, known, found) {
        (Nesting::Single, _, found) => keep_object(fields, known, found),
        (Nesting::List, Value::List(known), Value::List(found)) => {
            let known = known.iter().chain(std::iter::repeat(&Value::Null));
            Value::List(known.zip(found).map(|(known, found)| keep_object(fields, known, found)).collect())
        }
        (Nesting::Map, Value::Map(known), Value::Map(found)) => {
            Value::Map(keep_entries(fields, known, found))
        }
        (Nesting::Set, Value::Set(known), Value::Set(found)) => Value::set(keep_set(fields, known, found)),
        (_, _, found) => found,
    }
}

fn keep_entries(
    fields: &[Field],
    known: &BTreeMap<String, Value>,
    found: BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let entries = found.into_iter().map(|(key, found)| {
        let known = known.get(&key).unwrap_or(&Value::Null);
        let kept = keep_object(fields, known, found);
        (key, kept)
    });
    entries.collect()
}

/// Elements of a set have no names: each takes the spelling of the first known one that means the same.
fn keep_set(fields: &[Field], known: &[Value], found: Vec<Value>) -> Vec<Value> {
    let mut unused: Vec<&Value> = known.iter().collect();
    let elements = found.into_iter().map(|found| {
        let position = unused.iter().position(|known| same_object(fields, known, &found));
        position
            .map(|position| unused.remove(position))
            .map_or(found.clone(), |known| keep_object(fields, known, found))
    });
    elements.collect()
}

/// Whether two values of a field mean the same, where unknown parts of `known` may be anything.
pub fn same(field: &Field, known: &Value, found: &Value) -> bool {
    let same_attribute = matches!(field, Field::Attribute(attribute) if attribute.same(known, found));
    let same_inside =
        || field.nested().is_some_and(|(nesting, fields)| same_nested(nesting, fields, known, found));
    same_attribute || known.is_unknown() || same_inside()
}

fn same_object(fields: &[Field], known: &Value, found: &Value) -> bool {
    if known.as_object().is_none() || found.as_object().is_none() {
        return known == found;
    }
    fields.iter().all(|field| same(field, known.get(field.name()), found.get(field.name())))
}

fn same_nested(nesting: Nesting, fields: &[Field], known: &Value, found: &Value) -> bool {
    let same = |(known, found)| same_object(fields, known, found);
    match (nesting, known, found) {
        (Nesting::Single, _, _) => same((known, found)),
        (Nesting::List, Value::List(known), Value::List(found)) => {
            known.len() == found.len() && known.iter().zip(found).all(same)
        }
        (Nesting::Map, Value::Map(known), Value::Map(found)) => {
            known.keys().eq(found.keys()) && known.values().zip(found.values()).all(same)
        }
        (Nesting::Set, Value::Set(known), Value::Set(found)) => {
            known.len() == found.len()
                && found.iter().all(|found| known.iter().any(|known| same((known, found))))
        }
        _ => known == found,
    }
}
