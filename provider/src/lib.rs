//! The krony provider: where Terraform and dkron meet.
//!
//! ```text
//! Terraform ─→ tfplugin ─→ job, list, data, action   attributes ⇄ what dkron knows; rules at plan
//!                       ─→ functions     pure
//!                       ─→ client        the configured dkron client
//!                       ─→ dkron         trusted reads, verified writes ─→ dkron
//! changes:  job ─→ hooks: may they be planned and written? ─→ diagnostics
//! errors:   dkron ─→ problem ─→ diagnostics
//! settings: provider block and environment ─→ settings ─→ dkron::Config
//! ```

pub mod action;
pub mod client;
pub mod data;
pub mod export;
pub mod full_name;
pub mod functions;
pub mod hook_command;
pub mod hooks;
pub mod job;
pub mod lineage;
pub mod list;
pub mod problem;
pub mod provider;
pub mod selection;
pub mod settings;
pub mod text;
