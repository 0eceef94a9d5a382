//! A TLS server on a loopback port that answers as a test says, also wrongly.

use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::Certificate;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a client asked for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Path and query.
    pub(super) target: String,
    pub(super) authorization: Option<String>,
}

/// The bytes of an answer; `None` for none, ever.
pub(super) type Answer = Option<Vec<u8>>;

/// Ends with the runtime of the test.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) certificate: Certificate,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Starts a server; `answer` gets its host, too.
    pub(super) async fn start(answer: impl Fn(&str, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = Certificate::from_der(cert.der()).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Self { host: host.clone(), certificate, seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            // One connection for each request, one request after the other: the order is that of the client.
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request.clone());
                match answer(&host, &request) {
                    Some(bytes) => {
                        // A client may hang up at any time.
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.shutdown().await;
                    }
                    None => std::future::pending().await,
                }
            }
        });
        server
    }

    /// `https://HOST/…`
    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}/{path}", self.host)
    }

    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Request {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap().to_owned();
    let authorization = head.lines().find_map(|line| line.strip_prefix("authorization: "));
    Request { target, authorization: authorization.map(str::to_owned) }
}

/// An answer with this status line, these further header lines and this body.
pub(super) fn answer(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let length = format!("content-length: {}", body.len());
    raw(status, &[headers, &[&length]].concat(), body)
}

/// The same, with no other headers than these.
pub(super) fn raw(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Answer {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let mut bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body.as_ref());
    Some(bytes)
}
