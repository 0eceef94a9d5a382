use axum::http::Request;

use super::*;
use crate::call::Body;

/// No bound that any of these tests reaches.
const AMPLE: usize = 64 << 20;

fn call_with_body(time: Nanoseconds, bytes: usize) -> Call {
    let mut body = Body::default();
    body.push(&vec![b'x'; bytes]);
    Call::new(time, Request::new(()).into_parts().0, body)
}

fn call(time: Nanoseconds) -> Call {
    call_with_body(time, 0)
}

fn store(memory: usize, calls: impl IntoIterator<Item = (&'static str, Nanoseconds)>) -> Store {
    let mut store = Store::new(memory);
    for (token, time) in calls {
        store.record(token, call(time));
    }
    store
}

fn flat(times: &Times) -> Vec<Nanoseconds> {
    times.slices().flatten().copied().collect()
}

fn pending(waiting: Waiting) -> oneshot::Receiver<Times> {
    match waiting {
        Waiting::Pending(pending) => pending,
        Waiting::Reached(times) => panic!("reached already: {:?}", flat(&times)),
    }
}

/// What the bookkeeping must add up to.
fn check(store: &Store) {
    let tokens = || store.tokens.values();
    assert_eq!(store.calls, tokens().map(|token| token.times.len()).sum::<usize>());
    assert_eq!(store.tokens_size, tokens().map(Token::size).sum::<usize>());
    assert_eq!(store.details_size, tokens().flat_map(|token| &token.details).map(Call::size).sum::<usize>());
    let ages = tokens()
        .map(|token| (token.times.first().unwrap(), Arc::clone(&token.name)))
        .collect::<BTreeSet<_>>();
    assert_eq!(store.by_age, ages);
    assert!(tokens().all(|token| token.details.len() <= token.times.len().min(CALLS_IN_DETAIL)));
    assert!(store.tokens_size + store.calls * 8 <= store.memory / 4 * 3);
    assert!(store.details_size <= store.memory / 4);
}

#[test]
fn records_per_token_in_order_of_time() {
    let store = store(AMPLE, [("a", 3), ("b", 2), ("a", 1), ("a", 5)]);
    check(&store);
    assert_eq!(flat(&store.times("a")), [1, 3, 5]);
    assert_eq!(flat(&store.times("b")), [2]);
    assert_eq!(store.times("c").len(), 0);
    assert_eq!(store.totals(), Totals { calls: 4, tokens: 2, dropped: 0 });
}

#[test]
fn details_are_of_the_last_calls() {
    let mut store = Store::new(AMPLE);
    let last = CALLS_IN_DETAIL as i64 + 10;
    (1..=last).for_each(|time| store.record("a", call(time)));
    check(&store);
    let times = store.calls("a").iter().map(Call::nanoseconds).collect::<Vec<_>>();
    assert_eq!(times, (11..=last).collect::<Vec<_>>());
    assert_eq!(store.times("a").len(), last as usize);
}

#[test]
fn beyond_the_bound_the_oldest_of_all_are_dropped() {
    let memory = 16 * 1024;
    let mut store = store(memory, [("rare", 1), ("gone", 2), ("rare", 5000)]);
    (10..4000).for_each(|time| store.record("busy", call(time)));
    check(&store);
    let totals = store.totals();
    assert_eq!(totals.calls as u64 + totals.dropped, 3 + 3990);
    assert!(totals.dropped > 2000, "{totals:?}");
    assert_eq!(flat(&store.times("rare")), [5000], "only its old call is dropped");
    assert!(!store.tokens.contains_key("gone"), "a token without calls takes no memory");
    let kept = flat(&store.times("busy"));
    assert_eq!(kept, (4000 - kept.len() as i64..4000).collect::<Vec<_>>());
}

#[test]
fn many_tokens_are_bounded_as_well() {
    let mut store = Store::new(256 * 1024);
    (0..5000).for_each(|time| store.record(&format!("token-{time}"), call(time)));
    check(&store);
    assert!(store.totals().tokens < 256 * 1024 / TOKEN_SIZE);
    assert_eq!(flat(&store.times("token-4999")), [4999]);
}

#[test]
fn details_make_room_without_losing_calls() {
    let memory = 256 * 1024;
    let mut store = Store::new(memory);
    for time in 0..100 {
        store.record(["a", "b", "c"][time % 3], call_with_body(time as i64, 4000));
        check(&store);
    }
    assert_eq!(store.totals(), Totals { calls: 100, tokens: 3, dropped: 0 });
    assert_eq!(store.calls("a").last().map(Call::nanoseconds), Some(99));
}

#[test]
fn a_bound_too_small_for_anything_keeps_nothing() {
    let store = store(100, [("a", 1), ("b", 2)]);
    assert_eq!(store.totals(), Totals { calls: 0, tokens: 0, dropped: 2 });
}

#[test]
fn waiting_for_calls_that_are_there_ends_at_once() {
    let mut store = store(AMPLE, [("a", 1), ("a", 2), ("a", 3)]);
    assert!(matches!(store.wait("a", 2, 2), Waiting::Reached(times) if flat(&times) == [2, 3]));
    assert!(matches!(store.wait("none", 0, 0), Waiting::Reached(times) if times.len() == 0));
    assert_eq!(store.waiters(), 0);
}

#[test]
fn a_waiter_hears_of_its_last_call_only() {
    let mut store = store(AMPLE, [("a", 1)]);
    let mut waiter = pending(store.wait("a", 2, 5));
    for (token, time) in [("b", 6), ("a", 4), ("a", 5)] {
        store.record(token, call(time));
        assert!(waiter.try_recv().is_err(), "{token} at {time} is not the second call of a since 5");
    }
    store.record("a", call(6));
    assert_eq!(flat(&waiter.try_recv().unwrap()), [5, 6]);
    assert_eq!(store.waiters(), 0);
}

#[test]
fn each_waiter_of_a_token_has_its_own_goal() {
    let mut store = Store::new(AMPLE);
    let mut first = pending(store.wait("a", 1, 0));
    let mut second = pending(store.wait("a", 2, 0));
    store.record("a", call(1));
    assert_eq!(first.try_recv().unwrap().len(), 1);
    assert_eq!(store.waiters(), 1);
    store.record("a", call(2));
    assert_eq!(second.try_recv().unwrap().len(), 2);
}

#[test]
fn waiters_that_gave_up_are_forgotten() {
    let mut store = Store::new(AMPLE);
    for _ in 0..100 {
        drop(pending(store.wait("never", 1, 0)));
    }
    let waiter = pending(store.wait("other", 1, 0));
    assert_eq!(store.waiters(), 1);
    drop(waiter);
    store.record("other", call(1));
    assert_eq!(store.waiters(), 0);
}

#[test]
fn clearing_empties_all_but_the_waiters() {
    let mut store = store(16 * 1024, (0..3000).map(|time| ("a", time)));
    assert!(store.totals().dropped > 0);
    let mut waiter = pending(store.wait("b", 1, 0));
    drop(store.clear());
    check(&store);
    assert_eq!(store.totals(), Totals { calls: 0, tokens: 0, dropped: 0 });
    assert!(store.calls("a").is_empty());
    store.record("b", call(1));
    assert_eq!(waiter.try_recv().unwrap().len(), 1);
}
