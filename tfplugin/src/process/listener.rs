//! Where the plugin listens: a unix socket that only this user reaches, or a loopback port.

use std::{io, net::Ipv4Addr};

use tokio::net::TcpListener;

use super::{
    connection::Stream,
    error::Error,
    handshake::{Address, Environment},
};

/// How Terraform reaches the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A unix socket in a private directory.
    #[cfg(unix)]
    Unix,
    /// A port on the loopback interface, within `PLUGIN_MIN_PORT` and `PLUGIN_MAX_PORT`.
    Tcp,
}

impl Default for Transport {
    /// A unix socket wherever there are any.
    fn default() -> Self {
        #[cfg(unix)]
        return Self::Unix;
        #[cfg(not(unix))]
        return Self::Tcp;
    }
}

/// Accepts connections. Removes its socket when dropped.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    address: Address,
}

#[derive(Debug)]
enum Socket {
    #[cfg(unix)]
    Unix {
        listener: tokio::net::UnixListener,
        /// Holds the socket, and removes it on drop.
        _directory: tempfile::TempDir,
    },
    Tcp(TcpListener),
}

impl Listener {
    /// Starts to listen. Must be called within a runtime.
    pub(super) async fn bind(transport: Transport, environment: &Environment) -> Result<Self, Error> {
        match transport {
            #[cfg(unix)]
            Transport::Unix => Self::bind_unix(environment),
            Transport::Tcp => Self::bind_tcp(environment).await,
        }
    }

