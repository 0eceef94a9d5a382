//! The maps of text in which dkron keeps the settings of its plugins, and the spellings in them that several plugins
//! share.

use std::collections::BTreeMap;

use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model::{Attr, Map, Text},
    path::Path,
};

use crate::text;

/// The settings of a plugin as dkron keeps them.
pub type Settings = BTreeMap<String, String>;

/// Collects the settings of one plugin. What is null, unknown or empty is left out.
#[derive(Default)]
pub(in crate::job) struct Encoder(pub(in crate::job) Settings);

impl Encoder {
    pub(in crate::job) fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.insert(key.to_owned(), value.to_owned());
        }
    }

    pub(in crate::job) fn string(&mut self, key: &str, value: &Attr<String>) {
        self.text(key, value.known().map(String::as_str));
    }

    pub(in crate::job) fn word<T>(&mut self, key: &str, value: &Attr<Text<T>>) {
        self.text(key, value.known().map(|text| &**text));
    }

    pub(in crate::job) fn flag(&mut self, key: &str, value: &Attr<bool>) {
        self.text(key, value.known().map(bool::to_string).as_deref());
    }

    /// A setting that any text switches on, also `false`.
    pub(in crate::job) fn switch(&mut self, key: &str, value: &Attr<bool>) {
        self.text(key, value.known().and_then(|on| on.then_some("true")));
    }

    pub(in crate::job) fn number(&mut self, key: &str, value: &Attr<u32>) {
        self.text(key, value.known().map(u32::to_string).as_deref());
    }

    /// A duration that the plugin counts in whole seconds.
    pub(in crate::job) fn seconds(&mut self, key: &str, value: &Attr<Text<text::Seconds>>) {
        let seconds = value.known().and_then(|timeout| text::whole_seconds(timeout).ok());
        self.text(key, seconds.map(|seconds| seconds.to_string()).as_deref());
    }

    pub(in crate::job) fn headers(&mut self, key: &str, value: &Attr<Map<String>>) {
        self.text(key, value.known().and_then(encode_headers).as_deref());
    }
}

/// Takes the settings of one plugin apart. What it leaves over, or reads as something else than it was, is missed when
/// the form is encoded again.
pub(in crate::job) struct Decoder(pub(in crate::job) Settings);

impl Decoder {
    pub(in crate::job) fn text(&mut self, key: &str) -> Attr<String> {
        self.0.remove(key).into()
    }

    pub(in crate::job) fn word<T>(&mut self, key: &str) -> Attr<Text<T>> {
        self.0.remove(key).map(Text::new).into()
    }

    pub(in crate::job) fn flag(&mut self, key: &str) -> Attr<bool> {
        self.0.remove(key).map(|value| value == "true").into()
    }

    pub(in crate::job) fn switch(&mut self, key: &str) -> Attr<bool> {
        Attr::Known(self.0.remove(key).is_some())
    }

    pub(in crate::job) fn seconds(&mut self, key: &str) -> Attr<Text<text::Seconds>> {
        self.0.remove(key).map(|seconds| Text::new(format!("{seconds}s"))).into()
    }

    pub(in crate::job) fn number(&mut self, key: &str) -> Option<Attr<u32>> {
        self.parsed(key, |text| text.parse().ok())
    }

    pub(in crate::job) fn headers(&mut self, key: &str) -> Option<Attr<Map<String>>> {
        self.parsed(key, decode_headers)
    }

    /// A setting in a form of its own: null where it is missing; none where it cannot be read.
    pub(in crate::job) fn parsed<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Attr<T>> {
        match self.0.remove(key) {
            Some(text) => parse(&text).map(Attr::Known),
            None => Some(Attr::Null),
        }
    }
}

/// Rewrites a setting whose text has several spellings.
pub(in crate::job) fn normalise(settings: &mut Settings, key: &str, spell: impl Fn(&str) -> Option<String>) {
    if let Some(value) = settings.get_mut(key)
        && let Some(normal) = spell(value)
    {
        *value = normal;
    }
}

