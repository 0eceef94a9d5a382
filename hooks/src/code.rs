//! From a file to machine code.

use wasmparser::{Parser, Payload};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, Module, Precompiled};
use wit_component::ComponentEncoder;

use crate::error::LoadError;
use crate::limits::{MAX_MODULE, MAX_STACK};
use crate::plain::plain;

/// Compiled code.
pub(crate) enum Code {
    Component(Component),
    Module(Module),
}

/// An engine in which the same call gives the same answer everywhere, and each call ends.
pub(crate) fn engine() -> Result<Engine, LoadError> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(MAX_STACK)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        // What debuggers and profilers would like makes the cached code larger.
        .generate_address_map(false)
        .native_unwind_info(false);
    Engine::new(&config).map_err(|error| LoadError::Engine { reason: format!("{error:#}") })
}

/// What is at the beginning of a file of each kind.
const MAGIC: &[u8] = b"\0asm";

/// The binary form of a module or component in text or binary form.
fn binary(bytes: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, LoadError> {
    if bytes.len() > MAX_MODULE {
        return Err(LoadError::TooLarge { size: bytes.len() });
    }
    if bytes.starts_with(MAGIC) {
        return Ok(bytes.into());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim_start().starts_with(['(', ';']) => {
            let binary =
                wat::parse_str(text).map_err(|error| LoadError::Invalid { reason: one_line(&error) })?;
            Ok(binary.into())
        }
        _ => {
            let found = bytes[..bytes.len().min(8)].escape_ascii();
            let found = if bytes.is_empty() { "an empty file".to_owned() } else { format!("`{found}`") };
            Err(LoadError::NotWasm { found })
        }
    }
}

/// Errors of parsers draw pictures over several lines, and quote what they could not read.
fn one_line(error: &impl ToString) -> String {
    plain(&error.to_string()).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Compiles a module or component.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Code, LoadError> {
    let binary = binary(bytes)?;
    let invalid = |error: wasmtime::Error| LoadError::Invalid { reason: one_line(&format!("{error:#}")) };
    if Parser::is_component(&binary) {
        return Component::from_binary(engine, &binary).map(Code::Component).map_err(invalid);
    }
    if !has_component_type(&binary)? {
        return Module::from_binary(engine, &binary).map(Code::Module).map_err(invalid);
    }
    let component = ComponentEncoder::default().validate(true).module(&binary);
    let component = component.and_then(|mut encoder| encoder.encode());
    let component =
        component.map_err(|error| LoadError::Invalid { reason: one_line(&format!("{error:#}")) })?;
    Component::from_binary(engine, &component).map(Code::Component).map_err(invalid)
}

/// Whether a plain module is one that bindings made, and that only has to be wrapped to be a component: what `cargo build`
/// leaves for the target wasm32-unknown-unknown.
fn has_component_type(binary: &[u8]) -> Result<bool, LoadError> {
    for payload in Parser::new(0).parse_all(binary) {
        match payload {
            Ok(Payload::CustomSection(section)) if section.name().starts_with("component-type") => {
                return Ok(true);
            }
            Ok(_) => {}
            Err(error) => return Err(LoadError::Invalid { reason: one_line(&error) }),
        }
    }
    Ok(false)
}

impl Code {
    pub(crate) fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match self {
            Self::Component(component) => component.serialize(),
            Self::Module(module) => module.serialize(),
        }
    }

    /// Loads code that [`serialize`](Self::serialize) made, from a file that is [sealed](crate::cache).
    #[allow(unsafe_code, reason = "loading machine code cannot be checked; the argument stands below")]
    pub(crate) fn load(engine: &Engine, path: &std::path::Path) -> wasmtime::Result<Self> {
        // SAFETY: the file holds what `serialize` made: its seal was checked a moment ago, under a key that only this
        // user can read, in a folder that only this user can write. Entries are replaced whole and never written in
        // place, so the mapped file stays as it is. Whoever could change it in between could change this program as
        // well. The engine refuses code of another version, configuration or processor by itself.
        unsafe {
            match Engine::detect_precompiled_file(path)? {
                Some(Precompiled::Component) => {
                    Component::deserialize_file(engine, path).map(Self::Component)
                }
                _ => Module::deserialize_file(engine, path).map(Self::Module),
            }
        }
    }
}
