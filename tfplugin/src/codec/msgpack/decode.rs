//! Bytes to values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rmp::Marker;
use rmp::decode::{Bytes, RmpRead};

use super::REFINED;
use super::refinements::MAX_PAYLOAD;
use crate::value::conform::{Fault, expectation, surplus_attribute, wrong_attributes};
use crate::value::{MAX_DEPTH, Number, NumberError, Type, Value, nfc};

/// A length header is believed only so far before the elements are there.
const PREALLOCATED: usize = 64;

/// The most unknown elements that a message may ask for by length bounds alone; see `refinements`.
const MAX_IMPLIED_ELEMENTS: u64 = 1024;

/// What is left to read.
pub(super) struct Decoder<'a> {
    bytes: Bytes<'a>,
    /// How many more elements may come from length bounds.
    pub(super) implied_elements: u64,
}

type Result<T> = std::result::Result<T, Fault>;

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Bytes::new(bytes), implied_elements: MAX_IMPLIED_ELEMENTS }
    }

    pub(super) fn value(&mut self, ty: &Type, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(Fault::too_deep());
        }
        let marker = self.peek()?;
        if let Some(length) = self.extension(marker)? {
            return self.unknown(ty, length);
        }
        if marker == Marker::Null {
            self.marker()?;
            return Ok(Value::Null);
        }
        match ty {
            Type::Bool => self.bool().map(Value::Bool),
            Type::Number => self.number().map(Value::Number),
            Type::String => self.string("a string").map(|text| Value::String(nfc(text))),
            Type::List(element) => self.list(ty, element, depth).map(Value::List),
            Type::Set(element) => self.list(ty, element, depth).map(Value::set).map_err(Fault::in_set),
            Type::Map(element) => self.map(element, depth).map(Value::Map),
            Type::Tuple(types) => self.tuple(types, depth).map(Value::Tuple),
            Type::Object(types) => self.object(types, depth).map(Value::Object),
            Type::Dynamic => self.dynamic(depth),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool> {
        match self.marker()? {
            Marker::True => Ok(true),
            Marker::False => Ok(false),
            other => Err(unexpected("a bool", other)),
        }
    }

    /// Core writes integers and floats as such, what fits neither as decimal text.
    pub(super) fn number(&mut self) -> Result<Number> {
        let invalid = |error: NumberError| Fault::new("a number", error.to_string());
        match self.peek()? {
            Marker::F32 => {
                self.marker()?;
                let float = self.bytes.read_data_f32().map_err(truncated)?;
                Number::try_from(f64::from(float)).map_err(invalid)
            }
            Marker::F64 => {
                self.marker()?;
                Number::try_from(self.bytes.read_data_f64().map_err(truncated)?).map_err(invalid)
            }
            marker if is_text(marker) => self.string("a number")?.parse().map_err(invalid),
            _ => self.integer("a number"),
        }
    }

    pub(super) fn integer(&mut self, expected: &'static str) -> Result<Number> {
        let marker = self.marker()?;
        let bytes = &mut self.bytes;
        Ok(match marker {
            Marker::FixPos(value) => Number::from(i64::from(value)),
            Marker::FixNeg(value) => Number::from(i64::from(value)),
            Marker::U8 => Number::from(u64::from(bytes.read_data_u8().map_err(truncated)?)),
            Marker::U16 => Number::from(u64::from(bytes.read_data_u16().map_err(truncated)?)),
            Marker::U32 => Number::from(u64::from(bytes.read_data_u32().map_err(truncated)?)),
            Marker::U64 => Number::from(bytes.read_data_u64().map_err(truncated)?),
            Marker::I8 => Number::from(i64::from(bytes.read_data_i8().map_err(truncated)?)),
            Marker::I16 => Number::from(i64::from(bytes.read_data_i16().map_err(truncated)?)),
            Marker::I32 => Number::from(i64::from(bytes.read_data_i32().map_err(truncated)?)),
            Marker::I64 => Number::from(bytes.read_data_i64().map_err(truncated)?),
            other => return Err(unexpected(expected, other)),
        })
    }

    /// Text, as str or bin. Not normalised yet.
    pub(super) fn string(&mut self, expected: &'static str) -> Result<&'a str> {
        let bytes = self.text_bytes(expected)?;
        std::str::from_utf8(bytes).map_err(|_| Fault::new(expected, "bytes that are not UTF-8"))
    }

    fn text_bytes(&mut self, expected: &'static str) -> Result<&'a [u8]> {
        let length = match self.marker()? {
            Marker::FixStr(length) => u32::from(length),
            Marker::Str8 | Marker::Bin8 => self.bytes.read_data_u8().map_err(truncated)?.into(),
            Marker::Str16 | Marker::Bin16 => self.bytes.read_data_u16().map_err(truncated)?.into(),
            Marker::Str32 | Marker::Bin32 => self.bytes.read_data_u32().map_err(truncated)?,
            other => return Err(unexpected(expected, other)),
        };
        self.take(length as usize)
    }

    /// Both Go decoders read a nil key as the empty one.
    fn key(&mut self) -> Result<String> {
        if self.peek()? == Marker::Null {
            self.marker()?;
            return Ok(String::new());
        }
        self.string("a key").map(nfc)
    }

    fn list(&mut self, ty: &Type, element: &Type, depth: usize) -> Result<Vec<Value>> {
        let length = self.array_length(|| expectation(ty))?;
        let mut items = Vec::with_capacity(length.min(PREALLOCATED));
        for index in 0..length {
            items.push(self.value(element, depth + 1).map_err(|fault| fault.at_index(index))?);
        }
        Ok(items)
    }

    fn tuple(&mut self, types: &[Type], depth: usize) -> Result<Vec<Value>> {
        let length = self.array_length(|| "a tuple".into())?;
        if length != types.len() {
            return Err(Fault::new(format!("a tuple of {} elements", types.len()), length.to_string()));
        }
        let items = types.iter().enumerate();
        items.map(|(index, ty)| self.value(ty, depth + 1).map_err(|fault| fault.at_index(index))).collect()
    }

    fn map(&mut self, element: &Type, depth: usize) -> Result<BTreeMap<String, Value>> {
        let length = self.map_length("a map")?;
        let mut items = Vec::with_capacity(length.min(PREALLOCATED));
        for _ in 0..length {
            let key = self.key()?;
            match self.value(element, depth + 1) {
                Ok(value) => items.push((key, value)),
                Err(fault) => return Err(fault.at_key(&key)),
            }
        }
        // Of equal keys the last wins.
        Ok(items.into_iter().collect())
    }

    /// Every attribute exactly once. Core sends them in the type's order, which spares the search.
    fn object(&mut self, types: &BTreeMap<String, Type>, depth: usize) -> Result<BTreeMap<String, Value>> {
        let length = self.map_length("an object")?;
        if length != types.len() {
            return Err(Fault::new(format!("an object of {} attributes", types.len()), length.to_string()));
        }
        let mut items = Vec::with_capacity(length);
        let mut in_order = types.iter();
        for _ in 0..length {
            let key = self.key()?;
            let ty = match in_order.next() {
                Some((name, ty)) if *name == key => ty,
                _ => types.get(&key).ok_or_else(|| surplus_attribute(&key))?,
            };
            match self.value(ty, depth + 1) {
                Ok(value) => items.push((key, value)),
                Err(fault) => return Err(fault.at_attribute(&key)),
            }
        }
        let object: BTreeMap<String, Value> = items.into_iter().collect();
        if object.len() == types.len() { Ok(object) } else { Err(wrong_attributes(&object, types)) }
    }

    /// An array of the type, as JSON, and the value.
    fn dynamic(&mut self, depth: usize) -> Result<Value> {
        let length = self.array_length(|| "a value with its type".into())?;
        if length != 2 {
            return Err(Fault::new("an array of type and value", format!("{length} elements")));
        }
        let ty = Type::from_json(self.text_bytes("a type as JSON")?)
            .map_err(|error| Fault::new(error.expected, error.found))?;
        let value = self.value(&ty, depth + 1)?;
        // A type that is itself dynamic adds nothing.
        Ok(if ty == Type::Dynamic { value } else { Value::dynamic(ty, value) })
    }

    /// Core takes every extension for an unknown value; one type says more about it.
    fn unknown(&mut self, ty: &Type, (code, length): (i8, usize)) -> Result<Value> {
        if length > 1 && code != REFINED {
            return Err(Fault::new("an unknown value", format!("extension type {code} of {length} bytes")));
        }
        if length > MAX_PAYLOAD {
            return Err(Fault::new(
                format!("at most {MAX_PAYLOAD} bytes about an unknown value"),
                length.to_string(),
            ));
        }
        let payload = self.take(length)?;
        if length <= 1 || *ty == Type::Dynamic { Ok(Value::UNKNOWN) } else { self.refined(payload, ty) }
    }

    /// The type and length of an extension, with its header read; `None`, and nothing read, for anything else.
    fn extension(&mut self, marker: Marker) -> Result<Option<(i8, usize)>> {
        let fixed = match marker {
            Marker::FixExt1 => Some(1),
            Marker::FixExt2 => Some(2),
            Marker::FixExt4 => Some(4),
            Marker::FixExt8 => Some(8),
            Marker::FixExt16 => Some(16),
            Marker::Ext8 | Marker::Ext16 | Marker::Ext32 => None,
            _ => return Ok(None),
        };
        self.marker()?;
        let length = match (fixed, marker) {
            (Some(length), _) => length,
            (None, Marker::Ext8) => self.bytes.read_data_u8().map_err(truncated)?.into(),
            (None, Marker::Ext16) => self.bytes.read_data_u16().map_err(truncated)?.into(),
            (None, _) => self.bytes.read_data_u32().map_err(truncated)? as usize,
        };
        let code = self.bytes.read_data_i8().map_err(truncated)?;
        Ok(Some((code, length)))
    }

    pub(super) fn array_length(&mut self, expected: impl FnOnce() -> Cow<'static, str>) -> Result<usize> {
        let length = match self.marker()? {
            Marker::FixArray(length) => u32::from(length),
            Marker::Array16 => self.bytes.read_data_u16().map_err(truncated)?.into(),
            Marker::Array32 => self.bytes.read_data_u32().map_err(truncated)?,
            other => return Err(unexpected(expected(), other)),
        };
        Ok(length as usize)
    }

    pub(super) fn map_length(&mut self, expected: &'static str) -> Result<usize> {
        let length = match self.marker()? {
            Marker::FixMap(length) => u32::from(length),
            Marker::Map16 => self.bytes.read_data_u16().map_err(truncated)?.into(),
            Marker::Map32 => self.bytes.read_data_u32().map_err(truncated)?,
            other => return Err(unexpected(expected, other)),
        };
        Ok(length as usize)
    }

    fn peek(&self) -> Result<Marker> {
        self.bytes.remaining_slice().first().map(|byte| Marker::from_u8(*byte)).ok_or_else(|| truncated(()))
    }

    fn marker(&mut self) -> Result<Marker> {
        self.bytes.read_u8().map(Marker::from_u8).map_err(truncated)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.bytes.remaining_slice().split_at_checked(length).ok_or_else(|| truncated(()))?;
        self.bytes = Bytes::new(rest);
        Ok(taken)
    }
}

fn is_text(marker: Marker) -> bool {
    use Marker::{Bin8, Bin16, Bin32, FixStr, Str8, Str16, Str32};
    matches!(marker, FixStr(_) | Str8 | Str16 | Str32 | Bin8 | Bin16 | Bin32)
}

fn truncated<E>(_: E) -> Fault {
    Fault::new("more bytes", "the end of the message")
}

fn unexpected(expected: impl Into<Cow<'static, str>>, found: Marker) -> Fault {
    Fault::new(
        expected,
        match found {
            Marker::Null => "null",
            Marker::True | Marker::False => "a bool",
            Marker::F32 | Marker::F64 => "a float",
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "an array",
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "a map",
            Marker::Reserved => "a byte that msgpack does not use",
            marker if is_text(marker) => "a string",
            Marker::FixPos(_) | Marker::FixNeg(_) => "an integer",
            Marker::U8 | Marker::U16 | Marker::U32 | Marker::U64 => "an integer",
            Marker::I8 | Marker::I16 | Marker::I32 | Marker::I64 => "an integer",
            _ => "an extension",
        },
    )
}
