//! AutoMTLS: both sides have a one-shot certificate, and each accepts exactly the other's.

use std::{ffi::OsStr, sync::Arc};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    server::{
        NoServerSessionStorage, ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime, pem::PemObject as _};
use tokio_rustls::TlsAcceptor;

use super::error::Error;

/// The name that Terraform expects in a plugin's certificate.
const SERVER_NAME: &str = "localhost";

/// The plugin's end of the mutual trust.
pub(super) struct Tls {
    /// What to announce in the handshake line.
    pub(super) certificate: CertificateDer<'static>,
    /// Lets in who holds the key of the client's certificate, nobody else.
    pub(super) acceptor: TlsAcceptor,
}

impl Tls {
    /// Trusts exactly the client that holds the key of `client_certificate` (PEM).
    pub(super) fn new(client_certificate: &OsStr) -> Result<Self, Error> {
        let client = parse(client_certificate)?;
        let (certificate, key) = one_shot_certificate()?;
        // aws-lc-rs, because ring cannot verify the P-521 signatures of Terraform's certificates.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = OnlyThisClient { client, algorithms: provider.signature_verification_algorithms };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(vec![certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec()]; // newer clients hang up without it
        config.session_storage = Arc::new(NoServerSessionStorage {}); // there is one connection
        config.send_tls13_tickets = 0;
        Ok(Self { certificate, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

fn parse(pem: &OsStr) -> Result<CertificateDer<'static>, Error> {
    let malformed = |error: &dyn std::fmt::Display| Error::ClientCertificate(error.to_string());
    let pem = pem.to_str().ok_or_else(|| malformed(&"it is not text"))?;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| malformed(&error))?;
    ParsedCertificate::try_from(&certificate).map_err(|error| malformed(&error))?;
    Ok(certificate)
}

/// Self-signed and for this process only. The key never leaves it, so the certificate need not expire.
fn one_shot_certificate() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = CertificateParams::new([SERVER_NAME.to_owned()])?.self_signed(&key)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((certificate.der().clone(), key.into()))
}

/// Accepts one certificate, compared byte by byte.
///
/// The usual verifier cannot be used: Terraform's certificate is self-signed and says that it is
/// an authority, which such verifiers refuse in a client's certificate.
#[derive(Debug)]
struct OnlyThisClient {
    client: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for OnlyThisClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.client {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(pem: &str) -> String {
        match Tls::new(pem.as_ref()) {
            Ok(_) => panic!("accepted {pem:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_malformed_client_certificate_is_named() {
        for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let error = refused(pem);
            assert!(error.starts_with("PLUGIN_CLIENT_CERT must be a certificate in PEM form: "), "{error}");
        }
    }

    #[test]
    fn every_process_has_its_own_certificate() {
        let (first, _) = one_shot_certificate().unwrap();
        let (second, _) = one_shot_certificate().unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn terraforms_curve_is_supported() {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let pem = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        assert!(Tls::new(pem.as_ref()).is_ok());
        let schemes = aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes();
        assert!(schemes.contains(&SignatureScheme::ECDSA_NISTP521_SHA512));
    }
}
