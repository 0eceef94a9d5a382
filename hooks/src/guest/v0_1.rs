//! `krony:hooks@0.1.x`.

use serde_json::Value;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, Store};

use self::bindings::exports::krony::hooks::rules;
use self::bindings::krony::hooks::{host, types};
use super::{Guest, Level, Settings, Surroundings, Wasi, malformed, unknown_import, wasi};
use crate::error::LoadError;
use crate::request::{Operation, Request, Stage};
use crate::verdict::{Description, Finding, Path, Severity, Step, Verdict};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated from the WIT package, which has the docs"
)]
mod bindings {
    wasmtime::component::bindgen!({ path: "wit", world: "hook" });
}

/// How the name of the interface that a hook exports begins.
pub(super) const RULES: &str = "krony:hooks/rules@0.1.";
/// The package, which has the host's interfaces, too.
const PACKAGE: &str = "krony:hooks/";

pub(super) struct Linked(bindings::HookPre<Surroundings>);

impl Linked {
    pub(super) fn new(engine: &Engine, component: &Component, wasi: Wasi) -> Result<Self, LoadError> {
        for (name, _) in component.component_type().imports(engine) {
            let is_given =
                name.starts_with(PACKAGE) || (wasi == Wasi::Stub && name.starts_with(wasi::PACKAGES));
            if !is_given {
                return Err(unknown_import(name));
            }
        }
        link(engine, component, wasi)
            .map(Self)
            .map_err(|error| LoadError::Misfit { reason: format!("{error:#}") })
    }
}

fn link(
    engine: &Engine,
    component: &Component,
    wasi: Wasi,
) -> wasmtime::Result<bindings::HookPre<Surroundings>> {
    let mut linker = Linker::new(engine);
    host::add_to_linker::<_, HasSelf<Surroundings>>(&mut linker, |surroundings| surroundings)?;
    if wasi == Wasi::Stub {
        wasi::add_to_component_linker(&mut linker, component)?;
    }
    bindings::HookPre::new(linker.instantiate_pre(component)?)
}

impl Guest for Linked {
    fn interface(&self) -> &'static str {
        "component, krony:hooks@0.1"
    }

    fn describe(&self, store: &mut Store<Surroundings>) -> wasmtime::Result<Description> {
        let hook = self.0.instantiate(&mut *store)?;
        let found = hook.krony_hooks_rules().call_describe(store)?;
        let settings_schema = found.settings_schema.map(|schema| {
            serde_json::from_str(&schema)
                .map_err(|error| malformed(format!("the schema of its settings is no JSON: {error}")))
        });
        Ok(Description {
            name: found.name,
            version: found.version,
            summary: found.summary,
            resource_types: found.resource_types,
            stages: found.stages.into_iter().map(Into::into).collect(),
            settings_schema: settings_schema.transpose()?,
        })
    }

    fn validate_settings(
        &self,
        store: &mut Store<Surroundings>,
        settings: &Value,
    ) -> wasmtime::Result<Settings> {
        let hook = self.0.instantiate(&mut *store)?;
        hook.krony_hooks_rules().call_validate_settings(store, &settings.to_string())
    }

    fn validate(
        &self,
        store: &mut Store<Surroundings>,
        settings: &Value,
        request: &Request,
    ) -> wasmtime::Result<Verdict> {
        let hook = self.0.instantiate(&mut *store)?;
        let rules = hook.krony_hooks_rules();
        rules.call_validate(store, &settings.to_string(), &question(request)).map(Into::into)
    }
}

fn question(request: &Request) -> types::Request {
    types::Request {
        resource_type: request.resource_type.clone(),
        operation: match request.operation {
            Operation::Create => types::Operation::Create,
            Operation::Update => types::Operation::Update,
            Operation::Delete => types::Operation::Delete,
        },
        stage: match request.stage {
            Stage::Validate => types::Stage::Validate,
            Stage::Plan => types::Stage::Plan,
            Stage::Apply => types::Stage::Apply,
        },
        prior: request.prior.as_ref().map(Value::to_string),
        planned: request.planned.as_ref().map(Value::to_string),
        tenant: request.tenant.clone(),
        versions: types::Versions {
            interface: request.versions.interface.clone(),
            krony: request.versions.krony.clone(),
        },
    }
}

impl From<types::Stage> for Stage {
    fn from(stage: types::Stage) -> Self {
        match stage {
            types::Stage::Validate => Self::Validate,
            types::Stage::Plan => Self::Plan,
            types::Stage::Apply => Self::Apply,
        }
    }
}

impl From<rules::Verdict> for Verdict {
    fn from(verdict: rules::Verdict) -> Self {
        match verdict {
            rules::Verdict::Ok => Self::Ok,
            rules::Verdict::Findings(found) => Self::Findings(found.into_iter().map(Into::into).collect()),
            rules::Verdict::NeedsKnown(paths) => Self::NeedsKnown(paths.into_iter().map(path).collect()),
        }
    }
}

impl From<types::Finding> for Finding {
    fn from(found: types::Finding) -> Self {
        Self {
            severity: match found.severity {
                types::Severity::Error => Severity::Error,
                types::Severity::Warning => Severity::Warning,
            },
            summary: found.summary,
            detail: found.detail,
            path: path(found.path),
            rule: found.rule,
        }
    }
}

fn path(steps: Vec<types::PathStep>) -> Path {
    let step = |step| match step {
        types::PathStep::Attribute(name) => Step::Attribute(name),
        types::PathStep::Key(key) => Step::Key(key),
        types::PathStep::Index(index) => Step::Index(index),
    };
    Path(steps.into_iter().map(step).collect())
}

impl host::Host for Surroundings {
    fn log(&mut self, level: host::Level, message: String) {
        let level = match level {
            host::Level::Debug => Level::Debug,
            host::Level::Info => Level::Info,
            host::Level::Warn => Level::Warn,
            host::Level::Error => Level::Error,
        };
        Self::log(self, level, &message);
    }
}
