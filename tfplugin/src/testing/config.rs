//! Configuration written as JSON, checked as Terraform checks it before a provider sees it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::schema::{Attribute, Block, Identity, Kind, Object};
use crate::{
    diagnostic::Diagnostic,
    path::Path,
    schema::{BlockNesting, Nesting},
    value::{Type, Value},
};

/// Stands for a value that is not known yet, anywhere in a configuration.
pub const UNKNOWN: &str = "(known after apply)";

type Result<T> = std::result::Result<T, Diagnostic>;

fn refuse(path: &Path, detail: impl Into<String>) -> Diagnostic {
    Diagnostic::error("Invalid configuration", detail).at(path.clone())
}

/// The configuration `json` of an object: what it does not mention is null, or no blocks.
pub(super) fn object(object: &Object, json: &Json, path: &Path) -> Result<Value> {
    let written = entries(json, path)?;
    let is_known = |name: &String| object.attributes.contains_key(name) || object.blocks.contains_key(name);
    if let Some(name) = written.keys().find(|name| !is_known(name)) {
        return Err(refuse(&path.attr(name), "There is no such attribute or block."));
    }
    let written = |name: &str| written.get(name).unwrap_or(&Json::Null);
    let mut parts = BTreeMap::new();
    for (name, schema) in &object.attributes {
        parts.insert(name.clone(), attribute(schema, written(name), &path.attr(name))?);
    }
    for (name, schema) in &object.blocks {
        parts.insert(name.clone(), block(schema, written(name), &path.attr(name))?);
    }
    Ok(Value::Object(parts))
}

/// An identity as an `import` block writes it.
pub(super) fn identity(schema: Option<&Identity>, json: &Json) -> Result<Value> {
    let schema = schema.ok_or_else(|| refuse(&Path::root(), "Objects of this type have no identity."))?;
    let identity = plain_value(&schema.object_type, json, &Path::root())?;
    match schema.required.iter().find(|name| identity.get(name).is_null()) {
        Some(name) => Err(refuse(&Path::attribute(name), "The attribute is required.")),
        None => Ok(identity),
    }
}

fn attribute(schema: &Attribute, json: &Json, path: &Path) -> Result<Value> {
    let value = match &schema.kind {
        Kind::Plain(plain) => plain_value(plain, json, path)?,
        Kind::Nested(nesting, schema) => nested(*nesting, schema, json, path)?,
    };
    if schema.required && value.is_null() {
        return Err(refuse(path, "The attribute is required."));
    }
    if !schema.required && !schema.optional && !value.is_null() {
        return Err(refuse(path, "Only the provider sets this attribute."));
    }
    Ok(value)
}

fn block(schema: &Block, json: &Json, path: &Path) -> Result<Value> {
    if json.is_null() && schema.min_items == 0 {
        return Ok(schema.absent());
    }
    let value = nested(schema.nesting.value_nesting(), &schema.object, json, path)?;
    let count = match &value {
        Value::List(items) | Value::Set(items) => i64::try_from(items.len()).unwrap_or(i64::MAX),
        Value::Null => 0,
        _ => 1,
    };
    let limit = if schema.nesting == BlockNesting::Map || schema.max_items == 0 {
        i64::MAX
    } else {
        schema.max_items
    };
    if count < schema.min_items || count > limit {
        let Block { min_items, max_items, .. } = schema;
        return Err(refuse(path, format!("Expected {min_items} to {max_items} blocks, found {count}.")));
    }
    Ok(value)
}

fn nested(nesting: Nesting, schema: &Object, json: &Json, path: &Path) -> Result<Value> {
    if let Some(value) = without_content(json) {
        return Ok(value);
    }
    match nesting {
        Nesting::Single => object(schema, json, path),
        Nesting::List => items(json, path, |json, path| object(schema, json, path)).map(Value::List),
        Nesting::Set => items(json, path, |json, path| object(schema, json, path)).map(Value::set),
        Nesting::Map => values(json, path, |json, path| object(schema, json, path)).map(Value::Map),
    }
}

/// A value of a type without attributes of its own.
pub(super) fn plain_value(value_type: &Type, json: &Json, path: &Path) -> Result<Value> {
    if let Some(value) = without_content(json) {
        return Ok(value);
    }
    match (value_type, json) {
        (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Type::Number, Json::Number(number)) => number
            .to_string()
            .parse()
            .map(Value::Number)
            .map_err(|error| refuse(path, format!("Expected a number, found {error}."))),
        (Type::String, Json::String(text)) => Ok(Value::string(text)),
        (Type::List(element), _) => {
            items(json, path, |json, path| plain_value(element, json, path)).map(Value::List)
        }
        (Type::Set(element), _) => {
            items(json, path, |json, path| plain_value(element, json, path)).map(Value::set)
        }
        (Type::Map(element), _) => {
            values(json, path, |json, path| plain_value(element, json, path)).map(Value::Map)
        }
        (Type::Object(types), _) => {
            let written = entries(json, path)?;
            let part = |(name, part): (&String, &Type)| {
                let json = written.get(name).unwrap_or(&Json::Null);
                Ok((name.clone(), plain_value(part, json, &path.attr(name))?))
            };
            types.iter().map(part).collect::<Result<_>>().map(Value::Object)
        }
        _ => Err(refuse(path, format!("Expected a {value_type}, found {json}."))),
    }
}

/// Null and unknown values, which fit any type.
fn without_content(json: &Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Null),
        Json::String(text) if text == UNKNOWN => Some(Value::UNKNOWN),
        _ => None,
    }
}

fn entries<'a>(json: &'a Json, path: &Path) -> Result<&'a Map<String, Json>> {
    json.as_object().ok_or_else(|| refuse(path, format!("Expected an object or a map, found {json}.")))
}

fn items(json: &Json, path: &Path, item: impl Fn(&Json, &Path) -> Result<Value>) -> Result<Vec<Value>> {
    let found =
        json.as_array().ok_or_else(|| refuse(path, format!("Expected a list or a set, found {json}.")))?;
    found.iter().enumerate().map(|(index, json)| item(json, &path.index(index))).collect()
}

fn values(
    json: &Json,
    path: &Path,
    value: impl Fn(&Json, &Path) -> Result<Value>,
) -> Result<BTreeMap<String, Value>> {
    entries(json, path)?.iter().map(|(key, json)| Ok((key.clone(), value(json, &path.key(key))?))).collect()
}
