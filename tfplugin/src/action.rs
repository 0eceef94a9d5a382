//! Actions: things that are done, not managed.

use std::{future::Future, ops::Deref, time::Duration};

use tokio::sync::mpsc;

use crate::{
    context::Context,
    diagnostic::{Diagnostics, Result},
    model::Model,
};

/// Something that Terraform does on request or around a change of a resource. Terraform 1.14 and later.
pub trait Action: Send + Sync + 'static {
    /// What the provider's configuration became.
    type Client: Send + Sync + 'static;
    /// What stands in the `config` block.
    type Config: Model;

    /// Its type without the provider's name: `job_run` of `krony_job_run`.
    const NAME: &'static str;

    /// Checks across attributes of configuration, in which anything may be unknown.
    fn check(&self, _config: &Self::Config) -> Diagnostics {
        Diagnostics::new()
    }

    /// How long it may take.
    fn timeout(&self, _config: &Self::Config) -> Duration {
        Duration::from_secs(20 * 60)
    }

    /// Does it; nothing in `config` is unknown. When the user stops Terraform, [`Context::cancellation`] says so, and
    /// a few seconds later it is dropped where it waits.
    fn invoke(
        &self,
        context: &ActionContext<Self::Client>,
        config: Self::Config,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// The surroundings of an action.
pub struct ActionContext<C> {
    context: Context<C>,
    events: mpsc::Sender<ActionEvent>,
}

/// What happens while an action is done.
pub(crate) enum ActionEvent {
    Progress(String),
    /// It is done, or failed; nothing comes after it.
    Completed(Diagnostics),
}

impl<C> ActionContext<C> {
    pub(crate) fn new(context: Context<C>, events: mpsc::Sender<ActionEvent>) -> Self {
        Self { context, events }
    }

    /// Shows the user at once how far it is: a line. Waits until it was taken.
    pub async fn progress(&self, message: impl Into<String> + Send) {
        // Where nobody listens any more there is nobody to tell.
        let _ = self.events.send(ActionEvent::Progress(message.into())).await;
    }
}

impl<C> Deref for ActionContext<C> {
    type Target = Context<C>;
    fn deref(&self) -> &Context<C> {
        &self.context
    }
}
