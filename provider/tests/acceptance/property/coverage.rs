//! What the generator has shown of each attribute.

use std::collections::{BTreeMap, BTreeSet};

use provider::job::Job;
use serde_json::Value;
use tfplugin::model::Model;
use tfplugin::schema::{Attribute, Field, Kind, Nesting, Presence};

use super::generator::{NEVER_SET, empty, settable};

const NULL: &str = "null";
const EMPTY: &str = "empty";
const SET: &str = "set";
const CHANGED: &str = "changed";

/// The ways in which each attribute was seen, by its path.
#[derive(Default)]
pub(super) struct Coverage(BTreeMap<String, BTreeSet<&'static str>>);

impl Coverage {
    /// Notes a configuration and what became of it.
    pub(super) fn observe(&mut self, first: &Value, second: &Value) {
        self.observe_parts(&Job::schema(0).fields, "", [first, second]);
    }

    fn observe_parts(&mut self, fields: &[Field], above: &str, owners: [&Value; 2]) {
        for attribute in settable(fields) {
            let path = format!("{above}{}", attribute.name);
            let values = owners.map(|owner| &owner[attribute.name]);
            let seen = self.0.entry(path.clone()).or_default();
            for (owner, value) in owners.into_iter().zip(values) {
                if owner.is_object() {
                    seen.insert(look(value));
                }
            }
            if values.map(look) == [SET, SET] && values[0] != values[1] {
                seen.insert(CHANGED);
            }
            if let Some(parts) = parts(attribute) {
                self.observe_parts(parts, &format!("{path}."), values);
            }
        }
    }

    /// What should have been seen and was not, as `path: way`.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        self.miss_parts(&Job::schema(0).fields, "", &mut missing);
        missing
    }

    fn miss_parts(&self, fields: &[Field], above: &str, missing: &mut Vec<String>) {
        for attribute in settable(fields) {
            let path = format!("{above}{}", attribute.name);
            let seen = self.0.get(&path);
            for way in ways(attribute, &path) {
                if !seen.is_some_and(|seen| seen.contains(way)) {
                    missing.push(format!("{path}: {way}"));
                }
            }
            if let Some(parts) = parts(attribute) {
                self.miss_parts(parts, &format!("{path}."), missing);
            }
        }
    }
}

/// The ways in which an attribute can be seen.
fn ways(attribute: &Attribute, path: &str) -> Vec<&'static str> {
    if NEVER_SET.contains(&path) {
        return vec![NULL];
    }
    let mut ways = vec![SET, CHANGED];
    ways.extend((attribute.presence != Presence::Required).then_some(NULL));
    ways.extend(empty(attribute).map(|_| EMPTY));
    ways
}

fn parts(attribute: &Attribute) -> Option<&[Field]> {
    match &attribute.kind {
        Kind::Nested(Nesting::Single, parts) => Some(parts),
        _ => None,
    }
}

fn look(value: &Value) -> &'static str {
    match value {
        Value::Null => NULL,
        Value::String(text) if text.is_empty() => EMPTY,
        Value::Array(items) if items.is_empty() => EMPTY,
        Value::Object(parts) if parts.values().all(Value::is_null) => EMPTY,
        _ => SET,
    }
}
