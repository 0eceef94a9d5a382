//! A provider process that outlives Terraform's commands, so that it can be looked at between them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use xtask::process::{Group, Running, wait_for};
use xtask::provider::PROGRAM;
use xtask::terraform::{Terraform, Workspace};

use super::{cpu_time, peak_memory};

/// The provider in debug mode, and a workspace whose Terraform uses it.
pub(super) struct Served {
    provider: Running,
    workspace: Workspace,
}

impl Served {
    /// Starts the provider that is in `folder`.
    pub(super) fn start(folder: &Path, terraform: &Terraform) -> Result<Self> {
        let mut command = Command::new(folder.join(PROGRAM));
        command.arg("-debug");
        let provider = Running::start("provider", &mut command, Group::Own)?;
        let address = wait_for("the provider's address", Duration::from_secs(10), || {
            let text = format!("{}{}", provider.output().stdout(), provider.output().stderr());
            Ok(text
                .split_once("TF_REATTACH_PROVIDERS='")
                .and_then(|(_, rest)| Some(rest.split_once('\'')?.0.to_owned())))
        })?;
        let mut workspace = Workspace::with_provider(terraform, folder)?;
        workspace.env("TF_REATTACH_PROVIDERS", address).limit(super::LIMIT);
        Ok(Self { provider, workspace })
    }

    pub(super) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Runs a command; returns the processor time that the provider spent on it.
    pub(super) fn cpu_of(&self, arguments: &[&str]) -> Result<Duration> {
        let before = cpu_time(self.provider.pid())?;
        self.workspace.expect(arguments)?;
        cpu_time(self.provider.pid())?.checked_sub(before).context("processor time ran backwards")
    }

    /// The most memory that the provider has had resident so far, in MiB.
    pub(super) fn peak_memory(&self) -> Result<f64> {
        peak_memory(self.provider.pid())
    }
}
