//! HCL as `terraform fmt` writes it.

use std::fmt::Write as _;

use tfplugin::value::{Type, Value};
use unicode_segmentation::UnicodeSegmentation as _;

/// What stands behind `=`.
pub(super) enum Expression {
    /// Something that takes one line.
    Line(String),
    /// An object or map, with one line or more for each of its items.
    Object(Vec<Item>),
}

/// A name and what it stands for.
pub(super) struct Item {
    name: String,
    value: Expression,
}

impl Item {
    /// An argument, or an attribute of an object.
    pub(super) fn new(name: &str, value: Expression) -> Self {
        Self { name: name.to_owned(), value }
    }
}

impl Expression {
    /// Text.
    pub(super) fn text(text: &str) -> Self {
        Self::Line(quoted(text))
    }

    /// A value that is wholly known.
    pub(super) fn literal(value: &Value) -> Self {
        match value {
            Value::Null | Value::Unknown(_) => Self::Line("null".to_owned()),
            Value::Bool(value) => Self::Line(value.to_string()),
            Value::Number(value) => Self::Line(value.to_string()),
            Value::String(text) => Self::text(text),
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => Self::list(items),
            Value::Map(items) | Value::Object(items) => Self::Object(
                items.iter().map(|(key, value)| Item::new(&self::key(key), Self::literal(value))).collect(),
            ),
            Value::Dynamic(inner) => Self::literal(&inner.1),
        }
    }

    fn list(items: &[Value]) -> Self {
        let items: Vec<_> = items
            .iter()
            .map(|item| {
                let mut text = String::new();
                Self::literal(item).write(&mut text, 0);
                text
            })
            .collect();
        Self::Line(format!("[{}]", items.join(", ")))
    }

    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Line(text) => out.push_str(text),
            Self::Object(items) if items.is_empty() => out.push_str("{}"),
            Self::Object(items) => {
                out.push_str("{\n");
                write_items(out, items, indent + 1);
                write_indent(out, indent);
                out.push('}');
            }
        }
    }
}

/// A block with its labels.
pub(super) fn block(kind: &str, labels: &[&str], items: &[Item]) -> String {
    let mut out = kind.to_owned();
    for label in labels {
        let _ = write!(out, " {}", quoted(label));
    }
    out.push_str(" {\n");
    write_items(&mut out, items, 1);
    out.push_str("}\n");
    out
}

/// Arguments without a block around them.
pub(super) fn body(items: &[Item]) -> String {
    let mut out = String::new();
    write_items(&mut out, items, 0);
    out
}

/// The type constraint of a variable.
pub(super) fn type_constraint(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::Number => "number".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(element) => format!("list({})", type_constraint(element)),
        Type::Set(element) => format!("set({})", type_constraint(element)),
        Type::Map(element) => format!("map({})", type_constraint(element)),
        Type::Dynamic | Type::Tuple(_) | Type::Object(_) => "any".to_owned(),
    }
}

/// Writes items with their `=` below each other, as far as each takes one line.
fn write_items(out: &mut String, items: &[Item], indent: usize) {
    for run in items.chunk_by(|a, b| a.is_line() && b.is_line()) {
        let width = run.iter().map(|item| columns(&item.name)).max().unwrap_or_default();
        for item in run {
            write_indent(out, indent);
            let padding = width - columns(&item.name);
            let _ = write!(out, "{}{:padding$} = ", item.name, "");
            item.value.write(out, indent);
            out.push('\n');
        }
    }
}

impl Item {
    fn is_line(&self) -> bool {
        match &self.value {
            Expression::Line(_) => true,
            Expression::Object(items) => items.is_empty(),
        }
    }
}

fn write_indent(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n("  ", indent));
}

/// Terraform counts what a person takes for one character.
fn columns(text: &str) -> usize {
    text.graphemes(true).count()
}

/// The key of an object: a name as it is, all else in quotes.
fn key(text: &str) -> String {
    if is_name(text) { text.to_owned() } else { quoted(text) }
}

/// Whether the text can stand without quotes, for the few scripts that need no tables to know it.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Text in quotes, in which nothing is a template.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.replace("${", "$${").replace("%{", "%%{").chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Nothing that a reader of the file could not see.
            control if control.is_control() || ('\u{2028}'..='\u{2029}').contains(&control) => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
