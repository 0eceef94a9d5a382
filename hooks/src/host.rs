//! Where hooks run.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use wasmtime::{Engine, Store, Trap};

use crate::cache::{Cache, Lookup};
use crate::code::{self, Code};
use crate::digest::Digest;
use crate::error::{CallError, LoadError};
use crate::guest::{self, Guest, Surroundings, Wasi};
use crate::limits::{Limits, MAX_FINDINGS, MAX_OUTPUT};
use crate::request::Request;
use crate::verdict::{Description, Verdict};

/// How long a process waits for another one that compiles the same.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is said of code whose seal is broken.
const BROKEN: &str = "Its compiled code in the cache was not written by you, or was changed since: it is not used, and \
                      compiled anew. If you did not bring the cache from elsewhere, find out who did that.";

/// How long one step of the clock takes that ends calls.
const TICK: Duration = Duration::from_millis(10);

/// Where hooks run. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    engine: Engine,
    cache: Option<Arc<Cache>>,
}

/// A hook that can be called, from many threads at once.
pub struct Hook {
    name: String,
    digest: Digest,
    engine: Engine,
    guest: Box<dyn Guest>,
}

/// A loaded hook, with what there is to say about the way.
pub struct Loaded {
    /// The hook.
    pub hook: Hook,
    /// Whether its code came out of the cache.
    pub cached: bool,
    /// What is wrong with the cache: sentences.
    pub warnings: Vec<String>,
}

/// What a call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Units of fuel: deterministic.
    pub fuel: u64,
    /// Bytes of memory.
    pub memory: usize,
    /// Time by the clock.
    pub time: Duration,
}

/// A call that came to its end.
pub struct Call<T> {
    /// The answer.
    pub result: Result<T, CallError>,
    /// What it used.
    pub cost: Cost,
}

impl Host {
    /// A host that keeps compiled code in `cache`, or nowhere.
    ///
    /// # Errors
    /// Where the machine cannot run WebAssembly.
    pub fn new(cache: Option<Cache>) -> Result<Self, LoadError> {
        let engine = code::engine()?;
        let clock = engine.weak();
        thread::Builder::new()
            .name("hooks-clock".to_owned())
            .spawn(move || {
                while let Some(engine) = clock.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    thread::sleep(TICK);
                }
            })
            .map_err(|error| LoadError::Engine { reason: error.to_string() })?;
        Ok(Self { engine, cache: cache.map(Arc::new) })
    }

    /// Makes a hook of a module: compiles it, unless that was done before. `name` is what the log calls it.
    ///
    /// Compiling takes from milliseconds to half a minute: keep it off the threads that serve others.
    ///
    /// # Errors
    /// When the module cannot be a hook.
    pub fn load(&self, name: &str, bytes: &[u8], wasi: Wasi) -> Result<Loaded, LoadError> {
        let digest = Digest::of(bytes);
        let mut warnings = Vec::new();
        let (code, cached) = match &self.cache {
            None => (code::compile(&self.engine, bytes)?, false),
            Some(cache) => self.through_cache(cache, bytes, digest, &mut warnings)?,
        };
        let guest = guest::link(&self.engine, &code, wasi)?;
        let hook = Hook { name: name.to_owned(), digest, engine: self.engine.clone(), guest };
        Ok(Loaded { hook, cached, warnings })
    }

    fn through_cache(
        &self,
        cache: &Cache,
        bytes: &[u8],
        digest: Digest,
        warnings: &mut Vec<String>,
    ) -> Result<(Code, bool), LoadError> {
        let entry = self.entry(digest);
        // Who waits here for another process finds its work done.
        let lock = match self.cached(cache, &entry) {
            Ok(Some(code)) => return Ok((code, true)),
            Ok(None) => cache.lock(&entry, PATIENCE),
            Err(warning) => {
                warnings.push(warning);
                cache.lock(&entry, PATIENCE)
            }
        };
        if lock.is_ok()
            && let Ok(Some(code)) = self.cached(cache, &entry)
        {
            return Ok((code, true));
        }
        let code = code::compile(&self.engine, bytes)?;
        let kept = lock.and_then(|_lock| {
            let code = code.serialize().map_err(std::io::Error::other)?;
            cache.put(&entry, &code)
        });
        if let Err(error) = kept {
            warnings.push(format!(
                "Its compiled code could not be kept, so it is compiled anew each time: {error}."
            ));
        }
        Ok((code, false))
    }

    /// Code from the cache, if there is any; else what is wrong with what is there.
    fn cached(&self, cache: &Cache, entry: &str) -> Result<Option<Code>, String> {
        match cache.get(entry) {
            Ok(Lookup::Missing) => Ok(None),
            Ok(Lookup::Found(code)) => Code::load(&self.engine, &code)
                .map(Some)
                .map_err(|error| format!("Its compiled code in the cache is of no use: {error:#}.")),
            Ok(Lookup::Broken) => Err(BROKEN.to_owned()),
            Err(error) => Err(format!("Its compiled code could not be read from the cache: {error}.")),
        }
    }

    /// The name of the code in the cache: the module, and all that its code depends on.
    fn entry(&self, digest: Digest) -> String {
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{digest}-{:016x}", hasher.finish())
    }
}

