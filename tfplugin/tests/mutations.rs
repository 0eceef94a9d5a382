//! A million mutations of the golden vectors, with length and depth bombs: no decoder panics, overflows a small
//! stack or allocates more than a bound in proportion to its input; and what is read can be written and read again.
//!
//! The seed is fixed, so that a failure can be repeated. `KRONY_SOAK=1` runs ten times as many.

#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod data;

use std::alloc::System;
use std::thread;

use cap::Cap;
use fastrand::Rng;
use serde_json::Value as Json;
use tfplugin::codec::{json, msgpack};
use tfplugin::value::{Type, Value};

use crate::data::{bytes, ty, vectors};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const MUTATIONS: u64 = 1_000_000;

/// Half of what a thread of tokio has; without optimisation, for frames are largest then.
const STACK: usize = 1024 * 1024;

/// The most bytes that may be allocated, all in all, for one byte of input. The worst are maps of one entry: three
/// bytes in msgpack, and one node of a B-tree for eleven entries in memory.
const BYTES_PER_BYTE: usize = 400;

/// And besides, for what does not grow with the input: containers that are prepared for a few elements on each
/// level of nesting, and elements that a length bound implies.
const BYTES: usize = 1024 * 1024;

/// One input of one decoder.
enum Input {
    Msgpack(Type, Vec<u8>),
    Json(Type, Vec<u8>),
    TypeJson(Vec<u8>),
}

/// What an input is.
enum Output<'a> {
    Value(Value, &'a Type),
    Type(Type),
}

impl Input {
    fn bytes(&self) -> &Vec<u8> {
        match self {
            Self::Msgpack(_, bytes) | Self::Json(_, bytes) | Self::TypeJson(bytes) => bytes,
        }
    }

    fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        match self {
            Self::Msgpack(ty, _) => Self::Msgpack(ty.clone(), bytes),
            Self::Json(ty, _) => Self::Json(ty.clone(), bytes),
            Self::TypeJson(_) => Self::TypeJson(bytes),
        }
    }

    /// Decodes it within the memory bound; `None` if it is refused.
    fn decode(&self) -> Option<Output<'_>> {
        let before = ALLOCATOR.total_allocated();
        let output = match self {
            Self::Msgpack(ty, bytes) => msgpack::decode(bytes, ty).ok().map(|value| Output::Value(value, ty)),
            Self::Json(ty, bytes) => json::decode(bytes, ty).ok().map(|value| Output::Value(value, ty)),
            Self::TypeJson(bytes) => Type::from_json(bytes).ok().map(Output::Type),
        };
        self.expect_bounded(ALLOCATOR.total_allocated() - before);
        output
    }

    /// Decodes it, takes what it is there and back, and says whether there was something.
    fn check(&self) -> bool {
        let output = self.decode();
        match &output {
            None => {}
            Some(Output::Value(value, ty)) => self.expect_lasting(value, ty),
            Some(Output::Type(ty)) => {
                let again = Type::from_json(ty.to_json().as_bytes());
                assert_eq!(again.as_ref(), Ok(ty), "{self:?} does not survive");
            }
        }
        output.is_some()
    }

    fn expect_bounded(&self, allocated: usize) {
        let bound = BYTES_PER_BYTE * self.bytes().len() + BYTES;
        assert!(allocated <= bound, "{allocated} bytes allocated, {bound} allowed, for {self:?}");
    }

    /// Compares what is written, not values: as in core, an integer beyond 64 bits that came as a float is
    /// written by its shortest decimal text, which is another number.
    fn expect_lasting(&self, value: &Value, ty: &Type) {
        let written =
            msgpack::encode(value, ty).unwrap_or_else(|error| panic!("{error} after reading {self:?}"));
        let again = msgpack::decode(&written, ty).and_then(|value| msgpack::encode(&value, ty));
        assert_eq!(again.as_ref(), Ok(&written), "{self:?} does not survive msgpack");
        if let Ok(text) = json::encode(value, ty) {
            let again = json::decode(text.as_bytes(), ty).and_then(|value| json::encode(&value, ty));
            assert_eq!(again.as_ref(), Ok(&text), "{self:?} does not survive JSON");
        }
    }
}

