//! dkron, built by Go from the version that `tools/dkron/go.mod` pins.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{Part, Recipe, perform, repository};
use crate::progress::Task;

const GO_MOD: &str = include_str!("../../../tools/dkron/go.mod");
const MODULE: &str = "github.com/distribworks/dkron/v4";

/// The dkron that tests and the demo run. Named by `KRONY_DKRON`, else built once.
pub fn dkron() -> Part {
    Part {
        name: "dkron",
        version: required_version(GO_MOD, MODULE).unwrap_or("unpinned"),
        variable: "KRONY_DKRON",
        program: None,
        recipe: Recipe {
            tool: "dkron",
            file: "dkron",
            doing: "Building",
            usual: "about 6 minutes, once",
            needs: "Go 1.26 on PATH and access to the Go module proxy",
            build,
        },
    }
}

fn build(_: &Part, folder: &Path, task: &mut Task) -> Result<()> {
    let mut go = Command::new("go");
    // -v names each package as it is compiled, which is the progress shown.
    go.args(["build", "-v", "-o"]).arg(folder.join("dkron")).arg(MODULE);
    go.current_dir(repository().join("tools/dkron")).env("GOWORK", "off");
    perform("go build", &mut go, task)
}

/// The version that a go.mod requires of a module.
fn required_version<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.trim().trim_start_matches("require ").split_whitespace();
        (words.next()? == module).then(|| words.next())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_pinned_one() {
        assert_eq!(dkron().version, "v4.0.5");
    }

    #[test]
    fn versions_are_found_in_both_forms_of_require() {
        let go_mod = "module m\n\ntool a/b\n\nrequire a/b v1.2.3\n\nrequire (\n\tc/d v2.0.0 // indirect\n)\n";
        assert_eq!(required_version(go_mod, "a/b"), Some("v1.2.3"));
        assert_eq!(required_version(go_mod, "c/d"), Some("v2.0.0"));
        assert_eq!(required_version(go_mod, "e/f"), None);
    }
}
