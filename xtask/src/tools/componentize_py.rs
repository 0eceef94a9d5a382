//! componentize-py, which makes a hook of Python: the wheel of PyPI, unpacked.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::terraform::interpreter;
use super::{Part, Recipe, perform, write_script};
use crate::progress::Task;

/// The wheels for Linux, on x86_64 and aarch64.
const SHA256: [&str; 2] = [
    "8623cd8cab8453cb0cd8bf03f3c7103420d06f2f3d360186a280a70a1ca5e89f",
    "7b6a87c520358166843af0daa86d2312d7af4cbcbbf1e598951085cf7f2991ca",
];

/// componentize-py: `KRONY_COMPONENTIZE_PY`, else fetched once.
pub fn componentize_py() -> Part {
    Part {
        name: "componentize-py",
        version: "0.25.1",
        variable: "KRONY_COMPONENTIZE_PY",
        program: None, // another version may generate other names
        recipe: Recipe {
            tool: "componentize-py",
            file: "componentize-py",
            doing: "Fetching",
            usual: "a few seconds, once",
            needs: "Linux, python3 with pip on PATH and access to PyPI",
            build,
        },
    }
}

fn build(part: &Part, folder: &Path, task: &mut Task) -> Result<()> {
    // pip verifies hashes only for requirements that stand in a file.
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, requirement(part.version))
        .with_context(|| format!("cannot write {}", requirements.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"]);
    pip.args(["--progress-bar=off", "--target"]).arg(folder.join("packages"));
    pip.arg("--requirement").arg(&requirements);
    perform("pip install", &mut pip, task)?;
    write_script(&folder.join("componentize-py"), &wrapper(&interpreter()?))
}

fn requirement(version: &str) -> String {
    let hashes = SHA256.map(|hash| format!(" --hash=sha256:{hash}")).concat();
    format!("componentize-py=={version}{hashes}\n")
}

fn wrapper(interpreter: &str) -> String {
    format!(
        r#"#!/bin/sh
# componentize-py out of the packages beside it.
here=$(dirname "$(readlink -f "$0")")
python='{interpreter}'
[ -x "$python" ] || python=python3
PYTHONPATH=$here/packages exec "$python" "$here/packages/bin/componentize-py" "$@"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_hashes_are_pinned() {
        let requirement = requirement("1.2.3");
        assert!(requirement.starts_with("componentize-py==1.2.3 --hash=sha256:8623cd8c"), "{requirement}");
        assert_eq!(requirement.matches("--hash").count(), SHA256.len());
    }
}
