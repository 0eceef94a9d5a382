//! From values to Rust types and back.
//!
//! [`model!`](crate::model!) declares an object: each attribute once, with its type, flags and documentation. Schema,
//! decoding, encoding and documentation pages come from that declaration. The type of an attribute is a [`TfType`];
//! what may stand there is [`Attr`]: known, null or unknown.
//!
//! Validation is decoding: a [`TextType`] refuses text that it cannot read, at the attribute. Only configuration is
//! decoded strictly; state may hold what an older provider or another tool wrote, and must stay manageable.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

use crate::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    path::Path,
    schema::{Field, Kind, Nesting, Schema, TypeFacts},
    value::{Number, Type, Value},
};

/// How much a decoder demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Configuration: text must be valid.
    Configuration,
    /// State, import and answers of a server: types must fit, text is taken as it is.
    State,
}

/// What may stand in an attribute.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Attr<T> {
    /// A value.
    Known(T),
    /// Nothing.
    #[default]
    Null,
    /// A value that is known only after something else was applied.
    Unknown,
}

impl<T> Attr<T> {
    /// The value, if it is known and not null.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// Whether nothing is set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value is not known yet.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether something is set, known or not.
    pub fn is_set(&self) -> bool {
        !self.is_null()
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

impl<T: TfType> Attr<T> {
    fn decode(value: &Value, path: &Path, strictness: Strictness) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Unknown(_) => Ok(Self::Unknown),
            known => T::decode(known, path, strictness).map(Self::Known),
        }
    }

    /// The value as Terraform sees it.
    pub fn encode(&self) -> Value {
        match self {
            Self::Known(value) => value.encode(),
            Self::Null => Value::Null,
            Self::Unknown => Value::UNKNOWN,
        }
    }
}

/// A Rust type that can be the type of an attribute.
pub trait TfType: Sized + Clone + PartialEq + Send + Sync + 'static {
    /// Its Terraform type or nested attributes.
    fn kind() -> Kind;

    /// From a value that is neither null nor unknown.
    ///
    /// # Errors
    /// Everything that is wrong with the value, each finding at its path.
    fn decode(value: &Value, path: &Path, strictness: Strictness) -> Result<Self>;

    /// Back to a value: exactly the one that was decoded.
    fn encode(&self) -> Value;

    /// What is special about its values.
    fn facts() -> TypeFacts {
        TypeFacts { same: |a, b| a == b, allowed: &[], examples: &[] }
    }
}

/// An object with named attributes, declared by [`model!`](crate::model!).
pub trait Model: TfType + Default {
    /// Documentation of the object, Markdown.
    fn description() -> String;

    /// Attributes and blocks in the order of their declaration.
    fn fields() -> Vec<Field>;

    /// The schema of the object as state version `version`.
    fn schema(version: i64) -> Schema {
        Schema { version, description: Self::description(), fields: Self::fields() }
    }
}

