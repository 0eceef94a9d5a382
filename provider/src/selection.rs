//! Which jobs a question is about.

use dkron::{Filter, Job};
use tfplugin::{
    context::Context,
    diagnostic::Result,
    model::{Map, Text, TextType},
};

use crate::{
    client::{Krony, scope},
    full_name::RESERVED_PREFIX,
    job, problem,
    text::{TenantName, one_of},
};

/// How the last run of a job ended.
#[derive(Clone)]
pub enum Status {}

impl TextType for Status {
    const NAME: &'static str = "status";
    const ALLOWED: &'static [&'static str] = &["success", "failed", "partially_failed", "untriggered"];

    fn check(text: &str) -> std::result::Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

/// Filters of jobs: those that are set must all fit.
pub struct Selection<'a> {
    /// Tenant of the job.
    pub tenant: Option<Text<TenantName>>,
    /// Text that the name in dkron or the display name contains.
    pub name_contains: Option<&'a String>,
    /// Labels that the job has.
    pub metadata: Option<&'a Map<String>>,
    /// How its last run ended.
    pub status: Option<&'a Text<Status>>,
    /// Whether it is kept from running.
    pub disabled: Option<bool>,
}

impl Selection<'_> {
    /// The jobs that fit, by their names in dkron. krony's own are never among them.
    ///
    /// # Errors
    /// When dkron cannot be asked.
    pub async fn find(&self, context: &Context<Krony>) -> Result<Vec<Job>> {
        let metadata = self.metadata.into_iter().flat_map(Map::known);
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.clone()));
        let tenant = self.tenant.as_deref();
        let filter = Filter {
            metadata: metadata.chain(tenant.map(job::tenant_mark)).collect(),
            text: self.name_contains.cloned(),
            disabled: self.disabled,
            status: self.status.map(ToString::to_string),
        };
        let client = context.client().require()?;
        let found = client.list(&scope(context), &filter).await;
        let mut found = found.map_err(|error| problem::question("Jobs could not be listed", &error))?;
        found.retain(|found| {
            let is_tenants = tenant.is_none() || job::owner(found).0 == tenant;
            is_tenants && !found.name.starts_with(RESERVED_PREFIX)
        });
        Ok(found)
    }
}
