//! The words that follow an attribute's type in [`model!`](crate::model!): who sets it, and what is special about it.
//!
//! Combinations that Terraform forbids cannot be written: a required attribute has no default, a computed one
//! replaces nothing.

use std::marker::PhantomData;

use crate::{
    model::TfType,
    schema::{Attribute, Block, BlockNesting, Field, Kind, Nesting, Presence},
    value::Value,
};

/// The user must set it.
pub struct Required;
/// The user may set it.
pub struct Optional;
/// Only the provider sets it.
pub struct Computed;

/// Presences that appear in configuration.
pub trait Configurable {}
impl Configurable for Required {}
impl Configurable for Optional {}

/// Flags of an attribute whose presence is `P`.
pub struct Flags<P> {
    presence: Presence,
    default: Option<Value>,
    sensitive: bool,
    write_only: bool,
    replaces: bool,
    volatile: bool,
    empty_is_null: bool,
    deprecated: Option<&'static str>,
    marker: PhantomData<P>,
}

/// An attribute that the user must set.
pub fn required() -> Flags<Required> {
    Flags::new(Presence::Required)
}

/// An attribute that the user may set.
pub fn optional() -> Flags<Optional> {
    Flags::new(Presence::Optional)
}

/// An attribute that only the provider sets. Once set it keeps its value until the provider plans another one.
pub fn computed() -> Flags<Computed> {
    Flags::new(Presence::Computed)
}

impl<P> Flags<P> {
    fn new(presence: Presence) -> Self {
        Self {
            presence,
            default: None,
            sensitive: false,
            write_only: false,
            replaces: false,
            volatile: false,
            empty_is_null: false,
            deprecated: None,
            marker: PhantomData,
        }
    }

    /// Hidden in plan output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Still works, but not for long: why, and what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: &'static str) -> Self {
        self.deprecated = Some(message);
        self
    }
}

impl<P: Configurable> Flags<P> {
    /// A change replaces the object.
    #[must_use]
    pub fn replaces(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Read from configuration only, never stored. Terraform 1.11 and later.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Empty (`""`, `[]`, `{}`) means the same as null to the server: state keeps what the user wrote.
    #[must_use]
    pub fn empty_is_null(mut self) -> Self {
        self.empty_is_null = true;
        self
    }
}

impl Flags<Optional> {
    /// Planned where configuration says nothing.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.presence = Presence::OptionalComputed;
        self.default = Some(value.into());
        self
    }

    /// Set by the provider where configuration says nothing.
    #[must_use]
    pub fn or_computed(mut self) -> Self {
        self.presence = Presence::OptionalComputed;
        self
    }
}

impl Flags<Computed> {
    /// Unknown in each plan that changes something.
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
}

/// What [`model!`](crate::model!) calls with the rest of a declaration.
pub trait IntoField {
    /// The field `name` of type `T`.
    fn into_field<T: TfType>(self, name: &'static str, description: String) -> Field;
}

impl<P> IntoField for Flags<P> {
    /// # Panics
    /// When `T` holds blocks, which stand in blocks only: a fault of the declaration that the first call finds.
    fn into_field<T: TfType>(self, name: &'static str, description: String) -> Field {
        let kind = T::kind();
        if let Kind::Nested(_, fields) = &kind
            && fields.iter().any(|field| matches!(field, Field::Block(_)))
        {
            panic!("the attribute {name} cannot hold blocks; make it a block, or its blocks attributes");
        }
        Field::Attribute(Attribute {
            name,
            description,
            kind,
            presence: self.presence,
            default: self.default,
            sensitive: self.sensitive,
            write_only: self.write_only,
            replaces: self.replaces,
            volatile: self.volatile,
            empty_is_null: self.empty_is_null,
            deprecated: self.deprecated,
            facts: T::facts(),
        })
    }
}

/// Flags of a nested block.
pub struct BlockFlags {
    group: bool,
    min_items: i64,
    max_items: i64,
}

/// A nested block: one where the type is a model, several where it is a list, set or map of models.
pub fn block() -> BlockFlags {
    BlockFlags { group: false, min_items: 0, max_items: 0 }
}

impl BlockFlags {
    /// A single block that is an object of nulls, instead of null, where it is not written.
    #[must_use]
    pub fn group(mut self) -> Self {
        self.group = true;
        self
    }

    /// At least so many blocks of a list or set; 1 for a single block that must be written.
    #[must_use]
    pub fn at_least(mut self, count: i64) -> Self {
        self.min_items = count;
        self
    }

    /// At most so many blocks of a list or set.
    #[must_use]
    pub fn at_most(mut self, count: i64) -> Self {
        self.max_items = count;
        self
    }

    fn nesting(&self, nesting: Nesting) -> BlockNesting {
        match nesting {
            Nesting::Single if self.group => BlockNesting::Group,
            Nesting::Single => BlockNesting::Single,
            Nesting::List => BlockNesting::List,
            Nesting::Set => BlockNesting::Set,
            Nesting::Map => BlockNesting::Map,
        }
    }
}

impl IntoField for BlockFlags {
    /// # Panics
    /// When `T` is neither a model nor a list, set or map of models: a fault of the declaration that the first
    /// call finds, so that no provider with it gets through its first test.
    fn into_field<T: TfType>(self, name: &'static str, description: String) -> Field {
        let Kind::Nested(nesting, fields) = T::kind() else {
            panic!("the block {name} needs a model, or a list, set or map of models, as its type");
        };
        let nesting = self.nesting(nesting);
        let max_items = match nesting {
            BlockNesting::Single => self.min_items,
            _ => self.max_items,
        };
        Field::Block(Block { name, description, nesting, fields, min_items: self.min_items, max_items })
    }
}
