//! JSON to values.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::text::kind;
use crate::codec::type_json;
use crate::value::conform::{Fault, expectation, surplus_attribute};
use crate::value::{MAX_DEPTH, Number, NumberError, Type, Value, nfc};

type Result<T> = std::result::Result<T, Fault>;

pub(super) fn from_tree(tree: Json, ty: &Type, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(Fault::too_deep());
    }
    match (ty, tree) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(value)),
        (Type::Bool, Json::String(text)) => bool_from_text(&text).map(Value::Bool),
        (Type::Number, Json::Number(number)) => number_from_text(number.as_str()).map(Value::Number),
        (Type::Number, Json::String(text)) => number_from_text(&text).map(Value::Number),
        (Type::String, Json::String(text)) => Ok(Value::string(text)),
        (Type::String, Json::Number(number)) => Ok(Value::string(number.as_str())),
        (Type::String, Json::Bool(value)) => Ok(Value::string(value.to_string())),
        (Type::List(element), Json::Array(items)) => list(items, element, depth).map(Value::List),
        (Type::Set(element), Json::Array(items)) => {
            list(items, element, depth).map(Value::set).map_err(Fault::in_set)
        }
        (Type::Tuple(types), Json::Array(items)) => tuple(items, types, depth).map(Value::Tuple),
        (Type::Map(element), Json::Object(items)) => map(items, element, depth).map(Value::Map),
        (Type::Object(types), Json::Object(items)) => object(items, types, depth).map(Value::Object),
        (Type::Dynamic, Json::Object(wrapper)) => dynamic(wrapper, depth),
        (_, tree) => Err(Fault::new(expectation(ty), kind(&tree))),
    }
}

/// Core's conversion from string to bool.
fn bool_from_text(text: &str) -> Result<bool> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Fault::new("a bool", "other text")),
    }
}

fn number_from_text(text: &str) -> Result<Number> {
    text.parse().map_err(|error: NumberError| Fault::new("a number", error.to_string()))
}

fn list(items: Vec<Json>, element: &Type, depth: usize) -> Result<Vec<Value>> {
    let items = items.into_iter().enumerate();
    items
        .map(|(index, item)| from_tree(item, element, depth + 1).map_err(|fault| fault.at_index(index)))
        .collect()
}

fn tuple(items: Vec<Json>, types: &[Type], depth: usize) -> Result<Vec<Value>> {
    if items.len() != types.len() {
        return Err(Fault::new(format!("a tuple of {} elements", types.len()), items.len().to_string()));
    }
    let items = items.into_iter().zip(types).enumerate();
    items
        .map(|(index, (item, ty))| from_tree(item, ty, depth + 1).map_err(|fault| fault.at_index(index)))
        .collect()
}

fn map(items: Map<String, Json>, element: &Type, depth: usize) -> Result<BTreeMap<String, Value>> {
    items
        .into_iter()
        .map(|(key, item)| match from_tree(item, element, depth + 1) {
            Ok(value) => Ok((nfc(key), value)),
            Err(fault) => Err(fault.at_key(&key)),
        })
        .collect()
}

/// An attribute that is missing is null.
fn object(
    items: Map<String, Json>,
    types: &BTreeMap<String, Type>,
    depth: usize,
) -> Result<BTreeMap<String, Value>> {
    let mut values: BTreeMap<String, Value> = types.keys().map(|name| (name.clone(), Value::Null)).collect();
    for (key, item) in items {
        let key = nfc(key);
        let (Some(ty), Some(value)) = (types.get(&key), values.get_mut(&key)) else {
            return Err(surplus_attribute(&key));
        };
        *value = from_tree(item, ty, depth + 1).map_err(|fault| fault.at_attribute(&key))?;
    }
    Ok(values)
}

/// `{"type": …, "value": …}` in any order.
fn dynamic(mut wrapper: Map<String, Json>, depth: usize) -> Result<Value> {
    let (Some(ty), Some(value), true) = (wrapper.remove("type"), wrapper.remove("value"), wrapper.is_empty())
    else {
        return Err(Fault::new("an object of type and value", "other keys"));
    };
    let ty = type_json::from_tree(ty, depth + 1).map_err(|error| Fault::new("a type", error.to_string()))?;
    let value = from_tree(value, &ty, depth + 1)?;
    Ok(if ty == Type::Dynamic { value } else { Value::dynamic(ty, value) })
}
