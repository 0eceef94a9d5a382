//! What dkron is to have of a configuration, written down a second time: from the fields of dkron's jobs and the
//! settings of its plugins, not from the provider's conversion.

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::support::stored;

/// The job in dkron, without what belongs to the server.
pub(super) fn expected(config: &Value) -> Value {
    let (executor, settings) = executor(config);
    stored(json!({
        "name": full_name(config),
        "displayname": text(config, "display_name"),
        "schedule": text(config, "schedule"),
        "parent_job": text(config, "parent_job"),
        "timezone": text(config, "timezone"),
        "owner": text(config, "owner"),
        "owner_email": text(config, "owner_email"),
        "disabled": config["disabled"] == true,
        "tags": null_if_empty(&config["tags"]),
        "metadata": null_if_empty(&metadata(config)),
        "retries": config["retries"].as_u64().unwrap_or(0),
        "concurrency": if config["concurrency"] == "forbid" { "forbid" } else { "allow" },
        "processors": processors(&config["processors"]),
        "ephemeral": config["ephemeral"] == true,
        "expires_at": config["expires_at"].as_str().map(|time| time.parse::<Timestamp>().unwrap().to_string()),
        "executor": executor,
        "executor_config": null_if_empty(&settings),
    }))
}

/// The name of the job in dkron.
pub(super) fn full_name(config: &Value) -> String {
    let name = text(config, "name");
    config["tenant"].as_str().map_or_else(|| name.to_owned(), |tenant| format!("{tenant}--{name}"))
}

/// Metadata with what marks a tenant's job.
fn metadata(config: &Value) -> Value {
    let mut metadata = config["metadata"].as_object().cloned().unwrap_or_default();
    if config["tenant"].is_string() {
        metadata.insert("krony.tenant".to_owned(), config["tenant"].clone());
        metadata.insert("krony.managed-by".to_owned(), json!("terraform"));
    }
    metadata.into()
}

fn text<'a>(config: &'a Value, name: &str) -> &'a str {
    config[name].as_str().unwrap_or_default()
}

fn null_if_empty(map: &Value) -> Value {
    if map.as_object().is_some_and(|map| !map.is_empty()) { map.clone() } else { Value::Null }
}

fn executor(config: &Value) -> (&str, Value) {
    type Typed = fn(&Value) -> Value;
    let typed: [(&str, Typed); 7] = [
        ("http", http),
        ("shell", shell),
        ("grpc", grpc),
        ("kafka", kafka),
        ("nats", nats),
        ("rabbitmq", rabbitmq),
        ("gcppubsub", gcppubsub),
    ];
    if let Some((name, settings)) = typed.into_iter().find(|(name, _)| config[name].is_object()) {
        return (name, settings(&config[name]));
    }
    let generic = &config["executor"];
    let mut settings = Map::new();
    for part in [&generic["config"], &generic["sensitive_config"], &generic["config_wo"]] {
        settings
            .extend(part.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    }
    (text(generic, "name"), settings.into())
}

/// A secret in the form in which it is set.
fn secret<'a>(config: &'a Value, name: &str) -> &'a Value {
    let write_only = &config[format!("{name}_wo")];
    if write_only.is_null() { &config[name] } else { write_only }
}

/// Settings of a plugin: texts, of which empty ones are left out.
#[derive(Default)]
struct Settings(Map<String, Value>);

