//! Planning: pure functions over a schema.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    path::Path,
    schema::{Attribute, Field, Kind, Nesting, Presence, Schema},
    spelling::same,
    value::Value,
};

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The object as it was read; null when it is to be created.
    pub prior: &'a Value,
    /// What the user wrote; null when the object is to be destroyed.
    pub config: &'a Value,
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
    let Proposal { prior, config } = proposal;
    if config.is_null() {
        return Plan { planned: Value::Null, replaces: Vec::new() };
    }
    let mut planned = plan_object(&schema.fields, prior, config);
    if planned != *prior {
        planned = with_volatile_unknown(&schema.fields, planned);
    }
    let replaces = replaced(schema, prior, &planned);
    Plan { planned, replaces }
}

/// The plan that comes of `plan` when the resource made `planned` of it.
pub fn refine(schema: &Schema, prior: &Value, plan: Plan, planned: Value) -> Plan {
    let mut planned = normalise(schema, planned);
    if planned == plan.planned {
        return plan;
    }
    if plan.planned == *prior && planned != *prior {
        // Only the resource knew that something changes; what it did not touch is still to become unknown.
        planned = map_fields(&schema.fields, planned, |field, part| {
            let untouched = part == *plan.planned.get(field.name());
            if untouched { volatile_unknown(field, part) } else { part }
        });
    }
    let replaces = replaced(schema, prior, &planned);
    Plan { planned, replaces }
}

fn plan_object(fields: &[Field], prior: &Value, config: &Value) -> Value {
    // An object that is null or unknown as a whole is taken as it is.
    if config.as_object().is_none() {
        return config.clone();
    }
    let planned = fields.iter().map(|field| {
        let name = field.name();
        let (prior_part, config) = (prior.get(name), config.get(name));
        let value = match field {
            Field::Attribute(attribute) => plan_attribute(attribute, prior, prior_part, config),
            Field::Block(block) => {
                plan_nested(block.nesting.value_nesting(), &block.fields, prior_part, config)
            }
        };
        (name.to_owned(), value)
    });
    Value::Object(planned.collect())
}

fn plan_attribute(attribute: &Attribute, owner: &Value, prior: &Value, config: &Value) -> Value {
    if attribute.write_only {
        return Value::Null;
    }
    if !config.is_null() {
        return match &attribute.kind {
            Kind::Plain(_) => config.clone(),
            Kind::Nested(nesting, fields) => plan_nested(*nesting, fields, prior, config),
        };
    }
    match (&attribute.default, attribute.presence) {
        (Some(default), _) => default.clone(),
        (None, Presence::Computed | Presence::OptionalComputed) if owner.is_null() => Value::UNKNOWN,
        (None, Presence::Computed | Presence::OptionalComputed) => prior.clone(),
        (None, Presence::Required | Presence::Optional) => Value::Null,
    }
}

fn plan_nested(nesting: Nesting, fields: &[Field], prior: &Value, config: &Value) -> Value {
    match (nesting, config) {
        (Nesting::Single, _) => plan_object(fields, prior, config),
        (Nesting::List, Value::List(items)) => Value::List(plan_items(fields, prior, items)),
        (Nesting::Set, Value::Set(items)) => Value::set(plan_set(fields, prior, items)),
        (Nesting::Map, Value::Map(items)) => Value::Map(plan_entries(fields, prior, items)),
        (_, Value::Dynamic(inner)) => {
            Value::dynamic(inner.0.clone(), plan_dynamic(fields, content(prior), &inner.1))
        }
        // Null or unknown as a whole.
        (_, other) => other.clone(),
    }
}

/// Blocks that hold a dynamic attribute come as a tuple, or as an object by label.
fn plan_dynamic(fields: &[Field], prior: &Value, config: &Value) -> Value {
    match config {
        Value::Tuple(items) => Value::Tuple(plan_items(fields, prior, items)),
        Value::Object(items) => Value::Object(plan_entries(fields, prior, items)),
        other => other.clone(),
    }
}

fn plan_items(fields: &[Field], prior: &Value, config: &[Value]) -> Vec<Value> {
    let items = config.iter().enumerate();
    items.map(|(index, item)| plan_object(fields, item_at(prior, index), item)).collect()
}

fn plan_entries(
    fields: &[Field],
    prior: &Value,
    config: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let items = config.iter();
    items.map(|(key, item)| (key.clone(), plan_object(fields, entry_at(prior, key), item))).collect()
}

/// Elements of a set have no names: each takes the first prior element that it may be, as core matches them.
fn plan_set(fields: &[Field], prior: &Value, config: &[Value]) -> Vec<Value> {
    let mut unused: Vec<&Value> = items_of(prior).iter().collect();
    let items = config.iter().map(|item| {
        let found = unused.iter().position(|prior| may_be(fields, prior, item));
        let prior = found.map_or(&Value::Null, |position| unused.remove(position));
        plan_object(fields, prior, item)
    });
    items.collect()
}

