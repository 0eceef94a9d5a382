use std::collections::BTreeSet;

use hooks::verdict::Step;
use serde_json::json;
use tfplugin::{
    model::Text,
    schema::{Field, Kind},
    value::{Number, Type},
};

use super::*;

/// What stands for an unknown value in the jobs of these tests.
const LATER: &str = "(known after apply)";

/// JSON as a value of a type.
fn value(of: &Type, json: &Json) -> Value {
    match (of, json) {
        (_, Json::Null) => Value::Null,
        (_, Json::String(text)) if text == LATER => Value::UNKNOWN,
        (_, Json::String(text)) => Value::string(text),
        (_, Json::Bool(flag)) => Value::Bool(*flag),
        (_, Json::Number(number)) => Value::Number(Number::from(number.as_i64().unwrap())),
        (Type::Set(of), Json::Array(items)) => Value::set(items.iter().map(|item| value(of, item)).collect()),
        (Type::Map(of), Json::Object(items)) => {
            Value::Map(items.iter().map(|(key, item)| (key.clone(), value(of, item))).collect())
        }
        (Type::Object(of), Json::Object(items)) => {
            Value::Object(items.iter().map(|(name, item)| (name.clone(), value(&of[name], item))).collect())
        }
        _ => panic!("{json} as {of:?}"),
    }
}

/// The job with these attributes.
fn job(attributes: &Json) -> Job {
    let value = value(&Job::schema(0).object_type(), attributes);
    Job::decode(&value, &Path::root(), Strictness::State).unwrap()
}

/// What hooks see as the executor of a job with these attributes.
fn executor(attributes: &Json) -> Json {
    planned(&job(attributes), false)["executor"].clone()
}

fn config(attributes: &Json) -> Json {
    executor(attributes)["config"].clone()
}

fn revealed(attributes: &Json) -> Json {
    planned(&job(attributes), true)["executor"]["config"].clone()
}

const TYPED: [&str; 7] = ["http", "shell", "grpc", "kafka", "nats", "rabbitmq", "gcppubsub"];

fn fields_of(form: &str) -> Vec<Field> {
    let fields = Job::fields();
    fields.iter().find(|field| field.name() == form).and_then(Field::nested).unwrap().1.to_vec()
}

/// An object in which all of the fields are set, but for what is not stored.
fn filled(fields: &[Field]) -> Json {
    let sample = |field: &Field| match field.nested() {
        Some((_, fields)) => filled(fields),
        None => match field.value_type() {
            Type::Bool => json!(true),
            Type::Number => json!(1),
            Type::Set(_) => json!([1]),
            Type::Map(_) => json!({ "a": "b" }),
            _ => match field {
                Field::Attribute(attribute) => json!(attribute.facts.examples.first().unwrap_or(&"text")),
                Field::Block(block) => panic!("{} is a block", block.name),
            },
        },
    };
    let stored = fields.iter().filter(|field| !field.is_write_only());
    stored.map(|field| (field.name().to_owned(), sample(field))).collect()
}

/// The names of attributes without any in them, with dots in the names of those that are in another.
fn leaves(fields: &[Field], prefix: &str) -> Vec<String> {
    let name = |field: &Field| format!("{prefix}{}", field.name());
    let below = |field: &Field| match field.nested() {
        Some((_, fields)) => leaves(fields, &format!("{}.", name(field))),
        None => vec![name(field)],
    };
    fields.iter().flat_map(below).collect()
}

#[test]
fn each_setting_has_an_attribute_and_each_attribute_a_setting() {
    for form in TYPED {
        let fields = fields_of(form);
        let job = job(&json!({ form: filled(&fields) }));
        let (name, settings) = executor::encode(&job).unwrap();
        assert_eq!(name, form);
        let InUse::Typed(typed) = executor::in_use(&job) else { panic!("{form} is typed") };
        let places = typed.places.iter();
        let keys: BTreeSet<_> = places.map(|place| &place.key).collect();
        assert_eq!(keys, settings.keys().collect(), "{form}");

        let attributes = typed.places.iter().map(|place| place.path.to_string());
        let expected = leaves(&fields, &format!("{form}.")).into_iter();
        let expected = expected.filter(|name| !name.ends_with("_wo_version"));
        assert!(attributes.eq(expected), "{form}");
    }
}

