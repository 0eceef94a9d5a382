//! Data sources: jobs as they are now, run statistics included.

mod job;
mod jobs;

pub use job::JobData;
pub use jobs::JobsData;

use jiff::Timestamp;
use tfplugin::model::{Attr, Map};

fn text(text: &str) -> Attr<String> {
    if text.is_empty() { Attr::Null } else { Attr::Known(text.to_owned()) }
}

fn time(time: Option<Timestamp>) -> Attr<String> {
    time.map(|time| time.to_string()).into()
}

fn map<T>(items: impl IntoIterator<Item = (String, T)>) -> Attr<Map<T>> {
    Attr::Known(items.into_iter().collect())
}
