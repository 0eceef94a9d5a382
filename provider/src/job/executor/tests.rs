use std::collections::BTreeMap;

use tfplugin::model::{Attr, Map};

use super::{super::model::Job, *};

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What reading such an executor makes of a job that was imported.
fn read(name: &str, pairs: &[(&str, &str)]) -> Job {
    let mut job = Job::default();
    decode(&mut job, &Job::default(), name, &settings(pairs));
    job
}

/// The form is typed, and encodes to the same settings.
#[track_caller]
fn check_typed(name: &str, pairs: &[(&str, &str)]) {
    let job = read(name, pairs);
    assert!(job.executor.is_null(), "has a typed form");
    assert_eq!(encode(&job), Some((name.to_owned(), settings(pairs))));
}

/// The form is the generic one, and encodes to the same settings.
#[track_caller]
fn check_generic(name: &str, pairs: &[(&str, &str)]) {
    let job = read(name, pairs);
    assert!(job.http.is_null() && job.shell.is_null(), "has no typed form");
    assert_eq!(encode(&job), Some((name.to_owned(), settings(pairs))));
}

#[test]
fn every_key_of_http_survives() {
    check_typed(
        "http",
        &[
            ("method", "POST"),
            ("url", "https://example.com/"),
            ("headers", r#"["A: 1","B: c:d"]"#),
            ("body", "text"),
            ("timeout", "30"),
            ("expectCode", "200,206"),
            ("expectBody", "ok.*"),
            ("debug", "true"),
            ("tlsNoVerifyPeer", "false"),
            ("tlsRootCAsFile", "/ca"),
            ("tlsCertificateFile", "/cert"),
            ("tlsCertificateKeyFile", "/key"),
        ],
    );
    check_typed("http", &[("method", "GET"), ("url", "http://x")]);
}

#[test]
fn http_that_a_form_cannot_say_stays_generic() {
    let url = ("url", "http://x");
    let method = ("method", "GET");
    check_generic("http", &[url]);
    check_generic("http", &[method, url, ("headers", r#"["A: 1","A: 2"]"#)]);
    check_generic("http", &[method, url, ("headers", "no json")]);
    check_generic("http", &[method, url, ("headers", r#"["no colon"]"#)]);
    check_generic("http", &[method, url, ("timeout", "5s")]);
    check_generic("http", &[method, url, ("expectCode", "2xx")]);
    check_generic("http", &[method, url, ("debug", "false")]);
    check_generic("http", &[method, url, ("tlsNoVerifyPeer", "yes")]);
    check_generic("http", &[method, url, ("future", "key")]);
}

#[test]
fn spellings_of_http_that_mean_the_same_are_typed() {
    let job = read(
        "http",
        &[
            ("method", "GET"),
            ("url", "http://x"),
            ("headers", r#"[ "B: 1", "A: 2" ]"#),
            ("expectCode", "206,200"),
        ],
    );
    assert!(job.http.is_set());
}

#[test]
fn every_key_of_shell_survives() {
    check_typed(
        "shell",
        &[
            ("command", "true"),
            ("shell", "true"),
            ("env", "A=1,B=x=y"),
            ("cwd", "/tmp"),
            ("timeout", "1m30s"),
            ("payload", "aGVsbG8="),
            ("su", "nobody"),
            ("mem_limit", "1MB"),
        ],
    );
    let job = read("shell", &[("command", "cat"), ("payload", "aGVsbG8=")]);
    assert_eq!(job.shell.known().unwrap().payload, Attr::Known("hello".to_owned()));
}

#[test]
fn shell_that_a_form_cannot_say_stays_generic() {
    let command = ("command", "true");
    check_generic("shell", &[command, ("shell", "1")]);
    check_generic("shell", &[command, ("env", "novalue")]);
    check_generic("shell", &[command, ("env", "A=1,A=2")]);
    check_generic("shell", &[command, ("payload", "not base64!")]);
    check_generic("shell", &[command, ("payload", "/w==")]);
    check_generic("shell", &[command, ("project", "x")]);
}

#[test]
fn the_generic_form_stays_generic_and_keeps_its_places() {
    let executor = Executor {
        name: Attr::Known("http".to_owned()),
        config: Attr::Known([("token".to_owned(), "visible".to_owned())].into_iter().collect()),
        sensitive_config: Attr::Known([("url".to_owned(), "hidden".to_owned())].into_iter().collect()),
    };
    let prior = Job { executor: Attr::Known(executor.clone()), ..Job::default() };
    let mut job = Job::default();
    decode(&mut job, &prior, "http", &settings(&[("token", "visible"), ("url", "hidden")]));
    assert!(job.executor == Attr::Known(executor));
}

#[test]
fn what_may_be_secret_is_hidden_until_it_is_placed() {
    let job = read("kafka", &[("topic", "t"), ("saslPassword", "p"), ("key", "k"), ("brokerAddress", "b")]);
    let executor = job.executor.known().unwrap();
    let keys = |part: &Attr<Map<String>>| part.known().unwrap().0.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&executor.config), ["brokerAddress", "key", "topic"]);
    assert_eq!(keys(&executor.sensitive_config), ["saslPassword"]);
}

#[test]
fn processors_are_typed_where_nothing_is_lost() {
    let found = BTreeMap::from([
        ("files".to_owned(), settings(&[("forward", "true"), ("log_dir", "/x")])),
        ("log".to_owned(), settings(&[])),
        ("syslog".to_owned(), settings(&[("forward", "yes")])),
        ("email".to_owned(), settings(&[("emails", "a@b")])),
    ]);
    let decoded = decode_processors(&found, &Attr::Null);
    let processors = decoded.known().unwrap();
    assert!(processors.files.is_set() && processors.log.is_set() && processors.syslog.is_null());
    assert_eq!(processors.other.known().unwrap().0.len(), 2);
    assert_eq!(encode_processors(processors), found);
}

#[test]
fn a_processor_written_in_the_generic_form_stays_there() {
    let found = BTreeMap::from([("log".to_owned(), settings(&[("forward", "true")]))]);
    let other = Map(BTreeMap::from([("log".to_owned(), Attr::Known(Map(BTreeMap::new())))]));
    let prior = Attr::Known(Processors { other: Attr::Known(other), ..Processors::default() });
    let decoded = decode_processors(&found, &prior);
    assert!(decoded.known().unwrap().log.is_null());
}
