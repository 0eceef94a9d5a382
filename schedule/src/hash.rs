//! `~`, which dkron replaces by a number made from the job's name, so that jobs with the same schedule do not all
//! start at once.
//!
//! dkron does this to the text, before it is parsed, and counts fields by single spaces: two spaces in a row make
//! it count one field too many, and a number then comes from the range of the next field.

use std::borrow::Cow;

const SYMBOL: char = '~';

/// Names whose sums are equal modulo this get the same schedule: every divisor in [`number`] divides it.
pub(crate) const PERIOD: u64 = 840;

/// What dkron makes of a job's name: the sum of its characters' code points.
pub(crate) fn name_sum(job_name: &str) -> u64 {
    job_name.chars().map(|character| u64::from(u32::from(character))).sum()
}

/// Whether a field has a `~`.
pub(crate) fn is_in(field: &str) -> bool {
    field.contains(SYMBOL)
}

/// The schedule with each `~` replaced, for a job whose name sums up to `sum`.
pub(crate) fn expand(text: &str, sum: u64) -> Cow<'_, str> {
    let parts = || text.split(' ');
    if !text.contains(SYMBOL) || parts().any(|part| part.starts_with('@')) {
        return Cow::Borrowed(text);
    }
    let mut place = 0;
    let mut expanded = Vec::new();
    for part in parts() {
        if part.starts_with("TZ=") || part.starts_with("CRON_TZ=") {
            expanded.push(Cow::Borrowed(part));
            continue;
        }
        expanded.push(if part.contains(SYMBOL) {
            Cow::Owned(part.replace(SYMBOL, &number(place, sum).to_string()))
        } else {
            Cow::Borrowed(part)
        });
        place += 1;
    }
    Cow::Owned(expanded.join(" "))
}

/// The number for the field at `place`, counted from 0.
fn number(place: usize, sum: u64) -> u64 {
    match place {
        2 => sum % 24,
        3 => sum % 28 + 1, // every month has that day
        4 => sum % 12 + 1,
        5 => sum % 7,
        _ => sum % 60,
    }
}
