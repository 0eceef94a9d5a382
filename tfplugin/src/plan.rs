//! Planning and the comparison of values by meaning: pure functions over a schema.

use std::collections::BTreeMap;

use crate::{
    path::Path,
    schema::{Attribute, Block, BlockNesting, Field, Kind, Nesting, Presence, Schema},
    value::Value,
};

/// What Terraform core sends for a plan.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The object as it was read; null when it is to be created.
    pub prior: &'a Value,
    /// What the user wrote; null when the object is to be destroyed.
    pub config: &'a Value,
    /// Core's own merge of the two.
    pub proposed: &'a Value,
}

/// A planned object.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The object as it will be, unknown where only applying can tell.
    pub planned: Value,
    /// Attributes whose change replaces the object.
    pub replaces: Vec<Path>,
}

/// Plans an object. Steps:
///
/// 1. What is to be destroyed is null.
/// 2. Each attribute: write-only → null; configured → as configured; else its default; else, where the provider
///    sets it, the prior value or unknown; else null.
/// 3. If anything changes, volatile attributes become unknown.
/// 4. The attributes whose change replaces the object are listed.
pub fn plan(schema: &Schema, proposal: Proposal<'_>) -> Plan {
    if proposal.config.is_null() {
        return Plan { planned: Value::Null, replaces: Vec::new() };
    }
    let mut planned = plan_object(&schema.fields, proposal.prior, proposal.config, proposal.proposed);
    if planned != *proposal.prior {
        make_volatile_unknown(&schema.fields, &mut planned);
    }
    let replaces = replaced(schema, proposal.prior, &planned);
    Plan { planned, replaces }
}

/// The paths whose change from `prior` to `planned` replaces the object; none when it is created.
pub fn replaced(schema: &Schema, prior: &Value, planned: &Value) -> Vec<Path> {
    let mut replaces = Vec::new();
    if !prior.is_null() {
        find_replaced(&schema.fields, prior, planned, &Path::root(), &mut replaces);
    }
    replaces
}

fn plan_object(fields: &[Field], prior: &Value, config: &Value, proposed: &Value) -> Value {
    // An object that is null or unknown as a whole is taken as it is.
    if config.as_object().is_none() {
        return config.clone();
    }
    let planned = fields.iter().map(|field| {
        let name = field.name();
        let (prior_part, config, proposed) = (prior.get(name), config.get(name), proposed.get(name));
        let value = match field {
            Field::Attribute(attribute) => plan_attribute(attribute, prior, prior_part, config, proposed),
            Field::Block(block) => plan_block(block, prior_part, config, proposed),
        };
        (name.to_owned(), value)
    });
    Value::Object(planned.collect())
}

fn plan_attribute(
    attribute: &Attribute,
    owner: &Value,
    prior: &Value,
    config: &Value,
    proposed: &Value,
) -> Value {
    if attribute.write_only {
        return Value::Null;
    }
    if !config.is_null() {
        return match &attribute.kind {
            Kind::Plain(_) => config.clone(),
            Kind::Nested(nesting, fields) => plan_nested(*nesting, fields, prior, config, proposed),
        };
    }
    match (&attribute.default, attribute.presence) {
        (Some(default), _) => default.clone(),
        (None, Presence::Computed | Presence::OptionalComputed) if owner.is_null() => Value::UNKNOWN,
        (None, Presence::Computed | Presence::OptionalComputed) => prior.clone(),
        (None, Presence::Required | Presence::Optional) => Value::Null,
    }
}

fn plan_nested(nesting: Nesting, fields: &[Field], prior: &Value, config: &Value, proposed: &Value) -> Value {
    match (nesting, config) {
        (Nesting::Single, _) => plan_object(fields, prior, config, proposed),
        (Nesting::List, Value::List(items)) => Value::List(plan_items(fields, prior, items, proposed)),
        // Only core can match the elements of a set with prior ones: its proposal holds what they had.
        (Nesting::Set, Value::Set(items)) => {
            let items = if let Value::Set(merged) = proposed { merged } else { items };
            Value::Set(items.iter().map(|item| plan_object(fields, &Value::Null, item, item)).collect())
        }
        (Nesting::Map, Value::Map(items)) => Value::Map(plan_entries(fields, prior, items, proposed)),
        // Unknown as a whole.
        (_, other) => other.clone(),
    }
}

fn plan_block(block: &Block, prior: &Value, config: &Value, proposed: &Value) -> Value {
    let nesting = match block.nesting {
        BlockNesting::Single | BlockNesting::Group => Nesting::Single,
        BlockNesting::List => Nesting::List,
        BlockNesting::Set => Nesting::Set,
        BlockNesting::Map => Nesting::Map,
    };
    match config {
        Value::Dynamic(inner) => {
            let (value_type, blocks) =
                if let Value::Dynamic(merged) = proposed { merged } else { inner }.as_ref();
            Value::Dynamic(Box::new((value_type.clone(), plan_dynamic_block(&block.fields, blocks))))
        }
        _ => plan_nested(nesting, &block.fields, prior, config, proposed),
    }
}

