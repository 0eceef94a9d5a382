//! A schema as core sees it: read from the wire, where it must make sense.

use std::collections::{BTreeMap, BTreeSet};

use proto::tfplugin6::{self, schema as wire};
use serde_json::Value as Json;

use super::failure::{Rule, Violation};
use crate::{
    path::Path,
    schema::{BlockNesting, Nesting},
    value::{Type, Value},
};

type Result<T> = std::result::Result<T, Violation>;

/// The schema of a resource, data source or provider block.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) version: i64,
    pub(super) object: Object,
    pub(super) object_type: Type,
    /// Of resources that have one.
    pub(super) identity: Option<Identity>,
}

/// The schema of an identity.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) version: i64,
    pub(super) object_type: Type,
    /// The attributes that whoever imports must name.
    pub(super) required: Vec<String>,
}

/// The signature of a function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) parameters: Vec<Parameter>,
    pub(super) variadic: Option<Parameter>,
    pub(super) output: Type,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value_type: Type,
    pub(super) nullable: bool,
}

/// Attributes and blocks.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) blocks: BTreeMap<String, Block>,
}

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) optional: bool,
    pub(super) computed: bool,
    pub(super) write_only: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Plain(Type),
    Nested(Nesting, Object),
}

#[derive(Debug)]
pub(super) struct Block {
    pub(super) nesting: BlockNesting,
    pub(super) object: Object,
    pub(super) min_items: i64,
    pub(super) max_items: i64,
}

fn violation(path: &Path, found: impl Into<String>) -> Violation {
    Violation::new(Rule::Schema, path, found)
}

impl Schema {
    /// Reads the schema `name`.
    pub(super) fn read(name: &str, schema: &tfplugin6::Schema) -> Result<Self> {
        let path = Path::attribute(name);
        if schema.version < 0 {
            return Err(violation(&path, "a negative version"));
        }
        let block = schema.block.as_ref().ok_or_else(|| violation(&path, "no block"))?;
        let object = Object::read(&block.attributes, &block.block_types, &path)?;
        let object_type = object.object_type();
        Ok(Self { version: schema.version, object, object_type, identity: None })
    }

    /// Removes from stored attributes those that there are no longer, as core does with state of this version.
    pub(super) fn remove_surplus(&self, attributes: &mut Json) {
        remove_surplus(attributes, &self.object_type);
    }

    /// Refuses what only managed resources may have.
    pub(super) fn without_write_only(self, name: &str) -> Result<Self> {
        if self.object.has_write_only() {
            return Err(violation(
                &Path::attribute(name),
                "a write-only attribute outside of managed resources",
            ));
        }
        Ok(self)
    }
}

