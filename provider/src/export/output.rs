//! Files: all of them or none, and none in place of one that is there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use tfplugin::diagnostic::{Diagnostic, Diagnostics, Result};

use crate::text::sentence;

/// A file to be written.
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Whether only its owner may read it.
    pub(super) secret: bool,
}

/// Files that are written, but not under their names yet.
pub(super) struct Staged(Vec<(NamedTempFile, PathBuf)>);

/// Checks that nothing is in the way.
pub(super) fn refuse_existing(targets: &[Target]) -> Result<()> {
    let existing = targets.iter().filter(|target| target.path.symlink_metadata().is_ok());
    existing.map(|target| in_the_way(&target.path)).collect::<Diagnostics>().into_result()
}

fn in_the_way(path: &Path) -> Diagnostic {
    let detail = "Nothing was written, because an export replaces no file. Choose another place, or move the file away.";
    Diagnostic::error(format!("{} exists already", path.display()), detail)
}

fn unwritable(path: &Path, error: &io::Error) -> Diagnostics {
    Diagnostic::error(format!("{} could not be written", path.display()), sentence(error)).into()
}

impl Staged {
    /// Writes what there is to write: a file without text is none.
    pub(super) fn new(targets: &[Target]) -> Result<Self> {
        let stage = |target: &Target| match stage(target) {
            Ok(file) => Ok((file, target.path.clone())),
            Err(error) => Err(unwritable(&target.path, &error)),
        };
        targets.iter().filter(|target| !target.text.is_empty()).map(stage).collect::<Result<_>>().map(Self)
    }

    /// Gives the files their names.
    pub(super) fn keep(self) -> Result<()> {
        let mut kept: Vec<PathBuf> = Vec::new();
        for (file, path) in self.0 {
            if let Err(error) = file.persist_noclobber(&path) {
                // What cannot be removed either is named by no message, but it is whole.
                kept.iter().for_each(|path| drop(fs::remove_file(path)));
                let is_there = error.error.kind() == io::ErrorKind::AlreadyExists;
                return Err(if is_there {
                    in_the_way(&path).into()
                } else {
                    unwritable(&path, &error.error)
                });
            }
            kept.push(path);
        }
        Ok(())
    }
}

fn stage(target: &Target) -> io::Result<NamedTempFile> {
    let folder =
        target.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    permit(&mut builder, target.secret);
    let mut file = builder.prefix(".krony-").tempfile_in(folder)?;
    io::Write::write_all(&mut file, target.text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(unix)]
fn permit(builder: &mut tempfile::Builder<'_, '_>, secret: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(if secret { 0o600 } else { 0o666 }));
}

/// The folder's access rules hold.
#[cfg(not(unix))]
fn permit(_: &mut tempfile::Builder<'_, '_>, _: bool) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: PathBuf, secret: bool) -> Target {
        Target { path, text: "text".to_owned(), secret }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_secrets() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("new/folder/a.tfvars");
        assert!(Staged::new(&[target(secret.clone(), true)]).and_then(Staged::keep).is_ok());
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(secret).unwrap(), "text");
    }

    #[test]
    fn all_files_are_written_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a.tf", "b.tf"].map(|name| folder.path().join(name));
        let targets = [target(first, false), target(second.clone(), false)];
        let Ok(staged) = Staged::new(&targets) else { panic!("the folder can be written") };
        fs::write(&second, "mine").unwrap();
        let Err(findings) = staged.keep() else { panic!("a file was in the way") };
        assert!(findings.iter().next().unwrap().summary.ends_with("b.tf exists already"));
        assert_eq!(fs::read_to_string(&second).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only what was there before");
        assert!(refuse_existing(&targets).is_err());
        assert!(refuse_existing(&targets[..1]).is_ok());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let Err(findings) = Staged::new(&[target(file.join("a.tf"), false)]) else { panic!("no folder") };
        assert!(findings.iter().next().unwrap().summary.ends_with("file/a.tf could not be written"));
    }
}
