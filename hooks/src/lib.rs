//! Hosts WebAssembly modules that judge what is about to be planned and written.
//!
//! ```text
//! bytes ─→ code     text, module or component → machine code   ←→ cache: sealed, on disk
//!       ─→ guest    which interface does it speak? linked, side by side: v0_1, core_json
//!       ─→ host     one call: a fresh store, fuel, clock, memory, size of the answer
//!       ─→ policy   which hooks are asked, and what their answers mean
//! ```
//!
//! A hook is a pure function: the same request gets the same answer everywhere. It sees nothing but its settings and
//! the request, and its only way out is the answer, and a log. What it does wrong becomes an error that says so.
//!
//! The crate knows nothing of Terraform, dkron or HTTP: a request holds JSON with [markers](request::unknown) in the
//! places of values that are not known or not to be seen.

pub mod author;
pub mod cache;
mod code;
pub mod digest;
pub mod error;
mod guest;
pub mod host;
pub mod limits;
pub mod plain;
pub mod policy;
pub mod request;
pub mod verdict;

pub use self::guest::Wasi;

/// Version of the interface that this host speaks.
pub const INTERFACE_VERSION: &str = "0.1.0";

/// The interface, for authors of hooks.
pub const WIT: &str = include_str!("../wit/hooks.wit");