impl Identity {
    /// Reads the schema of the identity of the resource type `name`.
    pub(super) fn read(name: &str, schema: &tfplugin6::ResourceIdentitySchema) -> Result<Self> {
        let path = Path::attribute(name);
        if schema.version < 0 {
            return Err(violation(&path, "a negative version"));
        }
        let mut types = BTreeMap::new();
        for attribute in &schema.identity_attributes {
            let path = path.attr(&attribute.name);
            if attribute.required_for_import == attribute.optional_for_import {
                return Err(violation(&path, "not exactly one of required and optional for import"));
            }
            let value_type = read_type(&attribute.r#type, &path)?;
            let is_simple = |of: &Type| matches!(of, Type::Bool | Type::Number | Type::String);
            if !(is_simple(&value_type) || matches!(&value_type, Type::List(of) if is_simple(of))) {
                return Err(violation(&path, format!("an identity with a {value_type} in it")));
            }
            types.insert(attribute.name.clone(), value_type);
        }
        let required = schema.identity_attributes.iter().filter(|attribute| attribute.required_for_import);
        Ok(Self {
            version: schema.version,
            object_type: Type::Object(types),
            required: required.map(|attribute| attribute.name.clone()).collect(),
        })
    }
}

impl Function {
    /// Reads the signature of the function `name`.
    pub(super) fn read(name: &str, function: &tfplugin6::Function) -> Result<Self> {
        let path = Path::attribute(name);
        if !is_identifier(name) {
            return Err(violation(&path, "a name that is no identifier"));
        }
        let mut names = BTreeSet::new();
        for parameter in function.parameters.iter().chain(&function.variadic_parameter) {
            if !(is_identifier(&parameter.name) && names.insert(&parameter.name)) {
                return Err(violation(
                    &path.attr(&parameter.name),
                    "a name that is no identifier, or there twice",
                ));
            }
        }
        let read = |parameter: &tfplugin6::function::Parameter| Parameter::read(parameter, &path);
        let output = function.r#return.as_ref().ok_or_else(|| violation(&path, "no result"))?;
        Ok(Self {
            parameters: function.parameters.iter().map(read).collect::<Result<_>>()?,
            variadic: function.variadic_parameter.as_ref().map(read).transpose()?,
            output: read_type(&output.r#type, &path)?,
        })
    }
}

impl Parameter {
    fn read(parameter: &tfplugin6::function::Parameter, path: &Path) -> Result<Self> {
        let value_type = read_type(&parameter.r#type, &path.attr(&parameter.name))?;
        Ok(Self { name: parameter.name.clone(), value_type, nullable: parameter.allow_null_value })
    }
}

fn is_identifier(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit() || c == '-')
}

fn read_type(json: &[u8], path: &Path) -> Result<Type> {
    Type::from_json(json).map_err(|error| violation(path, format!("a type that is none: {error}")))
}

impl Object {
    fn read(attributes: &[wire::Attribute], blocks: &[wire::NestedBlock], path: &Path) -> Result<Self> {
        let mut object = Self::default();
        for attribute in attributes {
            let path = path.attr(&attribute.name);
            if object.attributes.insert(attribute.name.clone(), Attribute::read(attribute, &path)?).is_some()
            {
                return Err(violation(&path, "the same name twice"));
            }
        }
        for block in blocks {
            let path = path.attr(&block.type_name);
            let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if block.type_name.is_empty() || !block.type_name.chars().all(is_word) {
                return Err(violation(&path, "a block's name that is not of a-z, 0-9 and _"));
            }
            let known = object.attributes.contains_key(&block.type_name);
            if object.blocks.insert(block.type_name.clone(), Block::read(block, &path)?).is_some() || known {
                return Err(violation(&path, "the same name twice"));
            }
        }
        Ok(object)
    }

    /// The type of a value of this object.
    pub(super) fn object_type(&self) -> Type {
        let attributes =
            self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.kind.value_type()));
        let blocks = self.blocks.iter().map(|(name, block)| (name.clone(), block.value_type()));
        Type::Object(attributes.chain(blocks).collect())
    }

    /// The object in which nothing is set.
    pub(super) fn empty(&self) -> Value {
        let attributes = self.attributes.keys().map(|name| (name.clone(), Value::Null));
        let blocks = self.blocks.iter().map(|(name, block)| (name.clone(), block.absent()));
        Value::Object(attributes.chain(blocks).collect())
    }

    fn has_write_only(&self) -> bool {
        self.attributes.values().any(|attribute| attribute.write_only || attribute.kind.has_write_only())
            || self.blocks.values().any(|block| block.object.has_write_only())
    }
}

impl Attribute {
    fn read(attribute: &wire::Attribute, path: &Path) -> Result<Self> {
        let kind = Kind::read(attribute, path)?;
        let &wire::Attribute { required, optional, computed, write_only, .. } = attribute;
        let wrong = if !(required || optional || computed) {
            "neither required nor optional nor computed"
        } else if required && (optional || computed) {
            "required and also optional or computed"
        } else if write_only && (computed || !(required || optional)) {
            "a write-only attribute that is computed"
        } else if !attribute.deprecation_message.is_empty() && !attribute.deprecated {
            "a deprecation message without deprecation"
        } else {
            return Ok(Self { kind, required, optional, computed, write_only });
        };
        Err(violation(path, wrong))
    }
}

