//! What stands at a path of an object.

use serde_json::Value;

use crate::request::{is_sensitive, is_unknown};
use crate::verdict::{Path, Step};

/// What a hook can see of a part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// All of it; also where there is nothing.
    Known,
    /// It, or something in it, is not known yet.
    Unknown,
    /// It, or something in it, is sensitive.
    Hidden,
}

/// What stands at a path. A step that leads nowhere leads to nothing, which is known.
pub(super) fn look(object: &Value, path: &Path) -> Place {
    let mut value = object;
    for step in &path.0 {
        if is_unknown(value) || is_sensitive(value) {
            break;
        }
        let next = match step {
            Step::Attribute(name) | Step::Key(name) => value.get(name),
            Step::Index(index) => value.get(*index as usize),
        };
        let Some(next) = next else { return Place::Known };
        value = next;
    }
    within(value)
}

fn within(value: &Value) -> Place {
    if is_unknown(value) {
        return Place::Unknown;
    }
    if is_sensitive(value) {
        return Place::Hidden;
    }
    let parts: Vec<Place> = match value {
        Value::Object(parts) => parts.values().map(within).collect(),
        Value::Array(parts) => parts.iter().map(within).collect(),
        _ => Vec::new(),
    };
    // What is unknown comes first: it may be all that is asked for.
    [Place::Unknown, Place::Hidden].into_iter().find(|place| parts.contains(place)).unwrap_or(Place::Known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::{sensitive, unknown};

    #[test]
    fn markers_are_seen_above_at_and_below_a_path() {
        let object = json!({
            "schedule": unknown(),
            "executor": { "name": "http", "config": { "url": unknown(), "headers": sensitive(), "method": "GET" } },
            "tags": ["a", sensitive()],
        });
        let place = |path: &str| {
            let step = |part: &str| match part.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Attribute(part.to_owned()),
            };
            look(&object, &Path(path.split('.').filter(|part| !part.is_empty()).map(step).collect()))
        };
        for (path, expected) in [
            ("schedule", Place::Unknown),
            ("schedule.below", Place::Unknown),
            ("executor", Place::Unknown),
            ("executor.config.url", Place::Unknown),
            ("executor.config.headers", Place::Hidden),
            ("executor.config.headers.Accept", Place::Hidden),
            ("executor.config.method", Place::Known),
            ("executor.name", Place::Known),
            ("executor.config.missing", Place::Known),
            ("tags", Place::Hidden),
            ("tags.0", Place::Known),
            ("tags.1", Place::Hidden),
            ("tags.7", Place::Known),
            ("", Place::Unknown),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
