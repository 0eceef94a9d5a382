//! Schedules in plain English.

use jiff::SignedDuration;

use crate::cron::Cron;
use crate::field::{Field, FieldSet};
use crate::hash;
use crate::rule::{Rule, effective_delay};
use crate::zone::TimeZoneName;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How many times of day are listed one by one.
const LISTED_TIMES: usize = 4;

/// A rule, and the zone that its prefix names.
pub(crate) fn rule(rule: &Rule, zone: Option<&TimeZoneName>) -> String {
    match rule {
        Rule::Cron(cron) if cron.never_runs() => "never".to_owned(),
        Rule::Cron(cron) => in_zone(Picture::of(cron).describe(), zone),
        Rule::Every(written) => format!("every {}", delay(effective_delay(*written))),
        Rule::At(at) => format!("once, at {at}"),
        Rule::Manually => "only when it is started by hand".to_owned(),
    }
}

/// Six fields of which some have a `~`.
pub(crate) fn hashed(fields: [&str; 6], zone: Option<&TimeZoneName>) -> String {
    let text = in_zone(Picture::of_texts(fields).describe(), zone);
    format!("{text}; the job's name chooses ~")
}

fn in_zone(text: String, zone: Option<&TimeZoneName>) -> String {
    match zone {
        Some(zone) => format!("{text} ({zone})"),
        None => text,
    }
}

/// `5 minutes`, `minute`, `1 hour 30 minutes`.
fn delay(delay: SignedDuration) -> String {
    let seconds = delay.as_secs();
    let units = [(seconds / 3600, "hour"), (seconds / 60 % 60, "minute"), (seconds % 60, "second")];
    let parts: Vec<_> = units.into_iter().filter(|(count, _)| *count > 0).collect();
    match parts[..] {
        [(1, unit)] => unit.to_owned(),
        _ => parts.iter().map(|(count, unit)| counted(*count, unit)).collect::<Vec<_>>().join(" "),
    }
}

