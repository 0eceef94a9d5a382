//! The real Terraform, run in a folder of its own with the provider that was just built.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{self, Finished, Group, Running};
use crate::provider::{self, ADDRESS, PROGRAM, Profile};
use crate::tools;

/// Bounds every command unless [`Workspace::limit`] says otherwise.
const LIMIT: Duration = Duration::from_secs(300);

/// What of the environment Terraform keeps. All else, above all `TF_…` and `KRONY_…`, would let the
/// user's own settings into the tests.
const KEPT: [&str; 6] = ["PATH", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "LLVM_PROFILE_FILE"];

/// A Terraform executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terraform {
    path: PathBuf,
}

impl Terraform {
    /// An executable of your choice.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The user's Terraform: `KRONY_TERRAFORM`, else the one on PATH.
    ///
    /// # Errors
    /// When there is none and none can be fetched.
    pub fn on_path() -> Result<Self> {
        Ok(Self::at(tools::terraform().obtain()?))
    }

    /// The newest Terraform that the provider is tested with.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub fn newest() -> Result<Self> {
        Ok(Self::at(tools::terraform_newest().obtain()?))
    }

    /// Terraform 1.8, the oldest with provider functions.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub fn v1_8() -> Result<Self> {
        Ok(Self::at(tools::terraform_1_8().obtain()?))
    }

    /// Terraform 1.6, the oldest that the provider is tested with.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub fn v1_6() -> Result<Self> {
        Ok(Self::at(tools::terraform_1_6().obtain()?))
    }

    /// The executable.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says its version is, as `1.11.4`.
    ///
    /// # Errors
    /// When it does not say.
    pub fn version(&self) -> Result<String> {
        let mut command = Command::new(&self.path);
        command.args(["version", "-json"]).env("CHECKPOINT_DISABLE", "1");
        let text = process::output_of("terraform version", &mut command, LIMIT)?;
        let answer: Value = serde_json::from_str(&text).context("terraform version is no JSON")?;
        let version = answer["terraform_version"].as_str();
        version.map(str::to_owned).with_context(|| format!("terraform version names none: {text}"))
    }
}

/// A temporary folder with a configuration, its state, and the settings under which Terraform runs.
///
/// The provider comes by `dev_overrides`, so `terraform init` is not needed as long as the configuration
/// uses no other provider but the built-in `terraform`.
#[derive(Debug)]
pub struct Workspace {
    terraform: Terraform,
    folder: TempDir,
    env: BTreeMap<String, OsString>,
    limit: Duration,
}

impl Workspace {
    /// An empty workspace with the provider of [`provider::provider_folder`].
    ///
    /// # Errors
    /// When the provider cannot be built or the folder not be made.
    pub fn new(terraform: &Terraform, profile: Profile) -> Result<Self> {
        Self::with_provider(terraform, &provider::provider_folder(profile)?)
    }

