//! What is known about an unknown value: the payload of the extension [`REFINED`].

use rmp::encode::{ByteBuf, write_array_len, write_ext_meta, write_map_len, write_str, write_uint};
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::REFINED;
use super::decode::Decoder;
use super::encode::{UNKNOWN, infallible, length, write_flag, write_number};
use crate::value::conform::Fault;
use crate::value::{Bound, Refinements, Type, Value, nfc};

const NULLNESS: u8 = 1;
const PREFIX: u8 = 2;
const MIN: u8 = 3;
const MAX: u8 = 4;
const LENGTH_MIN: u8 = 5;
const LENGTH_MAX: u8 = 6;

/// Core reads no more bytes than this about an unknown value.
pub(super) const MAX_PAYLOAD: usize = 1024;

/// Core shortens prefixes of more bytes than this before it sends them.
const MAX_PREFIX: usize = 256;

impl Decoder<'_> {
    /// An unknown value of type `ty`, or what core makes of one that can only be one thing.
    ///
    /// A key of a newer core ends the reading: core's own decoder gives no way to skip what belongs to it,
    /// and to know less about an unknown value is never wrong.
    pub(super) fn refined(&mut self, payload: &[u8], ty: &Type) -> Result<Value, Fault> {
        let mut reader = Decoder::new(payload);
        let mut refinements = Refinements::default();
        let mut null = false;
        for _ in 0..reader.map_length("a map about an unknown value")? {
            match reader.integer("an integer key")?.to_u64().and_then(|key| u8::try_from(key).ok()) {
                Some(NULLNESS) if reader.bool()? => null = true,
                Some(NULLNESS) => refinements.not_null = true,
                Some(PREFIX) => refinements.prefix = Some(nfc(reader.string("a prefix")?)),
                Some(MIN) => refinements.min = Some(reader.bound()?),
                Some(MAX) => refinements.max = Some(reader.bound()?),
                // A length of at least less than 0 says nothing.
                Some(LENGTH_MIN) => refinements.length_min = reader.integer("a length")?.to_u64(),
                Some(LENGTH_MAX) => refinements.length_max = Some(reader.greatest_length()?),
                _ => break,
            }
        }
        refinements.fit(ty)?;
        match (null, refinements.not_null) {
            (true, false) => Ok(Value::Null),
            (true, true) => Err(Fault::new("an unknown value", "one that is null and is not")),
            (false, _) => Ok(self.simplified(refinements.without_truisms(), ty)),
        }
    }

    fn bound(&mut self) -> Result<Bound, Fault> {
        let length = self.array_length(|| "a bound".into())?;
        if length != 2 {
            return Err(Fault::new("a bound of number and inclusiveness", format!("{length} elements")));
        }
        Ok(Bound { number: self.number()?, inclusive: self.bool()? })
    }

    fn greatest_length(&mut self) -> Result<u64, Fault> {
        let length = self.integer("a length")?;
        length.to_u64().ok_or_else(|| Fault::new("a length", "a negative number"))
    }

    /// What core simplifies: a number between equal bounds, a collection of one possible length.
    ///
    /// A few bytes could so ask for any number of elements: beyond a budget per message the value stays
    /// unknown, which says the same.
    fn simplified(&mut self, refinements: Refinements, ty: &Type) -> Value {
        if refinements == Refinements::default() {
            return Value::UNKNOWN;
        }
        if refinements.not_null {
            if let (Some(min), Some(max)) = (&refinements.min, &refinements.max)
                && min.inclusive
                && max.inclusive
                && min.number == max.number
            {
                return Value::Number(min.number.clone());
            }
            let (shortest, longest) = (refinements.length_min.unwrap_or(0), refinements.length_max);
            if longest == Some(shortest) && shortest <= self.implied_elements {
                let unknowns = || vec![Value::UNKNOWN; shortest as usize];
                let known = match ty {
                    Type::List(_) => Some(Value::List(unknowns())),
                    Type::Set(_) if shortest <= 1 => Some(Value::Set(unknowns())),
                    Type::Map(_) if shortest == 0 => Some(Value::Map(Default::default())),
                    _ => None,
                };
                if let Some(known) = known {
                    self.implied_elements -= shortest;
                    return known;
                }
            }
        }
        Value::Unknown(Some(Box::new(refinements)))
    }
}

/// Writes an unknown value and what is known about it; nothing of it if that is more than core would read.
pub(super) fn write_refined(buffer: &mut ByteBuf, refinements: &Refinements) {
    let (entries, body) = entries(&refinements.clone().without_truisms());
    // A map of so few entries has a header of one byte.
    let payload = body.as_slice().len() + 1;
    if entries == 0 || payload > MAX_PAYLOAD {
        buffer.as_mut_vec().extend(UNKNOWN);
        return;
    }
    infallible(write_ext_meta(buffer, length(payload), REFINED));
    infallible(write_map_len(buffer, entries));
    buffer.as_mut_vec().extend(body.into_vec());
}

/// How many keys and values there are to write, and they.
fn entries(refinements: &Refinements) -> (u32, ByteBuf) {
    let mut entries = 0;
    let mut body = ByteBuf::new();
    let mut entry = |key: u8, write: &dyn Fn(&mut ByteBuf)| {
        entries += 1;
        infallible(write_uint(&mut body, key.into()));
        write(&mut body);
    };
    if refinements.not_null {
        entry(NULLNESS, &|body| write_flag(body, false));
    }
    if let Some(prefix) = refinements.prefix.as_deref().map(shortened).filter(|prefix| !prefix.is_empty()) {
        entry(PREFIX, &|body| infallible(write_str(body, prefix)));
    }
    for (key, bound) in [(MIN, &refinements.min), (MAX, &refinements.max)] {
        if let Some(bound) = bound {
            entry(key, &|body| write_bound(body, bound));
        }
    }
    for (key, bound) in [(LENGTH_MIN, refinements.length_min), (LENGTH_MAX, refinements.length_max)] {
        if let Some(bound) = bound {
            entry(key, &|body| infallible(write_uint(body, bound)));
        }
    }
    (entries, body)
}

fn write_bound(body: &mut ByteBuf, bound: &Bound) {
    infallible(write_array_len(body, 2));
    write_number(body, &bound.number);
    write_flag(body, bound.inclusive);
}

/// A prefix that fits, cut where nothing that may follow can change it by normalisation.
fn shortened(prefix: &str) -> &str {
    if prefix.len() <= MAX_PREFIX {
        return prefix;
    }
    let mut kept = &prefix[..prefix.floor_char_boundary(MAX_PREFIX - 1)];
    while let Some(last) = kept.chars().next_back() {
        kept = &kept[..kept.len() - last.len_utf8()];
        if starts_anew(last) {
            break;
        }
    }
    kept
}

/// Whether normalisation never joins this character to the one before.
fn starts_anew(character: char) -> bool {
    canonical_combining_class(character) == 0 && is_nfc_quick(std::iter::once(character)) == IsNormalized::Yes
}