fn counted(count: i64, unit: &str) -> String {
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// What a field stands for, as one would say it.
enum Values {
    All,
    /// Every so many of them, evenly around the whole minute, hour or day.
    Each(usize),
    List(Vec<u64>),
    /// The text of a field with a `~`.
    Hashed(String),
}

impl Values {
    fn of(field: Field, set: FieldSet) -> Self {
        let values: Vec<u64> = set.values().collect();
        let all = field.bounds().count();
        let is_clock = matches!(field, Field::Second | Field::Minute | Field::Hour);
        match (values.first(), step(&values)) {
            _ if values.len() == all => Values::All,
            (Some(0), Some(step)) if is_clock && step * values.len() == all => Values::Each(step),
            _ => Values::List(values),
        }
    }

    fn of_text(field: Field, text: &str) -> Self {
        match FieldSet::parse(field, text) {
            Ok(set) if !hash::is_in(text) => Self::of(field, set),
            _ => Values::Hashed(text.to_owned()),
        }
    }

    fn is_all(&self) -> bool {
        matches!(self, Values::All)
    }

    fn is_empty(&self) -> bool {
        matches!(self, Values::List(values) if values.is_empty())
    }

    fn is_zero(&self) -> bool {
        matches!(self, Values::List(values) if values[..] == [0])
    }

    /// Whether only some of the values are meant, and not evenly.
    fn is_selection(&self) -> bool {
        matches!(self, Values::List(_) | Values::Hashed(_))
    }

    /// The values where they are few.
    fn few(&self, field: Field) -> Option<Vec<u64>> {
        let values: Vec<u64> = match self {
            Values::All | Values::Hashed(_) => return None,
            Values::Each(step) => field.bounds().step_by(*step).collect(),
            Values::List(values) => values.clone(),
        };
        (values.len() <= LISTED_TIMES).then_some(values)
    }

    /// `every minute`, `every 5 minutes`, `at minutes 3 and 7`.
    fn frequency(&self, unit: &str) -> String {
        match self {
            Values::All => format!("every {unit}"),
            Values::Each(step) => format!("every {step} {unit}s"),
            Values::List(_) | Values::Hashed(_) => format!("at {}", self.named(unit)),
        }
    }

    /// Within what a smaller unit is repeated: ` of every 5th minute`, ` of minutes 3 and 7`.
    fn within(&self, unit: &str, smaller_is_selection: bool) -> String {
        match self {
            Values::All if smaller_is_selection => format!(" of every {unit}"),
            Values::All => String::new(),
            Values::Each(step) => format!(" of every {} {unit}", ordinal(*step)),
            Values::List(_) | Values::Hashed(_) => format!(" of {}", self.named(unit)),
        }
    }

    /// `minute 5`, `minutes 1 to 4 and 9`.
    fn named(&self, unit: &str) -> String {
        match self {
            Values::Hashed(text) => format!("{unit} {text}"),
            Values::List(values) if values.len() == 1 => format!("{unit} {}", numbers(values)),
            Values::List(values) => format!("{unit}s {}", numbers(values)),
            Values::All | Values::Each(_) => format!("every {unit}"),
        }
    }

    /// `January and March to May`, by names that start at `first`.
    fn by_name(&self, unit: &str, names: &[&str], first: u64) -> String {
        let name = |value: &u64| {
            let index = usize::try_from(value - first).unwrap_or(usize::MAX);
            names.get(index).map_or_else(|| value.to_string(), |name| (*name).to_owned())
        };
        match self {
            Values::List(values) => runs(values, name),
            Values::All | Values::Each(_) | Values::Hashed(_) => self.named(unit),
        }
    }
}

/// The distance of the values when it is always the same.
fn step(values: &[u64]) -> Option<usize> {
    let distances: Vec<u64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let first = *distances.first()?;
    if distances.iter().all(|distance| *distance == first) { usize::try_from(first).ok() } else { None }
}

fn ordinal(number: usize) -> String {
    match number {
        2 => "2nd".to_owned(),
        3 => "3rd".to_owned(),
        _ => format!("{number}th"),
    }
}

/// `1 to 5, 10 and 20`, or `1 to 31 in steps of 2`.
fn numbers(values: &[u64]) -> String {
    match (step(values), values) {
        (Some(step @ 2..), [first, _, _, .., last]) => format!("{first} to {last} in steps of {step}"),
        _ => runs(values, u64::to_string),
    }
}

/// `1 to 5, 10 and 20`, by name.
fn runs(values: &[u64], name: impl Fn(&u64) -> String) -> String {
    let runs = values.chunk_by(|left, right| left + 1 == *right).flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{} to {}", name(first), name(last))],
        short => short.iter().map(&name).collect(),
    });
    and(&runs.collect::<Vec<_>>())
}

fn and(words: &[String]) -> String {
    match words {
        [] => "none".to_owned(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} and {last}", words.join(", ")),
    }
}

/// Six fields as one would say them.
struct Picture {
    second: Values,
    minute: Values,
    hour: Values,
    day_of_month: Values,
    month: Values,
    day_of_week: Values,
    needs_both_days: bool,
}

impl Picture {
    fn of(cron: &Cron) -> Self {
        Self {
            second: Values::of(Field::Second, cron.second),
            minute: Values::of(Field::Minute, cron.minute),
            hour: Values::of(Field::Hour, cron.hour),
            day_of_month: Values::of(Field::DayOfMonth, cron.day_of_month),
            month: Values::of(Field::Month, cron.month),
            day_of_week: Values::of(Field::DayOfWeek, cron.day_of_week),
            needs_both_days: cron.needs_both_days(),
        }
    }

    fn of_texts([second, minute, hour, day_of_month, month, day_of_week]: [&str; 6]) -> Self {
        let star = |field, text| FieldSet::parse(field, text).is_ok_and(|set| set.star);
        Self {
            second: Values::of_text(Field::Second, second),
            minute: Values::of_text(Field::Minute, minute),
            hour: Values::of_text(Field::Hour, hour),
            day_of_month: Values::of_text(Field::DayOfMonth, day_of_month),
            month: Values::of_text(Field::Month, month),
            day_of_week: Values::of_text(Field::DayOfWeek, day_of_week),
            needs_both_days: star(Field::DayOfMonth, day_of_month) || star(Field::DayOfWeek, day_of_week),
        }
    }

