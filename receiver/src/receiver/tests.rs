use axum::http::Request;

use super::*;
use crate::call::Body;
use crate::times::now;

const LONG: Duration = Duration::from_secs(3600);

fn call() -> Call {
    Call::new(now(), Request::new(()).into_parts().0, Body::default())
}

/// Lets the waiting task run until it is noted.
async fn until_waiting(receiver: &Receiver) {
    while receiver.store().waiters() == 0 {
        tokio::task::yield_now().await;
    }
}

fn spawn_wait(receiver: &Receiver, count: usize) -> tokio::task::JoinHandle<Wait> {
    let receiver = receiver.clone();
    tokio::spawn(async move { receiver.wait("a", count, None, LONG).await })
}

#[tokio::test]
async fn a_wait_ends_with_the_last_call() {
    let receiver = Receiver::new(Limits::default());
    let wait = spawn_wait(&receiver, 2);
    until_waiting(&receiver).await;
    receiver.record("a", call());
    receiver.record("a", call());
    let wait = wait.await.unwrap();
    assert_eq!((wait.outcome(), wait.count()), (Outcome::Reached, 2));
    assert_eq!(wait.times(), receiver.times("a"));
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_time_and_says_what_came() {
    let receiver = Receiver::new(Limits::default());
    receiver.record("a", call());
    let wait = receiver.wait("a", 2, None, LONG).await;
    assert_eq!((wait.outcome(), wait.reached(), wait.count()), (Outcome::TimedOut, false, 1));
    let future = receiver.wait("a", 1, Some(Timestamp::MAX), LONG).await;
    assert_eq!((future.outcome(), future.count()), (Outcome::TimedOut, 0));
}

#[tokio::test]
async fn a_wait_ends_when_the_receiver_closes() {
    let receiver = Receiver::new(Limits::default());
    let wait = spawn_wait(&receiver, 1);
    until_waiting(&receiver).await;
    receiver.close();
    assert_eq!(wait.await.unwrap().outcome(), Outcome::Stopping);
    let later = receiver.wait("a", 1, None, LONG).await;
    assert_eq!(later.outcome(), Outcome::Stopping);
}

#[tokio::test]
async fn a_wait_survives_a_clear() {
    let receiver = Receiver::new(Limits::default());
    receiver.record("a", call());
    let wait = spawn_wait(&receiver, 2);
    until_waiting(&receiver).await;
    receiver.clear();
    receiver.record("a", call());
    assert!(!wait.is_finished(), "the cleared call does not count");
    receiver.record("a", call());
    assert_eq!(wait.await.unwrap().count(), 2);
}
