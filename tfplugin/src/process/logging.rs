//! Logs as Terraform reads them: each event is one line on stderr, a JSON object in the form of
//! hclog.
//!
//! Terraform decides by `TF_LOG_PROVIDER` or `TF_LOG` what it shows. The plugin looks at the same
//! variables so that what nobody reads is not written; by default that is everything.

use std::{
    env,
    error::Error,
    fmt::Debug,
    io::{self, Write as _},
    mem,
};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use super::error::with_causes;

/// Terraform cuts longer lines, which leaves them unreadable.
const MAX_LINE: usize = 60 * 1024;

/// What a single text may take of a line.
const MAX_TEXT: usize = 16 * 1024;

/// What is left of the message in a line that would be too long. JSON needs at most six bytes for one.
const MAX_MESSAGE: usize = 8 * 1024;

/// Logs what `crates` say, at the level that the environment asks for.
///
/// Other crates, such as those that speak HTTP, are never heard: at low levels they log headers,
/// which may hold credentials. A subscriber that is already installed stays.
pub(super) fn init(crates: &[&'static str]) {
    let level = level(|variable| env::var(variable).ok());
    if level == LevelFilter::OFF {
        return; // without a subscriber an event costs next to nothing
    }
    let filter = Targets::new().with_targets(crates.iter().map(|name| (*name, level)));
    let layer = Hclog { write: write_to_stderr }.with_filter(filter);
    if tracing_subscriber::registry().with(layer).try_init().is_err() {
        tracing::debug!("logs go where another part of the process wants them");
    }
}

/// The first variable that is not empty counts. As Terraform does, `JSON` and what is no level
/// are taken for `TRACE`.
fn level(lookup: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let variable = |name| lookup(name).filter(|value| !value.is_empty());
    match variable("TF_LOG_PROVIDER").or_else(|| variable("TF_LOG")) {
        None => LevelFilter::OFF,
        Some(level) => match level.to_ascii_uppercase().as_str() {
            "OFF" => LevelFilter::OFF,
            "ERROR" => LevelFilter::ERROR,
            "WARN" => LevelFilter::WARN,
            "INFO" => LevelFilter::INFO,
            "DEBUG" => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        },
    }
}

fn write_to_stderr(line: &[u8]) {
    // Where stderr is gone there is nobody to tell; the standard macros would panic.
    let _ = io::stderr().write_all(line);
}

/// Turns events into lines; the fields of the spans around an event are its fields as well.
struct Hclog<W> {
    write: W,
}

impl<S, W> Layer<S> for Hclog<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&[u8]) + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut recorded = Fields::default();
        values.record(&mut recorded);
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            fields.0.extend(recorded.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.0.clone());
            }
        }
        event.record(&mut fields);
        (self.write)(&line(event.metadata(), fields));
    }
}

/// Fields of a span or an event.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    /// Takes the text of an event out of its fields.
    fn take_message(&mut self) -> String {
        match self.0.remove("message") {
            None => String::new(),
            Some(Value::String(message)) => message,
            Some(other) => other.to_string(),
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, cut(value.to_owned(), MAX_TEXT));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.insert(field, cut(with_causes(value), MAX_TEXT));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.insert(field, cut(format!("{value:?}"), MAX_TEXT));
    }
}