/// Enough to repeat a failure, and not more than a screen.
impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.bytes();
        let start = &bytes[..bytes.len().min(512)];
        match self {
            Self::Msgpack(ty, _) => {
                write!(f, "{} bytes of msgpack as {}: {start:02x?}", bytes.len(), short(&ty.to_json()))
            }
            Self::Json(ty, _) => {
                write!(f, "{} bytes of JSON as {}: {start:?}", bytes.len(), short(&ty.to_json()))
            }
            Self::TypeJson(_) => write!(f, "{} bytes of a type: {start:?}", bytes.len()),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(512).collect()
}

#[test]
fn decoders_survive_a_million_mutations() {
    let rounds = if std::env::var_os("KRONY_SOAK").is_some() { 10 * MUTATIONS } else { MUTATIONS };
    let seeds = seeds();
    let thread = thread::Builder::new().stack_size(STACK).spawn(move || survive(rounds, &seeds)).unwrap();
    let decoded = thread.join().unwrap();
    // Mutations that are all refused at the first byte would prove nothing.
    assert!(decoded > rounds / 20, "only {decoded} of {rounds} inputs were decoded");
}

fn survive(rounds: u64, seeds: &[Input]) -> u64 {
    for seed in seeds {
        seed.check();
    }
    bombs().for_each(|bomb| _ = bomb.decode());
    let mut rng = Rng::with_seed(0x006b_726f_6e79);
    let decoded = (0..rounds).filter(|_| {
        let seed = &seeds[rng.usize(..seeds.len())];
        let mut bytes = seed.bytes().clone();
        for _ in 0..rng.usize(1..4) {
            mutate(&mut rng, &mut bytes, seeds);
        }
        seed.with_bytes(bytes).check()
    });
    decoded.count() as u64
}

/// Every vector that is bytes or text.
fn seeds() -> Vec<Input> {
    let vectors = vectors();
    let entries = |section: &str| vectors[section].as_array().unwrap().clone();
    let text =
        |entry: &Json, key: &str| entry.get(key).and_then(Json::as_str).map(|text| text.as_bytes().to_vec());
    let mut seeds = Vec::new();
    for entry in ["encode", "decode", "captured"].into_iter().flat_map(entries) {
        let ty = ty(&entry["type_json"]);
        let json = text(&entry, "value_json").map(|json| Input::Json(ty.clone(), json));
        seeds.push(Input::Msgpack(ty, bytes(entry["msgpack_hex"].as_str().unwrap())));
        seeds.extend(json);
    }
    for entry in entries("json_decode") {
        seeds.extend(text(&entry, "json_text").map(|json| Input::Json(ty(&entry["type_json"]), json)));
    }
    for entry in ["type_json", "type_json_bad"].into_iter().flat_map(entries) {
        seeds.extend(text(&entry, "json").map(Input::TypeJson));
    }
    seeds
}

/// One change of the kinds that find faults in decoders.
fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>, seeds: &[Input]) {
    let at = rng.usize(..=bytes.len());
    match rng.u8(..10) {
        0 if at < bytes.len() => bytes[at] = rng.u8(..),
        1 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
        2 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(if rng.bool() { 1 } else { 255 }),
        3 if at < bytes.len() => drop(bytes.remove(at)),
        4 => bytes.truncate(at),
        5 => bytes.insert(at, rng.u8(..)),
        6..=8 => {
            let (fragment, end) = (fragment(rng, seeds), (at + rng.usize(..5)).min(bytes.len()));
            bytes.splice(at..end, fragment);
        }
        _ => bytes.extend(std::iter::repeat_with(|| rng.u8(..)).take(4)),
    }
}

/// Something to put in the place of a few bytes: a part of another input, a length bomb, a depth bomb.
fn fragment(rng: &mut Rng, seeds: &[Input]) -> Vec<u8> {
    match rng.u8(..32) {
        0 => nesting(rng),
        1..16 => length_bomb(rng),
        _ => seeds[rng.usize(..seeds.len())].bytes().iter().take(4096).copied().collect(),
    }
}

/// A msgpack header that promises more than there is.
fn length_bomb(rng: &mut Rng) -> Vec<u8> {
    let (marker, size) = *rng
        .choice(&[
            (0xdd, 4),
            (0xdf, 4),
            (0xdb, 4),
            (0xc6, 4),
            (0xc9, 4),
            (0xdc, 2),
            (0xde, 2),
            (0xda, 2),
            (0xc7, 1),
        ])
        .unwrap();
    let length = rng.u32(..) >> rng.u32(..32);
    [&[marker], &length.to_be_bytes()[4 - size..]].concat()
}

