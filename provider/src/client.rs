//! What resources and data sources work with.

use std::sync::Arc;

use hooks::policy::Policies;
use tfplugin::{
    context::Context,
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Attr, Text},
};

use crate::{lineage::Lineage, text::TenantName};

/// The configured provider.
pub struct Krony {
    client: std::result::Result<dkron::Client, Vec<&'static str>>,
    /// The tenant of jobs that do not name one.
    pub tenant: Attr<Text<TenantName>>,
    /// Whether creating a job that exists and equals the plan takes it over.
    pub adopts_identical: bool,
    /// Which job comes after which.
    pub lineage: Lineage,
    /// What judges changes before they are written.
    pub policies: Arc<Policies>,
}

impl Krony {
    /// With a client, or with the names of the settings that are unknown during this plan.
    pub fn new(
        client: std::result::Result<dkron::Client, Vec<&'static str>>,
        tenant: Attr<Text<TenantName>>,
        adopts_identical: bool,
        policies: Arc<Policies>,
    ) -> Self {
        Self { client, tenant, adopts_identical, lineage: Lineage::default(), policies }
    }

    /// The client, unless settings of the provider are unknown.
    pub fn known(&self) -> Option<&dkron::Client> {
        self.client.as_ref().ok()
    }

    /// The client.
    ///
    /// # Errors
    /// Names the settings that are unknown.
    pub fn require(&self) -> Result<&dkron::Client> {
        self.known().ok_or_else(|| self.unknown_settings())
    }

    /// The tenant that a question is about: the one that it names, else that of the provider block.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn tenant_for(&self, named: &Attr<Text<TenantName>>) -> Result<Option<Text<TenantName>>> {
        match if named.is_null() { &self.tenant } else { named } {
            Attr::Known(tenant) => Ok(Some(tenant.clone())),
            Attr::Null => Ok(None),
            Attr::Unknown => Err(unknown_settings(&["tenant"])),
        }
    }

    /// Why there is no client.
    pub fn unknown_settings(&self) -> Diagnostics {
        unknown_settings(self.client.as_ref().err().map(Vec::as_slice).unwrap_or_default())
    }
}

fn unknown_settings(names: &[&str]) -> Diagnostics {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let detail = format!(
        "The provider cannot ask dkron before {} of its configuration is known. Apply what it depends on first, \
         for example with `terraform apply -target=…`, or put it into another root.",
        names.join(", ")
    );
    Diagnostic::error("Provider configuration is not known yet", detail).into()
}

/// The bounds of an operation, as the client takes them.
pub fn scope<C>(context: &Context<C>) -> dkron::Scope {
    dkron::Scope { deadline: context.deadline().into(), cancel: context.cancellation().clone() }
}
