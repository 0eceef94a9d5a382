use reqwest::header::HeaderName;

use super::*;

fn headers_of(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    pairs.collect()
}

#[test]
fn what_an_answer_means() {
    let table: [(u16, bool, bool, &str, Option<Problem>); 22] = [
        // status, from dkron, HTML, body
        (200, true, false, "{}", None),
        (201, true, false, "{}", None),
        (200, false, true, "<html>", Some(Problem::NotDkron)),
        (404, true, false, "", None),
        (404, false, false, "404 page not found", Some(Problem::NotDkron)),
        (302, false, true, "<a>", Some(Problem::Redirected { target: Some("https://login.example".into()) })),
        (400, true, false, "Job contains invalid value: x.", Some(Problem::Rejected)),
        (400, false, false, "bad request", Some(Problem::Unexpected)),
        (400, false, true, "<h1>bad request", Some(Problem::NotDkron)),
        (401, false, true, "<html>", Some(Problem::Unauthorized)),
        (403, false, false, "no", Some(Problem::Forbidden)),
        (405, false, false, "", Some(Problem::Unexpected)),
        (408, false, false, "", Some(Problem::TimedOut)),
        (413, false, true, "<html>", Some(Problem::TooLarge)),
        (429, false, false, "slow down", Some(Problem::Throttled)),
        (
            500,
            true,
            false,
            "grpc: received message larger than max (4299227 vs. 4194304)",
            Some(Problem::TooLarge),
        ),
        (500, true, false, "null", Some(Problem::NoLeader)),
        (
            500,
            true,
            false,
            "failed to exit idle mode: passthrough: received empty target in Build()",
            Some(Problem::NoLeader),
        ),
        (500, true, false, "leadership lost while committing log", Some(Problem::Unavailable)),
        (502, false, true, "<html>", Some(Problem::Unavailable)),
        (503, true, false, "New job submissions are currently paused", Some(Problem::Unavailable)),
        (418, true, false, "", Some(Problem::Unexpected)),
    ];
    let headers = headers_of(&[("location", "https://login.example/?token=secret")]);
    for (status, from_dkron, html, body, expected) in table {
        assert_eq!(judge(status, from_dkron, html, &headers, body.as_bytes()), expected, "{status} {body}");
    }
}

#[test]
fn paths_are_built_below_the_endpoint() {
    let url = |base: &str, name: &str| {
        let transport = Transport::new(&Config::new([base.parse().unwrap()])).unwrap();
        transport.url(&Request::get(["jobs", name]), Route { endpoint: 0, fresh: false }).to_string()
    };
    assert_eq!(url("http://h", "a"), "http://h/v1/jobs/a");
    assert_eq!(url("http://h/", "a"), "http://h/v1/jobs/a");
    assert_eq!(url("http://h/prefix", "a"), "http://h/prefix/v1/jobs/a");
    assert_eq!(url("http://h/prefix/", "a"), "http://h/prefix/v1/jobs/a");
    assert_eq!(url("http://h", "ñ a?b#c%d"), "http://h/v1/jobs/%C3%B1%20a%3Fb%23c%25d");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let of = |value: &str| retry_after(&headers_of(&[("retry-after", value)]));
    assert_eq!(of("7"), Some(Duration::from_secs(7)));
    assert!(of("Fri, 31 Dec 2100 23:59:59 GMT").is_some());
    assert_eq!(of("Sat, 31 Dec 2005 23:59:59 GMT"), None);
    assert_eq!(of("soon"), None);
}
