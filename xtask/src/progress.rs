//! What long work says while it goes on: a spinner on a terminal, plain lines elsewhere.
//!
//! All of it goes to standard error, so that a test that must build something first can say so
//! although its standard output is captured.

use std::time::{Duration, Instant};

use console::{Term, style};
use indicatif::{ProgressBar, ProgressStyle};

const HEARTBEAT: Duration = Duration::from_secs(30);

/// One piece of work. Ends with [`Task::done`]; when dropped before that, it is shown as failed.
#[derive(Debug)]
pub struct Task {
    title: String,
    started: Instant,
    spoke: Instant,
    bar: Option<ProgressBar>,
    ended: bool,
}

impl Task {
    /// Announces `title`; `usual` says how long it takes as a rule.
    pub fn start(title: impl Into<String>, usual: &str) -> Self {
        let title = title.into();
        let announced = if usual.is_empty() { title.clone() } else { format!("{title} ({usual})") };
        let bar = Term::stderr().is_term().then(|| spinner(&announced));
        if bar.is_none() {
            say(&format!("… {announced}"));
        }
        Self { title, started: Instant::now(), spoke: Instant::now(), bar, ended: false }
    }

    /// Shows what the work is at: at once on a terminal, every half minute elsewhere.
    pub fn note(&mut self, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(note.trim().to_owned());
        } else if self.spoke.elapsed() >= HEARTBEAT {
            self.spoke = Instant::now();
            say(&format!("  {} after {}: {}", self.title, seconds(self.started.elapsed()), note.trim()));
        }
    }

    /// Ends the work well; `result` is shown behind the title.
    pub fn done(mut self, result: &str) {
        self.end(&style("✓").green().for_stderr().to_string(), result);
    }

    /// Ends the work badly; `result` is shown behind the title.
    pub fn failed(mut self, result: &str) {
        self.end(&style("✗").red().for_stderr().to_string(), result);
    }

    fn end(&mut self, mark: &str, result: &str) {
        self.ended = true;
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let separator = if result.is_empty() { "" } else { ": " };
        let time = format!("({})", seconds(self.started.elapsed()));
        say(&format!("{mark} {}{separator}{result} {}", self.title, style(time).dim().for_stderr()));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.ended {
            self.end(&style("✗").red().for_stderr().to_string(), "");
        }
    }
}

fn spinner(announced: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_prefix(announced.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed:.dim} {wide_msg:.dim}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// `0.4 s`, `12 s`, `3 min 20 s`
pub fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Prints a line of progress.
pub fn say(line: &str) {
    // Where nobody can read it there is nothing to do about it.
    let _ = Term::stderr().write_line(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let shown = |millis| seconds(Duration::from_millis(millis));
        assert_eq!(
            [shown(420), shown(9_940), shown(12_900), shown(200_000)],
            ["0.4 s", "9.9 s", "12 s", "3 min 20 s"]
        );
    }
}
