//! Kinds of text in configuration: each is checked by decoding it, and keeps the user's spelling.

pub mod address;

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use regex::Regex;
use schedule::{Schedule, TimeZoneName, duration};
use tfplugin::model::{Attr, TextType};
use url::Url;

use crate::full_name::RESERVED_PREFIX;

/// The name of a job.
#[derive(Clone)]
pub enum JobName {}

/// What dkron accepts: lower-case letters of any script, ASCII digits, `-` and `_`.
static JOB_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{Ll}0-9_-]+$").ok());

impl TextType for JobName {
    const NAME: &'static str = "job name";
    const EXAMPLES: &'static [&'static str] = &["nightly-backup", "report_2", "größe"];

    fn check(text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Err("Expected a name, found nothing.".to_owned());
        }
        if text.starts_with(RESERVED_PREFIX) {
            return Err(format!(
                "Names that begin with `{RESERVED_PREFIX}` are reserved; choose another one."
            ));
        }
        if JOB_NAME.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
            return Ok(());
        }
        let wrong: String = text.chars().filter(|c| !is_name_character(*c)).collect();
        let near = text.to_lowercase().replace(|c| !is_name_character(c), "-");
        let hint = if near.trim_matches('-').is_empty() {
            String::new()
        } else {
            format!(" Did you mean {near:?}?")
        };
        Err(format!(
            "Expected lower-case letters, digits, `-` and `_` only, found {wrong:?} in {text:?}.{hint} \
             Use `display_name` for text that people read."
        ))
    }
}

fn is_name_character(character: char) -> bool {
    JOB_NAME.as_ref().is_some_and(|pattern| pattern.is_match(character.encode_utf8(&mut [0; 4])))
}

/// The name of the job that goes before; empty for none.
#[derive(Clone)]
pub enum ParentName {}

impl TextType for ParentName {
    const NAME: &'static str = JobName::NAME;
    const EXAMPLES: &'static [&'static str] = JobName::EXAMPLES;

    fn check(text: &str) -> Result<(), String> {
        if_written(text, JobName::check)
    }
}

/// The name of a tenant.
#[derive(Clone)]
pub enum TenantName {}

static TENANT_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z0-9]+(-[a-z0-9]+)*$").ok());

impl TextType for TenantName {
    const NAME: &'static str = "tenant name";
    const EXAMPLES: &'static [&'static str] = &["acme", "team-42"];

    fn check(text: &str) -> Result<(), String> {
        if text == "krony" {
            return Err("`krony` is reserved; choose another name.".to_owned());
        }
        let fits = TENANT_NAME.as_ref().is_some_and(|pattern| pattern.is_match(text));
        if fits && (2..=32).contains(&text.len()) {
            return Ok(());
        }
        Err(format!(
            "Expected 2 to 32 lower-case letters of a to z and digits, with single `-` between them, found {text:?}."
        ))
    }
}

/// Checks text that may be left empty.
fn if_written(text: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    if text.is_empty() { Ok(()) } else { check(text) }
}

/// Text that a server leaves empty where it has none.
pub fn text_or_null(text: &str) -> Attr<String> {
    if text.is_empty() { Attr::Null } else { Attr::Known(text.to_owned()) }
}

/// The text of an error as a sentence.
pub fn sentence(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let begin = characters.next().map(char::to_uppercase).into_iter().flatten();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    begin.chain(characters.clone()).chain(end.chars()).collect()
}

/// When a job runs, in dkron's dialect; empty for none.
#[derive(Clone)]
pub enum ScheduleText {}

impl TextType for ScheduleText {
    const NAME: &'static str = "schedule";
    const EXAMPLES: &'static [&'static str] = &[
        "0 30 4 * * *",
        "@every 30m",
        "@daily",
        "0 0 9-17/2 * * MON-FRI",
        "~ ~ * * * *",
        "@at 2031-01-01T00:00:00Z",
    ];

    fn check(text: &str) -> Result<(), String> {
        if_written(text, |text| text.parse::<Schedule>().map(drop).map_err(sentence))
    }
}

/// The name of a time zone; empty for that of the server.
#[derive(Clone)]
pub enum TimeZone {}

impl TextType for TimeZone {
    const NAME: &'static str = "time zone";
    const EXAMPLES: &'static [&'static str] = &["Europe/Berlin", "America/New_York", "UTC"];

    fn check(text: &str) -> Result<(), String> {
        text.parse::<TimeZoneName>().map(drop).map_err(sentence)
    }
}

/// What to do when a run is due while the last one goes on.
#[derive(Clone)]
pub enum Concurrency {}

impl TextType for Concurrency {
    const NAME: &'static str = "concurrency";
    const ALLOWED: &'static [&'static str] = &["allow", "forbid"];

    fn check(text: &str) -> Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

/// How a password is proven to Kafka.
#[derive(Clone)]
pub enum SaslMechanism {}

impl TextType for SaslMechanism {
    const NAME: &'static str = "SASL mechanism";
    const ALLOWED: &'static [&'static str] = &["sha256", "sha512"];

    fn check(text: &str) -> Result<(), String> {
        one_of(Self::ALLOWED, text)
    }
}

/// Bytes in base64; empty for none. The text is not quoted: it may be secret.
#[derive(Clone)]
pub enum Base64 {}

impl TextType for Base64 {
    const NAME: &'static str = "base64";
    const EXAMPLES: &'static [&'static str] = &["aGVsbG8=", "AAECAw=="];

    fn check(text: &str) -> Result<(), String> {
        BASE64_STANDARD.decode(text).map(drop).map_err(|error| {
            format!(
                "Expected base64 of the standard alphabet, padded with `=`; found something else: {error}."
            )
        })
    }
}

