use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;
use crate::fake::scope;
use crate::{Client, Config, Error, Problem};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for this name, and its key.
fn issue(authority: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate, key)
}

/// A server that answers every request with a leader, over TLS.
async fn serve(authority: &Authority, name: &str, clients: Option<&Authority>) -> url::Url {
    let (certificate, key) = issue(authority, name);
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let builder = ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        }
    };
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not like us goes away, which is its right.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok() {
                let body = r#"{"Name":"n1","Tags":{"rpc_addr":"127.0.0.1:2"}}"#;
                let head = format!("HTTP/1.1 200 OK\r\nx-whom: n1\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        }
    });
    url
}

/// What a client with these settings makes of this server.
async fn meets(url: &url::Url, tls: Tls) -> Result<(), String> {
    let mut config = Config::new([url.clone()]);
    config.tls = tls;
    config.retry.budget = Duration::ZERO;
    match Client::new(config).unwrap().leader(&scope()).await {
        Ok(_) => Ok(()),
        Err(Error::Request(failure)) => match &failure.problem {
            Problem::Tls(how) => Err(how.clone()),
            _ => panic!("{failure:?}"),
        },
        Err(other) => panic!("{other}"),
    }
}

fn trusting(authority: &Authority) -> Tls {
    Tls { ca_cert: Some(authority.pem().into_bytes()), ..Tls::default() }
}

#[tokio::test]
async fn the_named_authority_is_trusted_and_no_other() {
    let ours = authority("ours");
    let url = serve(&ours, "localhost", None).await;
    assert_eq!(meets(&url, trusting(&ours)).await, Ok(()));
    let unknown = "the server's certificate was not issued by a trusted authority; set ca_cert to the authority that \
                   issued it";
    // One of another name, and one that was renewed.
    for theirs in [authority("theirs"), authority("ours")] {
        assert_eq!(meets(&url, trusting(&theirs)).await, Err(unknown.to_owned()));
    }
    assert_eq!(meets(&url, Tls::default()).await, Err(unknown.to_owned()));
    assert_eq!(meets(&url, Tls { insecure_skip_verify: true, ..Tls::default() }).await, Ok(()));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_told_apart() {
    let ours = authority("ours");
    let url = serve(&ours, "elsewhere.example", None).await;
    let told = meets(&url, trusting(&ours)).await.unwrap_err();
    assert_eq!(told, "the server's certificate is for another host name; use the name it was issued for");
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let ours = authority("ours");
    let url = serve(&ours, "localhost", Some(&ours)).await;
    let showing = |issuer: &Authority| {
        let (certificate, key) = issue(issuer, "client");
        Tls {
            client_cert: Some(certificate.pem().into_bytes()),
            client_key: Some(key.serialize_pem().into()),
            ..trusting(&ours)
        }
    };
    assert_eq!(meets(&url, showing(&ours)).await, Ok(()));
    let refused = "the server does not accept the client certificate; check client_cert and client_key";
    assert_eq!(meets(&url, trusting(&ours)).await, Err(refused.to_owned()));
    for theirs in [authority("theirs"), authority("ours")] {
        assert_eq!(meets(&url, showing(&theirs)).await, Err(refused.to_owned()));
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart() {
    let plain = crate::fake::Fake::start().await;
    let mut url = plain.url.clone();
    url.set_scheme("https").unwrap();
    let told = meets(&url, Tls::default()).await.unwrap_err();
    assert_eq!(told, "the server does not speak TLS on this port; use http:// or the right port");
}
