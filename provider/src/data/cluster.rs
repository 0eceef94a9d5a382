//! `data "krony_cluster"`.

use tfplugin::{
    context::Context,
    data_source::DataSource,
    diagnostic::Result,
    model,
    model::{Attr, List, Map},
};

use super::map;
use crate::{
    client::{Krony, scope},
    problem,
    text::text_or_null,
};

model! {
    /// The nodes of the cluster, and which of them leads.
    pub struct Cluster {
        /// Name of the node that leads.
        leader: String = computed(),
        /// The nodes, sorted by name; those that failed or left are among them for a day.
        members: List<Node> = computed(),
    }
}

model! {
    /// A node of the cluster.
    pub struct Node {
        /// Name of the node.
        name: String = computed(),
        /// Address at which the other nodes reach it.
        address: String = computed(),
        /// Port at which the nodes exchange news of each other.
        port: u32 = computed(),
        /// How it is: `alive`, `leaving`, `left` or `failed`.
        status: String = computed(),
        /// Whether it keeps jobs and may lead; other nodes only run them.
        server: bool = computed(),
        /// Version of dkron; `devel` where it was not built by a release.
        version: String = computed(),
        /// Tags of the node, dkron's own included. The `tags` of jobs choose by them.
        tags: Map<String> = computed(),
    }
}

/// The data source.
pub struct ClusterData;

impl DataSource for ClusterData {
    type Client = Krony;
    type Model = Cluster;
    const NAME: &'static str = "cluster";

    async fn read(&self, context: &Context<Krony>, _config: Cluster) -> Result<Cluster> {
        let (client, scope) = (context.client().require()?, scope(context));
        let failed = |error| problem::question("The cluster could not be looked at", &error);
        let leader = client.leader(&scope).await.map_err(failed)?;
        let mut members = client.members(&scope).await.map_err(failed)?;
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Cluster {
            leader: text_or_null(&leader.name),
            members: Attr::Known(members.into_iter().map(node).collect()),
        })
    }
}

fn node(member: dkron::Member) -> Node {
    let tag = |name: &str| member.tags.get(name).map(String::as_str).unwrap_or_default();
    Node {
        server: Attr::Known(tag("server") == "true"),
        version: text_or_null(tag("version")),
        name: text_or_null(&member.name),
        address: text_or_null(&member.address),
        port: Attr::Known(member.port.into()),
        status: text_or_null(&member.status),
        tags: map(member.tags),
    }
}
