//! JSON text: what the two Go libraries of Terraform and serde_json see differently.

use std::borrow::Cow;

use serde_json::{Deserializer, Value as Json};

use crate::value::MAX_DEPTH;

/// The deepest nesting of brackets: a level of a type may take two.
const MAX_NESTING: usize = 2 * MAX_DEPTH;

/// Reads one JSON value; also says how many bytes it took.
///
/// # Errors
/// What is wrong with the text, without any of it.
pub(in crate::codec) fn parse(text: &[u8]) -> Result<(Json, usize), String> {
    let text = prepared(text)?;
    let mut deserializer = Deserializer::from_slice(&text);
    // `prepared` has a limit of its own.
    deserializer.disable_recursion_limit();
    let mut values = deserializer.into_iter();
    match values.next() {
        Some(Ok(tree)) => Ok((tree, values.byte_offset())),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("nothing".to_owned()),
    }
}

/// The text with surrogates that have no partner replaced by U+FFFD, as Go reads them: serde_json refuses
/// them. Refuses what is nested too deeply to be parsed on a small stack.
fn prepared(text: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let mut text = Cow::Borrowed(text);
    let (mut position, mut nesting, mut in_string) = (0, 0_usize, false);
    while let Some(byte) = text.get(position) {
        position += match (in_string, byte) {
            (_, b'"') => {
                in_string = !in_string;
                1
            }
            (true, b'\\') => match lone_surrogate(&text[position..]) {
                Escape::Lone => {
                    text.to_mut()[position + 2..position + 6].copy_from_slice(b"fffd");
                    6
                }
                Escape::Other(length) => length,
            },
            (false, b'[' | b'{') if nesting == MAX_NESTING => {
                return Err(format!("more than {MAX_NESTING} levels of nesting"));
            }
            (false, b'[' | b'{') => {
                nesting += 1;
                1
            }
            (false, b']' | b'}') => {
                nesting = nesting.saturating_sub(1);
                1
            }
            _ => 1,
        };
    }
    Ok(text)
}

/// An escape in a string.
enum Escape {
    /// Half of a surrogate pair, 6 bytes.
    Lone,
    /// Anything else, and its length. Whether it is well-formed is the parser's business.
    Other(usize),
}

fn lone_surrogate(text: &[u8]) -> Escape {
    match code_unit(text) {
        Some(0xd800..=0xdbff) => match text.get(6..).and_then(code_unit) {
            Some(0xdc00..=0xdfff) => Escape::Other(12),
            _ => Escape::Lone,
        },
        Some(0xdc00..=0xdfff) => Escape::Lone,
        _ => Escape::Other(2),
    }
}

/// The number of `\uXXXX`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The escapes that Go adds: with them the text is byte for byte what core writes. The characters stand in
/// strings only.
pub(in crate::codec) fn escape(text: &str) -> String {
    let escaped = |character: char| match character {
        '<' => Some("\\u003c"),
        '>' => Some("\\u003e"),
        '&' => Some("\\u0026"),
        '\u{2028}' => Some("\\u2028"),
        '\u{2029}' => Some("\\u2029"),
        _ => None,
    };
    let mut output = String::with_capacity(text.len());
    for character in text.chars() {
        match escaped(character) {
            Some(sequence) => output.push_str(sequence),
            None => output.push(character),
        }
    }
    output
}

/// What a JSON value is, for messages: its kind, not its content.
pub(in crate::codec) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}
