//! Between the framework's types and the messages of the protocol.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use proto::tfplugin6::{self, attribute_path, function, schema};

use crate::{
    codec,
    diagnostic::{Diagnostic, Diagnostics, Result, Severity},
    function::{Parameter, Signature},
    path::{Path, Step},
    schema::{Attribute, Block, BlockNesting, Field, Kind, Nesting, Presence, Schema},
    value::{Type, Value},
};

/// Decodes a value of a request; `what` names it in the error.
///
/// # Errors
/// When the bytes are damaged or do not fit the type.
pub(crate) fn value(wire: Option<&tfplugin6::DynamicValue>, value_type: &Type, what: &str) -> Result<Value> {
    let Some(wire) = wire else { return Ok(Value::Null) };
    codec::decode_dynamic(wire, value_type).map_err(|error| undecodable(what, &error.path, &error))
}

/// Whether a value of a request is null; the rest of it is not looked at.
pub(crate) fn is_null(wire: Option<&tfplugin6::DynamicValue>) -> bool {
    const NIL: u8 = 0xc0;
    wire.is_none_or(|wire| match wire.msgpack.first() {
        Some(first) => *first == NIL,
        None => matches!(wire.json.as_ref(), b"" | b"null"),
    })
}

/// Decodes stored JSON; `what` names it in the error.
///
/// # Errors
/// When it is damaged or does not fit the type.
pub(crate) fn json(bytes: &[u8], value_type: &Type, what: &str) -> Result<Value> {
    codec::json::decode(bytes, value_type).map_err(|error| undecodable(what, &error.path, &error))
}

