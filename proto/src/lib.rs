//! The wire between Terraform and a provider: types and service code generated from
//! `proto/*.proto`, and nothing else.
//!
//! Clients are there for tests. Bytes are [`prost::bytes::Bytes`], maps are ordered. `Debug` of what
//! may hold a user's secrets shows sizes only.

mod redact;

/// The version of Terraform's plugin protocol that [`tfplugin6`] describes.
pub const PROTOCOL_VERSION: &str = "6.11";

pub use generated::{health, plugin, tfplugin6};

#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated; the .proto files explain what needs it"
)]
mod generated {
    /// Terraform's plugin protocol: the provider service.
    ///
    /// Fields of versions after [`PROTOCOL_VERSION`](crate::PROTOCOL_VERSION) are ignored when
    /// they arrive.
    pub mod tfplugin6 {
        tonic::include_proto!("tfplugin6");
    }

    /// The services of go-plugin that steer a plugin process: controller, stdio, broker.
    pub mod plugin {
        tonic::include_proto!("plugin");
    }

    /// gRPC's health service.
    pub mod health {
        tonic::include_proto!("grpc.health.v1");
    }
}
