//! The provider block: from configuration and environment to a client's configuration.

use std::{collections::BTreeMap, fs};

use dkron::{Auth, Config, Header, Retry, Tls};
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    model,
    model::{Attr, List, Map, Text, TextType},
    path::Path,
};

use crate::{
    hooks::HookBlock,
    text::{Duration, Endpoint, TenantName, positive_duration},
};

model! {
    /// Manages jobs of [dkron](https://dkron.io), the distributed cron, as code.
    ///
    /// Each setting has an environment variable. Configuration goes before environment, setting by setting;
    /// `username`, `password` and `token` count as one setting, and so do `endpoint` and `endpoints`.
    pub struct ProviderBlock {
        /// Address of dkron's API, or of a gateway or balancer in front of it. Environment: `KRONY_ENDPOINT`. There is
        /// no default.
        endpoint: Text<Endpoint> = optional(),
        /// Addresses of the nodes of a cluster that has no balancer in front. Environment: `KRONY_ENDPOINTS`,
        /// separated by commas.
        endpoints: List<Text<Endpoint>> = optional(),
        /// Tenant of all jobs that do not name one themselves. Environment: `KRONY_TENANT`.
        tenant: Text<TenantName> = optional(),
        /// User name for basic authentication. Environment: `KRONY_USERNAME`.
        username: String = optional(),
        /// Password for basic authentication. Environment: `KRONY_PASSWORD`.
        password: String = optional().sensitive(),
        /// Token, sent as `Authorization: Bearer`. Environment: `KRONY_TOKEN`.
        token: String = optional().sensitive(),
        /// Further headers of each request, by name. Environment: `KRONY_HEADERS`, one `name: value` a line.
        headers: Map<String> = optional().sensitive(),
        /// Certificates of the authorities to trust instead of the system's: PEM, or a path to it. Environment:
        /// `KRONY_CA_CERT`.
        ca_cert: String = optional(),
        /// Certificate of the client: PEM, or a path to it. Environment: `KRONY_CLIENT_CERT`.
        client_cert: String = optional(),
        /// Key of the client: PEM, or a path to it. Environment: `KRONY_CLIENT_KEY`.
        client_key: String = optional().sensitive(),
        /// Whether the server's certificate is not checked. Environment: `KRONY_INSECURE_SKIP_VERIFY`.
        insecure_skip_verify: bool = optional(),
        /// How long one request may take; `20s` by default, because a dkron whose leader just died holds a request for
        /// ten seconds. Environment: `KRONY_REQUEST_TIMEOUT`.
        request_timeout: Text<Duration> = optional(),
        /// How failed requests are repeated.
        retry: RetryBlock = optional(),
        /// WebAssembly modules that judge what is about to be planned and written, by names of your choice. Further ones may be
        /// mandatory: those in the folder that `KRONY_HOOKS_DIR` names.
        hooks: Map<HookBlock> = optional(),
    }
}

model! {
    /// How failed requests are repeated.
    pub struct RetryBlock {
        /// How long an operation is tried for, within its timeout; `1m` by default. Environment: `KRONY_RETRY_BUDGET`.
        budget: Text<Duration> = optional(),
        /// The longest pause between two tries, also when the server asks for a longer one; `10s` by default.
        /// Environment: `KRONY_RETRY_MAX_WAIT`.
        max_wait: Text<Duration> = optional(),
    }
}

/// Reads environment variables.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Checks across settings of configuration.
pub fn check(block: &ProviderBlock) -> Diagnostics {
    let mut findings = Diagnostics::new();
    if block.endpoint.is_set() && block.endpoints.is_set() {
        let detail = "`endpoint` and `endpoints` exclude each other: remove one of them.";
        findings.push(Diagnostic::error("Two settings for one thing", detail).at_attribute("endpoints"));
    }
    if block.token.is_set() && (block.username.is_set() || block.password.is_set()) {
        let detail = "A request carries a token or a user name with password, not both: remove one of them.";
        findings.push(Diagnostic::error("Two ways to authenticate", detail).at_attribute("token"));
    }
    match (block.username.is_set(), block.password.is_set()) {
        (true, false) => findings.push(half_of_a_pair("username", "password", SAME_PLACE)),
        (false, true) => findings.push(half_of_a_pair("password", "username", SAME_PLACE)),
        _ => {}
    }
    findings
}