#[test]
fn an_attribute_that_plans_hide_is_masked_and_no_other() {
    for form in TYPED {
        let fields = fields_of(form);
        let job = job(&json!({ form: filled(&fields) }));
        let InUse::Typed(typed) = executor::in_use(&job) else { panic!("{form} is typed") };
        let hidden = typed.places.iter().filter(|place| place.is_sensitive && !place.is_write_only);
        let hidden: BTreeSet<_> = hidden.map(|place| place.key.as_str()).collect();
        let seen = planned(&job, false);
        let masked = seen["executor"]["config"].as_object().unwrap().iter();
        let masked = masked.filter(|(_, value)| **value == sensitive()).map(|(key, _)| key.as_str());
        assert!(masked.eq(hidden), "{form}: {seen}");

        let (_, settings) = executor::encode(&job).unwrap();
        assert_eq!(planned(&job, true)["executor"]["config"], json!(settings), "{form}");
    }
}

#[test]
fn fields_and_attributes_exist() {
    let fields: BTreeSet<_> =
        FIELDS.iter().map(|(field, _)| *field).chain(["executor", "processors"]).collect();
    let seen = planned(&Job::default(), false);
    assert!(seen.as_object().unwrap().keys().eq(fields.iter().copied()));
    let attributes = Job::fields();
    for (_, attribute) in FIELDS {
        assert!(attributes.iter().any(|field| field.name() == attribute), "{attribute}");
    }
}