    /// An empty workspace with the provider in a folder of your choice.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn with_provider(terraform: &Terraform, provider_folder: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("krony-terraform-")
            .tempdir()
            .context("cannot create a temporary folder for Terraform")?;
        let workspace = Self { terraform: terraform.clone(), folder, env: BTreeMap::new(), limit: LIMIT };
        fs::create_dir(workspace.folder()).context("cannot create the folder of the configuration")?;
        fs::write(workspace.cli_config(), cli_config(provider_folder)?)
            .with_context(|| format!("cannot write {}", workspace.cli_config().display()))?;
        Ok(workspace)
    }

    /// The folder of the configuration, in which Terraform runs.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// The file that `TF_CLI_CONFIG_FILE` names.
    pub fn cli_config(&self) -> PathBuf {
        self.folder.path().join("terraform.rc")
    }

    /// Sets a variable for all commands to come.
    pub fn env(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Bounds the time of each command to come; 5 minutes if nothing is said.
    pub fn limit(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// Uses another Terraform from here on, on the same configuration and state.
    pub fn terraform(&mut self, terraform: &Terraform) -> &mut Self {
        self.terraform = terraform.clone();
        self
    }

    /// Writes a file of the configuration, in place of one by that name.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes a file of the configuration.
    ///
    /// # Errors
    /// When there is none by that name.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.folder().join(name);
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    /// Reads a file of the folder, such as one that Terraform generated.
    ///
    /// # Errors
    /// When there is none by that name.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.folder().join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Copies the files (not the folders) of an example into the workspace.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn copy_from(&self, example: &Path) -> Result<()> {
        let reading = || format!("cannot copy {}", example.display());
        for entry in fs::read_dir(example).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            if entry.file_type().with_context(reading)?.is_file() {
                fs::copy(entry.path(), self.folder().join(entry.file_name())).with_context(reading)?;
            }
        }
        Ok(())
    }

    /// A command that runs Terraform with these arguments in this workspace.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.terraform.path());
        command.args(arguments).current_dir(self.folder());
        command.env_clear();
        command.envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs([
            ("HOME", self.folder.path().as_os_str()), // no .terraformrc, no .terraform.d
            ("TF_CLI_CONFIG_FILE", self.cli_config().as_os_str()),
        ]);
        command.envs([("TF_IN_AUTOMATION", "1"), ("TF_INPUT", "0"), ("CHECKPOINT_DISABLE", "1")]);
        command.envs(&self.env);
        command
    }

    /// Runs Terraform to its end, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started or takes too long.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        process::run(&said(arguments), &mut self.command(arguments), self.limit)
    }

    /// Runs Terraform and expects success.
    ///
    /// # Errors
    /// As [`Workspace::run`], and when the exit code is not 0; the error carries all output.
    pub fn expect(&self, arguments: &[&str]) -> Result<Finished> {
        let finished = self.run(arguments)?;
        if !finished.success() {
            bail!("{} ended with code {}:\n{}", said(arguments), finished.code, finished.text());
        }
        Ok(finished)
    }

    /// Starts Terraform and returns while it runs: for tests that interrupt or kill it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, arguments: &[&str]) -> Result<Running> {
        Running::start(&said(arguments), &mut self.command(arguments), Group::Own)
    }

    /// `terraform plan`.
    ///
    /// # Errors
    /// When it does not succeed.
    pub fn plan(&self, arguments: &[&str]) -> Result<Finished> {
        self.expect(&with(&["plan", "-no-color"], arguments))
    }

    /// Whether a plan has nothing to do, outputs included.
    ///
    /// # Errors
    /// When the plan fails.
    pub fn plan_is_empty(&self, arguments: &[&str]) -> Result<bool> {
        let arguments = with(&["plan", "-no-color", "-detailed-exitcode"], arguments);
        let finished = self.run(&arguments)?;
        match finished.code {
            0 => Ok(true),
            2 => Ok(false),
            code => bail!("{} ended with code {code}:\n{}", said(&arguments), finished.text()),
        }
    }

    /// The plan as `terraform show -json` tells it.
    ///
    /// # Errors
    /// When the plan fails.
    pub fn plan_json(&self, arguments: &[&str]) -> Result<Value> {
        self.expect(&with(&["plan", "-no-color", "-out=plan.bin"], arguments))?;
        self.json(&["show", "-json", "plan.bin"])
    }

    /// `terraform apply` without a question.
    ///
    /// # Errors
    /// When it does not succeed.
    pub fn apply(&self, arguments: &[&str]) -> Result<Finished> {
        self.expect(&with(&["apply", "-no-color", "-auto-approve"], arguments))
    }

    /// `terraform destroy` without a question.
    ///
    /// # Errors
    /// When it does not succeed.
    pub fn destroy(&self, arguments: &[&str]) -> Result<Finished> {
        self.expect(&with(&["destroy", "-no-color", "-auto-approve"], arguments))
    }

    /// `terraform import ADDRESS ID`.
    ///
    /// # Errors
    /// When it does not succeed.
    pub fn import(&self, address: &str, id: &str) -> Result<Finished> {
        self.expect(&["import", "-no-color", address, id])
    }

    /// The state as `terraform show -json` tells it.
    ///
    /// # Errors
    /// When it cannot be shown.
    pub fn show(&self) -> Result<Value> {
        self.json(&["show", "-json"])
    }

    /// The attributes of a resource in the root module's state, or nothing if it is not there.
    ///
    /// # Errors
    /// When the state cannot be shown.
    pub fn attributes(&self, address: &str) -> Result<Option<Value>> {
        let state = self.show()?;
        let resources = state["values"]["root_module"]["resources"].as_array();
        let found = resources.into_iter().flatten().find(|resource| resource["address"] == address);
        Ok(found.map(|resource| resource["values"].clone()))
    }

    /// Addresses of everything in the state.
    ///
    /// # Errors
    /// When the state cannot be listed.
    pub fn state_list(&self) -> Result<Vec<String>> {
        let finished = self.run(&["state", "list"])?;
        // Before the first apply there is no state to list, which is an error to Terraform.
        if !finished.success() && !finished.stderr.contains("No state file was found") {
            bail!("terraform state list ended with code {}:\n{}", finished.code, finished.text());
        }
        Ok(finished.stdout.lines().map(str::to_owned).collect())
    }

    /// A command whose standard output is JSON.
    ///
    /// # Errors
    /// When it does not succeed or prints something else.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let finished = self.expect(arguments)?;
        serde_json::from_str(&finished.stdout)
            .with_context(|| format!("{} printed no JSON:\n{}", said(arguments), finished.stdout))
    }

    /// Keeps the folder after this handle has gone, and returns it with all it holds: `root` with
    /// configuration and state, and `terraform.rc`.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// Process ids of the providers that a running Terraform has started.
