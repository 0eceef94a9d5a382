use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::receiver::Limits;

async fn start() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move { _ = stopped.await };
    let task = tokio::spawn(serve(listener, Receiver::new(Limits::default()), shutdown));
    (address, stop, task)
}

/// A call whose handler has begun and waits for the rest of the body.
async fn begin_call(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /log/a HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// A connection that was served and stays open.
async fn begin_idle(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PUT /log/a HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        answer.push(stream.read_u8().await.unwrap());
    }
    stream
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_request_in_flight_finishes_after_the_stop() {
    let (address, stop, task) = start().await;
    let mut call = begin_call(address).await;
    let idle = begin_idle(address).await;
    stop.send(()).unwrap();
    assert_eq!(read_all(idle).await, "", "an idle connection is closed");
    call.write_all(b"body").await.unwrap();
    let reply = read_all(call).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("ok"), "{reply}");
    task.await.unwrap();
    TcpStream::connect(address).await.unwrap_err();
}

/// The clock is paused: it jumps to the end of the grace as soon as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_cut_off() {
    let (address, stop, task) = start().await;
    let mut call = begin_call(address).await;
    stop.send(()).unwrap();
    task.await.unwrap();
    let mut reply = String::new();
    // Closed or reset: what matters is that no answer came.
    _ = call.read_to_string(&mut reply).await;
    assert_eq!(reply, "");
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused() {
    let (address, stop, task) = start().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("PUT /log/a HTTP/1.1\r\nhost: t\r\nx: {}", "v".repeat(HEAD_MAX));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; b"HTTP/1.1 431".len()];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 431");
    drop(stream);
    stop.send(()).unwrap();
    task.await.unwrap();
}
