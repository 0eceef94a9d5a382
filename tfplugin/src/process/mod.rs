//! Being a plugin process: what Terraform starts, talks to and ends.
//!
//! ```text
//! environment ─ cookie, client certificate ─→ listener, TLS ─→ handshake line on stdout
//!   ─→ gRPC: the provider, controller, stdio, broker, health
//!   ─→ the end: Shutdown, a signal, or the client is gone ─→ 500 ms for what still runs
//! ```
//!
//! Stdout belongs to the handshake: nothing else may write there, and stdin is Terraform's own.

mod connection;
mod error;
mod handshake;
mod listener;
mod logging;
pub mod panics;
mod reattach;
mod services;
mod signals;
mod tls;

use std::{
    io::{self, Write as _},
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use proto::{
    health::health_server::HealthServer,
    plugin::{
        grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer,
        grpc_stdio_server::GrpcStdioServer,
    },
    tfplugin6::provider_server::{Provider, ProviderServer},
};
use tokio::{runtime, sync::mpsc, time};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::Router};

pub use self::listener::Transport;
use self::{
    connection::Clients,
    error::{Error, with_causes},
    handshake::{Environment, Handshake},
    listener::Listener,
    services::ProcessServices,
    signals::Signals,
    tls::Tls,
};

/// How long running calls may go on once the end has begun. Terraform kills the process 2 s after
/// it asked for its end.
const GRACE: Duration = Duration::from_millis(500);

/// The largest request taken, the same as that of providers in Go. tonic's own limit is 4 MiB.
const MAX_REQUEST: usize = 256 << 20;

/// Calls wait for the network, so more threads would only cost start-up time.
const WORKER_THREADS: usize = 2;

/// Handlers pass large models by value, and a build without optimisation keeps a copy in each frame: 2 MiB, the
/// default, are not enough for one that calls deep into an HTTP client. Memory is taken only where it is touched.
const STACK: usize = 8 << 20;

/// How to be a plugin.
#[derive(Debug, Clone)]
pub struct Options {
    address: String,
    crates: Vec<&'static str>,
    debug: bool,
    transport: Transport,
    ended: CancellationToken,
}

impl Options {
    /// For the provider with this source address, such as `registry.terraform.io/example/example`.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            crates: vec![env!("CARGO_CRATE_NAME")],
            debug: false,
            transport: Transport::default(),
            ended: CancellationToken::new(),
        }
    }

    /// Crates whose logs are shown besides this framework's.
    ///
    /// Name those that never log a secret; crates that speak HTTP do.
    #[must_use]
    pub fn log_crates(mut self, crates: impl IntoIterator<Item = &'static str>) -> Self {
        self.crates.extend(crates);
        self
    }

    /// Whether the `-debug` flag was given: the provider then runs until it is interrupted, prints
    /// how Terraform finds it, and serves one command of Terraform after the other.
    ///
    /// There is no TLS in this mode; the socket is open to this user only, a TCP port to everybody
    /// on this machine.
    #[must_use]
    pub fn debug(mut self, debug: bool) -> Self {
        self.debug = debug;
        self
    }

    /// How Terraform reaches the provider, if not the way that suits the system.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Is cancelled as soon as the process begins to end. What still runs half a second later is
    /// dropped.
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

/// Whether Terraform started this process, rather than a human.
pub fn is_launched_by_terraform() -> bool {
    Environment::of_process().launched_by_terraform
}

