//! A WASI in which there is nothing, for guests whose language cannot do without: no files, no arguments, no environment,
//! no network, a clock that stands still and random numbers that are always the same. What a guest writes to its
//! standard output goes to the log. Whatever is not there answers with an error, or ends the guest where it has no way to.

use wasmtime::component::{self, Component, ComponentType, LinkerInstance, Lower, Resource};
use wasmtime::{Caller, FuncType, Linker, Module, StoreContextMut, Val, ValType};

use super::core_json::{bytes, exported_memory};
use super::{Level, MAX_LINE, Surroundings, malformed};

/// How the names of WASI's interfaces for components begin.
pub(super) const PACKAGES: &str = "wasi:";
/// The module that plain modules import from.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// The instant at which the clock stands: 2000-01-01T00:00:00Z, in seconds.
const NOW: u64 = 946_684_800;
/// The most random bytes that are given at once.
const MAX_RANDOM: u64 = 64 << 10;

impl Surroundings {
    /// The next random number; always the same ones (the generator SplitMix64, from nothing).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > MAX_RANDOM {
            return Err(malformed(format!("it asked for {length} random bytes at once")));
        }
        Ok((0..length).map(|_| self.random() as u8).collect())
    }

    /// Logs what a guest prints, line by line.
    fn print(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte != b'\n' && self.line.len() < MAX_LINE {
                self.line.push(*byte);
            } else if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.log(Level::Debug, &String::from_utf8_lossy(&line));
            }
        }
    }
}

fn ended(code: impl std::fmt::Display) -> wasmtime::Error {
    malformed(format!("it ended itself with {code} instead of answering"))
}

/// Error numbers of WASI preview 1.
const SUCCESS: u32 = 0;
const BAD_DESCRIPTOR: u32 = 8;
const NOT_SUPPORTED: u32 = 52;

/// Defines all that a plain module imports from WASI preview 1.
pub(super) fn add_to_module_linker(
    linker: &mut Linker<Surroundings>,
    module: &Module,
) -> wasmtime::Result<()> {
    // A module may import the same function several times.
    linker.allow_shadowing(true);
    for import in module.imports().filter(|import| import.module() == MODULE) {
        if let Some(function) = import.ty().func() {
            define_missing(linker, import.name(), function.clone())?;
        }
    }
    for sizes in ["args_sizes_get", "environ_sizes_get"] {
        linker.func_wrap(MODULE, sizes, |mut caller: Caller<'_, Surroundings>, count: u32, size: u32| {
            put(&mut caller, count, &[0; 4])?;
            put(&mut caller, size, &[0; 4])
        })?;
    }
    linker.func_wrap(MODULE, "args_get", |_: u32, _: u32| SUCCESS)?;
    linker.func_wrap(MODULE, "environ_get", |_: u32, _: u32| SUCCESS)?;
    linker.func_wrap(MODULE, "sched_yield", || SUCCESS)?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut caller: Caller<'_, Surroundings>, _: u32, _: u64, out: u32| {
            put(&mut caller, out, &(NOW * 1_000_000_000).to_le_bytes())
        },
    )?;
    linker.func_wrap(
        MODULE,
        "random_get",
        |mut caller: Caller<'_, Surroundings>, out: u32, length: u32| {
            let random = caller.data_mut().random_bytes(u64::from(length))?;
            put(&mut caller, out, &random)
        },
    )?;
    linker.func_wrap(MODULE, "fd_write", write)?;
    linker.func_wrap(MODULE, "poll_oneoff", poll)?;
    linker.func_wrap(MODULE, "proc_exit", |code: u32| -> wasmtime::Result<()> { Err(ended(code)) })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// A function that answers with an error.
fn define_missing(linker: &mut Linker<Surroundings>, name: &str, function: FuncType) -> wasmtime::Result<()> {
    let answer = if name.starts_with("fd_") { BAD_DESCRIPTOR } else { NOT_SUPPORTED };
    let returns_error =
        function.results().len() == 1 && function.result(0).is_some_and(|kind| matches!(kind, ValType::I32));
    let missing = name.to_owned();
    linker.func_new(MODULE, name, function, move |_, _, results| match results.first_mut() {
        Some(result) if returns_error => {
            *result = Val::I32(answer.cast_signed());
            Ok(())
        }
        _ => Err(malformed(format!("it called `{missing}`, which is not there"))),
    })?;
    Ok(())
}

