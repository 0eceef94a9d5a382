//! Hooks at work: WebAssembly modules that judge what is about to be planned and written.
//!
//! ```text
//! provider block ─→ block ──────┐
//! KRONY_HOOKS_DIR ─→ directory ─┴→ Definition ─→ source: bytes ─→ load: a policy ─→ Policies
//! a resource: its request ─→ review ─→ diagnostics
//! ```
//!
//! What a hook is and how it runs: the crate `hooks`. Terraform validates configuration in a process that is never
//! configured, so the hooks of a provider block are loaded when it is checked.

mod block;
mod directory;
mod load;
pub mod source;
mod words;

use std::sync::{Arc, PoisonError, RwLock};

use hooks::cache::Cache;
use hooks::plain::is_plain;
use hooks::policy::{Policies, Policy, Remark};
use hooks::request::Request;
use hooks::verdict::Severity;
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Attr, Text},
    path::Path,
};
use tokio::sync::Mutex;

use self::block::Definition;
pub use self::block::{AppliesTo, HookBlock, LimitsBlock};
use crate::{
    settings::{self, Environment, ProviderBlock},
    text::TenantName,
};

/// The user's cache of compiled hooks; none where there is no place for it.
pub fn user_cache(environment: Environment<'_>) -> Option<Cache> {
    load::Settings::of(environment).compiled().ok()
}

/// The hooks of this process, shared by the provider and what it offers.
#[derive(Clone, Default)]
pub struct Hooks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    loader: load::Loader,
    state: RwLock<State>,
    /// Whether a configuration of the provider was looked at.
    begun: Mutex<bool>,
}

#[derive(Default)]
struct State {
    loaded: Vec<(Definition, Arc<Policy>)>,
    policies: Arc<Policies>,
    /// The tenant of jobs that do not name one.
    tenant: Attr<Text<TenantName>>,
    configured: bool,
}

/// What is asked about configuration.
pub struct Validation {
    /// The hooks.
    pub policies: Arc<Policies>,
    /// The tenant of jobs that do not name one.
    pub tenant: Attr<Text<TenantName>>,
}

impl Hooks {
    /// Loads the hooks of a provider block that is validated, as far as it is known.
    pub async fn validate(&self, block: &ProviderBlock, environment: Environment<'_>) -> Diagnostics {
        *self.0.begun.lock().await = true;
        self.load_for_validation(block, environment).await
    }

    /// Loads the hooks of the organisation before the first resource is validated. Where the provider block is missing or
    /// empty, Terraform has none validated.
    pub async fn validate_without_block(&self, environment: Environment<'_>) -> Diagnostics {
        let mut begun = self.0.begun.lock().await;
        if *begun {
            return Diagnostics::new();
        }
        let findings = self.load_for_validation(&ProviderBlock::default(), environment).await;
        *begun = true;
        findings
    }

    async fn load_for_validation(&self, block: &ProviderBlock, environment: Environment<'_>) -> Diagnostics {
        let definitions = definitions(block, environment);
        let settings = load::Settings::of(environment);
        // What is wrong with it is said when the provider is configured.
        let tenant = settings::tenant(block, environment).unwrap_or(Attr::Unknown);
        let mut findings = Diagnostics::new();
        if let Some(definitions) = findings.collect(definitions) {
            findings.extend(self.load(definitions.known, settings).await.1);
        }
        self.change(|state| (state.tenant, state.configured) = (tenant, false));
        findings
    }

    /// Loads the hooks of a provider block that is configured; those that are loaded already stay as they are.
    ///
    /// # Errors
    /// When a hook that has to be asked cannot be.
    pub async fn configure(
        &self,
        block: &ProviderBlock,
        environment: Environment<'_>,
    ) -> Result<(Arc<Policies>, Diagnostics)> {
        *self.0.begun.lock().await = true;
        let definitions = definitions(block, environment);
        let settings = load::Settings::of(environment);
        let Definitions { known, unknown } = definitions?;
        let (policies, mut findings) = self.load(known, settings).await;
        self.change(|state| state.configured = true);
        findings.extend(unknown.iter().map(|name| not_known(name)).collect());
        if findings.has_errors() {
            return Err(findings);
        }
        Ok((policies, findings))
    }

    /// What is asked about configuration; nothing once the provider is configured, for then a plan follows, in which the
    /// hooks are asked with more known.
    pub fn validation(&self) -> Option<Validation> {
        self.state(|state| {
            let asks = !state.configured && !state.policies.is_empty();
            asks.then(|| Validation { policies: state.policies.clone(), tenant: state.tenant.clone() })
        })
    }

