//! A hook as it is configured: in the provider block, or beside it in a file of the organisation.

use std::path::PathBuf;

use globset::{Glob, GlobMatcher};
use hooks::Wasi;
use hooks::limits::Limits;
use hooks::policy::{Enforcement, OnError, Scope};
use hooks::request::Stage;
use serde_json::Value;
use tfplugin::{
    model,
    model::{Attr, Set, Text, TfType},
};

use super::source::{Digest, HookDigest, HookSource, Source};
use super::words::{
    EnforcementWord, HookSettings, NameGlob, OnErrorWord, ResourceTypeWord, StageWord, WasiWord,
};
use crate::text::{Duration, positive_duration};

model! {
    /// A WebAssembly module that judges what is about to be planned and written.
    pub struct HookBlock {
        /// Where the module comes from: a path, an `https://` address, or `oci://registry/repository:tag`. What was
        /// downloaded once is kept, so that later runs need no network.
        source: Text<HookSource> = required(),
        /// SHA-256 of the module. Required where `source` is no path.
        sha256: Text<HookDigest> = optional(),
        /// Settings of the hook: JSON, as `jsonencode({ … })` makes it.
        settings: Text<HookSettings> = optional(),
        /// What the hook is asked about; everything that it knows by default.
        applies_to: AppliesTo = optional(),
        /// When the hook is asked: `validate` (configuration, before anything is known of the server), `plan`, `apply` (right
        /// before something is written). In all of them by default.
        stages: Set<Text<StageWord>> = optional(),
        /// What it means that the hook finds an error: `mandatory` (the default) stops, `advisory` warns,
        /// `mandatory-overridable` stops unless the environment variable `KRONY_HOOKS_OVERRIDE` names the hook.
        enforcement: Text<EnforcementWord> = optional(),
        /// What it means that the module cannot be fetched, or that the hook gives no answer: `fail` or `warn`. By default
        /// `fail`, for an advisory hook `warn`. A module that is no hook, or not the right one, and settings that it refuses are
        /// errors in any case.
        on_error: Text<OnErrorWord> = optional(),
        /// Whether the hook sees sensitive values. Write-only ones are never shown.
        reveal_sensitive: bool = optional(),
        /// `stub` gives a hook that was built for WASI one in which there is nothing: no files, no network, no environment,
        /// a clock that stands still.
        wasi: Text<WasiWord> = optional(),
        /// What one call of the hook may use.
        limits: LimitsBlock = optional(),
    }
}

model! {
    /// What a hook is asked about. What is not set leaves nothing out.
    pub struct AppliesTo {
        /// Types of resources.
        resource_types: Set<Text<ResourceTypeWord>> = optional(),
        /// Pattern for the name that the object has in dkron, such as `acme--*`.
        name_glob: Text<NameGlob> = optional(),
        /// Names of tenants.
        tenants: Set<String> = optional(),
    }
}

model! {
    /// What one call of a hook may use.
    pub struct LimitsBlock {
        /// Units of fuel, roughly instructions; 50 million by default.
        fuel: u32 = optional(),
        /// Memory in MiB; 64 by default.
        memory: u32 = optional(),
        /// Time by the clock; `2s` by default.
        timeout: Text<Duration> = optional(),
    }
}

/// A hook whose configuration is known.
#[derive(Clone, PartialEq)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) sha256: Option<Digest>,
    pub(super) settings: Value,
    pub(super) resource_types: Vec<String>,
    pub(super) name_glob: Option<String>,
    pub(super) tenants: Vec<String>,
    pub(super) stages: Vec<Stage>,
    pub(super) enforcement: Enforcement,
    pub(super) on_error: OnError,
    pub(super) reveals: bool,
    pub(super) wasi: Wasi,
    pub(super) limits: Limits,
    /// Whether the environment lets pass what it finds.
    pub(super) overridden: bool,
    /// The folder of the organisation that it comes from, if it is one of those.
    pub(super) folder: Option<PathBuf>,
}

impl Definition {
    /// The hook of a block, whose texts were checked when it was decoded; none while something in it is not known.
    pub(super) fn of(name: &str, block: &HookBlock) -> Option<Self> {
        if !block.encode().is_wholly_known() {
            return None;
        }
        let scope = block.applies_to.known().cloned().unwrap_or_default();
        let enforcement = word(&block.enforcement).map(EnforcementWord::read).unwrap_or_default();
        let default = if enforcement == Enforcement::Advisory { OnError::Warn } else { OnError::Fail };
        Some(Self {
            name: name.to_owned(),
            source: Source::parse(word(&block.source)?).ok()?,
            sha256: word(&block.sha256).and_then(|text| text.parse::<Digest>().ok()),
            settings: word(&block.settings).map_or_else(|| serde_json::json!({}), HookSettings::read),
            resource_types: texts(&scope.resource_types, |text| Some(text.to_string())),
            name_glob: word(&scope.name_glob).map(ToOwned::to_owned),
            tenants: texts(&scope.tenants, |text: &String| Some(text.clone())),
            stages: texts(&block.stages, |text| StageWord::read(text)),
            enforcement,
            on_error: word(&block.on_error).map_or(default, OnErrorWord::read),
            reveals: block.reveal_sensitive.known() == Some(&true),
            wasi: word(&block.wasi).map_or(Wasi::None, |_| Wasi::Stub),
            limits: limits(&block.limits),
            overridden: false,
            folder: None,
        })
    }

    /// What the hook is asked about.
    pub(super) fn scope(&self) -> Scope {
        let glob = self.name_glob.as_deref().and_then(|glob| Glob::new(glob).ok());
        Scope {
            resource_types: self.resource_types.clone(),
            name: glob.map(|glob| -> GlobMatcher { glob.compile_matcher() }),
            tenants: self.tenants.clone(),
            stages: self.stages.clone(),
        }
    }
}

fn word<T>(text: &Attr<Text<T>>) -> Option<&str> {
    text.known().map(|text| &**text)
}

fn texts<T, U: Ord>(set: &Attr<Set<T>>, read: impl Fn(&T) -> Option<U>) -> Vec<U> {
    let items = set.known().into_iter().flat_map(|set| &set.0).filter_map(Attr::known);
    let mut items: Vec<U> = items.filter_map(read).collect();
    items.sort();
    items
}

fn limits(block: &Attr<LimitsBlock>) -> Limits {
    let default = Limits::default();
    let Some(block) = block.known() else { return default };
    let timeout = word(&block.timeout).and_then(|text| positive_duration(text).ok());
    let fuel = block.fuel.known().copied().map(u64::from);
    let memory = block.memory.known().and_then(|mebibytes| usize::try_from(*mebibytes).ok());
    Limits {
        fuel: fuel.unwrap_or(default.fuel),
        memory: memory.map_or(default.memory, |mebibytes| mebibytes.saturating_mul(1 << 20)),
        timeout: timeout.unwrap_or(default.timeout),
    }
}
