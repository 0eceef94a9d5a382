//! A schedule's text with all `~` replaced, parsed.

use jiff::{SignedDuration, Timestamp};

use crate::cron::Cron;
use crate::date;
use crate::duration;
use crate::error::{ScheduleError, shortened};
use crate::zone::TimeZoneName;

/// A text, cut where dkron cuts it.
pub(crate) struct Layout<'text> {
    /// The zone of a `TZ=` or `CRON_TZ=` prefix.
    pub(crate) zone: Option<TimeZoneName>,
    pub(crate) body: Body<'text>,
}

/// What stands behind the zone.
pub(crate) enum Body<'text> {
    /// Something that starts with `@`.
    Descriptor(&'text str),
    Fields([&'text str; 6]),
}

impl<'text> Layout<'text> {
    pub(crate) fn of(text: &'text str) -> Result<Self, ScheduleError> {
        if text.is_empty() {
            return Err(ScheduleError::Empty);
        }
        let (zone, body) = match text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) {
            None => (None, text),
            Some(prefixed) => {
                let (name, body) =
                    prefixed.split_once(' ').ok_or_else(|| ScheduleError::OnlyTimeZone(text.to_owned()))?;
                // Unlike a job's `timezone`, a prefix without a name means UTC.
                let zone = if name.is_empty() { TimeZoneName::utc() } else { name.parse()? };
                (Some(zone), body.trim())
            }
        };
        let body =
            if body.starts_with('@') { Body::Descriptor(body) } else { Body::Fields(six_fields(body)?) };
        Ok(Self { zone, body })
    }
}

fn six_fields(text: &str) -> Result<[&str; 6], ScheduleError> {
    let mut words = text.split_whitespace();
    let fields = std::array::from_fn(|_| words.next());
    let found = fields.iter().flatten().count() + words.count();
    match fields {
        [Some(second), Some(minute), Some(hour), Some(day), Some(month), Some(weekday)] if found == 6 => {
            Ok([second, minute, hour, day, month, weekday])
        }
        _ => Err(ScheduleError::FieldCount { found, hint: field_count_hint(text, found) }),
    }
}

fn field_count_hint(text: &str, found: usize) -> String {
    let trimmed = text.trim();
    if trimmed.starts_with('@') {
        return format!("; remove the space before `{}`", shortened(trimmed));
    }
    if trimmed.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("tz=")) {
        return "; one `TZ=<zone>` may stand in front, in capitals and without a space before it".to_owned();
    }
    let descriptor = format!("@{}", trimmed.to_lowercase());
    match found {
        1 if Rule::of_word(&descriptor).is_some() => format!("; did you mean `{descriptor}`?"),
        5 => format!("; put a second in front: `0 {}`", shortened(trimmed)),
        7 => "; dkron has no field for the year".to_owned(),
        _ => String::new(),
    }
}

/// When a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Cron(Cron),
    /// So long after the last run, as it was written.
    Every(SignedDuration),
    At(Timestamp),
    Manually,
}

impl Rule {
    /// The rule of a text, and the zone of its prefix.
    pub(crate) fn parse(text: &str) -> Result<(Option<TimeZoneName>, Self), ScheduleError> {
        let Layout { zone, body } = Layout::of(text)?;
        let rule = match body {
            Body::Fields(fields) => Rule::Cron(Cron::parse(fields)?),
            Body::Descriptor(text) => Self::of_descriptor(text, zone.is_some())?,
        };
        Ok((zone, rule))
    }

    fn of_descriptor(text: &str, prefixed: bool) -> Result<Self, ScheduleError> {
        if prefixed && is_own(text) {
            return Err(ScheduleError::DescriptorBehindTimeZone(text.to_owned()));
        }
        if let Some(rule) = Self::of_word(text) {
            return Ok(rule);
        }
        match text.split_once(' ') {
            Some(("@every", text)) => Ok(Rule::Every(duration::parse(text).map_err(ScheduleError::Every)?)),
            Some(("@at", time)) => {
                let at = date::parse(time);
                at.map(Rule::At).map_err(|problem| ScheduleError::At { text: time.to_owned(), problem })
            }
            _ => Err(ScheduleError::Descriptor { text: text.to_owned(), hint: descriptor_hint(text) }),
        }
    }

    /// The rule of a descriptor of one word.
    fn of_word(text: &str) -> Option<Self> {
        Some(match text {
            "@yearly" | "@annually" => Rule::Cron(Cron::yearly()),
            "@monthly" => Rule::Cron(Cron::monthly()),
            "@weekly" => Rule::Cron(Cron::weekly()),
            "@daily" | "@midnight" => Rule::Cron(Cron::daily()),
            "@hourly" => Rule::Cron(Cron::hourly()),
            "@minutely" => Rule::Cron(Cron::minutely()),
            "@manually" => Rule::Manually,
            _ => return None,
        })
    }
}

/// Whether a descriptor is dkron's addition to robfig/cron: it knows these only without a time zone in front.
fn is_own(text: &str) -> bool {
    matches!(text, "@minutely" | "@manually") || text.starts_with("@at ")
}

/// What dkron makes of the duration behind `@every`: whole seconds, and at least one.
pub(crate) fn effective_delay(written: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(written.as_secs().max(1))
}

fn descriptor_hint(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    if Rule::of_word(&lower).is_some() {
        return format!("; write `{lower}`, in lower case and without spaces around it");
    }
    match lower.split_whitespace().next() {
        Some("@reboot") => "; dkron starts nothing when it starts itself".to_owned(),
        Some(word) if word.starts_with("@every") => "; write for example `@every 1h30m`".to_owned(),
        _ => String::new(),
    }
}