/// Whether `prior` is what `config` has become: it differs only where the provider sets what is not configured.
fn may_be(fields: &[Field], prior: &Value, config: &Value) -> bool {
    config.as_object().is_some()
        && fields.iter().all(|field| {
            let (prior, config) = (prior.get(field.name()), config.get(field.name()));
            match (field, field.nested()) {
                (Field::Attribute(attribute), _) if config.is_null() && attribute.presence.is_computed() => {
                    true
                }
                (_, Some((nesting, fields))) => nested_may_be(nesting, fields, prior, config),
                (_, None) => same(field, prior, config),
            }
        })
}

fn nested_may_be(nesting: Nesting, fields: &[Field], prior: &Value, config: &Value) -> bool {
    let may_be = |(prior, config)| may_be(fields, prior, config);
    match (nesting, prior, config) {
        (Nesting::Single, Value::Object(_), Value::Object(_)) => may_be((prior, config)),
        (Nesting::List, Value::List(prior), Value::List(config)) => {
            prior.len() == config.len() && prior.iter().zip(config).all(may_be)
        }
        (Nesting::Map, Value::Map(prior), Value::Map(config)) => {
            prior.keys().eq(config.keys()) && prior.values().zip(config.values()).all(may_be)
        }
        _ => prior == config,
    }
}

fn with_volatile_unknown(fields: &[Field], object: Value) -> Value {
    map_fields(fields, object, volatile_unknown)
}

fn volatile_unknown(field: &Field, part: Value) -> Value {
    match (field, field.nested()) {
        (Field::Attribute(Attribute { volatile: true, .. }), _) => Value::UNKNOWN,
        (_, Some((nesting, fields))) => {
            map_objects(nesting, part, |object| with_volatile_unknown(fields, object))
        }
        (_, None) => part,
    }
}

/// The paths whose change from `prior` to `planned` replaces the object; none when it is created. Another spelling
/// of the same is no change. What comes with a new element of a collection, or goes with an old one, is one.
pub fn replaced(schema: &Schema, prior: &Value, planned: &Value) -> Vec<Path> {
    let mut replaces = Vec::new();
    if !prior.is_null() {
        find_replaced(&schema.fields, prior, planned, &Path::root(), &mut replaces);
    }
    replaces
}

fn find_replaced(fields: &[Field], prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Path>) {
    for field in fields {
        let name = field.name();
        let (prior, planned) = (prior.get(name), planned.get(name));
        if same(field, prior, planned) {
            continue;
        }
        let path = path.attr(name);
        if field.replaces() {
            found.push(path);
        } else if let Some((nesting, fields)) = field.nested() {
            find_replaced_in(nesting, fields, prior, planned, &path, found);
        }
    }
}

fn find_replaced_in(
    nesting: Nesting,
    fields: &[Field],
    prior: &Value,
    planned: &Value,
    path: &Path,
    found: &mut Vec<Path>,
) {
    let (prior, planned) = (content(prior), content(planned));
    match nesting {
        Nesting::Single => find_replaced(fields, prior, planned, path, found),
        Nesting::List => {
            for index in 0..items_of(prior).len().max(items_of(planned).len()) {
                let (prior, planned) = (item_at(prior, index), item_at(planned, index));
                find_replaced(fields, prior, planned, &path.index(index), found);
            }
        }
        Nesting::Map => {
            for key in keys_of(prior).union(&keys_of(planned)) {
                find_replaced(fields, entry_at(prior, key), entry_at(planned, key), &path.key(*key), found);
            }
        }
        // Elements of a set cannot be addressed: the path ends at the set.
        Nesting::Set if prior != planned && any_replaces(fields) => found.push(path.clone()),
        Nesting::Set => {}
    }
}

fn any_replaces(fields: &[Field]) -> bool {
    let any_inside = |field: &Field| field.nested().is_some_and(|(_, fields)| any_replaces(fields));
    fields.iter().any(|field| field.replaces() || any_inside(field))
}

/// An object as Terraform demands it, whoever made it: without write-only values, and with no blocks where a model
/// says null.
pub fn normalise(schema: &Schema, object: Value) -> Value {
    normalise_object(&schema.fields, object)
}

fn normalise_object(fields: &[Field], object: Value) -> Value {
    map_fields(fields, object, |field, part| match field.nested() {
        _ if field.is_write_only() || part.is_null() => field.absent(),
        Some((nesting, fields)) => map_objects(nesting, part, |object| normalise_object(fields, object)),
        None => part,
    })
}

/// The configuration that leads to `object`: without what only the provider sets, what equals its default, what means
/// the same as nothing, what is deprecated, and write-only values.
pub fn written(schema: &Schema, object: Value) -> Value {
    written_object(&schema.fields, object)
}

