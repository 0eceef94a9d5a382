//! Errors of the dkron client as diagnostics: what was to be done, what came back, where, and what to do next.

use dkron::{Error, Left, Problem, RunError, WriteError};
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    path::Path,
};

use crate::{export::label, text::sentence};

/// A job that somebody asks for and that could not be read.
pub fn read(name: &str, error: &Error) -> Diagnostics {
    question(&format!("Job {name:?} could not be read"), error)
}

/// A job in state that could not be read. State stays as it is.
pub fn refresh(name: &str, error: &Error) -> Diagnostics {
    let mut detail = told(error);
    if let Error::Unproven { .. } | Error::LeaderUnreached { .. } = error {
        detail.push_str(
            " State stays as it is. If you know that the job is gone, remove it from state with \
             `terraform state rm`.",
        );
    }
    Diagnostic::error(format!("Job {name:?} could not be read"), detail).at(blamed(error)).into()
}

/// A job that could not be created.
pub fn create(name: &str, error: &WriteError) -> Diagnostics {
    let advice = match &error.left {
        Left::Job(_) => {
            "It is in state, marked as tainted, and the next apply replaces it; `terraform untaint` with the address of \
             this resource keeps it instead."
        }
        Left::Unknown => {
            "If the next apply finds it there, it says how to import it; with KRONY_ADOPT=identical it takes it over."
        }
        Left::Untouched | Left::Nothing => "",
    };
    write(format!("Job {name:?} was not created"), error, advice)
}

/// A job that could not be changed.
pub fn update(name: &str, error: &WriteError) -> Diagnostics {
    let advice = match &error.cause {
        Error::Missing { .. } => {
            "The next apply creates it. An ephemeral job is gone because it has run; `terraform apply -replace=…` with \
             the address of this resource creates it again."
        }
        _ => "State holds what is known; the next plan shows the rest.",
    };
    write(format!("Job {name:?} was not changed"), error, advice)
}

/// A job that could not be deleted.
pub fn delete(name: &str, error: &WriteError) -> Diagnostics {
    let advice = match &error.cause {
        Error::HasDependents { .. } => {
            "Jobs that refer to their parent as `krony_job.….name` are destroyed before it; those that write its name as \
             text may not be. To rename a parent, give it `lifecycle { create_before_destroy = true }`: its children then \
             move to the new one before the old one goes."
        }
        _ => "",
    };
    write(format!("Job {name:?} was not deleted"), error, advice)
}

fn write(summary: String, error: &WriteError, advice: &str) -> Diagnostics {
    let detail = format!("{} {}. {advice}", told(&error.cause), error.left);
    Diagnostic::error(summary, detail.trim_end().to_owned()).at(blamed(&error.cause)).into()
}

/// The error, with the setting that gives more time where there was too little of it.
fn told(error: &Error) -> String {
    let advice = match error {
        Error::Request(failure) if failure.problem == Problem::TimedOut => {
            " Where it is only slow, a longer `request_timeout` of the provider helps: dkron holds a request for 10 s \
             when its leader dies."
        }
        Error::DeadlineExceeded { .. } => " Where it is only slow, a longer time in `timeouts` helps.",
        _ => "",
    };
    sentence(error) + advice
}

/// The attribute to blame, where there is one.
fn blamed(error: &Error) -> Path {
    match error {
        Error::DeadlineExceeded { .. } => Path::attribute("timeouts"),
        Error::InvalidName { .. } => Path::attribute("name"),
        Error::ParentMissing { .. } | Error::Cycle { .. } => Path::attribute("parent_job"),
        Error::Unsupported { field: "starts_at", .. } => Path::attribute("starts_at"),
        _ => Path::root(),
    }
}

/// Jobs that are planned to come after each other, from one up to itself.
pub fn cycle(chain: &[String]) -> Diagnostics {
    let detail = format!(
        "With this plan a job would run after itself: {}, each after the next. None of them would ever run: give one of \
         them another parent.",
        chain.join(" -> ")
    );
    Diagnostic::error("Jobs run after each other in a circle", detail).at_attribute("parent_job").into()
}

/// A job that is there already, and by which id it is imported.
pub fn exists(
    wanted: &dkron::Job,
    found: &dkron::Job,
    import_id: &str,
    adopts_identical: bool,
) -> Diagnostics {
    let name = &wanted.name;
    let label = label(name);
    let mut detail = format!(
        "dkron has a job of this name, and creating another would overwrite it. To manage the one that is there, import \
         it, with the address of this resource behind `to`:\n\nimport {{\n  to = krony_job.{label}\n  id = {import_id:?}\n}}\n"
    );
    if adopts_identical {
        detail.push_str(&format!(
            "\nKRONY_ADOPT=identical does not help here, because the two differ in: {}.",
            wanted.differences(found).join(", ")
        ));
    } else {
        detail.push_str(
            "\nIf an earlier apply was killed while it created this job, KRONY_ADOPT=identical in the environment takes \
             over what equals the configuration in every field.",
        );
    }
    Diagnostic::error(format!("Job {name:?} exists already"), detail).at_attribute("name").into()
}

/// A job that a question is about, and that is not there.
pub fn no_such_job(full_name: &str, attribute: &str) -> Diagnostics {
    let detail = format!("dkron has no job {full_name:?}. Check its name and its tenant.");
    Diagnostic::error("No such job", detail).at_attribute(attribute).into()
}

/// A run that was not seen to its end.
pub fn run(full_name: &str, error: &RunError) -> Diagnostics {
    let summary = match error {
        RunError::Missing { .. } => return no_such_job(full_name, "job"),
        RunError::Lost { run: None, .. } => format!("Job {full_name:?} may not have run"),
        RunError::Lost { run: Some(_), .. } => {
            format!("The run of job {full_name:?} was not seen to its end")
        }
        RunError::NotRecorded { .. } => format!("How job {full_name:?} ran is not known"),
        _ => format!("Job {full_name:?} did not run"),
    };
    Diagnostic::error(summary, sentence(error)).into()
}

/// A question that dkron did not answer.
pub fn question(summary: &str, error: &Error) -> Diagnostics {
    let detail = match error {
        // Only resources have `timeouts`.
        Error::DeadlineExceeded { .. } => sentence(error),
        _ => told(error),
    };
    Diagnostic::error(summary, detail).into()
}

/// A client that could not be made from the provider block.
pub fn config(error: &dkron::ConfigError) -> Diagnostics {
    let attribute = match error.setting {
        "endpoints" => "endpoint",
        "auth" => "token",
        other => other,
    };
    Diagnostic::error("Invalid provider configuration", sentence(&error.problem))
        .at_attribute(attribute)
        .into()
}
