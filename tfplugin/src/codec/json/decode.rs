//! JSON to values.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::text::kind;
use crate::codec::type_json;
use crate::value::conform::{Fault, expectation, surplus_attribute};
use crate::value::{MAX_DEPTH, Number, NumberError, Type, Value, nfc};

type Result<T> = std::result::Result<T, Fault>;

/// Takes a JSON tree apart into a value.
pub(super) struct Decoder {
    /// How many more bytes of attribute names may be missing: a few bytes could otherwise ask for any number of
    /// nulls, by objects of a wide type that name nothing.
    missing: usize,
}

impl Decoder {
    /// For text of so many bytes. Terraform leaves no attribute out; a state of an older schema lacks a few.
    pub(super) fn new(length: usize) -> Self {
        Self { missing: 2 * length + 16 * 1024 }
    }

    pub(super) fn value(&mut self, tree: Json, ty: &Type, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(Fault::too_deep());
        }
        match (ty, tree) {
            (_, Json::Null) => Ok(Value::Null),
            (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(value)),
            (Type::Bool, Json::String(text)) => bool_from_text(&text).map(Value::Bool),
            (Type::Number, Json::Number(number)) => number_from_text(number.as_str()).map(Value::Number),
            (Type::Number, Json::String(text)) => number_from_text(&text).map(Value::Number),
            (Type::String, Json::String(text)) => Ok(Value::string(text)),
            (Type::String, Json::Number(number)) => Ok(Value::string(number.as_str())),
            (Type::String, Json::Bool(value)) => Ok(Value::string(value.to_string())),
            (Type::List(element), Json::Array(items)) => self.list(items, element, depth).map(Value::List),
            (Type::Set(element), Json::Array(items)) => {
                self.list(items, element, depth).map(Value::set).map_err(Fault::in_set)
            }
            (Type::Tuple(types), Json::Array(items)) => self.tuple(items, types, depth).map(Value::Tuple),
            (Type::Map(element), Json::Object(items)) => self.map(items, element, depth).map(Value::Map),
            (Type::Object(types), Json::Object(items)) => self.object(items, types, depth).map(Value::Object),
            (Type::Dynamic, Json::Object(wrapper)) => self.dynamic(wrapper, depth),
            (_, tree) => Err(Fault::new(expectation(ty), kind(&tree))),
        }
    }

    fn list(&mut self, items: Vec<Json>, element: &Type, depth: usize) -> Result<Vec<Value>> {
        let items = items.into_iter().enumerate();
        items
            .map(|(index, item)| self.value(item, element, depth + 1).map_err(|fault| fault.at_index(index)))
            .collect()
    }

    fn tuple(&mut self, items: Vec<Json>, types: &[Type], depth: usize) -> Result<Vec<Value>> {
        if items.len() != types.len() {
            return Err(Fault::new(format!("a tuple of {} elements", types.len()), items.len().to_string()));
        }
        let items = items.into_iter().zip(types).enumerate();
        items
            .map(|(index, (item, ty))| self.value(item, ty, depth + 1).map_err(|fault| fault.at_index(index)))
            .collect()
    }

    fn map(
        &mut self,
        items: Map<String, Json>,
        element: &Type,
        depth: usize,
    ) -> Result<BTreeMap<String, Value>> {
        let items = items.into_iter();
        items
            .map(|(key, item)| match self.value(item, element, depth + 1) {
                Ok(value) => Ok((nfc(key), value)),
                Err(fault) => Err(fault.at_key(&key)),
            })
            .collect()
    }

    /// An attribute that is missing is null.
    fn object(
        &mut self,
        items: Map<String, Json>,
        types: &BTreeMap<String, Type>,
        depth: usize,
    ) -> Result<BTreeMap<String, Value>> {
        let mut values = BTreeMap::new();
        for (name, item) in items {
            let name = nfc(name);
            let ty = types.get(&name).ok_or_else(|| surplus_attribute(&name))?;
            let value = self.value(item, ty, depth + 1).map_err(|fault| fault.at_attribute(&name))?;
            values.insert(name, value);
        }
        if values.len() < types.len() {
            for name in types.keys() {
                if !values.contains_key(name) {
                    self.spend(name)?;
                    values.insert(name.clone(), Value::Null);
                }
            }
        }
        Ok(values)
    }

    fn spend(&mut self, name: &str) -> Result<()> {
        let rest = self.missing.checked_sub(1 + name.len());
        self.missing =
            rest.ok_or_else(|| Fault::new("an attribute", "none, like too many before").at_attribute(name))?;
        Ok(())
    }

    /// `{"type": …, "value": …}` in any order.
    fn dynamic(&mut self, mut wrapper: Map<String, Json>, depth: usize) -> Result<Value> {
        let (Some(ty), Some(value), true) =
            (wrapper.remove("type"), wrapper.remove("value"), wrapper.is_empty())
        else {
            return Err(Fault::new("an object of type and value", "other keys"));
        };
        let ty =
            type_json::from_tree(ty, depth + 1).map_err(|error| Fault::new(error.expected, error.found))?;
        let value = self.value(value, &ty, depth + 1)?;
        Ok(if ty == Type::Dynamic { value } else { Value::dynamic(ty, value) })
    }
}

/// Core's conversion from string to bool.
fn bool_from_text(text: &str) -> Result<bool> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Fault::new("a bool", "other text")),
    }
}

fn number_from_text(text: &str) -> Result<Number> {
    text.parse().map_err(|error: NumberError| Fault::new("a number", error.to_string()))
}
