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
        "name": text(config, "name"),
        "displayname": text(config, "display_name"),
        "schedule": text(config, "schedule"),
        "parent_job": text(config, "parent_job"),
        "timezone": text(config, "timezone"),
        "owner": text(config, "owner"),
        "owner_email": text(config, "owner_email"),
        "disabled": config["disabled"] == true,
        "tags": null_if_empty(&config["tags"]),
        "metadata": null_if_empty(&config["metadata"]),
        "retries": config["retries"].as_u64().unwrap_or(0),
        "concurrency": if config["concurrency"] == "forbid" { "forbid" } else { "allow" },
        "processors": processors(&config["processors"]),
        "ephemeral": config["ephemeral"] == true,
        "expires_at": config["expires_at"].as_str().map(|time| time.parse::<Timestamp>().unwrap().to_string()),
        "executor": executor,
        "executor_config": null_if_empty(&settings),
    }))
}

fn text<'a>(config: &'a Value, name: &str) -> &'a str {
    config[name].as_str().unwrap_or_default()
}

fn null_if_empty(map: &Value) -> Value {
    if map.as_object().is_some_and(|map| !map.is_empty()) { map.clone() } else { Value::Null }
}

fn executor(config: &Value) -> (&str, Value) {
    if config["http"].is_object() {
        ("http", http(&config["http"]))
    } else if config["shell"].is_object() {
        ("shell", shell(&config["shell"]))
    } else {
        let generic = &config["executor"];
        let mut settings = Map::new();
        for part in [&generic["config"], &generic["sensitive_config"]] {
            settings.extend(
                part.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        (text(generic, "name"), settings.into())
    }
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

    fn flag(self, key: &str, value: &Value) -> Self {
        self.text(key, value.as_bool().map(|flag| flag.to_string()).unwrap_or_default())
    }
}

fn http(http: &Value) -> Value {
    let timeout = http["timeout"].as_str().map(|time| time.parse::<SignedDuration>().unwrap().as_secs());
    let settings = Settings::default()
        .text("url", text(http, "url"))
        .text("method", http["method"].as_str().unwrap_or("GET"))
        .text("headers", headers(&http["headers"]))
        .text("body", text(http, "body"))
        .text("timeout", timeout.map(|seconds| seconds.to_string()).unwrap_or_default())
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
        .text("env", pairs(&shell["env"], "=").join(","))
        .text("cwd", text(shell, "cwd"))
        .text("timeout", text(shell, "timeout"))
        .text("payload", BASE64_STANDARD.encode(text(shell, "payload")))
        .text("su", text(shell, "su"))
        .text("mem_limit", text(shell, "mem_limit"));
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
