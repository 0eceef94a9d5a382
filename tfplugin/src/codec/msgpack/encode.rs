//! Values to bytes. A value that fits its type needs no type to be written: see [`Value::conforms`].

use std::collections::BTreeMap;
use std::convert::Infallible;

use rmp::encode::{
    ByteBuf, ValueWriteError, write_array_len, write_bin, write_bool, write_f64, write_map_len, write_nil,
    write_sint, write_str,
};

use super::refinements::write_refined;
use crate::value::{Number, Value};

/// An unknown value about which nothing is known: an extension of type 0 with one byte of no meaning.
pub(super) const UNKNOWN: [u8; 3] = [0xd4, 0, 0];

pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut buffer = ByteBuf::with_capacity(256);
    write_value(&mut buffer, value);
    buffer.into_vec()
}

fn write_value(buffer: &mut ByteBuf, value: &Value) {
    match value {
        Value::Null => infallible(write_nil(buffer).map_err(ValueWriteError::InvalidMarkerWrite)),
        Value::Unknown(None) => buffer.as_mut_vec().extend(UNKNOWN),
        Value::Unknown(Some(refinements)) => write_refined(buffer, refinements),
        Value::Bool(value) => write_flag(buffer, *value),
        Value::Number(number) => write_number(buffer, number),
        Value::String(text) => infallible(write_str(buffer, text)),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            infallible(write_array_len(buffer, length(items.len())));
            items.iter().for_each(|item| write_value(buffer, item));
        }
        Value::Map(items) | Value::Object(items) => write_entries(buffer, items),
        Value::Dynamic(inner) => {
            infallible(write_array_len(buffer, 2));
            infallible(write_bin(buffer, inner.0.to_json().as_bytes()));
            write_value(buffer, &inner.1);
        }
    }
}

fn write_entries(buffer: &mut ByteBuf, items: &BTreeMap<String, Value>) {
    infallible(write_map_len(buffer, length(items.len())));
    for (key, item) in items {
        infallible(write_str(buffer, key));
        write_value(buffer, item);
    }
}

pub(super) fn write_flag(buffer: &mut ByteBuf, value: bool) {
    infallible(write_bool(buffer, value).map_err(ValueWriteError::InvalidMarkerWrite));
}

/// The shortest integer, else the exact float, else decimal text. Integers beyond 64 bits are text as well.
pub(super) fn write_number(buffer: &mut ByteBuf, number: &Number) {
    if let Some(integer) = number.to_i64() {
        infallible(write_sint(buffer, integer));
        return;
    }
    match number.to_exact_f64() {
        Some(float) if float.is_infinite() || float.fract() != 0.0 => infallible(write_f64(buffer, float)),
        _ => infallible(write_str(buffer, &number.to_string())),
    }
}

/// Headers hold 32 bits, and a message of 4 Gi elements fits no gRPC message.
pub(super) fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Writing into memory cannot fail.
pub(super) fn infallible<T>(result: Result<T, ValueWriteError<Infallible>>) {
    match result {
        Ok(marker) => drop(marker),
        Err(ValueWriteError::InvalidMarkerWrite(never) | ValueWriteError::InvalidDataWrite(never)) => {
            match never {}
        }
    }
}
