//! `kafka`: produces a message.

use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::{Attr, Text},
    path::Path,
};

use super::{
    Form, TypedForm,
    settings::{Decoder, Encoder, Settings, check_not_empty, debug_advice, is_nothing, is_written},
};
use crate::text::{SaslMechanism, address::Brokers};

model! {
    /// A message for Kafka. The plugin `dkron-executor-kafka` must be installed on the nodes.
    pub struct Kafka {
        /// Host and port of a broker; several with commas between them.
        broker_address: Text<Brokers> = required(),
        /// The topic.
        topic: String = required(),
        /// The key of the message. Without one dkron sends an empty key, so that all messages go to one partition.
        key: String = optional().empty_is_null(),
        /// The message.
        message: String = optional().empty_is_null(),
        /// Whether to talk to the brokers over TLS.
        tls_enable: bool = optional(),
        /// Whether the certificates of the brokers are not checked.
        tls_skip_verify: bool = optional(),
        /// The user. dkron authenticates only with user, password and mechanism.
        sasl_username: String = optional().empty_is_null(),
        /// The password.
        sasl_password: String = optional().sensitive().empty_is_null(),
        /// The password, which Terraform does not store. Needs Terraform 1.11 and `sasl_password_wo_version`; stands instead of `sasl_password`.
        sasl_password_wo: String = optional().sensitive().write_only(),
        /// Version of `sasl_password_wo`, any number: a new one writes the value again.
        sasl_password_wo_version: i64 = optional(),
        /// How the password is proven.
        sasl_mechanism: Text<SaslMechanism> = optional(),
        /// Whether dkron writes all settings into the log of the node, **password included**.
        debug: bool = optional().default(false),
    }
}

impl Form for Kafka {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.word("brokerAddress", &self.broker_address);
        encoder.string("topic", &self.topic);
        encoder.string("key", &self.key);
        encoder.string("message", &self.message);
        encoder.flag("tlsEnable", &self.tls_enable);
        encoder.flag("tlsInsecureSkipVerify", &self.tls_skip_verify);
        encoder.string("saslUsername", &self.sasl_username);
        encoder.string("saslPassword", &self.sasl_password);
        encoder.word("saslMechanism", &self.sasl_mechanism);
        encoder.switch("debug", &self.debug);
        encoder.0
    }

    fn check(&self, path: &Path) -> Diagnostics {
        let mut findings = check_not_empty(&self.topic, path.attr("topic"), "the name of a topic");
        if is_written(&self.sasl_username) && is_written(self.password().1) && self.sasl_mechanism.is_null() {
            let detail = "Expected `sasl_mechanism` as well: without it dkron fails each run.";
            let path = path.attr("sasl_username");
            findings.push(Diagnostic::error("Missing SASL mechanism", detail).at(path));
        }
        findings
    }

    fn advice(&self, path: &Path) -> Diagnostics {
        let leak =
            "dkron writes all settings, the password included, into the log of the node that runs the job.";
        let mut findings = debug_advice(&self.debug, path.attr("debug"), leak);
        let parts = [("sasl_username", &self.sasl_username), self.password()];
        for [(given, value), (missing, other)] in [parts, [parts[1], parts[0]]] {
            if is_written(value) && is_nothing(other) {
                let detail =
                    format!("Without `{missing}` dkron connects without any authentication: set both.");
                findings.push(Diagnostic::warning("Half of the credentials", detail).at(path.attr(given)));
            }
        }
        let without_tls = self.tls_enable.is_null() || self.tls_enable.known() == Some(&false);
        if without_tls && !is_nothing(self.password().1) {
            let detail = "Without `tls_enable = true` whoever sees the traffic sees the messages, and can guess the \
                          password at leisure.";
            let path = path.attr("sasl_mechanism");
            findings.push(Diagnostic::warning("Authentication without TLS", detail).at(path));
        }
        if without_tls && self.tls_skip_verify.known() == Some(&true) {
            let detail = "Only `tls_enable = true` makes dkron talk to the brokers over TLS.";
            let path = path.attr("tls_skip_verify");
            findings.push(Diagnostic::warning("Without effect", detail).at(path));
        }
        findings
    }
}

impl Kafka {
    /// The password in the form that is used, with the name of the attribute.
    fn password(&self) -> (&'static str, &Attr<String>) {
        if self.sasl_password_wo.is_null() {
            ("sasl_password", &self.sasl_password)
        } else {
            ("sasl_password_wo", &self.sasl_password_wo)
        }
    }
}

impl TypedForm for Kafka {
    const RENAMED: &'static [(&'static str, &'static str)] = &[
        ("brokerAddress", "broker_address"),
        ("tlsEnable", "tls_enable"),
        ("tlsInsecureSkipVerify", "tls_skip_verify"),
        ("saslUsername", "sasl_username"),
        ("saslPassword", "sasl_password"),
        ("saslMechanism", "sasl_mechanism"),
    ];

    fn decode(decoder: &mut Decoder) -> Option<Self> {
        Some(Self {
            broker_address: decoder.word("brokerAddress"),
            topic: decoder.text("topic"),
            key: decoder.text("key"),
            message: decoder.text("message"),
            tls_enable: decoder.flag("tlsEnable"),
            tls_skip_verify: decoder.flag("tlsInsecureSkipVerify"),
            sasl_username: decoder.text("saslUsername"),
            sasl_password: decoder.text("saslPassword"),
            sasl_mechanism: decoder.word("saslMechanism"),
            debug: decoder.switch("debug"),
            ..Self::default()
        })
    }

    fn is_complete(&self) -> bool {
        self.broker_address.is_set() && self.topic.is_set()
    }
}
