//! The JSON form of values, in which Terraform keeps state.

mod decode;
mod encode;
pub(super) mod text;

#[cfg(test)]
mod tests;

use super::{DecodeError, EncodeError};
use crate::value::conform::Fault;
use crate::value::{Type, Value};

/// Reads a value of type `ty`. Bytes after it are ignored, as core does.
///
/// As lenient as core: numbers and bools are taken for strings, text for numbers and bools where it is one,
/// missing attributes are null (unless they are far more than the text itself). Strings and map keys become NFC,
/// sets lose duplicates and order. The type beside the value in a dynamic slot is read wherever it stands.
///
/// # Errors
/// The first place that does not fit `ty` (attributes that the type does not have among them), what is not
/// JSON, or nesting beyond [`MAX_DEPTH`](crate::value::MAX_DEPTH).
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let (tree, _) = text::parse(bytes).map_err(|syntax| Fault::new("JSON", syntax))?;
    decode::Decoder::new(bytes.len()).value(tree, ty, 0).map_err(DecodeError::from)
}

/// Writes `value` as a value of type `ty`, as core does.
///
/// # Errors
/// The first part of `value` that does not fit `ty`, is unknown, or is an infinite number: JSON has neither.
pub fn encode(value: &Value, ty: &Type) -> Result<String, EncodeError> {
    value.conforms(ty)?;
    let mut text = String::new();
    encode::write(&mut text, value)?;
    Ok(text::escape(&text))
}