/// Declares an object that Terraform knows: see the [module](mod@crate::model).
///
/// Each attribute is `name: Type = flags`, with at least one line of documentation; the flags are the functions of
/// [`flags`](crate::flags). The struct that comes out has an [`Attr<Type>`](Attr) for each attribute.
///
/// ```
/// use tfplugin::{model, model::{List, Model}};
///
/// model! {
///     /// A greeting.
///     pub struct Greeting {
///         /// Whom to greet.
///         name: String = required().replaces(),
///         /// How often.
///         times: i64 = optional().default(1),
///         /// In which languages.
///         languages: List<String> = optional(),
///     }
/// }
/// assert_eq!(Greeting::schema(0).fields.len(), 3);
/// ```
#[macro_export]
macro_rules! model {
    ($(#[doc = $doc:literal])+ $visibility:vis struct $model:ident {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty = $flags:expr),* $(,)?
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Default)]
        $visibility struct $model {
            $($(#[doc = $field_doc])+ pub $field: $crate::model::Attr<$type>,)*
        }

        impl $crate::model::Model for $model {
            fn description() -> String {
                $crate::model::documentation(&[$($doc),+])
            }

            fn fields() -> Vec<$crate::schema::Field> {
                #[allow(unused_imports, reason = "a model need not use every flag")]
                use $crate::flags::{block, computed, optional, required, IntoField};
                vec![$(
                    IntoField::into_field::<$type>(
                        $flags,
                        stringify!($field),
                        $crate::model::documentation(&[$($field_doc),+]),
                    ),
                )*]
            }
        }

        impl $crate::model::TfType for $model {
            fn kind() -> $crate::schema::Kind {
                $crate::schema::Kind::Nested(
                    $crate::schema::Nesting::Single,
                    <Self as $crate::model::Model>::fields(),
                )
            }

            fn decode(
                value: &$crate::value::Value,
                path: &$crate::path::Path,
                strictness: $crate::model::Strictness,
            ) -> $crate::diagnostic::Result<Self> {
                #[allow(unused_mut, reason = "a model may be without attributes")]
                let mut object = $crate::model::ObjectDecoder::new(value, path, strictness)?;
                let model = Self { $($field: object.attribute(stringify!($field)),)* };
                object.finish(model)
            }

            fn encode(&self) -> $crate::value::Value {
                $crate::value::Value::Object(::std::collections::BTreeMap::from([
                    $((stringify!($field).to_owned(), self.$field.encode()),)*
                ]))
            }
        }
    };
}

/// Joins the lines of a doc comment as rustdoc does: one leading blank of each line is not part of the text.
pub fn documentation(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    lines.join("\n")
}

/// Decodes the attributes of one object and collects what is wrong with any of them.
pub struct ObjectDecoder<'a> {
    attributes: &'a BTreeMap<String, Value>,
    path: &'a Path,
    strictness: Strictness,
    findings: Diagnostics,
}

impl<'a> ObjectDecoder<'a> {
    /// Starts with an object.
    ///
    /// # Errors
    /// When `value` is none.
    pub fn new(value: &'a Value, path: &'a Path, strictness: Strictness) -> Result<Self> {
        let attributes = value.as_object().ok_or_else(|| mismatch("an object", value, path))?;
        Ok(Self { attributes, path, strictness, findings: Diagnostics::new() })
    }

    /// The attribute `name`; null if it is missing or wrong.
    pub fn attribute<T: TfType>(&mut self, name: &str) -> Attr<T> {
        let value = self.attributes.get(name).unwrap_or(&Value::Null);
        if let Value::Null = value {
            return Attr::Null;
        }
        let found = decode_part(value, self.strictness, || self.path.attr(name));
        self.findings.collect(found).unwrap_or_default()
    }

    /// The finished model.
    ///
    /// # Errors
    /// All findings, when one of the attributes was wrong.
    pub fn finish<M>(self, model: M) -> Result<M> {
        self.findings.into_result().map(|()| model)
    }
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Unknown(_) => "an unknown value",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::List(_) | Value::Tuple(_) => "a list",
        Value::Set(_) => "a set",
        Value::Map(_) => "a map",
        Value::Object(_) => "an object",
        Value::Dynamic(inner) => kind_name(&inner.1),
    }
}

/// The diagnostic for a value of a wrong type. The value itself is not named: it may be a secret.
fn mismatch(expected: &str, found: &Value, path: &Path) -> Diagnostics {
    Diagnostic::error("Wrong type of value", format!("Expected {expected}, found {}.", kind_name(found)))
        .at(path.clone())
        .into()
}

impl TfType for String {
    fn kind() -> Kind {
        Kind::Plain(Type::String)
    }

    fn decode(value: &Value, path: &Path, _: Strictness) -> Result<Self> {
        value.as_str().map(ToOwned::to_owned).ok_or_else(|| mismatch("text", value, path))
    }

    fn encode(&self) -> Value {
        Value::String(self.clone())
    }
}

impl TfType for bool {
    fn kind() -> Kind {
        Kind::Plain(Type::Bool)
    }

    fn decode(value: &Value, path: &Path, _: Strictness) -> Result<Self> {
        match value {
            Value::Bool(value) => Ok(*value),
            other => Err(mismatch("true or false", other, path)),
        }
    }

    fn encode(&self) -> Value {
        Value::Bool(*self)
    }
}

impl TfType for Number {
    fn kind() -> Kind {
        Kind::Plain(Type::Number)
    }

