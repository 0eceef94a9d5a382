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
    assert!(job.executor.is_set(), "has no typed form");
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

/// What dkron takes from others is more than configuration may say.
#[test]
fn what_configuration_may_not_say_stays_generic() {
    let url = ("url", "http://x");
    check_generic("http", &[("method", "GET"), ("url", "example.com")]);
    check_generic("http", &[("method", "get"), url]);
    check_generic("http", &[("method", "GET"), url, ("timeout", "0")]);
    check_generic("http", &[("method", "GET"), url, ("expectCode", "999")]);
    check_generic("shell", &[("command", "")]);
    check_generic("shell", &[("command", "true"), ("timeout", "-1s")]);
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
        ..Executor::default()
    };
    let prior = Job { executor: Attr::Known(executor.clone()), ..Job::default() };
    let mut job = Job::default();
    decode(&mut job, &prior, "http", &settings(&[("token", "visible"), ("url", "hidden")]));
    assert!(job.executor == Attr::Known(executor));
}

#[test]
fn what_may_be_secret_is_hidden_until_it_is_placed() {
    let job = read("other", &[("topic", "t"), ("saslPassword", "p"), ("key", "k"), ("brokerAddress", "b")]);
    let executor = job.executor.known().unwrap();
    let keys = |part: &Attr<Map<String>>| part.known().unwrap().0.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&executor.config), ["brokerAddress", "key", "topic"]);
    assert_eq!(keys(&executor.sensitive_config), ["saslPassword"]);
}

