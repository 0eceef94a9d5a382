//! What core demands of the values in a provider's answers.

use super::{
    failure::{Rule, Violation},
    schema::{Attribute, Block, Kind, Object},
};
use crate::{
    path::{Path, Step},
    schema::Nesting,
    value::Value,
};

type Result = std::result::Result<(), Violation>;

/// Write-only attributes are null in all that a provider answers.
pub(super) fn write_only_is_null(schema: &Object, value: &Value, path: &Path) -> Result {
    for (name, attribute) in &schema.attributes {
        let (value, path) = (value.get(name), path.attr(name));
        if attribute.write_only {
            write_only_attribute_is_null(value, &path)?;
        }
        if let Kind::Nested(nesting, object) = &attribute.kind {
            let mut elements = elements(*nesting, value, &path).into_iter();
            elements.try_for_each(|(value, path)| write_only_is_null(object, value, &path))?;
        }
    }
    for (name, block) in &schema.blocks {
        let mut elements =
            elements(block.nesting.value_nesting(), value.get(name), &path.attr(name)).into_iter();
        elements.try_for_each(|(value, path)| write_only_is_null(&block.object, value, &path))?;
    }
    Ok(())
}

fn write_only_attribute_is_null(value: &Value, path: &Path) -> Result {
    if value.is_null() { Ok(()) } else { Err(Violation::new(Rule::WriteOnly, path, "a value")) }
}

/// A configuration sets all that must be set, and nothing that only the provider sets.
pub(super) fn can_be_written(schema: &Object, config: &Value, path: &Path) -> Result {
    let broken = |path: &Path, found: &str| Err(Violation::new(Rule::GeneratedConfig, path, found));
    if config.is_null() {
        return Ok(());
    }
    for (name, attribute) in &schema.attributes {
        let (config, path) = (config.get(name), path.attr(name));
        if attribute.required && config.is_null() {
            return broken(&path, "null where something must be set");
        }
        if !(attribute.required || attribute.optional || config.is_null()) {
            return broken(&path, "a value that only the provider sets");
        }
        if let Kind::Nested(nesting, object) = &attribute.kind {
            let mut elements = elements(*nesting, config, &path).into_iter();
            elements.try_for_each(|(config, path)| can_be_written(object, config, &path))?;
        }
    }
    for (name, block) in &schema.blocks {
        let nesting = block.nesting.value_nesting();
        let mut elements = elements(nesting, config.get(name), &path.attr(name)).into_iter();
        elements.try_for_each(|(config, path)| can_be_written(&block.object, config, &path))?;
    }
    Ok(())
}

/// Nothing is unknown.
pub(super) fn is_wholly_known(value: &Value) -> Result {
    first_unknown(value, &Path::root())
        .map_or(Ok(()), |path| Err(Violation::new(Rule::WhollyKnown, &path, "an unknown value")))
}

fn first_unknown(value: &Value, path: &Path) -> Option<Path> {
    if value.is_unknown() {
        return Some(path.clone());
    }
    parts(value, path).into_iter().find_map(|(part, path)| first_unknown(part, &path))
}

/// A plan takes configured values as they are, or keeps prior ones that mean the same; it invents values only where
/// the provider may set them.
pub(super) fn plan_follows_config(
    schema: &Object,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
) -> Result {
    match (config.is_null(), planned.is_null()) {
        (false, true) => return broken_plan(path, "planned for absence, configured for existence"),
        (true, false) => return broken_plan(path, "planned for existence, configured for absence"),
        (true, true) => return Ok(()),
        (false, false) => {}
    }
    for (name, attribute) in &schema.attributes {
        let (prior, config, planned) = (prior.get(name), config.get(name), planned.get(name));
        attribute_follows_config(attribute, prior, config, planned, &path.attr(name))?;
    }
    for (name, block) in &schema.blocks {
        let (prior, config, planned) = (prior.get(name), config.get(name), planned.get(name));
        block_follows_config(block, prior, config, planned, &path.attr(name))?;
    }
    Ok(())
}

fn attribute_follows_config(
    schema: &Attribute,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
) -> Result {
    if schema.write_only {
        return write_only_attribute_is_null(planned, path);
    }
    if planned == config || (config.is_null() && schema.computed) {
        return Ok(());
    }
    if config.is_null() {
        return broken_plan(path, format!("{planned:?}, neither configured nor computed"));
    }
    if planned == prior && !prior.is_null() {
        return Ok(());
    }
    match &schema.kind {
        Kind::Plain(_) => broken_plan(path, format!("{planned:?}, configured is {config:?}")),
        Kind::Nested(nesting, object) => {
            nested_follows_config(*nesting, object, prior, config, planned, path)
        }
    }
}

fn block_follows_config(
    schema: &Block,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
) -> Result {
    let single = schema.nesting.value_nesting() == Nesting::Single;
    if planned == config {
        Ok(())
    } else if config.is_unknown() {
        broken_plan(path, "a change of blocks that are not known yet")
    } else if planned.is_null() && !single {
        broken_plan(path, "null instead of no blocks")
    } else {
        nested_follows_config(schema.nesting.value_nesting(), &schema.object, prior, config, planned, path)
    }
}

