//! `nats`: publishes a message.

use tfplugin::{diagnostic::Diagnostics, model, model::Text, path::Path};

use super::{
    Form, TypedForm,
    settings::{Decoder, Encoder, Settings, check_not_empty, credentials_advice, debug_advice},
};
use crate::text::address::NatsServers;

model! {
    /// A message for NATS. The plugin `dkron-executor-nats` must be installed on the nodes.
    pub struct Nats {
        /// The server; several with commas between them. Plans show it: credentials belong into `username` and
        /// `password`.
        url: Text<NatsServers> = required(),
        /// The subject.
        subject: String = required(),
        /// The message.
        message: String = optional().empty_is_null(),
        /// The user.
        username: String = optional().empty_is_null(),
        /// The password.
        password: String = optional().sensitive().empty_is_null(),
        /// The password, which Terraform does not store. Needs Terraform 1.11 and `password_wo_version`; stands instead of `password`.
        password_wo: String = optional().sensitive().write_only(),
        /// Version of `password_wo`, any number: a new one writes the value again.
        password_wo_version: i64 = optional(),
        /// Whether dkron writes all settings into the log of the node, **password included**.
        debug: bool = optional().default(false),
    }
}

impl Form for Nats {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.word("url", &self.url);
        encoder.string("subject", &self.subject);
        encoder.string("message", &self.message);
        encoder.string("userName", &self.username);
        encoder.string("password", &self.password);
        encoder.switch("debug", &self.debug);
        encoder.0
    }

    fn check(&self, path: &Path) -> Diagnostics {
        check_not_empty(&self.subject, path.attr("subject"), "a subject such as \"orders.created\"")
    }

    fn advice(&self, path: &Path) -> Diagnostics {
        let leak =
            "dkron writes all settings, the password included, into the log of the node that runs the job.";
        let mut findings = debug_advice(&self.debug, path.attr("debug"), leak);
        let instead = "Use `username` and `password` instead, of which plans hide the latter.";
        findings.extend(credentials_advice(&self.url, path.attr("url"), instead));
        findings
    }
}

impl TypedForm for Nats {
    const RENAMED: &'static [(&'static str, &'static str)] = &[("userName", "username")];

    fn decode(decoder: &mut Decoder) -> Option<Self> {
        Some(Self {
            url: decoder.word("url"),
            subject: decoder.text("subject"),
            message: decoder.text("message"),
            username: decoder.text("userName"),
            password: decoder.text("password"),
            debug: decoder.switch("debug"),
            ..Self::default()
        })
    }

    fn is_complete(&self) -> bool {
        self.url.is_set() && self.subject.is_set()
    }
}
