//! Hooks of all kinds against the host: well-behaved and hostile ones, written as text.

#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod cache;
mod component;
mod hostile;
mod interface;
mod policy;
mod support;
