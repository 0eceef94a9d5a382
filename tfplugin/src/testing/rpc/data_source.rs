//! Data sources.

use proto::tfplugin6::provider_server::Provider as _;

use super::{
    Diagnostics, Provider, READ_DATA_SOURCE, Request, Result, Rpc, Schema, VALIDATE_DATA_SOURCE, Value, pb,
};

impl<P: Provider> Rpc<P> {
    pub(in crate::testing) async fn validate_data_source(
        &self,
        type_name: &str,
        schema: &Schema,
        config: &Value,
    ) -> Result<Diagnostics> {
        let request = pb::validate_data_resource_config::Request {
            type_name: type_name.to_owned(),
            config: VALIDATE_DATA_SOURCE.encode(config, &schema.object_type)?,
        };
        let answer = self.server.validate_data_resource_config(Request::new(request)).await;
        VALIDATE_DATA_SOURCE.warnings(VALIDATE_DATA_SOURCE.answered(answer)?.diagnostics)
    }

    pub(in crate::testing) async fn read_data_source(
        &self,
        type_name: &str,
        schema: &Schema,
        config: &Value,
    ) -> Result<(Value, Diagnostics)> {
        let request = pb::read_data_source::Request {
            type_name: type_name.to_owned(),
            config: READ_DATA_SOURCE.encode(config, &schema.object_type)?,
            client_capabilities: Some(self.client_capabilities()),
            ..Default::default()
        };
        let answer =
            pb::provider_server::Provider::read_data_source(&self.server, Request::new(request)).await;
        let answer = READ_DATA_SOURCE.answered(answer)?;
        let warnings = READ_DATA_SOURCE.warnings(answer.diagnostics)?;
        self.decided(READ_DATA_SOURCE, answer.deferred)?;
        let value = READ_DATA_SOURCE.object(answer.state.as_ref(), schema)?;
        Ok((READ_DATA_SOURCE.present(value)?, warnings))
    }
}
