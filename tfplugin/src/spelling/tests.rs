use serde_json::{Value as Json, json};

use super::*;
use crate::{
    model,
    model::{List, Map, Model as _, Set, Text, TextType},
    plan::normalise,
    testing::{self, UNKNOWN},
};

/// Text in any case.
#[derive(Clone)]
enum Loud {}

impl TextType for Loud {
    const NAME: &'static str = "text";

    fn check(_: &str) -> Result<(), String> {
        Ok(())
    }

    fn same(a: &str, b: &str) -> bool {
        a.eq_ignore_ascii_case(b)
    }
}

model! {
    /// An object with every kind of part.
    struct Whole {
        /// .
        text: Text<Loud> = optional(),
        /// .
        plain: String = optional(),
        /// .
        empty: String = optional().empty_is_null(),
        /// .
        texts: List<Text<Loud>> = optional(),
        /// .
        text_set: Set<Text<Loud>> = optional(),
        /// .
        text_map: Map<Text<Loud>> = optional().empty_is_null(),
        /// .
        deep: Map<List<Text<Loud>>> = optional(),
        /// .
        one: Part = optional(),
        /// .
        list: List<Part> = optional(),
        /// .
        set: Set<Part> = optional(),
        /// .
        map: Map<Part> = optional(),
        /// .
        block: Part = block(),
        /// .
        blocks: List<Part> = block(),
        /// .
        block_set: Set<Part> = block(),
    }
}

model! {
    /// A part.
    struct Part {
        /// .
        text: Text<Loud> = optional(),
        /// .
        id: String = computed(),
        /// .
        empty: String = optional().empty_is_null(),
    }
}

fn object(json: &Json) -> Value {
    let schema = Whole::schema(0);
    normalise(&schema, testing::value(&schema.object_type(), json))
}

#[test]
fn the_known_spelling_is_kept_where_the_meaning_is_the_same() {
    let rows = [
        // known, found, kept
        (json!({ "text": "Hi" }), json!({ "text": "HI" }), json!({ "text": "Hi" })),
        (json!({ "text": "Hi" }), json!({ "text": "Ho" }), json!({ "text": "Ho" })),
        (json!({ "text": "Hi" }), json!({}), json!({})),
        (json!({}), json!({ "text": "Hi" }), json!({ "text": "Hi" })),
        (json!({ "text": UNKNOWN }), json!({ "text": "Hi" }), json!({ "text": "Hi" })),
        (json!({ "plain": "Hi" }), json!({ "plain": "HI" }), json!({ "plain": "HI" })),
        (json!({ "plain": "" }), json!({}), json!({})),
        (json!({ "empty": "" }), json!({}), json!({ "empty": "" })),
        (json!({}), json!({ "empty": "" }), json!({})),
        (json!({ "text_map": {} }), json!({}), json!({ "text_map": {} })),
        (json!({ "texts": ["a", "B"] }), json!({ "texts": ["A", "b"] }), json!({ "texts": ["a", "B"] })),
        (json!({ "texts": ["a", "B"] }), json!({ "texts": ["A"] }), json!({ "texts": ["A"] })),
        (json!({ "texts": ["a", null] }), json!({ "texts": ["A", null] }), json!({ "texts": ["a", null] })),
        (
            json!({ "text_set": ["a", "B"] }),
            json!({ "text_set": ["A", "b"] }),
            json!({ "text_set": ["a", "B"] }),
        ),
        (
            json!({ "text_set": ["a", "B"] }),
            json!({ "text_set": ["A", "c"] }),
            json!({ "text_set": ["A", "c"] }),
        ),
        (
            json!({ "text_map": { "x": "a" } }),
            json!({ "text_map": { "x": "A" } }),
            json!({ "text_map": { "x": "a" } }),
        ),
        (
            json!({ "text_map": { "x": "a" } }),
            json!({ "text_map": { "y": "A" } }),
            json!({ "text_map": { "y": "A" } }),
        ),
        (
            json!({ "deep": { "x": ["a"] } }),
            json!({ "deep": { "x": ["A"] } }),
            json!({ "deep": { "x": ["a"] } }),
        ),
        (
            json!({ "one": { "text": "a", "empty": "" } }),
            json!({ "one": { "text": "A", "id": "1" } }),
            json!({ "one": { "text": "a", "id": "1", "empty": "" } }),
        ),
        (
            json!({ "list": [{ "text": "a" }, { "text": "b" }] }),
            json!({ "list": [{ "text": "A" }, { "text": "C" }, { "text": "D" }] }),
            json!({ "list": [{ "text": "a" }, { "text": "C" }, { "text": "D" }] }),
        ),
        (
            json!({ "map": { "x": { "text": "a" } } }),
            json!({ "map": { "x": { "text": "A" }, "y": { "text": "B" } } }),
            json!({ "map": { "x": { "text": "a" }, "y": { "text": "B" } } }),
        ),
        // Elements of a set are known again by their meaning; what was not known yet may be anything.
        (
            json!({ "set": [{ "text": "a", "id": UNKNOWN }, { "text": "b", "id": "2" }] }),
            json!({ "set": [{ "text": "B", "id": "2" }, { "text": "A", "id": "1" }, { "text": "C", "id": "3" }] }),
            json!({ "set": [{ "text": "b", "id": "2" }, { "text": "a", "id": "1" }, { "text": "C", "id": "3" }] }),
        ),
        (
            json!({ "block": { "text": "a" } }),
            json!({ "block": { "text": "A" } }),
            json!({ "block": { "text": "a" } }),
        ),
        (
            json!({ "blocks": [{ "text": "a" }], "block_set": [{ "text": "b", "id": UNKNOWN }] }),
            json!({ "blocks": [{ "text": "A" }], "block_set": [{ "text": "B", "id": "1" }] }),
            json!({ "blocks": [{ "text": "a" }], "block_set": [{ "text": "b", "id": "1" }] }),
        ),
    ];
    for (known, found, kept) in rows {
        let result = keep_spelling(&Whole::schema(0), &object(&known), object(&found));
        assert_eq!(result, object(&kept), "\nknown {known}\nfound {found}");
    }
}