#[test]
fn every_key_of_grpc_survives() {
    let url = ("url", "127.0.0.1:9000/demo.Demo/Do");
    check_typed("grpc", &[url]);
    check_typed(
        "grpc",
        &[url, ("body", "{}"), ("timeout", "5"), ("expectCode", "3"), ("headers", r#"["A: 1","B: c:d"]"#)],
    );
    check_generic("grpc", &[]);
    check_generic("grpc", &[url, ("expectCode", "OK")]);
    check_generic("grpc", &[url, ("expectCode", "03")]);
    check_generic("grpc", &[url, ("timeout", "5s")]);
    check_generic("grpc", &[url, ("headers", "A: 1")]);
}

#[test]
fn every_key_of_kafka_survives() {
    let least = [("brokerAddress", "b:9092"), ("topic", "t")];
    check_typed("kafka", &least);
    let all = [
        ("key", "k"),
        ("message", "m"),
        ("tlsEnable", "true"),
        ("tlsInsecureSkipVerify", "false"),
        ("saslUsername", "u"),
        ("saslPassword", "p"),
        ("saslMechanism", "sha512"),
        ("debug", "true"),
    ];
    check_typed("kafka", &[&least[..], &all].concat());
    check_generic("kafka", &least[..1]);
    check_generic("kafka", &[&least[..], &[("tlsEnable", "1")]].concat());
    check_generic("kafka", &[&least[..], &[("debug", "false")]].concat());
    check_generic("kafka", &[&least[..], &[("key", "")]].concat());
}

#[test]
fn every_key_of_nats_survives() {
    let least = [("url", "nats://a:4222"), ("subject", "s")];
    check_typed("nats", &least);
    let all = [("message", "m"), ("userName", "u"), ("password", "p"), ("debug", "true")];
    check_typed("nats", &[&least[..], &all].concat());
    check_generic("nats", &[&least[..], &[("username", "u")]].concat());
}

#[test]
fn every_key_of_rabbitmq_survives() {
    let least = [("url", "amqp://a/"), ("queue.name", "q")];
    check_typed("rabbitmq", &least);
    let all = [
        ("exchange", "e"),
        ("queue.create", "true"),
        ("queue.durable", "true"),
        ("queue.auto_delete", "false"),
        ("queue.exclusive", "false"),
        ("message.content_type", "application/json"),
        ("message.delivery_mode", "2"),
        ("message.messageId", "1"),
        ("message.body", "b"),
    ];
    check_typed("rabbitmq", &[&least[..], &all].concat());
    check_typed("rabbitmq", &[&least[..], &[("message.base64Body", "/w==")]].concat());
    check_generic("rabbitmq", &least[..1]);
    check_generic("rabbitmq", &[&least[..], &[("queue.create", "yes")]].concat());
    check_generic("rabbitmq", &[&least[..], &[("message.delivery_mode", "persistent")]].concat());
    check_generic("rabbitmq", &[&least[..], &[("message.priority", "1")]].concat());
}

#[test]
fn every_key_of_gcppubsub_survives() {
    let least = [("project", "p"), ("topic", "t"), ("data", "aGVsbG8=")];
    check_typed("gcppubsub", &least);
    check_typed("gcppubsub", &[&least[..2], &[("attributes", r#"{"a":"1","b":"ü"}"#)]].concat());
    assert!(
        read("gcppubsub", &[&least[..], &[("attributes", r#"{ "b": "2", "a": "1" }"#)]].concat())
            .gcppubsub
            .is_set()
    );
    check_generic("gcppubsub", &[&least[..2], &[("data", "/w==")]].concat());
    check_generic("gcppubsub", &[&least[..2], &[("attributes", r#"{"a":1}"#)]].concat());
    check_generic("gcppubsub", &[&least[..2], &[("attributes", r#"{"a":null}"#)]].concat());
}

#[test]
fn credentials_in_an_address_are_hidden_until_the_user_writes_them_there() {
    let pairs = [("url", "amqp://guest:secret@host/"), ("queue.name", "q")];
    check_generic("rabbitmq", &pairs);
    let imported = read("rabbitmq", &pairs);
    let hidden = imported.executor.known().unwrap().sensitive_config.known().unwrap();
    assert!(hidden.0.keys().eq(["url"]));

    let prior = typed("rabbitmq", &pairs);
    let mut job = Job::default();
    decode(&mut job, &prior, "rabbitmq", &settings(&pairs));
    assert!(job.rabbitmq == prior.rabbitmq);
}

#[test]
fn addresses_with_a_user_in_them() {
    for address in
        ["http://u@h", "nats://token@h:4222", "nats://a,tls://u:p@b", "u:p@h:4222", "amqp://u:p@h/x?y=z"]
    {
        assert!(settings::has_credentials(address), "{address}");
    }
    for address in ["http://h/a@b", "http://h?a=b@c", "h:1,h:2", "http://h/a,b@c", "", "http://h#@"] {
        assert!(!settings::has_credentials(address), "{address}");
    }
}

/// A job whose executor has these settings, in its typed form; it need not be accepted.
fn typed(name: &str, pairs: &[(&str, &str)]) -> Job {
    let settings = settings(pairs);
    let mut job = Job::default();
    match name {
        "http" => job.http = lossless(&settings).into(),
        "shell" => job.shell = lossless(&settings).into(),
        "grpc" => job.grpc = lossless(&settings).into(),
        "kafka" => job.kafka = lossless(&settings).into(),
        "nats" => job.nats = lossless(&settings).into(),
        "rabbitmq" => job.rabbitmq = lossless(&settings).into(),
        "gcppubsub" => job.gcppubsub = lossless(&settings).into(),
        _ => {}
    }
    assert!(typed_in_use(&job).next().is_some(), "{name} has a typed form");
    job
}

/// Something was found at these paths, and nothing else.
#[track_caller]
fn assert_found(findings: &Diagnostics, paths: &[&str]) {
    let found: Vec<_> = findings.iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(found, paths, "{findings}");
}

#[test]
fn what_dkron_would_not_do_is_an_error() {
    let kafka = [("brokerAddress", "b:1"), ("topic", "t")];
    let with = |rest: &[(&'static str, &'static str)]| typed("kafka", &[&kafka[..], rest].concat());
    assert_found(&check(&with(&[])), &[]);
    assert_found(&advice(&with(&[("saslUsername", "u")])), &["kafka.sasl_username"]);
    assert_found(&advice(&with(&[("saslPassword", "p"), ("tlsEnable", "true")])), &["kafka.sasl_password"]);
    let both = [("saslUsername", "u"), ("saslPassword", "p")];
    assert_found(&check(&with(&both)), &["kafka.sasl_username"]);
    assert_found(&check(&with(&[&both[..], &[("saslMechanism", "sha256")]].concat())), &[]);

    let rabbitmq = [("url", "amqp://h/"), ("queue.name", "q"), ("message.body", "b")];
    let with = |rest: &[(&'static str, &'static str)]| typed("rabbitmq", &[&rabbitmq[..], rest].concat());
    assert_found(&check(&with(&[])), &[]);
    assert_found(&check(&with(&[("message.base64Body", "Yg==")])), &["rabbitmq.message.base64_body"]);
    assert_found(&check(&with(&[("message.delivery_mode", "3")])), &["rabbitmq.message.delivery_mode"]);

    let grpc = typed("grpc", &[("url", "h:1/a.B/C"), ("expectCode", "17")]);
    assert_found(&check(&grpc), &["grpc.expected_code"]);
    let empty = typed("gcppubsub", &[("project", "p"), ("topic", "t")]);
    assert_found(&check(&empty), &["gcppubsub"]);
    let headers = r#"["A: 1","a: 2"]"#;
    let twice = typed("http", &[("url", "http://h"), ("method", "GET"), ("headers", headers)]);
    assert_found(&check(&twice), &["http.headers[\"a\"]"]);
}

#[test]
fn what_is_unknown_is_not_judged() {
    let mut job = typed("kafka", &[("brokerAddress", "b:1"), ("topic", "t"), ("saslUsername", "u")]);
    let Attr::Known(kafka) = &mut job.kafka else { panic!("is typed") };
    kafka.sasl_password = Attr::Unknown;
    assert_found(&check(&job), &[]);
    let unknown = Gcppubsub { data: Attr::Unknown, ..Gcppubsub::default() };
    assert_found(&check(&Job { gcppubsub: Attr::Known(unknown), ..Job::default() }), &[]);
    assert_found(&check(&Job { nats: Attr::Unknown, kafka: Attr::Unknown, ..Job::default() }), &[]);
}

#[test]
fn exactly_one_form_is_to_be_chosen() {
    let mut job = typed("nats", &[("url", "nats://h"), ("subject", "s")]);
    assert_found(&check(&job), &[]);
    job.shell = Attr::Unknown;
    assert_found(&check(&job), &[]);
    job.shell = typed("shell", &[("command", "true")]).shell;
    let findings = check(&job);
    assert_found(&findings, &["nats"]);
    assert!(findings.to_string().contains("found `shell` and `nats`"), "{findings}");
    assert!(check(&Job::default()).to_string().contains("`gcppubsub`, `executor`"));
}

#[test]
fn traps_are_pointed_out() {
    let paths = |name: &str, pairs: &[(&str, &str)]| -> Vec<String> {
        advice(&typed(name, pairs)).iter().map(|finding| finding.path.to_string()).collect()
    };
    let http = [("method", "GET"), ("url", "https://u:p@h/")];
    let rest = [
        ("headers", r#"["Host: x","X: a:b"]"#),
        ("debug", "true"),
        ("expectBody", "("),
        ("tlsCertificateFile", "/c"),
    ];
    assert_eq!(
        paths("http", &[&http[..], &rest].concat()),
        [
            "http.debug",
            "http.url",
            "http.headers[\"Host\"]",
            "http.headers[\"X\"]",
            "http.expected_body",
            "http.tls_cert_file"
        ]
    );
    assert_eq!(
        paths("shell", &[("command", "a | b"), ("su", "u"), ("mem_limit", "1MB")]),
        ["shell.su", "shell.mem_limit", "shell.command"]
    );
    assert_eq!(paths("grpc", &[("url", "h:1/a.B/C"), ("headers", r#"["A: 1"]"#)]), ["grpc.headers"]);
    let kafka =
        [("brokerAddress", "b:1"), ("topic", "t"), ("debug", "true"), ("tlsInsecureSkipVerify", "true")];
    let sasl = [("saslUsername", "u"), ("saslPassword", "p"), ("saslMechanism", "sha256")];
    assert_eq!(
        paths("kafka", &[&kafka[..], &sasl].concat()),
        ["kafka.debug", "kafka.sasl_mechanism", "kafka.tls_skip_verify"]
    );
    assert_eq!(
        paths("kafka", &[&kafka[..2], &sasl, &[("tlsEnable", "true")]].concat()),
        Vec::<String>::new()
    );
    assert_eq!(
        paths("nats", &[("url", "nats://t@h"), ("subject", "s"), ("debug", "true")]),
        ["nats.debug", "nats.url"]
    );
    let rabbitmq =
        [("url", "amqp://u:p@h/"), ("queue.name", "q"), ("queue.durable", "true"), ("exchange", "e")];
    assert_eq!(paths("rabbitmq", &rabbitmq), ["rabbitmq.url", "rabbitmq.exchange", "rabbitmq.queue.durable"]);
    assert_eq!(
        paths("rabbitmq", &[&[("url", "amqp://h/")], &rabbitmq[1..3], &[("queue.create", "true")]].concat()),
        Vec::<String>::new()
    );
}

#[test]
fn a_command_is_cut_only_at_operators_outside_of_quotes() {
    let is_cut = |command: &str| !advice(&typed("shell", &[("command", command)])).is_empty();
    for command in ["a | b", "a;b", "a && b", "echo 'x' > y", "a 2>&1", "echo \\\\; b"] {
        assert!(is_cut(command), "{command}");
    }
    for command in ["date -u", "echo 'a | b' \"c; d\"", "echo a\\;b", "curl http://h/?a=b", "echo `a | b`"] {
        assert!(!is_cut(command), "{command}");
    }
    let interpreted = typed("shell", &[("command", "a | b"), ("shell", "true")]);
    assert_found(&advice(&interpreted), &[]);
}