pub fn provider_pids(terraform: &Running) -> Vec<u32> {
    process::descendants_named(terraform.pid(), PROGRAM)
}

fn with<'a>(command: &[&'a str], arguments: &[&'a str]) -> Vec<&'a str> {
    [command, arguments].concat()
}

fn said(arguments: &[&str]) -> String {
    format!("terraform {}", arguments.join(" "))
}

/// A CLI configuration that takes our provider from `provider_folder` and all others as usual.
///
/// # Errors
/// When the path is not UTF-8, which the format demands.
pub fn cli_config(provider_folder: &Path) -> Result<String> {
    let folder = provider_folder
        .to_str()
        .with_context(|| format!("{} is not UTF-8, which Terraform demands", provider_folder.display()))?;
    Ok(format!(
        "provider_installation {{
  dev_overrides {{
    \"{ADDRESS}\" = \"{}\"
  }}
  direct {{}}
}}
",
        escape(folder)
    ))
}

/// A string within HCL's quotes.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::output_of;

    /// Something in Terraform's place that shows what it is given.
    fn workspace(script: &str) -> (TempDir, Workspace) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("terraform");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let workspace = Workspace::with_provider(&Terraform::at(program), folder.path()).unwrap();
        (folder, workspace)
    }

    #[test]
    fn the_cli_configuration_overrides_our_provider_only() {
        let text = cli_config(Path::new("/t/provider")).unwrap();
        assert_eq!(
            text,
            r#"provider_installation {
  dev_overrides {
    "registry.terraform.io/krony-cloud/krony" = "/t/provider"
  }
  direct {}
}
"#
        );
    }

    #[test]
    fn a_path_cannot_break_out_of_its_string() {
        assert_eq!(escape(r#"a"b\c ${d} %{e}"#), r#"a\"b\\c $${d} %%{e}"#);
    }

    #[test]
    fn nothing_of_the_users_settings_reaches_terraform() {
        let (_folder, mut workspace) = workspace("env");
        workspace.env("KRONY_ENDPOINT", "http://127.0.0.1:1");
        let mut command = workspace.command(&["plan"]);
        let shown = output_of("env", &mut command, LIMIT).unwrap();
        let mut names: Vec<&str> = shown.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        names.retain(|name| !KEPT.contains(name) && !["PWD", "SHLVL", "_", "OLDPWD"].contains(name));
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "CHECKPOINT_DISABLE",
                "HOME",
                "KRONY_ENDPOINT",
                "TF_CLI_CONFIG_FILE",
                "TF_INPUT",
                "TF_IN_AUTOMATION"
            ]
        );
    }

    #[test]
    fn the_exit_code_of_a_plan_says_whether_it_is_empty() {
        for (code, expected) in [(0, Some(true)), (2, Some(false)), (1, None)] {
            let (_folder, workspace) = workspace(&format!("echo \"$*\"; exit {code}"));
            let result = workspace.plan_is_empty(&["-refresh=false"]);
            match (result, expected) {
                (Ok(empty), Some(expected)) => assert_eq!(empty, expected),
                (Err(error), None) => assert_eq!(
                    error.to_string(),
                    "terraform plan -no-color -detailed-exitcode -refresh=false ended with code 1:\n\
                     plan -no-color -detailed-exitcode -refresh=false\n"
                ),
                (result, expected) => panic!("code {code}: {result:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn attributes_are_found_by_address() {
        let (_folder, workspace) = workspace(
            r#"echo '{"values":{"root_module":{"resources":[{"address":"krony_job.a","values":{"name":"a"}}]}}}'"#,
        );
        assert_eq!(workspace.attributes("krony_job.a").unwrap().unwrap()["name"], "a");
        assert_eq!(workspace.attributes("krony_job.b").unwrap(), None);
    }

    #[test]
    fn a_running_provider_is_found_below_terraform() {
        let (folder, workspace) = workspace(&format!("\"$(dirname \"$0\")/{PROGRAM}\" 60 & wait"));
        fs::copy("/bin/sleep", folder.path().join(PROGRAM)).unwrap();
        let running = workspace.spawn(&["apply"]).unwrap();
        let found = process::wait_for("the provider", LIMIT, || Ok(provider_pids(&running).pop())).unwrap();
        assert_ne!(found, running.pid());
    }

    #[test]
    fn files_of_an_example_are_copied() {
        let (folder, workspace) = workspace("");
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("main.tf"), "text").unwrap();
        workspace.copy_from(folder.path()).unwrap();
        assert_eq!(workspace.read("main.tf").unwrap(), "text");
        assert!(workspace.read("sub").is_err());
    }
}
