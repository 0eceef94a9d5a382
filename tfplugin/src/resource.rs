//! Managed resources.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use crate::{
    context::ResourceContext,
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Attr, Model},
    private::Private,
};

/// What is being done to a resource instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Reading it from the server.
    Read,
    /// Creating it.
    Create,
    /// Changing it in place.
    Update,
    /// Destroying it.
    Delete,
}

/// A kind of thing that Terraform manages, as its author writes it.
///
/// Handlers return the state that is there. They may answer in the server's spelling: the framework keeps what the
/// user wrote wherever the two mean the same.
pub trait Resource: Send + Sync + 'static {
    /// What the provider's configuration became: see [`Provider::configure`](crate::provider::Provider::configure).
    type Client: Send + Sync + 'static;
    /// Its attributes.
    type Model: Model;

    /// Its type without the provider's name: `job` of `krony_job`.
    const NAME: &'static str;
    /// Version of its state.
    const VERSION: i64 = 0;
    /// Version of its private data.
    const PRIVATE_VERSION: u32 = 1;

    /// Checks across attributes of configuration, in which anything may be unknown. Each attribute by itself was
    /// checked by decoding it.
    fn check(&self, _config: &Self::Model) -> Diagnostics {
        Diagnostics::new()
    }

    /// Refines the framework's plan, `planned`: computed values that are known already, warnings. No I/O. Neither
    /// chance nor time may decide a value, because core plans again before it applies and compares.
    ///
    /// `prior` is none when the instance is to be created.
    ///
    /// # Errors
    /// What makes the plan impossible.
    fn plan(
        &self,
        _context: &ResourceContext<Self::Client, Self::Model>,
        _prior: Option<&Self::Model>,
        _planned: &mut Self::Model,
    ) -> Result<()> {
        Ok(())
    }

    /// How long an operation may take; `model` is the planned state, or the prior one when reading or deleting.
    fn timeout(&self, _operation: Operation, _model: &Self::Model) -> Duration {
        Duration::from_secs(20 * 60)
    }

    /// The instance as it is now; none when it is proven to be gone.
    fn read(
        &self,
        context: &ResourceContext<Self::Client, Self::Model>,
        state: Self::Model,
    ) -> impl Future<Output = Result<Option<Self::Model>>> + Send;

    /// Creates the instance. `config` holds the write-only attributes, which `planned` lacks.
    fn create(
        &self,
        context: &ResourceContext<Self::Client, Self::Model>,
        planned: Self::Model,
        config: Self::Model,
    ) -> impl Future<Output = Result<Self::Model>> + Send;

    /// Changes the instance in place.
    fn update(
        &self,
        context: &ResourceContext<Self::Client, Self::Model>,
        prior: Self::Model,
        planned: Self::Model,
        config: Self::Model,
    ) -> impl Future<Output = Result<Self::Model>> + Send;

    /// Destroys the instance; success means that it is gone.
    fn delete(
        &self,
        context: &ResourceContext<Self::Client, Self::Model>,
        state: Self::Model,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The state from which an import begins, made from what the user typed. It is read at once afterwards.
    ///
    /// # Errors
    /// When `id` cannot name an instance.
    fn import(&self, _id: &str) -> Result<Self::Model> {
        Err(Diagnostic::error("Import is not supported", "Objects of this type cannot be imported.").into())
    }

    /// Turns state of an older version, as JSON, into state of [`VERSION`](Self::VERSION).
    ///
    /// # Errors
    /// When state of that version cannot be used.
    fn upgrade(&self, version: i64, _state: serde_json::Value) -> Result<serde_json::Value> {
        let detail = format!(
            "State of version {version} cannot be upgraded to version {}. Use a provider version in between.",
            Self::VERSION
        );
        Err(Diagnostic::error("State of an unknown version", detail).into())
    }

    /// Turns private data of an older version into that of [`PRIVATE_VERSION`](Self::PRIVATE_VERSION).
    ///
    /// # Errors
    /// When private data of that version cannot be used.
    fn upgrade_private(&self, version: u32, _private: Private) -> Result<Private> {
        let detail = format!(
            "Private data of version {version} cannot be upgraded to version {}. Use a provider version in between.",
            Self::PRIVATE_VERSION
        );
        Err(Diagnostic::error("Private data of an unknown version", detail).into())
    }
}

/// The value of an attribute that must be known by now.
///
/// # Errors
/// When it is null or unknown.
pub fn expect_known<'a, T>(value: &'a Attr<T>, name: &str) -> Result<&'a T> {
    value.known().ok_or_else(|| {
        let detail = format!("The attribute `{name}` has no value at a point where it must have one.");
        Diagnostic::error("Missing value", detail).at_attribute(name).into()
    })
}

/// How long after its deadline a handler is dropped: enough to say what is there.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Waits for `future` until a little after `deadline`.
pub(crate) async fn within<T>(deadline: Instant, future: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout_at((deadline + GRACE).into(), future).await {
        Ok(result) => result,
        Err(_) => Err(Diagnostic::error(
            "Timed out",
            "The operation did not end within its timeout. What it did so far may be there; the next plan shows it.",
        )
        .into()),
    }
}
