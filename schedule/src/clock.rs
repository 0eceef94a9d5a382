//! What a clock on the wall of a time zone shows, and how Go moves its hands.
//!
//! Where a zone skips or repeats an hour, a date and time of day names no instant or two of them, and libraries
//! differ in which one they choose. dkron's runs depend on Go's choice, so that it is reproduced here.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// A whole second as it is shown in a zone. Nothing comes back where a move leaves the years that jiff knows.
#[derive(Clone, Copy)]
pub(crate) struct WallClock<'zone> {
    zone: &'zone TimeZone,
    /// Seconds since 1970 in UTC.
    second: i64,
    shown: DateTime,
}

impl<'zone> WallClock<'zone> {
    pub(crate) fn at(second: i64, zone: &'zone TimeZone) -> Option<Self> {
        let shown = zone.to_datetime(Timestamp::from_second(second).ok()?);
        Some(Self { zone, second, shown })
    }

    /// The clock at the instant that Go's `time.Date` chooses: the offset is looked up twice, first as if the
    /// zone were UTC, then at the instant which that offset leads to.
    fn showing(shown: DateTime, zone: &'zone TimeZone) -> Option<Self> {
        let as_utc = Offset::UTC.to_timestamp(shown).ok()?.as_second();
        let offset_at =
            |second| Some(i64::from(zone.to_offset(Timestamp::from_second(second).ok()?).seconds()));
        let guess = as_utc - offset_at(as_utc)?;
        Self::at(as_utc - offset_at(guess)?, zone)
    }

    /// Seconds since 1970 in UTC.
    pub(crate) fn second(self) -> i64 {
        self.second
    }

    pub(crate) fn date(self) -> Date {
        self.shown.date()
    }

    pub(crate) fn time(self) -> Time {
        self.shown.time()
    }

    pub(crate) fn start_of_month(self) -> Option<Self> {
        Self::showing(self.date().first_of_month().to_datetime(Time::midnight()), self.zone)
    }

    pub(crate) fn start_of_day(self) -> Option<Self> {
        Self::showing(self.date().to_datetime(Time::midnight()), self.zone)
    }

    pub(crate) fn start_of_hour(self) -> Option<Self> {
        Self::showing(self.date().at(self.time().hour(), 0, 0, 0), self.zone)
    }

    /// Back to the last full minute of UTC; a zone whose offset has seconds shows something else.
    pub(crate) fn start_of_minute(self) -> Option<Self> {
        Self::at(self.second - self.second.rem_euclid(60), self.zone)
    }

    /// The same day and time in the next month. A day that this month lacks runs over into the one after it.
    pub(crate) fn next_month(self) -> Option<Self> {
        let first = self.date().first_of_month().checked_add(1.month()).ok()?;
        let date = first.checked_add((self.date().day() - 1).days()).ok()?;
        Self::showing(date.to_datetime(self.time()), self.zone)
    }

    /// The same time on the next day.
    pub(crate) fn next_day(self) -> Option<Self> {
        Self::showing(self.date().tomorrow().ok()?.to_datetime(self.time()), self.zone)
    }

    /// So many seconds of real time later, or earlier.
    pub(crate) fn plus(self, seconds: i64) -> Option<Self> {
        Self::at(self.second.checked_add(seconds)?, self.zone)
    }
}
