//! Plain modules that speak JSON: see `ABI.md`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasmtime::{Caller, Engine, Extern, ExternType, Instance, InstancePre, Linker, Memory, Module, Store};

use super::{Guest, Level, MAX_LINE, Settings, Surroundings, Wasi, malformed, unknown_import, wasi};
use crate::error::{CallError, LoadError};
use crate::limits::MAX_OUTPUT;
use crate::request::Request;
use crate::verdict::{Description, Verdict};

/// The function that is asked; the number is the version of this ABI.
pub(super) const HOOK: &str = "krony_hook_v1";
const ALLOCATE: &str = "krony_alloc";
const MEMORY: &str = "memory";
const INITIALIZE: &str = "_initialize";
/// The module and the name of the one import that is not WASI's.
const LOG: (&str, &str) = ("krony", "log");

pub(super) struct Linked(InstancePre<Surroundings>);

impl Linked {
    pub(super) fn new(engine: &Engine, module: &Module, wasi: Wasi) -> Result<Self, LoadError> {
        check_exports(module)?;
        for import in module.imports() {
            let is_given = (import.module(), import.name()) == LOG
                || (wasi == Wasi::Stub && import.module() == wasi::MODULE);
            if !is_given {
                return Err(unknown_import(&format!("{}.{}", import.module(), import.name())));
            }
        }
        link(engine, module, wasi)
            .map(Self)
            .map_err(|error| LoadError::Misfit { reason: format!("{error:#}") })
    }

    /// Makes a call and reads the answer.
    fn call<T: DeserializeOwned>(
        &self,
        store: &mut Store<Surroundings>,
        call: &Value,
    ) -> wasmtime::Result<T> {
        let instance = self.0.instantiate(&mut *store)?;
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, INITIALIZE) {
            initialize.call(&mut *store, ())?;
        }
        let (address, length) = write(store, &instance, call.to_string().as_bytes())?;
        let hook = instance.get_typed_func::<(u32, u32), u64>(&mut *store, HOOK)?;
        let answer = hook.call(&mut *store, (address, length))?;
        let answer = read(store, &instance, (answer >> 32) as u32, answer as u32)?;
        serde_json::from_slice(&answer)
            .map_err(|error| malformed(format!("expected the JSON that the interface describes: {error}")))
    }
}

fn link(engine: &Engine, module: &Module, wasi: Wasi) -> wasmtime::Result<InstancePre<Surroundings>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap(LOG.0, LOG.1, log)?;
    if wasi == Wasi::Stub {
        wasi::add_to_module_linker(&mut linker, module)?;
    }
    linker.instantiate_pre(module)
}

fn check_exports(module: &Module) -> Result<(), LoadError> {
    let takes = |name: &str, parameters: usize| match module.get_export(name) {
        Some(ExternType::Func(found)) => found.params().len() == parameters,
        _ => false,
    };
    let has_memory = matches!(module.get_export(MEMORY), Some(ExternType::Memory(_)));
    let expected = [
        (has_memory, MEMORY, "the module's memory"),
        (takes(ALLOCATE, 1), ALLOCATE, "a function (len: i32) -> i32"),
        (takes(HOOK, 2), HOOK, "a function (address: i32, len: i32) -> i64"),
    ];
    match expected.iter().find(|(is_there, ..)| !is_there) {
        Some((_, name, kind)) => {
            Err(LoadError::Misfit { reason: format!("expected the export `{name}` to be {kind}") })
        }
        None => Ok(()),
    }
}

fn memory(store: &mut Store<Surroundings>, instance: &Instance) -> wasmtime::Result<Memory> {
    instance.get_memory(store, MEMORY).ok_or_else(|| malformed(format!("`{MEMORY}` is no memory")))
}

/// Puts bytes into the guest's memory: their address and length.
fn write(store: &mut Store<Surroundings>, instance: &Instance, bytes: &[u8]) -> wasmtime::Result<(u32, u32)> {
    let length = u32::try_from(bytes.len()).map_err(|_| malformed("the question has more than 4 GiB"))?;
    let allocate = instance.get_typed_func::<u32, u32>(&mut *store, ALLOCATE)?;
    let address = allocate.call(&mut *store, length)?;
    memory(store, instance)?.write(&mut *store, address as usize, bytes).map_err(|_| {
        malformed(format!("`{ALLOCATE}` gave {length} bytes at {address}, which lie outside of its memory"))
    })?;
    Ok((address, length))
}

fn read(
    store: &mut Store<Surroundings>,
    instance: &Instance,
    address: u32,
    length: u32,
) -> wasmtime::Result<Vec<u8>> {
    if length as usize > MAX_OUTPUT {
        return Err(CallError::OutputTooLarge.into());
    }
    let bytes = memory(store, instance)?.data(&*store).get(address as usize..);
    let bytes = bytes.and_then(|bytes| bytes.get(..length as usize));
    bytes.map(<[u8]>::to_vec).ok_or_else(|| {
        malformed(format!("it points to {length} bytes at {address}, which lie outside of its memory"))
    })
}

/// The function that guests import to log.
fn log(mut caller: Caller<'_, Surroundings>, level: u32, address: u32, length: u32) -> wasmtime::Result<()> {
    let level = match level {
        0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warn,
        _ => Level::Error,
    };
    let bytes = bytes(&mut caller, address, length)?;
    caller.data_mut().log(level, &String::from_utf8_lossy(&bytes));
    Ok(())
}

/// What a guest that calls has in its memory; what is too long for a line is left out.
pub(super) fn bytes(
    caller: &mut Caller<'_, Surroundings>,
    address: u32,
    length: u32,
) -> wasmtime::Result<Vec<u8>> {
    let memory = exported_memory(caller)?;
    let bytes = memory.data(&*caller).get(address as usize..).unwrap_or_default();
    Ok(bytes[..bytes.len().min(length as usize).min(MAX_LINE)].to_vec())
}

/// The memory of a guest that calls.
pub(super) fn exported_memory(caller: &mut Caller<'_, Surroundings>) -> wasmtime::Result<Memory> {
    let memory = caller.get_export(MEMORY).and_then(Extern::into_memory);
    memory.ok_or_else(|| malformed(format!("`{MEMORY}` is no memory")))
}

/// The answer about settings.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Ok,
    Error(String),
}

impl Guest for Linked {
    fn interface(&self) -> &'static str {
        "plain module, core-json 1"
    }

    fn describe(&self, store: &mut Store<Surroundings>) -> wasmtime::Result<Description> {
        self.call(store, &json!({ "call": "describe" }))
    }

    fn validate_settings(
        &self,
        store: &mut Store<Surroundings>,
        settings: &Value,
    ) -> wasmtime::Result<Settings> {
        let call = json!({ "call": "validate-settings", "settings": settings });
        Ok(match self.call(store, &call)? {
            Answer::Ok => Ok(()),
            Answer::Error(reason) => Err(reason),
        })
    }

    fn validate(
        &self,
        store: &mut Store<Surroundings>,
        settings: &Value,
        request: &Request,
    ) -> wasmtime::Result<Verdict> {
        self.call(store, &json!({ "call": "validate", "settings": settings, "request": request }))
    }
}
