//! The msgpack form of values, in which Terraform core sends everything and gets every answer.

mod decode;
mod encode;
mod refinements;

#[cfg(test)]
mod tests;

use super::{DecodeError, EncodeError};
use crate::value::{Type, Value};

/// The extension type of an unknown value about which something is known.
const REFINED: i8 = 12;

/// Reads a value of type `ty`. Bytes after it are ignored, as core does.
///
/// Strings and map keys become NFC, sets lose duplicates and order, the last of equal map keys wins.
///
/// # Errors
/// The first place that does not fit `ty`, malformed or missing bytes, or nesting beyond
/// [`MAX_DEPTH`](crate::value::MAX_DEPTH).
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    decode::Decoder::new(bytes).value(ty, 0).map_err(DecodeError::from)
}

/// Writes `value` as a value of type `ty`, byte for byte as core does.
///
/// # Errors
/// The first part of `value` that does not fit `ty`: see [`Value::conforms`].
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, EncodeError> {
    value.conforms(ty)?;
    Ok(encode::write(value))
}
