//! From a file to machine code.

use wasmparser::{FunctionBody, ImportSectionReader, Operator, Parser, Payload};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, Module, Precompiled};
use wit_component::ComponentEncoder;

use crate::error::LoadError;
use crate::limits::{MAX_CODE, MAX_FUNCTION, MAX_MODULE, MAX_STACK};
use crate::plain::excerpt;

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

/// The longest reason that is told, in bytes.
const MAX_REASON: usize = 2000;

/// Errors of parsers draw pictures over several lines, and quote what they could not read.
fn one_line(error: &impl ToString) -> String {
    excerpt(&error.to_string(), MAX_REASON).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Compiles a module or component.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Code, LoadError> {
    let binary = binary(bytes)?;
    let facts = Facts::of(&binary)?;
    let invalid = |error: wasmtime::Error| LoadError::Invalid { reason: one_line(&format!("{error:#}")) };
    if Parser::is_component(&binary) {
        return Component::from_binary(engine, &binary).map(Code::Component).map_err(invalid);
    }
    if !facts.has_component_type {
        return Module::from_binary(engine, &binary).map(Code::Module).map_err(invalid);
    }
    if let Some(import) = facts.wasi {
        return Err(LoadError::Import { import, advice: WRONG_TARGET });
    }
    let component = ComponentEncoder::default().validate(true).module(&binary);
    let component = component.and_then(|mut encoder| encoder.encode());
    let component =
        component.map_err(|error| LoadError::Invalid { reason: one_line(&format!("{error:#}")) })?;
    Component::from_binary(engine, &component).map(Code::Component).map_err(invalid)
}

/// What a plain module with bindings was built for when it wants WASI.
const WRONG_TARGET: &str = " It was built for another target: build it for wasm32-unknown-unknown";

/// What there is to know of a binary before it is compiled.
#[derive(Default)]
struct Facts {
    /// Whether a plain module is one that bindings made, and that only has to be wrapped to be a component: what
    /// `cargo build` leaves for the target wasm32-unknown-unknown.
    has_component_type: bool,
    /// The first import from the first version of WASI.
    wasi: Option<String>,
    /// Of all functions: local variables times blocks.
    weight: u64,
}

impl Facts {
    fn of(binary: &[u8]) -> Result<Self, LoadError> {
        let invalid = |error| LoadError::Invalid { reason: one_line(&error) };
        let mut facts = Self::default();
        for payload in Parser::new(0).parse_all(binary) {
            match payload.map_err(invalid)? {
                Payload::CustomSection(section) => {
                    facts.has_component_type |= section.name().starts_with("component-type");
                }
                Payload::ImportSection(imports) => {
                    facts.wasi = facts.wasi.or(first_of_wasi(imports).map_err(invalid)?);
                }
                Payload::CodeSectionEntry(function) => {
                    let weight = weight(&function).map_err(invalid)?;
                    within("a function of it", weight, MAX_FUNCTION)?;
                    facts.weight = facts.weight.saturating_add(weight);
                }
                _ => {}
            }
        }
        within("it", facts.weight, MAX_CODE).map(|()| facts)
    }
}

fn within(part: &'static str, weight: u64, limit: u64) -> Result<(), LoadError> {
    if weight > limit { Err(LoadError::TooHeavy { part, weight, limit }) } else { Ok(()) }
}

/// With what the work of the compiler grows: a value for each local variable where each block begins.
fn weight(function: &FunctionBody<'_>) -> wasmparser::Result<u64> {
    let mut locals = 0_u64;
    for group in function.get_locals_reader()? {
        locals = locals.saturating_add(group?.0.into());
    }
    let mut blocks = 0_u64;
    for operator in function.get_operators_reader()? {
        let begins =
            matches!(operator?, Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. });
        blocks += u64::from(begins);
    }
    Ok(locals.saturating_mul(blocks))
}

fn first_of_wasi(imports: ImportSectionReader<'_>) -> wasmparser::Result<Option<String>> {
    for import in imports.into_imports() {
        let import = import?;
        if import.module.starts_with("wasi_") {
            return Ok(Some(format!("{}.{}", import.module, import.name)));
        }
    }
    Ok(None)
}

impl Code {
    pub(crate) fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match self {
            Self::Component(component) => component.serialize(),
            Self::Module(module) => module.serialize(),
        }
    }

    /// Loads code that [`serialize`](Self::serialize) made, and whose [seal](crate::cache) was found unbroken.
    #[allow(unsafe_code, reason = "loading machine code cannot be checked; the argument stands below")]
    pub(crate) fn load(engine: &Engine, code: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: `code` is what `serialize` made: the seal was checked on these very bytes, under a key that only this user
        // can read. The engine copies them, and refuses code of another version, configuration or processor by itself.
        unsafe {
            match Engine::detect_precompiled(code) {
                Some(Precompiled::Component) => Component::deserialize(engine, code).map(Self::Component),
                _ => Module::deserialize(engine, code).map(Self::Module),
            }
        }
    }
}
