//! Managed resources.

use std::{
    future::{Future, ready},
    time::{Duration, Instant},
};

use crate::{
    context::{Context, ResourceContext},
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

crate::model! {
    /// The identity of a resource that has none.
    pub struct NoIdentity {}
}

/// State of another resource type, which a `moved` block hands over.
pub struct MoveSource {
    /// The provider that managed it: `registry.terraform.io/example/dkron`.
    pub provider_address: String,
    /// Its resource type.
    pub type_name: String,
    /// The version of its state.
    pub schema_version: i64,
    /// Its state.
    pub state: serde_json::Value,
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
    /// By what an instance is told from all others; [`NoIdentity`] where the id is all there is. Its attributes are
    /// texts, numbers, truth values or lists of them: required, or optional for the user who imports.
    type Identity: Model;

    /// Its type without the provider's name: `job` of `krony_job`.
    const NAME: &'static str;
    /// Version of its state.
    const VERSION: i64 = 0;
    /// Version of its identity.
    const IDENTITY_VERSION: i64 = 0;
    /// From where [`move_from`](Self::move_from) takes state, for messages: ``"`dkron_job` of example/dkron"``.
    const MOVES_FROM: &'static [&'static str] = &[];
    /// Version of its private data.
    const PRIVATE_VERSION: u32 = 1;

    /// Checks across attributes of configuration, in which anything may be unknown. Each attribute by itself was
    /// checked by decoding it. It may compute for a while, but nothing ends it, and `terraform validate` asks for it
    /// without a provider that is configured.
    fn check(&self, _config: &Self::Model) -> impl Future<Output = Diagnostics> + Send {
        ready(Diagnostics::new())
    }

    /// Refines the framework's plan, `planned`: computed values that are known already, warnings. It may compute for a
    /// while, but asks no server. Neither chance nor time may decide a value, because core plans again before it applies
    /// and compares.
    ///
    /// `prior` is none when the instance is to be created; `config` tells what the user wrote from what was kept.
    ///
    /// # Errors
    /// What makes the plan impossible.
    fn plan(
        &self,
        _context: &ResourceContext<Self::Client, Self::Model>,
        _prior: Option<&Self::Model>,
        _config: &Self::Model,
        _planned: &mut Self::Model,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Has its say when it is planned to destroy the instance, which is `prior`: warnings, or a refusal. It may compute
    /// for a while, but asks no server. A replacement is planned by [`plan`](Self::plan) alone.
    ///
    /// # Errors
    /// What forbids to destroy it.
    fn plan_delete(
        &self,
        _context: &ResourceContext<Self::Client, Self::Model>,
        _prior: &Self::Model,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// How long an operation, or planning it, may take; `model` is the planned state, or the prior one when reading or
    /// deleting.
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

    /// The identity of the instance whose state, or planned state, is `state`. It stays the same for as long as the
    /// instance is not replaced; what an import left null may be filled in. While anything in it is unknown, it is
    /// not told to Terraform.
    fn identity(&self, _state: &Self::Model) -> Option<Self::Identity> {
        None
    }

    /// The state from which an import by identity begins. It is read at once afterwards.
    ///
    /// # Errors
    /// When `identity` cannot be that of an instance.
    fn import_by_identity(&self, _identity: Self::Identity) -> Result<Self::Model> {
        let detail =
            "Objects of this type cannot be imported by identity. Import by id, if that is supported.";
        Err(Diagnostic::error("Import by identity is not supported", detail).into())
    }

    /// The state of an instance that another resource type, perhaps of another provider, managed until now. It is
    /// read at once afterwards. None when such state is not known here: see [`MOVES_FROM`](Self::MOVES_FROM).
    ///
    /// # Errors
    /// When the state of a known source cannot be used.
    fn move_from(&self, _source: &MoveSource) -> Result<Option<Self::Model>> {
        Ok(None)
    }

    /// The configuration that would lead to `state`, for `-generate-config-out`: attributes that exclude each other
    /// are to be reduced to one. What needs not be written is dropped afterwards: what only the provider sets,
    /// what equals its default, what is deprecated.
    fn generated_config(&self, state: Self::Model) -> Self::Model {
        state
    }

    /// Turns an identity of an older version, as JSON, into one of [`IDENTITY_VERSION`](Self::IDENTITY_VERSION).
    ///
    /// # Errors
    /// When an identity of that version cannot be used.
    fn upgrade_identity(&self, version: i64, _identity: serde_json::Value) -> Result<serde_json::Value> {
        let detail = format!(
            "An identity of version {version} cannot be upgraded to version {}. Use a provider version in between.",
            Self::IDENTITY_VERSION
        );
        Err(Diagnostic::error("Identity of an unknown version", detail).into())
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

/// Waits for `future` until a little after the deadline of `context`, or after the user stopped Terraform. For what
/// leaves nothing behind that must be said.
pub(crate) async fn within_or_stopped<C, T>(
    context: &Context<C>,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    let stopped = async {
        context.cancellation().cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = within(context.deadline(), future) => result,
        () = stopped => Err(Diagnostic::error("Stopped", "The operation was stopped before it ended.").into()),
    }
}
