//! The ways to be a hook, side by side: versions of the component interface, and the plain module that speaks JSON.

mod core_json;
mod v0_1;
mod wasi;

use serde_json::Value;
use wasmtime::component::Component;
use wasmtime::{Engine, Module, Store};

use crate::code::Code;
use crate::error::{CallError, LoadError};
use crate::limits::{Limits, Meter};
use crate::plain::excerpt;
use crate::request::Request;
use crate::verdict::{Description, Verdict};

/// Whether guests that were built for WASI get one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Wasi {
    /// A module that imports WASI is refused.
    #[default]
    None,
    /// A WASI in which there is nothing: no files, arguments, environment or network, a clock that stands still, and
    /// random numbers that are always the same. What is written to the standard output goes to the log.
    Stub,
}

/// What a store holds for the host's functions.
pub(crate) struct Surroundings {
    pub(crate) meter: Meter,
    /// The hook's name, for its log.
    name: String,
    lines: usize,
    /// What the guest writes before the end of a line.
    line: Vec<u8>,
    /// State of the random numbers.
    random: u64,
}

/// The most lines that one call may log.
const MAX_LINES: usize = 100;
/// The longest line that is logged, in bytes.
const MAX_LINE: usize = 4096;

/// How important a line of the log is.
#[derive(Clone, Copy)]
enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Surroundings {
    pub(crate) fn new(name: &str, limits: &Limits) -> Self {
        Self {
            meter: Meter::new(limits.memory),
            name: name.to_owned(),
            lines: 0,
            line: Vec::new(),
            random: 0,
        }
    }

    fn log(&mut self, level: Level, text: &str) {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return;
        }
        let end = text.floor_char_boundary(MAX_LINE);
        let (hook, text) = (&self.name, text[..end].escape_debug().to_string());
        match level {
            Level::Debug => tracing::debug!(%hook, "{text}"),
            Level::Info => tracing::info!(%hook, "{text}"),
            Level::Warn => tracing::warn!(%hook, "{text}"),
            Level::Error => tracing::error!(%hook, "{text}"),
        }
    }
}

/// The longest name of a guest's that is told, in bytes.
const MAX_NAME: usize = 200;

/// Settings that a hook refuses, in its own words.
pub(crate) type Settings = Result<(), String>;

/// A linked guest, whatever its interface. Each call has a store of its own.
pub(crate) trait Guest: Send + Sync {
    /// What it speaks, for people.
    fn interface(&self) -> &'static str;

    fn describe(&self, store: &mut Store<Surroundings>) -> wasmtime::Result<Description>;

    fn validate_settings(
        &self,
        store: &mut Store<Surroundings>,
        settings: &Value,
    ) -> wasmtime::Result<Settings>;

    fn validate(
        &self,
        store: &mut Store<Surroundings>,
        settings: &Value,
        request: &Request,
    ) -> wasmtime::Result<Verdict>;
}

/// Finds out which interface the code speaks, and links it.
pub(crate) fn link(engine: &Engine, code: &Code, wasi: Wasi) -> Result<Box<dyn Guest>, LoadError> {
    match code {
        Code::Component(component) => link_component(engine, component, wasi),
        Code::Module(module) => link_module(engine, module, wasi),
    }
}

fn link_component(engine: &Engine, component: &Component, wasi: Wasi) -> Result<Box<dyn Guest>, LoadError> {
    let names: Vec<String> =
        component.component_type().exports(engine).map(|(name, _)| name.to_owned()).collect();
    if names.iter().any(|name| name.starts_with(v0_1::RULES)) {
        return Ok(Box::new(v0_1::Linked::new(engine, component, wasi)?));
    }
    match names.iter().find(|name| name.starts_with("krony:hooks/rules@")) {
        Some(found) => Err(LoadError::Newer { found: found.clone(), spoken: format!("`{}x`", v0_1::RULES) }),
        None => Err(no_hook(names.iter().map(String::as_str))),
    }
}

fn link_module(engine: &Engine, module: &Module, wasi: Wasi) -> Result<Box<dyn Guest>, LoadError> {
    let names: Vec<&str> = module.exports().map(|export| export.name()).collect();
    if names.contains(&core_json::HOOK) {
        return Ok(Box::new(core_json::Linked::new(engine, module, wasi)?));
    }
    match names.iter().find(|name| name.starts_with("krony_hook_v")) {
        Some(found) => {
            Err(LoadError::Newer { found: (*found).to_owned(), spoken: format!("`{}`", core_json::HOOK) })
        }
        None => Err(no_hook(names.into_iter())),
    }
}

fn no_hook<'a>(exports: impl Iterator<Item = &'a str>) -> LoadError {
    let found: Vec<String> = exports.take(20).map(|name| format!("`{}`", excerpt(name, MAX_NAME))).collect();
    LoadError::NoHook {
        expected: format!("`{}0` of a component, or `{}` of a plain module", v0_1::RULES, core_json::HOOK),
        found: if found.is_empty() { "no exports at all".to_owned() } else { found.join(", ") },
    }
}

/// Why an import cannot be had.
fn unknown_import(import: &str) -> LoadError {
    let is_wasi = import.starts_with("wasi");
    let advice = if is_wasi {
        " It was built for WASI: build it without (`--stub-wasi` of componentize-py), or set `wasi = \"stub\"` (`--wasi stub` on \
         the command line), which gives it one in which there is nothing"
    } else {
        " Build it without"
    };
    LoadError::Import { import: excerpt(import, MAX_NAME), advice }
}

/// An answer that is none.
fn malformed(reason: impl Into<String>) -> wasmtime::Error {
    wasmtime::Error::from(CallError::Malformed { reason: reason.into() })
}
