//! Functions without their types.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Diagnostic, Diagnostics, Result},
    function::{Function, Signature},
    model::{Strictness, TfType},
    path::Path,
    value::Value,
};

/// A function without its types.
pub(crate) trait AnyFunction: Send + Sync {
    fn name(&self) -> &'static str;
    fn signature(&self) -> &Signature;
    /// Calls it with arguments that fit its signature.
    fn call(&self, arguments: Vec<Value>) -> Result<Value>;
}

pub(crate) struct TypedFunction<F> {
    function: F,
    signature: Signature,
}

impl<F: Function> TypedFunction<F> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, signature: Signature::of::<F>() }
    }
}

impl<F: Function> AnyFunction for TypedFunction<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn call(&self, mut arguments: Vec<Value>) -> Result<Value> {
        let Signature { parameters, variadic, .. } = &self.signature;
        let rest = arguments.split_off(parameters.len().min(arguments.len()));
        let mut object: BTreeMap<_, _> =
            parameters.iter().map(|parameter| parameter.name.to_owned()).zip(arguments).collect();
        if let Some(variadic) = variadic {
            object.insert(variadic.name.to_owned(), Value::List(rest));
        }
        let arguments =
            F::Arguments::decode(&Value::Object(object), &Path::root(), Strictness::Configuration)?;
        let output = self.function.call(arguments)?.encode();
        if output.is_wholly_known() { Ok(output) } else { Err(unknown_output()) }
    }
}

fn unknown_output() -> Diagnostics {
    let detail = "This is a fault of the provider: a result that is not known. Please report it.";
    Diagnostic::error("The provider failed", detail).into()
}