/// Blocks that hold a dynamic attribute arrive as a tuple or an object of blocks.
fn plan_dynamic_block(fields: &[Field], blocks: &Value) -> Value {
    let plan = |block: &Value| plan_object(fields, &Value::Null, block, block);
    match blocks {
        Value::Tuple(items) => Value::Tuple(items.iter().map(plan).collect()),
        Value::Object(items) => {
            Value::Object(items.iter().map(|(key, item)| (key.clone(), plan(item))).collect())
        }
        other => other.clone(),
    }
}

fn plan_items(fields: &[Field], prior: &Value, config: &[Value], proposed: &Value) -> Vec<Value> {
    let at = |list: &Value, index: usize| match list {
        Value::List(items) => items.get(index).cloned().unwrap_or(Value::Null),
        _ => Value::Null,
    };
    let items = config.iter().enumerate();
    items.map(|(index, item)| plan_object(fields, &at(prior, index), item, &at(proposed, index))).collect()
}

fn plan_entries(
    fields: &[Field],
    prior: &Value,
    config: &BTreeMap<String, Value>,
    proposed: &Value,
) -> BTreeMap<String, Value> {
    let at = |map: &Value, key: &str| match map {
        Value::Map(items) => items.get(key).cloned().unwrap_or(Value::Null),
        _ => Value::Null,
    };
    let items = config.iter();
    items
        .map(|(key, item)| (key.clone(), plan_object(fields, &at(prior, key), item, &at(proposed, key))))
        .collect()
}

fn make_volatile_unknown(fields: &[Field], planned: &mut Value) {
    let Value::Object(attributes) = planned else { return };
    for field in fields {
        if let Field::Attribute(attribute) = field
            && attribute.volatile
        {
            attributes.insert(attribute.name.to_owned(), Value::UNKNOWN);
        }
    }
}

fn find_replaced(fields: &[Field], prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Path>) {
    for field in fields {
        let name = field.name();
        let (prior, planned) = (prior.get(name), planned.get(name));
        let Field::Attribute(attribute) = field else { continue };
        if prior == planned {
            continue;
        }
        if attribute.replaces {
            found.push(path.attr(name));
        } else if let Kind::Nested(Nesting::Single, fields) = &attribute.kind
            && prior.as_object().is_some()
            && planned.as_object().is_some()
        {
            find_replaced(fields, prior, planned, &path.attr(name), found);
        }
    }
}

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
        let Field::Attribute(attribute) = field else { continue };
        let (Some(known), Some(part)) = (known.get(attribute.name), parts.get_mut(attribute.name)) else {
            continue;
        };
        *part = keep_attribute(attribute, known, std::mem::replace(part, Value::Null));
    }
    Value::Object(parts)
}

fn keep_attribute(attribute: &Attribute, known: &Value, found: Value) -> Value {
    if attribute.same(known, &found) {
        return known.clone();
    }
    match &attribute.kind {
        Kind::Nested(Nesting::Single, fields) => keep_object(fields, known, found),
        Kind::Nested(Nesting::List, fields) => keep_list(fields, known, found),
        Kind::Nested(Nesting::Map, fields) => keep_map(fields, known, found),
        Kind::Nested(Nesting::Set, _) | Kind::Plain(_) => found,
    }
}

fn keep_list(fields: &[Field], known: &Value, found: Value) -> Value {
    match (known, found) {
        (Value::List(known), Value::List(found)) if known.len() == found.len() => Value::List(
            known.iter().zip(found).map(|(known, found)| keep_object(fields, known, found)).collect(),
        ),
        (_, found) => found,
    }
}

fn keep_map(fields: &[Field], known: &Value, found: Value) -> Value {
    match (known, found) {
        (Value::Map(known), Value::Map(found)) => Value::Map(
            found
                .into_iter()
                .map(|(key, found)| match known.get(&key) {
                    Some(known) => (key, keep_object(fields, known, found)),
                    None => (key, found),
                })
                .collect(),
        ),
        (_, found) => found,
    }
}

/// The write-only attributes that `config` sets, for clients that would store them.
pub fn write_only_in(schema: &Schema, config: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    find_write_only(&schema.fields, config, &Path::root(), &mut found);
    found
}

fn find_write_only(fields: &[Field], config: &Value, path: &Path, found: &mut Vec<Path>) {
    for field in fields {
        let (value, path) = (config.get(field.name()), path.attr(field.name()));
        match field {
            _ if value.is_null() => {}
            Field::Attribute(attribute) if attribute.write_only => found.push(path),
            Field::Attribute(Attribute { kind: Kind::Nested(_, fields), .. })
            | Field::Block(Block { fields, .. }) => {
                for (value, path) in objects_in(value, &path) {
                    find_write_only(fields, value, &path, found);
                }
            }
            Field::Attribute(_) => {}
        }
    }
}

/// The objects of a nested attribute or block, with their paths. Set elements have none of their own.
fn objects_in<'a>(value: &'a Value, path: &Path) -> Vec<(&'a Value, Path)> {
    match value {
        Value::List(items) | Value::Tuple(items) => {
            items.iter().enumerate().map(|(index, item)| (item, path.index(index))).collect()
        }
        Value::Set(items) => items.iter().map(|item| (item, path.clone())).collect(),
        Value::Map(items) => items.iter().map(|(key, item)| (item, path.key(key))).collect(),
        other => vec![(other, path.clone())],
    }
}
