//! Downloaded modules, kept by digest. Nothing in the folder is believed: each file is checked when it is read.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Digest, Module, SourceError, file};

/// The module of this digest, if it is there and whole.
pub(super) fn load(folder: &Path, digest: &Digest, largest: u64) -> Option<Vec<u8>> {
    let path = path(folder, digest);
    let problem = match file::read(&path, largest) {
        Ok(bytes) if Digest::of(&bytes) == *digest => return Some(bytes),
        Ok(_) => "its contents have been changed".to_owned(),
        Err(SourceError::Missing { path: _ }) => return None,
        Err(error) => error.to_string(),
    };
    tracing::warn!(path = %path.display(), problem, "a cached hook cannot be used and is downloaded anew");
    None
}

/// Keeps a module. Without a usable folder the next run downloads it again, which is no reason to fail.
pub(super) fn store(folder: &Path, module: &Module) {
    let path = path(folder, &module.digest);
    if let Err(problem) = write(folder, &path, &module.bytes) {
        tracing::warn!(path = %path.display(), %problem, "a downloaded hook cannot be kept");
    }
}

fn path(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{digest}.wasm"))
}

/// Files appear whole, also when two processes write the same one.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    create(folder)?;
    // Temporary files are for their owner only.
    let mut file = tempfile::Builder::new().prefix(".krony-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn create(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The parent folder's access rules hold.
#[cfg(not(unix))]
fn create(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}
