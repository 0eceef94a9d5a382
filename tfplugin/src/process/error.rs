//! What keeps a plugin from starting.

use std::{error, io, path::PathBuf};

/// An error and what caused it, the cause last.
pub(super) fn with_causes(error: &dyn error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// Why a plugin process could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "This is a Terraform provider. Terraform starts it by itself when a configuration asks for it; \
         started by hand it does nothing.\n\
         To debug it, start it with -debug and give Terraform the environment variable that it prints."
    )]
    NotLaunchedByTerraform,

    #[error("{variable} must be a port from 0 to 65535, found {value:?}")]
    Port { variable: &'static str, value: String },

    #[error(
        "no directory for the socket can be used: tried {tried:?}; its path must be text without line break \
         or `|`, and short enough for a socket (about 100 bytes). Set TMPDIR to another directory"
    )]
    SocketDirectory { tried: Vec<PathBuf> },

    #[error("cannot {action} {path}")]
    Socket { action: &'static str, path: PathBuf, source: io::Error },

    #[cfg(unix)]
    #[error("PLUGIN_UNIX_SOCKET_GROUP must name a group of this machine or be its number, found {0:?}")]
    SocketGroup(String),

    #[error(
        "no port from {min} to {max} (PLUGIN_MIN_PORT, PLUGIN_MAX_PORT) is free on the loopback interface"
    )]
    NoFreePort { min: u16, max: u16, source: io::Error },

    #[error("PLUGIN_CLIENT_CERT must be a certificate in PEM form: {0}")]
    ClientCertificate(String),

    #[error("cannot make the plugin's certificate")]
    OwnCertificate(#[from] rcgen::Error),

    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),

    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),

    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),

    #[error("cannot write to stdout")]
    Stdout(#[source] io::Error),

    #[error("the gRPC server failed")]
    Serve(#[from] tonic::transport::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_each() {
        let source = io::Error::other("no space");
        let error = Error::Socket { action: "listen on", path: "/tmp/socket".into(), source };
        assert_eq!(with_causes(&error), "cannot listen on /tmp/socket: no space");
    }
}
