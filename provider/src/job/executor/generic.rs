//! `executor`: any plugin, in dkron's own terms.

use std::collections::BTreeMap;

use dkron::canonical::is_secret_setting;
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::{Attr, Map},
    path::Path,
};

use super::{
    Form,
    settings::{Settings, check_nulls, has_credentials},
};

model! {
    /// An executor plugin in dkron's own terms.
    pub struct Executor {
        /// Name of the plugin, such as `http`, `kafka` or `nats`.
        name: String = required(),
        /// Settings of the plugin. All values are text.
        config: Map<String> = optional().empty_is_null(),
        /// Further settings of the plugin that plans do not show. A key stands in one of them.
        sensitive_config: Map<String> = optional().sensitive().empty_is_null(),
        /// Further settings of the plugin that Terraform does not store. Needs Terraform 1.11 and `config_wo_version`. A
        /// key stands in one of the three.
        config_wo: Map<String> = optional().sensitive().write_only(),
        /// Version of `config_wo`, any number: a new one writes the values again.
        config_wo_version: i64 = optional(),
    }
}

impl Executor {
    /// The settings, by the attributes in which they stand.
    pub(in crate::job) fn parts(&self) -> [(&'static str, &Attr<Map<String>>); 3] {
        [
            ("config", &self.config),
            ("sensitive_config", &self.sensitive_config),
            ("config_wo", &self.config_wo),
        ]
    }

    /// The generic form of what dkron has. Where `prior` placed a setting, it stays.
    pub(super) fn of(name: &str, settings: &Settings, prior: Option<&Self>) -> Self {
        let prior_config = prior.and_then(|prior| prior.config.known());
        let prior_sensitive = prior.and_then(|prior| prior.sensitive_config.known());
        let holds = |part: Option<&Map<String>>, key: &str| part.is_some_and(|part| part.0.contains_key(key));
        let (sensitive, plain): (Settings, Settings) =
            settings.clone().into_iter().partition(|(key, value)| {
                holds(prior_sensitive, key) || (!holds(prior_config, key) && may_be_secret(key, value))
            });
        let map = |part: Settings| {
            if part.is_empty() { Attr::Null } else { Attr::Known(part.into_iter().collect()) }
        };
        Self {
            name: Attr::Known(name.to_owned()),
            config: map(plain),
            sensitive_config: map(sensitive),
            ..Self::default()
        }
    }
}

impl Form for Executor {
    fn encode(&self) -> Settings {
        let parts = [&self.config, &self.sensitive_config];
        let settings = parts.into_iter().filter_map(Attr::known).flat_map(Map::known);
        settings.map(|(key, value)| (key.to_owned(), value.clone())).collect()
    }

    fn check(&self, path: &Path) -> Diagnostics {
        let mut findings = Diagnostics::new();
        if self.name.known().is_some_and(String::is_empty) {
            let detail = "Expected the name of an executor plugin, such as \"shell\".";
            findings.push(Diagnostic::error("Missing executor", detail).at(path.attr("name")));
        }
        let is_http = self.name.known().is_some_and(|name| name == "http");
        let mut seen = BTreeMap::new();
        for (name, part) in self.parts() {
            let path = path.attr(name);
            findings.extend(check_nulls(part, &path));
            for (key, value) in part.known().into_iter().flat_map(|part| &part.0) {
                if let Some(other) = seen.insert(key, name) {
                    let detail = format!("The key stands in `{other}` and in `{name}`: remove one of them.");
                    findings.push(Diagnostic::error("The same key twice", detail).at(path.key(key)));
                }
                if let (true, "headers", Some(headers)) = (is_http, key.as_str(), value.known())
                    && let Some(detail) = raw_headers_fault(headers)
                {
                    findings.push(Diagnostic::error("Invalid headers", detail).at(path.key(key)));
                }
            }
        }
        findings
    }
}

/// Whether a setting is kept out of plans until the user places it.
pub fn may_be_secret(key: &str, value: &str) -> bool {
    is_secret_setting(key) || (key.eq_ignore_ascii_case("url") && has_credentials(value))
}

/// What is wrong with headers as dkron's http plugin reads them: a JSON array of `name: value`.
fn raw_headers_fault(text: &str) -> Option<&'static str> {
    match serde_json::from_str::<Vec<String>>(text) {
        Err(_) => Some(
            "Expected a JSON array of texts, such as jsonencode([\"Accept: text/plain\"]); dkron would ignore it.",
        ),
        Ok(lines) if lines.iter().any(|line| !line.contains(':')) => {
            Some("Expected `name: value` in each text; one without a colon crashes dkron's http plugin.")
        }
        Ok(_) => None,
    }
}
