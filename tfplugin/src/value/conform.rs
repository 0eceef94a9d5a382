//! Does a value fit a type?

use std::borrow::Cow;
use std::collections::BTreeMap;

use thiserror::Error;

use super::{Bound, MAX_DEPTH, Number, Refinements, Type, Value};
use crate::path::{Path, Step};

#[cfg(test)]
mod tests;

/// Something that is not what its place asks for. Says what it is, never its content: that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: expected {expected}, found {found}")]
pub struct ConformError {
    /// Where; inside a set, the set.
    pub path: Path,
    /// What the place asks for.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A [`ConformError`] on its way up from the fault to the root: its path is built only when there is one.
#[derive(Debug)]
pub(crate) struct Fault {
    /// From the fault towards the root.
    steps: Vec<Step>,
    expected: Cow<'static, str>,
    found: Cow<'static, str>,
}

impl Fault {
    pub(crate) fn new(expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) -> Self {
        Self { steps: Vec::new(), expected: expected.into(), found: found.into() }
    }

    /// More levels than [`MAX_DEPTH`].
    pub(crate) fn too_deep() -> Self {
        Self::new(format!("at most {MAX_DEPTH} levels of nesting"), "more")
    }

    pub(crate) fn at_attribute(self, name: &str) -> Self {
        self.at(Step::Attribute(name.to_owned()))
    }

    pub(crate) fn at_key(self, key: &str) -> Self {
        self.at(Step::Key(key.to_owned()))
    }

    pub(crate) fn at_index(self, index: usize) -> Self {
        self.at(Step::Index(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// Elements of sets cannot be addressed: the path ends at the set.
    pub(crate) fn in_set(mut self) -> Self {
        self.steps.clear();
        self
    }

    fn at(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl From<Fault> for ConformError {
    fn from(fault: Fault) -> Self {
        Self {
            path: fault.steps.into_iter().rev().fold(Path::root(), |path, step| path.step(step)),
            expected: fault.expected.into_owned(),
            found: fault.found.into_owned(),
        }
    }
}

impl Value {
    /// Whether this value fits `ty` in all its parts. Null and unknown fit every type; a value in a slot of
    /// the dynamic type must come with its type ([`Value::Dynamic`]).
    ///
    /// # Errors
    /// The first part that does not fit, or nesting beyond [`MAX_DEPTH`].
    pub fn conforms(&self, ty: &Type) -> Result<(), ConformError> {
        conforms(self, ty, 0).map_err(ConformError::from)
    }

    /// What this is, for messages: its kind, not its content.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "an unknown value",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Tuple(_) => "a tuple",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Dynamic(_) => "a value with a type of its own",
        }
    }
}

fn conforms(value: &Value, ty: &Type, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::too_deep());
    }
    match (value, ty) {
        (Value::Null, _) | (Value::Unknown(None), _) => Ok(()),
        (Value::Unknown(Some(refinements)), _) => refinements.fit(ty),
        (Value::Bool(_), Type::Bool)
        | (Value::Number(_), Type::Number)
        | (Value::String(_), Type::String) => Ok(()),
        (Value::List(elements), Type::List(element)) => {
            elements.iter().enumerate().try_for_each(|(index, item)| {
                conforms(item, element, depth + 1).map_err(|fault| fault.at_index(index))
            })
        }
        (Value::Set(elements), Type::Set(element)) => {
            elements.iter().try_for_each(|item| conforms(item, element, depth + 1)).map_err(Fault::in_set)
        }
        (Value::Map(elements), Type::Map(element)) => elements.iter().try_for_each(|(key, item)| {
            conforms(item, element, depth + 1).map_err(|fault| fault.at_key(key))
        }),
        (Value::Tuple(items), Type::Tuple(types)) => {
            if items.len() != types.len() {
                return Err(Fault::new(format!("{} elements", types.len()), items.len().to_string()));
            }
            items.iter().zip(types).enumerate().try_for_each(|(index, (item, ty))| {
                conforms(item, ty, depth + 1).map_err(|fault| fault.at_index(index))
            })
        }
        (Value::Object(items), Type::Object(types)) => {
            if !items.keys().eq(types.keys()) {
                return Err(wrong_attributes(items, types));
            }
            items.iter().zip(types.values()).try_for_each(|((name, item), ty)| {
                conforms(item, ty, depth + 1).map_err(|fault| fault.at_attribute(name))
            })
        }
        (Value::Dynamic(inner), Type::Dynamic) => conforms(&inner.1, &inner.0, depth + 1),
        _ => Err(Fault::new(expectation(ty), value.kind())),
    }
}

/// What a slot of type `ty` asks for, for messages.
pub(crate) fn expectation(ty: &Type) -> Cow<'static, str> {
    match ty {
        Type::Bool => "a bool".into(),
        Type::Number => "a number".into(),
        Type::String => "a string".into(),
        Type::Dynamic => "a value with its type".into(),
        Type::Object(_) => "an object".into(),
        Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Tuple(_) => format!("a {ty}").into(),
    }
}

/// An object whose names are not those of its type.
pub(crate) fn wrong_attributes(items: &BTreeMap<String, Value>, types: &BTreeMap<String, Type>) -> Fault {
    match items.keys().find(|name| !types.contains_key(*name)) {
        Some(surplus) => surplus_attribute(surplus),
        None => {
            let missing = types.keys().find(|name| !items.contains_key(*name));
            Fault::new("an attribute", "none").at_attribute(missing.map_or("", String::as_str))
        }
    }
}

/// An attribute that the object's type does not have.
pub(crate) fn surplus_attribute(name: &str) -> Fault {
    Fault::new("no attribute of this name", "one").at_attribute(name)
}

impl Refinements {
    /// Whether all of it can be said about a value of type `ty`, and at once.
    pub(crate) fn fit(&self, ty: &Type) -> Result<(), Fault> {
        let misfit = if *ty == Type::Dynamic && *self != Self::default() {
            "a refinement"
        } else if self.prefix.is_some() && *ty != Type::String {
            "a prefix"
        } else if (self.min.is_some() || self.max.is_some()) && *ty != Type::Number {
            "a numeric bound"
        } else if (self.length_min.is_some() || self.length_max.is_some()) && !ty.is_collection() {
            "a length bound"
        } else if !self.is_possible() {
            "bounds that contradict each other"
        } else {
            return Ok(());
        };
        Err(Fault::new(format!("what can be known about an unknown {ty}"), misfit))
    }

    fn is_possible(&self) -> bool {
        let numbers = match (&self.min, &self.max) {
            (Some(min), Some(max)) => {
                min.number < max.number || (min.number == max.number && min.inclusive && max.inclusive)
            }
            _ => true,
        };
        numbers && self.length_max.is_none_or(|max| self.length_min.unwrap_or(0) <= max)
    }

    /// The same without what holds for every value: empty prefixes, infinite bounds, lengths of at least 0.
    pub(crate) fn without_truisms(mut self) -> Self {
        let is = |bound: &Bound, limit: f64| bound.number == Number::Float(limit);
        self.prefix.take_if(|prefix| prefix.is_empty());
        self.min.take_if(|min| is(min, f64::NEG_INFINITY));
        self.max.take_if(|max| is(max, f64::INFINITY));
        self.length_min.take_if(|min| *min == 0);
        self
    }
}
