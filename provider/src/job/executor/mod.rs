//! What a job does: the typed forms of dkron's executors, each in a file of its own, and the generic one.
//!
//! A typed form is used only where it says everything that the server has: it is encoded again and compared. What
//! does not survive that stays in the generic form.

mod gcppubsub;
mod generic;
mod grpc;
mod http;
mod kafka;
mod nats;
mod places;
mod rabbitmq;
pub(super) mod settings;
mod shell;

use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model::{self, Attr, Strictness},
    path::Path,
};

pub(super) use self::{
    gcppubsub::Gcppubsub,
    generic::Executor,
    grpc::Grpc,
    http::Http,
    kafka::Kafka,
    nats::Nats,
    places::{Content, InUse, in_use},
    rabbitmq::Rabbitmq,
    shell::Shell,
};
pub use self::{generic::may_be_secret, settings::Settings};
use self::{places::Typed, settings::Decoder};
use super::{model::Job, secret};

/// A form in which a job can say what it does.
trait Form {
    /// The settings of the plugin. What is unknown or missing is left out.
    fn encode(&self) -> Settings;

    /// What is wrong with configuration, in which anything may be unknown.
    fn check(&self, path: &Path) -> Diagnostics;

    /// What works, but hardly as it was meant.
    fn advice(&self, _path: &Path) -> Diagnostics {
        Diagnostics::new()
    }
}

/// A form of one plugin.
trait TypedForm: Form + Sized {
    /// The settings whose attribute is not called as they are: key, and attribute. What is nested has a dot in its name.
    const RENAMED: &'static [(&'static str, &'static str)] = &[];

    /// The form of these settings, as far as it can say them; none where one of them cannot be read.
    fn decode(settings: &mut Decoder) -> Option<Self>;

    /// Whether all is there that the form requires.
    fn is_complete(&self) -> bool;

    /// Rewrites settings whose text has several spellings into that of [`encode`](Form::encode).
    fn normalise(_settings: &mut Settings) {}
}

/// The executors with a form of their own: the attribute has the name that the plugin has in dkron.
macro_rules! typed_forms {
    ($($name:ident),+ $(,)?) => {
        fn typed_forms(job: &Job) -> Vec<(&'static str, Attr<&dyn Form>)> {
            vec![$((stringify!($name), view(&job.$name))),+]
        }

        /// The typed forms that are set.
        fn typed_in_use(job: &Job) -> impl Iterator<Item = Typed> {
            let forms = [$(|job: &Job| Typed::of(stringify!($name), &job.$name)),+];
            forms.into_iter().filter_map(|form| form(job))
        }

        /// Sets the typed form of the executor `name`, if there is one that can say all that the settings do, and
        /// would be accepted as configuration.
        fn decode_typed(job: &mut Job, name: &str, settings: &Settings) -> bool {
            $(if name == stringify!($name) {
                job.$name = lossless(settings).filter(can_be_configured).into();
                return job.$name.is_set();
            })+
            false
        }
    };
}
typed_forms!(http, shell, grpc, kafka, nats, rabbitmq, gcppubsub);

/// The attribute of the generic form.
const GENERIC: &str = "executor";

/// All forms of a job, by their attributes.
fn forms(job: &Job) -> Vec<(&'static str, Attr<&dyn Form>)> {
    let mut forms = typed_forms(job);
    forms.push((GENERIC, view(&job.executor)));
    forms
}

fn view<T: Form>(form: &Attr<T>) -> Attr<&dyn Form> {
    match form {
        Attr::Known(form) => Attr::Known(form),
        Attr::Null => Attr::Null,
        Attr::Unknown => Attr::Unknown,
    }
}

/// The form of these settings, if it loses nothing of them.
fn lossless<T: TypedForm>(settings: &Settings) -> Option<T> {
    let form = T::decode(&mut Decoder(settings.clone()))?;
    let comparable = |mut settings: Settings| {
        T::normalise(&mut settings);
        settings
    };
    (form.is_complete() && comparable(form.encode()) == comparable(settings.clone())).then_some(form)
}

/// Name and settings of the executor that a job asks for; none while it is unknown or missing.
pub(super) fn encode(job: &Job) -> Option<(String, Settings)> {
    let job = secret::reveal(job);
    if let Some(generic) = job.executor.known() {
        return Some((generic.name.known()?.clone(), generic.encode()));
    }
    let typed = typed_forms(&job).into_iter();
    typed.filter_map(|(name, form)| Some((name.to_owned(), form.known()?.encode()))).next()
}

/// Sets the form of the executor that fits best, given what `prior` used.
pub(super) fn decode(job: &mut Job, prior: &Job, name: &str, settings: &Settings) {
    if !prior.executor.is_set()
        && !shows_credentials(prior, name, settings)
        && decode_typed(job, name, settings)
    {
        return;
    }
    // A job without an executor never runs; there is nothing to show.
    if !name.is_empty() || !settings.is_empty() {
        job.executor = Attr::Known(Executor::of(name, settings, prior.executor.known()));
    }
}

/// Whether a form would be accepted as configuration: what dkron has need not have been written by us.
fn can_be_configured<T: Form + model::TfType>(form: &T) -> bool {
    let path = Path::root();
    <T as model::TfType>::decode(&model::TfType::encode(form), &path, Strictness::Configuration).is_ok()
        && !form.check(&path).has_errors()
}

/// Whether the typed form would show a password in an address that the user did not write there: plans hide it only in
/// the generic form.
fn shows_credentials(prior: &Job, name: &str, settings: &Settings) -> bool {
    let is_written = typed_forms(prior).into_iter().any(|(typed, form)| typed == name && form.is_set());
    !is_written && settings.get("url").is_some_and(|url| settings::has_credentials(url))
}

/// Checks what the job does; anything may be unknown.
pub(super) fn check(job: &Job) -> Diagnostics {
    let mut findings = check_choice(job);
    findings.extend(in_each_form(job, |form, path| form.check(path)));
    findings
}

/// What is hardly meant.
pub(super) fn advice(job: &Job) -> Diagnostics {
    in_each_form(job, |form, path| form.advice(path))
}

fn in_each_form(job: &Job, look: impl Fn(&dyn Form, &Path) -> Diagnostics) -> Diagnostics {
    let mut findings = Diagnostics::new();
    for (name, form) in forms(job) {
        if let Some(form) = form.known() {
            findings.extend(look(*form, &Path::attribute(name)));
        }
    }
    findings
}

fn check_choice(job: &Job) -> Diagnostics {
    let forms = forms(job);
    let names = |forms: &[(&str, Attr<&dyn Form>)]| -> Vec<String> {
        forms.iter().map(|(name, _)| format!("`{name}`")).collect()
    };
    let expected = format!("Expected exactly one of {}", names(&forms).join(", "));
    let chosen: Vec<_> = forms.into_iter().filter(|(_, form)| form.is_set()).collect();
    // What is unknown may still turn out to be null.
    let certain = chosen.iter().filter(|(_, form)| !form.is_unknown()).count();
    match chosen.as_slice() {
        [] => Diagnostic::error("Missing executor", format!("{expected}: it says what the job does.")).into(),
        [.., (last, _)] if certain > 1 => {
            let detail = format!("{expected}, found {}.", names(&chosen).join(" and "));
            Diagnostic::error("More than one executor", detail).at_attribute(last).into()
        }
        _ => Diagnostics::new(),
    }
}

#[cfg(test)]
mod tests;
