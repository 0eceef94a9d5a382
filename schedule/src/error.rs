//! What is said about a schedule that dkron would refuse: what was expected, what was found, where, and what
//! to write instead.

use crate::duration::ParseDurationError;
use crate::field::Field;
use crate::zone::TimeZoneError;

/// A schedule that dkron would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Nothing was written.
    #[error(
        "a schedule is expected, nothing was found; write for example `0 0 3 * * *` (daily at 03:00:00) or \
         `@every 5m`"
    )]
    Empty,
    /// Not six fields.
    #[error(
        "{found} {} found; dkron wants 6: second minute hour day-of-month month day-of-week{hint}",
        if *found == 1 { "field" } else { "fields" }
    )]
    FieldCount {
        /// How many there are.
        found: usize,
        /// What to write instead; empty, or starting with a semicolon.
        hint: String,
    },
    /// A field that cannot be read.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A text that starts with `@` and is none of those that dkron knows.
    #[error(
        "{} is no descriptor of dkron, which knows @yearly @annually @monthly @weekly @daily @midnight @hourly \
         @minutely @manually, `@every <duration>` and `@at <time>`{hint}",
        quoted(text)
    )]
    Descriptor {
        /// The descriptor as it was found.
        text: String,
        /// What to write instead; empty, or starting with a semicolon.
        hint: String,
    },
    /// A descriptor that stands behind a time zone, where dkron does not know it.
    #[error("dkron wants no time zone in front of {}; remove it", quoted(.0))]
    DescriptorBehindTimeZone(String),
    /// `@every` with something that is no duration.
    #[error("`@every` wants a duration: {0}")]
    Every(ParseDurationError),
    /// `@at` with something that is no time.
    #[error(
        "`@at` wants an RFC 3339 time such as 2030-12-31T23:59:00Z or 2030-12-31T23:59:00+01:00, found {}: \
         {problem}",
        quoted(text)
    )]
    At {
        /// What stands behind `@at `.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `TZ=` or `CRON_TZ=` with something that is no time zone.
    #[error(transparent)]
    TimeZone(#[from] TimeZoneError),
    /// `TZ=` or `CRON_TZ=`, and nothing behind the zone.
    #[error("a space and a schedule are expected after {}", quoted(.0))]
    OnlyTimeZone(String),
    /// A schedule that becomes wrong when `~` is replaced by the number made from the job's name.
    #[error("{} `~` becomes a number, which makes it {}: {error}{hint}", for_whom(job.as_deref()), quoted(expanded))]
    Hash {
        /// The job; none where the schedule is wrong for every job.
        job: Option<String>,
        /// The schedule with numbers in place of `~`.
        expanded: String,
        /// What is wrong with it then.
        error: Box<ScheduleError>,
        /// What to write instead; empty, or starting with a semicolon.
        hint: &'static str,
    },
}

fn for_whom(job: Option<&str>) -> String {
    job.map_or_else(
        || "wrong for every job name:".to_owned(),
        |job| format!("wrong for the job {}:", quoted(job)),
    )
}

/// A field that dkron cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field {} ({field}) is {}: {problem}{}", field.place(), quoted(text), problem.hint(*field))]
pub struct FieldError {
    field: Field,
    text: String,
    problem: FieldProblem,
}

impl FieldError {
    pub(crate) fn new(field: Field, text: &str, problem: FieldProblem) -> Self {
        Self { field, text: text.to_owned(), problem }
    }

    /// Which field it is.
    pub fn field(&self) -> Field {
        self.field
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldProblem {
    #[error("a number is missing beside a hyphen or a slash")]
    Missing,
    #[error("{} is not a number", quoted(.0))]
    NotANumber(String),
    #[error("{} is negative", quoted(.0))]
    Negative(String),
    #[error("{} is too large", quoted(.0))]
    TooLarge(String),
    #[error("{value} is below {lowest}, the lowest value")]
    BelowLowest { value: u64, lowest: u64 },
    #[error("{value} is above {highest}, the highest value")]
    AboveHighest { value: u64, highest: u64 },
    #[error("the range starts at {start} and ends before that, at {end}")]
    Backwards { start: u64, end: u64 },
    #[error("a step is 1 or more")]
    ZeroStep,
    #[error("a range has one hyphen")]
    TooManyHyphens,
    #[error("a range has one slash")]
    TooManySlashes,
}

impl FieldProblem {
    /// What to write instead; empty, or starting with a semicolon.
    fn hint(&self, field: Field) -> String {
        let (lowest, highest) = field.bounds().into_inner();
        match self {
            Self::NotANumber(found) => format!("; {}", unknown_word(field, found)),
            Self::AboveHighest { value: 7, .. } if field == Field::DayOfWeek => "; Sunday is 0".to_owned(),
            Self::AboveHighest { value: 24, .. } if field == Field::Hour => "; midnight is 0".to_owned(),
            Self::AboveHighest { value: 60, .. } if field == Field::Second => {
                "; the next minute starts at 0".to_owned()
            }
            Self::AboveHighest { value: 60, .. } if field == Field::Minute => {
                "; the next hour starts at 0".to_owned()
            }
            Self::Backwards { start, end } => {
                format!("; write {},{}", range(*start, highest), range(lowest, *end))
            }
            _ => String::new(),
        }
    }
}

fn range(start: u64, end: u64) -> String {
    if start == end { start.to_string() } else { format!("{start}-{end}") }
}

/// What to write in place of a word that other schedulers may know.
fn unknown_word(field: Field, found: &str) -> String {
    let upper = found.to_ascii_uppercase();
    let letters = upper.trim_matches(|letter: char| letter.is_ascii_digit());
    match letters {
        "L" | "LW" if field == Field::DayOfMonth => {
            "dkron has no `L` (last day); days up to 28 are in every month".to_owned()
        }
        "L" => "dkron has no `L` (last weekday of the month)".to_owned(),
        "W" => "dkron has no `W` (nearest weekday)".to_owned(),
        "H" => "dkron writes `~` for a number made from the job's name".to_owned(),
        _ if letters.starts_with("H(") => "dkron writes `~` for a number made from the job's name".to_owned(),
        _ if found.contains('#') => "dkron has no `#` (nth weekday of the month)".to_owned(),
        _ => named_elsewhere(&upper).unwrap_or_else(|| expected(field)),
    }
}

/// For `MONDAY`, or `MON` in a field other than day-of-week.
fn named_elsewhere(word: &str) -> Option<String> {
    let short = word.get(..3)?;
    let owner = |field: &Field| field.names().contains(&short.to_ascii_lowercase().as_str());
    let field = Field::ALL.into_iter().find(owner)?;
    Some(format!("write {short}, in field {} ({field})", field.place()))
}

fn expected(field: Field) -> String {
    let (lowest, highest) = field.bounds().into_inner();
    let names = field.names();
    let name =
        names.first().map_or_else(String::new, |name| format!(", a name such as {}", name.to_uppercase()));
    format!(
        "expected `*`, `?`, `~`, {lowest} to {highest}{name}, or ranges (a-b), steps (a/n) and lists (a,b) of them"
    )
}

/// How much of a user's text a message shows, in characters.
const SHOWN: usize = 60;

/// The text in quotes, fit for a message.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text))
}

/// The text fit for a message: control characters escaped, and cut when it is long.
pub(crate) fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    format!("{}{cut}", shown.escape_debug())
}

#[cfg(test)]
mod tests;
