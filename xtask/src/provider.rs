//! Our own programs, built.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process::{Group, Running};
use crate::progress::Task;

/// The provider's executable, by the name that Terraform looks for.
pub const PROGRAM: &str = "terraform-provider-krony";
/// The receiver's executable.
pub const RECEIVER: &str = "krony-receiver";
/// The address by which configurations name the provider.
pub const ADDRESS: &str = "registry.terraform.io/krony-cloud/krony";
/// Names a folder with a built provider, so that tests need not build it themselves.
pub const FOLDER_VARIABLE: &str = "KRONY_PROVIDER_DIR";

/// How a program is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Debug,
    /// Quick to run; what users get.
    Release,
}

/// A folder that holds the provider's executable and nothing else, as `dev_overrides` wants it: the one
/// that `KRONY_PROVIDER_DIR` names, else freshly built.
///
/// # Errors
/// When the folder named holds no provider, or the build fails; the error carries the compiler's words.
pub fn provider_folder(profile: Profile) -> Result<PathBuf> {
    if let Some(folder) = env::var_os(FOLDER_VARIABLE).map(PathBuf::from) {
        ensure!(
            folder.join(PROGRAM).is_file(),
            "{FOLDER_VARIABLE} is {}, which holds no {PROGRAM}",
            folder.display()
        );
        return Ok(folder);
    }
    let program = build(PROGRAM, profile)?;
    folder_of_its_own(&program)
}

/// Builds one of our binaries and returns its path.
///
/// # Errors
/// When the build fails; the error carries the compiler's words.
pub fn build(program: &str, profile: Profile) -> Result<PathBuf> {
    let mut task = Task::start(format!("Building {program}"), "some minutes when nothing is built yet");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // With the features that the whole workspace asks for, so that all builds share what they compile.
    command.args(["build", "--locked", "--workspace", "--bin", program]);
    command.arg("--message-format=json-render-diagnostics").current_dir(crate::tools::repository());
    if profile == Profile::Release {
        command.arg("--release");
    }
    let mut running = Running::start("cargo build", &mut command, Group::Own)?;
    let status =
        running.wait_with(Duration::from_secs(3600), |output| task.note(last_line(&output.stderr())))?;
    if !status.success() {
        bail!("building {program} failed:\n{}", running.output().stderr());
    }
    let program = executable(&running.output().stdout())
        .with_context(|| format!("cargo built no executable called {program}"))?;
    task.done("");
    Ok(program)
}

fn last_line(text: &str) -> &str {
    text.lines().next_back().unwrap_or_default()
}

/// The executable that cargo's messages speak of.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut paths = messages.filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    paths.next_back()
}

/// Links the program into a folder beside it: what cargo keeps there is not Terraform's to search.
fn folder_of_its_own(program: &Path) -> Result<PathBuf> {
    let parent = program.parent().with_context(|| format!("{} has no folder", program.display()))?;
    let folder = parent.join("provider");
    let link = folder.join(PROGRAM);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Made aside and renamed, so that no test ever finds it missing. A copy where links are refused.
    let staging = tempfile::tempdir_in(parent).context("cannot create a temporary folder")?;
    let fresh = staging.path().join(PROGRAM);
    fs::hard_link(program, &fresh)
        .or_else(|_| fs::copy(program, &fresh).map(drop))
        .and_then(|()| fs::rename(&fresh, &link))
        .with_context(|| format!("cannot link {} to {}", program.display(), link.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/t/debug/terraform-provider-krony"}
not json
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some("/t/debug/terraform-provider-krony".into()));
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn the_folder_holds_the_program_and_follows_a_rebuild() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(PROGRAM);
        for text in ["old", "new"] {
            // Cargo replaces the file, it does not write into it.
            let _ = fs::remove_file(&program);
            fs::write(&program, text).unwrap();
            let own = folder_of_its_own(&program).unwrap();
            assert_eq!(fs::read_to_string(own.join(PROGRAM)).unwrap(), text);
            assert_eq!(fs::read_dir(own).unwrap().count(), 1);
        }
    }
}
