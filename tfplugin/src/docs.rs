//! Pages of documentation for the Terraform Registry, made from schemas: pure functions.
//!
//! The layout is the one that readers of the registry know: front matter, description, example, attributes by who sets
//! them, a section for each nested object, import. Attributes are in alphabetical order, parameters in that of a call.

use std::fmt::Write as _;

use crate::{
    function::{Parameter, Signature},
    schema::{Attribute, Block, BlockNesting, Field, Kind, Nesting, Presence, Schema},
    value::{Type, Value},
};

/// What a page shows beside the schema. An empty text leaves its section out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Examples<'a> {
    /// How it is used, HCL.
    pub usage: &'a str,
    /// Further examples of it, each with its heading and its HCL.
    pub further: &'a [(String, String)],
    /// An import block with an identity, HCL.
    pub import_by_identity: &'a str,
    /// An import block with an id, HCL.
    pub import_block: &'a str,
    /// The command that imports, shell.
    pub import_command: &'a str,
}

/// The first page of a provider: `docs/index.md`.
pub fn provider_page(provider: &str, schema: &Schema, examples: &Examples<'_>) -> String {
    let title = format!("{provider} Provider");
    // A provider has no subcategory to be listed in.
    joined(&parts(front_matter(&title, None, &schema.description), &title, schema, examples))
}

/// The page of a resource: `docs/resources/<type without the provider's name>.md`.
///
/// `identity` is the schema of its identity, if it has one.
pub fn resource_page(
    provider: &str,
    type_name: &str,
    schema: &Schema,
    identity: Option<&Schema>,
    examples: &Examples<'_>,
) -> String {
    let mut parts = typed_parts(provider, type_name, "Resource", schema, examples);
    parts.extend(import_section(identity, examples));
    joined(&parts)
}

/// The page of a data source: `docs/data-sources/<type without the provider's name>.md`.
pub fn data_source_page(provider: &str, type_name: &str, schema: &Schema, examples: &Examples<'_>) -> String {
    joined(&typed_parts(provider, type_name, "Data Source", schema, examples))
}

/// The page of a list resource: `docs/list-resources/<type without the provider's name>.md`.
pub fn list_resource_page(
    provider: &str,
    type_name: &str,
    schema: &Schema,
    examples: &Examples<'_>,
) -> String {
    let parts = typed_parts(provider, type_name, "List Resource", schema, examples);
    joined(&with_note(parts, needs("List resources", "1.14")))
}

/// The page of an action: `docs/actions/<type without the provider's name>.md`.
pub fn action_page(provider: &str, type_name: &str, schema: &Schema, examples: &Examples<'_>) -> String {
    let parts = typed_parts(provider, type_name, "Action", schema, examples);
    joined(&with_note(parts, needs("Actions", "1.14")))
}

/// The page of a function: `docs/functions/<name>.md`.
pub fn function_page(provider: &str, name: &str, signature: &Signature, examples: &Examples<'_>) -> String {
    let front_matter =
        front_matter(&format!("{name} function - {provider}"), Some(""), &signature.description);
    let mut parts = vec![front_matter, format!("# function: {name}"), signature.description.clone()];
    parts.extend(usage_section(examples));
    parts.push(format!("## Signature\n\n{}", code("text", &call(name, signature))));
    let fixed = signature.parameters.iter().map(|parameter| parameter_line(parameter, ""));
    let variadic = signature.variadic.iter().map(|parameter| parameter_line(parameter, "Variadic, "));
    let parameters: Vec<_> = fixed.chain(variadic).collect();
    if !parameters.is_empty() {
        parts.push(format!("## Arguments\n\n{}", parameters.join("\n")));
    }
    joined(&with_note(parts, needs("Functions of providers", "1.8")))
}

