//! The job's place behind its parent: no cycles, and no link that only one side knows of.

use tfplugin::diagnostic::{Diagnostic, Result};

use super::Context;
use crate::{
    client::{Krony, scope},
    problem,
    text::sentence,
};

/// Refuses a plan by which a job would come after itself, as far as the jobs of this process are planned already.
pub(super) fn check_plan(client: &Krony, wanted: &dkron::Job) -> Result<()> {
    match client.lineage.plan(&wanted.name, &wanted.parent_job) {
        Some(chain) => Err(problem::cycle(&chain)),
        None => Ok(()),
    }
}

/// Whether the parent of a job that was read knows of it, with a warning if it does not: dkron never runs the job
/// then. A parent that was read before and knows of it costs no request.
pub(super) async fn is_linked(context: &Context, client: &dkron::Client, child: &dkron::Job) -> bool {
    let lineage = &context.client().lineage;
    let (child, parent) = (&child.name, &child.parent_job);
    if parent.is_empty() || lineage.lists(parent, child) {
        return true;
    }
    let lists = |parent: &dkron::Job| parent.dependent_jobs.contains(child);
    let (linked, warning) = match client.read(&scope(context), parent, lists).await {
        Ok(read) => {
            lineage.note(parent, read.as_ref());
            if read.as_ref().is_some_and(lists) {
                return true;
            }
            (false, lost(child, parent, read.is_some()))
        }
        Err(error) => {
            let detail = format!(
                "Whether job {parent:?} runs job {child:?} could not be found out. {}",
                sentence(&error)
            );
            (true, Diagnostic::warning("The parent could not be read", detail))
        }
    };
    context.warn(warning.at_attribute("parent_job"));
    linked
}

fn lost(child: &str, parent: &str, exists: bool) -> Diagnostic {
    let why = if exists {
        "does not list it any more, so dkron does not run it. Somebody has written the parent without its list of \
         dependents, which loses them up to dkron 4.0.8"
    } else {
        "does not exist, so dkron does not run it"
    };
    let detail = format!(
        "Job {child:?} is to run after job {parent:?}, but that job {why}. State shows the job without a parent; an \
         apply of the configuration links the two again."
    );
    Diagnostic::warning("The job has lost its parent", detail)
}
