//! A client for dkron's REST API whose reads can be trusted and whose writes are verified.
//!
//! dkron answers from whatever the asked node happens to know, acknowledges writes with an echo of
//! the request and lets a starting run undo an update. This crate turns that into answers one can
//! build on:
//!
//! - [`Client::read`] says that a job is absent only with proof, and reports a difference only from
//!   the leader.
//! - [`Client::create`], [`Client::update`] and [`Client::delete`] look first, write, read back until
//!   the write shows, and say in [`WriteError::left`] what is there when they fail.
//! - One [retry policy](Retry) carries every call through the death of a leader.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use dkron::{Client, Config, Job, Scope};
//! use std::time::Duration;
//!
//! let client = Client::new(Config::new(["http://127.0.0.1:8080".parse()?]))?;
//! let scope = Scope::lasting(Duration::from_secs(300));
//! let job = Job { name: "backup".into(), schedule: "@daily".into(), ..Job::default() };
//! let stored = client.create(&scope, &job, |seen| println!("{} exists now", seen.name)).await?;
//! assert!(stored.same_meaning(&job));
//! # Ok(())
//! # }
//! ```
//!
//! How a call flows: [`client`](Client) → `operation` (one call: scope, patience) → `trust` (may this
//! answer be believed?) → `transport` (one HTTP exchange) and back as return values.

pub mod canonical;
mod config;
mod error;
mod executions;
mod job;
mod query;
mod run;
mod scope;

mod client;
mod locks;
mod moment;
mod operation;
mod retry;
mod settle;
mod transport;
mod trust;
mod write;

#[cfg(test)]
mod fake;

pub use client::Client;
pub use config::{Auth, Config, ConfigError, Header, Retry, Tls};
pub use error::{Error, Left, Problem, RequestError, WriteError};
pub use executions::Execution;
pub use job::{Job, RESERVED_METADATA};
pub use query::{Filter, Member};
pub use run::{Run, RunError};
pub use scope::Scope;
