//! Values to JSON. A value that fits its type needs no type to be written: see [`Value::conforms`].

use serde_json::Value as Json;

use crate::value::conform::Fault;
use crate::value::{Number, Value};

type Result<T> = std::result::Result<T, Fault>;

pub(super) fn write(output: &mut String, value: &Value) -> Result<()> {
    match value {
        Value::Null => output.push_str("null"),
        Value::Unknown(_) => return Err(Fault::new("a known value", value.kind())),
        Value::Bool(value) => output.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(output, number)?,
        Value::String(text) => write_text(output, text),
        Value::List(items) | Value::Tuple(items) => {
            write_all(output, ['[', ']'], items.iter().enumerate(), |output, (index, item)| {
                write(output, item).map_err(|fault| fault.at_index(index))
            })?;
        }
        Value::Set(items) => write_all(output, ['[', ']'], items.iter(), write).map_err(Fault::in_set)?,
        Value::Map(items) => write_all(output, ['{', '}'], items.iter(), |output, (key, item)| {
            write_entry(output, key, item).map_err(|fault| fault.at_key(key))
        })?,
        Value::Object(items) => write_all(output, ['{', '}'], items.iter(), |output, (name, item)| {
            write_entry(output, name, item).map_err(|fault| fault.at_attribute(name))
        })?,
        Value::Dynamic(inner) => {
            output.push_str("{\"value\":");
            write(output, &inner.1)?;
            output.push_str(",\"type\":");
            output.push_str(&inner.0.to_json());
            output.push('}');
        }
    }
    Ok(())
}

fn write_all<T>(
    output: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut write_item: impl FnMut(&mut String, T) -> Result<()>,
) -> Result<()> {
    output.push(open);
    for (position, item) in items.enumerate() {
        if position > 0 {
            output.push(',');
        }
        write_item(output, item)?;
    }
    output.push(close);
    Ok(())
}

fn write_entry(output: &mut String, name: &str, value: &Value) -> Result<()> {
    write_text(output, name);
    output.push(':');
    write(output, value)
}

fn write_number(output: &mut String, number: &Number) -> Result<()> {
    if number.is_infinite() {
        return Err(Fault::new("a finite number", "an infinite one"));
    }
    output.push_str(&number.to_string());
    Ok(())
}

fn write_text(output: &mut String, text: &str) {
    output.push_str(&Json::from(text).to_string());
}
