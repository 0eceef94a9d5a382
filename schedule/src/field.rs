//! One field of a six-field schedule: its bounds, its names, and the set of values a text stands for.

use std::fmt;
use std::num::IntErrorKind;
use std::ops::RangeInclusive;

use crate::error::{FieldError, FieldProblem};

/// One of the six fields, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// 0 to 59.
    Second,
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12, or `JAN` to `DEC`.
    Month,
    /// 0 (Sunday) to 6, or `SUN` to `SAT`.
    DayOfWeek,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Field {
    pub(crate) const ALL: [Field; 6] =
        [Field::Second, Field::Minute, Field::Hour, Field::DayOfMonth, Field::Month, Field::DayOfWeek];

    /// The values that the field can take.
    pub(crate) fn bounds(self) -> RangeInclusive<u64> {
        match self {
            Field::Second | Field::Minute => 0..=59,
            Field::Hour => 0..=23,
            Field::DayOfMonth => 1..=31,
            Field::Month => 1..=12,
            Field::DayOfWeek => 0..=6,
        }
    }

    /// Names of the values, from the lowest one up, in lower case; none where only numbers are known.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Field::Month => &MONTHS,
            Field::DayOfWeek => &WEEKDAYS,
            Field::Second | Field::Minute | Field::Hour | Field::DayOfMonth => &[],
        }
    }

    /// The field's place in a schedule, from 1.
    pub(crate) fn place(self) -> usize {
        self as usize + 1
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Field::Second => "second",
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfMonth => "day-of-month",
            Field::Month => "month",
            Field::DayOfWeek => "day-of-week",
        })
    }
}

/// The values that a field's text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FieldSet {
    /// Bit `n` is set when value `n` is meant.
    bits: u64,
    /// Whether `*` or `?` stood there, which decides how the two day fields combine.
    pub(crate) star: bool,
}

impl FieldSet {
    /// Every value, as `*` says it.
    pub(crate) fn star(field: Field) -> Self {
        Self { star: true, ..Self::stepped(field.bounds(), 1) }
    }

    /// The one value `value`, which must be below 64.
    pub(crate) fn only(value: u64) -> Self {
        Self::stepped(value..=value, 1)
    }

    fn stepped(values: RangeInclusive<u64>, step: u64) -> Self {
        // A field has 60 values at most, so that a longer step reaches no second one.
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        Self { bits: values.step_by(step).fold(0, |bits, value| bits | 1 << value), star: false }
    }

    /// Reads a comma-separated list of ranges. As on dkron, empty elements are skipped, so that a lone comma
    /// is a set without values.
    pub(crate) fn parse(field: Field, text: &str) -> Result<Self, FieldError> {
        let elements = text.split(',').filter(|element| !element.is_empty());
        elements.map(|element| parse_element(field, element)).try_fold(Self::default(), |all, set| {
            let set = set.map_err(|problem| FieldError::new(field, text, problem))?;
            Ok(Self { bits: all.bits | set.bits, star: all.star || set.star })
        })
    }

    pub(crate) fn contains(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits.checked_shr(value).unwrap_or(0) & 1 == 1)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The values in rising order.
    pub(crate) fn values(self) -> impl Iterator<Item = u64> {
        (0..60).filter(move |value| self.bits >> value & 1 == 1)
    }
}

/// Reads `*`, `?`, `low` or `low-high`, with or without `/step`.
fn parse_element(field: Field, text: &str) -> Result<FieldSet, FieldProblem> {
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((_, rest)) if rest.contains('/') => return Err(FieldProblem::TooManySlashes),
        Some((range, step)) => (range, Some(step)),
    };
    let (low, high) = match range.split_once('-') {
        None => (range, None),
        Some((low, high)) => (low, Some(high)),
    };
    let (lowest, highest) = field.bounds().into_inner();

    // After `*-` dkron ignores the rest of the range, whatever it is.
    let whole = low == "*" || low == "?";
    let (start, mut end) = match high {
        _ if whole => (lowest, highest),
        None => parse_value(field, low).map(|value| (value, value))?,
        Some(high) if high.contains('-') => return Err(FieldProblem::TooManyHyphens),
        Some(high) => (parse_value(field, low)?, parse_value(field, high)?),
    };
    let step = match step {
        None => 1,
        Some(step) => {
            if high.is_none() {
                end = highest; // `5/10` counts from 5 up to the end
            }
            parse_number(step)?
        }
    };

    if start < lowest {
        return Err(FieldProblem::BelowLowest { value: start, lowest });
    }
    if end > highest {
        return Err(FieldProblem::AboveHighest { value: end, highest });
    }
    if start > end {
        return Err(FieldProblem::Backwards { start, end });
    }
    if step == 0 {
        return Err(FieldProblem::ZeroStep);
    }
    Ok(FieldSet { star: whole && step == 1, ..FieldSet::stepped(start..=end, step) })
}

/// A name of the field, in any case, or a number.
fn parse_value(field: Field, text: &str) -> Result<u64, FieldProblem> {
    let name = lower_case(text);
    let named = field.bounds().zip(field.names()).find(|(_, candidate)| **candidate == name);
    named.map_or_else(|| parse_number(text), |(value, _)| Ok(value))
}

/// A decimal number, in which Go allows a sign in front.
fn parse_number(text: &str) -> Result<u64, FieldProblem> {
    match text.parse::<i64>() {
        Ok(number) => u64::try_from(number).map_err(|_| FieldProblem::Negative(text.to_owned())),
        Err(error) => Err(match error.kind() {
            IntErrorKind::Empty => FieldProblem::Missing,
            IntErrorKind::PosOverflow => FieldProblem::TooLarge(text.to_owned()),
            IntErrorKind::NegOverflow => FieldProblem::Negative(text.to_owned()),
            _ => FieldProblem::NotANumber(text.to_owned()),
        }),
    }
}

/// Lower case as Go does it, one letter for one letter (`İ` becomes `i`, so that dkron knows `FRİ`).
fn lower_case(text: &str) -> String {
    text.chars().filter_map(|letter| letter.to_lowercase().next()).collect()
}
