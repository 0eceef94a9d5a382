//! Data sources: what there is in dkron now, run statistics included.

mod cluster;
mod executions;
mod job;
mod jobs;

pub use cluster::ClusterData;
pub use executions::ExecutionsData;
pub use job::JobData;
pub use jobs::JobsData;

use jiff::Timestamp;
use tfplugin::model::{Attr, Map};

fn time(time: Option<Timestamp>) -> Attr<String> {
    time.map(|time| time.to_string()).into()
}

fn map<T>(items: impl IntoIterator<Item = (String, T)>) -> Attr<Map<T>> {
    Attr::Known(items.into_iter().collect())
}