/// Credentials are one setting: half of them from the environment would mix accounts.
const SAME_PLACE: &str = " Set both here, or both in the environment: KRONY_USERNAME and KRONY_PASSWORD.";

fn half_of_a_pair(there: &str, missing: &str, hint: &str) -> Diagnostic {
    let detail = format!("`{there}` works only together with `{missing}`.{hint}");
    Diagnostic::error("Half of a pair", detail).at_attribute(there)
}

fn in_use(variable: &str) -> String {
    format!("The environment variable {variable} is in use. ")
}

/// The names of the settings that a client needs and that are not known yet.
pub fn unknown(block: &ProviderBlock) -> Vec<&'static str> {
    let retry = block.retry.known();
    let endpoints = block.endpoints.known().is_some_and(|list| list.0.iter().any(Attr::is_unknown));
    let headers = block.headers.known().is_some_and(Map::has_unknown);
    let settings = [
        ("endpoint", block.endpoint.is_unknown()),
        ("endpoints", block.endpoints.is_unknown() || endpoints),
        ("username", block.username.is_unknown()),
        ("password", block.password.is_unknown()),
        ("token", block.token.is_unknown()),
        ("headers", block.headers.is_unknown() || headers),
        ("ca_cert", block.ca_cert.is_unknown()),
        ("client_cert", block.client_cert.is_unknown()),
        ("client_key", block.client_key.is_unknown()),
        ("insecure_skip_verify", block.insecure_skip_verify.is_unknown()),
        ("request_timeout", block.request_timeout.is_unknown()),
        (
            "retry",
            block.retry.is_unknown()
                || retry.is_some_and(|r| r.budget.is_unknown() || r.max_wait.is_unknown()),
        ),
    ];
    settings.into_iter().filter(|(_, unknown)| *unknown).map(|(name, _)| name).collect()
}

/// Reads settings where configuration leaves them out, and collects what is wrong with any of them.
struct Reader<'a> {
    environment: Environment<'a>,
    findings: Diagnostics,
}