/// How a function is called: `join(separator string, parts string...) string`.
fn call(name: &str, signature: &Signature) -> String {
    let fixed = signature.parameters.iter();
    let fixed = fixed.map(|parameter| format!("{} {}", parameter.name, parameter.value_type));
    let variadic = signature.variadic.iter();
    let variadic = variadic.map(|parameter| format!("{} {}...", parameter.name, parameter.value_type));
    let parameters: Vec<_> = fixed.chain(variadic).collect();
    format!("{name}({}) {}", parameters.join(", "), signature.output)
}

fn parameter_line(parameter: &Parameter, note: &str) -> String {
    let nullable = if parameter.nullable { ", Nullable" } else { "" };
    let text = reflow(&parameter.description).replace('\n', "\n   ");
    format!("1. `{}` ({note}{}{nullable}) {text}", parameter.name, type_name(&parameter.value_type))
}

fn typed_parts(
    provider: &str,
    type_name: &str,
    kind: &str,
    schema: &Schema,
    examples: &Examples<'_>,
) -> Vec<String> {
    let front_matter =
        front_matter(&format!("{type_name} {kind} - {provider}"), Some(""), &schema.description);
    parts(front_matter, &format!("{type_name} ({kind})"), schema, examples)
}

fn parts(front_matter: String, title: &str, schema: &Schema, examples: &Examples<'_>) -> Vec<String> {
    let mut parts = vec![front_matter, format!("# {title}"), schema.description.clone()];
    parts.extend(usage_section(examples));
    parts.extend(schema_section(schema));
    parts
}

fn needs(what: &str, terraform: &str) -> String {
    format!("> **Note:** {what} need Terraform {terraform} or later.")
}

/// The note stands behind front matter, title and description.
fn with_note(mut parts: Vec<String>, note: String) -> Vec<String> {
    parts.insert(3, note);
    parts
}

fn joined(parts: &[String]) -> String {
    parts.join("\n\n") + "\n"
}

fn usage_section(examples: &Examples<'_>) -> Option<String> {
    let usage = (!examples.usage.is_empty()).then(|| code("terraform", examples.usage))?;
    let further = examples.further.iter();
    let further: String =
        further.map(|(heading, hcl)| format!("\n\n### {heading}\n\n{}", code("terraform", hcl))).collect();
    Some(format!("## Example Usage\n\n{usage}{further}"))
}

fn front_matter(title: &str, subcategory: Option<&str>, description: &str) -> String {
    let summary = plain(description.split("\n\n").next().unwrap_or_default());
    let subcategory = subcategory.map(|name| format!("\nsubcategory: \"{name}\"")).unwrap_or_default();
    format!(
        "---\n# Generated from the provider's schema; do not edit.\npage_title: \"{title}\"{subcategory}\n\
         description: |-\n  {summary}\n---"
    )
}