    fn describe(&self) -> String {
        let time = self.times_of_day().unwrap_or_else(|| self.frequency());
        match self.days() {
            Some(days) => format!("{time} {days}"),
            None if self.hour.is_selection() || self.times_of_day().is_some() => {
                format!("{time} every day{}", self.months())
            }
            None => format!("{time}{}", self.months()),
        }
    }

    /// `at 09:00:00 and 17:30:00`, where there are few.
    fn times_of_day(&self) -> Option<String> {
        let (seconds, minutes) = (self.second.few(Field::Second)?, self.minute.few(Field::Minute)?);
        let hours = self.hour.few(Field::Hour)?;
        let mut times = Vec::new();
        for hour in &hours {
            for minute in &minutes {
                times.extend(seconds.iter().map(|second| format!("{hour:02}:{minute:02}:{second:02}")));
            }
        }
        (times.len() <= LISTED_TIMES).then(|| format!("at {}", and(&times)))
    }

    /// Named after the smallest unit that is not at its start.
    fn frequency(&self) -> String {
        if !self.second.is_zero() {
            let minutes = self.minute.within("minute", self.second.is_selection());
            return format!("{}{minutes}{}", self.second.frequency("second"), self.hours());
        }
        if !self.minute.is_zero() || matches!(self.hour, Values::Hashed(_)) {
            return format!("{}{}", self.minute.frequency("minute"), self.hours());
        }
        match &self.hour {
            Values::List(hours) => match hour_span(hours, "00") {
                Some(span) => format!("every hour {span}"),
                None => format!("at minute 0{}", self.hours()),
            },
            hours => hours.frequency("hour"),
        }
    }

    fn hours(&self) -> String {
        let span = match &self.hour {
            Values::List(hours) => hour_span(hours, "59"),
            Values::All | Values::Each(_) | Values::Hashed(_) => None,
        };
        match span {
            Some(span) => format!(" {span}"),
            None => self.hour.within("hour", self.minute.is_selection()),
        }
    }

    /// `on Monday`, `on day 1 of the month`; none where every day is meant.
    fn days(&self) -> Option<String> {
        let restricts = |days: &Values| !days.is_all();
        match (restricts(&self.day_of_month), restricts(&self.day_of_week)) {
            (true, true) if self.day_of_month.is_empty() => Some(self.weekdays()),
            (true, true) if self.day_of_week.is_empty() => Some(self.days_of_month()),
            (true, true) if self.month.is_all() => {
                Some(format!("{} or {}", self.days_of_month(), self.weekdays()))
            }
            (true, true) => {
                let day = self.day_of_month.named("day");
                Some(format!("on {day} or on {},{}", self.weekday_names(), self.months()))
            }
            // A day must fit one of the fields only, and every day fits the other.
            _ if !self.needs_both_days => None,
            (true, false) => Some(self.days_of_month()),
            (false, true) => Some(self.weekdays()),
            (false, false) => None,
        }
    }

    fn days_of_month(&self) -> String {
        let month = if self.month.is_all() { "the month".to_owned() } else { self.month_names() };
        format!("on {} of {month}", self.day_of_month.named("day"))
    }

    fn weekdays(&self) -> String {
        format!("on {}{}", self.weekday_names(), self.months())
    }

    fn weekday_names(&self) -> String {
        self.day_of_week.by_name("weekday", &WEEKDAYS, 0)
    }

    fn months(&self) -> String {
        if self.month.is_all() { String::new() } else { format!(" in {}", self.month_names()) }
    }

    fn month_names(&self) -> String {
        self.month.by_name("month", &MONTHS, 1)
    }
}

/// `from 09:00 to 17:59`, where the hours follow one another.
fn hour_span(hours: &[u64], last_minute: &str) -> Option<String> {
    match hours {
        [first, .., last] if step(hours) == Some(1) => {
            Some(format!("from {first:02}:00 to {last:02}:{last_minute}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
