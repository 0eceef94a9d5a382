//! `http`: calls an address.

use std::collections::BTreeSet;

use regex::Regex;
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::{Attr, Map, Set, Text},
    path::Path,
    value::Value,
};

use super::{
    Form, TypedForm,
    settings::{
        Decoder, Encoder, Settings, check_headers, credentials_advice, debug_advice, normalise,
        normalise_headers,
    },
};
use crate::text::{HttpUrl, Method, Seconds};

model! {
    /// A call over HTTP.
    pub struct Http {
        /// The address. Plans show it: credentials belong into `headers`.
        url: Text<HttpUrl> = required(),
        /// The method.
        method: Text<Method> = optional().default("GET"),
        /// Headers by name. dkron up to 4.0.9 cuts a value at its first colon; `Host` and `Content-Length` are not sent.
        headers: Map<String> = optional().sensitive().empty_is_null(),
        /// Headers by name, which Terraform does not store. Needs Terraform 1.11 and `headers_wo_version`; stands instead of `headers`.
        headers_wo: Map<String> = optional().sensitive().write_only(),
        /// Version of `headers_wo`, any number: a new one writes the value again.
        headers_wo_version: i64 = optional(),
        /// The body.
        body: String = optional().empty_is_null(),
        /// How long to wait for the answer, in whole seconds; 30 seconds by default.
        timeout: Text<Seconds> = optional(),
        /// The status codes that are a success. `[]` makes every answer one, also a 500.
        expected_codes: Set<u32> = optional().default(success_codes()),
        /// A regular expression that the body of the answer must match.
        expected_body: String = optional().empty_is_null(),
        /// Whether dkron writes the whole request into the output of each run, **secrets included**.
        debug: bool = optional().default(false),
        /// Whether the certificate of the server is not checked. Up to dkron 4.0.8 a node that has run the job before
        /// must be restarted to notice a change.
        tls_skip_verify: bool = optional(),
        /// File on the node with the certificates of authorities to trust.
        tls_ca_file: String = optional().empty_is_null(),
        /// File on the node with the client's certificate.
        tls_cert_file: String = optional().empty_is_null(),
        /// File on the node with the client's key.
        tls_key_file: String = optional().empty_is_null(),
    }
}

/// What a person would call a success. dkron's own default takes any answer.
fn success_codes() -> Value {
    Value::Set([200, 201, 202, 204].map(Value::from).into())
}

impl Form for Http {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.word("method", &self.method);
        encoder.word("url", &self.url);
        encoder.headers("headers", &self.headers);
        encoder.string("body", &self.body);
        encoder.seconds("timeout", &self.timeout);
        encoder.text("expectCode", self.expected_codes.known().map(encode_codes).as_deref());
        encoder.string("expectBody", &self.expected_body);
        encoder.switch("debug", &self.debug);
        encoder.flag("tlsNoVerifyPeer", &self.tls_skip_verify);
        encoder.string("tlsRootCAsFile", &self.tls_ca_file);
        encoder.string("tlsCertificateFile", &self.tls_cert_file);
        encoder.string("tlsCertificateKeyFile", &self.tls_key_file);
        encoder.0
    }

    fn check(&self, path: &Path) -> Diagnostics {
        let mut findings = check_headers(&self.headers, &path.attr("headers"));
        findings.extend(check_headers(&self.headers_wo, &path.attr("headers_wo")));
        let codes = self.expected_codes.known().into_iter().flat_map(|codes| &codes.0);
        if codes.filter_map(Attr::known).any(|code| !(100..600).contains(code)) {
            let detail = "Expected status codes from 100 to 599; `[]` takes any.";
            findings.push(Diagnostic::error("Invalid status code", detail).at(path.attr("expected_codes")));
        }
        findings
    }

    fn advice(&self, path: &Path) -> Diagnostics {
        let leak = "dkron writes the whole request, secrets included, into the output of each run, which everybody who \
                    reaches dkron can read.";
        let mut findings = debug_advice(&self.debug, path.attr("debug"), leak);
        let instead = "Write `headers = { Authorization = … }` instead, which plans hide.";
        findings.extend(credentials_advice(&self.url, path.attr("url"), instead));
        findings.extend(header_advice(&self.headers, &path.attr("headers")));
        findings.extend(header_advice(&self.headers_wo, &path.attr("headers_wo")));
        if self.expected_body.known().is_some_and(|expected| Regex::new(expected).is_err()) {
            let detail = "This does not look like a regular expression of Go; with one that it cannot read, dkron counts \
                          each run as failed.";
            let path = path.attr("expected_body");
            findings.push(Diagnostic::warning("Unusual regular expression", detail).at(path));
        }
        if self.tls_cert_file.is_null() != self.tls_key_file.is_null() {
            let detail =
                "dkron uses a client certificate only when it has both `tls_cert_file` and `tls_key_file`.";
            let path = path.attr(if self.tls_cert_file.is_set() { "tls_cert_file" } else { "tls_key_file" });
            findings.push(Diagnostic::warning("Client certificate without its other half", detail).at(path));
        }
        findings
    }
}

