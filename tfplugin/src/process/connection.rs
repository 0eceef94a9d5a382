//! Connections, from being accepted to the last one being gone.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{mpsc, watch},
    time,
};
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

use super::listener::Listener;

/// How long a connection may take to prove who it is.
const TLS_DEADLINE: Duration = Duration::from_secs(10);

/// How long Terraform itself waits for a plugin; a client that has not come by then never will.
const FIRST_CLIENT_DEADLINE: Duration = Duration::from_secs(60);

/// How long to leave the listener alone after it failed, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A connection's bytes.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that has proven who it is.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    _presence: Presence,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Accepts connections and sends those that prove who they are, until dropped. A client that is
/// slow to do so holds up no other.
pub(super) async fn admit_all(
    listener: &Listener,
    tls: Option<TlsAcceptor>,
    clients: &Clients,
    admitted: mpsc::Sender<Result<Connection, Infallible>>,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok(stream) => {
                tokio::spawn(admit(stream, tls.clone(), clients.clone(), admitted.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Sends a connection that proves who it is; others are dropped.
async fn admit(
    stream: Box<dyn Stream>,
    tls: Option<TlsAcceptor>,
    clients: Clients,
    admitted: mpsc::Sender<Result<Connection, Infallible>>,
) {
    let stream = match tls {
        None => stream,
        Some(acceptor) => match time::timeout(TLS_DEADLINE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            Ok(Err(error)) => return tracing::warn!(%error, "a client was refused"),
            Err(_) => return tracing::warn!("a client was refused: it did not prove who it is in time"),
        },
    };
    tracing::debug!("a client has connected");
    let connection = Connection { stream, _presence: clients.enter() };
    if admitted.send(Ok(connection)).await.is_err() {
        tracing::debug!("a client came too late: the plugin is ending");
    }
}

/// How many clients there are, and whether there has been one.
#[derive(Debug, Clone, Default)]
pub(super) struct Clients(watch::Sender<Attendance>);

#[derive(Debug, Default)]
struct Attendance {
    present: usize,
    seen: bool,
}

impl Clients {
    /// Counts a client until the answer is dropped.
    fn enter(&self) -> Presence {
        self.0.send_modify(|attendance| {
            attendance.present += 1;
            attendance.seen = true;
        });
        Presence(self.clone())
    }

    /// Returns when the last client has left, or when none has come in time.
    pub(super) async fn gone(&self) {
        let mut attendance = self.0.subscribe();
        // Waiting cannot fail: `self` holds the sender.
        let first = attendance.wait_for(|attendance| attendance.seen);
        if time::timeout(FIRST_CLIENT_DEADLINE, first).await.is_err() {
            return tracing::debug!("no client has come");
        }
        if attendance.wait_for(|attendance| attendance.present == 0).await.is_ok() {
            tracing::debug!("the last client has gone");
        }
    }
}

/// A client, for as long as it is connected.
#[derive(Debug)]
struct Presence(Clients);

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.0.send_modify(|attendance| attendance.present -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_comes_is_not_waited_for_forever() {
        Clients::default().gone().await;
    }

    #[tokio::test]
    async fn the_last_client_counts() {
        let clients = Clients::default();
        let (first, second) = (clients.enter(), clients.enter());
        let mut gone = pin!(clients.gone());
        drop(first);
        assert!(!is_ready(gone.as_mut()), "one is still there");
        drop(second);
        assert!(is_ready(gone.as_mut()));
    }

    #[tokio::test]
    async fn a_client_that_has_been_and_gone_counts() {
        let clients = Clients::default();
        drop(clients.enter());
        clients.gone().await;
    }

    fn is_ready(future: Pin<&mut impl Future>) -> bool {
        future.poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }
}
