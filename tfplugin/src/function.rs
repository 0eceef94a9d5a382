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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::List;

    crate::model! {
        /// First line
        /// and second.
        ///
        /// More.
        struct Texts {
            /// One.
            first: String = required(),
            /// Others.
            rest: List<String> = optional(),
        }
    }

    struct Fixed;

    impl Function for Fixed {
        type Arguments = Texts;
        type Output = bool;
        const NAME: &'static str = "fixed";

        fn call(&self, _: Texts) -> Result<bool> {
            Ok(true)
        }
    }

    struct Variadic;

    impl Function for Variadic {
        type Arguments = Texts;
        type Output = bool;
        const NAME: &'static str = "variadic";
        const VARIADIC: bool = true;

        fn call(&self, _: Texts) -> Result<bool> {
            Ok(true)
        }
    }

    #[test]
    fn fields_are_parameters_and_the_last_may_take_any_number() {
        let fixed = Signature::of::<Fixed>();
        assert_eq!((fixed.parameters.len(), fixed.variadic.is_none()), (2, true));
        assert_eq!(fixed.parameters[1].value_type, Type::list(Type::String));
        assert!(fixed.parameter(2).is_none());
        let variadic = Signature::of::<Variadic>();
        assert_eq!(variadic.parameters.len(), 1);
        let parameter = |position| variadic.parameter(position).map(|found| (found.name, found.nullable));
        assert_eq!(
            (parameter(0), parameter(1), parameter(9)),
            (Some(("first", false)), Some(("rest", true)), Some(("rest", true)))
        );
        assert_eq!(variadic.variadic.as_ref().map(|found| &found.value_type), Some(&Type::String));
        assert_eq!(variadic.summary(), "First line and second.");
    }

    /// Declares a function with one field, and asks for its signature.
    macro_rules! signature {
        ($field_type:ty = $flags:expr, variadic: $variadic:literal) => {{
            crate::model! {
                /// Nothing.
                struct Arguments {
                    /// Nothing.
                    field: $field_type = $flags,
                }
            }
            struct Faulty;
            impl Function for Faulty {
                type Arguments = Arguments;
                type Output = bool;
                const NAME: &'static str = "faulty";
                const VARIADIC: bool = $variadic;
                fn call(&self, _: Arguments) -> Result<bool> {
                    Ok(true)
                }
            }
            Signature::of::<Faulty>()
        }};
    }

    #[test]
    #[should_panic(expected = "must be required or optional")]
    fn a_parameter_is_not_computed() {
        signature!(String = computed(), variadic: false);
    }

    #[test]
    #[should_panic(expected = "without a default")]
    fn a_parameter_has_no_default() {
        signature!(String = optional().default("a"), variadic: false);
    }

    #[test]
    #[should_panic(expected = "must be a list")]
    fn any_number_of_arguments_is_a_list() {
        signature!(String = optional(), variadic: true);
    }
}
