//! `grpc`: calls a method of a gRPC service.

use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::{Map, Text},
    path::Path,
};

use super::{
    Form, TypedForm,
    settings::{Decoder, Encoder, Settings, check_headers, normalise_headers},
};
use crate::text::{Seconds, address::GrpcMethod};

model! {
    /// A call over gRPC, without TLS. The server must offer reflection. The plugin `dkron-executor-grpc` must be
    /// installed on the nodes.
    pub struct Grpc {
        /// Host, port and method, without a scheme.
        url: Text<GrpcMethod> = required(),
        /// The request as JSON.
        body: String = optional().empty_is_null(),
        /// How long the call may take, in whole seconds; 30 seconds by default.
        timeout: Text<Seconds> = optional(),
        /// The status that is a success, as its number; 0, which is OK, by default.
        expected_code: u32 = optional(),
        /// Headers by name. dkron before 4.0.6 does not send them.
        headers: Map<String> = optional().sensitive().empty_is_null(),
        /// Headers by name, which Terraform does not store. Needs Terraform 1.11 and `headers_wo_version`; stands instead of `headers`.
        headers_wo: Map<String> = optional().sensitive().write_only(),
        /// Version of `headers_wo`, any number: a new one writes the value again.
        headers_wo_version: i64 = optional(),
    }
}

impl Form for Grpc {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.word("url", &self.url);
        encoder.string("body", &self.body);
        encoder.seconds("timeout", &self.timeout);
        encoder.number("expectCode", &self.expected_code);
        encoder.headers("headers", &self.headers);
        encoder.0
    }

    fn check(&self, path: &Path) -> Diagnostics {
        let mut findings = check_headers(&self.headers, &path.attr("headers"));
        findings.extend(check_headers(&self.headers_wo, &path.attr("headers_wo")));
        if let Some(code) = self.expected_code.known().filter(|code| **code > 16) {
            let detail =
                format!("Expected a status of gRPC, which are the numbers from 0 to 16, found {code}.");
            findings.push(Diagnostic::error("Invalid status code", detail).at(path.attr("expected_code")));
        }
        findings
    }

    fn advice(&self, path: &Path) -> Diagnostics {
        let parts = [("headers", &self.headers), ("headers_wo", &self.headers_wo)];
        let written =
            parts.into_iter().filter(|(_, headers)| headers.known().is_some_and(|map| !map.0.is_empty()));
        let warning = |(name, _)| {
            let summary = "Without effect in older versions of dkron";
            let detail = "dkron before 4.0.6 does not send headers with gRPC calls.";
            Diagnostic::warning(summary, detail).at(path.attr(name))
        };
        written.map(warning).collect()
    }
}

impl TypedForm for Grpc {
    const RENAMED: &'static [(&'static str, &'static str)] = &[("expectCode", "expected_code")];

    fn decode(decoder: &mut Decoder) -> Option<Self> {
        Some(Self {
            url: decoder.word("url"),
            body: decoder.text("body"),
            timeout: decoder.seconds("timeout"),
            expected_code: decoder.number("expectCode")?,
            headers: decoder.headers("headers")?,
            ..Self::default()
        })
    }

    fn is_complete(&self) -> bool {
        self.url.is_set()
    }

    fn normalise(settings: &mut Settings) {
        normalise_headers(settings);
    }
}