impl Reader<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    fn text(&self, configured: &Attr<String>, variable: &str) -> Option<String> {
        configured.known().cloned().or_else(|| self.variable(variable))
    }

    /// Text of the kind `T` and the attribute to blame for it.
    fn checked<T: TextType>(
        &mut self,
        configured: &Attr<Text<T>>,
        variable: &str,
        path: Path,
    ) -> Option<String> {
        if let Some(text) = configured.known() {
            return Some(text.to_string());
        }
        let text = self.variable(variable)?;
        match T::check(&text) {
            Ok(()) => Some(text),
            Err(detail) => {
                self.wrong_variable(variable, T::NAME, &detail, path);
                None
            }
        }
    }

    fn wrong_variable(&mut self, variable: &str, what: &str, detail: &str, path: Path) {
        let detail = format!("{}{detail}", in_use(variable));
        self.findings.push(Diagnostic::error(format!("Invalid {what}"), detail).at(path));
    }

    fn duration(
        &mut self,
        configured: &Attr<Text<Duration>>,
        variable: &str,
        path: Path,
    ) -> Option<std::time::Duration> {
        let text = self.checked(configured, variable, path)?;
        positive_duration(&text).ok()
    }

    fn flag(&mut self, configured: &Attr<bool>, variable: &str, attribute: &str) -> bool {
        if let Some(value) = configured.known() {
            return *value;
        }
        match self.variable(variable).as_deref() {
            Some("true" | "1") => true,
            None | Some("false" | "0") => false,
            Some(other) => {
                let detail = format!("Expected true or false, found {other:?}.");
                self.wrong_variable(variable, "setting", &detail, Path::attribute(attribute));
                false
            }
        }
    }

    /// PEM text, read from a file where the setting is a path.
    fn pem(&mut self, configured: &Attr<String>, variable: &str, attribute: &str) -> Option<String> {
        let text = self.text(configured, variable)?;
        if text.contains("-----BEGIN") {
            return Some(text);
        }
        fs::read_to_string(text.trim())
            .map_err(|error| {
                // The text itself is not quoted: it may be a key that lost its frame.
                let origin = if configured.is_set() { String::new() } else { in_use(variable) };
                let detail = format!(
                    "{origin}Expected PEM text, which begins with -----BEGIN, or the path of a file that holds it; \
                     reading it as a path failed: {error}."
                );
                self.findings
                    .push(Diagnostic::error("Unreadable certificate or key", detail).at_attribute(attribute));
            })
            .ok()
    }

    fn endpoints(&mut self, block: &ProviderBlock) -> Vec<url::Url> {
        let texts: Vec<String> = match (&block.endpoint, &block.endpoints) {
            (Attr::Null, Attr::Null) => self.environment_endpoints(),
            (one, many) => {
                let many = many.known().map(|list| list.0.iter()).into_iter().flatten();
                one.known().into_iter().chain(many.filter_map(Attr::known)).map(ToString::to_string).collect()
            }
        };
        if texts.is_empty() && !self.findings.has_errors() {
            let detail = "Say where dkron's API is: set `endpoint` in the provider block, or the environment variable \
                          KRONY_ENDPOINT, to an address such as https://dkron.example.com. There is no default.";
            self.findings.push(Diagnostic::error("Missing endpoint", detail).at_attribute("endpoint"));
        }
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }

    fn environment_endpoints(&mut self) -> Vec<String> {
        if let Some(one) =
            self.checked::<Endpoint>(&Attr::Null, "KRONY_ENDPOINT", Path::attribute("endpoint"))
        {
            return vec![one];
        }
        let many = self.variable("KRONY_ENDPOINTS").unwrap_or_default();
        let many: Vec<_> =
            many.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect();
        for text in &many {
            if let Err(detail) = Endpoint::check(text) {
                self.wrong_variable("KRONY_ENDPOINTS", Endpoint::NAME, &detail, Path::attribute("endpoints"));
            }
        }
        many
    }

    fn auth(&mut self, block: &ProviderBlock) -> Auth {
        let configured = block.username.is_set() || block.password.is_set() || block.token.is_set();
        let pick = |configured_value: &Attr<String>, variable: &str| {
            if configured { configured_value.known().cloned() } else { self.variable(variable) }
        };
        let token = pick(&block.token, "KRONY_TOKEN");
        let username = pick(&block.username, "KRONY_USERNAME");
        let password = pick(&block.password, "KRONY_PASSWORD");
        match (token, username, password) {
            (None, None, None) => Auth::None,
            (Some(token), None, None) => Auth::Bearer(token.into()),
            (None, Some(username), Some(password)) => Auth::Basic { username, password: password.into() },
            _ => {
                let detail = "Expected KRONY_TOKEN alone, or KRONY_USERNAME together with KRONY_PASSWORD.";
                self.findings.push(Diagnostic::error("Unclear authentication", detail).at_attribute("token"));
                Auth::None
            }
        }
    }

    fn headers(&mut self, block: &ProviderBlock) -> Vec<Header> {
        let pairs: BTreeMap<String, String> = match block.headers.known() {
            Some(headers) => headers.known().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
            None => self.environment_headers(),
        };
        pairs.into_iter().map(|(name, value)| Header { name, value: value.into() }).collect()
    }

    fn environment_headers(&mut self) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        for line in
            self.variable("KRONY_HEADERS").unwrap_or_default().lines().filter(|line| !line.trim().is_empty())
        {
            match line.split_once(':') {
                Some((name, value)) => {
                    pairs.insert(name.trim().to_owned(), value.trim().to_owned());
                }
                None => {
                    let detail = "Expected one `name: value` a line, found a line without a colon.";
                    self.wrong_variable("KRONY_HEADERS", "header", detail, Path::attribute("headers"));
                }
            }
        }
        pairs
    }

    fn tls(&mut self, block: &ProviderBlock) -> Tls {
        let client_cert = self.pem(&block.client_cert, "KRONY_CLIENT_CERT", "client_cert");
        let client_key = self.pem(&block.client_key, "KRONY_CLIENT_KEY", "client_key");
        match (&client_cert, &client_key) {
            (Some(_), None) => self.findings.push(half_of_a_pair("client_cert", "client_key", "")),
            (None, Some(_)) => self.findings.push(half_of_a_pair("client_key", "client_cert", "")),
            _ => {}
        }
        Tls {
            ca_cert: self.pem(&block.ca_cert, "KRONY_CA_CERT", "ca_cert").map(String::into_bytes),
            client_cert: client_cert.map(String::into_bytes),
            client_key: client_key.map(Into::into),
            insecure_skip_verify: self.flag(
                &block.insecure_skip_verify,
                "KRONY_INSECURE_SKIP_VERIFY",
                "insecure_skip_verify",
            ),
        }
    }

    fn retry(&mut self, block: &ProviderBlock) -> Retry {
        let path = Path::attribute("retry");
        let retry = block.retry.known().cloned().unwrap_or_default();
        let budget = self.duration(&retry.budget, "KRONY_RETRY_BUDGET", path.attr("budget"));
        let max_wait = self.duration(&retry.max_wait, "KRONY_RETRY_MAX_WAIT", path.attr("max_wait"));
        let default = Retry::default();
        Retry { budget: budget.unwrap_or(default.budget), max_wait: max_wait.unwrap_or(default.max_wait) }
    }
}

