//! Six fields, and the search for the next second that fits them.

use jiff::tz::TimeZone;

use crate::clock::WallClock;
use crate::error::FieldError;
use crate::field::{Field, FieldSet};

/// How many calendar years ahead dkron looks before it gives up.
const SEARCHED_YEARS: i16 = 5;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// The seconds that fit six fields, read in some time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cron {
    pub(crate) second: FieldSet,
    pub(crate) minute: FieldSet,
    pub(crate) hour: FieldSet,
    pub(crate) day_of_month: FieldSet,
    pub(crate) month: FieldSet,
    pub(crate) day_of_week: FieldSet,
}

impl Cron {
    /// Reads the texts of the six fields.
    pub(crate) fn parse(fields: [&str; 6]) -> Result<Self, FieldError> {
        let [second, minute, hour, day_of_month, month, day_of_week] = fields;
        Ok(Self {
            second: FieldSet::parse(Field::Second, second)?,
            minute: FieldSet::parse(Field::Minute, minute)?,
            hour: FieldSet::parse(Field::Hour, hour)?,
            day_of_month: FieldSet::parse(Field::DayOfMonth, day_of_month)?,
            month: FieldSet::parse(Field::Month, month)?,
            day_of_week: FieldSet::parse(Field::DayOfWeek, day_of_week)?,
        })
    }

    pub(crate) fn minutely() -> Self {
        Self { minute: FieldSet::star(Field::Minute), ..Self::hourly() }
    }

    pub(crate) fn hourly() -> Self {
        Self { hour: FieldSet::star(Field::Hour), ..Self::daily() }
    }

    pub(crate) fn daily() -> Self {
        Self {
            second: FieldSet::only(0),
            minute: FieldSet::only(0),
            hour: FieldSet::only(0),
            day_of_month: FieldSet::star(Field::DayOfMonth),
            month: FieldSet::star(Field::Month),
            day_of_week: FieldSet::star(Field::DayOfWeek),
        }
    }

    pub(crate) fn weekly() -> Self {
        Self { day_of_week: FieldSet::only(0), ..Self::daily() }
    }

    pub(crate) fn monthly() -> Self {
        Self { day_of_month: FieldSet::only(1), ..Self::daily() }
    }

    pub(crate) fn yearly() -> Self {
        Self { month: FieldSet::only(1), ..Self::monthly() }
    }

    /// Whether no second ever fits: a field without values, or only dates that no year has. (The search may
    /// still stray to one, in a zone whose clocks skip the first midnight of a month; it did in Asunción.)
    pub(crate) fn never_runs(&self) -> bool {
        self.has_empty_field() || !self.some_day_exists()
    }

    /// Whether a field that every run must fit has no values.
    pub(crate) fn has_empty_field(&self) -> bool {
        let days = self.needs_both_days() && (self.day_of_month.is_empty() || self.day_of_week.is_empty());
        days || [self.second, self.minute, self.hour, self.month].into_iter().any(FieldSet::is_empty)
    }

    fn some_day_exists(&self) -> bool {
        let weekday = !self.day_of_week.is_empty();
        let date = self.month.values().any(|month| {
            let days = match month {
                2 => 29,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            self.day_of_month.values().any(|day| day <= days)
        });
        if self.needs_both_days() { weekday && date } else { weekday || date }
    }

    /// Whether a day must fit both day fields. One is enough when neither has a star.
    pub(crate) fn needs_both_days(&self) -> bool {
        self.day_of_month.star || self.day_of_week.star
    }

    /// The next second after `second` that dkron runs at, both since 1970 in UTC.
    ///
    /// This walks as robfig/cron does, field by field from the month down, starting over whenever a field wraps
    /// around: what it does around a change of the zone's offset follows from that walk (a time that the zone
    /// skips is left out or runs late, one that it repeats runs twice).
    pub(crate) fn next_after(&self, second: i64, zone: &TimeZone) -> Option<i64> {
        if self.has_empty_field() {
            return None; // what robfig/cron takes minutes to find out
        }
        let clock = WallClock::at(second.checked_add(1)?, zone)?;
        let last_year = clock.date().year().saturating_add(SEARCHED_YEARS);
        let mut search = Search { cron: self, clock, aligned: false };
        while search.clock.date().year() <= last_year {
            let found =
                search.month()? && search.day()? && search.hour()? && search.minute()? && search.second()?;
            if found {
                // Where a zone repeats minutes around midnight, as Goose Bay did until 2011, robfig/cron may find
                // a time that is over; dkron then runs the job without a pause until the clock is past it.
                return Some(search.clock.second()).filter(|found| *found > second);
            }
        }
        None
    }

    fn fits_day(&self, clock: WallClock<'_>) -> bool {
        let day = self.day_of_month.contains(clock.date().day());
        let weekday = self.day_of_week.contains(clock.date().weekday().to_sunday_zero_offset());
        if self.needs_both_days() { day && weekday } else { day || weekday }
    }
}

/// Each step moves the clock to the next value that its field allows, and answers whether it got there without
/// wrapping around; none where the search cannot go on.
struct Search<'search> {
    cron: &'search Cron,
    clock: WallClock<'search>,
    /// Whether the clock has been moved: its smaller hands then stand at their start.
    aligned: bool,
}

impl<'search> Search<'search> {
    /// Puts the smaller hands to their start before the first move.
    fn align(&mut self, start: impl Fn(WallClock<'search>) -> Option<WallClock<'search>>) -> Option<()> {
        if !self.aligned {
            self.aligned = true;
            self.clock = start(self.clock)?;
        }
        Some(())
    }

    fn month(&mut self) -> Option<bool> {
        while !self.cron.month.contains(self.clock.date().month()) {
            self.align(WallClock::start_of_month)?;
            self.clock = self.clock.next_month()?;
            if self.clock.date().month() == 1 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn day(&mut self) -> Option<bool> {
        while !self.cron.fits_day(self.clock) {
            self.align(WallClock::start_of_day)?;
            let before = self.clock.second();
            self.clock = back_to_midnight(self.clock.next_day()?)?;
            if self.clock.second() <= before {
                return None; // a zone that skipped a whole day; robfig/cron would never come back
            }
            if self.clock.date().day() == 1 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn hour(&mut self) -> Option<bool> {
        while !self.cron.hour.contains(self.clock.time().hour()) {
            self.align(WallClock::start_of_hour)?;
            self.clock = self.clock.plus(HOUR)?;
            if self.clock.time().hour() == 0 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn minute(&mut self) -> Option<bool> {
        while !self.cron.minute.contains(self.clock.time().minute()) {
            self.align(WallClock::start_of_minute)?;
            self.clock = self.clock.plus(MINUTE)?;
            if self.clock.time().minute() == 0 {
                return Some(false);
            }
        }
        Some(true)
    }

    fn second(&mut self) -> Option<bool> {
        while !self.cron.second.contains(self.clock.time().second()) {
            self.aligned = true;
            self.clock = self.clock.plus(1)?;
            if self.clock.time().second() == 0 {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// A day that has no midnight begins an hour off; whole hours bring the next one back to it.
fn back_to_midnight(clock: WallClock<'_>) -> Option<WallClock<'_>> {
    match i64::from(clock.time().hour()) {
        0 => Some(clock),
        late @ 13.. => clock.plus((24 - late) * HOUR),
        early => clock.plus(-early * HOUR),
    }
}
