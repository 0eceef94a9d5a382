//! A framework for Terraform providers in Rust: plugin protocol 6 over gRPC, without Go.
//!
//! ```text
//! Terraform ─→ process    handshake, AutoMTLS, logs, the end of the process
//!           ─→ service    one RPC: decode, one call, encode          ←→ wire, codec
//!           ─→ erased     values ⇄ models; what state is stored when a handler fails
//!           ─→ plan       pure: defaults, computed, replaced       ←→ spelling: equality by meaning
//!           ─→ provider, resource, data_source, function, list, action     your code
//! ```
//!
//! Data goes down as arguments and comes back as return values. There is one failure channel,
//! [`Result<T, Diagnostics>`](diagnostic::Result); beside it a handler's [context](context::ResourceContext) keeps
//! what it saved and the warnings it gave.
//!
//! A provider of a screen's length:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use tfplugin::{context::{Context, ResourceContext}, diagnostic::Result, model, model::Attr};
//! use tfplugin::provider::{Configured, Offers, Provider, Settings};
//! use tfplugin::{process, resource::{NoIdentity, Resource}, service::Server};
//!
//! model! {
//!     /// Greets people.
//!     pub struct Config {
//!         /// The first word of each greeting.
//!         word: String = optional(),
//!     }
//! }
//!
//! model! {
//!     /// A greeting.
//!     pub struct Greeting {
//!         /// Whom to greet.
//!         name: String = required().replaces(),
//!         /// The whole greeting.
//!         text: String = computed(),
//!     }
//! }
//!
//! struct Greeter;
//!
//! impl Resource for Greeter {
//!     type Client = String;
//!     type Model = Greeting;
//!     type Identity = NoIdentity;
//!     const NAME: &'static str = "greeting";
//!
//!     async fn read(&self, _: &ResourceContext<String, Greeting>, state: Greeting) -> Result<Option<Greeting>> {
//!         Ok(Some(state))
//!     }
//!
//!     async fn create(
//!         &self,
//!         context: &ResourceContext<String, Greeting>,
//!         mut planned: Greeting,
//!         _config: Greeting,
//!     ) -> Result<Greeting> {
//!         let name = planned.name.known().cloned().unwrap_or_default();
//!         planned.text = Attr::Known(format!("{}, {name}!", context.client()));
//!         Ok(planned)
//!     }
//!
//!     async fn update(
//!         &self,
//!         _: &ResourceContext<String, Greeting>,
//!         _prior: Greeting,
//!         planned: Greeting,
//!         _config: Greeting,
//!     ) -> Result<Greeting> {
//!         Ok(planned)
//!     }
//!
//!     async fn delete(&self, _: &ResourceContext<String, Greeting>, _state: Greeting) -> Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! struct Example;
//!
//! impl Provider for Example {
//!     type Config = Config;
//!     type Client = String;
//!     const NAME: &'static str = "example";
//!     const ADDRESS: &'static str = "registry.terraform.io/example/example";
//!
//!     async fn configure(&self, settings: Settings<Config>) -> Result<Configured<String>> {
//!         let word = settings.config.word.known().cloned();
//!         Ok(Configured::new(word.unwrap_or_else(|| "Hello".into())))
//!     }
//!
//!     fn offers(&self) -> Offers<String> {
//!         Offers::new().resource(Greeter)
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     process::run(process::Options::new(Example::ADDRESS), Server::new(Example))
//! }
//! ```

pub mod action;
pub mod codec;
pub mod context;
pub mod data_source;
pub mod diagnostic;
pub mod docs;
mod erased;
pub mod flags;
pub mod function;
pub mod list;
pub mod model;
pub mod path;
pub mod plan;
pub mod private;
pub mod process;
pub mod provider;
pub mod resource;
pub mod schema;
pub mod service;
pub mod spelling;
pub mod testing;
pub mod value;
mod wire;