/// Is a plugin until Terraform no longer needs it. Call it from `main`, outside of any runtime.
///
/// # Errors
/// A process that cannot serve says so on stderr and returns [`ExitCode::FAILURE`]; one that
/// Terraform did not start explains itself.
pub fn run<P: Provider>(options: Options, provider: P) -> ExitCode {
    panics::report_crashes();
    logging::init(&options.crates);
    match build_and_block(options, provider) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is gone there is nobody to tell.
            let _ = writeln!(io::stderr(), "{}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn build_and_block<P: Provider>(options: Options, provider: P) -> Result<(), Error> {
    let environment = Environment::of_process();
    if !options.debug && !environment.launched_by_terraform {
        return Err(Error::NotLaunchedByTerraform);
    }
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let result = runtime.block_on(async {
        match Plugin::start(&options, &environment).await {
            Ok(plugin) => plugin.serve(options, provider).await,
            Err(error) if options.debug => Err(error),
            Err(error) => {
                tell_user(&error);
                Err(error)
            }
        }
    });
    runtime.shutdown_background(); // nothing may keep the process
    result
}

/// A first line on stdout that is no handshake is what Terraform shows to its user.
fn tell_user(error: &Error) {
    let line = with_causes(error).replace(['\n', '\r', '|'], " ");
    // Where stdout is gone there is nobody to tell.
    let _ = handshake::say(format_args!("The provider cannot start: {line}"));
}

/// A plugin that has told where it is.
struct Plugin {
    listener: Listener,
    tls: Option<Tls>,
    signals: Signals,
}

impl Plugin {
    /// Everything that must be ready before the client knows where to come, and no more: the
    /// client waits.
    async fn start(options: &Options, environment: &Environment) -> Result<Self, Error> {
        let signals = Signals::catch(options.debug).map_err(Error::Signals)?;
        let listener = Listener::bind(options.transport, environment).await?;
        let tls = match &environment.client_certificate {
            Some(certificate) if !options.debug => Some(Tls::new(certificate)?),
            _ => None,
        };
        let plugin = Self { listener, tls, signals };
        if options.debug { plugin.announce_to_human(options) } else { plugin.announce(environment) }
            .map_err(Error::Stdout)?;
        Ok(plugin)
    }

    fn announce(&self, environment: &Environment) -> io::Result<()> {
        handshake::say(Handshake {
            address: self.listener.address(),
            certificate: self.tls.as_ref().map(|tls| &tls.certificate),
            multiplex: environment.multiplex,
        })
    }

    fn announce_to_human(&self, options: &Options) -> io::Result<()> {
        writeln!(
            io::stderr(),
            "The provider runs until Ctrl-C. Where Terraform is to use it, type first:\n"
        )?;
        handshake::say(reattach::export_line(&options.address, self.listener.address()))
    }

    async fn serve<P: Provider>(self, options: Options, provider: P) -> Result<(), Error> {
        let Self { listener, tls, mut signals } = self;
        let ended = options.ended;
        let clients = Clients::default();
        let (admitted, incoming) = mpsc::channel(1);
        let admit_all = connection::admit_all(&listener, tls.map(|tls| tls.acceptor), &clients, admitted);
        let mut server = pin!(
            router(ProcessServices::new(ended.clone()), provider)
                .serve_with_incoming_shutdown(ReceiverStream::new(incoming), ended.clone().cancelled_owned())
        );
        tokio::select! {
            result = &mut server => return Ok(result?),
            never = admit_all => match never {},
            () = ended.cancelled() => tracing::debug!("the client ends the plugin"),
            () = signals.end() => tracing::debug!("a signal ends the plugin"),
            () = clients.gone(), if !options.debug => {}
        }
        ended.cancel();
        match time::timeout(GRACE, server).await {
            Ok(result) => Ok(result?),
            Err(_) => {
                tracing::warn!("calls that were still running have been dropped");
                Ok(())
            }
        }
    }
}

fn router<P: Provider>(process: ProcessServices, provider: P) -> Router {
    Server::builder()
        .max_concurrent_streams(None) // else many calls would leave StopProvider waiting behind them
        .add_service(ProviderServer::new(provider).max_decoding_message_size(MAX_REQUEST))
        .add_service(GrpcControllerServer::new(process.clone()))
        .add_service(GrpcStdioServer::new(process.clone()))
        .add_service(GrpcBrokerServer::new(process.clone()))
        .add_service(HealthServer::new(process))
}
