//! `rabbitmq`: publishes a message.

use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::{Attr, Text},
    path::Path,
};

use super::{
    Form, TypedForm,
    settings::{Decoder, Encoder, Settings, check_not_empty, credentials_advice, is_written},
};
use crate::text::{Base64, address::AmqpUrl};

model! {
    /// A message for RabbitMQ. The plugin `dkron-executor-rabbitmq` must be installed on the nodes.
    pub struct Rabbitmq {
        /// The server. Plans show it: with credentials in it, use the generic `executor` and put it into
        /// `sensitive_config`.
        url: Text<AmqpUrl> = required(),
        /// The queue.
        queue: Queue = required(),
        /// The message; an empty one by default.
        message: Message = optional().empty_is_null(),
        /// The exchange, with the name of the queue as the routing key; the default exchange if there is none. dkron
        /// before 4.0.9 ignores it.
        exchange: String = optional().empty_is_null(),
    }
}

model! {
    /// A queue of RabbitMQ.
    pub struct Queue {
        /// Its name, which is also the routing key.
        name: String = required(),
        /// Whether dkron declares the queue before it publishes. The other arguments count only then.
        create: bool = optional(),
        /// Whether the queue survives a restart of the server.
        durable: bool = optional(),
        /// Whether the queue goes when its last consumer does.
        auto_delete: bool = optional(),
        /// Whether the queue belongs to the connection that declared it, and goes with that.
        exclusive: bool = optional(),
    }
}

model! {
    /// A message of RabbitMQ.
    pub struct Message {
        /// The type of the content; `text/plain` by default.
        content_type: String = optional().empty_is_null(),
        /// 1 for a message that may be lost when the server restarts, which is the default, 2 for a persistent one.
        delivery_mode: u32 = optional(),
        /// An identifier for the application.
        message_id: String = optional().empty_is_null(),
        /// The body, as text.
        body: String = optional().empty_is_null(),
        /// The body, in base64: for what is no text.
        base64_body: Text<Base64> = optional().empty_is_null(),
    }
}

impl Form for Rabbitmq {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.word("url", &self.url);
        encoder.string("exchange", &self.exchange);
        if let Some(queue) = self.queue.known() {
            encoder.string("queue.name", &queue.name);
            encoder.flag("queue.create", &queue.create);
            encoder.flag("queue.durable", &queue.durable);
            encoder.flag("queue.auto_delete", &queue.auto_delete);
            encoder.flag("queue.exclusive", &queue.exclusive);
        }
        if let Some(message) = self.message.known() {
            encoder.string("message.content_type", &message.content_type);
            encoder.number("message.delivery_mode", &message.delivery_mode);
            encoder.string("message.messageId", &message.message_id);
            encoder.string("message.body", &message.body);
            encoder.word("message.base64Body", &message.base64_body);
        }
        encoder.0
    }

    fn check(&self, path: &Path) -> Diagnostics {
        let mut findings = Diagnostics::new();
        if let Some(queue) = self.queue.known() {
            let path = path.attr("queue").attr("name");
            findings.extend(check_not_empty(&queue.name, path, "the name of a queue"));
        }
        if let Some(message) = self.message.known() {
            findings.extend(check_message(message, &path.attr("message")));
        }
        findings
    }

    fn advice(&self, path: &Path) -> Diagnostics {
        let instead =
            "Write the job with the generic `executor` instead, and the address into its `sensitive_config`.";
        let mut findings = credentials_advice(&self.url, path.attr("url"), instead);
        if is_written(&self.exchange) {
            let detail = "dkron before 4.0.9 ignores this and publishes to the default exchange, which leads to the queue.";
            let summary = "Without effect in older versions of dkron";
            findings.push(Diagnostic::warning(summary, detail).at(path.attr("exchange")));
        }
        if let Some(queue) = self.queue.known() {
            findings.extend(queue_advice(queue, &path.attr("queue")));
        }
        findings
    }
}

impl TypedForm for Rabbitmq {
    const RENAMED: &'static [(&'static str, &'static str)] =
        &[("message.messageId", "message.message_id"), ("message.base64Body", "message.base64_body")];

    fn decode(decoder: &mut Decoder) -> Option<Self> {
        let has_message = decoder.0.keys().any(|key| key.starts_with("message."));
        let queue = Queue {
            name: decoder.text("queue.name"),
            create: decoder.flag("queue.create"),
            durable: decoder.flag("queue.durable"),
            auto_delete: decoder.flag("queue.auto_delete"),
            exclusive: decoder.flag("queue.exclusive"),
        };
        let message = Message {
            content_type: decoder.text("message.content_type"),
            delivery_mode: decoder.number("message.delivery_mode")?,
            message_id: decoder.text("message.messageId"),
            body: decoder.text("message.body"),
            base64_body: decoder.word("message.base64Body"),
        };
        Some(Self {
            url: decoder.word("url"),
            queue: Attr::Known(queue),
            message: has_message.then_some(message).into(),
            exchange: decoder.text("exchange"),
        })
    }

    fn is_complete(&self) -> bool {
        self.url.is_set() && self.queue.known().is_some_and(|queue| queue.name.is_set())
    }
}

fn check_message(message: &Message, path: &Path) -> Diagnostics {
    let mut findings = Diagnostics::new();
    if is_written(&message.body) && message.base64_body.known().is_some_and(|body| !body.is_empty()) {
        let detail = "Expected `body` or `base64_body`, found both: dkron refuses to publish that. Remove one of them.";
        findings.push(Diagnostic::error("Two bodies", detail).at(path.attr("base64_body")));
    }
    if let Some(mode) = message.delivery_mode.known().filter(|mode| **mode > 2) {
        let detail = format!("Expected 1 for a transient or 2 for a persistent message, found {mode}.");
        findings.push(Diagnostic::error("Invalid delivery mode", detail).at(path.attr("delivery_mode")));
    }
    findings
}

fn queue_advice(queue: &Queue, path: &Path) -> Diagnostics {
    if queue.create.is_unknown() || queue.create.known() == Some(&true) {
        return Diagnostics::new();
    }
    let parts =
        [("durable", &queue.durable), ("auto_delete", &queue.auto_delete), ("exclusive", &queue.exclusive)];
    let idle = parts.into_iter().filter(|(_, flag)| flag.known() == Some(&true));
    let warning = |(name, _)| {
        let detail =
            "Only with `create = true` does dkron declare the queue; it takes one that exists as it is.";
        Diagnostic::warning("Without effect", detail).at(path.attr(name))
    };
    idle.map(warning).collect()
}
