//! Which job comes after which, as far as this process has planned and read.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Parents and children of one configured provider. All names are those that the jobs have in dkron.
#[derive(Debug, Default)]
pub struct Lineage {
    /// The parent that each child is planned to have.
    parents: Mutex<HashMap<String, String>>,
    /// Whom each job that was read lists as its dependents.
    dependents: Mutex<HashMap<String, Vec<String>>>,
}

impl Lineage {
    /// Notes the parent that a job is planned to have; empty is none. The answer is the cycle that this closes:
    /// the job, its parent, the parent's parent and so on up to the job again.
    pub fn plan(&self, name: &str, parent: &str) -> Option<Vec<String>> {
        let mut parents = lock(&self.parents);
        if name.is_empty() || parent.is_empty() {
            parents.remove(name);
            return None;
        }
        parents.insert(name.to_owned(), parent.to_owned());
        cycle(&parents, name)
    }

    /// Notes whom a job lists as its dependents; one that is not there lists nobody.
    pub fn note(&self, name: &str, found: Option<&dkron::Job>) {
        let listed = found.map(|job| job.dependent_jobs.clone()).unwrap_or_default();
        lock(&self.dependents).insert(name.to_owned(), listed);
    }

    /// Whether the parent was seen to list the child.
    pub fn lists(&self, parent: &str, child: &str) -> bool {
        lock(&self.dependents).get(parent).is_some_and(|listed| listed.iter().any(|name| name == child))
    }
}

/// The way from a job up to itself, if there is one.
fn cycle(parents: &HashMap<String, String>, name: &str) -> Option<Vec<String>> {
    let mut chain = vec![name.to_owned()];
    let mut above = parents.get(name)?;
    while above != name {
        if chain.contains(above) {
            return None; // a cycle of others
        }
        chain.push(above.clone());
        above = parents.get(above)?;
    }
    chain.push(name.to_owned());
    Some(chain)
}

/// Each change is a single insertion or removal: a panic leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(links: &[(&str, &str)]) -> Option<Vec<String>> {
        let lineage = Lineage::default();
        links.iter().fold(None, |_, (name, parent)| lineage.plan(name, parent))
    }

    #[test]
    fn the_job_that_closes_a_cycle_hears_of_it() {
        let chain = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(planned(&[("a", "b"), ("b", "a")]), chain(&["b", "a", "b"]));
        assert_eq!(planned(&[("b", "c"), ("a", "b"), ("c", "a")]), chain(&["c", "a", "b", "c"]));
        assert_eq!(planned(&[("a", "a")]), chain(&["a", "a"]));
    }

    #[test]
    fn a_chain_is_no_cycle() {
        assert_eq!(planned(&[("a", "b"), ("c", "b"), ("b", "d")]), None);
        // What was planned before does not count any more, and what is unknown does not count yet.
        assert_eq!(planned(&[("a", "b"), ("a", ""), ("b", "a")]), None);
        assert_eq!(planned(&[("a", ""), ("", "a")]), None);
        // Those in a cycle of their own have heard of it.
        assert_eq!(planned(&[("a", "b"), ("b", "a"), ("c", "a")]), None);
    }

    #[test]
    fn what_was_not_read_is_not_known() {
        let lineage = Lineage::default();
        assert!(!lineage.lists("parent", "child"));
        let parent = dkron::Job { dependent_jobs: vec!["child".into()], ..dkron::Job::default() };
        lineage.note("parent", Some(&parent));
        assert!(lineage.lists("parent", "child") && !lineage.lists("parent", "other"));
        lineage.note("parent", None);
        assert!(!lineage.lists("parent", "child"));
    }
}
