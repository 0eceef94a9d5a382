//! Data sources.

use std::{future::Future, time::Duration};

use crate::{
    context::Context,
    diagnostic::{Diagnostics, Result},
    model::Model,
};

/// Something that Terraform reads and does not manage.
pub trait DataSource: Send + Sync + 'static {
    /// What the provider's configuration became.
    type Client: Send + Sync + 'static;
    /// Its attributes.
    type Model: Model;

    /// Its type without the provider's name: `jobs` of `krony_jobs`.
    const NAME: &'static str;

    /// Checks across attributes of configuration, in which anything may be unknown.
    fn check(&self, _config: &Self::Model) -> Diagnostics {
        Diagnostics::new()
    }

    /// How long reading may take.
    fn timeout(&self, _config: &Self::Model) -> Duration {
        Duration::from_secs(5 * 60)
    }

    /// Reads what `config` asks for; nothing in it is unknown. What is not there is an error.
    fn read(
        &self,
        context: &Context<Self::Client>,
        config: Self::Model,
    ) -> impl Future<Output = Result<Self::Model>> + Send;
}
