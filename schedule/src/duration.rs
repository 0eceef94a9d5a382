//! Durations as Go writes them: `1h30m`, `300ms`, `-1.5s`. dkron reads them in `@every` and in the settings of
//! its executors.
//!
//! A duration counts whole nanoseconds in 64 bits, so that about 292 years is the longest.
//!
//! ```
//! use jiff::SignedDuration;
//! use schedule::duration;
//!
//! assert_eq!(duration::parse("1h30m")?, SignedDuration::from_mins(90));
//! assert_eq!(duration::format(SignedDuration::from_millis(90_500)), "1m30.5s");
//! # Ok::<(), duration::ParseDurationError>(())
//! ```

use jiff::SignedDuration;

use crate::error::quoted;

/// One more than the longest duration, in nanoseconds: a negative one may be that long.
const LIMIT: u64 = 1 << 63;

/// Reads a duration: an optional sign, then numbers, each with a unit (`ns`, `us` or `µs`, `ms`, `s`, `m`, `h`)
/// and possibly a fraction, in any order; or just `0`.
///
/// Accepts what Go's `time.ParseDuration` accepts, with the same result.
pub fn parse(text: &str) -> Result<SignedDuration, ParseDurationError> {
    let fail = |problem| ParseDurationError { text: text.to_owned(), problem };
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(fail(Problem::Empty));
    }
    let mut total = 0;
    while !rest.is_empty() {
        let nanoseconds;
        (nanoseconds, rest) = component(rest).map_err(fail)?;
        // Two times the limit wraps around to nothing, as it does in Go.
        total = within_limit(Some(nanoseconds.wrapping_add(total))).map_err(fail)?;
    }
    match i64::try_from(total) {
        Ok(total) if negative => Ok(SignedDuration::from_nanos(-total)),
        Ok(total) => Ok(SignedDuration::from_nanos(total)),
        Err(_) if negative => Ok(SignedDuration::from_nanos(i64::MIN)),
        Err(_) => Err(fail(Problem::TooLong)),
    }
}

/// Reads one number with its unit; gives its nanoseconds and what follows.
fn component(text: &str) -> Result<(u64, &str), Problem> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(Problem::NoNumber);
    }
    let whole = within_limit(if whole.is_empty() { Some(0) } else { whole.parse().ok() })?;
    let end = rest.find(|letter: char| letter == '.' || letter.is_ascii_digit()).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let unit = unit(name)?;
    let whole = within_limit(whole.checked_mul(unit))?;
    Ok((within_limit(whole.checked_add(fraction_of(unit, fraction)))?, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()))
}

fn within_limit(nanoseconds: Option<u64>) -> Result<u64, Problem> {
    nanoseconds.filter(|nanoseconds| *nanoseconds <= LIMIT).ok_or(Problem::TooLong)
}

/// Nanoseconds in a unit.
fn unit(name: &str) -> Result<u64, Problem> {
    match name {
        "" => Err(Problem::MissingUnit),
        "ns" => Ok(1),
        "us" | "\u{b5}s" | "\u{3bc}s" => Ok(1_000), // both signs that look like a mu
        "ms" => Ok(1_000_000),
        "s" => Ok(1_000_000_000),
        "m" => Ok(60_000_000_000),
        "h" => Ok(3_600_000_000_000),
        _ => Err(Problem::UnknownUnit(name.to_owned())),
    }
}

/// The nanoseconds of `0.<digits>` units, rounded as Go rounds them: digits that do not fit are dropped, and the
/// arithmetic is that of floating point.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go's own rounding, and below 3.6e12 by construction"
)]
fn fraction_of(unit: u64, digits: &str) -> u64 {
    let mut value: u64 = 0;
    let mut scale = 1.0;
    for digit in digits.bytes() {
        let Some(next) = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit - b'0')))
            .filter(|next| value <= (LIMIT - 1) / 10 && *next <= LIMIT)
        else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// Writes a duration as Go's `Duration.String` does: `1h0m0s`, `1.5s`, `300ms`, `0s`.
///
/// What exceeds Go's 64 bits of nanoseconds is written as the longest duration.
pub fn format(duration: SignedDuration) -> String {
    let longest = if duration.is_negative() { i64::MIN } else { i64::MAX };
    let nanoseconds = i64::try_from(duration.as_nanos()).unwrap_or(longest);
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let length = nanoseconds.unsigned_abs();
    match length {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{length}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", decimal(length, 3)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(length, 6)),
        _ => {
            let minutes = length / 60_000_000_000;
            let seconds = decimal(length % 60_000_000_000, 9);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// `value` divided by ten to the power of `places`, without trailing zeros.
fn decimal(value: u64, places: usize) -> String {
    let divisor = 10_u64.pow(u32::try_from(places).unwrap_or_default());
    let text = format!("{}.{:0places$}", value / divisor, value % divisor);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text that is no duration to Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is no duration such as \"1h30m\" or \"45s\": {problem}", quoted(text))]
pub struct ParseDurationError {
    text: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("it is empty")]
    Empty,
    #[error("each part starts with a number")]
    NoNumber,
    #[error("a number has no unit (ns, us, ms, s, m or h)")]
    MissingUnit,
    #[error("there is no unit {} (only ns, us, ms, s, m and h){}", quoted(.0), unit_hint(.0))]
    UnknownUnit(String),
    #[error("it is longer than 292 years")]
    TooLong,
}

fn unit_hint(name: &str) -> &'static str {
    match name.trim() {
        trimmed if trimmed != name && unit(trimmed).is_ok() => "; remove the space",
        "d" | "day" | "days" => "; a day is 24h",
        "w" | "week" | "weeks" => "; a week is 168h",
        "H" | "hr" | "hour" | "hours" => "; an hour is 1h",
        "M" | "min" | "mins" | "minute" | "minutes" => "; a minute is 1m",
        "S" | "sec" | "secs" | "second" | "seconds" => "; a second is 1s",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
