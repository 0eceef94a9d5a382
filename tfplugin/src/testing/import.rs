//! The ways into state and into configuration of what exists already.

use serde_json::Value as Json;

use super::{
    Address, Core, Diagnostics, Failure, Found, Provider, Result, Schema, Value, address, config, json,
    stored,
};
use crate::resource::MoveSource;

impl<P: Provider> Core<P> {
    /// Imports the object `id`, reads it, and stores what was found.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn import(&mut self, type_name: &str, name: &str, id: &str) -> Result<Found> {
        self.import_by(type_name, name, id, &Value::Null).await
    }

    /// Imports an object by its identity, reads it, and stores what was found.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn import_by_identity(
        &mut self,
        type_name: &str,
        name: &str,
        identity: &Json,
    ) -> Result<Found> {
        let schema = self.rpc.resource(type_name)?;
        let identity = config::identity(schema.identity.as_ref(), identity).map_err(Failure::Refused)?;
        self.import_by(type_name, name, "", &identity).await
    }

    async fn import_by(&mut self, type_name: &str, name: &str, id: &str, identity: &Value) -> Result<Found> {
        let (address, schema) = self.vacant(type_name, name)?;
        let mut warnings = self.begin_walk().await?;
        let (imported, findings) = self.rpc.import(type_name, schema, id, identity).await?;
        warnings.extend(findings);
        let (found, findings) = self.rpc.read(type_name, schema, &imported).await?;
        warnings.extend(findings);
        if found.value.is_null() {
            let wanted = if identity.is_null() { format!("{id:?}") } else { format!("{identity:?}") };
            return Err(Failure::refused(format!("There is no object {wanted} to import.")));
        }
        let instance = stored(schema, &found)?;
        self.store(&address, instance);
        Ok(Found { state: found.value, warnings })
    }

    /// Takes over state of another resource type, as for a `moved` block, reads the object, and stores what was
    /// found.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn move_from(&mut self, type_name: &str, name: &str, source: &MoveSource) -> Result<Found> {
        let (address, schema) = self.vacant(type_name, name)?;
        // Whoever moves state is not configured.
        let (moved, mut warnings) = self.rpc.move_state(type_name, schema, source).await?;
        let instance = stored(schema, &moved)?;
        self.store(&address, instance);
        let found = self.refresh(type_name, name).await?;
        warnings.extend(found.warnings);
        Ok(Found { state: found.state, warnings })
    }

    /// The configuration that the provider would write for an object in state. It may be planned as it is.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn generate_config(&self, type_name: &str, name: &str) -> Result<Json> {
        let schema = self.rpc.resource(type_name)?;
        let object = self.upgraded(&address(type_name, name), schema, &mut Diagnostics::new()).await?;
        let config = self.rpc.generate_config(type_name, schema, &object.value).await?;
        self.rpc.validate_resource(type_name, schema, &config).await?;
        json(&config, &schema.object_type)
    }

    /// A place in state where there is nothing yet.
    fn vacant(&self, type_name: &str, name: &str) -> Result<(Address, &Schema)> {
        let address = address(type_name, name);
        if self.state.contains_key(&address) {
            return Err(Failure::refused(format!("{type_name}.{name} is in state already.")));
        }
        Ok((address, self.rpc.resource(type_name)?))
    }
}
