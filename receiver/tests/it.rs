//! The library as a test uses it, and the real binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panic; only functions marked as tests are exempt")]

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use receiver::{Outcome, Server};

/// Sends a request without a body; the whole answer as text.
fn exchange(address: SocketAddr, method: &str, uri: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {uri} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

async fn put(address: SocketAddr, uri: &'static str) {
    let answer = tokio::task::spawn_blocking(move || exchange(address, "PUT", uri)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok"), "{answer}");
}

#[tokio::test]
async fn a_test_asks_its_own_server() {
    let server = Server::start(([0, 0, 0, 0], 0).into()).await.unwrap();
    let port = server.address().port();
    assert_eq!(server.base_url(), format!("http://127.0.0.1:{port}"));
    let address = SocketAddr::from(([127, 0, 0, 1], port));

    put(address, "/log/job?run=1").await;
    let second = async { put(address, "/log/job").await };
    let (wait, ()) = tokio::join!(server.wait("job", 2, None, Duration::from_secs(60)), second);
    assert_eq!((wait.outcome(), wait.count()), (Outcome::Reached, 2));

    let calls = server.calls("job");
    assert_eq!(calls.iter().map(receiver::Call::query).collect::<Vec<_>>(), [Some("run=1"), None]);
    assert_eq!(calls[0].method(), "PUT");
    assert_eq!(calls[0].header("Host"), Some("test"));
    assert_eq!(server.times("job"), wait.times());
    server.clear();
    assert_eq!(server.totals().calls, 0);
    server.stop().await;
}

#[tokio::test]
async fn an_address_in_use_is_an_error() {
    let server = Server::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let error = Server::start(server.address()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    server.stop().await;
}

/// The real binary; killed when the test ends before it does.
struct Process {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_krony-receiver"));
        let mut child = command.args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log }
    }

    /// The next log line that contains `text`.
    fn line_with(&mut self, text: &str) -> String {
        let mut lines = self.log.by_ref().map(Result::unwrap);
        lines.find(|line| line.contains(text)).unwrap_or_else(|| panic!("the log ended without {text:?}"))
    }

    fn address(&mut self) -> SocketAddr {
        let line = self.line_with("listening");
        let address = line.split_whitespace().find_map(|word| word.strip_prefix("address="));
        let port = address.unwrap().parse::<SocketAddr>().unwrap().port();
        ([127, 0, 0, 1], port).into()
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already if all went well.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn the_binary_stops_gracefully() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::start(&["--bind", "127.0.0.1:0", "--verbose"]);
        let address = process.address();

        let waiter = std::thread::spawn(move || exchange(address, "GET", "/log/a/wait?timeout=3600"));
        process.line_with("wait");
        let mut call = TcpStream::connect(address).unwrap();
        let head = "PUT /log/b HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
        call.write_all(head.as_bytes()).unwrap();
        let mut proceed = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        call.read_exact(&mut proceed).unwrap();

        process.signal(signal);
        process.line_with("stopping");
        let released = waiter.join().unwrap();
        assert!(released.starts_with("HTTP/1.1 503 "), "{signal}: {released}");
        call.write_all(b"body").unwrap();
        let mut answer = String::new();
        call.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{signal}: {answer}");
        process.line_with("stopped");
        assert!(process.child.wait().unwrap().success());
    }
}

#[test]
fn the_verbose_log_has_a_line_per_call_and_no_secret() {
    let mut process = Process::start(&["--bind", ":0", "--verbose", "--max-memory", "1"]);
    let address = process.address();
    let secret = "canary-51c2";
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /log/job?key={secret} HTTP/1.1\r\nhost: t\r\nauthorization: {secret}\r\nconnection: close\r\n"
    );
    write!(stream, "{head}content-length: {}\r\n\r\n{secret}", secret.len()).unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    exchange(address, "PUT", "/log/end");

    let lines = [process.line_with("call"), process.line_with("call")];
    assert!(lines[0].ends_with("DEBUG call token=\"job\" method=POST status=200"), "{}", lines[0]);
    assert!(lines[1].ends_with("DEBUG call token=\"end\" method=PUT status=200"), "{}", lines[1]);
    assert!(exchange(address, "GET", "/calls/job").contains(secret), "it was there to be logged");
}

#[test]
fn the_binary_says_why_it_cannot_listen() {
    let mut first = Process::start(&["--bind", "127.0.0.1:0"]);
    let address = first.address().to_string();
    let mut second = Process::start(&["--bind", &address]);
    let line = second.line_with("cannot listen");
    assert!(line.contains("--bind"), "{line}");
    assert!(!second.child.wait().unwrap().success());
}
