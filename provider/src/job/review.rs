//! Hooks judge a job: before it is planned, and before it is written.

use std::sync::Arc;

use hooks::policy::Policies;
use hooks::request::{Operation, Request, Stage, Versions};
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics, Result, Severity},
    path::Path,
};

use super::{Context, canonical, identity, model::Job};
use crate::{
    full_name,
    hooks::{Validation, review},
};

/// A change that is judged. Write-only attributes are [carried over](super::secret::carry) to the planned job.
pub(super) enum Change<'a> {
    Create { planned: &'a Job },
    Update { prior: &'a Job, planned: &'a Job },
    Delete { prior: &'a Job },
}

impl<'a> Change<'a> {
    /// To a planned job that was `prior` before.
    pub(super) fn to(prior: Option<&'a Job>, planned: &'a Job) -> Self {
        prior.map_or(Self::Create { planned }, |prior| Self::Update { prior, planned })
    }

    /// The job that the user wrote, and to which paths lead.
    fn subject(&self) -> &'a Job {
        match self {
            Self::Create { planned } | Self::Update { planned, .. } => planned,
            Self::Delete { prior } => prior,
        }
    }

    fn request(&self, stage: Stage, reveal: bool) -> Request {
        let shown = |job: &Job| canonical::planned(job, reveal);
        let (operation, prior, planned) = match self {
            Self::Create { planned } => (Operation::Create, None, Some(shown(planned))),
            Self::Update { prior, planned } => (Operation::Update, Some(shown(prior)), Some(shown(planned))),
            Self::Delete { prior } => (Operation::Delete, Some(shown(prior)), None),
        };
        Request {
            resource_type: "krony_job".to_owned(),
            operation,
            stage,
            prior,
            planned,
            tenant: tenant(self.subject()),
            versions: Versions::current(),
        }
    }
}

/// Whose job it is. One that names no tenant, but is called like a tenant's, is judged as that tenant's.
fn tenant(job: &Job) -> Option<String> {
    let named = identity::tenant(job).map(ToOwned::to_owned);
    let of_name = || Some(full_name::split(identity::full_name(job).known()?)?.0.to_owned());
    named.or_else(of_name)
}

/// What the hooks say about a job of configuration.
pub(super) async fn check(validation: Validation, config: &Job) -> Diagnostics {
    let planned = canonical::configured(config, &validation.tenant);
    let judged = judge(validation.policies, Stage::Validate, &Change::Create { planned: &planned }).await;
    judged.unwrap_or_else(|findings| findings)
}

/// Asks the hooks about a change. Warnings are shown in any case.
///
/// # Errors
/// When one of them refuses it.
pub(super) async fn expect_approval(context: &Context, stage: Stage, change: Change<'_>) -> Result<()> {
    let policies = &context.client().policies;
    if policies.is_empty() {
        return Ok(());
    }
    let found = judge(policies.clone(), stage, &change).await?;
    if found.has_errors() {
        return Err(found);
    }
    found.into_iter().for_each(|warning| context.warn(warning));
    Ok(())
}

/// Tells what the hooks say about a job that stays as it is: nothing is about to be written, so nothing is stopped, not
/// even the destruction of the job, before which Terraform plans it once more.
///
/// # Errors
/// When the question itself failed.
pub(super) async fn advise(context: &Context, job: &Job) -> Result<()> {
    let policies = &context.client().policies;
    if policies.is_empty() {
        return Ok(());
    }
    let change = Change::Update { prior: job, planned: job };
    for mut finding in judge(policies.clone(), Stage::Plan, &change).await? {
        if finding.severity == Severity::Error {
            finding.severity = Severity::Warning;
            finding.detail += "\n\nThe job stays as it is, so nothing is stopped. A change of it would be.";
        }
        context.warn(finding);
    }
    Ok(())
}

async fn judge(policies: Arc<Policies>, stage: Stage, change: &Change<'_>) -> Result<Diagnostics> {
    let revealed = policies.reveals().then(|| change.request(stage, true));
    let request = change.request(stage, false);
    let path =
        |path: &hooks::verdict::Path| -> (Path, bool) { canonical::attribute_path(change.subject(), path) };
    let found = review(policies, request, revealed, path).await?;
    Ok(match change {
        Change::Delete { prior } => found.into_iter().map(|finding| about_removal(finding, prior)).collect(),
        Change::Create { .. } | Change::Update { .. } => found,
    })
}

/// Terraform cannot say which resource a finding is about when nothing of it is left in configuration.
fn about_removal(mut finding: Diagnostic, prior: &Job) -> Diagnostic {
    if let Some(name) = identity::full_name(prior).known() {
        finding.detail += &format!("\n\nIt is about the removal of the job {name:?}.");
    }
    finding
}