/// A JSON array of `name: value`, as text; none where there are no headers.
fn encode_headers(headers: &Map<String>) -> Option<String> {
    let lines: Vec<_> = headers.known().map(|(name, value)| format!("{name}: {value}")).collect();
    (!lines.is_empty()).then(|| serde_json::Value::from(lines).to_string())
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

/// Headers in the spelling of [`Encoder::headers`].
pub(in crate::job) fn normalise_headers(settings: &mut Settings) {
    normalise(settings, "headers", |headers| decode_headers(headers).as_ref().and_then(encode_headers));
}

/// What is wrong with headers, in whatever form they stand.
pub(in crate::job) fn check_headers(headers: &Attr<Map<String>>, path: &Path) -> Diagnostics {
    let mut findings = check_nulls(headers, path);
    let mut seen = BTreeMap::new();
    for (name, value) in headers.known().into_iter().flat_map(|headers| &headers.0) {
        let value = value.known().map(String::as_str).unwrap_or_default();
        if let Some(detail) = header_fault(name, value) {
            findings.push(Diagnostic::error("Invalid header", detail).at(path.key(name)));
        }
        if let Some(other) = seen.insert(name.to_ascii_lowercase(), name) {
            let detail = format!(
                "{other:?} and {name:?} are the same header, of which one would be sent: remove one."
            );
            findings.push(Diagnostic::error("The same header twice", detail).at(path.key(name)));
        }
    }
    findings
}

/// What is wrong with a header. The value is not quoted.
fn header_fault(name: &str, value: &str) -> Option<&'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Some("Expected a header name such as Content-Type: letters, digits and dashes.");
    }
    if value.contains(['\n', '\r', '\0']) {
        return Some("Expected a value on one line.");
    }
    if value.trim() != value {
        return Some("Expected a value without blanks around it: they do not survive the way to dkron.");
    }
    None
}

/// Elements of a map that are null: dkron would keep them as empty text.
pub(in crate::job) fn check_nulls<T>(map: &Attr<Map<T>>, path: &Path) -> Diagnostics {
    let keys = map.known().into_iter().flat_map(|map| &map.0).filter(|(_, value)| value.is_null());
    let finding = |(key, _): (&String, _)| {
        Diagnostic::error("Null element", "Expected text. Leave the key out instead, or write \"\".")
            .at(path.key(key))
    };
    keys.map(finding).collect()
}

/// Whether a text is known and says something.
pub(in crate::job) fn is_written(value: &Attr<String>) -> bool {
    value.known().is_some_and(|text| !text.is_empty())
}

/// Whether a text says nothing for certain.
pub(in crate::job) fn is_nothing(value: &Attr<String>) -> bool {
    value.is_null() || value.known().is_some_and(String::is_empty)
}

/// The error for a text that is set to nothing.
pub(in crate::job) fn check_not_empty(value: &Attr<String>, path: Path, expected: &str) -> Diagnostics {
    if value.known().is_some_and(String::is_empty) {
        return Diagnostic::error("Missing value", format!("Expected {expected}, found nothing."))
            .at(path)
            .into();
    }
    Diagnostics::new()
}

/// The warning about a `debug` that is on.
pub(in crate::job) fn debug_advice(debug: &Attr<bool>, path: Path, leak: &str) -> Diagnostics {
    if debug.known() != Some(&true) {
        return Diagnostics::new();
    }
    Diagnostic::warning("Secrets in the output", leak).at(path).into()
}

/// The warning about an address with a user and a password in it; `instead` says where those belong.
pub(in crate::job) fn credentials_advice<T>(url: &Attr<Text<T>>, path: Path, instead: &str) -> Diagnostics {
    if !url.known().is_some_and(|url| has_credentials(url)) {
        return Diagnostics::new();
    }
    let detail = format!(
        "Terraform shows the address, and the credentials in it, in plans and in its output, and keeps them in its state. \
         {instead}"
    );
    Diagnostic::warning("Credentials in an address", detail).at(path).into()
}

/// Whether an address, or one of several with commas between them, names a user, as in `nats://user:password@host`.
pub(in crate::job) fn has_credentials(text: &str) -> bool {
    let mut addresses = text.split(',').enumerate().filter_map(|(index, address)| {
        let address = address.trim();
        let rest = address.split_once("://").map(|(_, rest)| rest);
        rest.or_else(|| (index == 0).then_some(address))
    });
    addresses.any(|address| address.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@')))
}
