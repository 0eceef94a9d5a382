//! Provider functions: pure, and called without a configured provider.

use crate::{
    diagnostic::Result,
    model::{Model, TfType},
    schema::{Attribute, Field, Presence},
    value::Type,
};

/// A function that configurations call as `provider::<provider>::<name>(…)`. Terraform 1.8 and later.
///
/// It must be pure: the same arguments give the same result, in every walk and on every machine. It never sees the
/// provider's configuration.
pub trait Function: Send + Sync + 'static {
    /// The parameters: the fields in order, each with its name, type and documentation. An optional one takes null,
    /// and is written all the same. The documentation of the whole is that of the function.
    type Arguments: Model;
    /// The result.
    type Output: TfType;

    /// Its name.
    const NAME: &'static str;
    /// Whether the last field, a [`List`](crate::model::List), takes any number of arguments.
    const VARIADIC: bool = false;

    /// Calls the function; nothing in `arguments` is unknown, and null only where it is optional.
    ///
    /// # Errors
    /// What is wrong with the arguments. A finding at an attribute of `arguments` is shown at that argument.
    fn call(&self, arguments: Self::Arguments) -> Result<Self::Output>;
}

/// What a function takes and gives.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Documentation, Markdown. The first paragraph is the summary.
    pub description: String,
    /// The parameters that each call has, in order.
    pub parameters: Vec<Parameter>,
    /// The parameter of all further arguments.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub output: Type,
}

/// A parameter of a function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Documentation, Markdown.
    pub description: String,
    /// The type of the argument; of each argument, where any number is taken.
    pub value_type: Type,
    /// Whether it may be null.
    pub nullable: bool,
}

impl Signature {
    /// The signature of `F`.
    ///
    /// # Panics
    /// When the fields of its arguments are no parameters: a fault of the declaration that the first call finds.
    pub fn of<F: Function>() -> Self {
        let mut parameters: Vec<_> = F::Arguments::fields().into_iter().map(parameter).collect();
        let variadic = F::VARIADIC.then(|| parameters.pop().and_then(element)).map(|last| {
            last.unwrap_or_else(|| panic!("the last parameter of the function {} must be a list", F::NAME))
        });
        let description = F::Arguments::description();
        Self { description, parameters, variadic, output: F::Output::kind().value_type() }
    }

    /// The first paragraph of the description, on one line.
    pub fn summary(&self) -> String {
        let first = self.description.split("\n\n").next().unwrap_or_default();
        first.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The parameter of the argument at `position`, counted from 0; none where there are fewer.
    pub fn parameter(&self, position: usize) -> Option<&Parameter> {
        self.parameters.get(position).or(self.variadic.as_ref())
    }
}

fn parameter(field: Field) -> Parameter {
    let Field::Attribute(Attribute { name, description, kind, presence, default: None, .. }) = field else {
        panic!("the parameter {} must be an attribute without a default", field.name());
    };
    assert!(presence.is_configurable(), "the parameter {name} must be required or optional");
    Parameter { name, description, value_type: kind.value_type(), nullable: presence == Presence::Optional }
}

/// The parameter whose arguments are the elements of `list`.
fn element(list: Parameter) -> Option<Parameter> {
    let Type::List(element) = list.value_type else { return None };
    Some(Parameter { value_type: *element, ..list })
}
