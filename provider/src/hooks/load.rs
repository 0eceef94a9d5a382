//! From the configuration of a hook to a hook that can be asked.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hooks::cache::Cache;
use hooks::error::CallError;
use hooks::host::{Host, Loaded};
use hooks::plain::excerpt;
use hooks::policy::{OnError, Policy};
use tfplugin::diagnostic::{Diagnostic, Diagnostics, Severity};
use tfplugin::model::TextType as _;
use tfplugin::path::Path;

use super::block::Definition;
use super::directory::VARIABLE;
use super::place;
use super::source::{self, Module, SourceError};
use super::words::ResourceTypeWord;
use crate::settings::Environment;
use crate::text::sentence;

/// How long it may take to compile a hook, and to wait for another process that does.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest text about a module that is shown, in bytes.
const MAX_DETAIL: usize = 4000;

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
    fn downloads(&self) -> Option<PathBuf> {
        self.cache.as_ref().map(|cache| cache.join("modules"))
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
    let (name, detail) = (&definition.name, detail.as_ref());
    match &definition.folder {
        None => {
            let path: Path = place(name).attr(argument);
            Diagnostic::error(summary, format!("Hook {name:?}. {detail}")).at(path)
        }
        Some(folder) => {
            let folder = folder.display();
            let detail = format!(
                "Hook {name:?} of the folder {folder}, which {VARIABLE} names; its `{argument}`. {detail}"
            );
            Diagnostic::error(summary, detail).at_attribute("hooks")
        }
    }
}

/// The same as a warning, where the operator wants to go on without the hook.
fn softened(definition: &Definition, diagnostic: Diagnostic) -> Diagnostic {
    if definition.on_error == OnError::Fail {
        return diagnostic;
    }
    let detail = diagnostic.detail + " Nothing is asked of it, as `on_error` says.";
    Diagnostic { severity: Severity::Warning, detail, ..diagnostic }
}

async fn load(
    host: Host,
    definition: Definition,
    downloads: Option<PathBuf>,
    known: Option<Arc<Policy>>,
) -> (Option<Arc<Policy>>, Diagnostics) {
    let module =
        match source::fetch(&definition.source, definition.sha256.as_ref(), downloads.as_deref()).await {
            Ok(module) => module,
            Err(error) => return (None, unavailable(&definition, &error).into()),
        };
    // A file may have changed since.
    if let Some(known) = known.filter(|known| known.hook.digest() == module.digest) {
        return (Some(known), Diagnostics::new());
    }
    let blamed = definition.clone();
    let making = tokio::task::spawn_blocking(move || make(&host, definition, &module));
    match tokio::time::timeout(PATIENCE, making).await {
        Ok(Ok(Ok((policy, warnings)))) => (Some(Arc::new(policy)), warnings),
        Ok(Ok(Err(error))) => (None, (*error).into()),
        Ok(Err(_)) => (None, panicked(&blamed).into()),
        Err(_) => {
            let detail = format!("Compiling it took more than {} s: build it for size.", PATIENCE.as_secs());
            (None, softened(&blamed, finding(&blamed, "source", "Hook cannot be loaded", detail)).into())
        }
    }
}

/// A module that cannot be had: an error, unless the operator wants to go on without it. One that is not the right one is
/// always an error.
fn unavailable(definition: &Definition, error: &SourceError) -> Diagnostic {
    let argument = match error {
        SourceError::WrongDigest { .. } | SourceError::Unpinned { .. } => "sha256",
        _ => "source",
    };
    let diagnostic = finding(definition, argument, "Hook cannot be loaded", sentence(error));
    if argument == "source" { softened(definition, diagnostic) } else { diagnostic }
}

type Made = Result<(Policy, Diagnostics), Box<Diagnostic>>;

/// Compiles a hook, lets it describe itself and check its settings.
fn make(host: &Host, definition: Definition, module: &Module) -> Made {
    let digest = module.digest.short();
    let fault = |argument: &str, summary: &str, detail: String| {
        // Modules have a say in what is wrong with them: names, words about settings.
        let detail = format!("Its module has the SHA-256 {digest}…. {}", excerpt(&detail, MAX_DETAIL));
        Box::new(finding(&definition, argument, summary, detail))
    };
    let loaded = host.load(&definition.name, &module.bytes, definition.wasi);
    let Loaded { hook, warnings, .. } =
        loaded.map_err(|error| fault("source", "Not a hook", sentence(error)))?;
    let failed = |task: &str, error: &CallError| {
        let failed = fault("source", "The hook failed", format!("It was to {task}. {}", sentence(error)));
        Box::new(softened(&definition, *failed))
    };
    let description = hook.describe(&definition.limits).result;
    let description = description.map_err(|error| failed("describe itself", &error))?;
    let accepted = hook.validate_settings(&definition.limits, &definition.settings).result;
    let accepted = accepted.map_err(|error| failed("check its settings", &error))?;
    accepted.map_err(|reason| fault("settings", "Invalid settings of a hook", sentence(reason)))?;
    let warning = |summary: &str, detail: &str| {
        let warning = finding(&definition, "source", summary, detail);
        Diagnostic { severity: Severity::Warning, ..warning }
    };
    let mut warnings: Diagnostics =
        warnings.iter().map(|detail| warning("Compiled code of a hook", detail)).collect();
    let judges = &description.resource_types;
    if !judges.is_empty() && !judges.iter().any(|judged| ResourceTypeWord::check(judged).is_ok()) {
        let detail = format!(
            "It says that it judges {}; there is {}.",
            excerpt(&judges.join(", "), MAX_DETAIL),
            ResourceTypeWord::ALLOWED.join(", ")
        );
        warnings.push(warning("The hook is never asked", &detail));
    }
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
