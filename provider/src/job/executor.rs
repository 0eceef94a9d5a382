//! Between the typed forms of executors and processors, and dkron's maps of strings.
//!
//! A typed form is used only where it says everything that the server has: it is encoded again and compared. What
//! does not survive that stays in the generic form.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_STANDARD};
use tfplugin::model::{Attr, Map, Set, Text};

use super::model::{Executor, Files, Forward, Http, Job, Processors, Shell};
use crate::text;

/// The settings of a plugin as dkron keeps them.
pub type Settings = BTreeMap<String, String>;

/// Name and settings of the executor that a job asks for; none while it is unknown or missing.
pub(super) fn encode(job: &Job) -> Option<(String, Settings)> {
    if let Some(http) = job.http.known() {
        return Some((HTTP.to_owned(), encode_http(http)));
    }
    if let Some(shell) = job.shell.known() {
        return Some((SHELL.to_owned(), encode_shell(shell)));
    }
    let executor = job.executor.known()?;
    Some((executor.name.known()?.clone(), encode_generic(executor)))
}

const HTTP: &str = "http";
const SHELL: &str = "shell";

/// Sets the form of the executor that fits best, given what `prior` used.
pub(super) fn decode(job: &mut Job, prior: &Job, name: &str, settings: &Settings) {
    if !prior.executor.is_set() {
        if name == HTTP
            && let Some(http) = decode_http(settings)
        {
            job.http = Attr::Known(http);
            return;
        }
        if name == SHELL
            && let Some(shell) = decode_shell(settings)
        {
            job.shell = Attr::Known(shell);
            return;
        }
    }
    // A job without an executor never runs; there is nothing to show.
    if !name.is_empty() || !settings.is_empty() {
        job.executor = Attr::Known(decode_generic(name, settings, prior.executor.known()));
    }
}

/// Collects the settings of one plugin.
#[derive(Default)]
struct Encoder(Settings);

impl Encoder {
    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.insert(key.to_owned(), value.to_owned());
        }
    }

    fn flag(&mut self, key: &str, value: &Attr<bool>) {
        if let Some(value) = value.known() {
            self.0.insert(key.to_owned(), value.to_string());
        }
    }
}

fn string(value: &Attr<String>) -> Option<&str> {
    value.known().map(String::as_str)
}

fn word<T>(value: &Attr<Text<T>>) -> Option<&str> {
    value.known().map(|text| &**text)
}

fn encode_http(http: &Http) -> Settings {
    let mut encoder = Encoder::default();
    encoder.text("method", word(&http.method));
    encoder.text("url", word(&http.url));
    encoder.text("headers", http.headers.known().and_then(encode_headers).as_deref());
    encoder.text("body", string(&http.body));
    let seconds = word(&http.timeout).and_then(|timeout| text::whole_seconds(timeout).ok());
    encoder.text("timeout", seconds.map(|seconds| seconds.to_string()).as_deref());
    encoder.text("expectCode", http.expected_codes.known().map(encode_codes).as_deref());
    encoder.text("expectBody", string(&http.expected_body));
    // Any text switches it on, also "false".
    encoder.text("debug", http.debug.known().and_then(|debug| debug.then_some("true")));
    encoder.flag("tlsNoVerifyPeer", &http.tls_skip_verify);
    encoder.text("tlsRootCAsFile", string(&http.tls_ca_file));
    encoder.text("tlsCertificateFile", string(&http.tls_cert_file));
    encoder.text("tlsCertificateKeyFile", string(&http.tls_key_file));
    encoder.0
}

/// A JSON array of `name: value`, as text; none where there are no headers.
fn encode_headers(headers: &Map<String>) -> Option<String> {
    let lines: Vec<_> = headers.known().map(|(name, value)| format!("{name}: {value}")).collect();
    (!lines.is_empty()).then(|| serde_json::Value::from(lines).to_string())
}

fn encode_codes(codes: &Set<u32>) -> String {
    let codes: BTreeSet<_> = codes.0.iter().filter_map(Attr::known).collect();
    let codes: Vec<_> = codes.into_iter().map(u32::to_string).collect();
    codes.join(",")
}

fn encode_shell(shell: &Shell) -> Settings {
    let mut encoder = Encoder::default();
    encoder.text("command", string(&shell.command));
    encoder.flag("shell", &shell.use_shell);
    let env = shell.env.known().map(|env| {
        let pairs: Vec<_> = env.known().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(",")
    });
    encoder.text("env", env.as_deref());
    encoder.text("cwd", string(&shell.cwd));
    encoder.text("timeout", word(&shell.timeout));
    let payload = string(&shell.payload).filter(|payload| !payload.is_empty());
    encoder.text("payload", payload.map(|payload| BASE64_STANDARD.encode(payload)).as_deref());
    encoder.text("su", string(&shell.su));
    encoder.text("mem_limit", string(&shell.mem_limit));
    encoder.0
}

