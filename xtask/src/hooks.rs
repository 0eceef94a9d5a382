//! Hooks, built: the examples in `examples/hooks/`, and projects that `hook new` made.
//!
//! What is built of the examples is kept in the [cache](crate::cache) under a digest of its sources: it is built once for each state of
//! them, by whichever test asks first.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::cache::{self, Cache};
use crate::process;
use crate::progress::{self, Task};
use crate::tools;

/// The target of hooks in Rust: it has no system, and so they import none.
const RUST_TARGET: &str = "wasm32-unknown-unknown";

/// An example hook.
#[derive(Clone, Copy, Debug)]
struct Example {
    name: &'static str,
    /// How it is built; not at all where a source is the hook.
    build: Option<Build>,
}

/// Writes the hook of a project to a file.
type Build = fn(&Project, &Path) -> Result<()>;

/// The sources of a hook.
struct Project {
    name: String,
    folder: PathBuf,
    /// The folder of the interface that it is built against.
    wit: PathBuf,
}

const EXAMPLES: [Example; 6] = [
    Example { name: "require-owner", build: Some(rust) },
    Example { name: "cap-frequency", build: Some(rust) },
    Example { name: "no-night-runs", build: Some(python) },
    Example { name: "allowed-hosts", build: Some(javascript) },
    Example { name: "no-plain-http", build: Some(go) },
    Example { name: "cap-retries", build: None },
];

/// The names of all example hooks.
pub fn names() -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().map(|example| example.name)
}

/// The folder of an example: its sources, and its golden cases in `cases`.
pub fn folder(name: &str) -> PathBuf {
    tools::repository().join("examples/hooks").join(name)
}

/// The hook of an example, built if it or its tools have changed since.
///
/// # Errors
/// When there is no such example, the tools for its language cannot be had, or the build fails; the error carries what
/// the tools printed.
pub fn example(name: &str) -> Result<PathBuf> {
    let example = EXAMPLES.iter().find(|example| example.name == name).with_context(|| {
        let known: Vec<_> = names().collect();
        format!("no example hook is called {name}; there are {}", known.join(", "))
    })?;
    let Some(build) = example.build else {
        return Ok(folder(name).join(file(name, "wat")));
    };
    let (tool, version, output) = (format!("hooks/{name}"), example.digest()?, file(name, "wasm"));
    let waiting = || progress::say(&format!("… another run is at it: {}", title(name)));
    let project = Project { name: name.to_owned(), folder: folder(name), wit: wit() };
    let work = |staging: &Path| build(&project, &staging.join(&output));
    Cache::of_user()?.get_or_build((&tool, &version, &output), waiting, work)
}

/// The hook of a project that `hook new <language> <name>` made in `folder`, built as its README says.
///
/// # Errors
/// As [`example`].
pub fn project(language: &str, name: &str, folder: &Path) -> Result<PathBuf> {
    let build: Build = match language {
        "rust" => rust,
        "python" => python,
        "javascript" => javascript,
        "go" => go,
        "wat" => return Ok(folder.join(file(name, "wat"))),
        other => bail!("nothing is known about building hooks in {other}"),
    };
    let project = Project { name: name.to_owned(), folder: folder.to_owned(), wit: folder.join("wit") };
    let output = folder.join(file(name, "wasm"));
    build(&project, &output).map(|()| output)
}

/// What a hook is called as a file.
fn file(name: &str, extension: &str) -> String {
    format!("{}.{extension}", name.replace('-', "_"))
}

fn title(name: &str) -> String {
    format!("Building the hook {name}")
}

impl Example {
    /// Of all that decides about the result.
    fn digest(&self) -> Result<String> {
        let tools = [tools::componentize_py().version, tools::jco().version];
        let (toolchain, commands) = (include_str!("../../rust-toolchain.toml"), include_str!("hooks.rs"));
        let mut hash = Sha256::new_with_prefix(format!("{tools:?} {toolchain} {commands}"));
        add_sources(&mut hash, &wit())?;
        add_sources(&mut hash, &folder(self.name))?;
        let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(digest[..16].to_owned())
    }
}

impl Project {
    /// Runs the command that does most of the work.
    fn perform(&self, tool: &str, command: &mut Command, usual: &str) -> Result<()> {
        let mut task = Task::start(title(&self.name), usual);
        tools::perform(tool, command, &mut task)?;
        task.done("");
        Ok(())
    }
}

/// The interface that hooks are built against.
fn wit() -> PathBuf {
    tools::repository().join("hooks/wit")
}

/// Takes in names and contents of the files below `folder` that a build may read.
fn add_sources(hash: &mut Sha256, folder: &Path) -> Result<()> {
    for path in sorted(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let left_by_builds = matches!(&*name, "target" | "__pycache__") || name.ends_with(".wasm");
        if left_by_builds || name.starts_with('.') || matches!(&*name, "cases" | "README.md") {
            continue;
        }
        hash.update(format!("{name}\n"));
        if path.is_dir() {
            add_sources(hash, &path)?;
        } else {
            // A digest of its own, so that no file can end like the next one begins.
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            hash.update(Sha256::digest(&bytes));
        }
    }
    Ok(())
}

