use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

fn cache(folder: &Path) -> Cache {
    Cache::open(&folder.join("cache"), &folder.join("state/key")).unwrap()
}

fn content(cache: &Cache, name: &str) -> Option<Vec<u8>> {
    match cache.get(name).unwrap() {
        Lookup::Found(code) => Some(code),
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
fn an_entry_cannot_take_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    cache.put("allows", b"code").unwrap();
    fs::copy(folder.path().join("cache/allows"), folder.path().join("cache/denies")).unwrap();
    assert!(matches!(cache.get("denies").unwrap(), Lookup::Broken));
    assert!(matches!(cache.get("allows").unwrap(), Lookup::Found(_)));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path());
    let key = folder.path().join("state/key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Cache::open(&folder.path().join("cache"), &key).unwrap_err().to_string();
    assert!(error.contains("by others"), "{error}");
}

#[test]
fn a_lock_is_not_waited_for_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let _lock = cache.lock("name", PATIENCE).unwrap();
    let error = cache.lock("name", Duration::ZERO).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
}

#[test]
fn a_damaged_key_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    cache(folder.path()).put("name", b"code").unwrap();
    // Written in place, so that it stays its owner's alone.
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
    let lock = cache.lock("name", PATIENCE).unwrap();
    let other = cache.clone();
    let waiting = thread::spawn(move || {
        drop(other.lock("name", PATIENCE).unwrap());
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
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    File::open(folder.path().join("cache/used")).unwrap().set_modified(SystemTime::now()).unwrap();
    cache.trim().unwrap();
    let is_there = |name: &str| folder.path().join("cache").join(name).exists();
    assert_eq!([is_there("old"), is_there("used"), is_there("new")], [false, true, true]);
}
