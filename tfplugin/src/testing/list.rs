//! List resources as core reads them.

use proto::tfplugin6::{self as pb, provider_server::Provider as _};
use serde_json::Value as Json;
use tokio_stream::StreamExt as _;
use tonic::Request;

use super::{
    Core, Diagnostics, Provider, Result, Value, known_config, resource_config,
    rpc::{LIST, VALIDATE_LIST},
};

/// How much of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// At most so many objects.
    pub limit: i64,
    /// Whether their state is wanted too.
    pub include_state: bool,
}

/// As a `list` block that says nothing.
impl Default for Query {
    fn default() -> Self {
        Self { limit: 100, include_state: false }
    }
}

/// A list that was read.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// For each object its name, its identity and its state; the latter is null where there is none.
    pub found: Vec<(String, Value, Value)>,
    /// What the provider warned of.
    pub warnings: Diagnostics,
}

impl<P: Provider> Core<P> {
    /// Checks the configuration of a list block, as `terraform validate` does, and returns the warnings.
    ///
    /// # Errors
    /// When the provider finds fault with it.
    pub async fn validate_list(&self, type_name: &str, config: &Json) -> Result<Diagnostics> {
        let schema = self.rpc.list_resource(type_name)?;
        let config = VALIDATE_LIST.encode(&resource_config(schema, config)?, &schema.object_type)?;
        let request = pb::validate_list_resource_config::Request {
            type_name: type_name.to_owned(),
            config,
            ..Default::default()
        };
        let answer = self.rpc.server.validate_list_resource_config(Request::new(request)).await;
        VALIDATE_LIST.warnings(VALIDATE_LIST.answered(answer)?.diagnostics)
    }

    /// Reads a list as `terraform query` does: no further than the limit, then the stream is dropped.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn list(&self, type_name: &str, config: &Json, query: Query) -> Result<Listing> {
        let schema = self.rpc.list_resource(type_name)?;
        let config = known_config(schema, config)?;
        let mut warnings = self.begin_walk().await?;
        let request = pb::list_resource::Request {
            type_name: type_name.to_owned(),
            config: LIST.encode(&config, &schema.object_type)?,
            include_resource_object: query.include_state,
            limit: query.limit,
        };
        let mut events = LIST.answered(self.rpc.server.list_resource(Request::new(request)).await)?;
        let mut found = Vec::new();
        while i64::try_from(found.len()).is_ok_and(|count| count < query.limit)
            && let Some(event) = events.next().await
        {
            let event = event.map_err(|status| LIST.unanswered(status))?;
            let findings = LIST.warnings(event.diagnostic.clone())?;
            let is_warning = event.identity.is_none() && !findings.is_empty();
            warnings.extend(findings);
            if !is_warning {
                found.push(self.listed(type_name, &event)?);
            }
        }
        Ok(Listing { found, warnings })
    }

    fn listed(&self, type_name: &str, event: &pb::list_resource::Event) -> Result<(String, Value, Value)> {
        let schema = self.rpc.resource(type_name)?;
        let identity = LIST.present(LIST.identity(event.identity.as_ref(), schema)?)?;
        let state = LIST.object(event.resource_object.as_ref(), schema)?;
        Ok((event.display_name.clone(), identity, state))
    }
}
