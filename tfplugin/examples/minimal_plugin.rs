//! A plugin process with next to no provider in it: functions without arguments, on RPCs written
//! by hand. `tests/process.rs` starts it and looks at it from outside.
//!
//! Flags: `-debug` to be started by hand, `-tcp` for a port instead of a socket, `-crash` to show
//! a crash report.

use std::{env, future, process::ExitCode};

use proto::tfplugin6::{
    DynamicValue, Function, FunctionError, Schema, call_function, configure_provider, function,
    get_provider_schema, get_resource_identity_schemas, invoke_action, list_resource,
    provider_server::Provider, read_state_bytes, schema, stop_provider, validate_provider_config,
    write_state_bytes,
};
use tfplugin::process::{self, Options, Transport, panics};
use tokio_stream::Empty;
use tonic::{Request, Response, Status, Streaming};

const ADDRESS: &str = "registry.terraform.io/example/minimal";

/// What the functions do, and what they are called.
const FUNCTIONS: [&str; 4] = ["answer", "log", "panic", "hang"];

fn main() -> ExitCode {
    let flag = |name: &str| env::args().any(|argument| argument == name);
    if flag("-crash") {
        panics::report_crashes();
        panic!("crashed on request");
    }
    let transport = if flag("-tcp") { Transport::Tcp } else { Transport::default() };
    let options =
        Options::new(ADDRESS).log_crates(["minimal_plugin"]).debug(flag("-debug")).transport(transport);
    process::run(options, Minimal)
}

struct Minimal;

impl Minimal {
    fn schema() -> get_provider_schema::Response {
        let returns = function::Return { r#type: r#""string""#.into() };
        let function = Function { r#return: Some(returns), ..Function::default() };
        get_provider_schema::Response {
            provider: Some(Schema { block: Some(schema::Block::default()), ..Schema::default() }),
            functions: FUNCTIONS.map(|name| (name.to_owned(), function.clone())).into(),
            ..get_provider_schema::Response::default()
        }
    }

    async fn call(function: &str) -> call_function::Response {
        match function {
            "log" => tracing::info!(tf_rpc = "CallFunction", "a function is called"),
            "panic" => panic!("canary-secret"),
            "hang" => {
                tracing::info!("a function hangs");
                future::pending::<()>().await;
            }
            _ => {}
        }
        let done = DynamicValue { msgpack: b"\xa4done"[..].into(), ..DynamicValue::default() };
        call_function::Response { result: Some(done), error: None }
    }
}

/// Implements all RPCs: the given ones, and those that say that they are not supported.
macro_rules! provider {
    (supported { $($method:ident($request:ident) => $answer:expr,)* } unsupported { $($unsupported:ident)* }) => {
        #[tonic::async_trait]
        impl Provider for Minimal {
            $(async fn $method(
                &self,
                $request: Request<$method::Request>,
            ) -> Result<Response<$method::Response>, Status> {
                Ok(Response::new($answer))
            })*

            $(async fn $unsupported(
                &self,
                _request: Request<proto::tfplugin6::$unsupported::Request>,
            ) -> Result<Response<proto::tfplugin6::$unsupported::Response>, Status> {
                Err(Status::unimplemented(stringify!($unsupported)))
            })*

            type ListResourceStream = Empty<Result<list_resource::Event, Status>>;

            async fn list_resource(
                &self,
                _request: Request<list_resource::Request>,
            ) -> Result<Response<Self::ListResourceStream>, Status> {
                Err(Status::unimplemented("list_resource"))
            }

            type InvokeActionStream = Empty<Result<invoke_action::Event, Status>>;

            async fn invoke_action(
                &self,
                _request: Request<invoke_action::Request>,
            ) -> Result<Response<Self::InvokeActionStream>, Status> {
                Err(Status::unimplemented("invoke_action"))
            }

            type ReadStateBytesStream = Empty<Result<read_state_bytes::ResponseChunk, Status>>;

            async fn read_state_bytes(
                &self,
                _request: Request<read_state_bytes::Request>,
            ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
                Err(Status::unimplemented("read_state_bytes"))
            }

            async fn write_state_bytes(
                &self,
                _request: Request<Streaming<write_state_bytes::RequestChunk>>,
            ) -> Result<Response<write_state_bytes::Response>, Status> {
                Err(Status::unimplemented("write_state_bytes"))
            }
        }
    };
}

provider! {
    supported {
        get_provider_schema(_request) => Minimal::schema(),
        get_resource_identity_schemas(_request) => get_resource_identity_schemas::Response::default(),
        validate_provider_config(_request) => validate_provider_config::Response::default(),
        configure_provider(_request) => configure_provider::Response::default(),
        stop_provider(_request) => stop_provider::Response::default(),
        call_function(request) => {
            let called = panics::catch(Minimal::call(&request.get_ref().name)).await;
            called.unwrap_or_else(|panic| call_function::Response {
                result: None,
                error: Some(FunctionError { text: panic.to_string(), function_argument: None }),
            })
        },
    }
    unsupported {
        get_metadata validate_resource_config upgrade_resource_state upgrade_resource_identity
        read_resource plan_resource_change apply_resource_change import_resource_state
        move_resource_state generate_resource_config validate_data_resource_config read_data_source
        validate_ephemeral_resource_config open_ephemeral_resource renew_ephemeral_resource
        close_ephemeral_resource validate_list_resource_config get_functions validate_action_config
        plan_action validate_state_store_config configure_state_store get_states lock_state
        unlock_state delete_state
    }
}
