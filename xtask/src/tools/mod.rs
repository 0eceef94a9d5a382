//! The real parts that tests and the demo drive: found where the user has them, else built or
//! fetched once and kept in the [cache](crate::cache).

mod cargo_deny;
mod componentize_py;
mod dkron;
mod jco;
mod terraform;
mod wrk;

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

pub use cargo_deny::cargo_deny;
pub use componentize_py::componentize_py;
pub use dkron::dkron;
pub use jco::jco;
pub use terraform::{terraform, terraform_1_6, terraform_1_8, terraform_newest};
pub use wrk::wrk;

use crate::cache::Cache;
use crate::process::{self, Group, Running};
use crate::progress::{self, Task};

/// Every part, in the order in which `cargo xtask tools` gets them.
pub fn all() -> Vec<Part> {
    vec![
        dkron(),
        terraform(),
        terraform_newest(),
        terraform_1_8(),
        terraform_1_6(),
        componentize_py(),
        jco(),
        cargo_deny(),
        wrk(),
    ]
}

/// A program that is not ours.
#[derive(Clone, Debug)]
pub struct Part {
    /// What people call it.
    pub name: &'static str,
    /// The version that is built when none is found.
    pub version: &'static str,
    /// The environment variable that names an executable to use instead.
    pub variable: &'static str,
    /// Its name on PATH, for parts that are taken from there.
    program: Option<&'static str>,
    recipe: Recipe,
}

/// How a part is made.
#[derive(Clone, Debug)]
struct Recipe {
    /// Folder in the cache.
    tool: &'static str,
    /// Path of the executable below its entry in the cache.
    file: &'static str,
    /// What is done, for the progress display.
    doing: &'static str,
    /// How long that takes as a rule.
    usual: &'static str,
    /// What the machine needs for it.
    needs: &'static str,
    /// Fills an empty folder.
    build: fn(&Part, &Path, &mut Task) -> Result<()>,
}

/// Where a part was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The executable.
    pub path: PathBuf,
    /// Which of the places it was.
    pub origin: Origin,
}

/// The places where a part may be, in the order in which they are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable names it.
    Variable(&'static str),
    /// It is on PATH.
    Path,
    /// It was built before.
    Cache,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Path => f.write_str("PATH"),
            Self::Cache => f.write_str("cache"),
        }
    }
}

impl Part {
    /// Finds the part without building anything.
    ///
    /// # Errors
    /// When the environment variable names something that is not an executable file, or there is no cache.
    pub fn locate(&self) -> Result<Option<Found>> {
        self.locate_in(&Cache::of_user()?, env::var_os(self.variable).map(PathBuf::from))
    }

    fn locate_in(&self, cache: &Cache, named: Option<PathBuf>) -> Result<Option<Found>> {
        if let Some(path) = named.filter(|path| !path.as_os_str().is_empty()) {
            if !process::is_executable(&path) {
                bail!("{} is {}, which is not an executable file", self.variable, path.display());
            }
            return Ok(Some(Found { path, origin: Origin::Variable(self.variable) }));
        }
        if let Some(path) = self.program.and_then(process::on_path) {
            return Ok(Some(Found { path, origin: Origin::Path }));
        }
        let path = cache.path(self.recipe.tool, self.version, self.recipe.file);
        Ok(path.exists().then_some(Found { path, origin: Origin::Cache }))
    }

    /// The executable, built first where it is nowhere to be found.
    ///
    /// # Errors
    /// When it cannot be built; the error says what that needs, and which variable to set instead.
    pub fn obtain(&self) -> Result<PathBuf> {
        if let Some(found) = self.locate()? {
            return Ok(found.path);
        }
        let Recipe { tool, file, doing, usual, needs, build } = self.recipe;
        let title = format!("{doing} {} {}", self.name, self.version);
        let waiting = || progress::say(&format!("… another run is at it: {title}"));
        let work = |folder: &Path| {
            let mut task = Task::start(title.clone(), usual);
            build(self, folder, &mut task)?;
            task.done("");
            Ok(())
        };
        Cache::of_user()?.get_or_build((tool, self.version, file), waiting, work).with_context(|| {
            format!(
                "{} {} is needed and could not be made: that needs {needs}. \
                 Or set {} to an executable you have",
                self.name, self.version, self.variable
            )
        })
    }
}

/// The checkout that this program was compiled in.
pub(crate) fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Runs one command of a recipe and shows its last line as progress.
pub(crate) fn perform(name: &str, command: &mut Command, task: &mut Task) -> Result<()> {
    let mut running = Running::start_merged(name, command, Group::Own)?;
    let status = running.wait_with(Duration::from_secs(3600), |output| task.note(&output.tail(1)))?;
    if !status.success() {
        bail!("{name} failed ({status}):\n{}", running.output().tail(40));
    }
    Ok(())
}

/// Writes a shell script that may be executed.
fn write_script(path: &Path, text: &str) -> Result<()> {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn part() -> Part {
        Part {
            name: "tool",
            version: "v1",
            variable: "KRONY_TOOL",
            program: None,
            recipe: Recipe {
                tool: "tool",
                file: "bin/tool",
                doing: "Building",
                usual: "",
                needs: "luck",
                build: |_, _, _| Ok(()),
            },
        }
    }

    #[test]
    fn the_variable_beats_path_and_path_beats_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        assert_eq!(part().locate_in(&cache, None).unwrap(), None);

        let cached = folder.path().join("tool/v1/bin/tool");
        fs::create_dir_all(cached.parent().unwrap()).unwrap();
        write_script(&cached, "").unwrap();
        let origin = |part: &Part, named: Option<&str>| {
            part.locate_in(&cache, named.map(PathBuf::from)).unwrap().map(|found| found.origin)
        };
        assert_eq!(origin(&part(), None), Some(Origin::Cache));
        assert_eq!(origin(&part(), Some("")), Some(Origin::Cache));

        let on_path = Part { program: Some("sh"), ..part() };
        assert_eq!(origin(&on_path, None), Some(Origin::Path));
        assert_eq!(origin(&on_path, cached.to_str()), Some(Origin::Variable("KRONY_TOOL")));
    }

    #[test]
    fn a_variable_that_names_nothing_is_an_error() {
        let error = part().locate_in(&Cache::at("/c"), Some("/nowhere".into())).unwrap_err().to_string();
        assert_eq!(error, "KRONY_TOOL is /nowhere, which is not an executable file");
    }

    #[test]
    fn parts_do_not_share_variables_or_entries() {
        let mut keys: Vec<_> =
            all().iter().flat_map(|part| [part.variable.to_owned(), part.name.to_owned()]).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
