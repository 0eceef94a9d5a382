//! The talk before gRPC: Terraform's words are environment variables, the plugin's is one line
//! on stdout.

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{self, Write as _},
    net::SocketAddr,
    ops::RangeInclusive,
    path::PathBuf,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rustls_pki_types::CertificateDer;

use super::error::Error;

const MAGIC_COOKIE: &str = "TF_PLUGIN_MAGIC_COOKIE";

/// The same for protocols 5 and 6.
const MAGIC_COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// go-plugin's own protocol.
const CORE_PROTOCOL: u8 = 1;

/// The only protocol this framework speaks. It is announced whatever
/// `PLUGIN_PROTOCOL_VERSIONS` offers: a client that does not know it says so better than we can.
const PLUGIN_PROTOCOL: u8 = 6;

/// What the environment says to a plugin. An empty variable counts as absent.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// The magic cookie is there: the other side is Terraform.
    pub(super) launched_by_terraform: bool,
    /// The client's certificate as PEM. Its presence switches AutoMTLS on.
    pub(super) client_certificate: Option<OsString>,
    /// Where the socket must be, instead of the directory for temporary files.
    pub(super) socket_directory: Option<PathBuf>,
    /// The name or number of a group that may use the socket as well.
    pub(super) socket_group: Option<OsString>,
    /// The client understands a seventh field of the handshake line.
    pub(super) multiplex: bool,
    min_port: Option<OsString>,
    max_port: Option<OsString>,
}

impl Environment {
    /// The environment of this process.
    pub(super) fn of_process() -> Self {
        Self::read(|variable| env::var_os(variable))
    }

    fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let lookup = |variable| lookup(variable).filter(|value| !value.is_empty());
        Self {
            launched_by_terraform: lookup(MAGIC_COOKIE).is_some_and(|value| value == MAGIC_COOKIE_VALUE),
            client_certificate: lookup("PLUGIN_CLIENT_CERT"),
            socket_directory: lookup("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: lookup("PLUGIN_UNIX_SOCKET_GROUP"),
            multiplex: lookup("PLUGIN_MULTIPLEX_GRPC").is_some(),
            min_port: lookup("PLUGIN_MIN_PORT"),
            max_port: lookup("PLUGIN_MAX_PORT"),
        }
    }

    /// The ports that a TCP listener may use; 0 stands for any free one.
    pub(super) fn ports(&self) -> Result<RangeInclusive<u16>, Error> {
        let min = port("PLUGIN_MIN_PORT", self.min_port.as_ref())?;
        let max = port("PLUGIN_MAX_PORT", self.max_port.as_ref())?;
        Ok(min..=max.max(min))
    }
}

fn port(variable: &'static str, value: Option<&OsString>) -> Result<u16, Error> {
    let Some(value) = value else { return Ok(0) };
    let value = value.to_string_lossy();
    value.parse().map_err(|_| Error::Port { variable, value: value.into_owned() })
}

/// Where the plugin listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// The path of a unix socket.
    Unix(String),
    /// A port on the loopback interface.
    Tcp(SocketAddr),
}

impl Address {
    /// go-plugin's word for the kind of address.
    pub(super) fn network(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(path),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

/// The plugin's answer.
pub(super) struct Handshake<'a> {
    /// Where the plugin already listens.
    pub(super) address: &'a Address,
    /// What the plugin proves itself with; absent without TLS.
    pub(super) certificate: Option<&'a CertificateDer<'static>>,
    /// Whether to say that connections are not multiplexed, which older clients do not understand.
    pub(super) multiplex: bool,
}

impl fmt::Display for Handshake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, certificate, multiplex } = self;
        let network = address.network();
        write!(f, "{CORE_PROTOCOL}|{PLUGIN_PROTOCOL}|{network}|{address}|grpc|")?;
        if let Some(certificate) = certificate {
            f.write_str(&STANDARD_NO_PAD.encode(certificate))?;
        }
        if *multiplex { f.write_str("|false") } else { Ok(()) }
    }
}

/// Writes the only line this framework ever writes to stdout.
///
/// Terraform takes the first line there for the handshake and throws all others away. A first
/// line that is none is shown to the user, so a plugin that cannot start gives its reason here. In
/// debug mode a human reads it.
pub(super) fn say(line: impl fmt::Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::process) fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn only_the_right_cookie_counts() {
        assert!(environment(&[(MAGIC_COOKIE, MAGIC_COOKIE_VALUE)]).launched_by_terraform);
        assert!(!environment(&[(MAGIC_COOKIE, "other")]).launched_by_terraform);
        assert!(!environment(&[]).launched_by_terraform);
    }

    #[test]
    fn empty_variables_are_absent() {
        let environment = environment(&[("PLUGIN_CLIENT_CERT", ""), ("PLUGIN_MULTIPLEX_GRPC", "")]);
        assert_eq!(environment.client_certificate, None);
        assert!(!environment.multiplex);
    }

    #[test]
    fn ports_are_a_range_or_any() {
        let range = environment(&[("PLUGIN_MIN_PORT", "10000"), ("PLUGIN_MAX_PORT", "25000")]).ports();
        assert_eq!(range.unwrap(), 10000..=25000);
        assert_eq!(environment(&[]).ports().unwrap(), 0..=0);
        let error = environment(&[("PLUGIN_MIN_PORT", "many")]).ports().unwrap_err();
        assert_eq!(error.to_string(), "PLUGIN_MIN_PORT must be a port from 0 to 65535, found \"many\"");
    }

    #[test]
    fn the_line_has_six_fields_and_a_seventh_on_request() {
        let address = Address::Unix("/tmp/plugin1/socket".into());
        let plain = Handshake { address: &address, certificate: None, multiplex: false };
        assert_eq!(plain.to_string(), "1|6|unix|/tmp/plugin1/socket|grpc|");

        let certificate = CertificateDer::from(vec![0xfb, 0xff, 0xfe, 0x01]);
        let address = Address::Tcp(([127, 0, 0, 1], 10000).into());
        let full = Handshake { address: &address, certificate: Some(&certificate), multiplex: true };
        assert_eq!(full.to_string(), "1|6|tcp|127.0.0.1:10000|grpc|+//+AQ|false");
    }
}
