//! `gcppubsub`: publishes a message.

use base64::{Engine, prelude::BASE64_STANDARD};
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::Map,
    path::Path,
};

use super::{
    Form, TypedForm,
    settings::{Decoder, Encoder, Settings, check_not_empty, check_nulls, is_nothing, normalise},
};

model! {
    /// A message for Google Cloud Pub/Sub. The plugin `dkron-executor-gcppubsub` must be installed on the nodes, and
    /// finds its credentials there.
    pub struct Gcppubsub {
        /// The id of the project.
        project: String = required(),
        /// The name of the topic.
        topic: String = required(),
        /// The message, as text. A message has data, attributes, or both.
        data: String = optional().empty_is_null(),
        /// Attributes of the message.
        attributes: Map<String> = optional().empty_is_null(),
    }
}

impl Form for Gcppubsub {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.string("project", &self.project);
        encoder.string("topic", &self.topic);
        encoder.text("data", self.data.known().map(|data| BASE64_STANDARD.encode(data)).as_deref());
        encoder.text("attributes", self.attributes.known().and_then(encode_attributes).as_deref());
        encoder.0
    }

    fn check(&self, path: &Path) -> Diagnostics {
        let mut findings = check_nulls(&self.attributes, &path.attr("attributes"));
        findings.extend(check_not_empty(&self.project, path.attr("project"), "the id of a project"));
        findings.extend(check_not_empty(&self.topic, path.attr("topic"), "the name of a topic"));
        let no_attributes = |attributes: &Map<String>| attributes.0.is_empty();
        let attributes = &self.attributes;
        if is_nothing(&self.data) && (attributes.is_null() || attributes.known().is_some_and(no_attributes)) {
            let detail = "Expected `data`, `attributes` or both: without them dkron fails each run.";
            findings.push(Diagnostic::error("Message without content", detail).at(path.clone()));
        }
        findings
    }
}

impl TypedForm for Gcppubsub {
    fn decode(decoder: &mut Decoder) -> Option<Self> {
        Some(Self {
            project: decoder.text("project"),
            topic: decoder.text("topic"),
            data: decoder
                .parsed("data", |data| String::from_utf8(BASE64_STANDARD.decode(data).ok()?).ok())?,
            attributes: decoder.parsed("attributes", decode_attributes)?,
        })
    }

    fn is_complete(&self) -> bool {
        self.project.is_set() && self.topic.is_set()
    }

    fn normalise(settings: &mut Settings) {
        normalise(settings, "attributes", |text| {
            decode_attributes(text).as_ref().and_then(encode_attributes)
        });
    }
}

/// A JSON object, as text; none where there are no attributes.
fn encode_attributes(attributes: &Map<String>) -> Option<String> {
    let attributes: serde_json::Map<_, _> =
        attributes.known().map(|(name, value)| (name.to_owned(), value.as_str().into())).collect();
    (!attributes.is_empty()).then(|| serde_json::Value::from(attributes).to_string())
}

fn decode_attributes(text: &str) -> Option<Map<String>> {
    let attributes: Settings = serde_json::from_str(text).ok()?;
    Some(attributes.into_iter().collect())
}
