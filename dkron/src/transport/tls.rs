//! TLS settings, and TLS failures in plain words.

use std::error::Error as StdError;
use std::io;

use reqwest::{Certificate, ClientBuilder, Identity};
use rustls::CertificateError::{
    BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
    NotValidYetContext, UnknownIssuer,
};
use rustls::{AlertDescription, Error as TlsError};
use secrecy::ExposeSecret;

use crate::config::{Config, ConfigError};

/// Applies the settings. Without any `https` endpoint there is nothing to trust, and loading the
/// system's authorities is saved.
pub(super) fn configure(
    builder: ClientBuilder,
    config: &Config,
    https: bool,
) -> Result<ClientBuilder, ConfigError> {
    let tls = &config.tls;
    let builder = match &tls.ca_cert {
        Some(pem) => builder.tls_certs_only(authorities(pem)?),
        None if https => builder,
        None => builder.tls_certs_only([]),
    };
    let builder = match identity(config)? {
        Some(identity) => builder.identity(identity),
        None => builder,
    };
    Ok(builder.tls_danger_accept_invalid_certs(tls.insecure_skip_verify))
}

fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, ConfigError> {
    let refuse = |problem| ConfigError::new("ca_cert", problem);
    let authorities = Certificate::from_pem_bundle(pem)
        .map_err(|_| refuse("expected certificates as PEM; this is not PEM"))?;
    if authorities.is_empty() {
        return Err(refuse("expected at least one PEM block CERTIFICATE, found none"));
    }
    Ok(authorities)
}

fn identity(config: &Config) -> Result<Option<Identity>, ConfigError> {
    let (certificate, key) = match (&config.tls.client_cert, &config.tls.client_key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(ConfigError::new("client_key", "client_cert needs its key")),
        (None, Some(_)) => return Err(ConfigError::new("client_cert", "client_key needs its certificate")),
        (Some(certificate), Some(key)) => (certificate, key.expose_secret()),
    };
    let mut pem = certificate.clone();
    pem.push(b'\n');
    pem.extend_from_slice(key.as_bytes());
    // The error may say more, but it may also say what is in the key.
    Identity::from_pem(&pem).map(Some).map_err(|_| {
        ConfigError::new(
            "client_cert",
            "expected a PEM certificate in client_cert and its PEM key in client_key",
        )
    })
}

/// What a TLS failure means and what to do; `None` if the error has nothing to do with TLS.
pub(super) fn explain(error: &(dyn StdError + 'static)) -> Option<String> {
    Some(match find(error)? {
        // A renewed authority of the same name shows as a bad signature.
        TlsError::InvalidCertificate(UnknownIssuer | BadSignature) => {
            "the server's certificate was not issued by a trusted authority; set ca_cert to the authority that \
             issued it"
                .to_owned()
        }
        TlsError::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "the server's certificate is for another host name; use the name it was issued for".to_owned()
        }
        TlsError::InvalidCertificate(Expired | ExpiredContext { .. }) => {
            "the server's certificate has expired; renew it".to_owned()
        }
        TlsError::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            "the server's certificate is not valid yet; check the clocks".to_owned()
        }
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied,
        ) => "the server does not accept the client certificate; check client_cert and client_key".to_owned(),
        TlsError::InvalidMessage(_) => {
            "the server does not speak TLS on this port; use http:// or the right port".to_owned()
        }
        other => format!("the TLS connection failed ({other}); check the endpoint and the TLS settings"),
    })
}

/// The TLS error somewhere in a chain; `io::Error` hides its contents from the chain.
fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<TlsError>() {
            return Some(found);
        }
        let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = hidden.map(|hidden| hidden as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests;