    fn decode(value: &Value, path: &Path, _: Strictness) -> Result<Self> {
        match value {
            Value::Number(number) => Ok(number.clone()),
            other => Err(mismatch("a number", other, path)),
        }
    }

    fn encode(&self) -> Value {
        Value::Number(self.clone())
    }
}

/// Whole numbers: anything else is refused in state as well as in configuration, because it cannot be represented.
macro_rules! whole_number {
    ($($integer:ty),+) => {$(
        impl TfType for $integer {
            fn kind() -> Kind {
                Kind::Plain(Type::Number)
            }

            fn decode(value: &Value, path: &Path, _: Strictness) -> Result<Self> {
                let Value::Number(number) = value else {
                    return Err(mismatch("a whole number", value, path));
                };
                number.to_i64().and_then(|number| Self::try_from(number).ok()).ok_or_else(|| {
                    let detail = format!("Expected a whole number from {} to {}.", Self::MIN, Self::MAX);
                    Diagnostic::error("Number out of range", detail).at(path.clone()).into()
                })
            }

            fn encode(&self) -> Value {
                Value::Number(Number::from(i64::from(*self)))
            }
        }
    )+};
}
whole_number!(i64, u32);

/// A kind of text with a grammar of its own, such as a schedule or a duration.
pub trait TextType: Clone + Send + Sync + 'static {
    /// What it is called in messages: `Invalid <name>`.
    const NAME: &'static str;
    /// All texts that are possible, where they can be listed.
    const ALLOWED: &'static [&'static str] = &[];
    /// Some texts that are valid; they appear in the documentation and feed tests.
    const EXAMPLES: &'static [&'static str] = &[];

    /// Reads `text` as configuration.
    ///
    /// # Errors
    /// What was expected and what was found, as whole sentences.
    fn check(text: &str) -> std::result::Result<(), String>;

    /// Whether two texts mean the same.
    fn same(a: &str, b: &str) -> bool {
        a == b
    }
}

/// Text of the kind `T`, in the spelling in which it was written.
pub struct Text<T> {
    text: String,
    marker: PhantomData<fn() -> T>,
}

impl<T> Text<T> {
    /// Takes text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), marker: PhantomData }
    }
}

impl<T> Clone for Text<T> {
    fn clone(&self) -> Self {
        Self::new(self.text.clone())
    }
}

impl<T> PartialEq for Text<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Deref for Text<T> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

impl<T> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T: TextType> TfType for Text<T> {
    fn kind() -> Kind {
        Kind::Plain(Type::String)
    }

    fn decode(value: &Value, path: &Path, strictness: Strictness) -> Result<Self> {
        let text = String::decode(value, path, strictness)?;
        if strictness == Strictness::Configuration {
            T::check(&text).map_err(|detail| {
                Diagnostics::from(Diagnostic::error(format!("Invalid {}", T::NAME), detail).at(path.clone()))
            })?;
        }
        Ok(Self::new(text))
    }

    fn encode(&self) -> Value {
        Value::String(self.text.clone())
    }

    fn facts() -> TypeFacts {
        let same = |a: &Value, b: &Value| match (a, b) {
            (Value::String(a), Value::String(b)) => T::same(a, b),
            _ => a == b,
        };
        TypeFacts { same, allowed: T::ALLOWED, examples: T::EXAMPLES }
    }
}

/// Elements of one type in order.
#[derive(Clone, PartialEq)]
pub struct List<T>(pub Vec<Attr<T>>);

/// Elements of one type without order or duplicates.
#[derive(Clone)]
pub struct Set<T>(pub Vec<Attr<T>>);

/// Elements of one type by key.
#[derive(Clone, PartialEq)]
pub struct Map<T>(pub BTreeMap<String, Attr<T>>);

impl<T: PartialEq> PartialEq for Set<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().all(|item| other.0.contains(item))
    }
}

impl<T> Map<T> {
    /// The elements that are known and not null.
    pub fn known(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().filter_map(|(key, value)| Some((key.as_str(), value.known()?)))
    }

    /// Whether an element is unknown.
    pub fn has_unknown(&self) -> bool {
        self.0.values().any(Attr::is_unknown)
    }
}

impl<T> FromIterator<(String, T)> for Map<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(items: I) -> Self {
        Self(items.into_iter().map(|(key, value)| (key, Attr::Known(value))).collect())
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Attr::Known).collect())
    }
}