fn encode_generic(executor: &Executor) -> Settings {
    let parts = [&executor.config, &executor.sensitive_config];
    let settings = parts.into_iter().filter_map(Attr::known).flat_map(Map::known);
    settings.map(|(key, value)| (key.to_owned(), value.clone())).collect()
}

/// Takes the settings of one plugin apart. What it leaves over is missed when the form is encoded again.
struct Decoder(Settings);

impl Decoder {
    fn text(&mut self, key: &str) -> Attr<String> {
        self.0.remove(key).into()
    }

    fn word<T>(&mut self, key: &str) -> Attr<Text<T>> {
        self.0.remove(key).map(Text::new).into()
    }

    fn flag(&mut self, key: &str) -> Attr<bool> {
        // Anything but these two is told apart when the form is encoded again.
        self.0.remove(key).map(|value| value == "true").into()
    }
}

fn decode_http(settings: &Settings) -> Option<Http> {
    // The form always says both.
    settings.get("method").and(settings.get("url"))?;
    let mut decoder = Decoder(settings.clone());
    let http = Http {
        url: decoder.word("url"),
        method: decoder.word("method"),
        headers: match decoder.0.remove("headers") {
            Some(headers) => Attr::Known(decode_headers(&headers)?),
            None => Attr::Null,
        },
        body: decoder.text("body"),
        timeout: decoder.0.remove("timeout").map(|seconds| Text::new(format!("{seconds}s"))).into(),
        expected_codes: Attr::Known(decode_codes(&decoder.0.remove("expectCode").unwrap_or_default())?),
        expected_body: decoder.text("expectBody"),
        debug: Attr::Known(decoder.0.remove("debug").is_some()),
        tls_skip_verify: decoder.flag("tlsNoVerifyPeer"),
        tls_ca_file: decoder.text("tlsRootCAsFile"),
        tls_cert_file: decoder.text("tlsCertificateFile"),
        tls_key_file: decoder.text("tlsCertificateKeyFile"),
    };
    let comparable = |settings: &Settings| {
        let mut settings = settings.clone();
        normalise(&mut settings, "headers", |headers| {
            decode_headers(headers).as_ref().and_then(encode_headers)
        });
        normalise(&mut settings, "expectCode", |codes| decode_codes(codes).as_ref().map(encode_codes));
        settings
    };
    (comparable(&encode_http(&http)) == comparable(settings)).then_some(http)
}

/// Rewrites a setting whose text has several spellings.
fn normalise(settings: &mut Settings, key: &str, spell: impl Fn(&str) -> Option<String>) {
    if let Some(value) = settings.get_mut(key)
        && let Some(normal) = spell(value)
    {
        *value = normal;
    }
}

/// Headers by name; none where a map cannot hold them: not the JSON that dkron reads, or a name twice.
fn decode_headers(text: &str) -> Option<Map<String>> {
    let lines: Vec<String> = serde_json::from_str(text).ok()?;
    let mut headers = BTreeMap::new();
    for line in &lines {
        let (name, value) = line.split_once(':')?;
        let value = Attr::Known(value.trim().to_owned());
        if headers.insert(name.trim().to_owned(), value).is_some() {
            return None;
        }
    }
    Some(Map(headers))
}

fn decode_codes(text: &str) -> Option<Set<u32>> {
    let codes = text.split(',').filter(|code| !code.is_empty());
    codes.map(|code| code.trim().parse().ok()).collect::<Option<BTreeSet<u32>>>().map(Set::from_iter)
}

fn decode_shell(settings: &Settings) -> Option<Shell> {
    settings.get("command")?;
    let mut decoder = Decoder(settings.clone());
    let shell = Shell {
        command: decoder.text("command"),
        use_shell: decoder.flag("shell"),
        env: match decoder.0.remove("env") {
            Some(env) => Attr::Known(decode_env(&env)?),
            None => Attr::Null,
        },
        cwd: decoder.text("cwd"),
        timeout: decoder.word("timeout"),
        payload: match decoder.0.remove("payload") {
            Some(payload) => Attr::Known(String::from_utf8(BASE64_STANDARD.decode(payload).ok()?).ok()?),
            None => Attr::Null,
        },
        su: decoder.text("su"),
        mem_limit: decoder.text("mem_limit"),
    };
    let comparable = |settings: &Settings| {
        let mut settings = settings.clone();
        normalise(&mut settings, "env", |env| {
            let mut pairs: Vec<_> = env.split(',').collect();
            pairs.sort_unstable();
            Some(pairs.join(","))
        });
        settings
    };
    (comparable(&encode_shell(&shell)) == comparable(settings)).then_some(shell)
}

