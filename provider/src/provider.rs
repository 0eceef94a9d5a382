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
    job::JobResource,
    list::JobList,
    problem,
    settings::{self, ProviderBlock},
};

/// Where the provider comes from.
pub const ADDRESS: &str = "registry.terraform.io/krony-cloud/krony";

/// The krony provider.
pub struct KronyProvider;

impl Provider for KronyProvider {
    type Config = ProviderBlock;
    type Client = Krony;
    const NAME: &'static str = "krony";
    const ADDRESS: &'static str = ADDRESS;

    fn check(&self, block: &ProviderBlock) -> Diagnostics {
        settings::check(block)
    }

    async fn configure(&self, settings: Settings<ProviderBlock>) -> Result<Configured<Krony>> {
        let environment = |name: &str| std::env::var(name).ok();
        let adopts_identical = environment("KRONY_ADOPT").as_deref() == Some("identical");
        let tenant = settings::tenant(&settings.config, &environment)?;
        let unknown = settings::unknown(&settings.config);
        if !unknown.is_empty() {
            let client = Krony::new(Err(unknown), tenant, adopts_identical);
            return Ok(Configured { deferred: true, ..Configured::new(client) });
        }
        let config =
            settings::client_config(&settings.config, &environment, user_agent(&settings.terraform_version))?;
        let warnings = settings::warnings(&config);
        let client = dkron::Client::new(config).map_err(|error| problem::config(&error))?;
        Ok(Configured { warnings, ..Configured::new(Krony::new(Ok(client), tenant, adopts_identical)) })
    }

    fn offers(&self) -> Offers<Krony> {
        Offers::new()
            .resource(JobResource)
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

fn user_agent(terraform_version: &str) -> String {
    format!("terraform-provider-krony/{} Terraform/{terraform_version}", env!("CARGO_PKG_VERSION"))
}
