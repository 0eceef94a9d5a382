//! Between the settings of a job's executor and the attributes in which they are written.

use tfplugin::{
    model::{Attr, Map, Model},
    path::Path,
    schema::{Attribute, Field, is_nothing},
    value::Value,
};

use super::{Executor, GENERIC, TypedForm, typed_in_use};
use crate::job::model::Job;

/// The form in which a job says what it does.
pub(in crate::job) enum InUse<'a> {
    /// That of one plugin.
    Typed(Typed),
    /// That of any plugin; none while it is not known.
    Generic(Option<&'a Executor>),
}

/// A typed form that is set.
pub(in crate::job) struct Typed {
    /// Its attribute, which has the name that the plugin has in dkron.
    name: &'static str,
    pub(in crate::job) is_known: bool,
    /// The attributes in it that become settings.
    pub(in crate::job) places: Vec<Place>,
}

/// An attribute of a typed form that becomes a setting.
pub(in crate::job) struct Place {
    /// The key of the setting.
    pub(in crate::job) key: String,
    /// The attribute, from the root of the job.
    pub(in crate::job) path: Path,
    pub(in crate::job) content: Content,
    pub(in crate::job) is_sensitive: bool,
    pub(in crate::job) is_write_only: bool,
}

/// What is known of an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::job) enum Content {
    /// It is set to nothing, and is no setting.
    Nothing,
    /// It is set.
    Known,
    /// It, or a part of it, is not known yet.
    Unknown,
}

impl Content {
    fn of(value: &Value) -> Self {
        match value {
            value if !value.is_wholly_known() => Self::Unknown,
            value if is_nothing(value) => Self::Nothing,
            _ => Self::Known,
        }
    }
}

/// The form in use; the generic one where there is none. What is known goes before what may still turn out to be null.
pub(in crate::job) fn in_use(job: &Job) -> InUse<'_> {
    let typed = || typed_in_use(job);
    let found = match &job.executor {
        Attr::Known(_) => None,
        Attr::Unknown => typed().find(|form| form.is_known),
        Attr::Null => typed().find(|form| form.is_known).or_else(|| typed().next()),
    };
    found.map_or(InUse::Generic(job.executor.known()), InUse::Typed)
}

impl InUse<'_> {
    /// The attribute of the whole form.
    pub(in crate::job) fn path(&self) -> Path {
        Path::attribute(match self {
            Self::Typed(typed) => typed.name,
            Self::Generic(_) => GENERIC,
        })
    }

    /// Where the plugin is named.
    pub(in crate::job) fn name_path(&self) -> Path {
        match self {
            Self::Typed(_) => self.path(),
            Self::Generic(_) => self.path().attr("name"),
        }
    }

    /// Where the settings are written.
    pub(in crate::job) fn config_path(&self) -> Path {
        match self {
            Self::Typed(_) => self.path(),
            Self::Generic(generic) => self.path().attr(generic_part(*generic, |part| part.is_set())),
        }
    }

    /// Where the setting `key` is, or would be, written; none where the form has no attribute for it.
    pub(in crate::job) fn setting_path(&self, key: &str) -> Option<Path> {
        match self {
            Self::Typed(typed) => {
                let mut places = typed.places.iter().filter(|place| place.key == key);
                let unset = places.clone().next();
                places
                    .find(|place| place.content != Content::Nothing)
                    .or(unset)
                    .map(|place| place.path.clone())
            }
            Self::Generic(generic) => {
                let holds = |part: &Part| part.known().is_some_and(|part| part.0.contains_key(key));
                Some(self.path().attr(generic_part(*generic, holds)).key(key))
            }
        }
    }
}

type Part = Attr<Map<String>>;

/// The first map of the generic form that is looked for; else the one that a setting belongs into.
fn generic_part(generic: Option<&Executor>, is_it: impl Fn(&Part) -> bool) -> &'static str {
    let mut parts = generic.into_iter().flat_map(Executor::parts);
    parts.find(|(_, part)| is_it(part)).map_or("config", |(name, _)| name)
}

impl Typed {
    /// The form in the attribute `name`, if it is set.
    pub(super) fn of<T: TypedForm + Model>(name: &'static str, form: &Attr<T>) -> Option<Self> {
        if form.is_null() {
            return None;
        }
        let mut places = Vec::new();
        collect(T::RENAMED, &T::fields(), &form.encode(), &Path::attribute(name), "", &mut places);
        Some(Self { name, is_known: !form.is_unknown(), places })
    }
}

/// Finds the attributes of an object that become settings. What is nested has keys with dots; all of what is unknown is.
fn collect(
    renamed: &[(&str, &str)],
    fields: &[Field],
    object: &Value,
    path: &Path,
    prefix: &str,
    found: &mut Vec<Place>,
) {
    for field in fields {
        let value = if object.is_unknown() { object } else { object.get(field.name()) };
        let path = path.attr(field.name());
        let name = format!("{prefix}{}", field.name());
        match field {
            _ if is_version(field, fields) => {}
            Field::Attribute(attribute) if field.nested().is_none() => {
                found.push(place(renamed, attribute, value, path, &name));
            }
            _ => {
                let nested = field.nested().map(|(_, fields)| fields).unwrap_or_default();
                collect(renamed, nested, value, &path, &format!("{name}."), found);
            }
        }
    }
}

fn place(renamed: &[(&str, &str)], attribute: &Attribute, value: &Value, path: Path, name: &str) -> Place {
    let plain = name.strip_suffix("_wo").filter(|_| attribute.write_only).unwrap_or(name);
    let key = renamed.iter().find(|(_, attribute)| *attribute == plain).map_or(plain, |(key, _)| key);
    Place {
        key: key.to_owned(),
        path,
        content: Content::of(value),
        is_sensitive: attribute.sensitive,
        is_write_only: attribute.write_only,
    }
}

/// Whether a field is the version of a write-only one beside it.
fn is_version(field: &Field, fields: &[Field]) -> bool {
    let of = field.name().strip_suffix("_version");
    fields.iter().any(|other| other.is_write_only() && of == Some(other.name()))
}
