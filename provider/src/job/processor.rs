//! What happens to the output of a run: the typed forms of dkron's processors, and the generic one.

use std::collections::BTreeMap;

use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::{Attr, Map, Model},
    path::Path,
    schema::Field,
    value::Value,
};

use super::executor::settings::{Decoder, Encoder, Settings, check_nulls};

model! {
    /// What happens to the output of a run, when it has ended. Each is a plugin of the dkron server; dkron logs that
    /// one is missing, and goes on. Where there are several, dkron runs them in no particular order.
    pub struct Processors {
        /// Writes the output of each run to a file of its own on the server.
        files: Files = optional(),
        /// Writes the output to the standard output of the server's plugin, or to its standard error after a failure.
        log: Forward = optional(),
        /// Writes the output to syslog of the server.
        syslog: Forward = optional(),
        /// Sends the output to Fluent Bit, at the address that the server's environment names in `FLUENTBIT_HOST`,
        /// `FLUENTBIT_PORT` and `FLUENTBIT_TAG`.
        fluent: Forward = optional(),
        /// Any other processor by name, with its settings in dkron's own terms.
        other: Map<Map<String>> = optional().empty_is_null(),
    }
}

model! {
    /// A processor that passes the output on or keeps it.
    pub struct Forward {
        /// Whether the output goes on to further processors and into the execution that dkron keeps. By default it does
        /// not: a note such as `Output in syslog` takes its place.
        forward: bool = optional(),
    }
}

model! {
    /// A processor that writes files.
    pub struct Files {
        /// Whether the output goes on to further processors and into the execution that dkron keeps. By default it does
        /// not: the path of the file takes its place.
        forward: bool = optional(),
        /// Directory of the files, which must exist; `/var/log/dkron` by default.
        log_dir: String = optional().empty_is_null(),
    }
}

/// A processor with a form of its own.
trait Form: Sized {
    fn encode(&self) -> Settings;

    /// The form of these settings, as far as it can say them.
    fn decode(settings: &mut Decoder) -> Self;

    /// Whether the output goes on.
    fn forwards(&self) -> &Attr<bool>;
}

impl Form for Forward {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.flag("forward", &self.forward);
        encoder.0
    }

    fn decode(decoder: &mut Decoder) -> Self {
        Self { forward: decoder.flag("forward") }
    }

    fn forwards(&self) -> &Attr<bool> {
        &self.forward
    }
}

impl Form for Files {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.flag("forward", &self.forward);
        encoder.string("log_dir", &self.log_dir);
        encoder.0
    }

    fn decode(decoder: &mut Decoder) -> Self {
        Self { forward: decoder.flag("forward"), log_dir: decoder.text("log_dir") }
    }

    fn forwards(&self) -> &Attr<bool> {
        &self.forward
    }
}

/// A typed processor that is set, as far as it is known.
struct Chosen<'a> {
    name: &'static str,
    settings: Option<Settings>,
    forwards: &'a Attr<bool>,
}

fn chosen<'a, T: Form>(name: &'static str, form: &'a Attr<T>) -> Option<Chosen<'a>> {
    const UNKNOWN: Attr<bool> = Attr::Unknown;
    let known = form.known();
    let forwards = known.map_or(&UNKNOWN, T::forwards);
    form.is_set().then(|| Chosen { name, settings: known.map(T::encode), forwards })
}

/// The processors with a form of their own: the attribute has the name that the plugin has in dkron.
macro_rules! typed_forms {
    ($($name:ident),+ $(,)?) => {
        fn typed_forms(processors: &Processors) -> impl Iterator<Item = Chosen<'_>> {
            [$(chosen(stringify!($name), &processors.$name)),+].into_iter().flatten()
        }

        /// Sets the typed form of the processor `name`, if there is one and it can say all that the settings do.
        fn decode_typed(processors: &mut Processors, name: &str, settings: &Settings) -> bool {
            $(if name == stringify!($name) {
                processors.$name = lossless(settings).into();
                return processors.$name.is_set();
            })+
            false
        }
    };
}
typed_forms!(files, log, syslog, fluent);

/// The form of these settings, if it loses nothing of them.
fn lossless<T: Form>(settings: &Settings) -> Option<T> {
    let form = T::decode(&mut Decoder(settings.clone()));
    (form.encode() == *settings).then_some(form)
}

