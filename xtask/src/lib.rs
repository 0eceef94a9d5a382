//! The real parts that the project is driven with, for its own commands and for acceptance tests.
//!
//! | module | gives |
//! |---|---|
//! | [`dkron`] | real dkron nodes and clusters on free loopback ports |
//! | [`terraform`] | a folder with a configuration, and the real Terraform run in it with our provider |
//! | [`proxy`] | a proxy before dkron that counts requests and plays faults |
//! | [`provider`] | our own programs, built |
//! | [`hooks`] | the example hooks, built |
//! | [`tools`] | where the programs come from that are not ours |
//! | [`process`] | children that never outlive their handle |
//! | [`http`] | small blocking requests |
//!
//! Everything is blocking and may be used from any thread, inside and outside of an async runtime.
//! What was started is killed when its handle is dropped, also by a panic.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use xtask::{dkron::Node, provider::Profile, terraform::{Terraform, Workspace}};
//!
//! let node = Node::start()?;
//! let mut workspace = Workspace::new(&Terraform::on_path()?, Profile::Debug)?;
//! workspace.env("KRONY_ENDPOINT", node.url());
//! workspace.write("main.tf", r#"resource "krony_job" "hello" { … }"#)?;
//! workspace.apply(&[])?;
//! assert!(workspace.plan_is_empty(&[])?);
//! # Ok(())
//! # }
//! ```

pub mod cache;
pub mod dkron;
pub mod hooks;
pub mod http;
pub mod interrupt;
pub mod ports;
pub mod process;
pub mod progress;
pub mod provider;
pub mod proxy;
pub mod terraform;
pub mod tools;
