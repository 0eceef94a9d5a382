//! The provider itself, and the table of what it offers.

use std::{future::Future, sync::Arc};

use crate::{
    data_source::DataSource,
    diagnostic::{Diagnostics, Result},
    erased::{AnyDataSource, AnyResource, TypedDataSource, TypedResource},
    model::Model,
    resource::Resource,
};

/// A Terraform provider, as its author writes it.
pub trait Provider: Send + Sync + 'static {
    /// The provider block.
    type Config: Model;
    /// What resources and data sources work with.
    type Client: Send + Sync + 'static;

    /// The prefix of its types: `krony` of `krony_job`.
    const NAME: &'static str;
    /// Where it comes from: `registry.terraform.io/krony-cloud/krony`.
    const ADDRESS: &'static str;

    /// Checks across attributes of the provider block, in which anything may be unknown.
    fn check(&self, _config: &Self::Config) -> Diagnostics {
        Diagnostics::new()
    }

    /// Makes the client. Called once per plan or apply; settings may be unknown during a plan, which is no error.
    fn configure(
        &self,
        settings: Settings<Self::Config>,
    ) -> impl Future<Output = Result<Configured<Self::Client>>> + Send;

    /// Everything that the provider offers.
    fn offers(&self) -> Offers<Self::Client>;
}

/// What a provider is configured with.
pub struct Settings<M> {
    /// The provider block.
    pub config: M,
    /// The version of the Terraform that asks; OpenTofu sends its own.
    pub terraform_version: String,
}

/// A configured provider.
pub struct Configured<C> {
    /// What resources and data sources work with.
    pub client: C,
    /// What the user should know about the configuration.
    pub warnings: Diagnostics,
}

/// The resources and data sources of a provider whose client is `C`.
pub struct Offers<C> {
    pub(crate) resources: Vec<Arc<dyn AnyResource<C>>>,
    pub(crate) data_sources: Vec<Arc<dyn AnyDataSource<C>>>,
}

impl<C: Send + Sync + 'static> Offers<C> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { resources: Vec::new(), data_sources: Vec::new() }
    }

    /// Adds a resource.
    #[must_use]
    pub fn resource(mut self, resource: impl Resource<Client = C>) -> Self {
        self.resources.push(Arc::new(TypedResource::new(resource)));
        self
    }

    /// Adds a data source.
    #[must_use]
    pub fn data_source(mut self, data_source: impl DataSource<Client = C>) -> Self {
        self.data_sources.push(Arc::new(TypedDataSource::new(data_source)));
        self
    }
}

impl<C: Send + Sync + 'static> Default for Offers<C> {
    fn default() -> Self {
        Self::new()
    }
}