#[test]
fn where_nothing_was_known_all_is_as_found() {
    let found = object(&json!({ "text": "Hi" }));
    assert_eq!(keep_spelling(&Whole::schema(0), &Value::Null, found.clone()), found);
    assert_eq!(keep_spelling(&Whole::schema(0), &found, Value::Null), Value::Null);
}

#[test]
fn nested_objects_mean_the_same_when_all_their_parts_do() {
    let rows = [
        (json!({ "one": { "text": "a" } }), json!({ "one": { "text": "A" } }), true),
        (json!({ "one": { "text": "a" } }), json!({ "one": { "text": "A", "id": "1" } }), false),
        (
            json!({ "one": { "text": "a", "id": UNKNOWN } }),
            json!({ "one": { "text": "A", "id": "1" } }),
            true,
        ),
        (json!({ "one": { "text": "a" } }), json!({}), false),
        (json!({ "list": [{ "text": "a" }] }), json!({ "list": [{ "text": "A" }] }), true),
        (json!({ "list": [{ "text": "a" }] }), json!({ "list": [] }), false),
        (
            json!({ "set": [{ "text": "a" }, { "text": "b" }] }),
            json!({ "set": [{ "text": "B" }, { "text": "A" }] }),
            true,
        ),
        (json!({ "set": [{ "text": "a" }] }), json!({ "set": [{ "text": "b" }] }), false),
        (json!({ "map": { "x": { "text": "a" } } }), json!({ "map": { "x": { "text": "A" } } }), true),
        (json!({ "map": { "x": {} } }), json!({ "map": { "y": {} } }), false),
        (json!({ "blocks": [{ "text": "a" }] }), json!({ "blocks": [{ "text": "A" }] }), true),
    ];
    for (known, found, expected) in rows {
        let (known, found) = (object(&known), object(&found));
        let found =
            Whole::fields().iter().all(|field| same(field, known.get(field.name()), found.get(field.name())));
        assert_eq!(found, expected, "{known:?}");
    }
}
