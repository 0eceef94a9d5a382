use super::*;

use bytes::Bytes;

/// Answers at set times, over set connections.
struct Clock {
    start: Moment,
}

impl Clock {
    fn at(&self, milliseconds: u64) -> Moment {
        self.start.after(milliseconds)
    }

    /// An answer of node "n" that took 10 ms.
    fn answer(&self, sent: u64, port: Option<u16>) -> Answer {
        Answer {
            status: 404,
            node: Some("n".into()),
            total: None,
            body: Bytes::new(),
            sent: self.at(sent),
            received: self.at(sent + 10),
            direct: port.map(|port| SocketAddr::from(([127, 0, 0, 1], port))),
            route: Route { endpoint: 0, fresh: false },
        }
    }
}

/// A leader that said so at 0 ms over connection 1, and has caught up at 100 ms.
fn trusted() -> (Clock, Trust) {
    let clock = Clock { start: Moment::now() };
    let trust = Trust::default();
    trust.confirm("n", &clock.answer(0, Some(1)));
    assert!(trust.caught_up(trust.began(), clock.at(100)));
    (clock, trust)
}

#[test]
fn absence_needs_a_leader_that_had_caught_up_and_still_leads() {
    let (clock, trust) = trusted();
    let early = clock.answer(50, Some(1));
    let later = clock.answer(150, Some(1));
    assert!(!trust.proves_absence(&later), "nobody asked who leads since");
    trust.confirm("n", &clock.answer(200, Some(1)));
    assert!(trust.proves_absence(&later));
    assert!(!trust.proves_absence(&early), "it had not caught up");
    let other = Answer { node: Some("m".into()), ..later.clone() };
    assert!(!trust.proves_absence(&other), "that node does not lead");
    let nobody = Answer { node: None, ..later };
    assert!(!trust.proves_absence(&nobody));
}

#[test]
fn a_leader_that_was_silent_may_have_restarted() {
    let (clock, trust) = trusted();
    // Within a second it cannot have come back to lead, over whatever connection it says so.
    trust.confirm("n", &clock.answer(900, Some(2)));
    assert!(trust.is_caught_up());
    // After more than that only an old connection tells that it is the same process.
    trust.confirm("n", &clock.answer(5_000, Some(2)));
    assert!(trust.is_caught_up());
    trust.confirm("n", &clock.answer(10_000, Some(3)));
    assert!(!trust.is_caught_up());
}

#[test]
fn connections_through_a_proxy_tell_nothing() {
    let (clock, trust) = trusted();
    trust.confirm("n", &clock.answer(900, None));
    assert!(trust.is_caught_up());
    trust.confirm("n", &clock.answer(2_500, None));
    assert!(!trust.is_caught_up());
}

#[test]
fn another_leader_begins_anew() {
    let (clock, trust) = trusted();
    trust.confirm("m", &clock.answer(200, Some(1)));
    assert!(!trust.is_caught_up());
    assert_eq!(trust.leader().as_deref(), Some("m"));
    assert!(!trust.caught_up(Some(clock.at(0)), clock.at(300)), "that chain has ended");
    assert!(!trust.is_caught_up());
}

#[test]
fn a_write_relies_on_known_connections_and_on_recent_words() {
    let (clock, trust) = trusted();
    assert!(trust.vouches(&clock.answer(60_000, Some(1))), "an old connection ends in the same process");
    assert!(!trust.vouches(&clock.answer(60_000, Some(2))), "a new one may not");
    trust.confirm("n", &clock.answer(60_100, Some(1)));
    assert!(trust.vouches(&clock.answer(60_000, Some(2))), "it led before and after");
    assert!(trust.vouches(&clock.answer(90_000, Some(2))), "so the connection is known");
    assert!(trust.vouches(&clock.answer(60_200, None)), "a proxy, and the leader was asked just now");
    assert!(!trust.vouches(&clock.answer(61_000, None)), "a proxy, and long ago");
}
