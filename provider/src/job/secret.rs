//! Secrets that Terraform does not store: the write-only forms of attributes.
//!
//! State has none of them, only their version. What the provider keeps in private data cannot give one away either: for
//! each secret a salt, and two bytes of an HMAC. They tell whether the server still has the secret that was written,
//! and, by a chance of one in 65536, miss that it has another one; but they do not confirm a guess.
//!
//! A job whose write-only attributes are set (that of configuration, or a plan with them [carried](carry) over) is
//! encoded with them; what is read is [shown](show) without them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Attr, Map},
    path::Path,
    private::Private,
};

use super::{Context, convert, executor::Settings, model::Job};

/// The secrets: executor, plain attribute, write-only form of it, version of that.
///
/// The write-only form stands instead of the plain one, but for the generic executor, whose settings may be in both.
macro_rules! secrets {
    ($($form:ident: $plain:ident, $write_only:ident, $version:ident;)+) => {
        fn secrets(job: &Job) -> Vec<Secret<&dyn Slot, &Attr<i64>>> {
            let mut found: Vec<Secret<&dyn Slot, _>> = Vec::new();
            $(if let Attr::Known(form) = &job.$form {
                let names = [stringify!($plain), stringify!($write_only), stringify!($version)];
                let (plain, write_only, version) = (&form.$plain, &form.$write_only, &form.$version);
                found.push(Secret { form: stringify!($form), names, plain, write_only, version });
            })+
            found
        }

        /// The same, to be written.
        fn secrets_mut(job: &mut Job) -> Vec<Secret<&mut dyn Slot, &mut Attr<i64>>> {
            let mut found: Vec<Secret<&mut dyn Slot, _>> = Vec::new();
            $(if let Attr::Known(form) = &mut job.$form {
                let names = [stringify!($plain), stringify!($write_only), stringify!($version)];
                let (plain, write_only, version) = (&mut form.$plain, &mut form.$write_only, &mut form.$version);
                found.push(Secret { form: stringify!($form), names, plain, write_only, version });
            })+
            found
        }
    };
}
secrets! {
    http: headers, headers_wo, headers_wo_version;
    shell: env, env_wo, env_wo_version;
    grpc: headers, headers_wo, headers_wo_version;
    kafka: sasl_password, sasl_password_wo, sasl_password_wo_version;
    nats: password, password_wo, password_wo_version;
    executor: sensitive_config, config_wo, config_wo_version;
}

/// The attributes of one secret.
struct Secret<Content, Version> {
    form: &'static str,
    names: [&'static str; 3],
    plain: Content,
    write_only: Content,
    version: Version,
}

/// An attribute for a secret, as settings by name; a secret that is one text has no name.
trait Slot {
    fn get(&self) -> Attr<Settings>;
    fn set(&mut self, content: Attr<Settings>);

    /// What is known of it.
    fn content(&self) -> Option<Settings> {
        self.get().known().cloned()
    }
}

impl Slot for Attr<String> {
    fn get(&self) -> Attr<Settings> {
        match self {
            Self::Known(text) => Attr::Known(Settings::from([(String::new(), text.clone())])),
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
        }
    }

    fn set(&mut self, content: Attr<Settings>) {
        *self = match content {
            Attr::Known(content) => content.into_values().next().into(),
            Attr::Null => Self::Null,
            Attr::Unknown => Self::Unknown,
        };
    }
}

impl Slot for Attr<Map<String>> {
    fn get(&self) -> Attr<Settings> {
        match self {
            Self::Known(map) if map.has_unknown() => Attr::Unknown,
            Self::Known(map) => {
                Attr::Known(map.known().map(|(key, value)| (key.to_owned(), value.clone())).collect())
            }
            Self::Null => Attr::Null,
            Self::Unknown => Attr::Unknown,
        }
    }

    fn set(&mut self, content: Attr<Settings>) {
        *self = match content {
            Attr::Known(content) => Self::Known(content.into_iter().collect()),
            Attr::Null => Self::Null,
            Attr::Unknown => Self::Unknown,
        };
    }
}

impl<Content, Version> Secret<Content, Version> {
    /// What the secret is called in private data.
    fn id(&self) -> String {
        format!("{}.{}", self.form, self.names[1])
    }

