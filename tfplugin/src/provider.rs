//! The provider itself, and the table of what it offers.

use std::{
    future::{Future, ready},
    sync::Arc,
};

use crate::{
    action::Action,
    data_source::DataSource,
    diagnostic::{Diagnostics, Result},
    erased::{
        AnyAction, AnyDataSource, AnyFunction, AnyListResource, AnyResource, TypedAction, TypedDataSource,
        TypedFunction, TypedListResource, TypedResource,
    },
    function::Function,
    list::ListResource,
    model::Model,
    resource::Resource,
};

/// A Terraform provider, as its author writes it.
pub trait Provider: Send + Sync + 'static {
    /// The provider block.
    type Config: Model;
    /// What all that it offers works with.
    type Client: Send + Sync + 'static;

    /// The prefix of its types: `krony` of `krony_job`.
    const NAME: &'static str;
    /// Where it comes from: `registry.terraform.io/krony-cloud/krony`.
    const ADDRESS: &'static str;

    /// Checks across attributes of the provider block, in which anything may be unknown. It may compute for a while, but
    /// nothing ends it, and `terraform validate` asks for it without a provider that is configured.
    fn check(&self, _config: &Self::Config) -> impl Future<Output = Diagnostics> + Send {
        ready(Diagnostics::new())
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
    /// What all that the provider offers works with.
    pub client: C,
    /// What the user should know about the configuration.
    pub warnings: Diagnostics,
    /// Whether something in the configuration that the client needs is unknown. A Terraform that can wait is then told
    /// to; for any other the handlers do what they can.
    pub deferred: bool,
}

impl<C> Configured<C> {
    /// A provider about whose configuration there is nothing to say.
    pub fn new(client: C) -> Self {
        Self { client, warnings: Diagnostics::new(), deferred: false }
    }
}

/// What a provider whose client is `C` offers.
pub struct Offers<C> {
    pub(crate) resources: Vec<Arc<dyn AnyResource<C>>>,
    pub(crate) data_sources: Vec<Arc<dyn AnyDataSource<C>>>,
    pub(crate) functions: Vec<Arc<dyn AnyFunction>>,
    pub(crate) list_resources: Vec<Arc<dyn AnyListResource<C>>>,
    pub(crate) actions: Vec<Arc<dyn AnyAction<C>>>,
}

impl<C: Send + Sync + 'static> Offers<C> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            resources: Vec::new(),
            data_sources: Vec::new(),
            functions: Vec::new(),
            list_resources: Vec::new(),
            actions: Vec::new(),
        }
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

    /// Adds a function.
    #[must_use]
    pub fn function(mut self, function: impl Function) -> Self {
        self.functions.push(Arc::new(TypedFunction::new(function)));
        self
    }

    /// Adds a list resource.
    #[must_use]
    pub fn list_resource<L>(mut self, list_resource: L) -> Self
    where
        L: ListResource<Resource: Resource<Client = C>>,
    {
        self.list_resources.push(Arc::new(TypedListResource::new(list_resource)));
        self
    }

    /// Adds an action.
    #[must_use]
    pub fn action(mut self, action: impl Action<Client = C>) -> Self {
        self.actions.push(Arc::new(TypedAction::new(action)));
        self
    }
}

impl<C: Send + Sync + 'static> Default for Offers<C> {
    fn default() -> Self {
        Self::new()
    }
}
