//! How close two runs of a schedule can be.
//!
//! Of a six-field schedule the times of one day are compared exactly. The last run of a day is compared with the
//! first one of the next if two days in a row can be meant. That finds every gap of less than a day, apart from
//! those that a change of the clocks makes. What cannot be read is not judged: dkron refuses it, or it is newer
//! than this hook.

/// Seconds of a day.
pub(crate) const DAY: u64 = 86_400;

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The smallest number of seconds between two runs, as far as it is less than a day or easily told; none where
/// the schedule has no such gap or cannot be read.
pub(crate) fn smallest(schedule: &str) -> Option<u64> {
    let body = match schedule.strip_prefix("TZ=").or_else(|| schedule.strip_prefix("CRON_TZ=")) {
        Some(prefixed) => prefixed.split_once(' ')?.1.trim(),
        None => schedule,
    };
    match body {
        "@minutely" => Some(60),
        "@hourly" => Some(3_600),
        "@daily" | "@midnight" => Some(DAY),
        _ => match body.strip_prefix("@every ") {
            Some(delay) => every(delay),
            None => cron(body), // other words with `@` have no six fields
        },
    }
}

/// The delay of `@every`, in which dkron counts whole seconds, at least one.
fn every(delay: &str) -> Option<u64> {
    let (negative, mut rest) = match delay.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, delay.strip_prefix('+').unwrap_or(delay)),
    };
    let mut seconds = 0.0;
    while !rest.is_empty() && rest != "0" {
        let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, unit) = rest.split_at(number_end);
        let unit_end =
            unit.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(unit.len());
        let (unit, next) = unit.split_at(unit_end);
        seconds += number.parse::<f64>().ok()? * unit_seconds(unit)?;
        rest = next;
    }
    // The cast drops the fraction, as dkron does.
    Some(if negative { 1 } else { (seconds as u64).max(1) })
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3_600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

fn cron(fields: &str) -> Option<u64> {
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let [second, minute, hour, day, month, weekday] = fields[..] else { return None };
    let instant = Runs { first: 0, last: 0, gap: None };
    let within_minute = instant.repeated(&values(second, 0, 59, &[])?, 1);
    let within_hour = within_minute.repeated(&values(minute, 0, 59, &[])?, 60);
    let within_day = within_hour.repeated(&values(hour, 0, 23, &[])?, 3_600);
    if two_days_in_a_row(day, month, weekday)? {
        within_day.repeated(&[0, 1], DAY).gap
    } else {
        within_day.gap
    }
}

/// A row of runs, in seconds from the start of the span that it repeats in.
struct Runs {
    first: u64,
    last: u64,
    /// Between two of them, if there are two.
    gap: Option<u64>,
}

impl Runs {
    /// The same runs at each of the rising `values`, which are `unit` seconds apart for each 1.
    fn repeated(&self, values: &[u64], unit: u64) -> Self {
        let steps = values.windows(2).map(|pair| pair[1] - pair[0]);
        let between = steps.min().map(|step| step * unit + self.first - self.last);
        Self {
            first: values.first().map_or(0, |value| value * unit) + self.first,
            last: values.last().map_or(0, |value| value * unit) + self.last,
            gap: self.gap.into_iter().chain(between).min(),
        }
    }
}

/// Whether both a day and the one after it can be meant.
fn two_days_in_a_row(day: &str, month: &str, weekday: &str) -> Option<bool> {
    let days = values(day, 1, 31, &[])?;
    let weekdays = values(weekday, 0, 6, &WEEKDAYS)?;
    let days_meet =
        are_neighbours(&days) || is_star(month) && days[0] == 1 && days.iter().any(|day| *day >= 28);
    let weekdays_meet = are_neighbours(&weekdays) || weekdays[0] == 0 && weekdays.contains(&6);
    Some(match (is_star(day), is_star(weekday)) {
        (true, true) => true,
        (true, false) => weekdays_meet,
        (false, true) => days_meet,
        (false, false) => true, // either field is enough: a date can fall on the eve of a weekday
    })
}

