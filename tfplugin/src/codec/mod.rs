//! Values on the wire: msgpack, which Terraform sends and gets, and JSON, in which state is kept.

pub mod json;
pub mod msgpack;
mod type_json;

pub use type_json::ParseTypeError;

use proto::tfplugin6::DynamicValue;

use crate::value::{ConformError, Type, Value};

/// What was expected and what was found in bytes that are no value of the given type, and where.
pub type DecodeError = ConformError;

/// What was expected and what was found in a value that cannot be written as the given type, and where.
pub type EncodeError = ConformError;

/// Reads a value of type `ty` from a message field. Msgpack goes before JSON; a message without either is null.
///
/// # Errors
/// What [`msgpack::decode`] or [`json::decode`] find.
pub fn decode_dynamic(value: &DynamicValue, ty: &Type) -> Result<Value, DecodeError> {
    if !value.msgpack.is_empty() {
        msgpack::decode(&value.msgpack, ty)
    } else if !value.json.is_empty() {
        json::decode(&value.json, ty)
    } else {
        Ok(Value::Null)
    }
}

/// Writes a value of type `ty` into a message field, always as msgpack.
///
/// # Errors
/// What [`msgpack::encode`] finds.
pub fn encode_dynamic(value: &Value, ty: &Type) -> Result<DynamicValue, EncodeError> {
    Ok(DynamicValue { msgpack: msgpack::encode(value, ty)?.into(), json: Default::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(msgpack: &'static [u8], json: &'static [u8]) -> DynamicValue {
        DynamicValue { msgpack: msgpack.into(), json: json.into() }
    }

    #[test]
    fn msgpack_goes_before_json_and_nothing_is_null() {
        let decode = |msgpack, json| decode_dynamic(&message(msgpack, json), &Type::String).unwrap();
        assert_eq!(decode(b"\xa1a", b"\"b\""), Value::from("a"));
        assert_eq!(decode(b"", b"\"b\""), Value::from("b"));
        assert_eq!(decode(b"", b""), Value::Null);
    }

    #[test]
    fn answers_are_msgpack() {
        assert_eq!(encode_dynamic(&Value::from("a"), &Type::String), Ok(message(b"\xa1a", b"")));
        assert!(encode_dynamic(&Value::from("a"), &Type::Bool).is_err());
    }
}