/// Many levels of one thing.
fn nesting(rng: &mut Rng) -> Vec<u8> {
    const LEVELS: [&[u8]; 8] = [
        b"\x91",
        b"\x81\xa1a",
        b"\x92\xc4\x09\"dynamic\"",
        b"\x92\xc4\x12[\"list\",\"dynamic\"]\x91",
        b"[",
        b"{\"a\":",
        b"{\"type\":\"dynamic\",\"value\":",
        b"[\"list\",",
    ];
    rng.choice(LEVELS).unwrap().repeat(rng.usize(..2000))
}

/// The type of an object of a thousand attributes.
fn wide_object() -> String {
    Type::object((0..1000).map(|number| (format!("{number}"), Type::Bool))).to_json()
}

/// Inputs whose values take the most memory for their size, and nesting of every kind far beyond the limit.
fn bombs() -> impl Iterator<Item = Input> {
    const SIZE: usize = 100_000;
    let list = |length: usize, element: &[u8]| {
        [b"\xdd", (length as u32).to_be_bytes().as_slice(), &element.repeat(length)].concat()
    };
    let msgpack = |ty: &str, bytes| Input::Msgpack(Type::from_json(ty.as_bytes()).unwrap(), bytes);
    let json =
        |ty: &str, text: String| Input::Json(Type::from_json(ty.as_bytes()).unwrap(), text.into_bytes());
    let json_list = |element: &str| format!("[{}{element}]", format!("{element},").repeat(SIZE));
    let wide = [
        msgpack(r#"["list","string"]"#, list(SIZE, b"\xc0")),
        msgpack(r#"["list",["list","string"]]"#, list(SIZE, b"\x91\xc0")),
        msgpack(r#"["list",["map","string"]]"#, list(SIZE, b"\x81\xa0\xc0")),
        msgpack(r#"["set",["map","string"]]"#, list(SIZE, b"\x81\xa0\xd4\x00\x00")),
        msgpack(r#"["list",["object",{"a":"bool"}]]"#, list(SIZE, b"\x81\xa1a\xc0")),
        msgpack(r#"["list","dynamic"]"#, list(SIZE, b"\x92\xc4\x06\"bool\"\xc0")),
        // Each asks for a list of a thousand, and then of four billion, unknown elements.
        msgpack(
            r#"["list",["list","bool"]]"#,
            list(SIZE, b"\xc7\x0b\x0c\x83\x01\xc2\x05\xcd\x03\xe8\x06\xcd\x03\xe8"),
        ),
        msgpack(
            r#"["list","bool"]"#,
            b"\xc7\x0f\x0c\x83\x01\xc2\x05\xce\xff\xff\xff\xff\x06\xce\xff\xff\xff\xff".into(),
        ),
        // Numbers of many digits, and of more than could ever be held.
        msgpack(r#"["set","number"]"#, list(SIZE / 50, b"\xa61e9999\xa71e-9999")),
        msgpack(r#"["list","number"]"#, list(1, b"\xac1e9999999999")),
        msgpack(r#""number""#, [b"\xdb\x00\x01\x86\xa0".as_slice(), &b"9".repeat(SIZE)].concat()),
        json(r#"["list","string"]"#, json_list("null")),
        json(r#"["list",["map","string"]]"#, json_list(r#"{"":0}"#)),
        json(r#"["list",["object",{"a":"bool"}]]"#, json_list("{}")),
        // Each object lacks a thousand attributes.
        json(r#""dynamic""#, format!(r#"{{"type":["list",{}],"value":{}}}"#, wide_object(), json_list("{}"))),
        json(r#""number""#, "9".repeat(SIZE)),
        Input::TypeJson(format!(r#"["tuple",{}]"#, json_list(r#"["object",{"":"bool"}]"#)).into_bytes()),
    ];
    let deep = [b"[".as_slice(), b"{\"a\":", b"[\"list\",", b"[\"object\",{\"a\":", b"[\"tuple\",["]
        .map(|level| level.repeat(SIZE));
    let deep = deep.into_iter().flat_map(move |text| {
        [Input::TypeJson(text.clone()), json(r#""dynamic""#, String::from_utf8(text).unwrap())]
    });
    let dynamic = [b"\x92\xc4\x09\"dynamic\"".as_slice(), b"\x92\xc4\x12[\"list\",\"dynamic\"]\x91"]
        .map(|level| msgpack(r#""dynamic""#, level.repeat(SIZE)));
    wide.into_iter().chain(deep).chain(dynamic)
}