fn undecodable(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Diagnostics {
    let detail = format!("Terraform and this provider do not agree about {what}: {error}.");
    Diagnostic::error("Undecodable value", detail).at(path.clone()).into()
}

/// Encodes a value of an answer. One that does not fit its type is a fault of the provider: it becomes an error,
/// beside which core keeps what it had.
pub(crate) fn dynamic(
    value: &Value,
    value_type: &Type,
    diagnostics: &mut Diagnostics,
) -> Option<tfplugin6::DynamicValue> {
    match codec::encode_dynamic(value, value_type) {
        Ok(wire) => Some(wire),
        Err(error) => {
            let detail =
                format!("The provider made a value that does not fit its schema: {error}. Please report it.");
            diagnostics.push(Diagnostic::error("Unencodable value", detail).at(error.path));
            None
        }
    }
}

/// Findings about an object with these fields; without fields where there is no object.
pub(crate) fn diagnostics(diagnostics: Diagnostics, fields: &[Field]) -> Vec<tfplugin6::Diagnostic> {
    diagnostics.into_iter().map(|finding| diagnostic(finding, fields)).collect()
}

fn diagnostic(diagnostic: Diagnostic, fields: &[Field]) -> tfplugin6::Diagnostic {
    let Diagnostic { severity, summary, detail, path } = diagnostic;
    let severity = match severity {
        Severity::Error => tfplugin6::diagnostic::Severity::Error,
        Severity::Warning => tfplugin6::diagnostic::Severity::Warning,
    };
    // Terraform shows a line and never the path.
    let detail = if path.steps().len() > 1 { format!("In `{path}`: {detail}") } else { detail };
    tfplugin6::Diagnostic {
        severity: severity.into(),
        summary,
        detail,
        attribute: (!path.is_root()).then(|| attribute_path(&findable(&path, fields))),
    }
}

/// The path for which Terraform finds the nearest line of configuration.
///
/// It follows blocks, and from an attribute one step further to an element; from anything else below an attribute it
/// goes back to the first line of the block. To its parser nested attributes are elements of an object, so the path
/// ends there, with the nested attribute as an element.
fn findable(path: &Path, mut fields: &[Field]) -> Path {
    for (position, step) in path.steps().iter().enumerate() {
        let Step::Attribute(name) = step else { continue };
        match fields.iter().find(|field| field.name() == name) {
            Some(Field::Block(block)) => fields = &block.fields,
            Some(Field::Attribute(_)) => {
                let above = path.steps()[..=position]
                    .iter()
                    .cloned()
                    .fold(Path::root(), |path, step| path.step(step));
                return match path.steps().get(position + 1) {
                    Some(Step::Attribute(nested)) => above.key(nested),
                    Some(element) => above.step(element.clone()),
                    None => above,
                };
            }
            None => break,
        }
    }
    path.clone()
}

pub(crate) fn attribute_path(path: &Path) -> tfplugin6::AttributePath {
    let step = |step: &Step| {
        let selector = match step {
            Step::Attribute(name) => attribute_path::step::Selector::AttributeName(name.clone()),
            Step::Key(key) => attribute_path::step::Selector::ElementKeyString(key.clone()),
            Step::Index(index) => attribute_path::step::Selector::ElementKeyInt(*index),
        };
        attribute_path::Step { selector: Some(selector) }
    };
    tfplugin6::AttributePath { steps: path.steps().iter().map(step).collect() }
}

pub(crate) fn schema(schema: &Schema) -> tfplugin6::Schema {
    tfplugin6::Schema { version: schema.version, block: Some(block(&schema.fields, &schema.description)) }
}

/// The schema of an identity.
pub(crate) fn identity_schema(schema: &Schema) -> tfplugin6::ResourceIdentitySchema {
    let attributes = schema.fields.iter().filter_map(|field| match field {
        Field::Attribute(found) => Some(identity_attribute(found)),
        Field::Block(_) => None,
    });
    tfplugin6::ResourceIdentitySchema { version: schema.version, identity_attributes: attributes.collect() }
}

fn identity_attribute(found: &Attribute) -> tfplugin6::resource_identity_schema::IdentityAttribute {
    tfplugin6::resource_identity_schema::IdentityAttribute {
        name: found.name.to_owned(),
        r#type: found.kind.value_type().to_json().into(),
        required_for_import: found.presence == Presence::Required,
        optional_for_import: found.presence == Presence::Optional,
        description: found.description.clone(),
    }
}

/// The signature of a function.
pub(crate) fn function(signature: &Signature) -> tfplugin6::Function {
    tfplugin6::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(function::Return { r#type: signature.output.to_json().into() }),
        summary: signature.summary(),
        description: signature.description.clone(),
        description_kind: tfplugin6::StringKind::Markdown.into(),
        deprecation_message: String::new(),
    }
}

fn parameter(parameter: &Parameter) -> function::Parameter {
    function::Parameter {
        name: parameter.name.to_owned(),
        r#type: parameter.value_type.to_json().into(),
        allow_null_value: parameter.nullable,
        allow_unknown_values: false,
        description: parameter.description.clone(),
        description_kind: tfplugin6::StringKind::Markdown.into(),
    }
}

fn block(fields: &[Field], description: &str) -> schema::Block {
    let attributes = fields.iter().filter_map(|field| match field {
        Field::Attribute(found) => Some(attribute(found)),
        Field::Block(_) => None,
    });
    let blocks = fields.iter().filter_map(|field| match field {
        Field::Block(found) => Some(nested_block(found)),
        Field::Attribute(_) => None,
    });
    schema::Block {
        attributes: attributes.collect(),
        block_types: blocks.collect(),
        description: description.to_owned(),
        description_kind: tfplugin6::StringKind::Markdown.into(),
        ..schema::Block::default()
    }
}

fn nested_block(found: &Block) -> schema::NestedBlock {
    use schema::nested_block::NestingMode;
    let nesting = match found.nesting {
        BlockNesting::Single => NestingMode::Single,
        BlockNesting::Group => NestingMode::Group,
        BlockNesting::List => NestingMode::List,
        BlockNesting::Set => NestingMode::Set,
        BlockNesting::Map => NestingMode::Map,
    };
    schema::NestedBlock {
        type_name: found.name.to_owned(),
        block: Some(block(&found.fields, &found.description)),
        nesting: nesting.into(),
        min_items: found.min_items,
        max_items: found.max_items,
    }
}

fn attribute(found: &Attribute) -> schema::Attribute {
    let (value_type, nested_type) = match &found.kind {
        Kind::Plain(plain) => (Bytes::from(plain.to_json()), None),
        Kind::Nested(nesting, fields) => (Bytes::new(), Some(nested(*nesting, fields))),
    };
    schema::Attribute {
        name: found.name.to_owned(),
        r#type: value_type,
        nested_type,
        description: found.description.clone(),
        required: found.presence == Presence::Required,
        optional: matches!(found.presence, Presence::Optional | Presence::OptionalComputed),
        computed: found.presence.is_computed(),
        sensitive: found.sensitive,
        description_kind: tfplugin6::StringKind::Markdown.into(),
        deprecated: found.deprecated.is_some(),
        write_only: found.write_only,
        deprecation_message: found.deprecated.unwrap_or_default().to_owned(),
    }
}

fn nested(nesting: Nesting, fields: &[Field]) -> schema::Object {
    use schema::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    schema::Object {
        attributes: block(fields, "").attributes,
        nesting: nesting.into(),
        ..schema::Object::default()
    }
}
