//! The time behind `@at`, read as Go reads RFC 3339: an hour may have one digit, a comma may start the fraction,
//! and an offset may reach 24:60.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Reads a time; on failure says what is wrong with it.
///
/// A time past the end of what jiff can hold (on the last day of year 9999) becomes that end.
pub(crate) fn parse(text: &str) -> Result<Timestamp, &'static str> {
    let mut reader = Reader(text.as_bytes());
    let year = reader.digits(4).ok_or("a year of four digits is expected first")?;
    reader.expect(b'-', "a hyphen is expected after the year")?;
    let month = reader.digits(2).ok_or("a month of two digits is expected after the year")?;
    reader.expect(b'-', "a hyphen is expected after the month")?;
    let day = reader.digits(2).ok_or("a day of two digits is expected after the month")?;
    reader.expect(b'T', "a capital T is expected after the date")?;
    let hour = reader.digits(2).or_else(|| reader.digits(1)).ok_or("an hour is expected after the T")?;
    reader.expect(b':', "a colon is expected after the hour")?;
    let minute = reader.digits(2).ok_or("minutes of two digits are expected after the hour")?;
    reader.expect(b':', "a colon and seconds are expected after the minutes")?;
    let second = reader.digits(2).ok_or("seconds of two digits are expected after the minutes")?;
    let nanosecond = reader.fraction();
    let offset = reader.offset()?;
    if !reader.0.is_empty() {
        return Err("something follows after the end of it");
    }
    let shown = civil(year, [month, day, hour, minute, second], nanosecond)?;
    let utc = shown.checked_sub(offset).and_then(|utc| Offset::UTC.to_timestamp(utc));
    Ok(utc.unwrap_or(Timestamp::MAX))
}

fn civil(
    year: i32,
    [month, day, hour, minute, second]: [i32; 5],
    nanosecond: i32,
) -> Result<DateTime, &'static str> {
    let small = |value: i32| i8::try_from(value).unwrap_or(i8::MAX);
    let year = i16::try_from(year).unwrap_or(i16::MAX);
    DateTime::new(year, small(month), small(day), small(hour), small(minute), small(second), nanosecond)
        .map_err(|_| "there is no such date or time of day")
}

/// What is still to be read.
struct Reader<'text>(&'text [u8]);

impl Reader<'_> {
    fn expect(&mut self, wanted: u8, problem: &'static str) -> Result<(), &'static str> {
        self.0 = self.0.strip_prefix(&[wanted]).ok_or(problem)?;
        Ok(())
    }

    /// A number of exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
    }

    /// Nanoseconds of an optional fraction; digits past the ninth are dropped.
    fn fraction(&mut self) -> i32 {
        let [b'.' | b',', digits @ ..] = self.0 else { return 0 };
        let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
        if count == 0 {
            return 0;
        }
        self.0 = &digits[count..];
        let nine =
            digits[..count].iter().map(|digit| i32::from(digit - b'0')).chain(std::iter::repeat(0)).take(9);
        nine.fold(0, |number, digit| number * 10 + digit)
    }

    /// `Z`, or a sign, two digits, a colon and two digits.
    fn offset(&mut self) -> Result<SignedDuration, &'static str> {
        const EXPECTED: &str = "Z or an offset such as +01:00 is expected after the seconds";
        let (sign, rest) = match self.0 {
            [b'Z', rest @ ..] => (0, rest),
            [b'+', rest @ ..] => (1, rest),
            [b'-', rest @ ..] => (-1, rest),
            _ => return Err(EXPECTED),
        };
        self.0 = rest;
        if sign == 0 {
            return Ok(SignedDuration::ZERO);
        }
        let hours = self.digits(2).ok_or(EXPECTED)?;
        self.expect(b':', EXPECTED)?;
        let minutes = self.digits(2).ok_or(EXPECTED)?;
        if hours > 24 || minutes > 60 {
            return Err("the offset is more than 24:60");
        }
        Ok(SignedDuration::from_mins(i64::from(sign * (hours * 60 + minutes))))
    }
}
