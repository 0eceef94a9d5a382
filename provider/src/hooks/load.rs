//! From the configuration of a hook to a hook that can be asked.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use hooks::cache::Cache;
use hooks::host::{Host, Loaded};
use hooks::plain::plain;
use hooks::policy::{OnError, Policy};
use tfplugin::diagnostic::{Diagnostic, Diagnostics};
use tfplugin::path::Path;

use super::block::Definition;
use super::place;
use super::source::{self, Module, SourceError};
use crate::settings::Environment;
use crate::text::sentence;

/// What the environment says about hooks.
pub(super) struct Settings {
    /// The folder for what can be made again.
    cache: Option<PathBuf>,
    /// The folder for what cannot, such as the key of the cache.
    state: Option<PathBuf>,
    /// Hooks whose findings may pass.
    overrides: Vec<String>,
}

impl Settings {
    pub(super) fn of(environment: Environment<'_>) -> Self {
        let folder = |name: &str| environment(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let home =
            |below: &str| folder("HOME").or_else(|| folder("LOCALAPPDATA")).map(|home| home.join(below));
        let ours = |folder: PathBuf| folder.join("krony");
        let cache = folder("XDG_CACHE_HOME").or_else(|| home(".cache")).map(ours);
        let state = folder("XDG_STATE_HOME").or_else(|| home(".local/state")).map(ours);
        let overrides = environment(hooks::policy::OVERRIDE_VARIABLE).unwrap_or_default();
        let overrides = overrides.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self {
            cache: folder("KRONY_CACHE_DIR").or(cache),
            state,
            overrides: overrides.map(ToOwned::to_owned).collect(),
        }
    }

    /// The folder of modules that were downloaded. Without one they are downloaded each time.
    fn downloads(&self) -> PathBuf {
        self.cache.as_ref().map(|cache| cache.join("modules")).unwrap_or_default()
    }

    /// The cache of compiled code; else why there is none.
    pub(super) fn compiled(&self) -> Result<Cache, String> {
        let (Some(cache), Some(state)) = (&self.cache, &self.state) else {
            return Err("neither HOME nor XDG_CACHE_HOME and XDG_STATE_HOME are set".to_owned());
        };
        let folder = cache.join("hooks");
        Cache::open(&folder, &state.join("hooks.key"))
            .map_err(|error| format!("{} or its key cannot be used: {error}", folder.display()))
    }
}

/// Loads hooks; makes what they run in when the first one comes.
#[derive(Default)]
pub(super) struct Loader(OnceLock<Host>);

/// What was loaded, and what there is to say.
pub(super) struct Outcome {
    pub(super) loaded: Vec<(Definition, Arc<Policy>)>,
    pub(super) findings: Diagnostics,
}

type Known = Vec<(Definition, Arc<Policy>)>;

impl Loader {
    /// Loads all of them at once; `known` are those that are loaded already.
    pub(super) async fn load(
        &self,
        definitions: Vec<Definition>,
        settings: Settings,
        known: Known,
    ) -> Outcome {
        let mut outcome = Outcome { loaded: Vec::new(), findings: Diagnostics::new() };
        if definitions.is_empty() {
            return outcome;
        }
        let Some(host) = self.host(&settings, &mut outcome.findings) else { return outcome };
        let tasks: Vec<_> = definitions
            .into_iter()
            .map(|mut definition| {
                definition.overridden = settings.overrides.contains(&definition.name);
                let known =
                    known.iter().find(|(known, _)| *known == definition).map(|(_, policy)| policy.clone());
                let load = load(host.clone(), definition.clone(), settings.downloads(), known);
                (definition, tokio::spawn(load))
            })
            .collect();
        for (definition, task) in tasks {
            let (policy, findings) = task.await.unwrap_or_else(|_| (None, panicked(&definition).into()));
            outcome.findings.extend(findings);
            outcome.loaded.extend(policy.map(|policy| (definition, policy)));
        }
        outcome
    }