fn is_star(field: &str) -> bool {
    field.split(',').any(|element| matches!(element, "*" | "?" | "*/1" | "?/1"))
}

fn are_neighbours(values: &[u64]) -> bool {
    values.windows(2).any(|pair| pair[1] - pair[0] == 1)
}

/// The values that a field means, rising, at least one.
fn values(field: &str, lowest: u64, highest: u64, names: &[&str]) -> Option<Vec<u64>> {
    // dkron makes one number of the job's name here. Which one does not change how far apart the runs are.
    if field == "~" {
        return Some(vec![lowest]);
    }
    let mut values = Vec::new();
    for element in field.split(',').filter(|element| !element.is_empty()) {
        let (range, step) = match element.split_once('/') {
            Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0)?)),
            None => (element, None),
        };
        let number = |text: &str| number(text, names).filter(|number| (lowest..=highest).contains(number));
        let (start, end) = match range.split_once('-') {
            _ if range.starts_with(['*', '?']) => (lowest, highest), // dkron ignores what follows, as in `*-5`
            Some((start, end)) => (number(start)?, number(end)?),
            None if step.is_some() => (number(range)?, highest), // `5/10` counts on from 5
            None => (number(range)?, number(range)?),
        };
        values.extend((start..=end).step_by(step.unwrap_or(1)));
    }
    values.sort_unstable();
    values.dedup();
    Some(values).filter(|values| !values.is_empty())
}

fn number(text: &str, names: &[&str]) -> Option<u64> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    named.map_or_else(|| text.parse().ok(), |position| u64::try_from(position).ok())
}

#[cfg(test)]
mod tests {
    use super::smallest;

    #[test]
    fn finds_the_smallest_gap() {
        for (schedule, gap) in [
            ("* * * * * *", 1),
            ("*/15 * * * * *", 15),
            ("*-5 * * * * *", 1),
            ("0,50 * * * * *", 10), // over the minute
            ("0 * * * * *", 60),
            ("* 5 3 * * *", 1),
            ("0 5-59/10 * * * *", 600),
            ("0 0/25 * * * *", 600), // :50 to :00
            ("0 0,1 3 * * *", 60),
            ("0 0 */6 * * *", 21_600),
            ("0 0,59 0,23 * * MON-FRI", 60), // over midnight
            ("0 0,59 0,23 * * MON,WED", 3_540),
            ("0 0,59 0,23 1,31 * *", 60),
            ("0 0,59 0,23 1,31 1 *", 3_540),
            ("0 0,59 0,23 * * sat,SUN", 60),
            ("0 0,59 0,23 13 * FRI", 60),
            ("0 0 3 * * ?", 86_400),
            ("~ * * * * *", 60),
            ("0 ~ * * * *", 3_600),
            ("TZ=Europe/Berlin 30 * * * * *", 60),
            ("@minutely", 60),
            ("@midnight", 86_400),
            ("@every 90s", 90),
            ("@every 1h0.5m", 3_630),
            ("@every 1.9s", 1),
            ("@every 500ms", 1),
            ("@every -1h", 1),
            ("@every 0", 1),
        ] {
            assert_eq!(smallest(schedule), Some(gap), "{schedule}");
        }
    }

    #[test]
    fn does_not_judge_what_has_no_gap_or_cannot_be_read() {
        for schedule in [
            "0 0 3 1 * *",
            "0 0 3 * * MON",
            "@weekly",
            "@manually",
            "@at 2030-01-01T00:00:00Z",
            "@every",
            "@every 1d",
            "* * * * *",
            "61 * * * * *",
            "*/0 * * * * *",
            ", * * * * *",
            "5~ * * * * *",
            "",
        ] {
            assert_eq!(smallest(schedule), None, "{schedule}");
        }
    }
}