/// A client's configuration, from a block in which everything is known.
///
/// # Errors
/// Everything that is wrong, each finding at its setting.
pub fn client_config(
    block: &ProviderBlock,
    environment: Environment<'_>,
    user_agent: String,
) -> Result<Config> {
    let mut reader = Reader { environment, findings: check(block) };
    let mut config = Config::new(reader.endpoints(block));
    config.auth = reader.auth(block);
    config.headers = reader.headers(block);
    config.tls = reader.tls(block);
    config.retry = reader.retry(block);
    config.user_agent = user_agent;
    let path = Path::attribute("request_timeout");
    if let Some(timeout) = reader.duration(&block.request_timeout, "KRONY_REQUEST_TIMEOUT", path) {
        config.request_timeout = timeout;
    }
    reader.findings.into_result().map(|()| config)
}

/// The tenant of jobs that do not name one; it may be unknown.
///
/// # Errors
/// When the environment variable is wrong.
pub fn tenant(block: &ProviderBlock, environment: Environment<'_>) -> Result<Attr<Text<TenantName>>> {
    if block.tenant.is_unknown() {
        return Ok(Attr::Unknown);
    }
    let mut reader = Reader { environment, findings: Diagnostics::new() };
    let tenant = reader.checked(&block.tenant, "KRONY_TENANT", Path::attribute("tenant"));
    reader.findings.into_result().map(|()| tenant.map(Text::new).into())
}

/// What the user should know about settings that work.
pub fn warnings(config: &Config) -> Diagnostics {
    if !config.tls.insecure_skip_verify {
        return Diagnostics::new();
    }
    let detail =
        "Anybody on the way can read and change what is sent, credentials included. Use `ca_cert` instead.";
    Diagnostic::warning("The server's certificate is not checked", detail)
        .at_attribute("insecure_skip_verify")
        .into()
}

#[cfg(test)]
mod tests;
