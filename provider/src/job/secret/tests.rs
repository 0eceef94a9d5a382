use super::{
    super::{
        executor::{Executor, Http, Kafka},
        model::Job,
    },
    *,
};

fn map(pairs: &[(&str, &str)]) -> Attr<Map<String>> {
    Attr::Known(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn text(text: &str) -> Attr<String> {
    Attr::Known(text.to_owned())
}

fn kafka(kafka: Kafka) -> Job {
    Job { kafka: Attr::Known(kafka), ..Job::default() }
}

fn generic(executor: Executor) -> Job {
    Job { executor: Attr::Known(Executor { name: text("other"), ..executor }), ..Job::default() }
}

/// Private data that knows these secrets.
fn private(job: &Job) -> Private {
    let records: Records =
        contents(job).into_iter().map(|(id, content)| (id, Record::of(&content).unwrap())).collect();
    let mut private = Private::default();
    private.set(SECRETS, serde_json::to_value(records).unwrap());
    private
}

#[track_caller]
fn assert_found(job: &Job, expected: &[&str]) {
    let findings = check(job);
    let found: Vec<_> = findings.iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(found, expected, "{findings}");
}

#[test]
fn write_only_arguments_and_versions_come_in_pairs() {
    let password = Kafka { sasl_password_wo: text("p"), ..Kafka::default() };
    let version = Kafka { sasl_password_wo_version: Attr::Known(1), ..Kafka::default() };
    assert_found(&kafka(password.clone()), &["kafka.sasl_password_wo"]);
    assert_found(&kafka(version.clone()), &["kafka.sasl_password_wo_version"]);
    assert_found(&kafka(Kafka { sasl_password_wo: text("p"), ..version.clone() }), &[]);
    assert_found(&kafka(Kafka { sasl_password_wo: Attr::Unknown, ..version }), &[]);
    assert_found(&kafka(Kafka { sasl_password_wo_version: Attr::Unknown, ..password }), &[]);
    assert_found(&kafka(Kafka { sasl_password_wo: Attr::Unknown, ..Kafka::default() }), &[]);
    assert_found(&kafka(Kafka { sasl_password_wo_version: Attr::Unknown, ..Kafka::default() }), &[]);
}

#[test]
fn plain_and_write_only_form_exclude_each_other() {
    let both = Kafka {
        sasl_password: text("p"),
        sasl_password_wo: text("p"),
        sasl_password_wo_version: Attr::Known(1),
        ..Kafka::default()
    };
    assert_found(&kafka(both.clone()), &["kafka.sasl_password_wo"]);
    assert_found(&kafka(Kafka { sasl_password: Attr::Unknown, ..both.clone() }), &[]);
    assert_found(&kafka(Kafka { sasl_password_wo: Attr::Unknown, ..both }), &[]);
    let shared = Executor {
        sensitive_config: map(&[("a", "1")]),
        config_wo: map(&[("b", "2")]),
        config_wo_version: Attr::Known(1),
        ..Executor::default()
    };
    assert_found(&generic(shared), &[]);
}

#[test]
fn what_is_carried_over_is_written_and_not_shown() {
    let planned = kafka(Kafka {
        topic: text("t"),
        broker_address: Attr::Known(tfplugin::model::Text::new("b:1")),
        debug: Attr::Known(false),
        sasl_password_wo_version: Attr::Known(7),
        ..Kafka::default()
    });
    let Attr::Known(given) = planned.kafka.clone() else { panic!("is known") };
    let config = kafka(Kafka { sasl_password_wo: text("secret"), ..given });
    let written = convert::to_dkron(&carry(&planned, &config));
    assert_eq!(written.executor_config["saslPassword"], "secret");
    assert!(!convert::to_dkron(&planned).executor_config.contains_key("saslPassword"));

    let shown = show(&written, &planned, &private(&config));
    assert!(shown.kafka == planned.kafka);
    assert_eq!(advice(&planned, &shown), Diagnostics::new());

    // On the server somebody changed it, or took it away.
    for other in [Some("other"), None] {
        let mut found = written.clone();
        found.executor_config.remove("saslPassword");
        found.executor_config.extend(other.map(|other| ("saslPassword".to_owned(), other.to_owned())));
        let shown = show(&found, &planned, &private(&config));
        let kafka = shown.kafka.known().unwrap();
        assert!(kafka.sasl_password.is_null() && kafka.sasl_password_wo_version.is_null());
        let said: Vec<_> = advice(&planned, &shown).into_iter().map(|said| said.path.to_string()).collect();
        assert_eq!(said, ["kafka.sasl_password_wo_version"]);
    }

    // Private data that know nothing of it: an import.
    let shown = show(&written, &Job::default(), &Private::default());
    assert_eq!(shown.kafka.known().unwrap().sasl_password, text("secret"));
}

#[test]
fn secret_settings_of_the_generic_form_stay_apart_from_others() {
    let planned = generic(Executor {
        config: map(&[("topic", "t")]),
        sensitive_config: map(&[("token", "x")]),
        config_wo_version: Attr::Known(1),
        ..Executor::default()
    });
    let Attr::Known(given) = planned.executor.clone() else { panic!("is known") };
    let config = generic(Executor { config_wo: map(&[("plain", "a"), ("password", "b")]), ..given });
    let written = convert::to_dkron(&carry(&planned, &config));
    assert_eq!(written.executor_config.len(), 4);
    assert!(show(&written, &planned, &private(&config)).executor == planned.executor);

    let mut found = written;
    found.executor_config.insert("plain".to_owned(), "changed".to_owned());
    found.executor_config.insert("new".to_owned(), "setting".to_owned());
    let shown = show(&found, &planned, &private(&config));
    let executor = shown.executor.known().unwrap();
    assert!(executor.config_wo_version.is_null());
    assert!(executor.sensitive_config == map(&[("token", "x")]));
    assert!(executor.config == map(&[("topic", "t"), ("new", "setting")]));
}

#[test]
fn a_secret_that_has_got_another_form_is_not_shown() {
    let planned = Job { http: Attr::Known(Http::default()), ..Job::default() };
    let config = Job {
        http: Attr::Known(Http { headers_wo: map(&[("A", "secret")]), ..Http::default() }),
        ..Job::default()
    };
    let settings = [("url", "http://h"), ("headers", "[\"A: secret\", \"A: again\"]")];
    let found = dkron::Job {
        executor: "http".to_owned(),
        executor_config: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..dkron::Job::default()
    };
    let shown = show(&found, &planned, &private(&config));
    let executor = shown.executor.known().unwrap();
    assert!(executor.sensitive_config.is_null() && executor.config == map(&[("url", "http://h")]));
}

#[test]
fn private_data_confirm_no_guess() {
    let content = Settings::from([("A".to_owned(), "canary".to_owned())]);
    let record = Record::of(&content).unwrap();
    assert!(record.agrees(&content));
    let stored = serde_json::to_string(&record).unwrap();
    assert!(!stored.contains("canary"), "{stored}");
    assert_eq!((record.salt.len(), record.digest.len()), (32, 4));
    assert_ne!(record.salt, Record::of(&content).unwrap().salt);
}

#[test]
fn names_and_values_are_told_apart() {
    let content = |pairs: &[(&str, &str)]| -> Settings {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let contents = [
        content(&[]),
        content(&[("", "")]),
        content(&[("a", "b")]),
        content(&[("ab", "")]),
        content(&[("", "ab")]),
    ];
    let digests: BTreeSet<_> = contents.iter().map(|content| digest("salt", content)).collect();
    assert_eq!(digests.len(), contents.len());
}

#[test]
fn damaged_private_data_count_as_none() {
    let mut private = Private::default();
    assert!(records(&private).is_empty());
    private.set(SECRETS, "canary");
    assert!(records(&private).is_empty());
}
