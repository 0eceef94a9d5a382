//! Terraform's type constraints.

use std::collections::BTreeMap;
use std::fmt;

/// The type of a value or of a slot for values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// A truth value.
    Bool,
    /// A number of any size.
    Number,
    /// Text.
    String,
    /// Decided by each value.
    Dynamic,
    /// A list of one element type.
    List(Box<Type>),
    /// A set of one element type.
    Set(Box<Type>),
    /// A map of one element type.
    Map(Box<Type>),
    /// Fixed element types, in order.
    Tuple(Vec<Type>),
    /// Fixed attribute types by name.
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    pub fn set(element: Self) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    pub fn map(element: Self) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object of the given attributes.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// Whether it is dynamic in any of its parts.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
        }
    }

    /// Whether a value of this type holds values of one type by index, by key or as a set.
    pub fn is_collection(&self) -> bool {
        matches!(self, Self::List(_) | Self::Set(_) | Self::Map(_))
    }
}

/// For messages: `list of string`. Objects and tuples are not spelled out.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut inner = self;
        loop {
            inner = match inner {
                Self::Bool => return f.write_str("bool"),
                Self::Number => return f.write_str("number"),
                Self::String => return f.write_str("string"),
                Self::Dynamic => return f.write_str("dynamic"),
                Self::Tuple(_) => return f.write_str("tuple"),
                Self::Object(_) => return f.write_str("object"),
                Self::List(element) => {
                    f.write_str("list of ")?;
                    element
                }
                Self::Set(element) => {
                    f.write_str("set of ")?;
                    element
                }
                Self::Map(element) => {
                    f.write_str("map of ")?;
                    element
                }
            }
        }
    }
}
