//! Types as JSON, the form in which schemas and dynamic values carry them.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use thiserror::Error;

use super::json::text::{escape, kind, parse};
use crate::value::{MAX_DEPTH, Type, nfc};

/// Why text is no type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found}")]
pub struct ParseTypeError {
    /// What belongs in the place.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Type {
    /// Reads a type such as `["list","string"]`.
    ///
    /// An object may name optional attributes in a third element; they make no difference to values and are
    /// left out.
    ///
    /// # Errors
    /// Text that is not JSON or no type, or nesting beyond [`MAX_DEPTH`].
    pub fn from_json(text: &[u8]) -> Result<Self, ParseTypeError> {
        let (tree, length) = parse(text).map_err(|syntax| error("a type as JSON", syntax))?;
        if !text[length..].trim_ascii().is_empty() {
            return Err(error("nothing after the type", "more"));
        }
        from_tree(tree, 0)
    }

    /// The type as JSON, byte for byte as core writes it.
    pub fn to_json(&self) -> String {
        escape(&to_tree(self).to_string())
    }
}

pub(super) fn from_tree(tree: Json, depth: usize) -> Result<Type, ParseTypeError> {
    if depth > MAX_DEPTH {
        return Err(error(format!("at most {MAX_DEPTH} levels of nesting"), "more"));
    }
    match tree {
        Json::String(name) => primitive(&name),
        Json::Array(parts) => compound(parts, depth + 1),
        other => Err(error("the name of a type, or an array of kind and parts", kind(&other))),
    }
}

fn primitive(name: &str) -> Result<Type, ParseTypeError> {
    match name {
        "bool" => Ok(Type::Bool),
        "number" => Ok(Type::Number),
        "string" => Ok(Type::String),
        "dynamic" => Ok(Type::Dynamic),
        _ => Err(error("the type bool, number, string or dynamic", format!("{name:?}"))),
    }
}

fn compound(parts: Vec<Json>, depth: usize) -> Result<Type, ParseTypeError> {
    let mut parts = parts.into_iter();
    let (Some(Json::String(kind)), Some(part)) = (parts.next(), parts.next()) else {
        return Err(error("a kind of type and its parts", "something else"));
    };
    let ty = match kind.as_str() {
        "list" => Type::list(from_tree(part, depth)?),
        "set" => Type::set(from_tree(part, depth)?),
        "map" => Type::map(from_tree(part, depth)?),
        "tuple" => Type::Tuple(elements(part, depth)?),
        "object" => Type::Object(attributes(part, parts.next(), depth)?),
        _ => return Err(error("the kind of type list, set, map, tuple or object", format!("{kind:?}"))),
    };
    match parts.next() {
        None => Ok(ty),
        Some(_) => Err(error(format!("the end of the {kind}"), "more parts")),
    }
}

fn elements(part: Json, depth: usize) -> Result<Vec<Type>, ParseTypeError> {
    match part {
        Json::Array(types) => types.into_iter().map(|ty| from_tree(ty, depth)).collect(),
        other => Err(error("an array of types", kind(&other))),
    }
}

fn attributes(
    part: Json,
    optional: Option<Json>,
    depth: usize,
) -> Result<BTreeMap<String, Type>, ParseTypeError> {
    let Json::Object(types) = part else {
        return Err(error("types by attribute name", kind(&part)));
    };
    let types = types.into_iter().map(|(name, ty)| Ok((nfc(name), from_tree(ty, depth)?)));
    let types = types.collect::<Result<BTreeMap<_, _>, _>>()?;
    match optional {
        None => Ok(types),
        Some(Json::Array(names)) if names.iter().all(|name| is_attribute(name, &types)) => Ok(types),
        Some(_) => Err(error("names of optional attributes that the type declares", "others")),
    }
}

fn is_attribute(name: &Json, types: &BTreeMap<String, Type>) -> bool {
    name.as_str().is_some_and(|name| types.contains_key(&nfc(name)))
}

/// The type as a JSON tree.
fn to_tree(ty: &Type) -> Json {
    let compound = |kind: &str, part: Json| Json::Array(vec![kind.into(), part]);
    match ty {
        Type::Bool => "bool".into(),
        Type::Number => "number".into(),
        Type::String => "string".into(),
        Type::Dynamic => "dynamic".into(),
        Type::List(element) => compound("list", to_tree(element)),
        Type::Set(element) => compound("set", to_tree(element)),
        Type::Map(element) => compound("map", to_tree(element)),
        Type::Tuple(types) => compound("tuple", types.iter().map(to_tree).collect()),
        Type::Object(types) => {
            let types = types.iter().map(|(name, ty)| (name.clone(), to_tree(ty)));
            compound("object", Json::Object(types.collect()))
        }
    }
}

fn error(expected: impl Into<String>, found: impl Into<String>) -> ParseTypeError {
    ParseTypeError { expected: expected.into(), found: found.into() }
}
