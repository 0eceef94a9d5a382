//! Where real parts are kept once they are built: `~/.cache/krony/TOOL/VERSION/`.
//!
//! An entry appears whole or not at all: it is made in a folder beside its place and then renamed.
//! A lock keeps two runs from building the same thing at once.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process;

/// A folder of versioned entries.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The user's cache: `$XDG_CACHE_HOME/krony`, or `~/.cache/krony`.
    ///
    /// # Errors
    /// When neither `XDG_CACHE_HOME` nor `HOME` says where that is.
    pub fn of_user() -> Result<Self> {
        let root = root_from(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))
            .context("no place for the cache: neither XDG_CACHE_HOME nor HOME is an absolute path")?;
        Ok(Self::at(root))
    }

    /// A cache in a folder of your choice, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where `file` of an entry is, whether it exists or not.
    pub fn path(&self, tool: &str, version: &str, file: &str) -> PathBuf {
        self.root.join(tool).join(version).join(file)
    }

    /// The path of `file` in the entry, after `build` has made the entry where it is missing.
    ///
    /// `build` gets an empty folder to fill. `waiting` is called once if another process is
    /// building the same entry.
    ///
    /// # Errors
    /// When `build` fails or leaves no `file`, or the file system refuses; the cache is then as before.
    pub fn get_or_build(
        &self,
        (tool, version, file): (&str, &str, &str),
        waiting: impl FnOnce(),
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.path(tool, version, file);
        if path.exists() {
            return Ok(path);
        }
        let folder = self.root.join(tool);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let _lock = lock(&folder.join(format!("{version}.lock")), waiting)?;
        if path.exists() {
            return Ok(path); // built by the process we waited for
        }
        let staging = tempfile::Builder::new()
            .prefix(&format!(".{version}-"))
            .tempdir_in(&folder)
            .with_context(|| format!("cannot create a folder in {}", folder.display()))?;
        build(staging.path())?;
        ensure!(staging.path().join(file).exists(), "building {tool} {version} left no file called {file}");
        let entry = folder.join(version);
        if entry.exists() {
            // It lacks `file`, so it is from a layout that is no longer ours.
            fs::remove_dir_all(&entry).with_context(|| format!("cannot remove {}", entry.display()))?;
        }
        let staging = staging.keep();
        fs::rename(&staging, &entry)
            .with_context(|| format!("cannot rename {} to {}", staging.display(), entry.display()))?;
        Ok(path)
    }
}

fn root_from(cache_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // The XDG specification has relative paths ignored.
    let absolute = |value: Option<OsString>| value.map(PathBuf::from).filter(|path| path.is_absolute());
    let cache_home = absolute(cache_home).or_else(|| Some(absolute(home)?.join(".cache")))?;
    Some(cache_home.join("krony"))
}

/// Takes an exclusive lock that ends with the returned handle, or with the process.
pub(crate) fn lock(path: &Path, waiting: impl FnOnce()) -> Result<File> {
    let doing = || format!("cannot lock {}", path.display());
    let file = File::create(path).with_context(doing)?;
    if try_lock(&file).with_context(doing)? {
        return Ok(file);
    }
    waiting();
    // Polled, so that Ctrl-C works; an hour is more than any build takes.
    process::wait_for(&format!("the lock on {}", path.display()), Duration::from_secs(3600), || {
        Ok(try_lock(&file).with_context(doing)?.then_some(()))
    })?;
    Ok(file)
}

pub(crate) fn try_lock(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    const ENTRY: (&str, &str, &str) = ("tool", "v1", "program");

    fn write(folder: &Path) -> Result<()> {
        Ok(fs::write(folder.join("program"), "text")?)
    }

    #[test]
    fn the_root_follows_the_xdg_specification() {
        let root = |cache: Option<&str>, home: Option<&str>| {
            root_from(cache.map(OsString::from), home.map(OsString::from))
        };
        assert_eq!(root(Some("/c"), Some("/h")), Some("/c/krony".into()));
        assert_eq!(root(Some("relative"), Some("/h")), Some("/h/.cache/krony".into()));
        assert_eq!(root(Some(""), None), None);
        assert_eq!(root(None, Some("/h")), Some("/h/.cache/krony".into()));
    }

    #[test]
    fn versions_have_entries_of_their_own() {
        let cache = Cache::at("/c");
        assert_eq!(cache.path("dkron", "v4.0.5", "dkron"), Path::new("/c/dkron/v4.0.5/dkron"));
    }

    #[test]
    fn an_entry_is_built_once_even_by_many() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let builds = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let build = |folder: &Path| {
                        builds.fetch_add(1, Ordering::Relaxed);
                        write(folder)
                    };
                    let path = cache.get_or_build(ENTRY, || {}, build).unwrap();
                    assert_eq!(fs::read_to_string(path).unwrap(), "text");
                });
            }
        });
        assert_eq!(builds.into_inner(), 1);
    }

    #[test]
    fn a_failed_build_leaves_nothing_and_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let half = |folder: &Path| {
            fs::write(folder.join("other"), "")?;
            anyhow::bail!("no compiler")
        };
        assert_eq!(cache.get_or_build(ENTRY, || {}, half).unwrap_err().to_string(), "no compiler");
        let nothing = cache.get_or_build(ENTRY, || {}, |_| Ok(())).unwrap_err().to_string();
        assert_eq!(nothing, "building tool v1 left no file called program");
        let left: Vec<_> =
            fs::read_dir(folder.path().join("tool")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["v1.lock"]);
        assert!(cache.get_or_build(ENTRY, || {}, write).unwrap().exists());
    }

    #[test]
    fn an_entry_without_the_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        fs::create_dir_all(folder.path().join("tool/v1")).unwrap();
        fs::write(folder.path().join("tool/v1/stale"), "").unwrap();
        assert!(cache.get_or_build(ENTRY, || {}, write).unwrap().exists());
        assert!(!folder.path().join("tool/v1/stale").exists());
    }
}
