//! The crate seen from outside: against what dkron answered, and by properties.

#![allow(clippy::unwrap_used, reason = "a helper's panic is a failed test")]

mod golden;
mod properties;
