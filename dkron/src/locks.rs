//! Writers of one process take turns where dkron would mix their writes up.
//!
//! Writing a parent sends back its list of dependents; a child written in between would be lost from
//! it. So whoever writes a job holds that job alone, and its parent together with other children.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// One lock per name of a job; those that nobody holds are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    by_name: Mutex<HashMap<String, Weak<RwLock<()>>>>,
}

/// What a writer holds; given back on drop.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their drop")]
pub(crate) enum Hold {
    Alone(OwnedRwLockWriteGuard<()>),
    Shared(OwnedRwLockReadGuard<()>),
}

impl Locks {
    /// Waits for the job itself alone and for its parents shared. Locks are taken in the order of
    /// names, by everybody, so nobody waits in a circle.
    pub(crate) async fn hold(&self, name: &str, parents: &[&str]) -> Vec<Hold> {
        let shared = parents.iter().filter(|parent| !parent.is_empty()).map(|parent| (*parent, false));
        // The job itself comes last into the map: one that is its own parent is held alone.
        let wanted: BTreeMap<_, _> = shared.chain([(name, true)]).collect();
        let mut held = Vec::with_capacity(wanted.len());
        for (name, alone) in wanted {
            let lock = self.lock(name);
            held.push(if alone {
                Hold::Alone(lock.write_owned().await)
            } else {
                Hold::Shared(lock.read_owned().await)
            });
        }
        held
    }

    fn lock(&self, name: &str) -> Arc<RwLock<()>> {
        let mut by_name = self.by_name();
        if let Some(lock) = by_name.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        by_name.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(RwLock::new(()));
        by_name.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }

    fn by_name(&self) -> MutexGuard<'_, HashMap<String, Weak<RwLock<()>>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
