//! What the operator of a hook is told.

use super::{Enforcement, OVERRIDE_VARIABLE, OnError, Policy};
use crate::plain::excerpt;
use crate::verdict::{Finding, Path, Severity};

/// What there is to say about an object, as it is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// An error stops the operation.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// The hook's words, and which hook it was.
    pub detail: String,
    /// The part to blame, as the hook names it.
    pub path: Path,
}

/// The longest summary and the longest detail, in bytes.
const MAX_SUMMARY: usize = 200;
const MAX_DETAIL: usize = 4000;

impl Remark {
    /// What a hook found.
    pub(super) fn finding(policy: &Policy, finding: &Finding) -> Self {
        let severity = if policy.stops() { finding.severity } else { Severity::Warning };
        let summary = match excerpt(&finding.summary.replace(['\n', '\t'], " "), MAX_SUMMARY) {
            empty if empty.trim().is_empty() => "A hook objects".to_owned(),
            summary => summary,
        };
        let rule = finding.rule.as_ref().map(|rule| format!(", rule {}", excerpt(rule, MAX_SUMMARY)));
        let advice =
            if finding.severity == Severity::Error { override_advice(policy) } else { String::new() };
        let detail = format!(
            "{}\n\nSaid by {}{}.{advice}",
            excerpt(&finding.detail, MAX_DETAIL),
            policy.introduction(),
            rule.unwrap_or_default(),
        );
        Self { severity, summary, detail: detail.trim_start().to_owned(), path: finding.path.clone() }
    }

    /// Why a hook gave no answer.
    pub(super) fn failure(policy: &Policy, reason: &str) -> Self {
        let stops = policy.on_error == OnError::Fail && policy.stops_or_advises();
        let advice = if policy.on_error == OnError::Fail { override_advice(policy) } else { String::new() };
        Self {
            severity: if stops { Severity::Error } else { Severity::Warning },
            summary: "A hook could not answer".to_owned(),
            detail: format!(
                "The question went to {}. {}.{advice}",
                policy.introduction(),
                excerpt(reason, MAX_DETAIL),
            ),
            path: Path::default(),
        }
    }
}

impl Policy {
    /// Which hook it is, for people.
    fn introduction(&self) -> String {
        format!("hook {:?} (sha256:{})", self.name, self.hook.digest().short())
    }

    /// Whether a failure of the hook may stop the operation: an overridden one may not.
    fn stops_or_advises(&self) -> bool {
        self.stops() || self.enforcement == Enforcement::Advisory
    }
}

/// How an overridable hook is overridden, or that it is.
fn override_advice(policy: &Policy) -> String {
    match (policy.enforcement, policy.overridden) {
        (Enforcement::MandatoryOverridable, true) => {
            format!(" It passes because {OVERRIDE_VARIABLE} names the hook.")
        }
        (Enforcement::MandatoryOverridable, false) => {
            format!(
                " To let it pass this once, set the environment variable {OVERRIDE_VARIABLE}={}.",
                policy.name
            )
        }
        _ => String::new(),
    }
}
