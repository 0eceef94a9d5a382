//! From a listener to connections, and back to none.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::app;
use crate::receiver::Receiver;

/// How long requests may take to finish once the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// Bytes of a request's head; a larger one is answered with 431.
const HEAD_MAX: usize = 64 * 1024;

/// Serves HTTP/1 on `listener` until `shutdown` resolves.
///
/// Then no connection is accepted any more, waits end (503), idle connections are closed and requests in flight
/// finish, for 10 seconds at most; what is left then is cut off. The record stays readable, but a receiver is served
/// once: after its server has stopped, waiting on it ends at once. Dropping the future cuts everything off.
pub async fn serve(mut listener: TcpListener, receiver: Receiver, shutdown: impl Future<Output = ()>) {
    let app = app(receiver.clone());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // Unlike the listener's own, this accept waits and tries again when descriptors run out.
            (stream, _) = Listener::accept(&mut listener) => {
                connections.spawn(connection(stream, app.clone(), receiver.closing().clone()));
            }
            Some(ended) = connections.join_next() => report(ended),
        }
    }
    drop(listener);
    receiver.close();
    let finished = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        tracing::warn!(connections = connections.len(), grace = ?GRACE, "requests did not finish; cutting them off");
        connections.shutdown().await;
    }
}

async fn connection(stream: TcpStream, app: Router, closing: CancellationToken) {
    // An answer is a single small write; waiting for more to send would only delay it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = TowerToHyperService::new(app);
    let connection =
        http1::Builder::new().max_header_size(HEAD_MAX).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection failed");
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's handler panicked");
    }
}

#[cfg(test)]
mod tests;