/// Markdown as text on one line.
fn plain(markdown: &str) -> String {
    markdown.replace(['`', '*'], "").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn code(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```", text.trim_end())
}

fn import_section(identity: Option<&Schema>, examples: &Examples<'_>) -> Vec<String> {
    const BY_IDENTITY: &str = "An object that exists already is taken over with an \
        [`import` block](https://developer.hashicorp.com/terraform/language/import) that names its identity \
        (Terraform 1.12 and later):";
    const BLOCK: &str = "An object that exists already is taken over with an \
        [`import` block](https://developer.hashicorp.com/terraform/language/import) (Terraform 1.5 and later):";
    const BY_ID: &str = "With its id (Terraform 1.5 and later):";
    const COMMAND: &str = "With the [`terraform import` command]\
        (https://developer.hashicorp.com/terraform/cli/commands/import):";
    let way = |intro: &str, language, text: &str| {
        let shown = (!text.is_empty()).then(|| [intro.to_owned(), code(language, text)]);
        shown.into_iter().flatten()
    };
    let mut parts: Vec<_> = way(BY_IDENTITY, "terraform", examples.import_by_identity).collect();
    if let Some(identity) = identity {
        parts.push("### Identity Schema".to_owned());
        parts.extend(lists(&identity.fields, &[], |title| format!("#### {title}")));
    }
    let block = if parts.is_empty() { BLOCK } else { BY_ID };
    parts.extend(way(block, "terraform", examples.import_block));
    parts.extend(way(COMMAND, "shell", examples.import_command));
    if !parts.is_empty() {
        parts.insert(0, "## Import".to_owned());
    }
    parts
}

const WRITE_ONLY: &str =
    "https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments";

fn schema_section(schema: &Schema) -> Vec<String> {
    let mut parts = vec!["<!-- generated from the provider's schema -->\n## Schema".to_owned()];
    if has_write_only(&schema.fields) {
        parts.push(needs(&format!("[Write-only arguments]({WRITE_ONLY})"), "1.11"));
    }
    parts.extend(lists(&schema.fields, &[], |title| format!("### {title}")));
    nested_sections(&schema.fields, &[], &mut parts);
    parts
}

fn has_write_only(fields: &[Field]) -> bool {
    fields.iter().any(|field| {
        field.is_write_only() || field.nested().is_some_and(|(_, fields)| has_write_only(fields))
    })
}

/// Who sets a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Required,
    Optional,
    ReadOnly,
}

impl Group {
    const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::ReadOnly];

    fn of(field: &Field) -> Self {
        match field {
            Field::Attribute(attribute) => match attribute.presence {
                Presence::Required => Self::Required,
                Presence::Optional | Presence::OptionalComputed => Self::Optional,
                Presence::Computed => Self::ReadOnly,
            },
            Field::Block(block) if block.min_items > 0 => Self::Required,
            Field::Block(_) => Self::Optional,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Required => "Required",
            Self::Optional => "Optional",
            Self::ReadOnly => "Read-Only",
        }
    }
}

/// The fields of a group in the order in which they are shown.
fn group(fields: &[Field], group: Group) -> Vec<&Field> {
    let mut found: Vec<_> = fields.iter().filter(|field| Group::of(field) == group).collect();
    found.sort_by_key(|field| field.name());
    found
}

/// For each group its title and its list.
fn lists(fields: &[Field], path: &[&str], title: impl Fn(&str) -> String) -> Vec<String> {
    let mut parts = Vec::new();
    for of in Group::ALL {
        let lines: Vec<_> = group(fields, of).into_iter().map(|field| line(field, path)).collect();
        if !lines.is_empty() {
            parts.push(title(of.title()));
            parts.push(lines.join("\n"));
        }
    }
    parts
}

fn nested_sections(fields: &[Field], path: &[&str], parts: &mut Vec<String>) {
    for field in Group::ALL.into_iter().flat_map(|of| group(fields, of)) {
        let Some((_, inner)) = field.nested() else { continue };
        let path = [path, &[field.name()]].concat();
        parts.push(format!(
            "<a id=\"{}\"></a>\n### Nested Schema for `{}`",
            anchor(field, &path),
            path.join(".")
        ));
        parts.extend(lists(inner, &path, |title| format!("{title}:")));
        nested_sections(inner, &path, parts);
    }
}

fn anchor(field: &Field, path: &[&str]) -> String {
    let prefix = match field {
        Field::Attribute(_) => "nestedatt",
        Field::Block(_) => "nestedblock",
    };
    format!("{prefix}--{}", path.join("--"))
}

fn line(field: &Field, path: &[&str]) -> String {
    let mut sentences = vec![reflow(field.description())];
    sentences.extend(match field {
        Field::Attribute(attribute) => attribute_facts(attribute),
        Field::Block(_) => Vec::new(),
    });
    if field.nested().is_some() {
        let path = [path, &[field.name()]].concat();
        sentences.push(format!("(see [below for nested schema](#{}))", anchor(field, &path)));
    }
    // What follows several paragraphs is one of its own.
    let separator = if sentences[0].contains("\n\n") { "\n\n" } else { " " };
    let facts = sentences.split_off(1).join(" ");
    if !facts.is_empty() {
        sentences.push(facts);
    }
    let text = sentences.join(separator).replace('\n', "\n  ").replace("\n  \n", "\n\n");
    format!("- `{}` ({}) {text}", field.name(), notes(field))
}

/// Joins the lines of each paragraph; lists, tables and code stay as they are.
fn reflow(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let has_form =
            paragraph.lines().any(|line| line.trim_start().starts_with(['-', '*', '|', '#', '>', '`']));
        let joined = || paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        if has_form && paragraph.contains('\n') { paragraph.to_owned() } else { joined() }
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// The type of a field and what is special about it, as it stands in parentheses.
fn notes(field: &Field) -> String {
    match field {
        Field::Attribute(attribute) => attribute_notes(attribute),
        Field::Block(block) => block_notes(block),
    }
}

fn attribute_notes(attribute: &Attribute) -> String {
    let mut notes = kind_name(&attribute.kind);
    if attribute.sensitive {
        notes += ", Sensitive";
    }
    if attribute.deprecated.is_some() {
        notes += ", Deprecated";
    }
    if attribute.write_only {
        let _ = write!(notes, ", [Write-only]({WRITE_ONLY})");
    }
    notes
}

fn block_notes(block: &Block) -> String {
    let mut notes = match block.nesting {
        BlockNesting::Single if block.min_items > 0 => return "Block, Required".to_owned(),
        BlockNesting::Single | BlockNesting::Group => return "Block, Optional".to_owned(),
        BlockNesting::List => "Block List".to_owned(),
        BlockNesting::Set => "Block Set".to_owned(),
        BlockNesting::Map => "Block Map".to_owned(),
    };
    for (name, limit) in [("Min", block.min_items), ("Max", block.max_items)] {
        if limit > 0 {
            let _ = write!(notes, ", {name}: {limit}");
        }
    }
    notes
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Plain(plain) => type_name(plain),
        Kind::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        Kind::Nested(Nesting::List, _) => "Attributes List".to_owned(),
        Kind::Nested(Nesting::Set, _) => "Attributes Set".to_owned(),
        Kind::Nested(Nesting::Map, _) => "Attributes Map".to_owned(),
    }
}

fn type_name(of: &Type) -> String {
    match of {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object(_) => "Object".to_owned(),
    }
}

/// At most so many examples are shown.
const EXAMPLES: usize = 3;

/// Sentences about an attribute that its declaration implies.
fn attribute_facts(attribute: &Attribute) -> Vec<String> {
    let quoted = |texts: &[&str]| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    let mut facts = Vec::new();
    if let Some(message) = attribute.deprecated {
        facts.push(format!("**Deprecated:** {message}"));
    }
    let allowed = attribute.facts.allowed;
    if !allowed.is_empty() {
        let of = if matches!(attribute.kind, Kind::Plain(Type::String)) { "One of" } else { "Each one of" };
        facts.push(format!("{of} {}.", quoted(allowed)));
    } else if !attribute.facts.examples.is_empty() {
        let examples = &attribute.facts.examples[..attribute.facts.examples.len().min(EXAMPLES)];
        facts.push(format!("For example {}.", quoted(examples)));
    }
    if let Some(default) = &attribute.default {
        facts.push(format!("Default: `{}`.", literal(default)));
    }
    if attribute.replaces {
        facts.push("A change replaces the object.".to_owned());
    }
    facts
}

/// A value as it stands in configuration; text without quotes.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        other => hcl(other),
    }
}

fn hcl(value: &Value) -> String {
    let all = |items: &[Value]| format!("[{}]", items.iter().map(hcl).collect::<Vec<_>>().join(", "));
    match value {
        Value::Null | Value::Unknown(_) => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => all(items),
        Value::Map(items) | Value::Object(items) if items.is_empty() => "{}".to_owned(),
        Value::Map(items) | Value::Object(items) => {
            let items = items.iter().map(|(key, item)| format!("{key:?} = {}", hcl(item)));
            format!("{{ {} }}", items.collect::<Vec<_>>().join(", "))
        }
        Value::Dynamic(inner) => hcl(&inner.1),
    }
}
