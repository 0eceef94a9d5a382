//! Functions as core calls them.

use proto::tfplugin6::{self as pb, provider_server::Provider as _};
use serde_json::Value as Json;
use tonic::Request;

use super::{
    Core, Failure, Path, Provider, Result, Rule, Value, Violation, config,
    rpc::CALL,
    schema::{Function, Parameter},
};

impl<P: Provider> Core<P> {
    /// Calls a function, twice, as plan and apply do. Where an argument is not known, core knows the answer itself.
    ///
    /// # Errors
    /// [`Failure::Function`] where the function says no; see [`Failure`].
    pub async fn call(&self, name: &str, arguments: &[Json]) -> Result<Value> {
        let function = self.rpc.function(name)?;
        let arguments = written(function, arguments)?;
        if !arguments.iter().all(|(_, value)| value.is_wholly_known()) {
            return Ok(Value::UNKNOWN);
        }
        let first = self.ask(name, function, &arguments).await?;
        let second = self.ask(name, function, &arguments).await?;
        if first != second {
            let found = format!("{first:?}, then {second:?}");
            return Err(CALL.violation(Violation::new(Rule::PureFunction, &Path::root(), found)));
        }
        Ok(first)
    }

    async fn ask(&self, name: &str, function: &Function, arguments: &[(&Parameter, Value)]) -> Result<Value> {
        let arguments = arguments.iter().map(|(parameter, value)| {
            CALL.encode(value, &parameter.value_type).map(Option::unwrap_or_default)
        });
        let request = pb::call_function::Request {
            name: name.to_owned(),
            arguments: arguments.collect::<Result<_>>()?,
        };
        let answer = CALL.answered(self.rpc.server.call_function(Request::new(request)).await)?;
        if let Some(pb::FunctionError { text, function_argument }) = answer.error {
            let argument = function_argument.and_then(|position| usize::try_from(position).ok());
            return Err(Failure::Function { text, argument });
        }
        CALL.value(answer.result.as_ref(), &function.output)
    }
}

/// The arguments as they are written, with their parameters.
fn written<'a>(function: &'a Function, arguments: &[Json]) -> Result<Vec<(&'a Parameter, Value)>> {
    let fixed = function.parameters.len();
    if arguments.len() < fixed || (arguments.len() > fixed && function.variadic.is_none()) {
        return Err(Failure::refused(format!("The function takes {fixed} arguments.")));
    }
    let parameters = function.parameters.iter().chain(function.variadic.iter().flat_map(std::iter::repeat));
    let arguments = parameters.zip(arguments).map(|(parameter, argument)| {
        let path = Path::attribute(&parameter.name);
        let value = config::plain_value(&parameter.value_type, argument, &path).map_err(Failure::Refused)?;
        if value.is_null() && !parameter.nullable {
            return Err(Failure::refused(format!("The argument {} must not be null.", parameter.name)));
        }
        Ok((parameter, value))
    });
    arguments.collect()
}
