use super::*;

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn http(config: &[(&str, &str)]) -> Job {
    Job { executor: "http".into(), executor_config: texts(config), ..Job::default() }
}

#[test]
fn what_is_not_set_has_one_form() {
    let expected = json!({
        "name": "backup", "displayname": null, "schedule": null, "timezone": null, "owner": null,
        "owner_email": null, "disabled": false, "tags": {}, "metadata": {}, "retries": 0, "parent_job": null,
        "processors": {}, "concurrency": "allow", "executor": null, "ephemeral": false, "expires_at": null,
        "starts_at": null,
    });
    let job = Job { name: "backup".into(), ..Job::default() };
    assert_eq!(Value::Object(canonical(&job)), expected);
}

#[test]
fn what_is_set_is_shown() {
    let job = Job {
        name: "acme--report".into(),
        displayname: "Report".into(),
        schedule: "0 0 3 * * *".into(),
        timezone: "Europe/Berlin".into(),
        owner: "ops".into(),
        owner_email: "ops@example.com".into(),
        disabled: true,
        tags: texts(&[("server", "true:1")]),
        metadata: texts(&[("team", "x"), ("krony.tenant", "acme"), ("kronyx", "y")]),
        retries: 3,
        parent_job: "acme--parent".into(),
        processors: BTreeMap::from([
            ("log".to_owned(), texts(&[("forward", "true")])),
            ("syslog".to_owned(), texts(&[])),
        ]),
        concurrency: "forbid".into(),
        ephemeral: true,
        expires_at: Some("2030-01-01T00:00:00+02:00".parse().unwrap()),
        starts_at: Some("2029-01-01T00:00:00.5Z".parse().unwrap()),
        dependent_jobs: vec!["child".into()],
        status: "success".into(),
        ..http(&[("url", "https://example.com/"), ("headers", r#"["A: b"]"#)])
    };
    let expected = json!({
        "name": "acme--report", "displayname": "Report", "schedule": "0 0 3 * * *", "timezone": "Europe/Berlin",
        "owner": "ops", "owner_email": "ops@example.com", "disabled": true, "tags": {"server": "true:1"},
        "metadata": {"team": "x", "kronyx": "y"}, "retries": 3, "parent_job": "acme--parent",
        "processors": {"log": {"forward": "true"}, "syslog": {}}, "concurrency": "forbid",
        "executor": {"name": "http", "config": {"url": "https://example.com/", "headers": r#"["A: b"]"#}},
        "ephemeral": true, "expires_at": "2029-12-31T22:00:00Z", "starts_at": "2029-01-01T00:00:00.5Z",
    });
    assert_eq!(Value::Object(canonical(&job)), expected);
}

#[test]
fn jobs_of_the_same_meaning_are_equal() {
    let allowed = Job { concurrency: "allow".into(), ..Job::default() };
    assert!(allowed.same_meaning(&Job::default()));
    assert_eq!(canonical(&allowed), canonical(&Job::default()));
}

#[test]
fn addresses_are_shown_without_credentials() {
    for (address, shown) in [
        ("https://user:p@ss@example.com/a@b", "https://example.com/a@b"),
        ("https://good.example@evil.example/", "https://evil.example/"),
        ("https://example.com/", "https://example.com/"),
        ("https://h?to=a@b", "https://h?to=a@b"),
        ("https://h/a,b@c", "https://h/a,b@c"),
        ("https://h/?next=http://a@b", "https://h/?next=http://a@b"),
        ("amqp://u:p@h/x", "amqp://h/x"),
        ("u:p@h:4222", "h:4222"),
        ("u:p@h/?next=http://z", "h/?next=http://z"),
        ("nats://t@a:1,u:p@b:2, tls://v:q@c", "nats://a:1,b:2, tls://c"),
        ("nats://a,b", "nats://a,b"),
        ("http://u:ü@ä/", "http://ä/"),
        ("@", ""),
        ("", ""),
    ] {
        let job = canonical(&http(&[("url", address), ("URL", address), ("body", address)]));
        let expected = json!({ "url": shown, "URL": shown, "body": address });
        assert_eq!(job["executor"]["config"], expected, "{address}");
    }
}

#[test]
fn settings_that_sound_secret() {
    for key in [
        "headers",
        "env",
        "payload",
        "password",
        "saslPassword",
        "API_TOKEN",
        "apikey",
        "Authorization",
        "passwd",
    ] {
        assert!(is_secret_setting(key), "{key}");
    }
    for key in ["url", "method", "body", "key", "tlsCertificateKeyFile", "topic", "command", ""] {
        assert!(!is_secret_setting(key), "{key}");
    }
}

#[test]
fn secrets_are_replaced_wherever_they_stand() {
    let mut job = http(&[("url", "https://h"), ("headers", "[]")]);
    job.processors = BTreeMap::from([("slack".to_owned(), texts(&[("token", "t"), ("channel", "c")]))]);
    job.metadata = texts(&[("token", "no setting")]);
    let mut shown = canonical(&job);
    secrets(&job).for_each(|path| put(&mut shown, &path, json!("hidden")));
    assert_eq!(shown["executor"]["config"], json!({ "url": "https://h", "headers": "hidden" }));
    assert_eq!(shown["processors"], json!({ "slack": { "token": "hidden", "channel": "c" } }));
    assert_eq!(shown["metadata"], json!({ "token": "no setting" }));
}

#[test]
fn only_the_last_step_may_be_new() {
    let mut job = canonical(&Job::default());
    put(&mut job, &["tags", "new"], json!(1));
    assert_eq!(job["tags"], json!({ "new": 1 }));
    let before = job.clone();
    for path in [&[][..], &["executor", "config"], &["processors", "log", "forward"], &["retries", "x"]] {
        put(&mut job, path, json!(1));
        assert_eq!(job, before, "{path:?}");
    }
}
