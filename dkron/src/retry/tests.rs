use super::*;
use crate::error::Problem::*;

fn failure(problem: Problem, retry_after: Option<Duration>) -> RequestError {
    RequestError {
        operation: String::new(),
        method: String::new(),
        url: String::new(),
        status: None,
        node: None,
        text: None,
        html: false,
        problem,
        retry_after,
        attempts: 0,
        elapsed: Duration::ZERO,
        source: None,
    }
}

#[test]
fn what_deserves_another_try_and_what_may_be_applied() {
    let table = [
        // problem, retryable, perhaps applied
        (Unreachable, true, false),
        (Interrupted, true, true),
        (TimedOut, true, true),
        (NoLeader, true, false),
        (Throttled, true, false),
        (Unavailable, true, true),
        (Uncounted, true, false),
        (Tls("wrong authority".into()), false, false),
        (Redirected { target: None }, false, false),
        (Unauthorized, false, false),
        (Forbidden, false, false),
        (NotDkron, false, false),
        (TooLarge, false, false),
        (Rejected, false, false),
        (Unexpected, false, false),
        (Undecodable("line 1".into()), false, false),
    ];
    for (problem, retryable, applied) in table {
        assert_eq!(is_retryable(&problem), retryable, "{problem:?}");
        assert_eq!(may_be_applied(&problem), applied, "{problem:?}");
    }
}

#[test]
fn waits_grow_up_to_the_cap() {
    let mut patience =
        Patience::new(Retry { budget: Duration::from_secs(3600), max_wait: Duration::from_secs(1) });
    let mut next = || {
        let wait = patience.next_wait(&mut failure(Unavailable, None), true, None);
        wait.expect("the budget is large").as_millis()
    };
    for longest in [100, 200, 400, 800, 1000, 1000] {
        let wait = next();
        assert!((longest / 2..=longest).contains(&wait), "{wait} of {longest}");
    }
}

#[test]
fn a_server_is_heard_up_to_the_cap() {
    let policy = Retry { budget: Duration::from_secs(60), max_wait: Duration::from_secs(5) };
    for (asked, waited) in [(3, 3), (3600, 5)] {
        let mut error = failure(Throttled, Some(Duration::from_secs(asked)));
        let wait = Patience::new(policy).next_wait(&mut error, true, None);
        assert_eq!(wait, Some(Duration::from_secs(waited)));
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_with_the_budget() {
    let policy = Retry { budget: Duration::from_secs(60), max_wait: Duration::from_secs(5) };
    let seconds_until_it_ends = async |problem: Problem, reached: bool, cap: Option<Duration>| {
        let began = Instant::now();
        let mut patience = Patience::new(policy);
        loop {
            let mut error = failure(problem.clone(), None);
            match patience.next_wait(&mut error, reached, cap) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    assert_eq!(error.elapsed.as_secs(), began.elapsed().as_secs());
                    return (error.attempts, error.elapsed.as_secs());
                }
            }
        }
    };
    let (attempts, seconds) = seconds_until_it_ends(Unavailable, true, None).await;
    assert!(attempts > 12 && (55..=60).contains(&seconds), "{attempts} in {seconds} s");
    // An address that never answered is soon given up.
    let (_, seconds) = seconds_until_it_ends(Unreachable, false, None).await;
    assert!((5..=10).contains(&seconds), "{seconds} s");
    let (_, seconds) = seconds_until_it_ends(Unreachable, true, None).await;
    assert!((55..=60).contains(&seconds), "{seconds} s");
    let (_, seconds) = seconds_until_it_ends(Unavailable, true, Some(Duration::from_secs(3))).await;
    assert!(seconds <= 3, "{seconds} s");
    // What cannot succeed is not repeated.
    assert_eq!(seconds_until_it_ends(Forbidden, true, None).await, (1, 0));
}

#[tokio::test(start_paused = true)]
async fn success_restores_patience() {
    let mut patience =
        Patience::new(Retry { budget: Duration::from_secs(2), max_wait: Duration::from_secs(1) });
    patience.next_wait(&mut failure(Unavailable, None), true, None).expect("the first failure");
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(patience.next_wait(&mut failure(Unavailable, None), true, None), None);
    patience.restore();
    assert!(patience.next_wait(&mut failure(Unavailable, None), true, None).is_some());
}

#[test]
fn an_answer_tells_more_than_the_silence_of_another_endpoint() {
    let from = |endpoint: &str, problem: Problem| {
        let status = (problem == NoLeader).then_some(500);
        let url = format!("http://{endpoint}/v1/leader");
        Box::new(RequestError { url, status, ..failure(problem, None) })
    };
    let table = [
        // the failures in their order, and the one to report
        (vec![("a", NoLeader), ("b", Unreachable)], NoLeader),
        (vec![("a", NoLeader), ("b", TimedOut), ("c", Unreachable)], NoLeader),
        (vec![("b", Unreachable), ("a", NoLeader)], NoLeader),
        (vec![("b", TimedOut), ("c", Unreachable)], Unreachable),
        // What a node said before it died is no news, and what cannot succeed is not outweighed.
        (vec![("a", NoLeader), ("a", Unreachable)], Unreachable),
        (vec![("a", NoLeader), ("b", Tls("wrong authority".into()))], Tls("wrong authority".into())),
    ];
    for (mut failures, expected) in table {
        let mut patience = Patience::new(Retry::default());
        let (endpoint, last) = failures.pop().expect("a last failure");
        for (endpoint, problem) in failures {
            patience.note(from(endpoint, problem));
        }
        let told = patience.most_telling(from(endpoint, last));
        assert_eq!(told.problem, expected);
    }
}