fn decode_env(text: &str) -> Option<Map<String>> {
    let pairs = text.split(',').map(|pair| pair.split_once('='));
    pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

fn decode_generic(name: &str, settings: &Settings, prior: Option<&Executor>) -> Executor {
    let prior_config = prior.and_then(|prior| prior.config.known());
    let prior_sensitive = prior.and_then(|prior| prior.sensitive_config.known());
    let holds = |part: Option<&Map<String>>, key: &str| part.is_some_and(|part| part.0.contains_key(key));
    let (sensitive, plain): (Settings, Settings) = settings.clone().into_iter().partition(|(key, _)| {
        holds(prior_sensitive, key) || (!holds(prior_config, key) && may_be_secret(key))
    });
    let map =
        |part: Settings| if part.is_empty() { Attr::Null } else { Attr::Known(part.into_iter().collect()) };
    Executor { name: Attr::Known(name.to_owned()), config: map(plain), sensitive_config: map(sensitive) }
}

/// Whether a setting is kept out of plans until the user places it.
pub fn may_be_secret(key: &str) -> bool {
    const SIGNS: [&str; 9] =
        ["pass", "secret", "token", "header", "env", "payload", "auth", "key", "credential"];
    /// A path on the node, and the key of a message.
    const PUBLIC: [&str; 2] = ["tlscertificatekeyfile", "key"];
    let key = key.to_lowercase();
    !PUBLIC.contains(&key.as_str()) && SIGNS.iter().any(|sign| key.contains(sign))
}

/// The processors that a job asks for, by name.
pub(super) fn encode_processors(processors: &Processors) -> BTreeMap<String, Settings> {
    let mut found = BTreeMap::new();
    let other = processors.other.known().into_iter().flat_map(Map::known);
    found.extend(other.map(|(name, settings)| {
        (name.to_owned(), settings.known().map(|(key, value)| (key.to_owned(), value.clone())).collect())
    }));
    if let Some(files) = processors.files.known() {
        found.insert("files".to_owned(), encode_files(files));
    }
    let forwards = [("log", &processors.log), ("syslog", &processors.syslog), ("fluent", &processors.fluent)];
    for (name, forward) in forwards {
        if let Some(forward) = forward.known() {
            found.insert(name.to_owned(), encode_forward(forward));
        }
    }
    found
}

fn encode_files(files: &Files) -> Settings {
    let mut encoder = Encoder::default();
    encoder.flag("forward", &files.forward);
    encoder.text("log_dir", string(&files.log_dir));
    encoder.0
}

fn encode_forward(forward: &Forward) -> Settings {
    let mut encoder = Encoder::default();
    encoder.flag("forward", &forward.forward);
    encoder.0
}

/// The forms of the processors that dkron has; one that has no typed form, or that `prior` wrote in the generic one,
/// stands under `other`.
pub(super) fn decode_processors(
    found: &BTreeMap<String, Settings>,
    prior: &Attr<Processors>,
) -> Attr<Processors> {
    let generic = |name: &str| {
        prior.known().and_then(|prior| prior.other.known()).is_some_and(|other| other.0.contains_key(name))
    };
    let mut processors = Processors::default();
    let mut other = BTreeMap::new();
    for (name, settings) in found {
        let typed = !generic(name)
            && match name.as_str() {
                "files" => set(&mut processors.files, decode_files(settings)),
                "log" => set(&mut processors.log, decode_forward(settings)),
                "syslog" => set(&mut processors.syslog, decode_forward(settings)),
                "fluent" => set(&mut processors.fluent, decode_forward(settings)),
                _ => false,
            };
        if !typed {
            other.insert(name.clone(), Attr::Known(Map::from_iter(settings.clone())));
        }
    }
    if !other.is_empty() {
        processors.other = Attr::Known(Map(other));
    }
    if found.is_empty() { Attr::Null } else { Attr::Known(processors) }
}

/// Whether there was something to set.
fn set<T>(slot: &mut Attr<T>, value: Option<T>) -> bool {
    *slot = value.into();
    slot.is_set()
}

fn decode_forward(settings: &Settings) -> Option<Forward> {
    let mut decoder = Decoder(settings.clone());
    let forward = Forward { forward: decoder.flag("forward") };
    (encode_forward(&forward) == *settings).then_some(forward)
}

fn decode_files(settings: &Settings) -> Option<Files> {
    let mut decoder = Decoder(settings.clone());
    let files = Files { forward: decoder.flag("forward"), log_dir: decoder.text("log_dir") };
    (encode_files(&files) == *settings).then_some(files)
}

#[cfg(test)]
mod tests;
