//! The golden vectors: what Terraform's own libraries, go-cty and terraform-plugin-go, make of values and bytes.
//!
//! A value is noted by what it is: `{"str":s}`, `{"num":"decimal text"}`, `{"bool":b}`, `{"null":true}`,
//! `{"unknown":true,"refine":{…}}`, `{"list":[…]}`, `{"set":[…]}`, `{"tuple":[…]}`, `{"map":{…}}`, `{"obj":{…}}`,
//! and `{"dyn":{"type":T,"value":V}}` in a dynamic slot. `{"str_hex":h}` is a string that is not UTF-8.

#![allow(dead_code, reason = "each test binary uses a part")]

use serde::Deserialize;
use serde_json::{Deserializer, Map, Value as Json, json};
use tfplugin::value::{Bound, Number, Refinements, Type, Value};

/// The whole file, by section.
pub(crate) fn vectors() -> Map<String, Json> {
    let mut deserializer = Deserializer::from_str(include_str!("vectors.json"));
    // One of the types in it nests deeper than the usual limit.
    deserializer.disable_recursion_limit();
    Map::deserialize(&mut deserializer).unwrap()
}

/// The bytes that hexadecimal text stands for.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The type that a vector names.
pub(crate) fn ty(json: &Json) -> Type {
    Type::from_json(json.to_string().as_bytes()).unwrap()
}

/// The value that a notation stands for.
pub(crate) fn value(notation: &Json) -> Value {
    let (kind, content) = only_entry(notation);
    let items = || content.as_array().unwrap().iter().map(value);
    let entries = || content.as_object().unwrap().iter().map(|(key, item)| (key.clone(), value(item)));
    match kind {
        "null" => Value::Null,
        "unknown" => Value::Unknown(notation.get("refine").map(refinements).map(Box::new)),
        "bool" => Value::Bool(content.as_bool().unwrap()),
        "num" => Value::Number(number(content)),
        "str" => Value::String(content.as_str().unwrap().to_owned()),
        "list" => Value::List(items().collect()),
        "set" => Value::Set(items().collect()),
        "tuple" => Value::Tuple(items().collect()),
        "map" => Value::Map(entries().collect()),
        "obj" => Value::Object(entries().collect()),
        "dyn" => Value::dynamic(ty(&content["type"]), value(&content["value"])),
        other => panic!("unknown notation {other}"),
    }
}

/// The notation of a value: unlike `==` it shows refinements and the text of numbers.
pub(crate) fn notation(value: &Value) -> Json {
    let all = |items: &[Value]| items.iter().map(notation).collect::<Json>();
    match value {
        Value::Null => json!({"null": true}),
        Value::Unknown(None) => json!({"unknown": true}),
        Value::Unknown(Some(refinements)) => {
            json!({"unknown": true, "refine": refinement_notation(refinements)})
        }
        Value::Bool(value) => json!({"bool": value}),
        Value::Number(number) => json!({"num": number.to_string()}),
        Value::String(text) => json!({"str": text}),
        Value::List(items) => json!({"list": all(items)}),
        Value::Set(items) => json!({"set": all(items)}),
        Value::Tuple(items) => json!({"tuple": all(items)}),
        Value::Map(items) => {
            json!({"map": items.iter().map(|(k, v)| (k.clone(), notation(v))).collect::<Json>()})
        }
        Value::Object(items) => {
            json!({"obj": items.iter().map(|(k, v)| (k.clone(), notation(v))).collect::<Json>()})
        }
        Value::Dynamic(inner) => {
            let ty: Json = parsed(&inner.0.to_json());
            json!({"dyn": {"type": ty, "value": notation(&inner.1)}})
        }
    }
}

/// Notations with the elements of sets in one order: go-cty's order of objects is its own.
pub(crate) fn ordered(notation: &Json) -> Json {
    match notation {
        Json::Array(items) => items.iter().map(ordered).collect(),
        Json::Object(entries) => {
            let mut entries: Map<String, Json> =
                entries.iter().map(|(k, v)| (k.clone(), ordered(v))).collect();
            if let Some(Json::Array(elements)) = entries.get_mut("set") {
                elements.sort_by_key(Json::to_string);
            }
            Json::Object(entries)
        }
        other => other.clone(),
    }
}

/// Whether two notations stand for the same value, with the same refinements and number texts.
pub(crate) fn same(a: &Json, b: &Json) -> bool {
    ordered(a) == ordered(b)
}

fn parsed(text: &str) -> Json {
    let mut deserializer = Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    Json::deserialize(&mut deserializer).unwrap()
}

fn only_entry(notation: &Json) -> (&str, &Json) {
    let entries = notation.as_object().unwrap();
    let (kind, content) = entries.iter().find(|(key, _)| *key != "refine").unwrap();
    (kind, content)
}

fn number(text: &Json) -> Number {
    text.as_str().unwrap().parse().unwrap()
}

fn refinements(notation: &Json) -> Refinements {
    let bound = |key: &str| {
        notation.get(key).map(|bound| Bound {
            number: number(&bound["num"]),
            inclusive: bound["inclusive"].as_bool().unwrap(),
        })
    };
    Refinements {
        not_null: notation.get("not_null").is_some_and(|flag| flag == true),
        prefix: notation.get("prefix").map(|prefix| prefix.as_str().unwrap().to_owned()),
        min: bound("min"),
        max: bound("max"),
        length_min: notation.get("len_min").map(|length| length.as_u64().unwrap()),
        length_max: notation.get("len_max").map(|length| length.as_u64().unwrap()),
    }
}

fn refinement_notation(refinements: &Refinements) -> Json {
    let bound = |bound: &Bound| json!({"num": bound.number.to_string(), "inclusive": bound.inclusive});
    let entries = [
        ("not_null", refinements.not_null.then_some(json!(true))),
        ("prefix", refinements.prefix.as_ref().map(|prefix| json!(prefix))),
        ("min", refinements.min.as_ref().map(bound)),
        ("max", refinements.max.as_ref().map(bound)),
        ("len_min", refinements.length_min.map(|length| json!(length))),
        ("len_max", refinements.length_max.map(|length| json!(length))),
    ];
    entries.into_iter().filter_map(|(key, entry)| Some((key.to_owned(), entry?))).collect()
}
