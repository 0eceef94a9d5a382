//! A receiver within the process of a test.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::receiver::{Limits, Receiver};
use crate::serve::serve;

/// A running receiver; it dereferences to its [`Receiver`], which answers about the calls.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = receiver::Server::start(([127, 0, 0, 1], 0).into()).await?;
/// let url = format!("{}/log/nightly", server.base_url()); // what the job calls
/// assert!(server.calls("nightly").is_empty(), "nobody called {url} yet");
/// server.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// Dropping it stops it as well, without waiting for requests in flight.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    receiver: Receiver,
    task: JoinHandle<()>,
    stop: DropGuard,
}

impl Server {
    /// Starts on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        Self::start_with(address, Limits::default()).await
    }

    /// [`Self::start`] with other limits.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_with(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let receiver = Receiver::new(limits);
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(listener, receiver.clone(), stop.clone().cancelled_owned()));
        Ok(Self { address, receiver, task, stop: stop.drop_guard() })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://host:port` to reach it from this machine.
    pub fn base_url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// Stops and waits until requests in flight have finished, as [`serve`] describes.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the server panicked");
        }
    }
}

impl Deref for Server {
    type Target = Receiver;

    fn deref(&self) -> &Receiver {
        &self.receiver
    }
}