fn nested_follows_config(
    nesting: Nesting,
    schema: &Object,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
) -> Result {
    if planned.is_unknown() {
        return broken_plan(path, "an unknown value in place of one that is known in part");
    }
    let is_there = |value: &Value| nesting == Nesting::Single || !value.is_null();
    let (configured, elements) = (elements(nesting, config, path), elements(nesting, planned, path));
    let places =
        |elements: &[(&Value, Path)]| elements.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>();
    if is_there(config) != is_there(planned) || places(&configured) != places(&elements) {
        let (planned, configured) = (elements.len(), configured.len());
        return broken_plan(path, format!("{planned} elements, configured are {configured}, or others"));
    }
    if nesting == Nesting::Set {
        // Elements cannot be told apart: core trusts the provider.
        return Ok(());
    }
    elements.into_iter().zip(configured).try_for_each(|((planned, path), (config, _))| {
        if planned.is_unknown() && !config.is_unknown() {
            return broken_plan(&path, "an unknown element");
        }
        let prior = if nesting == Nesting::Single { prior } else { element(prior, &path) };
        plan_follows_config(schema, prior, config, planned, &path)
    })
}

fn broken_plan(path: &Path, found: impl Into<String>) -> Result {
    Err(Violation::new(Rule::PlanFollowsConfig, path, found))
}

/// `actual` is `planned` with its unknown values filled in; `rule` is the rule that says so.
pub(super) fn fills_in(rule: Rule, planned: &Value, actual: &Value, path: &Path) -> Result {
    let broken = || Err(Violation::new(rule, path, format!("{actual:?}, planned was {planned:?}")));
    match (planned, actual) {
        (Value::Unknown(_), _) => Ok(()),
        (Value::Set(planned), Value::Set(actual)) => {
            if set_fills_in(rule, planned, actual, path) {
                Ok(())
            } else {
                broken()
            }
        }
        (Value::List(_), Value::List(_))
        | (Value::Tuple(_), Value::Tuple(_))
        | (Value::Map(_), Value::Map(_))
        | (Value::Object(_), Value::Object(_)) => {
            let (planned, actual) = (parts(planned, path), parts(actual, path));
            if !planned.iter().map(|(_, path)| path).eq(actual.iter().map(|(_, path)| path)) {
                return broken();
            }
            let mut pairs = planned.into_iter().zip(actual);
            pairs.try_for_each(|((planned, path), (actual, _))| fills_in(rule, planned, actual, &path))
        }
        (Value::Dynamic(planned), Value::Dynamic(actual)) => fills_in(rule, &planned.1, &actual.1, path),
        _ if planned == actual => Ok(()),
        _ => broken(),
    }
}

/// A set may lose elements that turn out to be equal, and gains none.
fn set_fills_in(rule: Rule, planned: &[Value], actual: &[Value], path: &Path) -> bool {
    let fits = |planned: &Value, actual: &Value| fills_in(rule, planned, actual, path).is_ok();
    actual.len() <= planned.len()
        && actual.iter().all(|actual| planned.iter().any(|planned| fits(planned, actual)))
        && planned.iter().all(|planned| actual.iter().any(|actual| fits(planned, actual)))
}

/// The paths of `replaces` at which the two values differ.
///
/// # Errors
/// When a path is in neither of them.
pub(super) fn changed_paths(
    prior: &Value,
    planned: &Value,
    replaces: Vec<Path>,
) -> std::result::Result<Vec<Path>, Violation> {
    let mut changed = Vec::new();
    for path in replaces {
        let (before, after) = (at(prior, &path), at(planned, &path));
        if before.is_none() && after.is_none() {
            return Err(Violation::new(Rule::ReplacePath, &path, "nothing"));
        }
        if before.unwrap_or(&Value::Null) != after.unwrap_or(&Value::Null) {
            changed.push(path);
        }
    }
    Ok(changed)
}

/// What stands at `path`; none where there is no such place.
fn at<'a>(value: &'a Value, path: &Path) -> Option<&'a Value> {
    path.steps().iter().try_fold(value, step_into)
}

fn step_into<'a>(value: &'a Value, step: &Step) -> Option<&'a Value> {
    match (value, step) {
        (Value::Object(parts), Step::Attribute(name)) | (Value::Map(parts), Step::Key(name)) => {
            parts.get(name)
        }
        (Value::List(items) | Value::Tuple(items), Step::Index(index)) => {
            items.get(usize::try_from(*index).ok()?)
        }
        _ => None,
    }
}

/// The element of `collection` that has the place of `path`; null where it has none.
fn element<'a>(collection: &'a Value, path: &Path) -> &'a Value {
    let step = path.steps().last();
    step.and_then(|step| step_into(collection, step)).unwrap_or(&Value::Null)
}

/// The objects of nested attributes or blocks, with their paths.
fn elements<'a>(nesting: Nesting, value: &'a Value, path: &Path) -> Vec<(&'a Value, Path)> {
    if nesting == Nesting::Single { vec![(value, path.clone())] } else { parts(value, path) }
}

/// What a value consists of, with paths. Elements of a set have the path of the set.
fn parts<'a>(value: &'a Value, path: &Path) -> Vec<(&'a Value, Path)> {
    match value {
        Value::List(items) | Value::Tuple(items) => {
            items.iter().enumerate().map(|(index, item)| (item, path.index(index))).collect()
        }
        Value::Set(items) => items.iter().map(|item| (item, path.clone())).collect(),
        Value::Map(items) => items.iter().map(|(key, item)| (item, path.key(key))).collect(),
        Value::Object(items) => items.iter().map(|(name, item)| (item, path.attr(name))).collect(),
        Value::Dynamic(inner) => parts(&inner.1, path),
        Value::Null | Value::Unknown(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
