//! What cannot work is said where it stands, before anything is written, and state keeps what it has.

mod configuration;
mod late;
mod server;
mod settings;
mod state;
pub(crate) mod tls;