    async fn bind_tcp(environment: &Environment) -> Result<Self, Error> {
        let ports = environment.ports()?;
        let (min, max) = (*ports.start(), *ports.end());
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for port in ports {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => {
                    let address =
                        listener.local_addr().map_err(|source| Error::NoFreePort { min, max, source })?;
                    return Ok(Self { socket: Socket::Tcp(listener), address: Address::Tcp(address) });
                }
                Err(error) => failure = error,
            }
        }
        Err(Error::NoFreePort { min, max, source: failure })
    }

    /// Where clients connect to.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The next connection.
    ///
    /// # Errors
    /// Those of accepting, which concern a single connection or pass, such as too many open files.
    pub(super) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match &self.socket {
            #[cfg(unix)]
            Socket::Unix { listener, .. } => Ok(Box::new(listener.accept().await?.0)),
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?; // small messages go back and forth
                Ok(Box::new(stream))
            }
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        env,
        ffi::OsStr,
        fs::{self, Permissions},
        os::unix::{
            fs::{PermissionsExt as _, chown},
            net::SocketAddr,
        },
        path::Path,
    };

    use nix::unistd::Group;
    use tempfile::TempDir;
    use tokio::net::UnixListener;

    use super::*;

    /// Every unix has it, and no path to a temporary directory is shorter.
    const SHORT_DIRECTORY: &str = "/tmp";

    impl Listener {
        pub(super) fn bind_unix(environment: &Environment) -> Result<Self, Error> {
            let group = environment.socket_group.as_deref().map(group_id).transpose()?;
            let (directory, address) = private_directory(environment)?;
            let path = Path::new(&address);
            let listener = UnixListener::bind(path).map_err(failed("listen on", path))?;
            if let Some(group) = group {
                share(path, group, 0o660)?;
                share(directory.path(), group, 0o750)?;
            }
            let socket = Socket::Unix { listener, _directory: directory };
            Ok(Self { socket, address: Address::Unix(address) })
        }
    }

    /// A new directory that only this user may enter, and the path of the socket within.
    ///
    /// The directory that the client asks for is the only one tried, since the client may have
    /// reasons; otherwise one in the directory for temporary files, or in a shorter one where that
    /// is too long.
    fn private_directory(environment: &Environment) -> Result<(TempDir, String), Error> {
        let parents = match &environment.socket_directory {
            Some(directory) => vec![directory.clone()],
            None => vec![env::temp_dir(), SHORT_DIRECTORY.into()],
        };
        for parent in &parents {
            let directory = tempfile::Builder::new()
                .prefix("plugin")
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(parent)
                .map_err(failed("create a directory for the socket in", parent))?;
            if let Some(path) = expressible(&directory.path().join("socket")) {
                return Ok((directory, path));
            }
        }
        Err(Error::SocketDirectory { tried: parents })
    }

    /// The path as text, if a socket and the handshake line can have it.
    fn expressible(path: &Path) -> Option<String> {
        SocketAddr::from_pathname(path).ok()?; // knows the system's limit
        let path = path.to_str()?;
        (!path.contains(['|', '\n', '\r'])).then(|| path.to_owned())
    }

    fn group_id(group: &OsStr) -> Result<u32, Error> {
        let unknown = || Error::SocketGroup(group.to_string_lossy().into_owned());
        let name = group.to_str().ok_or_else(unknown)?;
        if let Ok(id) = name.parse() {
            return Ok(id);
        }
        let group = Group::from_name(name).ok().flatten().ok_or_else(unknown)?;
        Ok(group.gid.as_raw())
    }

    fn share(path: &Path, group: u32, mode: u32) -> Result<(), Error> {
        chown(path, None, Some(group)).map_err(failed("give to PLUGIN_UNIX_SOCKET_GROUP", path))?;
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed("set the mode of", path))
    }

    fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Socket { action, path, source }
    }

    #[cfg(test)]
    mod tests {
        use std::{os::unix::fs::MetadataExt as _, path::PathBuf};

        use super::*;
        use crate::process::handshake::tests::environment;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        fn in_directory(directory: &Path) -> Environment {
            environment(&[("PLUGIN_UNIX_SOCKET_DIR", directory.to_str().unwrap())])
        }

        #[tokio::test]
        async fn the_socket_is_private_and_goes_away() {
            let parent = tempfile::tempdir().unwrap();
            let listener = Listener::bind_unix(&in_directory(parent.path())).unwrap();
            let socket = PathBuf::from(listener.address().to_string());
            let directory = socket.parent().unwrap();
            assert_eq!(directory.parent(), Some(parent.path()));
            assert_eq!(mode(directory), 0o700);
            drop(listener);
            assert!(!directory.exists());
        }

        #[tokio::test]
        async fn a_group_may_use_the_socket() {
            let parent = tempfile::tempdir().unwrap();
            let own_group = fs::metadata(parent.path()).unwrap().gid();
            let environment = environment(&[
                ("PLUGIN_UNIX_SOCKET_DIR", parent.path().to_str().unwrap()),
                ("PLUGIN_UNIX_SOCKET_GROUP", &own_group.to_string()),
            ]);
            let listener = Listener::bind_unix(&environment).unwrap();
            let socket = PathBuf::from(listener.address().to_string());
            assert_eq!(mode(&socket), 0o660);
            assert_eq!(mode(socket.parent().unwrap()), 0o750);
        }

        #[test]
        fn groups_are_names_or_numbers() {
            assert_eq!(group_id("0".as_ref()).unwrap(), 0);
            let first = Group::from_gid(0.into()).unwrap().expect("every unix has it");
            assert_eq!(group_id(first.name.as_ref()).unwrap(), 0);
            let error = group_id("no such group".as_ref()).unwrap_err().to_string();
            assert!(error.contains("\"no such group\""), "{error}");
        }

        #[test]
        fn paths_that_the_line_cannot_carry_are_passed_over() {
            assert_eq!(expressible(Path::new("/tmp/plugin1/socket")).as_deref(), Some("/tmp/plugin1/socket"));
            assert_eq!(expressible(Path::new("/tmp/a|b/socket")), None);
            assert_eq!(expressible(&Path::new("/tmp").join("x".repeat(120))), None);
        }

        #[tokio::test]
        async fn a_directory_that_is_too_long_is_an_error_where_it_was_asked_for() {
            let parent = tempfile::tempdir().unwrap();
            let long = parent.path().join("x".repeat(120));
            fs::create_dir(&long).unwrap();
            let error = Listener::bind_unix(&in_directory(&long)).unwrap_err();
            assert!(matches!(error, Error::SocketDirectory { .. }), "{error}");
            assert_eq!(fs::read_dir(&long).unwrap().count(), 0, "what was tried is removed");
        }

        #[tokio::test]
        async fn a_missing_directory_is_named() {
            let error = Listener::bind_unix(&in_directory(Path::new("/no/such/directory"))).unwrap_err();
            assert!(error.to_string().contains("/no/such/directory"), "{error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener as StdListener};

    use super::*;
    use crate::process::handshake::tests::environment;

    #[tokio::test]
    async fn any_free_loopback_port_will_do() {
        let listener = Listener::bind(Transport::Tcp, &Environment::default()).await.unwrap();
        let Address::Tcp(address) = listener.address() else { panic!("not TCP") };
        assert!(address.ip().is_loopback());
        let (client, accepted) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
        client.unwrap();
        accepted.unwrap();
    }

    #[tokio::test]
    async fn a_range_without_free_port_is_named() {
        let occupied = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = occupied.local_addr().map(|address: SocketAddr| address.port()).unwrap();
        let range = port.to_string();
        let environment = environment(&[("PLUGIN_MIN_PORT", &range), ("PLUGIN_MAX_PORT", &range)]);
        let error = Listener::bind(Transport::Tcp, &environment).await.unwrap_err();
        assert!(error.to_string().contains(&format!("no port from {port} to {port}")), "{error}");
    }
}
