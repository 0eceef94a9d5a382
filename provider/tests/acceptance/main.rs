//! The real Terraform drives the provider against the real dkron; jobs call the receiver.
//!
//! `cargo xtask test acceptance` runs this with everything in place.

#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod bad_input;
mod cluster;
mod data_sources;
mod drift;
mod faults;
mod functions;
mod import;
mod kill;
mod lifecycle;
mod parents;
mod property;
mod secrets;
mod soak;
mod support;
mod traffic;
