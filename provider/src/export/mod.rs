//! `terraform-provider-krony export`: the jobs of a cluster as configuration that imports them.
//!
//! ```text
//! settings ─→ dkron::Client ─→ jobs ─→ root      which jobs, as which resources and variables; pure
//!                                       ├─→ labels   names for them
//!                                       └─→ hcl      how that is written down
//!                                     output    files, all of them or none
//! ```

mod hcl;
mod labels;
mod output;
mod root;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Text, TextType},
};
use tokio::runtime;

use self::{
    output::{Staged, Target},
    root::Root,
};
use crate::{
    problem, settings,
    settings::ProviderBlock,
    text::{Endpoint, TenantName, sentence},
};

pub use self::labels::label;

/// How long the jobs may take to arrive.
const PATIENCE: Duration = Duration::from_secs(300);

/// Writes the jobs of a dkron as Terraform configuration, with a block that imports each of them.
///
/// How to reach dkron is said by the provider's environment variables, such as KRONY_TOKEN. Secrets are not part of the
/// configuration: it has a variable for each of them.
#[derive(Args)]
pub struct Arguments {
    /// Address of dkron's API; else that of KRONY_ENDPOINT or KRONY_ENDPOINTS.
    #[arg(long, value_name = "URL", value_parser = checked::<Endpoint>)]
    endpoint: Option<String>,
    /// Only the jobs of this tenant; else those of KRONY_TENANT, else all jobs.
    #[arg(long, value_name = "NAME", value_parser = checked::<TenantName>)]
    tenant: Option<String>,
    /// Folder for versions.tf, variables.tf, jobs.tf and imports.tf; without it, all is printed.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// File for the values of the secrets, such as secrets.auto.tfvars, which only you can read.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
}

fn checked<T: TextType>(text: &str) -> std::result::Result<String, String> {
    T::check(text).map(|()| text.to_owned())
}

/// Exports. What went wrong is said on stderr.
pub fn run(arguments: &Arguments, user_agent: String) -> ExitCode {
    match try_run(arguments, user_agent) {
        Ok(()) => ExitCode::SUCCESS,
        Err(findings) => {
            tell_all("Error", findings);
            ExitCode::FAILURE
        }
    }
}

fn tell_all(kind: &str, findings: Diagnostics) {
    for finding in findings {
        tell(&format!("{kind}: {}\n\n{}", finding.summary, finding.detail));
    }
}

/// Where stderr is gone there is nobody to tell.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn try_run(arguments: &Arguments, user_agent: String) -> Result<()> {
    output::refuse_existing(&arguments.targets(&Root::default()))?;
    let block = ProviderBlock {
        endpoint: arguments.endpoint.as_deref().map(Text::new).into(),
        tenant: arguments.tenant.as_deref().map(Text::new).into(),
        ..ProviderBlock::default()
    };
    let environment = |name: &str| std::env::var(name).ok();
    let tenant = settings::tenant(&block, &environment)?;
    let config = settings::client_config(&block, &environment, user_agent)?;
    tell_all("Warning", settings::warnings(&config));
    let jobs = jobs(config)?;
    let root = Root::new(&jobs, tenant.known().map(|tenant| &**tenant));
    let staged = Staged::new(&arguments.targets(&root))?;
    if arguments.output.is_none() {
        let printed = io::stdout().write_all(root.text().as_bytes());
        printed.map_err(|error| failure("The configuration could not be printed", error))?;
    }
    staged.keep()?;
    tell(&root.summary(arguments.secrets.as_deref()));
    Ok(())
}

/// All jobs of the cluster.
fn jobs(config: dkron::Config) -> Result<Vec<dkron::Job>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failure("The export cannot start", error))?;
    runtime.block_on(async {
        let client = dkron::Client::new(config).map_err(|error| problem::config(&error))?;
        let found = client.list(&dkron::Scope::lasting(PATIENCE), &dkron::Filter::default()).await;
        found.map_err(|error| problem::question("Jobs could not be listed", &error))
    })
}

fn failure(summary: &str, error: impl std::fmt::Display) -> Diagnostics {
    Diagnostic::error(summary, sentence(error)).into()
}

impl Arguments {
    /// The files to be written. Which ones, does not depend on the jobs.
    fn targets(&self, root: &Root) -> Vec<Target> {
        let public = self.output.iter().flat_map(|folder| {
            root.files().into_iter().map(|(name, text)| Target {
                path: folder.join(name),
                text,
                secret: false,
            })
        });
        let secrets = self.secrets.iter();
        let secrets = secrets.map(|path| Target { path: path.clone(), text: root.secrets(), secret: true });
        public.chain(secrets).collect()
    }
}