impl Kind {
    fn read(attribute: &wire::Attribute, path: &Path) -> Result<Self> {
        match (&attribute.nested_type, attribute.r#type.is_empty()) {
            (Some(nested), true) => {
                let nesting = match nested.nesting() {
                    wire::object::NestingMode::Single => Nesting::Single,
                    wire::object::NestingMode::List => Nesting::List,
                    wire::object::NestingMode::Set => Nesting::Set,
                    wire::object::NestingMode::Map => Nesting::Map,
                    wire::object::NestingMode::Invalid => return Err(violation(path, "no nesting")),
                };
                let object = Object::read(&nested.attributes, &[], path)?;
                if nesting == Nesting::Set {
                    check_set(&object, path)?;
                }
                Ok(Self::Nested(nesting, object))
            }
            (None, false) => read_type(&attribute.r#type, path).map(Self::Plain),
            _ => Err(violation(path, "not exactly one of a type and nested attributes")),
        }
    }

    fn value_type(&self) -> Type {
        match self {
            Self::Plain(plain) => plain.clone(),
            Self::Nested(nesting, object) => nesting.wrap(object.object_type()),
        }
    }

    fn has_write_only(&self) -> bool {
        matches!(self, Self::Nested(_, object) if object.has_write_only())
    }
}

impl Block {
    fn read(block: &wire::NestedBlock, path: &Path) -> Result<Self> {
        use wire::nested_block::NestingMode;
        let (min_items, max_items) = (block.min_items, block.max_items);
        let (nesting, makes_sense) = match block.nesting() {
            NestingMode::Single => {
                (BlockNesting::Single, min_items == max_items && (0..=1).contains(&min_items))
            }
            NestingMode::Group => (BlockNesting::Group, min_items == 0 && max_items == 0),
            NestingMode::List => (BlockNesting::List, max_items == 0 || min_items <= max_items),
            NestingMode::Set => (BlockNesting::Set, max_items == 0 || min_items <= max_items),
            NestingMode::Map => (BlockNesting::Map, min_items == 0 && max_items == 0),
            NestingMode::Invalid => return Err(violation(path, "no nesting")),
        };
        if !makes_sense {
            let found = format!("a {nesting:?} block with {min_items} to {max_items} items");
            return Err(violation(path, found));
        }
        let content = block.block.as_ref().ok_or_else(|| violation(path, "no block"))?;
        let object = Object::read(&content.attributes, &content.block_types, path)?;
        if nesting == BlockNesting::Set {
            check_set(&object, path)?;
        }
        Ok(Self { nesting, object, min_items, max_items })
    }

    fn value_type(&self) -> Type {
        self.nesting.wrap(self.object.object_type())
    }

    /// The value where no block is written.
    pub(super) fn absent(&self) -> Value {
        self.nesting.absent(|| self.object.empty())
    }
}

fn check_set(object: &Object, path: &Path) -> Result<()> {
    if object.has_write_only() {
        return Err(violation(path, "a set with a write-only attribute in it"));
    }
    if object.object_type().has_dynamic() {
        return Err(violation(path, "a set with a dynamic attribute in it"));
    }
    Ok(())
}

/// Removes the attributes that the type does not have.
fn remove_surplus(json: &mut Json, value_type: &Type) {
    match (json, value_type) {
        (Json::Object(parts), Type::Object(types)) => {
            parts.retain(|name, _| types.contains_key(name));
            for (name, part) in parts {
                if let Some(value_type) = types.get(name) {
                    remove_surplus(part, value_type);
                }
            }
        }
        (Json::Array(items), Type::List(element) | Type::Set(element)) => {
            items.iter_mut().for_each(|item| remove_surplus(item, element));
        }
        (Json::Object(items), Type::Map(element)) => {
            items.values_mut().for_each(|item| remove_surplus(item, element));
        }
        _ => {}
    }
}
