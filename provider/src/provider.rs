//! The provider: configuration becomes a client; the table of what there is.

use tfplugin::{
    diagnostic::{Diagnostics, Result},
    provider::{Configured, Offers, Provider, Settings},
};

use crate::{
    action::JobRun,
    client::Krony,
    data::{ClusterData, ExecutionsData, JobData, JobsData},
    functions::{FullName, ParseFullName, ScheduleDescribe, ScheduleNext},
    hooks::Hooks,
    job::JobResource,
    list::JobList,
    problem,
    settings::{self, ProviderBlock},
};

/// Where the provider comes from.
pub const ADDRESS: &str = "registry.terraform.io/krony-cloud/krony";

/// The krony provider.
#[derive(Default)]
pub struct KronyProvider {
    hooks: Hooks,
}

impl Provider for KronyProvider {
    type Config = ProviderBlock;
    type Client = Krony;
    const NAME: &'static str = "krony";
    const ADDRESS: &'static str = ADDRESS;

    async fn check(&self, block: &ProviderBlock) -> Diagnostics {
        let mut findings = settings::check(block);
        findings.extend(self.hooks.validate(block, &variable).await);
        findings
    }

    async fn configure(&self, settings: Settings<ProviderBlock>) -> Result<Configured<Krony>> {
        let adopts_identical = variable("KRONY_ADOPT").as_deref() == Some("identical");
        let tenant = settings::tenant(&settings.config, &variable)?;
        let (policies, mut warnings) = self.hooks.configure(&settings.config, &variable).await?;
        let unknown = settings::unknown(&settings.config);
        if !unknown.is_empty() {
            let client = Krony::new(Err(unknown), tenant, adopts_identical, policies);
            return Ok(Configured { deferred: true, warnings, ..Configured::new(client) });
        }
        let config =
            settings::client_config(&settings.config, &variable, user_agent(&settings.terraform_version))?;
        warnings.extend(settings::warnings(&config));
        let client = dkron::Client::new(config).map_err(|error| problem::config(&error))?;
        let client = Krony::new(Ok(client), tenant, adopts_identical, policies);
        Ok(Configured { warnings, ..Configured::new(client) })
    }

    fn offers(&self) -> Offers<Krony> {
        Offers::new()
            .resource(JobResource::new(self.hooks.clone()))
            .list_resource(JobList)
            .action(JobRun)
            .data_source(JobData)
            .data_source(JobsData)
            .data_source(ExecutionsData)
            .data_source(ClusterData)
            .function(ScheduleNext)
            .function(ScheduleDescribe)
            .function(FullName)
            .function(ParseFullName)
    }
}

/// Reads an environment variable. What is no text in it is replaced, and so found to be wrong where it is used.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn user_agent(terraform_version: &str) -> String {
    format!("terraform-provider-krony/{} Terraform/{terraform_version}", env!("CARGO_PKG_VERSION"))
}