impl Settings {
    fn text(mut self, key: &str, value: impl Into<String>) -> Self {
        let value: String = value.into();
        if !value.is_empty() {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    fn number(self, key: &str, value: &Value) -> Self {
        self.text(key, value.as_u64().map(|number| number.to_string()).unwrap_or_default())
    }

    fn flag(self, key: &str, value: &Value) -> Self {
        self.text(key, value.as_bool().map(|flag| flag.to_string()).unwrap_or_default())
    }
}

/// A duration as a number of seconds.
fn seconds(config: &Value) -> String {
    let timeout = config["timeout"].as_str().map(|time| time.parse::<SignedDuration>().unwrap().as_secs());
    timeout.map(|seconds| seconds.to_string()).unwrap_or_default()
}

fn http(http: &Value) -> Value {
    let settings = Settings::default()
        .text("url", text(http, "url"))
        .text("method", http["method"].as_str().unwrap_or("GET"))
        .text("headers", headers(secret(http, "headers")))
        .text("body", text(http, "body"))
        .text("timeout", seconds(http))
        .text("expectCode", codes(&http["expected_codes"]))
        .text("expectBody", text(http, "expected_body"))
        .text("debug", if http["debug"] == true { "true" } else { "" })
        .flag("tlsNoVerifyPeer", &http["tls_skip_verify"])
        .text("tlsRootCAsFile", text(http, "tls_ca_file"))
        .text("tlsCertificateFile", text(http, "tls_cert_file"))
        .text("tlsCertificateKeyFile", text(http, "tls_key_file"));
    settings.0.into()
}

/// The pairs of a map, sorted.
fn pairs(map: &Value, separator: &str) -> Vec<String> {
    let pairs = map.as_object().into_iter().flatten();
    let pairs: BTreeSet<(&String, &str)> =
        pairs.filter_map(|(key, value)| Some((key, value.as_str()?))).collect();
    pairs.into_iter().map(|(key, value)| format!("{key}{separator}{value}")).collect()
}

fn headers(headers: &Value) -> String {
    let lines = pairs(headers, ": ");
    if lines.is_empty() { String::new() } else { json!(lines).to_string() }
}

/// Sorted, without duplicates; the usual successes where nothing is said.
fn codes(codes: &Value) -> String {
    let Some(codes) = codes.as_array() else { return "200,201,202,204".to_owned() };
    let codes: BTreeSet<u64> = codes.iter().filter_map(Value::as_u64).collect();
    codes.into_iter().map(|code| code.to_string()).collect::<Vec<_>>().join(",")
}

fn shell(shell: &Value) -> Value {
    let settings = Settings::default()
        .text("command", text(shell, "command"))
        .flag("shell", &shell["use_shell"])
        .text("env", pairs(secret(shell, "env"), "=").join(","))
        .text("cwd", text(shell, "cwd"))
        .text("timeout", text(shell, "timeout"))
        .text("payload", BASE64_STANDARD.encode(text(shell, "payload")))
        .text("su", text(shell, "su"))
        .text("mem_limit", text(shell, "mem_limit"));
    settings.0.into()
}

fn grpc(grpc: &Value) -> Value {
    let settings = Settings::default()
        .text("url", text(grpc, "url"))
        .text("body", text(grpc, "body"))
        .text("timeout", seconds(grpc))
        .number("expectCode", &grpc["expected_code"])
        .text("headers", headers(secret(grpc, "headers")));
    settings.0.into()
}

fn kafka(kafka: &Value) -> Value {
    let settings = Settings::default()
        .text("brokerAddress", text(kafka, "broker_address"))
        .text("topic", text(kafka, "topic"))
        .text("key", text(kafka, "key"))
        .text("message", text(kafka, "message"))
        .flag("tlsEnable", &kafka["tls_enable"])
        .flag("tlsInsecureSkipVerify", &kafka["tls_skip_verify"])
        .text("saslUsername", text(kafka, "sasl_username"))
        .text("saslPassword", secret(kafka, "sasl_password").as_str().unwrap_or_default())
        .text("saslMechanism", text(kafka, "sasl_mechanism"))
        .text("debug", if kafka["debug"] == true { "true" } else { "" });
    settings.0.into()
}

fn nats(nats: &Value) -> Value {
    let settings = Settings::default()
        .text("url", text(nats, "url"))
        .text("subject", text(nats, "subject"))
        .text("message", text(nats, "message"))
        .text("userName", text(nats, "username"))
        .text("password", secret(nats, "password").as_str().unwrap_or_default())
        .text("debug", if nats["debug"] == true { "true" } else { "" });
    settings.0.into()
}

fn rabbitmq(rabbitmq: &Value) -> Value {
    let (queue, message) = (&rabbitmq["queue"], &rabbitmq["message"]);
    let settings = Settings::default()
        .text("url", text(rabbitmq, "url"))
        .text("exchange", text(rabbitmq, "exchange"))
        .text("queue.name", text(queue, "name"))
        .flag("queue.create", &queue["create"])
        .flag("queue.durable", &queue["durable"])
        .flag("queue.auto_delete", &queue["auto_delete"])
        .flag("queue.exclusive", &queue["exclusive"])
        .text("message.content_type", text(message, "content_type"))
        .number("message.delivery_mode", &message["delivery_mode"])
        .text("message.messageId", text(message, "message_id"))
        .text("message.body", text(message, "body"))
        .text("message.base64Body", text(message, "base64_body"));
    settings.0.into()
}

fn gcppubsub(gcppubsub: &Value) -> Value {
    let attributes = gcppubsub["attributes"].as_object().filter(|attributes| !attributes.is_empty());
    let settings = Settings::default()
        .text("project", text(gcppubsub, "project"))
        .text("topic", text(gcppubsub, "topic"))
        .text("data", BASE64_STANDARD.encode(text(gcppubsub, "data")))
        .text("attributes", attributes.map(|attributes| json!(attributes).to_string()).unwrap_or_default());
    settings.0.into()
}

fn processors(processors: &Value) -> Value {
    let mut all = processors["other"].as_object().cloned().unwrap_or_default();
    for name in ["files", "log", "syslog", "fluent"] {
        let typed = &processors[name];
        if typed.is_object() {
            let settings = Settings::default()
                .flag("forward", &typed["forward"])
                .text("log_dir", text(typed, "log_dir"));
            all.insert(name.to_owned(), settings.0.into());
        }
    }
    all.into()
}