#[test]
fn a_planned_job() {
    let job = job(&json!({
        "name": "report", "tenant": "acme", "display_name": "", "schedule": "0 0 3 * * *", "parent_job": "first",
        "tags": { "server": "true:1" }, "metadata": { "team": "x" }, "expires_at": "2030-01-01T00:00:00+02:00",
        "processors": { "log": { "forward": true }, "other": { "email": { "to": "a@b", "password": "p" } } },
        "http": { "url": "https://u:p@example.com/", "method": "GET", "headers": { "Accept": "text/plain" } },
    }));
    let expected = json!({
        "name": "acme--report", "displayname": null, "schedule": "0 0 3 * * *", "timezone": null, "owner": null,
        "owner_email": null, "disabled": false, "tags": { "server": "true:1" }, "metadata": { "team": "x" },
        "retries": 0, "parent_job": "acme--first",
        "processors": { "log": { "forward": "true" }, "email": { "to": "a@b", "password": { "$sensitive": true } } },
        "concurrency": "allow",
        "executor": { "name": "http", "config": {
            "url": "https://example.com/", "method": "GET", "headers": { "$sensitive": true },
        } },
        "ephemeral": false, "expires_at": "2029-12-31T22:00:00Z", "starts_at": null,
    });
    assert_eq!(planned(&job, false), expected);

    let revealed = planned(&job, true);
    assert_eq!(revealed["processors"]["email"]["password"], json!("p"));
    assert_eq!(revealed["executor"]["config"]["headers"], json!(r#"["Accept: text/plain"]"#));
    assert_eq!(revealed["executor"]["config"]["url"], json!("https://example.com/"));
}

#[test]
fn every_form_of_writing_looks_the_same() {
    let typed = json!({ "shell": { "command": "date", "use_shell": true, "env": { "A": "1" } } });
    let settings = json!({ "command": "date", "shell": "true" });
    let generic = json!({ "name": "shell", "config": settings, "sensitive_config": { "env": "A=1" } });
    let plain = json!({ "name": "shell", "config": { "command": "date", "shell": "true", "env": "A=1" } });
    assert_eq!(executor(&typed), executor(&json!({ "executor": generic })));
    assert_eq!(executor(&typed), executor(&json!({ "executor": plain })));

    let processors =
        |processors: Json| planned(&job(&json!({ "processors": processors })), false)["processors"].clone();
    let typed = processors(json!({ "log": { "forward": true } }));
    assert_eq!(typed, processors(json!({ "other": { "log": { "forward": "true" } } })));
}

#[test]
fn fields_that_are_not_known_yet() {
    let expected = unknown();
    for (field, attribute) in FIELDS {
        let seen = planned(&job(&json!({ "name": "x", attribute: LATER })), false);
        let markers: Vec<_> =
            seen.as_object().unwrap().iter().filter(|(_, value)| **value == expected).collect();
        assert_eq!(markers, [(&field.to_owned(), &expected)], "{attribute}");
    }
    let seen = planned(&job(&json!({ "tags": { "a": "b", "c": LATER }, "metadata": { "d": LATER } })), false);
    assert_eq!(seen["tags"], json!({ "a": "b", "c": { "$unknown": true } }));
    assert_eq!(seen["metadata"], json!({ "d": { "$unknown": true } }));
}

#[test]
fn an_unknown_tenant_hides_the_names_of_its_jobs() {
    let seen = planned(&job(&json!({ "name": "x", "tenant": LATER })), false);
    assert_eq!((&seen["name"], &seen["parent_job"]), (&unknown(), &Json::Null));
    let seen = planned(&job(&json!({ "name": "x", "tenant": LATER, "parent_job": "y" })), false);
    assert_eq!((&seen["name"], &seen["parent_job"]), (&unknown(), &unknown()));
}

#[test]
fn settings_of_a_typed_form_that_are_not_known_yet() {
    let seen = config(&json!({ "http": {
        "url": LATER, "method": "GET", "expected_codes": [200, LATER], "headers": { "A": "b", "C": LATER },
        "tls_ca_file": LATER, "timeout": LATER,
    } }));
    let later = unknown();
    assert_eq!(
        seen,
        json!({
            "url": later, "method": "GET", "expectCode": later, "headers": later, "tlsRootCAsFile": later, "timeout": later,
        })
    );
    let seen = config(&json!({ "rabbitmq": {
        "url": "amqp://h", "queue": { "name": "q", "create": LATER }, "message": LATER,
    } }));
    assert_eq!(
        seen,
        json!({
            "url": "amqp://h", "queue.name": "q", "queue.create": later, "message.content_type": later,
            "message.delivery_mode": later, "message.messageId": later, "message.body": later, "message.base64Body": later,
        })
    );
}

#[test]
fn an_executor_that_is_not_known_yet() {
    for form in TYPED.into_iter().chain(["executor"]) {
        assert_eq!(executor(&json!({ form: LATER })), unknown(), "{form}");
        // What is not known yet is null then, or the job is refused.
        let seen = executor(&json!({ form: LATER, "kafka": { "topic": "t" } }));
        assert!(
            form == "kafka" || seen == json!({ "name": "kafka", "config": { "topic": "t" } }),
            "{form}: {seen}"
        );
    }
    assert_eq!(executor(&json!({})), Json::Null);
}

#[test]
fn the_generic_executor() {
    let later = unknown();
    let attributes = json!({ "executor": {
        "name": LATER,
        "config": { "topic": "t", "saslPassword": "p", "url": "nats://u:p@h", "a": LATER },
        "sensitive_config": { "b": "secret", "c": LATER },
        "config_wo": { "d": "secret", "e": LATER },
    } });
    assert_eq!(executor(&attributes)["name"], later);
    assert_eq!(
        config(&attributes),
        json!({
            "topic": "t", "saslPassword": sensitive(), "url": "nats://h", "a": later,
            "b": sensitive(), "c": later, "d": sensitive(), "e": later,
        })
    );
    assert_eq!(
        revealed(&attributes),
        json!({
            "topic": "t", "saslPassword": "p", "url": "nats://h", "a": later,
            "b": "secret", "c": later, "d": sensitive(), "e": later,
        })
    );
    for part in ["config", "sensitive_config", "config_wo"] {
        let mut executor = json!({ "name": "x", "config": { "a": "b" }, "config_wo": { "c": "d" } });
        executor[part] = json!(LATER);
        assert_eq!(config(&json!({ "executor": executor })), later, "{part}");
    }
}

#[test]
fn write_only_values_are_never_shown() {
    for (attributes, key) in [
        (json!({ "http": { "url": "h", "headers_wo": { "A": "hunter2" } } }), "headers"),
        (json!({ "shell": { "env_wo": { "A": "hunter2" } } }), "env"),
        (json!({ "grpc": { "headers_wo": { "A": "hunter2" } } }), "headers"),
        (json!({ "kafka": { "sasl_password_wo": "hunter2" } }), "saslPassword"),
        (json!({ "nats": { "password_wo": "hunter2" } }), "password"),
        (json!({ "executor": { "name": "x", "config_wo": { "innocent": "hunter2" } } }), "innocent"),
    ] {
        for reveal in [false, true] {
            let seen = planned(&job(&attributes), reveal);
            assert_eq!(seen["executor"]["config"][key], sensitive(), "{attributes}");
            assert!(!seen.to_string().contains("hunter2"), "{attributes}");
        }
    }
    let unset = revealed(&json!({ "shell": { "command": "date", "env_wo": {}, "env_wo_version": 1 } }));
    assert_eq!(unset, json!({ "command": "date" }));
    assert_eq!(config(&json!({ "nats": { "password_wo": LATER } })), json!({ "password": unknown() }));
}

#[test]
fn processors_that_are_not_known_yet() {
    let later = unknown();
    let seen =
        |processors: Json| planned(&job(&json!({ "processors": processors })), false)["processors"].clone();
    assert_eq!(seen(json!(LATER)), later);
    assert_eq!(seen(json!({ "other": LATER, "log": {} })), later);
    assert_eq!(
        seen(json!({
            "files": { "log_dir": LATER, "forward": true }, "syslog": LATER,
            "other": { "email": { "to": "a@b", "password": LATER }, "slack": LATER },
        })),
        json!({
            "files": { "log_dir": later, "forward": "true" }, "syslog": later,
            "email": { "to": "a@b", "password": later }, "slack": later,
        })
    );
}

#[test]
fn configuration_looks_as_its_plan_will() {
    let config = job(&json!({
        "name": "x",
        "http": { "url": "https://h", "headers_wo": { "A": "b" }, "headers_wo_version": 1, "body": LATER },
    }));
    let seen = planned(&configured(&config, &Attr::Unknown), false);
    assert_eq!(seen["name"], unknown(), "the provider may have a tenant");
    assert_eq!((&seen["retries"], &seen["concurrency"]), (&json!(0), &json!("allow")));
    let settings = json!({
        "url": "https://h", "method": "GET", "expectCode": "200,201,202,204", "headers": sensitive(), "body": unknown(),
    });
    assert_eq!(seen["executor"]["config"], settings);

    assert_eq!(planned(&configured(&config, &Attr::Null), false)["name"], json!("x"));
    let acme = Attr::Known(Text::new("acme"));
    assert_eq!(planned(&configured(&config, &acme), false)["name"], json!("acme--x"));

    let config = Job { tenant: acme, ..config };
    let seen = configured(&config, &Attr::Known(Text::new("other")));
    assert_eq!(planned(&seen, false)["name"], json!("acme--x"), "the job's own tenant goes before");
    assert!(seen.http == configured(&seen, &Attr::Null).http);
}

/// A path of attributes; what begins with `:` is a key, a number an index.
fn path(steps: &str) -> verdict::Path {
    let step = |step: &str| match (step.strip_prefix(':'), step.parse()) {
        (Some(key), _) => Step::Key(key.to_owned()),
        (None, Ok(index)) => Step::Index(index),
        (None, Err(_)) => Step::Attribute(step.to_owned()),
    };
    verdict::Path(steps.split('/').filter(|part| !part.is_empty()).map(step).collect())
}

/// Where each path leads; one that leads nowhere has a `!`.
#[track_caller]
fn assert_paths(attributes: &Json, expected: &[(&str, &str)]) {
    let job = job(attributes);
    for (steps, expected) in expected {
        let (found, leads) = attribute_path(&job, &path(steps));
        assert_eq!(format!("{}{found}", if leads { "" } else { "!" }), *expected, "{steps}");
    }
}

#[test]
fn paths_to_fields() {
    assert_paths(
        &json!({ "name": "x" }),
        &[
            ("", "(root)"),
            ("name", "name"),
            (":displayname", "display_name"),
            ("display_name", "!(root)"),
            ("expires_at", "expires_at"),
            ("metadata", "metadata"),
            ("metadata/:team", "metadata[\"team\"]"),
            ("metadata/team", "metadata[\"team\"]"),
            ("tags/:server", "tags[\"server\"]"),
            ("tags/:server/:x", "!tags[\"server\"]"),
            ("schedule/:x", "!schedule"),
            ("tenant", "!(root)"),
            ("http/url", "!(root)"),
            ("0", "!(root)"),
            ("metadata/0", "!metadata"),
        ],
    );
}

#[test]
fn paths_into_typed_forms() {
    let expected = [
        ("executor", "http"),
        ("executor/name", "http"),
        ("executor/config", "http"),
        ("executor/config/:url", "http.url"),
        (":executor/:config/url", "http.url"),
        ("executor/config/:expectCode", "http.expected_codes"),
        ("executor/config/:expected_codes", "!http"),
        ("executor/config/:headers", "http.headers"),
        ("executor/config/:headers/:A", "!http.headers"),
        ("executor/config/:future", "!http"),
        ("executor/url", "!http"),
        ("executor/name/:x", "!http"),
        ("executor/config/0", "!http"),
    ];
    assert_paths(&json!({ "http": { "url": "h" } }), &expected);
    assert_paths(&json!({ "http": LATER }), &expected);
    assert_paths(
        &json!({ "http": { "headers_wo": { "A": "b" } } }),
        &[("executor/config/:headers", "http.headers_wo"), ("executor/config/:headers_wo", "!http")],
    );
    assert_paths(
        &json!({ "rabbitmq": { "queue": { "name": "q" } } }),
        &[
            ("executor/config/:queue.name", "rabbitmq.queue.name"),
            ("executor/config/:message.base64Body", "rabbitmq.message.base64_body"),
            ("executor/config/queue/name", "!rabbitmq"),
        ],
    );
    assert_paths(&json!({ "shell": {} }), &[("executor/config/shell", "shell.use_shell")]);
    assert_paths(
        &json!({ "nats": { "password_wo": LATER } }),
        &[("executor/config/:password", "nats.password_wo"), ("executor/config/:userName", "nats.username")],
    );
}

#[test]
fn every_key_of_a_typed_form_leads_to_its_attribute() {
    for form in TYPED {
        let job = job(&json!({ form: filled(&fields_of(form)) }));
        let (_, settings) = executor::encode(&job).unwrap();
        for key in settings.keys() {
            let (found, leads) = attribute_path(&job, &path(&format!("executor/config/:{key}")));
            assert!(leads && found != Path::attribute(form), "{form} {key}: {found}");
        }
    }
}

#[test]
fn paths_into_the_generic_executor() {
    assert_paths(
        &json!({ "executor": { "name": "http", "config": { "a": "1" }, "sensitive_config": { "b": LATER },
            "config_wo": { "c": "3" } } }),
        &[
            ("executor", "executor"),
            ("executor/name", "executor.name"),
            ("executor/config", "executor.config"),
            ("executor/config/:a", "executor.config[\"a\"]"),
            ("executor/config/b", "executor.sensitive_config[\"b\"]"),
            ("executor/config/:c", "executor.config_wo[\"c\"]"),
            ("executor/config/:d", "executor.config[\"d\"]"),
            ("executor/config/:a/:x", "!executor.config[\"a\"]"),
            ("executor/name/:x", "!executor.name"),
        ],
    );
    let hidden = json!({ "executor": { "name": "x", "sensitive_config": { "b": "1" } } });
    assert_paths(&hidden, &[("executor/config", "executor.sensitive_config")]);
    let none = [("executor", "executor"), ("executor/config/:a", "executor.config[\"a\"]")];
    assert_paths(&json!({ "executor": LATER }), &none);
    assert_paths(&json!({}), &none);
}

#[test]
fn paths_into_processors() {
    let processors =
        json!({ "log": { "forward": true }, "other": { "syslog": { "forward": "true" }, "email": {} } });
    assert_paths(
        &json!({ "processors": processors }),
        &[
            ("processors", "processors"),
            ("processors/:log", "processors.log"),
            ("processors/:log/:forward", "processors.log.forward"),
            ("processors/log/future", "!processors.log"),
            ("processors/log/forward/x", "!processors.log.forward"),
            ("processors/:files/:log_dir", "processors.files.log_dir"),
            ("processors/:syslog/forward", "processors.other[\"syslog\"][\"forward\"]"),
            ("processors/:email/:to", "processors.other[\"email\"][\"to\"]"),
            ("processors/:email/:to/:x", "!processors.other[\"email\"][\"to\"]"),
            ("processors/:new", "processors.other[\"new\"]"),
            ("processors/:other/:x", "processors.other[\"other\"][\"x\"]"),
            ("processors/0", "!processors"),
        ],
    );
    assert_paths(&json!({}), &[("processors/:log", "processors.log")]);
    assert_paths(&json!({ "processors": LATER }), &[("processors/:log", "processors.log")]);
}

#[test]
fn whatever_path_a_hook_makes_up_is_cut_to_what_exists() {
    let jobs =
        [json!({}), json!({ "http": {} }), json!({ "executor": { "name": "x" } })].map(|json| job(&json));
    let names = ["", "executor", "config", "name", "processors", "log", "metadata", "\0", "𝔘", "a.b", "_wo"];
    let mut steps: Vec<_> =
        names.iter().flat_map(|name| [Step::Attribute((*name).into()), Step::Key((*name).into())]).collect();
    steps.extend([Step::Index(0), Step::Index(u32::MAX), Step::Key("x".repeat(100_000))]);
    for job in &jobs {
        for first in &steps {
            for second in &steps {
                for third in &steps {
                    let mut long = vec![first.clone(), second.clone(), third.clone()];
                    attribute_path(job, &verdict::Path(long.clone()));
                    long.resize(10, third.clone());
                    let (found, leads) = attribute_path(job, &verdict::Path(long));
                    assert!(!leads && found.steps().len() <= 4, "{found}");
                }
            }
        }
        let endless = verdict::Path(vec![Step::Key("executor".into()); 10_000]);
        assert!(!attribute_path(job, &endless).1);
    }
}

/// Everything that a typed form can say has attributes of plain types, of which each becomes one setting.
#[test]
fn typed_forms_are_the_nested_attributes_of_a_job() {
    let nested = Job::fields().into_iter().filter(
        |field| matches!(field, Field::Attribute(attribute) if matches!(attribute.kind, Kind::Nested(..))),
    );
    let names: BTreeSet<_> = nested.map(|field| field.name()).collect();
    assert_eq!(names, TYPED.into_iter().chain(["executor", "processors", "timeouts"]).collect());
}
