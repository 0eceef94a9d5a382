use super::*;

fn headers_of(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
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
fn endpoints_are_checked() {
    let check = |url: &str| base_url(&url.parse().unwrap()).map_err(|error| error.problem);
    for good in ["http://localhost:8080", "https://dkron.example/", "http://[::1]:8080/some/prefix/"] {
        assert!(check(good).is_ok(), "{good}");
    }
    for (bad, words) in [
        ("ftp://localhost", "http:// or https://"),
        ("unix:/run/dkron", "http:// or https://"),
        ("http://user@localhost", "credentials"),
        ("http://user:hunter2@localhost", "credentials"),
        ("http://localhost/?token=hunter2", "query"),
        ("http://localhost/#part", "fragment"),
        ("http://localhost/v1", "/v1"),
        ("http://localhost/dkron/v1/", "/v1"),
    ] {
        let problem = check(bad).unwrap_err();
        assert!(problem.contains(words) && !problem.contains("hunter2"), "{bad}: {problem}");
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
fn settings_that_cannot_work_are_named() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config::new(["http://localhost".parse().unwrap()]);
        change(&mut config);
        let error = Transport::new(&config).map(drop).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        error.setting
    };
    let header = |name: &str, value: &str| crate::Header { name: name.into(), value: value.into() };
    type Change = fn(&mut Config);
    let table: [(Change, &str); 8] = [
        (|config| config.endpoints.clear(), "endpoints"),
        (|config| config.max_in_flight = 0, "max_in_flight"),
        (|config| config.auth = Auth::Bearer("hunter2\nx".into()), "token"),
        (
            |config| config.auth = Auth::Basic { username: "a:b".into(), password: "hunter2".into() },
            "username",
        ),
        (|config| config.tls.ca_cert = Some(b"hunter2".to_vec()), "ca_cert"),
        (|config| config.tls.client_cert = Some(b"x".to_vec()), "client_key"),
        (|config| config.tls.client_key = Some("hunter2".into()), "client_cert"),
        (
            |config| {
                config.tls.client_cert = Some(b"x".to_vec());
                config.tls.client_key = Some("hunter2".into());
            },
            "client_cert",
        ),
    ];
    for (change, setting) in table {
        assert_eq!(refused(change), setting);
    }
    for (name, value) in [("no colon: here", "x"), ("x-ok", "hunter2\r\n"), ("content-length", "hunter2")] {
        let mut config = Config::new(["http://localhost".parse().unwrap()]);
        config.headers.push(header(name, value));
        let error = Transport::new(&config).map(drop).unwrap_err();
        assert_eq!(error.setting, "headers");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let of = |value: &str| retry_after(&headers_of(&[("retry-after", value)]));
    assert_eq!(of("7"), Some(Duration::from_secs(7)));
    assert!(of("Fri, 31 Dec 2100 23:59:59 GMT").is_some());
    assert_eq!(of("Sat, 31 Dec 2005 23:59:59 GMT"), None);
    assert_eq!(of("soon"), None);
}

#[test]
fn settings_do_not_show_their_secrets() {
    let mut config = Config::new(["http://me:hunter2@localhost/?token=hunter2".parse().unwrap()]);
    config.auth = Auth::Basic { username: "me".into(), password: "hunter2".into() };
    config.headers.push(crate::Header { name: "x-key".into(), value: "hunter2".into() });
    config.tls.client_key = Some("hunter2".into());
    config.tls.client_cert = Some(b"hunter2".to_vec());
    assert!(!format!("{config:?}").contains("hunter2"));
}
