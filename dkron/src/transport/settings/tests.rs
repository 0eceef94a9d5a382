use super::*;
use crate::Client;

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
fn settings_that_cannot_work_are_named() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config::new(["http://localhost".parse().unwrap()]);
        change(&mut config);
        let error = Client::new(config).unwrap_err();
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
        let error = Client::new(config).unwrap_err();
        assert_eq!(error.setting, "headers");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
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
