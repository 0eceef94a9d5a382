//! Compiled code on disk: compiling a hook of Python takes twenty seconds, loading what was compiled none.
//!
//! Compiled code is machine code: whoever changes it runs in our place. So each entry ends with a seal, a hash of its name
//! and content under a key that lies outside of the cache; a cache that was restored from elsewhere, or changed by others, is compiled
//! anew. Entries appear whole or not at all, and one process waits for another that compiles the same.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tempfile::NamedTempFile;

/// How much the cache may hold, in bytes, before the entries that were not used for the longest time go.
const MAX_SIZE: u64 = 1 << 30;
/// In bytes, at the end of each entry.
const SEAL: usize = 32;

/// A folder with compiled code.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    key: [u8; SEAL],
}

/// What the cache has under a name.
pub(crate) enum Lookup {
    /// What is in an entry with an unbroken seal.
    Found(Vec<u8>),
    /// Nothing.
    Missing,
    /// An entry that was changed, or put there by somebody else.
    Broken,
}

impl Cache {
    /// The cache in `folder`, sealed with the key in `key_file`. Both are made when they are missing, for their owner
    /// alone.
    ///
    /// # Errors
    /// When they cannot be made, read or written.
    pub fn open(folder: &Path, key_file: &Path) -> io::Result<Self> {
        private_folder(folder)?;
        if let Some(parent) = key_file.parent() {
            private_folder(parent)?;
        }
        Ok(Self { folder: folder.to_owned(), key: key(key_file)? })
    }

    pub(crate) fn get(&self, name: &str) -> io::Result<Lookup> {
        let path = self.folder.join(name);
        let mut entry = match fs::read(&path) {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lookup::Missing),
            Err(error) => return Err(error),
        };
        let seal = entry.split_off(entry.len().saturating_sub(SEAL));
        // The comparison takes the same time wherever the two differ.
        if <[u8; SEAL]>::try_from(seal).is_ok_and(|seal| self.seal(name, &entry) == seal) {
            // Only for the order in which entries go; a cache that cannot be written works all the same.
            let _ = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
            return Ok(Lookup::Found(entry));
        }
        // One that cannot be removed is found broken again.
        let _ = fs::remove_file(&path);
        Ok(Lookup::Broken)
    }

    /// Of an entry: its name, so that none can take the place of another, and its content.
    fn seal(&self, name: &str, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(code);
        hasher.finalize()
    }

    pub(crate) fn put(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(code)?;
        file.write_all(self.seal(name, code).as_bytes())?;
        file.persist(self.folder.join(name)).map_err(|error| error.error)?;
        self.trim()
    }

    /// Waits until no other process has the lock, or for `patience`. It ends with the file that is returned, and with
    /// this process.
    pub(crate) fn lock(&self, name: &str, patience: Duration) -> io::Result<File> {
        let file =
            File::options().create(true).append(true).open(self.folder.join(format!("{name}.{LOCK}")))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begin.elapsed() < patience => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::other("another process has compiled it for minutes"));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Removes what was not used for the longest time, until the rest fits.
    fn trim(&self) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Another process may have removed it meanwhile.
            let Ok(facts) = entry.metadata() else { continue };
            if entry.path().extension().is_none_or(|extension| extension != LOCK) {
                entries.push((facts.modified()?, facts.len(), entry.path()));
            }
        }
        entries.sort();
        let mut size: u64 = entries.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in entries {
            if size <= MAX_SIZE {
                break;
            }
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => size -= length,
            }
        }
        Ok(())
    }
}

const LOCK: &str = "lock";
/// Between two looks at a lock.
const PAUSE: Duration = Duration::from_millis(20);

/// A folder that only its owner can look into.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The key that is in the file, or a new one.
fn key(path: &Path) -> io::Result<[u8; SEAL]> {
    if let Some(key) = stored_key(path)? {
        return Ok(key);
    }
    let mut key = [0; SEAL];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    // A temporary file is its owner's alone.
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(&key)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        // Another process was faster: its key counts.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            stored_key(path)?.ok_or_else(|| io::Error::other("the key of the cache keeps changing"))
        }
        Err(error) => Err(error.error),
    }
}

/// None where there is no key, or one that is none.
///
/// # Errors
/// When others can read or write it: then it proves nothing.
fn stored_key(path: &Path) -> io::Result<Option<[u8; SEAL]>> {
    #[cfg(unix)]
    if let Ok(facts) = fs::metadata(path)
        && std::os::unix::fs::PermissionsExt::mode(&facts.permissions()) & 0o077 != 0
    {
        let reason =
            format!("{} may be read or written by others: remove it, and a new one is made", path.display());
        return Err(io::Error::other(reason));
    }
    match fs::read(path) {
        Ok(bytes) => match bytes.try_into() {
            Ok(key) => Ok(Some(key)),
            Err(_) => fs::remove_file(path).map(|()| None),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
