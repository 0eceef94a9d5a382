//! What a resource, data source or provider block looks like: attributes and nested blocks.
//!
//! A schema is never written by hand: [`model!`](crate::model!) makes it from the one declaration of each attribute.

use std::collections::BTreeMap;

use crate::value::{Type, Value};

/// The schema of one object.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Version of the state that it describes, from 0. Raised when old state needs an upgrade.
    pub version: i64,
    /// Documentation of the whole object, Markdown.
    pub description: String,
    /// Attributes and blocks in the order of their declaration.
    pub fields: Vec<Field>,
}

/// A part of an object.
#[derive(Debug, Clone)]
pub enum Field {
    /// Written `name = value`.
    Attribute(Attribute),
    /// Written `name { … }`.
    Block(Block),
}

/// An attribute, declared once: type, flags and documentation.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name in configuration.
    pub name: &'static str,
    /// Documentation, Markdown.
    pub description: String,
    /// A plain type or nested attributes.
    pub kind: Kind,
    /// Who sets it.
    pub presence: Presence,
    /// Planned where configuration says nothing.
    pub default: Option<Value>,
    /// Hidden in plan output.
    pub sensitive: bool,
    /// In configuration only: never planned, never stored.
    pub write_only: bool,
    /// A change replaces the object.
    pub replaces: bool,
    /// Computed and unknown in each plan that changes something.
    pub volatile: bool,
    /// Null and empty mean the same.
    pub empty_is_null: bool,
    /// Why not to use it any more, and what instead.
    pub deprecated: Option<&'static str>,
    /// Facts about the values of its type.
    pub facts: TypeFacts,
}

/// What a type says about its values beyond their Terraform type. For a collection, what is listed are elements.
#[derive(Debug, Clone, Copy)]
pub struct TypeFacts {
    /// Whether two values (known, not null) mean the same, in whatever spelling.
    pub same: fn(&Value, &Value) -> bool,
    /// All values that are possible, where they can be listed.
    pub allowed: &'static [&'static str],
    /// Some values that are valid.
    pub examples: &'static [&'static str],
}

/// The type of an attribute, or the attributes inside it.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A type without attributes of its own.
    Plain(Type),
    /// An object, or a collection of objects, with attributes of its own.
    Nested(Nesting, Vec<Field>),
}

/// How objects are nested in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// Objects in order.
    List,
    /// Objects without order or duplicates.
    Set,
    /// Objects by key.
    Map,
}

/// Who sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The user must.
    Required,
    /// The user may.
    Optional,
    /// The user may, else the provider does.
    OptionalComputed,
    /// The provider does.
    Computed,
}

impl Presence {
    /// Whether the provider may set it.
    pub fn is_computed(self) -> bool {
        matches!(self, Self::OptionalComputed | Self::Computed)
    }

    /// Whether the user may set it.
    pub fn is_configurable(self) -> bool {
        self != Self::Computed
    }
}

/// A nested block.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its name in configuration.
    pub name: &'static str,
    /// Documentation, Markdown.
    pub description: String,
    /// How many there may be and how they are told apart.
    pub nesting: BlockNesting,
    /// What is inside.
    pub fields: Vec<Field>,
    /// Fewest blocks of a list or set.
    pub min_items: i64,
    /// Most blocks of a list or set; 0 = no limit.
    pub max_items: i64,
}

/// How blocks are nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockNesting {
    /// At most one; null where it is not written.
    Single,
    /// At most one; an object of nulls where it is not written.
    Group,
    /// Any number in order.
    List,
    /// Any number without order.
    Set,
    /// By label.
    Map,
}

impl BlockNesting {
    /// How the blocks lie in the object's value.
    pub fn value_nesting(self) -> Nesting {
        match self {
            Self::Single | Self::Group => Nesting::Single,
            Self::List => Nesting::List,
            Self::Set => Nesting::Set,
            Self::Map => Nesting::Map,
        }
    }

    /// The type of the value where the blocks hold `object`s. A list or map of blocks with a dynamic attribute inside
    /// is dynamic as a whole, because its elements may differ in type.
    pub(crate) fn wrap(self, object: Type) -> Type {
        match self {
            Self::List | Self::Map if object.has_dynamic() => Type::Dynamic,
            nesting => nesting.value_nesting().wrap(object),
        }
    }

