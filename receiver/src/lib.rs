//! Records what jobs call, and answers questions about it.
//!
//! ```text
//! listener → serve → app (routes) → Receiver (one lock) → Store → Times, Call
//! ```
//!
//! - `serve` accepts connections and stops gracefully; `server` runs it within a test's process.
//! - `app` has the routes; `json` writes the long answers piece by piece; `page.html` is the live page.
//! - `receiver` is the shared handle, and waits.
//! - `store` is the record: tokens, the bound on memory, who waits.
//! - `times` holds 8 bytes per call, `call` what is kept of the last calls in detail.
//!
//! The README lists the routes.

mod app;
mod call;
mod json;
mod receiver;
mod serve;
mod server;
mod store;
mod times;

pub use app::app;
pub use call::{BODY_KEPT, Call, HEADERS_KEPT, QUERY_KEPT};
pub use receiver::{Limits, Outcome, Receiver, Wait};
pub use serve::serve;
pub use server::Server;
pub use store::{CALLS_IN_DETAIL, Totals};
