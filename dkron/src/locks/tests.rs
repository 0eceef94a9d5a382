use std::time::Duration;

use super::*;

/// Whether the lock is still waited for after everything else has had its turn.
async fn waits(locks: &Locks, name: &str, parents: &[&str]) -> bool {
    tokio::time::timeout(Duration::from_secs(1), locks.hold(name, parents)).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_job_is_held_alone_and_its_parent_with_other_children() {
    let locks = Locks::default();
    let held = locks.hold("child", &["parent", ""]).await;
    assert!(waits(&locks, "child", &[]).await);
    assert!(waits(&locks, "parent", &[]).await);
    assert!(!waits(&locks, "other-child", &["parent"]).await);
    drop(held);
    assert!(!waits(&locks, "parent", &["grandparent"]).await);
    // A job that names itself as parent does not wait for itself.
    assert!(!waits(&locks, "self", &["self"]).await);
}

#[tokio::test]
async fn crossed_families_do_not_wait_in_a_circle() {
    let locks = Arc::new(Locks::default());
    let tasks: Vec<_> = (0..200)
        .map(|index| {
            let locks = Arc::clone(&locks);
            let (name, parent) = if index % 2 == 0 { ("a", "b") } else { ("b", "a") };
            tokio::spawn(async move {
                let _held = locks.hold(name, &[parent]).await;
                tokio::task::yield_now().await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn released_locks_are_forgotten() {
    let locks = Locks::default();
    for index in 0..100 {
        drop(locks.hold(&format!("job{index}"), &[]).await);
    }
    assert!(locks.by_name().len() <= 1);
}
