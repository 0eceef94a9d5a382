//! Functions.

use std::collections::BTreeMap;

use proto::tfplugin6 as pb;

use super::Server;
use crate::{
    diagnostic::{Diagnostics, Severity},
    erased::{AnyFunction, guarded},
    function::Signature,
    path::{Path, Step},
    provider::Provider,
    value::Value,
    wire,
};

pub(super) async fn signatures<P: Provider>(
    server: &Server<P>,
    _: pb::get_functions::Request,
) -> pb::get_functions::Response {
    pb::get_functions::Response { functions: table(server), diagnostics: Vec::new() }
}

/// The signatures by name.
pub(super) fn table<P: Provider>(server: &Server<P>) -> BTreeMap<String, pb::Function> {
    server.functions().map(|(name, signature)| (name.to_owned(), wire::function(signature))).collect()
}

pub(super) async fn call<P: Provider>(
    server: &Server<P>,
    request: pb::call_function::Request,
) -> pb::call_function::Response {
    let result = match server.function(&request.name) {
        Some(function) => try_call(&**function, &request.arguments).await,
        None => Err(error(format!("this version of the provider has no function `{}`", request.name), None)),
    };
    match result {
        Ok(result) => pb::call_function::Response { result: Some(result), error: None },
        Err(error) => pb::call_function::Response { result: None, error: Some(error) },
    }
}

async fn try_call(
    function: &dyn AnyFunction,
    arguments: &[pb::DynamicValue],
) -> Result<pb::DynamicValue, pb::FunctionError> {
    let signature = function.signature();
    let arguments = decode(signature, arguments)?;
    let count = arguments.len();
    let result = if arguments.iter().all(Value::is_wholly_known) {
        let called = guarded(async { function.call(arguments) }).await;
        called.map_err(|findings| failure(signature, count, &findings))?
    } else {
        // Terraform does not ask; a result of what is not known is not known.
        Value::UNKNOWN
    };
    let mut findings = Diagnostics::new();
    let result = wire::dynamic(&result, &signature.output, &mut findings);
    result.ok_or_else(|| failure(signature, count, &findings))
}

/// The arguments, each of its parameter's type, and null only where that is allowed.
fn decode(signature: &Signature, arguments: &[pb::DynamicValue]) -> Result<Vec<Value>, pb::FunctionError> {
    let expected = signature.parameters.len();
    let is_enough =
        arguments.len() == expected || (arguments.len() > expected && signature.variadic.is_some());
    if !is_enough {
        let text = format!("expected {expected} arguments, found {}", arguments.len());
        return Err(error(text, None));
    }
    let parameters = (0..).map_while(|position| signature.parameter(position));
    let arguments = parameters.zip(arguments).enumerate().map(|(position, (parameter, argument))| {
        let value = wire::value(Some(argument), &parameter.value_type, "the argument")
            .map_err(|findings| error(text(&findings), Some(position)))?;
        if value.is_null() && !parameter.nullable {
            return Err(error("expected a value, found null".to_owned(), Some(position)));
        }
        Ok(value)
    });
    arguments.collect()
}

fn error(text: String, position: Option<usize>) -> pb::FunctionError {
    let function_argument = position.and_then(|position| i64::try_from(position).ok());
    pb::FunctionError { text, function_argument }
}

/// What is wrong with a call of `count` arguments.
fn failure(signature: &Signature, count: usize, findings: &Diagnostics) -> pb::FunctionError {
    let position = findings.iter().find_map(|finding| position(signature, &finding.path));
    error(text(findings), position.filter(|position| *position < count))
}

/// The argument at which `path` leads into the object of all arguments.
fn position(signature: &Signature, path: &Path) -> Option<usize> {
    let [Step::Attribute(name), rest @ ..] = path.steps() else { return None };
    let fixed = signature.parameters.iter().position(|parameter| parameter.name == name);
    fixed.or_else(|| {
        signature.variadic.as_ref().filter(|variadic| variadic.name == name)?;
        let index = match rest {
            [Step::Index(index), ..] => usize::try_from(*index).ok()?,
            _ => 0,
        };
        Some(signature.parameters.len() + index)
    })
}

/// Findings as Terraform puts them into a sentence of its own: without a full stop.
fn text(findings: &Diagnostics) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let texts = errors.map(|finding| match finding.detail.trim_end_matches('.') {
        "" => finding.summary.clone(),
        detail => format!("{}: {detail}", finding.summary),
    });
    texts.collect::<Vec<_>>().join("\n")
}