    /// The value where no block is written; `empty` is the object in which nothing is set.
    pub(crate) fn absent(self, empty: impl FnOnce() -> Value) -> Value {
        match self {
            Self::Single => Value::Null,
            Self::Group => empty(),
            Self::List => Value::List(Vec::new()),
            Self::Set => Value::Set(Vec::new()),
            Self::Map => Value::Map(BTreeMap::new()),
        }
    }
}

impl Schema {
    /// The type of the object, as values are encoded.
    pub fn object_type(&self) -> Type {
        object_type(&self.fields)
    }

    /// An object of this schema in which nothing is set.
    pub fn empty_object(&self) -> Value {
        empty_object(&self.fields)
    }
}

/// The type of an object with these fields.
pub fn object_type(fields: &[Field]) -> Type {
    Type::Object(fields.iter().map(|field| (field.name().to_owned(), field.value_type())).collect())
}

fn empty_object(fields: &[Field]) -> Value {
    Value::Object(fields.iter().map(|field| (field.name().to_owned(), field.absent())).collect())
}

impl Field {
    /// Its name in configuration.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Attribute(attribute) => attribute.name,
            Self::Block(block) => block.name,
        }
    }

    /// Its documentation, Markdown.
    pub fn description(&self) -> &str {
        match self {
            Self::Attribute(attribute) => &attribute.description,
            Self::Block(block) => &block.description,
        }
    }

    /// The fields of the objects inside it, if it holds some, and how those are nested.
    pub fn nested(&self) -> Option<(Nesting, &[Self])> {
        match self {
            Self::Attribute(Attribute { kind: Kind::Nested(nesting, fields), .. }) => {
                Some((*nesting, fields))
            }
            Self::Attribute(_) => None,
            Self::Block(block) => Some((block.nesting.value_nesting(), &block.fields)),
        }
    }

    /// Whether it is in configuration only.
    pub fn is_write_only(&self) -> bool {
        matches!(self, Self::Attribute(attribute) if attribute.write_only)
    }

    /// Whether a change of it as a whole replaces the object.
    pub fn replaces(&self) -> bool {
        matches!(self, Self::Attribute(attribute) if attribute.replaces)
    }

    /// The type of its value.
    pub fn value_type(&self) -> Type {
        match self {
            Self::Attribute(attribute) => attribute.kind.value_type(),
            Self::Block(block) => block.nesting.wrap(object_type(&block.fields)),
        }
    }

    /// Its value where configuration does not mention it: null, or no blocks.
    pub fn absent(&self) -> Value {
        match self {
            Self::Attribute(_) => Value::Null,
            Self::Block(block) => block.nesting.absent(|| empty_object(&block.fields)),
        }
    }
}

impl Kind {
    /// The type of the value.
    pub fn value_type(&self) -> Type {
        match self {
            Self::Plain(plain) => plain.clone(),
            Self::Nested(nesting, fields) => nesting.wrap(object_type(fields)),
        }
    }
}

impl Nesting {
    /// The type of the value where the objects are `object`s.
    pub(crate) fn wrap(self, object: Type) -> Type {
        match self {
            Self::Single => object,
            Self::List => Type::List(Box::new(object)),
            Self::Set => Type::Set(Box::new(object)),
            Self::Map => Type::Map(Box::new(object)),
        }
    }
}

/// Whether a value is set to nothing: null, the empty text, an empty collection, or an object of nothing but those.
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Object(parts) => parts.values().all(|part| part.as_object().is_none() && is_nothing(part)),
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::List(items) | Value::Set(items) => items.is_empty(),
        Value::Map(items) => items.is_empty(),
        _ => false,
    }
}

impl Attribute {
    /// Whether two values of this attribute mean the same.
    pub fn same(&self, a: &Value, b: &Value) -> bool {
        if a == b || (self.empty_is_null && is_nothing(a) && is_nothing(b)) {
            return true;
        }
        let comparable = |value: &Value| !value.is_null() && !value.is_unknown();
        comparable(a) && comparable(b) && (self.facts.same)(a, b)
    }
}