/// What is in a folder, by name.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("cannot read {}", folder.display());
    let entries = fs::read_dir(folder).with_context(reading)?;
    let mut paths: Vec<_> =
        entries.map(|entry| Ok(entry.with_context(reading)?.path())).collect::<Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn rust(project: &Project, output: &Path) -> Result<()> {
    let shared = Cache::of_user()?.root().join("hooks");
    let (lock, target) = (shared.join("rust.lock"), shared.join("target"));
    // Held until the result is taken: another checkout would put its own in the same place. And rustup
    // must not be called twice at once.
    let _lock = cache::lock(&lock, || progress::say("… another run is building hooks in Rust"))?;
    add_rust_target()?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--target", RUST_TARGET, "--target-dir"]).arg(&target);
    // The examples have their versions written down; a new project has not yet.
    if project.folder.join("Cargo.lock").exists() {
        cargo.arg("--locked");
    }
    cargo.current_dir(&project.folder);
    project.perform("cargo build", &mut cargo, "about a minute when nothing is built yet")?;
    let built = target.join(RUST_TARGET).join("release").join(file(&project.name, "wasm"));
    fs::copy(&built, output).with_context(|| format!("cargo left no {}", built.display()))?;
    Ok(())
}

/// Gets the standard library of the target, where the toolchain lacks it.
fn add_rust_target() -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", RUST_TARGET]).current_dir(tools::repository());
    let libraries = process::output_of("rustc", &mut rustc, Duration::from_secs(60))?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    let mut task = Task::start(format!("Fetching Rust's target {RUST_TARGET}"), "a few seconds, once");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", RUST_TARGET]).current_dir(tools::repository());
    tools::perform("rustup target add", &mut rustup, &mut task).with_context(|| {
        format!("hooks in Rust need the target {RUST_TARGET}: that needs rustup and access to static.rust-lang.org")
    })?;
    task.done("");
    Ok(())
}

fn python(project: &Project, output: &Path) -> Result<()> {
    let mut componentize = Command::new(tools::componentize_py().obtain()?);
    // Python leaves compiled files beside the source, so it gets one that is not in the checkout.
    let source = tempfile::tempdir().context("cannot create a temporary folder for a hook's source")?;
    let app = project.folder.join("app.py");
    fs::copy(&app, source.path().join("app.py")).with_context(|| format!("cannot copy {}", app.display()))?;
    componentize.arg("--wit-path").arg(&project.wit).args([
        "--world",
        "hook",
        "componentize",
        "--stub-wasi",
        "app",
    ]);
    componentize.arg("--output").arg(output).current_dir(&source);
    project.perform("componentize-py", &mut componentize, "about 20 seconds")
}

fn javascript(project: &Project, output: &Path) -> Result<()> {
    let mut jco = Command::new(tools::jco().obtain()?);
    jco.args(["componentize", "app.js", "--world-name", "hook", "--wit"])
        .arg(&project.wit)
        .arg("--out")
        .arg(output);
    jco.args(["--backend", "qjs", "--backend-qjs-disable-async", "--backend-qjs-stub-wasi"]);
    jco.current_dir(&project.folder);
    project.perform("jco componentize", &mut jco, "a few seconds")
}

fn go(project: &Project, output: &Path) -> Result<()> {
    let mut go = Command::new("go");
    go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s", "-o"]).arg(output).arg(".");
    go.envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOWORK", "off")]).current_dir(&project.folder);
    project.perform("go build", &mut go, "about 10 seconds")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn digest_of(folder: &Path) -> Vec<u8> {
        let mut hash = Sha256::new();
        add_sources(&mut hash, folder).unwrap();
        hash.finalize().to_vec()
    }

    #[test]
    fn every_folder_of_the_examples_is_built() {
        let found = sorted(&folder("")).unwrap().into_iter().filter(|path| path.is_dir());
        assert_eq!(found.collect::<BTreeSet<_>>(), names().map(folder).collect());
    }

    #[test]
    fn an_unknown_name_is_told_from_the_known_ones() {
        let error = example("no-such").unwrap_err().to_string();
        assert!(error.starts_with("no example hook is called no-such; there are require-owner, "), "{error}");
    }

    #[test]
    fn the_digest_follows_the_sources_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "one");
        let first = digest_of(folder.path());
        for name in
            ["target/debug/a", "cases/ok.json", "README.md", "hook.wasm", ".gitignore", "__pycache__/a.pyc"]
        {
            write(name, "text");
            assert_eq!(digest_of(folder.path()), first, "{name}");
        }
        write("src/lib.rs", "two");
        let second = digest_of(folder.path());
        assert_ne!(second, first);
        write("src/more.rs", "");
        assert_ne!(digest_of(folder.path()), second);
    }
}