/// Puts bytes into the memory of a guest that calls.
fn put(caller: &mut Caller<'_, Surroundings>, address: u32, bytes: &[u8]) -> wasmtime::Result<u32> {
    let memory = exported_memory(caller)?;
    memory
        .write(&mut *caller, address as usize, bytes)
        .map_err(|_| malformed("it points outside of its memory"))?;
    Ok(SUCCESS)
}

/// A number in the memory of a guest that calls.
fn number(caller: &mut Caller<'_, Surroundings>, address: u32) -> wasmtime::Result<u32> {
    let found = bytes(caller, address, 4)?;
    let found = found.try_into().map_err(|_| malformed("it points outside of its memory"))?;
    Ok(u32::from_le_bytes(found))
}

/// Prints a list of pieces of text: their addresses and lengths.
fn write(
    mut caller: Caller<'_, Surroundings>,
    _: u32,
    pieces: u32,
    count: u32,
    out: u32,
) -> wasmtime::Result<u32> {
    let mut written = 0_u32;
    for piece in 0..count.min(64) {
        let address = pieces.saturating_add(8 * piece);
        let (start, length) =
            (number(&mut caller, address)?, number(&mut caller, address.saturating_add(4))?);
        let text = bytes(&mut caller, start, length)?;
        caller.data_mut().print(&text);
        written = written.saturating_add(length);
    }
    put(&mut caller, out, &written.to_le_bytes())
}

/// Tells a guest that waits for events that all of them have happened: no time passes here.
fn poll(
    mut caller: Caller<'_, Surroundings>,
    subscriptions: u32,
    events: u32,
    count: u32,
    out: u32,
) -> wasmtime::Result<u32> {
    /// In bytes.
    const SUBSCRIPTION: u32 = 48;
    const EVENT: u32 = 32;
    let count = count.min(64);
    for position in 0..count {
        let user_data = bytes(&mut caller, subscriptions.saturating_add(SUBSCRIPTION * position), 9)?;
        let [user_data @ .., kind] = user_data.as_slice() else {
            return Err(malformed("it points outside of its memory"));
        };
        let mut event = [0; EVENT as usize];
        event[..user_data.len()].copy_from_slice(user_data);
        event[10] = *kind;
        put(&mut caller, events.saturating_add(EVENT * position), &event)?;
    }
    put(&mut caller, out, &count.to_le_bytes())
}

/// A resource of any of WASI's kinds: there is nothing behind it.
type Nothing = Resource<()>;

/// An error of a stream.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(dead_code, reason = "the type has it, but nothing fails here")]
    LastOperationFailed(Nothing),
    #[component(name = "closed")]
    Closed,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// Defines all that a component imports from WASI 0.2.
pub(super) fn add_to_component_linker(
    linker: &mut component::Linker<Surroundings>,
    component: &Component,
) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    for (name, _) in component.component_type().imports(&engine) {
        let interface = name.strip_prefix(PACKAGES).map(|rest| rest.split('@').next().unwrap_or_default());
        if let Some(interface) = interface {
            define(&mut linker.instance(name)?, interface)?;
        }
    }
    linker.define_unknown_imports_as_traps(component)
}

type Instance<'a> = LinkerInstance<'a, Surroundings>;
type Context<'a> = StoreContextMut<'a, Surroundings>;

/// Defines what there is of an interface.
fn define(instance: &mut Instance<'_>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "cli/environment" => environment(instance),
        "cli/exit" => instance.func_wrap(
            "exit",
            |_: Context<'_>, (result,): (Result<(), ()>,)| -> wasmtime::Result<()> {
                Err(ended(if result.is_ok() { "success" } else { "failure" }))
            },
        ),
        "cli/stdin" => resource(instance, "get-stdin"),
        "cli/stdout" => resource(instance, "get-stdout"),
        "cli/stderr" => resource(instance, "get-stderr"),
        "cli/terminal-stdin" => no_resource(instance, "get-terminal-stdin"),
        "cli/terminal-stdout" => no_resource(instance, "get-terminal-stdout"),
        "cli/terminal-stderr" => no_resource(instance, "get-terminal-stderr"),
        "io/streams" => streams(instance),
        "io/poll" => events(instance),
        "clocks/wall-clock" => wall_clock(instance),
        "clocks/monotonic-clock" => monotonic_clock(instance),
        "random/random" => random(instance, "get-random-bytes", "get-random-u64"),
        "random/insecure" => random(instance, "get-insecure-random-bytes", "get-insecure-random-u64"),
        "random/insecure-seed" => instance.func_wrap("insecure-seed", |mut context: Context<'_>, (): ()| {
            let mut next = || context.data_mut().random();
            Ok(((next(), next()),))
        }),
        "filesystem/preopens" => instance
            .func_wrap("get-directories", |_: Context<'_>, (): ()| Ok((Vec::<(Nothing, String)>::new(),))),
        _ => Ok(()),
    }
}

