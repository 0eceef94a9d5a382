//! Reading a module from a file.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, absolute};

use super::SourceError;

/// The whole file, if it is not larger than `largest`.
pub(super) fn read(path: &Path, largest: u64) -> Result<Vec<u8>, SourceError> {
    let unreadable = |problem: io::Error| match problem.kind() {
        io::ErrorKind::NotFound => {
            SourceError::Missing { path: absolute(path).unwrap_or_else(|_| path.to_owned()) }
        }
        _ => SourceError::Unreadable { path: path.to_owned(), problem },
    };
    // Looked at before it is opened: opening a pipe waits for a writer.
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(SourceError::NotAFile { path: path.to_owned() });
    }
    let too_large = || SourceError::TooLarge { address: path.display().to_string(), limit: largest };
    if metadata.len() > largest {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may still grow.
    let mut file = fs::File::open(path).map_err(unreadable)?.take(largest.saturating_add(1));
    let length = file.read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(length).is_ok_and(|length| length <= largest) { Ok(bytes) } else { Err(too_large()) }
}
