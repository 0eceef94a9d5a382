//! Names of time zones, judged as Go's `time.LoadLocation` judges them on a dkron server.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::error::quoted;

/// The bundled database whatever this machine has, so that every machine agrees.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone name that dkron accepts as a job's `timezone`.
///
/// That is a name of the IANA database (in its own letter case), `UTC`, `Local`, or nothing. `Local` and nothing
/// leave the schedule to the zone of the server's own clock; so does the default.
///
/// ```
/// use schedule::TimeZoneName;
///
/// let zone: TimeZoneName = "Europe/Berlin".parse()?;
/// assert_eq!(zone.to_string(), "Europe/Berlin");
///
/// let error = "europe/berlin".parse::<TimeZoneName>().unwrap_err();
/// assert!(error.to_string().contains("did you mean \"Europe/Berlin\"?"));
/// # Ok::<(), schedule::TimeZoneError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TimeZoneName {
    name: String,
    /// None stands for the zone of the server's clock.
    zone: Option<TimeZone>,
}

impl TimeZoneName {
    /// The name `UTC`.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: Some(TimeZone::UTC) }
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The zone that the name stands for; none where that is the zone of the server's own clock.
    pub fn time_zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// This name, as the time zone of a job, if it counts for a schedule without a zone of its own: dkron puts it in
    /// front of six fields, and leaves alone what starts with `@`.
    pub(crate) fn reaching(&self, schedule: &str) -> Option<&Self> {
        (self.zone.is_some() && !schedule.starts_with('@')).then_some(self)
    }
}

impl FromStr for TimeZoneName {
    type Err = TimeZoneError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let zone = match name {
            "" | "Local" => None,
            _ => Some(find(name).ok_or_else(|| TimeZoneError { name: name.to_owned() })?),
        };
        Ok(Self { name: name.to_owned(), zone })
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl PartialEq for TimeZoneName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TimeZoneName {}

/// The zone of exactly this name; the database itself would overlook the letter case.
fn find(name: &str) -> Option<TimeZone> {
    DATABASE.get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

/// A time zone name that dkron would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is no time zone that dkron knows; expected an IANA name such as \"Europe/Berlin\", or \"UTC\"{}",
    quoted(name),
    hint(name)
)]
pub struct TimeZoneError {
    name: String,
}

/// What to write instead; empty, or starting with a semicolon.
fn hint(name: &str) -> String {
    if let Some(zone) = zone_of_offset(name) {
        return format!("; for a fixed offset write \"{zone}\" (its sign is the other way round)");
    }
    nearest(name).map_or_else(String::new, |zone| format!("; did you mean \"{zone}\"?"))
}

/// `Etc/GMT-2` for `+02:00`, `+2`, `UTC+2` and the like.
fn zone_of_offset(name: &str) -> Option<String> {
    let offset = name.trim_start_matches("UTC").trim_start_matches("GMT");
    let (sign, hours) = match offset.split_at_checked(1)? {
        ("+", hours) => ('-', hours),
        ("-", hours) => ('+', hours),
        _ => return None,
    };
    let hours = hours.strip_suffix(":00").or_else(|| hours.strip_suffix("00")).unwrap_or(hours);
    let zone = format!("Etc/GMT{sign}{}", hours.parse::<u8>().ok()?);
    find(&zone).map(|_| zone)
}

/// Longer texts are not compared: no zone has such a name, and comparing costs the product of the lengths.
const LONGEST_COMPARED: usize = 64;

/// How alike two names must be (0 to 1) for one to be taken for a slip of the other.
const ALIKE: f64 = 0.75;

/// The known name that was most likely meant: the same but for case and spaces, or a city alone, or a slip.
fn nearest(name: &str) -> Option<String> {
    if name.len() > LONGEST_COMPARED {
        return None;
    }
    let wanted = name.trim().replace(' ', "_").to_lowercase();
    let likeness = |known: &str| {
        let known = known.to_lowercase();
        if known == wanted || known.rsplit('/').next() == Some(wanted.as_str()) {
            return 1.0;
        }
        if wanted.contains('/') && !wanted.ends_with('/') && known.starts_with(&wanted) {
            return 0.9; // cut short, as `America/New York` is in front of a schedule
        }
        strsim::normalized_damerau_levenshtein(&known, &wanted)
    };
    let candidates = DATABASE.available().map(|known| (likeness(known.as_str()), known));
    let (likeness, best) = candidates.max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (likeness >= ALIKE).then(|| best.to_string())
}

#[cfg(test)]
mod tests;
