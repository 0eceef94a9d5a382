//! `krony-receiver`: arguments, logs and signals around the library.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use clap::Parser;
use receiver::{Limits, Receiver};
use tokio::net::TcpListener;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Records what jobs call at /log/TOKEN, and answers when and how often they did.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen: `:PORT` for all addresses, `HOST:PORT`, `[::1]:PORT`; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = ":8080", value_parser = parse_bind)]
    bind: Bind,

    /// Log each call: token, method and status
    #[arg(long)]
    verbose: bool,

    /// MiB of memory for recorded calls (1 MiB is about 98,000); beyond it the oldest are dropped
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    max_memory: u32,
}

/// An address to listen on; without a host all addresses, IPv6 and IPv4.
#[derive(Clone, Debug, PartialEq)]
struct Bind {
    host: Option<String>,
    port: u16,
}

fn parse_bind(text: &str) -> Result<Bind, String> {
    let expected = "expected :PORT, HOST:PORT or [IPv6]:PORT";
    let (host, port) = text.rsplit_once(':').ok_or_else(|| format!("{expected}, found no port"))?;
    let port = port.parse().map_err(|_| format!("{expected}; {port:?} is no port from 0 to 65535"))?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains([':', '[', ']']) {
        return Err(format!("{expected}; an IPv6 address stands in brackets"));
    }
    let host = bare.unwrap_or(host);
    Ok(Bind { host: (!host.is_empty()).then(|| host.to_owned()), port })
}

impl Bind {
    async fn listen(&self) -> io::Result<TcpListener> {
        match &self.host {
            Some(host) => TcpListener::bind((host.as_str(), self.port)).await,
            // Where the system has IPv6, its unspecified address takes IPv4 connections too.
            None => match TcpListener::bind(("::", self.port)).await {
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    TcpListener::bind(("0.0.0.0", self.port)).await
                }
                bound => bound,
            },
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    start_logging(arguments.verbose);

    let Bind { host, port } = &arguments.bind;
    let listener = arguments.bind.listen().await.with_context(|| {
        let host = host.as_deref().unwrap_or("all addresses");
        format!("cannot listen on port {port} of {host}; --bind chooses another")
    })?;
    let address: SocketAddr = listener.local_addr().context("cannot tell the address that was bound")?;
    let signal = Signals::listen().context("cannot listen for signals")?;
    tracing::info!(%address, max_memory_mib = arguments.max_memory, "listening");

    let limits = Limits { memory: arguments.max_memory as usize * (1 << 20), ..Limits::default() };
    receiver::serve(listener, Receiver::new(limits), signal.received()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Logs go to stderr: a line per event.
fn start_logging(verbose: bool) {
    let ours = if verbose { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let levels = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("receiver", ours)
        .with_target("krony_receiver", ours);
    let lines =
        tracing_subscriber::fmt::layer().with_target(false).with_writer(io::stderr).with_filter(levels);
    tracing_subscriber::registry().with(lines).init();
}

/// The signals that stop us. They are caught from the moment this exists.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn received(mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
    }

    #[cfg(not(unix))]
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn received(self) {
        match tokio::signal::ctrl_c().await {
            Ok(()) => tracing::info!(signal = "Ctrl-C", "stopping"),
            // Stopping for no reason would be worse than a process that only a kill ends.
            Err(error) => {
                tracing::error!(%error, "cannot listen for Ctrl-C");
                std::future::pending().await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(host: Option<&str>, port: u16) -> Result<Bind, String> {
        Ok(Bind { host: host.map(str::to_owned), port })
    }

    #[test]
    fn bind_takes_the_usual_forms() {
        assert_eq!(parse_bind(":8080"), bind(None, 8080));
        assert_eq!(parse_bind("localhost:0"), bind(Some("localhost"), 0));
        assert_eq!(parse_bind("127.0.0.1:80"), bind(Some("127.0.0.1"), 80));
        assert_eq!(parse_bind("[::]:8080"), bind(Some("::"), 8080));
    }

    #[test]
    fn bind_says_what_is_wrong() {
        for (text, wrong) in [
            ("8080", "no port"),
            ("localhost", "no port"),
            (":", "\"\" is no port"),
            (":65536", "\"65536\" is no port"),
            ("::1:80", "brackets"),
            ("[::1:80", "brackets"),
        ] {
            let error = parse_bind(text).unwrap_err();
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }

    #[test]
    fn arguments_are_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }
}