/// The method of an HTTP request.
#[derive(Clone)]
pub enum Method {}

impl TextType for Method {
    const NAME: &'static str = "HTTP method";
    const EXAMPLES: &'static [&'static str] = &["GET", "POST", "PUT", "DELETE"];

    fn check(text: &str) -> Result<(), String> {
        let is_method =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if is_method {
            Ok(())
        } else {
            Err(format!("Expected a method in capitals, such as GET or POST, found {text:?}."))
        }
    }
}

/// The address that an HTTP job calls.
#[derive(Clone)]
pub enum HttpUrl {}

impl TextType for HttpUrl {
    const NAME: &'static str = "URL";
    const EXAMPLES: &'static [&'static str] =
        &["https://example.com/hook", "http://10.0.0.7:8080/run?full=1"];

    fn check(text: &str) -> Result<(), String> {
        check_http_url(text).map(drop)
    }
}

/// The address of a dkron API.
#[derive(Clone)]
pub enum Endpoint {}

impl TextType for Endpoint {
    const NAME: &'static str = "endpoint";
    const EXAMPLES: &'static [&'static str] = &["https://dkron.example.com", "http://localhost:8080"];

    fn check(text: &str) -> Result<(), String> {
        let url = check_http_url(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("Credentials do not belong into the endpoint: it is shown in messages. \
                        Use `username` and `password`, or `token`."
                .to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(
                "Expected an address without `?` and `#`, such as https://dkron.example.com.".to_owned()
            );
        }
        Ok(())
    }
}

/// An absolute http or https URL. The text itself is not quoted: it may hold a password.
fn check_http_url(text: &str) -> Result<Url, String> {
    let expected = "Expected an address such as https://example.com/path";
    let lacks_scheme = !text.is_empty() && !text.contains("://");
    let hint = if lacks_scheme { " Put `http://` or `https://` in front." } else { "" };
    let url =
        Url::parse(text).map_err(|error| format!("{expected}; what stands there is none: {error}.{hint}"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(format!("{expected}; found the scheme {scheme:?}.{hint}")),
    }
}

/// A span of time as Go writes it.
#[derive(Clone)]
pub enum Duration {}

impl TextType for Duration {
    const NAME: &'static str = "duration";
    const EXAMPLES: &'static [&'static str] = &["30s", "1h30m", "2m"];

    fn check(text: &str) -> Result<(), String> {
        positive_duration(text).map(drop)
    }

    fn same(a: &str, b: &str) -> bool {
        matches!((positive_duration(a), positive_duration(b)), (Ok(a), Ok(b)) if a == b)
    }
}

/// A span of time that dkron counts in whole seconds.
#[derive(Clone)]
pub enum Seconds {}

impl TextType for Seconds {
    const NAME: &'static str = "duration";
    const EXAMPLES: &'static [&'static str] = &["30s", "2m"];

    fn check(text: &str) -> Result<(), String> {
        whole_seconds(text).map(drop)
    }

    fn same(a: &str, b: &str) -> bool {
        Duration::same(a, b)
    }
}

/// Reads a duration that is longer than nothing.
///
/// # Errors
/// What was expected and what was found.
pub fn positive_duration(text: &str) -> Result<std::time::Duration, String> {
    let hint = "Write a number with a unit, such as \"30s\", \"5m\" or \"1h30m\".";
    let duration = duration::parse(text).map_err(|error| format!("{} {hint}", sentence(error)))?;
    let duration = std::time::Duration::try_from(duration)
        .map_err(|_| format!("Expected a positive duration, found {text:?}. {hint}"))?;
    if duration.is_zero() {
        return Err(format!("Expected a duration longer than nothing, found {text:?}. {hint}"));
    }
    Ok(duration)
}

/// Reads a duration of whole seconds.
///
/// # Errors
/// What was expected and what was found.
pub fn whole_seconds(text: &str) -> Result<u64, String> {
    let duration = positive_duration(text)?;
    if duration.subsec_nanos() == 0 {
        Ok(duration.as_secs())
    } else {
        Err(format!("Expected whole seconds, found {text:?}: dkron does not count smaller parts here."))
    }
}

/// A point in time.
#[derive(Clone)]
pub enum Instant {}

/// The form of RFC 3339 that Go reads.
static RFC3339: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)$").ok());

impl TextType for Instant {
    const NAME: &'static str = "time";
    const EXAMPLES: &'static [&'static str] = &["2031-06-30T12:00:00Z", "2031-06-30T14:00:00+02:00"];

    fn check(text: &str) -> Result<(), String> {
        instant(text).map(drop)
    }

    fn same(a: &str, b: &str) -> bool {
        matches!((instant(a), instant(b)), (Ok(a), Ok(b)) if a == b)
    }
}

/// Reads a point in time.
///
/// # Errors
/// What was expected and what was found.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    let wrong = || {
        format!(
            "Expected a date and time with a zone, such as 2031-06-30T12:00:00Z or 2031-06-30T14:00:00+02:00, found {text:?}."
        )
    };
    if !RFC3339.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// Checks that text is one of a few.
///
/// # Errors
/// What was expected and what was found.
pub fn one_of(allowed: &[&str], text: &str) -> Result<(), String> {
    if allowed.contains(&text) {
        return Ok(());
    }
    let allowed: Vec<_> = allowed.iter().map(|word| format!("{word:?}")).collect();
    Err(format!("Expected {}, found {text:?}.", allowed.join(" or ")))
}

#[cfg(test)]
mod tests;
