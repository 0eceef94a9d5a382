//! Terraform's values: a tree without types of its own; a [`Type`] stands beside it where one is needed.

pub(crate) mod conform;
mod number;
mod order;
mod types;

use std::borrow::Cow;
use std::collections::BTreeMap;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

pub use conform::ConformError;
pub use number::{MAX_DIGITS, Number, NumberError};
pub use types::Type;

/// The deepest nesting of values and types that is read or written. Types of dynamic slots count as levels.
///
/// Terraform itself sets no limit; no schema comes near this one, and no stack is too small for it.
pub const MAX_DEPTH: usize = 128;

/// A value as Terraform sees it. Strings are NFC.
#[derive(Debug, Clone)]
pub enum Value {
    /// Absent, of any type.
    Null,
    /// Not known yet; what is known about it, if anything.
    Unknown(Option<Box<Refinements>>),
    /// A truth value.
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// Text.
    String(String),
    /// Elements of one type, in order.
    List(Vec<Value>),
    /// Elements of one type without order or duplicates.
    Set(Vec<Value>),
    /// Elements of fixed types, in order.
    Tuple(Vec<Value>),
    /// Elements of one type by key.
    Map(BTreeMap<String, Value>),
    /// Attributes of fixed types by name; all of them are present, null where not set.
    Object(BTreeMap<String, Value>),
    /// A value in a slot of the dynamic type, with the type it has.
    Dynamic(Box<(Type, Value)>),
}

/// What is known about an unknown value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refinements {
    /// It will not be null.
    pub not_null: bool,
    /// A string will start with this.
    pub prefix: Option<String>,
    /// A number is at least this.
    pub min: Option<Bound>,
    /// A number is at most this.
    pub max: Option<Bound>,
    /// A collection has at least so many elements.
    pub length_min: Option<u64>,
    /// A collection has at most so many elements.
    pub length_max: Option<u64>,
}

/// A bound of a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The bound.
    pub number: Number,
    /// Whether the bound itself is possible.
    pub inclusive: bool,
}

impl Value {
    /// An unknown value about which nothing is known.
    pub const UNKNOWN: Self = Self::Unknown(None);

    /// Text, brought into NFC as core does it on arrival.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(nfc(text.into()))
    }

    /// A set of `elements`, in core's order and without duplicates.
    pub fn set(elements: Vec<Self>) -> Self {
        Self::Set(order::canonical_set(elements))
    }

    /// `value` in a slot of the dynamic type, where it must come with its type `ty`.
    pub fn dynamic(ty: Type, value: Self) -> Self {
        Self::Dynamic(Box::new((ty, value)))
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this value itself is unknown; its parts are not looked at.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether this value and all its parts are known.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => {
                items.iter().all(Self::is_wholly_known)
            }
            Self::Map(items) | Self::Object(items) => items.values().all(Self::is_wholly_known),
            Self::Dynamic(inner) => inner.1.is_wholly_known(),
        }
    }

    /// The attributes of an object; `None` for anything else.
    pub fn as_object(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Object(attributes) => Some(attributes),
            _ => None,
        }
    }

    /// The attribute `name` of an object; null where it is absent or this is no object.
    pub fn get(&self, name: &str) -> &Self {
        self.as_object().and_then(|attributes| attributes.get(name)).unwrap_or(&Self::Null)
    }

    /// The text of a string; `None` for anything else.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::string(value)
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

/// `text` in Unicode's normal form C, which is how core keeps all strings.
pub(crate) fn nfc<'a, T: Into<Cow<'a, str>>>(text: T) -> String {
    let text = text.into();
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text.into_owned();
    }
    text.nfc().collect()
}