/// The processors that a job asks for, by name.
pub(super) fn encode(processors: &Processors) -> BTreeMap<String, Settings> {
    let other = processors.other.known().into_iter().flat_map(Map::known);
    let other = other.map(|(name, settings)| {
        let settings = settings.known().map(|(key, value)| (key.to_owned(), value.clone()));
        (name.to_owned(), settings.collect())
    });
    let typed = typed_forms(processors).filter_map(|chosen| Some((chosen.name.to_owned(), chosen.settings?)));
    other.chain(typed).collect()
}

/// The forms of the processors that dkron has; one that has no typed form, or that `prior` wrote in the generic one,
/// stands under `other`.
pub(super) fn decode(found: &BTreeMap<String, Settings>, prior: &Attr<Processors>) -> Attr<Processors> {
    let mut processors = Processors::default();
    let mut other = BTreeMap::new();
    for (name, settings) in found {
        if is_generic(prior, name) || !decode_typed(&mut processors, name, settings) {
            other.insert(name.clone(), Attr::Known(Map::from_iter(settings.clone())));
        }
    }
    if !other.is_empty() {
        processors.other = Attr::Known(Map(other));
    }
    if found.is_empty() { Attr::Null } else { Attr::Known(processors) }
}

/// Whether the generic form has the processor `name`.
fn is_generic(processors: &Attr<Processors>, name: &str) -> bool {
    processors.known().and_then(|known| known.other.known()).is_some_and(|other| other.0.contains_key(name))
}

/// The settings of all processors by name, whatever their form, with what is unknown.
pub(super) fn by_name(processors: &Attr<Processors>) -> Value {
    let forms = match processors.encode() {
        Value::Object(forms) => forms,
        other => return other,
    };
    let (other, typed): (BTreeMap<_, _>, _) = forms.into_iter().partition(|(name, _)| name == "other");
    let mut all = match other.into_values().next() {
        Some(Value::Map(other)) => other,
        // Any processor may come of it.
        Some(unknown @ Value::Unknown(_)) => return unknown,
        _ => BTreeMap::new(),
    };
    all.extend(typed.into_iter().filter(|(_, form)| !form.is_null()));
    Value::Map(all)
}

/// The attribute to which the name of a processor and that of a setting lead, and how many of these names.
pub(super) fn follow(processors: &Attr<Processors>, names: &[&str]) -> (Path, usize) {
    let root = Path::attribute("processors");
    let (name, key) = match *names {
        [] => return (root, 0),
        [name] => (name, None),
        [name, key, ..] => (name, Some(key)),
    };
    let fields = Processors::fields();
    let typed = fields.iter().filter(|field| field.name() == name && !is_generic(processors, name));
    let Some((_, settings)) = typed.filter_map(Field::nested).next() else {
        let path = root.attr("other").key(name);
        return key.map_or((path.clone(), 1), |key| (path.key(key), 2));
    };
    let path = root.attr(name);
    let setting = key.filter(|key| settings.iter().any(|setting| setting.name() == *key));
    setting.map_or((path.clone(), 1), |setting| (path.attr(setting), 2))
}

/// Checks processors of configuration; anything may be unknown.
pub(super) fn check(processors: &Attr<Processors>) -> Diagnostics {
    let path = Path::attribute("processors").attr("other");
    let Some(processors) = processors.known() else { return Diagnostics::new() };
    let mut findings = check_nulls(&processors.other, &path);
    for (name, settings) in processors.other.known().into_iter().flat_map(|other| &other.0) {
        findings.extend(check_nulls(settings, &path.key(name)));
        if typed_forms(processors).any(|typed| typed.name == name) {
            let detail = format!("The processor stands in `processors.{name}` as well: remove one of them.");
            findings.push(Diagnostic::error("The same processor twice", detail).at(path.key(name)));
        }
    }
    findings
}

/// What is hardly meant: one processor that keeps the output from another.
pub(super) fn advice(processors: &Attr<Processors>) -> Diagnostics {
    let Some(processors) = processors.known() else { return Diagnostics::new() };
    let typed: Vec<_> = typed_forms(processors).collect();
    let others = processors.other.known().map_or(0, |other| other.0.len());
    if typed.len() + others < 2 {
        return Diagnostics::new();
    }
    let keeps = |forwards: &Attr<bool>| forwards.is_null() || forwards.known() == Some(&false);
    let warning = |typed: &Chosen<'_>| {
        let detail = "dkron runs processors in no particular order, and this one leaves a note in place of the output for \
                      those that come after it. Set `forward = true` for each of them.";
        let path = Path::attribute("processors").attr(typed.name);
        Diagnostic::warning("A processor keeps the output to itself", detail).at(path)
    };
    typed.iter().filter(|typed| keeps(typed.forwards)).map(warning).collect()
}

#[cfg(test)]
mod tests;