    fn host(&self, settings: &Settings, findings: &mut Diagnostics) -> Option<Host> {
        if let Some(host) = self.0.get() {
            return Some(host.clone());
        }
        let cache = match settings.compiled() {
            Ok(cache) => Some(cache),
            Err(reason) => {
                let detail = format!(
                    "So they are compiled anew each time, which takes seconds for some: {reason}. Name a folder that can be \
                     written in the environment variable KRONY_CACHE_DIR."
                );
                let warning = Diagnostic::warning("Compiled hooks are not kept", detail);
                findings.push(warning.at_attribute("hooks"));
                None
            }
        };
        match Host::new(cache) {
            Ok(host) => Some(self.0.get_or_init(|| host).clone()),
            Err(error) => {
                findings.push(Diagnostic::error("Hooks cannot run", sentence(error)).at_attribute("hooks"));
                None
            }
        }
    }
}

fn panicked(definition: &Definition) -> Diagnostic {
    let detail = "Loading it ended in a panic: this is a fault of the provider, please report it.";
    finding(definition, "source", "The provider failed", detail)
}

/// An error about a hook, at one of its arguments.
fn finding(definition: &Definition, argument: &str, summary: &str, detail: impl AsRef<str>) -> Diagnostic {
    let detail = format!("Hook {:?}. {}", definition.name, detail.as_ref());
    let path: Path = place(&definition.name).attr(argument);
    Diagnostic::error(summary, detail).at(path)
}

async fn load(
    host: Host,
    definition: Definition,
    downloads: PathBuf,
    known: Option<Arc<Policy>>,
) -> (Option<Arc<Policy>>, Diagnostics) {
    let module = match source::fetch(&definition.source, definition.sha256.as_ref(), &downloads).await {
        Ok(module) => module,
        Err(error) => return (None, unavailable(&definition, &error).into()),
    };
    // A file may have changed since.
    if let Some(known) = known.filter(|known| known.hook.digest() == module.digest) {
        return (Some(known), Diagnostics::new());
    }
    let blamed = definition.clone();
    let made = tokio::task::spawn_blocking(move || make(&host, definition, &module)).await;
    match made {
        Ok(Ok((policy, warnings))) => (Some(Arc::new(policy)), warnings),
        Ok(Err(error)) => (None, (*error).into()),
        Err(_) => (None, panicked(&blamed).into()),
    }
}

/// A module that cannot be had: an error, unless the operator wants to go on without it. One that is not the right one is
/// always an error.
fn unavailable(definition: &Definition, error: &SourceError) -> Diagnostic {
    let argument = match error {
        SourceError::WrongDigest { .. } | SourceError::Unpinned { .. } => "sha256",
        _ => "source",
    };
    let mut diagnostic = finding(definition, argument, "Hook cannot be loaded", sentence(error));
    if argument == "source" && definition.on_error == OnError::Warn {
        diagnostic.severity = tfplugin::diagnostic::Severity::Warning;
        diagnostic.detail += " Nothing is asked of it, as `on_error` says.";
    }
    diagnostic
}

type Made = Result<(Policy, Diagnostics), Box<Diagnostic>>;

/// Compiles a hook, lets it describe itself and check its settings.
fn make(host: &Host, definition: Definition, module: &Module) -> Made {
    let digest = module.digest.short();
    let fault = |argument: &str, summary: &str, detail: String| {
        // Modules have a say in what is wrong with them: names, words about settings.
        let detail = format!("Its module has the SHA-256 {digest}…. {}", plain(&detail));
        Box::new(finding(&definition, argument, summary, detail))
    };
    let loaded = host.load(&definition.name, &module.bytes, definition.wasi);
    let Loaded { hook, warnings, .. } =
        loaded.map_err(|error| fault("source", "Not a hook", sentence(error)))?;
    let description = hook.describe(&definition.limits).result;
    let description = description.map_err(|error| {
        fault("source", "The hook failed", format!("It was to describe itself. {}", sentence(error)))
    })?;
    let accepted = hook.validate_settings(&definition.limits, &definition.settings).result;
    let accepted = accepted.map_err(|error| {
        fault("source", "The hook failed", format!("It was to check its settings. {}", sentence(error)))
    })?;
    accepted.map_err(|reason| fault("settings", "Invalid settings of a hook", sentence(reason)))?;
    let warnings = warnings.into_iter().map(|warning| {
        let warning = finding(&definition, "source", "Compiled code of a hook", warning);
        Diagnostic { severity: tfplugin::diagnostic::Severity::Warning, ..warning }
    });
    let warnings = warnings.collect();
    let policy = Policy {
        scope: definition.scope(),
        name: definition.name,
        hook,
        description,
        settings: definition.settings,
        enforcement: definition.enforcement,
        on_error: definition.on_error,
        reveals: definition.reveals,
        overridden: definition.overridden,
        limits: definition.limits,
    };
    Ok((policy, warnings))
}
