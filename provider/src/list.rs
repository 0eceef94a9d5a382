//! `list "krony_job"`.

use tfplugin::{
    context::Context,
    diagnostic::Result,
    list::{ListResource, Listed, Results},
    model,
    model::{Map, Text},
};

use crate::{
    client::Krony,
    job::{self, JobResource},
    selection::{Selection, Status},
    text::TenantName,
};

model! {
    /// Which jobs are listed: all of them, or those that fit every filter that is set.
    ///
    /// `terraform query` reads `list` blocks from files whose names end in `.tfquery.hcl`. With `-generate-config-out` it
    /// writes the configuration of what it finds with import blocks, but for values that may be secret (headers,
    /// environment variables, passwords): Terraform leaves those empty, and the plan shows what it would remove. Fill
    /// them in before you apply.
    pub struct JobListConfig {
        /// Tenant of the jobs; by default the one of the provider block. Without one, the jobs of all tenants are listed.
        tenant: Text<TenantName> = optional(),
        /// Text that the name in dkron or the display name contains, in the same letter case.
        name_contains: String = optional(),
        /// Labels that a job has.
        metadata: Map<String> = optional(),
        /// How the last run of a job ended; `untriggered` before the first one.
        status: Text<Status> = optional(),
        /// Whether a job is kept from running.
        disabled: bool = optional(),
    }
}

/// The list.
pub struct JobList;

impl ListResource for JobList {
    type Resource = JobResource;
    type Config = JobListConfig;

    async fn list(
        &self,
        context: &Context<Krony>,
        config: JobListConfig,
        results: &mut Results<JobResource>,
    ) -> Result<()> {
        let selection = Selection {
            tenant: context.client().tenant_for(&config.tenant)?,
            name_contains: config.name_contains.known(),
            metadata: config.metadata.known(),
            status: config.status.known(),
            disabled: config.disabled.known().copied(),
        };
        for found in selection.find(context).await? {
            let state = results.wants_state().then(|| job::imported(&found));
            let display_name = if found.displayname.is_empty() { &found.name } else { &found.displayname };
            let listed =
                Listed { identity: job::identity_of(&found), display_name: display_name.clone(), state };
            if !results.send(listed).await {
                break;
            }
        }
        Ok(())
    }
}
