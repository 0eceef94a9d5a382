//! What can go wrong between core and a provider.

use std::fmt;

use thiserror::Error;
use tonic::Status;

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    path::Path,
};

/// Why core did not get on.
#[derive(Debug, Error)]
pub enum Failure {
    /// The provider answered with errors, as it should where something is wrong.
    #[error("{rpc} was answered with\n{diagnostics}")]
    Diagnostics {
        /// The RPC.
        rpc: &'static str,
        /// Its findings, warnings included.
        diagnostics: Diagnostics,
    },
    /// The provider broke a rule: Terraform would call that a fault of the provider.
    #[error("the answer to {rpc} breaks a rule: {violation}")]
    Violation {
        /// The RPC.
        rpc: &'static str,
        /// What was broken where.
        violation: Violation,
    },
    /// The provider did not answer.
    #[error("{rpc} was not answered: {status}")]
    Unanswered {
        /// The RPC.
        rpc: &'static str,
        /// What gRPC says.
        status: Status,
    },
    /// The provider asked to wait, as it may where Terraform can.
    #[error("{rpc} was deferred")]
    Deferred {
        /// The RPC.
        rpc: &'static str,
    },
    /// A function failed.
    #[error("the function failed: {text}")]
    Function {
        /// Why, as it stands in a sentence of Terraform's.
        text: String,
        /// The argument to blame, counted from 0.
        argument: Option<usize>,
    },
    /// Terraform itself would not get as far as to ask the provider.
    #[error("Terraform itself refuses: {0}")]
    Refused(Diagnostic),
}

impl Failure {
    /// What the provider found wrong, if that is how it failed.
    pub fn diagnostics(&self) -> Option<&Diagnostics> {
        match self {
            Self::Diagnostics { diagnostics, .. } => Some(diagnostics),
            Self::Violation { .. }
            | Self::Unanswered { .. }
            | Self::Deferred { .. }
            | Self::Function { .. }
            | Self::Refused(_) => None,
        }
    }

    /// The rule that the provider broke and where, if that is how it failed.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violation { violation, .. } => Some(violation),
            Self::Diagnostics { .. }
            | Self::Unanswered { .. }
            | Self::Deferred { .. }
            | Self::Function { .. }
            | Self::Refused(_) => None,
        }
    }

    pub(super) fn refused(detail: impl Into<String>) -> Self {
        Self::Refused(Diagnostic::error("Cannot go on", detail))
    }
}

/// A broken rule. Values appear in it: it is for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// Where.
    pub path: Path,
    /// What was found.
    pub found: String,
}

impl Violation {
    pub(super) fn new(rule: Rule, path: &Path, found: impl Into<String>) -> Self {
        Self { rule, path: path.clone(), found: found.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; found at {}: {}", self.rule, self.path, self.found)
    }
}

/// What core demands of a provider's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The schema makes sense.
    Schema,
    /// A finding is an error or a warning.
    Severity,
    /// A value fits its schema.
    Conforms,
    /// A value outside of plans is known in all its parts.
    WhollyKnown,
    /// What was asked for is there.
    Present,
    /// A write-only attribute is null in all that a provider answers.
    WriteOnly,
    /// A plan takes configured values as they are and invents values only for computed attributes.
    PlanFollowsConfig,
    /// A path that calls for a replacement is one of the object.
    ReplacePath,
    /// The plan made during apply differs from the first one only where that one had unknown values.
    FinalPlan,
    /// What was applied is what was planned.
    ResultFollowsPlan,
    /// What was destroyed is gone.
    Destroyed,
    /// An import finds one object, of the type that was asked for.
    OneImport,
    /// Only where Terraform can wait, a provider may ask it to.
    Deferral,
    /// A plan to destroy is null.
    DestroyPlan,
    /// A function gives the same result for the same arguments.
    PureFunction,
    /// A generated configuration sets what may be set, and all that must be.
    GeneratedConfig,
    /// An action ends with one event that says so.
    Completed,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schema => "a schema must make sense",
            Self::Severity => "a finding is an error or a warning",
            Self::Conforms => "a value must fit its schema",
            Self::WhollyKnown => "all must be known by now",
            Self::Present => "there must be an object",
            Self::WriteOnly => "a write-only attribute must be null",
            Self::PlanFollowsConfig => "a plan must follow the configuration",
            Self::ReplacePath => "a path that calls for a replacement must exist",
            Self::FinalPlan => {
                "the plan made during apply must be the first one with unknown values filled in"
            }
            Self::ResultFollowsPlan => "what was applied must be what was planned",
            Self::Destroyed => "what was destroyed must be gone",
            Self::OneImport => "an import must find one object of the type",
            Self::Deferral => "only a Terraform that can wait may be asked to",
            Self::DestroyPlan => "a plan to destroy must be null",
            Self::PureFunction => "the same arguments must give the same result",
            Self::GeneratedConfig => "a generated configuration must be valid",
            Self::Completed => "an action must end with one event that says so",
        })
    }
}