impl TypedForm for Http {
    const RENAMED: &'static [(&'static str, &'static str)] = &[
        ("expectCode", "expected_codes"),
        ("expectBody", "expected_body"),
        ("tlsNoVerifyPeer", "tls_skip_verify"),
        ("tlsRootCAsFile", "tls_ca_file"),
        ("tlsCertificateFile", "tls_cert_file"),
        ("tlsCertificateKeyFile", "tls_key_file"),
    ];

    fn decode(decoder: &mut Decoder) -> Option<Self> {
        Some(Self {
            url: decoder.word("url"),
            method: decoder.word("method"),
            headers: decoder.headers("headers")?,
            body: decoder.text("body"),
            timeout: decoder.seconds("timeout"),
            expected_codes: Attr::Known(decode_codes(&decoder.0.remove("expectCode").unwrap_or_default())?),
            expected_body: decoder.text("expectBody"),
            debug: decoder.switch("debug"),
            tls_skip_verify: decoder.flag("tlsNoVerifyPeer"),
            tls_ca_file: decoder.text("tlsRootCAsFile"),
            tls_cert_file: decoder.text("tlsCertificateFile"),
            tls_key_file: decoder.text("tlsCertificateKeyFile"),
            ..Self::default()
        })
    }

    fn is_complete(&self) -> bool {
        self.url.is_set() && self.method.is_set()
    }

    fn normalise(settings: &mut Settings) {
        normalise_headers(settings);
        normalise(settings, "expectCode", |codes| decode_codes(codes).as_ref().map(encode_codes));
    }
}

/// Headers that do not arrive as they are written.
fn header_advice(headers: &Attr<Map<String>>, path: &Path) -> Diagnostics {
    const NOT_SENT: [&str; 4] = ["host", "content-length", "transfer-encoding", "trailer"];
    let mut findings = Diagnostics::new();
    for (name, value) in headers.known().into_iter().flat_map(Map::known) {
        if value.contains(':') {
            let detail =
                "dkron up to 4.0.9 sends only what stands before the first colon of a header's value.";
            findings.push(Diagnostic::warning("Header is cut", detail).at(path.key(name)));
        }
        if NOT_SENT.contains(&name.to_ascii_lowercase().as_str()) {
            let detail =
                "dkron sends this header as it follows from the address and the body, whatever stands here.";
            findings.push(Diagnostic::warning("Header without effect", detail).at(path.key(name)));
        }
    }
    findings
}

fn encode_codes(codes: &Set<u32>) -> String {
    let codes: BTreeSet<_> = codes.0.iter().filter_map(Attr::known).collect();
    let codes: Vec<_> = codes.into_iter().map(u32::to_string).collect();
    codes.join(",")
}

fn decode_codes(text: &str) -> Option<Set<u32>> {
    let codes = text.split(',').filter(|code| !code.is_empty());
    codes.map(|code| code.trim().parse().ok()).collect::<Option<BTreeSet<u32>>>().map(Set::from_iter)
}
