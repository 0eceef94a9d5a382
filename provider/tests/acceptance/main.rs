//! The real Terraform drives the provider against the real dkron; jobs call the receiver.
//!
//! `cargo xtask test acceptance` runs this with everything in place.

#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod action;
mod bad_input;
mod cluster;
mod data_sources;
mod drift;
mod executors;
mod export;
mod faults;
mod functions;
mod hook_projects;
mod hooks;
mod identity;
mod import;
mod kill;
mod lifecycle;
mod moved;
mod parents;
mod property;
mod query;
mod secrets;
mod soak;
mod support;
mod tenant;
mod traffic;
mod write_only;
