//! Compiled code is kept between processes, and nothing that somebody else put there is run.

use std::fs;
use std::path::{Path, PathBuf};

use hooks::digest::Digest;
use xtask::terraform::{Terraform, Workspace};

use super::guest::{answering, denial};
use super::{NOWHERE, Outcome, block, hook, provider};
use crate::support::{Finding, end, job, workspace};

const JOB: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";

/// A workspace with a cache that it has for itself.
fn cached() -> (Workspace, PathBuf) {
    let mut workspace = workspace(&Terraform::on_path().unwrap(), NOWHERE);
    let folder = workspace.folder().join("cache");
    workspace.env("KRONY_CACHE_DIR", &folder);
    (workspace, folder.join("hooks"))
}

/// A hook that objects, so that it shows that it was asked, in a configuration.
fn with_hook(workspace: &Workspace) -> String {
    let module = answering(&denial("No"));
    let hooks = hook(workspace, "guard", &module, "");
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_cached", JOB))).unwrap();
    module
}

/// The compiled code in a cache.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.filter(|path| path.extension().is_none()).collect();
    entries.sort();
    entries
}

/// What tells a file from one that was written in its place.
#[cfg(unix)]
fn identity(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

/// The hook was asked; what was said besides.
fn asked(workspace: &Workspace) -> Vec<Finding> {
    let outcome = Outcome::of(workspace, &["validate"]);
    assert_eq!(outcome.error().summary, "No", "{outcome:#?}");
    assert_eq!(outcome.by_hook("guard").len(), 1, "{outcome:#?}");
    outcome.warnings().into_iter().cloned().collect()
}

#[cfg(unix)]
#[test]
fn the_second_command_loads_what_the_first_compiled() {
    let (workspace, folder) = cached();
    let module = with_hook(&workspace);
    assert!(asked(&workspace).is_empty());
    let entry = entries(&folder).remove(0);
    assert!(entry.display().to_string().contains(&Digest::of(module.as_bytes()).to_string()));
    let first = identity(&entry);
    assert!(asked(&workspace).is_empty());
    assert_eq!((entries(&folder), identity(&entry)), (vec![entry], first));
}

#[cfg(unix)]
#[test]
fn only_their_owner_sees_compiled_hooks() {
    use std::os::unix::fs::PermissionsExt as _;
    let (workspace, folder) = cached();
    with_hook(&workspace);
    asked(&workspace);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let key = workspace.folder().parent().unwrap().join(".local/state/krony/hooks.key");
    assert_eq!((mode(&folder), mode(&entries(&folder)[0]), mode(&key)), (0o700, 0o600, 0o600));
}

#[test]
fn what_was_changed_is_said_and_compiled_anew() {
    let (workspace, folder) = cached();
    with_hook(&workspace);
    asked(&workspace);
    let entry = entries(&folder).remove(0);
    let compiled = fs::read(&entry).unwrap();
    let mut flipped = compiled.clone();
    flipped[compiled.len() / 2] ^= 1;
    for tampered in [flipped.as_slice(), &compiled[..compiled.len() - 1], b"", b"\x7fELF"] {
        fs::write(&entry, tampered).unwrap();
        let warnings = asked(&workspace);
        let [warning] = warnings.as_slice() else { panic!("{warnings:#?}") };
        assert_eq!(warning.summary, "Compiled code of a hook");
        assert!(
            warning.detail.contains("Hook \"guard\".") && warning.detail.contains("was changed since"),
            "{warning:#?}"
        );
        assert!(asked(&workspace).is_empty());
    }
    // Code that is sealed with another key, as one that comes from elsewhere.
    let key = workspace.folder().parent().unwrap().join(".local/state/krony/hooks.key");
    fs::write(&key, [7; 32]).unwrap();
    assert!(asked(&workspace)[0].detail.contains("not written by you"));
    assert!(asked(&workspace).is_empty());
}

/// As a folder that cannot be written, which is nothing to a superuser.
#[test]
fn a_cache_that_cannot_be_used_is_said_and_done_without() {
    let (mut workspace, folder) = cached();
    with_hook(&workspace);
    fs::write(folder.parent().unwrap(), "a file").unwrap();
    let warnings = asked(&workspace);
    let [warning] = warnings.as_slice() else { panic!("{warnings:#?}") };
    assert_eq!(warning.summary, "Compiled hooks are not kept");
    assert!(warning.detail.contains("KRONY_CACHE_DIR"), "{warning:#?}");

    // A folder in the place of the lock, of the entry, of the key.
    fs::remove_file(folder.parent().unwrap()).unwrap();
    asked(&workspace);
    let entry = entries(&folder).remove(0);
    fs::remove_file(&entry).unwrap();
    fs::create_dir(&entry).unwrap();
    let warnings = asked(&workspace);
    assert!(
        !warnings.is_empty() && warnings.iter().all(|warning| warning.summary == "Compiled code of a hook"),
        "{warnings:#?}"
    );
    fs::remove_dir(&entry).unwrap();
    let key = workspace.folder().parent().unwrap().join(".local/state/krony/hooks.key");
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    assert_eq!(asked(&workspace)[0].summary, "Compiled hooks are not kept");

    // Nowhere at all to keep anything.
    workspace.env("KRONY_CACHE_DIR", "").env("HOME", "");
    assert_eq!(asked(&workspace)[0].summary, "Compiled hooks are not kept");
}

/// Several processes find the cache empty; what they compile takes a while.
#[test]
fn runs_at_once_share_an_empty_cache() {
    let shared = tempfile::tempdir().unwrap();
    let module = xtask::hooks::example("allowed-hosts").unwrap();
    let module = module.to_str().unwrap();
    let workspaces: Vec<_> = (0..4)
        .map(|_| {
            let mut workspace = workspace(&Terraform::on_path().unwrap(), NOWHERE);
            workspace.env("KRONY_CACHE_DIR", shared.path().join("cache"));
            workspace.env("XDG_STATE_HOME", shared.path().join("state"));
            let hooks = block("hosts", module, "settings = jsonencode({ hosts = [\"example.com\"] })");
            let rest = "  schedule = \"@manually\"\n  http = { url = \"https://elsewhere.test\" }";
            workspace.write("main.tf", &(provider(&hooks) + &job("hook_at_once", rest))).unwrap();
            workspace
        })
        .collect();
    let running: Vec<_> =
        workspaces.iter().map(|workspace| workspace.spawn(&["validate", "-no-color"]).unwrap()).collect();
    for running in running {
        let finished = end(running);
        let text = finished.text();
        assert_eq!(finished.code, 1, "{text}");
        assert!(text.contains("Host is not allowed"), "{text}");
        assert!(!text.contains("Compiled"), "{text}");
    }
    assert_eq!(entries(&shared.path().join("cache/hooks")).len(), 1);
}