/// A function that gives a resource behind which there is nothing.
fn resource(instance: &mut Instance<'_>, name: &str) -> wasmtime::Result<()> {
    instance.func_wrap(name, |_: Context<'_>, (): ()| Ok((Nothing::new_own(0),)))
}

fn no_resource(instance: &mut Instance<'_>, name: &str) -> wasmtime::Result<()> {
    instance.func_wrap(name, |_: Context<'_>, (): ()| Ok((None::<Nothing>,)))
}

fn environment(instance: &mut Instance<'_>) -> wasmtime::Result<()> {
    instance.func_wrap("get-environment", |_: Context<'_>, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
    instance.func_wrap("get-arguments", |_: Context<'_>, (): ()| Ok((Vec::<String>::new(),)))?;
    instance.func_wrap("initial-cwd", |_: Context<'_>, (): ()| Ok((None::<String>,)))
}

/// Streams: reading ends at once, writing prints.
fn streams(instance: &mut Instance<'_>) -> wasmtime::Result<()> {
    for name in ["read", "blocking-read"] {
        let name = format!("[method]input-stream.{name}");
        instance.func_wrap(&name, |_: Context<'_>, (_, _): (Nothing, u64)| {
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    instance.func_wrap("[method]output-stream.check-write", |_: Context<'_>, (_,): (Nothing,)| {
        Ok((Ok::<u64, StreamError>(MAX_LINE as u64),))
    })?;
    for name in ["write", "blocking-write-and-flush"] {
        let name = format!("[method]output-stream.{name}");
        instance.func_wrap(&name, |mut context: Context<'_>, (_, text): (Nothing, Vec<u8>)| {
            context.data_mut().print(&text);
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for name in ["flush", "blocking-flush"] {
        let name = format!("[method]output-stream.{name}");
        instance.func_wrap(&name, |_: Context<'_>, (_,): (Nothing,)| Ok((Ok::<(), StreamError>(()),)))?;
    }
    for name in ["[method]input-stream.subscribe", "[method]output-stream.subscribe"] {
        instance.func_wrap(name, |_: Context<'_>, (_,): (Nothing,)| Ok((Nothing::new_own(0),)))?;
    }
    Ok(())
}

/// Events: all have happened already.
fn events(instance: &mut Instance<'_>) -> wasmtime::Result<()> {
    instance.func_wrap("[method]pollable.ready", |_: Context<'_>, (_,): (Nothing,)| Ok((true,)))?;
    instance.func_wrap("[method]pollable.block", |_: Context<'_>, (_,): (Nothing,)| Ok(()))?;
    instance.func_wrap("poll", |_: Context<'_>, (all,): (Vec<Nothing>,)| {
        Ok(((0..).take(all.len()).collect::<Vec<u32>>(),))
    })
}

fn wall_clock(instance: &mut Instance<'_>) -> wasmtime::Result<()> {
    instance.func_wrap("now", |_: Context<'_>, (): ()| Ok((Datetime { seconds: NOW, nanoseconds: 0 },)))?;
    instance.func_wrap("resolution", |_: Context<'_>, (): ()| Ok((Datetime { seconds: 1, nanoseconds: 0 },)))
}

fn monotonic_clock(instance: &mut Instance<'_>) -> wasmtime::Result<()> {
    for name in ["now", "resolution"] {
        instance.func_wrap(name, |_: Context<'_>, (): ()| Ok((1_u64,)))?;
    }
    for name in ["subscribe-instant", "subscribe-duration"] {
        instance.func_wrap(name, |_: Context<'_>, (_,): (u64,)| Ok((Nothing::new_own(0),)))?;
    }
    Ok(())
}

fn random(instance: &mut Instance<'_>, bytes: &str, number: &str) -> wasmtime::Result<()> {
    instance.func_wrap(bytes, |mut context: Context<'_>, (length,): (u64,)| {
        Ok((context.data_mut().random_bytes(length)?,))
    })?;
    instance.func_wrap(number, |mut context: Context<'_>, (): ()| Ok((context.data_mut().random(),)))
}