/// An event as a line of hclog.
///
/// Level, message and timestamp are always strings and the timestamp always has six digits:
/// Terraform crashes on the first and overlooks lines without the second.
fn line(metadata: &Metadata<'_>, mut fields: Fields) -> Vec<u8> {
    let message = fields.take_message();
    let head = |message: String| {
        [
            ("@level".to_owned(), level_name(*metadata.level()).into()),
            ("@message".to_owned(), message.into()),
            ("@module".to_owned(), metadata.target().replace("::", ".").into()),
            ("@timestamp".to_owned(), format!("{:.6}", Timestamp::now()).into()),
        ]
    };
    let mut object = fields.0;
    object.extend(head(message.clone()));
    let mut line = Value::Object(mem::take(&mut object)).to_string();
    if line.len() > MAX_LINE {
        object.extend(head(cut(message, MAX_MESSAGE)));
        object.insert("truncated".to_owned(), true.into());
        line = Value::Object(object).to_string();
    }
    line.push('\n');
    line.into_bytes()
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

/// At most `limit` bytes of `text`, and a mark where something is missing.
fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// The lines that `work` logs.
    fn logged(work: impl FnOnce()) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let write = move |line: &[u8]| sink.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
        let subscriber = tracing_subscriber::registry().with(Hclog { write });
        tracing::subscriber::with_default(subscriber, work);
        mem::take(&mut lines.lock().unwrap())
    }

    fn only_line(work: impl FnOnce()) -> Value {
        let lines = logged(work);
        let [line] = &lines[..] else { panic!("expected one line: {lines:?}") };
        assert!(line.ends_with('\n') && line.len() <= 64 * 1024, "{} bytes", line.len());
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn events_are_hclog_objects() {
        let line = only_line(|| {
            tracing::warn!(number = -3, big = u64::MAX, yes = true, text = "a\nb", other = ?Some(1), "said {}", "so");
        });
        assert_eq!(line["@level"], "warn");
        assert_eq!(line["@message"], "said so");
        assert_eq!(line["@module"], "tfplugin.process.logging.tests");
        assert_eq!(line["number"], -3);
        assert_eq!(line["big"], u64::MAX);
        assert_eq!(line["yes"], true);
        assert_eq!(line["text"], "a\nb");
        assert_eq!(line["other"], "Some(1)");
    }

    #[test]
    fn timestamps_have_six_digits_whatever_the_instant() {
        for nanosecond in [0, 5, 1_000, 120_000_000, 123_456_789] {
            let instant = Timestamp::new(1_767_225_600, nanosecond).unwrap();
            let text = format!("{instant:.6}");
            assert_eq!(text.len(), "2026-01-01T00:00:00.123456Z".len(), "{text}");
        }
        let line = only_line(|| tracing::info!("now"));
        let timestamp = line["@timestamp"].as_str().unwrap();
        assert!(timestamp.parse::<Timestamp>().is_ok() && timestamp.len() == 27, "{timestamp}");
    }

    #[test]
    fn an_event_has_the_fields_of_its_spans() {
        let line = only_line(|| {
            let outer = tracing::info_span!("rpc", tf_rpc = "Plan", tf_resource_type = tracing::field::Empty);
            let _outer = outer.clone().entered();
            outer.record("tf_resource_type", "example");
            let _inner = tracing::info_span!("inner", tf_rpc = "Other").entered();
            tracing::debug!("within");
        });
        assert_eq!(line["tf_rpc"], "Other", "the innermost wins");
        assert_eq!(line["tf_resource_type"], "example");
    }

    #[test]
    fn nothing_a_field_holds_makes_a_head_that_crashes_terraform() {
        let line = only_line(|| {
            tracing::error!(message = 1, "@level" = 2, "@timestamp" = 3, nan = f64::NAN, "@message" = true);
        });
        assert_eq!(line["@level"], "error");
        assert_eq!(line["@message"], "1");
        assert!(line["@timestamp"].is_string());
        assert!(line["nan"].is_null());
    }

    #[test]
    fn errors_come_with_their_causes() {
        let cause = io::Error::other("cause");
        let error = crate::process::error::Error::Signals(io::Error::other("first"));
        let line = only_line(|| {
            tracing::info!(
                plain = &cause as &(dyn Error + 'static),
                error = &error as &(dyn Error + 'static),
                "failed"
            );
        });
        assert_eq!(line["plain"], "cause");
        assert_eq!(line["error"], "cannot listen for signals: first");
    }

    #[test]
    fn lines_are_bounded() {
        let long = "ü".repeat(100_000);
        let cut = only_line(|| tracing::info!(long, "one long field"));
        assert_eq!(cut["@message"], "one long field");
        assert!(cut["long"].as_str().unwrap().ends_with("ü…"));

        let escaped = "\u{1}".repeat(100_000); // six bytes each in JSON
        let cut = only_line(|| tracing::info!(a = escaped, b = escaped, "{escaped}"));
        assert_eq!(cut["truncated"], true);
        assert!(cut["@message"].as_str().unwrap().starts_with('\u{1}'));
    }

    #[test]
    fn the_level_is_the_one_terraform_uses() {
        let check = |provider: &str, all: &str, expected| {
            let found = level(|name| match name {
                "TF_LOG_PROVIDER" => Some(provider.to_owned()),
                "TF_LOG" => Some(all.to_owned()),
                _ => None,
            });
            assert_eq!(found, expected, "TF_LOG_PROVIDER={provider} TF_LOG={all}");
        };
        assert_eq!(level(|_| None), LevelFilter::OFF);
        check("", "", LevelFilter::OFF);
        check("", "info", LevelFilter::INFO);
        check("WARN", "TRACE", LevelFilter::WARN);
        check("off", "TRACE", LevelFilter::OFF);
        check("", "JSON", LevelFilter::TRACE);
        check("", "loud", LevelFilter::TRACE);
        check("", "DEBUG", LevelFilter::DEBUG);
        check("", "ERROR", LevelFilter::ERROR);
    }
}