    fn state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// The hooks that were loaded; another run of Terraform in the same process may have others by then.
    async fn load(
        &self,
        definitions: Vec<Definition>,
        settings: load::Settings,
    ) -> (Arc<Policies>, Diagnostics) {
        let known = self.state(|state| state.loaded.clone());
        let load::Outcome { loaded, findings } = self.0.loader.load(definitions, settings, known).await;
        let policies = Policies::new(loaded.iter().map(|(_, policy)| policy.clone()).collect());
        let policies = Arc::new(policies);
        self.change(|state| (state.loaded, state.policies) = (loaded, policies.clone()));
        (policies, findings)
    }
}

/// The hooks of a configuration.
struct Definitions {
    known: Vec<Definition>,
    /// The names of those of which something is not known yet.
    unknown: Vec<String>,
}

/// The hooks of the provider block and of the organisation.
fn definitions(block: &ProviderBlock, environment: Environment<'_>) -> Result<Definitions> {
    // Set, but empty, is an error as well: the folder cannot be read.
    let mut known = match environment(directory::VARIABLE) {
        Some(folder) => directory::definitions(folder.as_ref())?,
        None => Vec::new(),
    };
    let mut unknown = Vec::new();
    let mut findings = Diagnostics::new();
    if block.hooks.is_unknown() {
        unknown.push("hooks".to_owned());
    }
    for (name, hook) in block.hooks.known().into_iter().flat_map(|hooks| &hooks.0) {
        if known.iter().any(|mandatory| mandatory.name == *name) {
            findings.push(taken(name));
            continue;
        }
        match hook {
            Attr::Known(hook) => match Definition::of(name, hook) {
                Some(definition) => known.push(definition),
                None => unknown.push(name.clone()),
            },
            Attr::Unknown => unknown.push(name.clone()),
            Attr::Null => findings.push(
                Diagnostic::error("Hook without a source", "Expected an object with `source`, found null.")
                    .at(place(name)),
            ),
        }
    }
    findings.into_result().map(|()| Definitions { known, unknown })
}

/// Where a hook is configured.
fn place(name: &str) -> Path {
    Path::attribute("hooks").key(name)
}

fn taken(name: &str) -> Diagnostic {
    let detail = format!(
        "A hook of this name is mandatory: it stands in the folder that the environment variable {} names. Give this one \
         another name.",
        directory::VARIABLE
    );
    Diagnostic::error("Name of a mandatory hook", detail).at(place(name))
}

fn not_known(name: &str) -> Diagnostic {
    let detail = "Something in its configuration is not known before the apply, so it is not asked during this plan. It will \
                  be asked before anything is written.";
    Diagnostic::warning(format!("Hook {name:?} is not asked yet"), detail).at(place(name))
}

/// Asks hooks on a thread of its own. `path` turns the path that a hook blames into that of an attribute, and says
/// whether it leads there.
///
/// # Errors
/// When the question itself failed, which is a fault of krony.
pub async fn review(
    policies: Arc<Policies>,
    request: Request,
    revealed: Option<Request>,
    path: impl Fn(&hooks::verdict::Path) -> (Path, bool),
) -> Result<Diagnostics> {
    let reviewed = tokio::task::spawn_blocking(move || policies.review(&request, revealed.as_ref())).await;
    let remarks = reviewed.map_err(|_| {
        let detail = "Asking the hooks ended in a panic: this is a fault of the provider, please report it.";
        Diagnostic::error("The provider failed", detail)
    })?;
    Ok(remarks.into_iter().map(|remark| diagnostic(remark, &path)).collect())
}

fn diagnostic(remark: Remark, path: impl Fn(&hooks::verdict::Path) -> (Path, bool)) -> Diagnostic {
    let (attribute, leads_there) = path(&remark.path);
    let mut detail = remark.detail;
    if !leads_there {
        detail += &format!("\n\nThe hook blames `{}`, which is not there.", shown(&remark.path));
    }
    let diagnostic = match remark.severity {
        Severity::Error => Diagnostic::error(remark.summary, detail),
        Severity::Warning => Diagnostic::warning(remark.summary, detail),
    };
    diagnostic.at(attribute)
}

/// A path of a hook, which may have made it as long and as strange as it likes.
fn shown(path: &hooks::verdict::Path) -> String {
    path.to_string().chars().filter(|character| is_plain(*character)).take(200).collect()
}

#[cfg(test)]
mod tests;
