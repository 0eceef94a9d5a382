//! Whose job it is, and what it is called: import by id and by identity.

use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    model,
    model::{Attr, Text, TextType},
    resource::expect_known,
};

use super::model::Job;
use crate::{
    full_name,
    text::{JobName, TenantName},
};

model! {
    /// What tells a job from all others of a cluster.
    pub struct Identity {
        /// Name of the job.
        name: Text<JobName> = required(),
        /// Tenant that the job belongs to, if it has one.
        tenant: Text<TenantName> = optional(),
    }
}

/// The state from which an import by id begins. The id is a full name, or `tenant/name`.
pub(super) fn from_import_id(id: &str) -> Result<Job> {
    match id.split_once('/') {
        Some((tenant, name)) => {
            state(Some(tenant), name).map_err(|detail| invalid("Invalid import id", detail))
        }
        None => state(None, id).map_err(|detail| invalid("Invalid import id", detail)),
    }
}

/// The state from which an import by identity begins.
pub(super) fn from_identity(identity: &Identity) -> Result<Job> {
    let name = expect_known(&identity.name, "name")?;
    let tenant = identity.tenant.known().map(|tenant| &**tenant);
    let job = state(tenant, name).map_err(|detail| invalid("Invalid identity", detail))?;
    // Without a tenant it is a job without a tenant, whatever its name looks like.
    Ok(Job { full_name: full_name(&job), ..job })
}

/// What imports the job as this one.
pub(super) fn import_id(job: &Job) -> String {
    let name = job.name.known().map(|name| &**name).unwrap_or_default();
    tenant(job).map_or_else(|| name.to_owned(), |tenant| format!("{tenant}/{name}"))
}

/// Whether state holds no more of the job than an import was told.
pub(super) fn is_imported(state: &Job) -> bool {
    state.id.is_null()
}

/// Whether an import was told no more than a full name, which may be that of a tenant's job.
fn is_open(state: &Job) -> bool {
    is_imported(state) && state.tenant.is_null() && state.full_name.is_null()
}

/// The identity of a job in state; none as long as only dkron can tell.
pub(super) fn identity(state: &Job) -> Option<Identity> {
    (!is_open(state)).then(|| Identity { name: state.name.clone(), tenant: state.tenant.clone() })
}

/// The tenant of the job, if it has one and it is known.
pub(super) fn tenant(job: &Job) -> Option<&str> {
    job.tenant.known().map(|tenant| &**tenant)
}

/// The name of the job in dkron, which depends on its tenant.
pub(super) fn full_name(job: &Job) -> Attr<String> {
    match (&job.tenant, &job.name) {
        (Attr::Unknown, _) | (_, Attr::Unknown | Attr::Null) => Attr::Unknown,
        (_, Attr::Known(name)) => Attr::Known(full_name::compose(tenant(job), name).into_owned()),
    }
}

/// Whether the job as planned is another one: the one in state is deleted for it.
pub(super) fn is_replaced(prior: &Job, planned: &Job) -> bool {
    let is_new = |known: bool, same: bool| known && !same;
    is_new(planned.name.known().is_some(), planned.name == prior.name)
        || is_new(!planned.tenant.is_unknown(), planned.tenant == prior.tenant)
}

/// Metadata key of a tenant's job: the tenant.
const TENANT: &str = "krony.tenant";
/// Metadata key of a tenant's job: who takes care of it.
const MANAGED_BY: &str = "krony.managed-by";

/// The metadata by which dkron knows whose job it is.
pub(super) fn marks(job: &Job) -> impl Iterator<Item = (String, String)> {
    let marks = tenant(job).map(|tenant| [(TENANT, tenant), (MANAGED_BY, "terraform")]);
    marks.into_iter().flatten().map(|(key, value)| (key.to_owned(), value.to_owned()))
}

/// Whether metadata says that the job is this tenant's.
pub(super) fn is_marked(found: &dkron::Job, tenant: &str) -> bool {
    found.metadata.get(TENANT).is_some_and(|marked| marked == tenant)
}

/// The mark by which a tenant's jobs are found.
pub fn tenant_mark(tenant: &str) -> (String, String) {
    (TENANT.to_owned(), tenant.to_owned())
}

/// Tenant and name of a job that no state knows.
pub fn owner(found: &dkron::Job) -> (Option<&str>, &str) {
    of(found, &Job::default())
}

/// The identity of a job that no state knows.
pub fn identity_of(found: &dkron::Job) -> Identity {
    let (tenant, name) = owner(found);
    Identity { name: Attr::Known(Text::new(name)), tenant: tenant.map(Text::new).into() }
}

/// Tenant and name of a job that was found. Those in state stay; an import of a full name believes the job's metadata.
pub(super) fn of<'a>(found: &'a dkron::Job, state: &Job) -> (Option<&'a str>, &'a str) {
    let is_tenants = |candidate: &str| match tenant(state) {
        Some(tenant) => tenant == candidate,
        None => is_open(state) && is_marked(found, candidate),
    };
    match full_name::split(&found.name).filter(|(tenant, _)| is_tenants(tenant)) {
        Some((tenant, name)) => (Some(tenant), name),
        None => (None, &found.name),
    }
}

fn invalid(summary: &str, detail: String) -> Diagnostics {
    Diagnostic::error(summary, detail).into()
}

fn state(tenant: Option<&str>, name: &str) -> std::result::Result<Job, String> {
    if let Some(tenant) = tenant {
        TenantName::check(tenant)?;
        full_name::check_in_tenant(name)?;
    }
    JobName::check(name)?;
    Ok(Job { tenant: tenant.map(Text::new).into(), name: Attr::Known(Text::new(name)), ..Job::default() })
}

#[cfg(test)]
mod tests;
