//! Core's own idea of a planned object, from which a provider plans.

use std::collections::BTreeMap;

use super::schema::{Attribute, Block, Kind, Object};
use crate::{
    schema::{BlockNesting, Nesting},
    value::Value,
};

/// Configuration, with prior values where it is null and the provider may set the attribute.
///
/// Write-only values are among the configured ones.
pub(super) fn proposed(schema: &Object, prior: &Value, config: &Value) -> Value {
    if config.as_object().is_none() {
        return config.clone();
    }
    let attributes = schema.attributes.iter().map(|(name, attribute)| {
        (name.clone(), proposed_attribute(attribute, prior.get(name), config.get(name)))
    });
    let blocks = schema
        .blocks
        .iter()
        .map(|(name, block)| (name.clone(), proposed_block(block, prior.get(name), config.get(name))));
    Value::Object(attributes.chain(blocks).collect())
}

fn proposed_attribute(schema: &Attribute, prior: &Value, config: &Value) -> Value {
    if config.is_null() && schema.computed {
        let was_configured = schema.optional && holds_configured(&schema.kind, prior);
        return if was_configured { Value::Null } else { prior.clone() };
    }
    match &schema.kind {
        Kind::Plain(_) => config.clone(),
        Kind::Nested(nesting, object) => nested(*nesting, object, prior, config),
    }
}

fn proposed_block(schema: &Block, prior: &Value, config: &Value) -> Value {
    match schema.nesting {
        BlockNesting::Group if prior.is_null() => proposed(&schema.object, &schema.object.empty(), config),
        _ => nested(schema.nesting.value_nesting(), &schema.object, prior, config),
    }
}

fn nested(nesting: Nesting, schema: &Object, prior: &Value, config: &Value) -> Value {
    match (nesting, config, prior) {
        (Nesting::Single, _, _) => proposed(schema, prior, config),
        (Nesting::List, Value::List(items), Value::List(priors)) => {
            let prior = |index: usize| priors.get(index).unwrap_or(&Value::Null);
            let items = items.iter().enumerate();
            Value::List(items.map(|(index, item)| proposed(schema, prior(index), item)).collect())
        }
        (Nesting::Map, Value::Map(items), Value::Map(priors)) => {
            let prior = |key: &String| priors.get(key).unwrap_or(&Value::Null);
            let items = items.iter();
            Value::Map(items.map(|(key, item)| (key.clone(), proposed(schema, prior(key), item))).collect())
        }
        (Nesting::Set, Value::Set(items), Value::Set(priors)) => proposed_set(schema, priors, items),
        _ => config.clone(),
    }
}

/// Elements of a set have no names: each takes the first prior element that it may come from.
fn proposed_set(schema: &Object, priors: &[Value], config: &[Value]) -> Value {
    let mut unused: Vec<&Value> = priors.iter().collect();
    let items = config.iter().map(|item| {
        let found = unused.iter().position(|prior| may_come_from(schema, prior, item));
        let prior = found.map(|position| unused.remove(position));
        proposed(schema, prior.unwrap_or(&Value::Null), item)
    });
    Value::set(items.collect())
}

/// Whether `prior` differs from `config` only in attributes that the provider may have set.
fn may_come_from(schema: &Object, prior: &Value, config: &Value) -> bool {
    let attributes = schema.attributes.iter().all(|(name, attribute)| {
        let (prior, config) = (prior.get(name), config.get(name));
        prior == config
            || match &attribute.kind {
                Kind::Plain(_) => attribute.computed && config.is_null(),
                Kind::Nested(nesting, object) => nested_may_come_from(*nesting, object, prior, config),
            }
    });
    let blocks = schema.blocks.iter().all(|(name, block)| {
        let (prior, config) = (prior.get(name), config.get(name));
        prior == config || nested_may_come_from(block.nesting.value_nesting(), &block.object, prior, config)
    });
    attributes && blocks
}

fn nested_may_come_from(nesting: Nesting, schema: &Object, prior: &Value, config: &Value) -> bool {
    match (nesting, prior, config) {
        (Nesting::Single, Value::Object(_), Value::Object(_)) => may_come_from(schema, prior, config),
        (Nesting::List, Value::List(prior), Value::List(config)) => {
            prior.len() == config.len()
                && prior.iter().zip(config).all(|(prior, config)| may_come_from(schema, prior, config))
        }
        (Nesting::Map, Value::Map(prior), Value::Map(config)) => {
            prior.keys().eq(config.keys())
                && prior
                    .values()
                    .zip(config.values())
                    .all(|(prior, config)| may_come_from(schema, prior, config))
        }
        // A set within a set would have to be equal.
        _ => false,
    }
}

/// Whether nested attributes hold a value that only configuration can have set.
fn holds_configured(kind: &Kind, prior: &Value) -> bool {
    let Kind::Nested(_, schema) = kind else { return false };
    objects_in(prior).into_iter().any(|object| {
        schema.attributes.iter().any(|(name, attribute)| {
            let value = object.get(name);
            !value.is_null() && (!attribute.computed || holds_configured(&attribute.kind, value))
        })
    })
}

fn objects_in(value: &Value) -> Vec<&Value> {
    match value {
        Value::List(items) | Value::Set(items) => items.iter().collect(),
        Value::Map(items) => BTreeMap::values(items).collect(),
        other => vec![other],
    }
}
