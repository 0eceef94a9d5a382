//! List resources: what there is of a resource, whether Terraform manages it or not.

use std::{future::Future, marker::PhantomData, time::Duration};

use tokio::sync::mpsc;

use crate::{
    context::Context,
    diagnostic::{Diagnostics, Result},
    model::{Model, TfType},
    resource::Resource,
    value::Value,
};

/// Finds the objects of a resource for `terraform query`. Terraform 1.14 and later.
///
/// Its type is that of the resource, which must have an [identity](Resource::identity).
pub trait ListResource: Send + Sync + 'static {
    /// The resource whose objects are listed.
    type Resource: Resource;
    /// What stands in the `config` block: which objects are wanted.
    type Config: Model;

    /// Checks across attributes of configuration, in which anything may be unknown.
    fn check(&self, _config: &Self::Config) -> Diagnostics {
        Diagnostics::new()
    }

    /// How long listing may take.
    fn timeout(&self, _config: &Self::Config) -> Duration {
        Duration::from_secs(20 * 60)
    }

    /// Sends what there is to `results`, until no more is wanted; nothing in `config` is unknown.
    ///
    /// When Terraform has enough it is dropped where it waits.
    fn list(
        &self,
        context: &Context<<Self::Resource as Resource>::Client>,
        config: Self::Config,
        results: &mut Results<Self::Resource>,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// An object that was found.
pub struct Listed<R: Resource> {
    /// Which it is; wholly known.
    pub identity: R::Identity,
    /// What it is called, for people.
    pub display_name: String,
    /// The object as [`Resource::read`] would answer it, where [it is wanted](Results::wants_state).
    pub state: Option<R::Model>,
}

/// Where a [`ListResource`] sends what it finds.
pub struct Results<R> {
    wanted: u64,
    wants_state: bool,
    events: mpsc::Sender<ListEvent>,
    resource: PhantomData<fn() -> R>,
}

/// What a list is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// At most so many objects.
    pub(crate) limit: u64,
    /// Whether their state is wanted, beside their identity.
    pub(crate) state: bool,
}

/// A listed object without its types.
pub(crate) struct Found {
    pub(crate) identity: Value,
    pub(crate) display_name: String,
    pub(crate) state: Option<Value>,
}

/// What happens while a list is read.
pub(crate) enum ListEvent {
    Found(Found),
    /// There is something to say; nothing comes after it.
    Ended(Diagnostics),
}

impl<R: Resource> Results<R> {
    pub(crate) fn new(wanted: Wanted, events: mpsc::Sender<ListEvent>) -> Self {
        Self { wanted: wanted.limit, wants_state: wanted.state, events, resource: PhantomData }
    }

    /// How many more objects are wanted.
    pub fn limit(&self) -> u64 {
        self.wanted
    }

    /// Whether [`Listed::state`] is wanted; without it a list may be much cheaper.
    pub fn wants_state(&self) -> bool {
        self.wants_state
    }

    /// Sends one object, and says whether more are wanted. Waits until it was taken.
    pub async fn send(&mut self, listed: Listed<R>) -> bool {
        if self.wanted == 0 {
            return false;
        }
        let found = Found {
            identity: listed.identity.encode(),
            display_name: listed.display_name,
            state: listed.state.filter(|_| self.wants_state).map(|state| state.encode()),
        };
        let sent = self.events.send(ListEvent::Found(found)).await;
        self.wanted = if sent.is_ok() { self.wanted - 1 } else { 0 };
        self.wanted > 0
    }
}