impl<T> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Attr::Known).collect())
    }
}

/// A collection of `T`: nested attributes where `T` has some, else a plain type.
fn collection<T: TfType>(nesting: Nesting, plain: fn(Box<Type>) -> Type) -> Kind {
    match T::kind() {
        Kind::Nested(Nesting::Single, fields) => Kind::Nested(nesting, fields),
        other => Kind::Plain(plain(Box::new(other.value_type()))),
    }
}

/// Collections mean the same when their elements do.
fn collection_facts<T: TfType>() -> TypeFacts {
    TypeFacts { same: same_elements::<T>, ..T::facts() }
}

fn same_elements<T: TfType>(a: &Value, b: &Value) -> bool {
    let has_content = |value: &Value| !value.is_null() && !value.is_unknown();
    let same =
        |(a, b): (&Value, &Value)| a == b || (has_content(a) && has_content(b) && (T::facts().same)(a, b));
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(same),
        (Value::Map(a), Value::Map(b)) => a.keys().eq(b.keys()) && a.values().zip(b.values()).all(same),
        (Value::Set(a), Value::Set(b)) => {
            a.len() == b.len()
                && a.iter().all(|a| b.iter().any(|b| same((a, b))))
                && b.iter().all(|b| a.iter().any(|a| same((a, b))))
        }
        _ => a == b,
    }
}

/// Decodes a part of a value. Its path is made only where there are findings: most values have none.
fn decode_part<T: TfType>(
    value: &Value,
    strictness: Strictness,
    path: impl FnOnce() -> Path,
) -> Result<Attr<T>> {
    Attr::decode(value, &Path::root(), strictness).map_err(|findings| findings.under(&path()))
}

fn decode_items<'a, T: TfType>(
    items: impl Iterator<Item = (&'a Value, impl FnOnce() -> Path)>,
    strictness: Strictness,
) -> Result<Vec<Attr<T>>> {
    let mut findings = Diagnostics::new();
    let items = items.filter_map(|(item, path)| findings.collect(decode_part(item, strictness, path)));
    let items = items.collect();
    findings.into_result().map(|()| items)
}

impl<T: TfType> TfType for List<T> {
    fn kind() -> Kind {
        collection::<T>(Nesting::List, Type::List)
    }

    fn decode(value: &Value, path: &Path, strictness: Strictness) -> Result<Self> {
        let Value::List(items) = value else {
            return Err(mismatch("a list", value, path));
        };
        let items = items.iter().enumerate().map(|(index, item)| (item, move || path.index(index)));
        decode_items(items, strictness).map(Self)
    }

    fn encode(&self) -> Value {
        Value::List(self.0.iter().map(Attr::encode).collect())
    }

    fn facts() -> TypeFacts {
        collection_facts::<T>()
    }
}

impl<T: TfType> TfType for Set<T> {
    fn kind() -> Kind {
        collection::<T>(Nesting::Set, Type::Set)
    }

    fn decode(value: &Value, path: &Path, strictness: Strictness) -> Result<Self> {
        let Value::Set(items) = value else {
            return Err(mismatch("a set", value, path));
        };
        decode_items(items.iter().map(|item| (item, || path.clone())), strictness).map(Self)
    }

    fn encode(&self) -> Value {
        Value::set(self.0.iter().map(Attr::encode).collect())
    }

    fn facts() -> TypeFacts {
        collection_facts::<T>()
    }
}

impl<T: TfType> TfType for Map<T> {
    fn kind() -> Kind {
        collection::<T>(Nesting::Map, Type::Map)
    }

    fn decode(value: &Value, path: &Path, strictness: Strictness) -> Result<Self> {
        let Value::Map(items) = value else {
            return Err(mismatch("a map", value, path));
        };
        let values = decode_items(items.iter().map(|(key, item)| (item, move || path.key(key))), strictness)?;
        Ok(Self(items.keys().cloned().zip(values).collect()))
    }

    fn encode(&self) -> Value {
        Value::Map(self.0.iter().map(|(key, value)| (key.clone(), value.encode())).collect())
    }

    fn facts() -> TypeFacts {
        collection_facts::<T>()
    }
}
