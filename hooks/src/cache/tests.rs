use super::*;

fn cache(folder: &Path) -> Cache {
    Cache::open(&folder.join("cache"), &folder.join("state/key")).unwrap()
}

fn content(cache: &Cache, name: &str) -> Option<Vec<u8>> {
    match cache.get(name).unwrap() {
        Lookup::Found(path) => {
            let bytes = fs::read(path).unwrap();
            Some(bytes[..bytes.len() - SEAL].to_owned())
        }
        Lookup::Missing => None,
        Lookup::Broken => panic!("broken"),
    }
}

#[test]
fn what_was_put_is_found_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path()).put("name", b"code").unwrap();
    assert_eq!(content(&cache(folder.path()), "name").unwrap(), b"code");
    assert_eq!(content(&cache(folder.path()), "other"), None);
}

#[test]
fn every_change_breaks_the_seal() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let path = folder.path().join("cache/name");
    let whole = || {
        cache.put("name", b"code").unwrap();
        fs::read(&path).unwrap()
    };
    let length = whole().len();
    for position in 0..length {
        let mut bytes = whole();
        bytes[position] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(cache.get("name").unwrap(), Lookup::Broken), "byte {position}");
        assert!(matches!(cache.get("name").unwrap(), Lookup::Missing), "a broken entry is removed");
    }
    for length in 0..length {
        let bytes = whole();
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(matches!(cache.get("name").unwrap(), Lookup::Broken), "{length} bytes");
    }
}

#[test]
fn an_entry_of_another_cache_is_broken_here() {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    cache(elsewhere.path()).put("name", b"code").unwrap();
    let ours = cache(here.path());
    fs::copy(elsewhere.path().join("cache/name"), here.path().join("cache/name")).unwrap();
    assert!(matches!(ours.get("name").unwrap(), Lookup::Broken));
}

#[test]
fn a_damaged_key_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path()).put("name", b"code").unwrap();
    fs::write(folder.path().join("state/key"), "short").unwrap();
    let cache = cache(folder.path());
    assert!(matches!(cache.get("name").unwrap(), Lookup::Broken));
    assert_eq!(fs::read(folder.path().join("state/key")).unwrap(), cache.key);
}

#[cfg(unix)]
#[test]
fn others_cannot_look_into_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path()).put("name", b"code").unwrap();
    for path in ["cache", "cache/name", "state", "state/key"] {
        let mode = fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
}

#[test]
fn one_waits_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let lock = cache.lock("name").unwrap();
    let other = cache.clone();
    let waiting = std::thread::spawn(move || {
        drop(other.lock("name").unwrap());
        other.get("name").unwrap()
    });
    cache.put("name", b"code").unwrap();
    drop(lock);
    assert!(matches!(waiting.join().unwrap(), Lookup::Found(_)));
}

#[test]
fn what_was_not_used_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let names = [("old", 20), ("used", 30), ("new", 10)];
    for (name, _) in names {
        cache.put(name, b"code").unwrap();
    }
    for (name, age) in names {
        // Holes: files that are large only by name.
        let file = File::options().append(true).open(folder.path().join("cache").join(name)).unwrap();
        file.set_len(MAX_SIZE / 2).unwrap();
        file.set_modified(SystemTime::now() - std::time::Duration::from_secs(age)).unwrap();
    }
    File::open(folder.path().join("cache/used")).unwrap().set_modified(SystemTime::now()).unwrap();
    cache.trim().unwrap();
    let is_there = |name: &str| folder.path().join("cache").join(name).exists();
    assert_eq!([is_there("old"), is_there("used"), is_there("new")], [false, true, true]);
}