    fn path(&self, name: &str) -> Path {
        Path::attribute(self.form).attr(name)
    }

    /// Whether plain and write-only form may both be set, with other keys in each.
    fn is_shared(&self) -> bool {
        self.form == "executor"
    }
}

/// What is known of the write-only attributes, by the names in private data.
fn contents(job: &Job) -> BTreeMap<String, Settings> {
    let secrets = secrets(job).into_iter();
    secrets.filter_map(|secret| Some((secret.id(), secret.write_only.content()?))).collect()
}

/// A copy of `planned` with the write-only attributes of `config`.
pub(super) fn carry(planned: &Job, config: &Job) -> Job {
    let mut job = planned.clone();
    let mut given: BTreeMap<_, _> =
        secrets(config).into_iter().map(|secret| (secret.id(), secret.write_only.get())).collect();
    for secret in secrets_mut(&mut job) {
        secret.write_only.set(given.remove(&secret.id()).unwrap_or_default());
    }
    job
}

/// A job in which the write-only attributes have taken the places of their plain forms.
pub(super) fn reveal(job: &Job) -> Cow<'_, Job> {
    let mut contents = contents(job);
    if contents.is_empty() {
        return Cow::Borrowed(job);
    }
    let mut job = job.clone();
    for secret in secrets_mut(&mut job) {
        let Some(mut content) = contents.remove(&secret.id()) else { continue };
        if secret.is_shared() {
            content.extend(secret.plain.content().unwrap_or_default());
        }
        secret.plain.set(Attr::Known(content));
    }
    Cow::Owned(job)
}

/// What is kept of a secret.
#[derive(Serialize, Deserialize)]
struct Record {
    /// In hexadecimal, as is the digest.
    salt: String,
    digest: String,
    /// The settings that are secret, where others stand beside them.
    keys: BTreeSet<String>,
}

