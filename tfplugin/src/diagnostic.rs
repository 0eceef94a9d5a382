//! What a user is told: errors and warnings, each at an attribute where one is to blame.

use std::fmt;

use crate::path::Path;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Stops the operation.
    Error,
    /// Is shown, stops nothing.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// One line, no trailing point.
    pub summary: String,
    /// What was expected, what was found, what to do. May have several lines.
    pub detail: String,
    /// The attribute to blame; the root where it is the whole object.
    pub path: Path,
}

impl Diagnostic {
    /// An error about the whole object.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), detail: detail.into(), path: Path::root() }
    }

    /// A warning about the whole object.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// The same finding at `path`.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    /// The same finding at a top-level attribute.
    #[must_use]
    pub fn at_attribute(self, name: &str) -> Self {
        self.at(Path::attribute(name))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}: {}", self.summary)?;
        if !self.path.is_root() {
            write!(f, " (at {})", self.path)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

/// Findings, in the order in which they were made.
///
/// As the error of a [`Result`] it holds at least one error; beside a result it holds warnings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

/// The one failure channel of the framework.
pub type Result<T> = std::result::Result<T, Diagnostics>;

impl Diagnostics {
    /// No findings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all findings of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The same findings, made about a value that stands at `path`.
    #[must_use]
    pub fn under(self, path: &Path) -> Self {
        let under = |finding: Diagnostic| {
            let path = finding.path.steps().iter().fold(path.clone(), |path, step| path.step(step.clone()));
            finding.at(path)
        };
        self.into_iter().map(under).collect()
    }

    /// Keeps the value of a success; collects the findings of a failure.
    ///
    /// Lets a caller report all faults of an object at once instead of the first one.
    pub fn collect<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(findings) => {
                self.extend(findings);
                None
            }
        }
    }

    /// Whether one of the findings is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Whether there are no findings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// `Err` with all findings when one is an error, else `Ok`: for the end of a check that warns nobody.
    pub fn into_result(self) -> Result<()> {
        if self.has_errors() { Err(self) } else { Ok(()) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(findings: I) -> Self {
        Self(findings.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, finding) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(summary: &str) -> Diagnostic {
        Diagnostic::error(summary, "")
    }

    #[test]
    fn findings_say_where_and_what_to_do() {
        let mut findings = Diagnostics::new();
        findings
            .push(Diagnostic::error("Invalid colour", "Expected red.").at(Path::attribute("coat").index(1)));
        findings.push(Diagnostic::warning("Large", "").at_attribute("size"));
        findings.push(error("Failed"));
        insta::assert_snapshot!(findings, @r"
        error: Invalid colour (at coat[1]): Expected red.
        warning: Large (at size)
        error: Failed
        ");
    }

    #[test]
    fn findings_about_a_part_are_findings_about_the_whole() {
        let findings: Diagnostics =
            [error("part"), error("deeper").at(Path::attribute("b"))].into_iter().collect();
        let paths: Vec<_> = findings
            .under(&Path::attribute("a").index(1))
            .iter()
            .map(|found| found.path.to_string())
            .collect();
        assert_eq!(paths, ["a[1]", "a[1].b"]);
    }

    #[test]
    fn only_errors_fail() {
        let warning: Diagnostics = Diagnostic::warning("Large", "").into();
        assert!(!warning.has_errors() && !warning.is_empty());
        assert_eq!(warning.clone().into_result(), Ok(()));
        let mut both = warning;
        both.extend(error("Failed").into());
        assert!(both.has_errors());
        assert_eq!(both.clone().into_result(), Err(both));
    }

    #[test]
    fn findings_of_failures_are_collected_in_order() {
        let mut findings = Diagnostics::new();
        assert_eq!(findings.collect(Ok(7)), Some(7));
        assert_eq!(findings.collect::<()>(Err(error("first").into())), None);
        assert_eq!(
            findings.collect::<()>(Err([error("second"), error("third")].into_iter().collect())),
            None
        );
        let summaries: Vec<_> = findings.iter().map(|finding| finding.summary.as_str()).collect();
        assert_eq!(summaries, ["first", "second", "third"]);
    }
}