fn written_object(fields: &[Field], object: Value) -> Value {
    map_fields(fields, object, |field, part| match field {
        _ if part.is_null() => field.absent(),
        Field::Attribute(attribute) if !is_written(attribute, &part) => Value::Null,
        _ => match field.nested() {
            Some((nesting, fields)) => map_objects(nesting, part, |object| written_object(fields, object)),
            None => part,
        },
    })
}

fn is_written(attribute: &Attribute, value: &Value) -> bool {
    match attribute.presence {
        Presence::Required => !attribute.write_only,
        Presence::Computed => false,
        Presence::Optional | Presence::OptionalComputed => {
            let is_implied = match &attribute.default {
                Some(default) => attribute.same(default, value),
                None => attribute.same(&Value::Null, value),
            };
            !(is_implied || attribute.write_only || attribute.deprecated.is_some())
        }
    }
}

/// The same value with null in place of all that is unknown: what can be stored of an object that is half done.
pub fn unknown_as_null(value: Value) -> Value {
    let all = |items: Vec<Value>| items.into_iter().map(unknown_as_null).collect();
    let named = |parts: BTreeMap<String, Value>| {
        parts.into_iter().map(|(name, part)| (name, unknown_as_null(part))).collect()
    };
    match value {
        Value::Unknown(_) => Value::Null,
        Value::List(items) => Value::List(all(items)),
        Value::Set(items) => Value::set(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Map(parts) => Value::Map(named(parts)),
        Value::Object(parts) => Value::Object(named(parts)),
        Value::Dynamic(inner) => Value::dynamic(inner.0, unknown_as_null(inner.1)),
        known @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => known,
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
        if field.is_write_only() && !value.is_null() {
            found.push(path);
        } else if let Some((nesting, fields)) = field.nested() {
            for (value, path) in objects_in(nesting, content(value), &path) {
                find_write_only(fields, value, &path, found);
            }
        }
    }
}

/// The objects of a nested attribute or block, with their paths. Set elements have none of their own.
fn objects_in<'a>(nesting: Nesting, value: &'a Value, path: &Path) -> Vec<(&'a Value, Path)> {
    match (nesting, value) {
        (Nesting::Single, _) => vec![(value, path.clone())],
        (Nesting::Set, _) => items_of(value).iter().map(|item| (item, path.clone())).collect(),
        (_, Value::Map(items) | Value::Object(items)) => {
            items.iter().map(|(key, item)| (item, path.key(key))).collect()
        }
        _ => items_of(value).iter().enumerate().map(|(index, item)| (item, path.index(index))).collect(),
    }
}

/// Changes the parts of an object that belong to `fields`; what is no object stays as it is.
fn map_fields(fields: &[Field], object: Value, change: impl Fn(&Field, Value) -> Value) -> Value {
    let Value::Object(mut parts) = object else { return object };
    for field in fields {
        if let Some(part) = parts.get_mut(field.name()) {
            *part = change(field, std::mem::replace(part, Value::Null));
        }
    }
    Value::Object(parts)
}

/// Changes the objects of a nested attribute or block.
fn map_objects(nesting: Nesting, value: Value, change: impl Fn(Value) -> Value) -> Value {
    let named =
        |items: BTreeMap<String, Value>| items.into_iter().map(|(key, item)| (key, change(item))).collect();
    match (nesting, value) {
        (Nesting::Single, value) => change(value),
        (_, Value::List(items)) => Value::List(items.into_iter().map(change).collect()),
        (_, Value::Set(items)) => Value::set(items.into_iter().map(change).collect()),
        (_, Value::Map(items)) => Value::Map(named(items)),
        (_, Value::Dynamic(inner)) => match *inner {
            (of, Value::Tuple(items)) => {
                Value::dynamic(of, Value::Tuple(items.into_iter().map(change).collect()))
            }
            (of, Value::Object(items)) => Value::dynamic(of, Value::Object(named(items))),
            (of, other) => Value::dynamic(of, other),
        },
        (_, other) => other,
    }
}

/// The value in a slot of the dynamic type.
fn content(value: &Value) -> &Value {
    if let Value::Dynamic(inner) = value { &inner.1 } else { value }
}

fn items_of(value: &Value) -> &[Value] {
    match value {
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => items,
        _ => &[],
    }
}

fn item_at(value: &Value, index: usize) -> &Value {
    items_of(value).get(index).unwrap_or(&Value::Null)
}

fn keys_of(value: &Value) -> BTreeSet<&String> {
    match value {
        Value::Map(items) | Value::Object(items) => items.keys().collect(),
        _ => BTreeSet::new(),
    }
}

fn entry_at<'a>(value: &'a Value, key: &str) -> &'a Value {
    match value {
        Value::Map(items) | Value::Object(items) => items.get(key).unwrap_or(&Value::Null),
        _ => &Value::Null,
    }
}
