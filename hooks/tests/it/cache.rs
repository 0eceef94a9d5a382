//! The cache of compiled code, through the host.

use std::fs;
use std::path::PathBuf;

use hooks::Wasi;
use hooks::host::Loaded;
use hooks::verdict::Verdict;

use crate::support::{answering, ask, caching_host};

fn entries(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("cache")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_none()).collect()
}

fn load(folder: &std::path::Path) -> Loaded {
    let loaded = caching_host(folder).load("test", answering("\"ok\"").as_bytes(), Wasi::None).unwrap();
    assert_eq!(ask(&loaded.hook), Ok(Verdict::Ok));
    loaded
}

#[test]
fn the_second_process_loads_what_the_first_compiled() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!load(folder.path()).cached);
    let again = load(folder.path());
    assert!(again.cached && again.warnings.is_empty());
    assert_eq!(entries(folder.path()).len(), 1);
}

#[test]
fn what_was_tampered_with_is_said_and_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path());
    let entry = entries(folder.path()).remove(0);
    let mut code = fs::read(&entry).unwrap();
    let middle = code.len() / 2;
    code[middle] ^= 1;
    fs::write(&entry, code).unwrap();
    let loaded = load(folder.path());
    assert!(!loaded.cached);
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].contains("was changed since"), "{:?}", loaded.warnings);
    assert!(load(folder.path()).cached);
}

#[test]
fn code_of_another_version_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path());
    let entry = entries(folder.path()).remove(0);
    // As a newer engine would call it.
    let (digest, _) = entry.file_name().unwrap().to_str().unwrap().split_once('-').unwrap();
    fs::rename(&entry, entry.with_file_name(format!("{digest}-0000000000000000"))).unwrap();
    assert!(!load(folder.path()).cached);
    assert_eq!(entries(folder.path()).len(), 2);
}

#[test]
fn a_cache_that_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let host = caching_host(folder.path());
    fs::remove_dir_all(folder.path().join("cache")).unwrap();
    fs::write(folder.path().join("cache"), "a file").unwrap();
    let loaded = host.load("test", answering("\"ok\"").as_bytes(), Wasi::None).unwrap();
    assert_eq!(ask(&loaded.hook), Ok(Verdict::Ok));
    assert!(
        loaded.warnings.iter().any(|warning| warning.contains("could not be kept")),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn several_at_once_compile_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let hosts: Vec<_> = (0..8).map(|_| caching_host(folder.path())).collect();
    let loaded = std::thread::scope(|scope| {
        let load = |host: &hooks::host::Host| {
            let host = host.clone();
            scope.spawn(move || host.load("test", answering("\"ok\"").as_bytes(), Wasi::None).unwrap())
        };
        let running: Vec<_> = hosts.iter().map(load).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(loaded.iter().all(|loaded| ask(&loaded.hook) == Ok(Verdict::Ok) && loaded.warnings.is_empty()));
    assert_eq!(
        loaded.iter().filter(|loaded| !loaded.cached).count(),
        1,
        "one compiles, the others wait for it"
    );
}
