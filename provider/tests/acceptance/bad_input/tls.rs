//! TLS before a server that has none, with certificates made on the spot.

use std::sync::Arc;
use std::{net, thread};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// An authority that issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate as PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for this name and its key, as PEM.
    pub(crate) fn issue_pem(&self, name: &str) -> (String, String) {
        let (certificate, key) = self.issue(name);
        (certificate.pem(), key.serialize_pem())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate, key)
    }
}

/// A server of TLS on a loopback port that passes everything on. Ends when dropped.
pub(crate) struct Front {
    address: net::SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Front {
    /// Starts before `upstream` (`http://HOST:PORT`), with a certificate of `authority` for 127.0.0.1. Clients need a
    /// certificate of `clients` where there is one.
    pub(crate) fn start(upstream: &str, authority: &Authority, clients: Option<&Authority>) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config(authority, clients)));
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, acceptor, upstream) => {}
                    // Nobody sends: the other end is dropped.
                    _ = stopped => {}
                }
            });
        });
        Self { address, _stop: stop }
    }

    /// `https://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

fn config(authority: &Authority, clients: Option<&Authority>) -> ServerConfig {
    let (certificate, key) = authority.issue("127.0.0.1");
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let builder = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

async fn serve(listener: net::TcpListener, acceptor: TlsAcceptor, upstream: String) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        tokio::spawn(async move {
            // Either side may go away at any time, which is its right.
            let Ok(mut client) = acceptor.accept(client).await else { return };
            let Ok(mut server) = TcpStream::connect(upstream).await else { return };
            let _ = copy_bidirectional(&mut client, &mut server).await;
        });
    }
}