impl Hook {
    /// What tells its module from others.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The interface that it speaks, for people.
    pub fn interface(&self) -> &'static str {
        self.guest.interface()
    }

    /// What it says about itself.
    pub fn describe(&self, limits: &Limits) -> Call<Description> {
        self.call(limits, |store| self.guest.describe(store))
    }

    /// Whether it takes these settings; if not, why, in its own words.
    pub fn validate_settings(&self, limits: &Limits, settings: &Value) -> Call<Result<(), String>> {
        let mut call = self.call(limits, |store| self.guest.validate_settings(store, settings));
        if let Ok(Err(reason)) = &mut call.result {
            reason.truncate(reason.floor_char_boundary(MAX_TEXT));
        }
        call
    }

    /// What it says to a request. Findings come in an order that depends on nothing but themselves.
    pub fn validate(&self, limits: &Limits, settings: &Value, request: &Request) -> Call<Verdict> {
        let mut call = self.call(limits, |store| self.guest.validate(store, settings, request));
        call.result = call.result.and_then(ordered);
        call
    }

    fn call<T>(
        &self,
        limits: &Limits,
        call: impl FnOnce(&mut Store<Surroundings>) -> wasmtime::Result<T>,
    ) -> Call<T> {
        let begin = Instant::now();
        let mut store = Store::new(&self.engine, Surroundings::new(&self.name, limits));
        store.limiter(|surroundings| &mut surroundings.meter);
        store.set_hostcall_fuel(MAX_OUTPUT);
        let ticks = limits.timeout.as_millis().div_ceil(TICK.as_millis());
        store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX / 2));
        let result = store.set_fuel(limits.fuel).and_then(|()| call(&mut store));
        let result = result.map_err(|error| reason(&error, limits, store.data().meter.exceeded));
        let cost = Cost {
            fuel: limits.fuel - store.get_fuel().unwrap_or_default(),
            memory: store.data().meter.memory,
            time: begin.elapsed(),
        };
        Call { result, cost }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("name", &self.name).field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// The longest text that is passed on where a hook says why it refuses settings, in bytes.
const MAX_TEXT: usize = 4096;

fn ordered(verdict: Verdict) -> Result<Verdict, CallError> {
    match verdict {
        Verdict::Ok => Ok(Verdict::Ok),
        Verdict::Findings(found) if found.is_empty() => Ok(Verdict::Ok),
        Verdict::Findings(found) if found.len() > MAX_FINDINGS => {
            Err(CallError::TooManyFindings { count: found.len() })
        }
        Verdict::Findings(mut found) => {
            found.sort_by(|a, b| {
                let key = |finding: &crate::verdict::Finding| {
                    (finding.path.clone(), finding.severity, finding.summary.clone(), finding.detail.clone())
                };
                key(a).cmp(&key(b)).then_with(|| a.rule.cmp(&b.rule))
            });
            Ok(Verdict::Findings(found))
        }
        Verdict::NeedsKnown(mut paths) => {
            paths.sort();
            paths.dedup();
            Ok(Verdict::NeedsKnown(paths))
        }
    }
}

/// What the engine's error means to people.
fn reason(error: &wasmtime::Error, limits: &Limits, memory_exceeded: bool) -> CallError {
    if let Some(error) = error.downcast_ref::<CallError>() {
        return error.clone();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => CallError::OutOfFuel { fuel: limits.fuel },
        Some(Trap::Interrupt) => CallError::OutOfTime { timeout: limits.timeout },
        Some(Trap::StackOverflow) => CallError::OutOfStack,
        // A guest that got no memory usually gives up.
        _ if memory_exceeded => CallError::OutOfMemory { memory: limits.memory },
        Some(trap) => CallError::Trap { reason: trap.to_string() },
        None => match error.root_cause().to_string() {
            cause if cause.starts_with("too much data") => CallError::OutputTooLarge,
            reason => CallError::Malformed { reason },
        },
    }
}
