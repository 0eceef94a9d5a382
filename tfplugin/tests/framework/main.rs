//! The framework as a provider's author meets it: a toy provider, driven by a stand-in for Terraform core and over
//! gRPC.
#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod actions;
mod deferral;
mod failures;
mod functions;
mod identity;
mod lifecycle;
mod lists;
mod pages;
mod pets;
mod random;
mod rpc;
mod state;
mod toy;

use serde_json::Value as Json;
use tfplugin::{
    diagnostic::{Diagnostics, Severity},
    testing::{Core, Failure},
};

use crate::toy::Toy;

/// The toy provider, configured, with its server at hand.
async fn core() -> (Core<Toy>, Toy) {
    let toy = Toy::default();
    let core = Core::configure(toy.clone(), &serde_json::json!({})).await.unwrap();
    (core, toy)
}

/// The attributes of an object in state.
fn stored<'a>(core: &'a Core<Toy>, type_name: &str, name: &str) -> &'a Json {
    &core.instance(type_name, name).unwrap().attributes
}

/// Findings as `severity path: summary`.
fn summaries(diagnostics: &Diagnostics) -> Vec<String> {
    let line = |found: &tfplugin::diagnostic::Diagnostic| {
        let severity = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!("{severity} {}: {}", found.path, found.summary)
    };
    diagnostics.iter().map(line).collect()
}

/// The findings with which an operation failed.
#[track_caller]
fn findings<T: std::fmt::Debug>(result: Result<T, Failure>) -> Vec<String> {
    let failure = result.unwrap_err();
    match failure.diagnostics() {
        Some(diagnostics) => summaries(diagnostics),
        None => panic!("{failure}"),
    }
}