impl Record {
    fn of(content: &Settings) -> Result<Self> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| {
            Diagnostic::error("No random numbers", format!("The operating system gave none: {error}."))
        })?;
        let salt = hex(&salt);
        Ok(Self { digest: digest(&salt, content), salt, keys: content.keys().cloned().collect() })
    }

    fn agrees(&self, content: &Settings) -> bool {
        self.digest == digest(&self.salt, content)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Two bytes: so few that many a guess agrees with them.
fn digest(salt: &str, content: &Settings) -> String {
    // A key of any length will do: the fallback is never reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else { return String::new() };
    for text in content.iter().flat_map(|(key, value)| [key, value]) {
        mac.update(&(text.len() as u64).to_be_bytes());
        mac.update(text.as_bytes());
    }
    hex(&mac.finalize().into_bytes()[..2])
}

type Records = BTreeMap<String, Record>;

/// The place in private data.
const SECRETS: &str = "secrets";

fn records(private: &Private) -> Records {
    // What cannot be read is as good as missing: the secret counts as changed, and is written again.
    let records = private.get(SECRETS).and_then(|records| Records::deserialize(records).ok());
    records.unwrap_or_default()
}

fn store(context: &Context, records: &Records) {
    let mut private = context.private();
    match serde_json::to_value(records) {
        Ok(value) if !records.is_empty() => private.set(SECRETS, value),
        _ => private.remove(SECRETS),
    }
    context.set_private(private);
}

/// Notes the write-only attributes of `config` in private data, before they are written: a write that fails may have
/// happened.
///
/// # Errors
/// When there are no random numbers for the salt.
pub(super) fn remember(context: &Context, config: &Job) -> Result<()> {
    let mut records = records(&context.private());
    for (id, content) in contents(config) {
        if !records.get(&id).is_some_and(|record| record.agrees(&content)) {
            records.insert(id, Record::of(&content)?);
        }
    }
    store(context, &records);
    Ok(())
}

/// Forgets the secrets that `config` does not have any more, once that is written.
pub(super) fn forget_others(context: &Context, config: &Job) {
    let used = contents(config);
    let mut records = records(&context.private());
    records.retain(|id, _| used.contains_key(id));
    store(context, &records);
}

/// The job that dkron has, without the secrets that private data knows of. Where the server has another secret than
/// that, the version is missing.
pub(super) fn show(found: &dkron::Job, prior: &Job, private: &Private) -> Job {
    let mut records = records(private);
    if records.is_empty() {
        return convert::from_dkron(found, prior);
    }
    let mut job = convert::from_dkron(found, &with_places(prior, &records));
    let versions = versions(prior);
    for secret in secrets_mut(&mut job) {
        let Some(record) = records.remove(&secret.id()) else { continue };
        let content = secret.plain.content().unwrap_or_default();
        let is_secret = |key: &String| !secret.is_shared() || record.keys.contains(key);
        let (hidden, shown): (Settings, Settings) = content.into_iter().partition(|(key, _)| is_secret(key));
        secret.plain.set(Some(shown).filter(|shown| !shown.is_empty()).into());
        let version = versions.get(&secret.id()).copied().filter(|_| record.agrees(&hidden));
        *secret.version = version.into();
    }
    if !records.is_empty() {
        // A secret of another form may stand here now.
        if let Attr::Known(executor) = &mut job.executor {
            executor.sensitive_config = Attr::Null;
        }
    }
    job
}

/// What there is to say about a job that is [shown](show) without a version that it had before.
pub(super) fn advice(prior: &Job, shown: &Job) -> Diagnostics {
    let before = versions(prior);
    let changed = secrets(shown)
        .into_iter()
        .filter(|secret| secret.version.is_null() && before.contains_key(&secret.id()));
    changed
        .map(|secret| {
            let [_, write_only, version] = secret.names;
            let detail = format!(
                "dkron has another value of `{write_only}` than the one that Terraform wrote: somebody changed it there. \
                 State shows the job without `{version}`, and an apply writes the value of the configuration again."
            );
            Diagnostic::warning("A write-only value was changed", detail).at(secret.path(version))
        })
        .collect()
}

/// A copy of `prior` in which the generic executor's secret settings have their place, so that they are found there.
fn with_places(prior: &Job, records: &Records) -> Job {
    let mut prior = prior.clone();
    for secret in secrets_mut(&mut prior) {
        if let (true, Some(record)) = (secret.is_shared(), records.get(&secret.id())) {
            let mut places = secret.plain.content().unwrap_or_default();
            places.extend(record.keys.iter().map(|key| (key.clone(), String::new())));
            secret.plain.set(Attr::Known(places));
        }
    }
    prior
}

/// The versions of the secrets.
pub(super) fn versions(job: &Job) -> BTreeMap<String, i64> {
    let secrets = secrets(job).into_iter();
    secrets.filter_map(|secret| Some((secret.id(), *secret.version.known()?))).collect()
}

/// Checks the secrets of configuration, in which anything may be unknown.
pub(super) fn check(config: &Job) -> Diagnostics {
    let mut findings = Diagnostics::new();
    for secret in secrets(config) {
        let [plain, write_only, version] = secret.names;
        let content = secret.write_only.get();
        if content.known().is_some() && secret.version.is_null() {
            let detail = format!(
                "Expected `{version}` as well, such as 1: Terraform does not store `{write_only}`, and a new version is \
                 how it learns that there is a new value to write."
            );
            let path = secret.path(write_only);
            findings.push(Diagnostic::error("Write-only argument without a version", detail).at(path));
        }
        if content.is_null() && secret.version.known().is_some() {
            let detail =
                format!("`{version}` belongs to `{write_only}`: set that as well, or remove the version.");
            let path = secret.path(version);
            findings.push(Diagnostic::error("Version without a write-only argument", detail).at(path));
        }
        if !secret.is_shared() && content.known().is_some() && secret.plain.get().known().is_some() {
            let detail = format!("Expected `{plain}` or `{write_only}`, found both: remove one of them.");
            findings.push(Diagnostic::error("The same secret twice", detail).at(secret.path(write_only)));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
