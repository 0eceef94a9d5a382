//! Actions as core invokes them.

use proto::tfplugin6::{self as pb, invoke_action::event::Type as Event, provider_server::Provider as _};
use serde_json::Value as Json;
use tokio_stream::StreamExt as _;
use tonic::Request;

use super::{
    Core, Diagnostics, Failure, Path, Provider, Result, Rule, Violation, known_config, resource_config,
    rpc::{INVOKE, PLAN_ACTION, VALIDATE_ACTION},
};

/// An action that was done.
#[derive(Debug, Clone)]
pub struct Invoked {
    /// What it told on the way.
    pub progress: Vec<String>,
    /// What the provider warned of.
    pub warnings: Diagnostics,
}

impl<P: Provider> Core<P> {
    /// Checks and plans an action, whose configuration may hold unknown values, and returns the warnings.
    ///
    /// # Errors
    /// When the provider finds fault with it.
    pub async fn plan_action(&self, type_name: &str, config: &Json) -> Result<Diagnostics> {
        let schema = self.rpc.action(type_name)?;
        let config = VALIDATE_ACTION.encode(&resource_config(schema, config)?, &schema.object_type)?;
        let request =
            pb::validate_action_config::Request { action_type: type_name.to_owned(), config: config.clone() };
        let answer = self.rpc.server.validate_action_config(Request::new(request)).await;
        let mut warnings = VALIDATE_ACTION.warnings(VALIDATE_ACTION.answered(answer)?.diagnostics)?;
        warnings.extend(self.begin_walk().await?);
        let request = pb::plan_action::Request {
            action_type: type_name.to_owned(),
            config,
            client_capabilities: Some(self.rpc.client_capabilities()),
        };
        let answer = PLAN_ACTION.answered(self.rpc.server.plan_action(Request::new(request)).await)?;
        warnings.extend(PLAN_ACTION.warnings(answer.diagnostics)?);
        self.rpc.decided(PLAN_ACTION, answer.deferred)?;
        Ok(warnings)
    }

    /// Plans an action and does it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn invoke(&self, type_name: &str, config: &Json) -> Result<Invoked> {
        let mut warnings = self.plan_action(type_name, config).await?;
        let schema = self.rpc.action(type_name)?;
        let config = known_config(schema, config)?;
        warnings.extend(self.begin_walk().await?);
        let request = pb::invoke_action::Request {
            action_type: type_name.to_owned(),
            config: INVOKE.encode(&config, &schema.object_type)?,
            client_capabilities: Some(self.rpc.client_capabilities()),
        };
        let mut events = INVOKE.answered(self.rpc.server.invoke_action(Request::new(request)).await)?;
        let mut progress = Vec::new();
        let mut completed = None;
        while let Some(event) = events.next().await {
            match event.map_err(|status| INVOKE.unanswered(status))?.r#type {
                _ if completed.is_some() => return Err(not_completed("an event after the last one")),
                Some(Event::Progress(event)) => progress.push(event.message),
                Some(Event::Completed(event)) => completed = Some(event.diagnostics),
                None => return Err(not_completed("an event that says nothing")),
            }
        }
        let findings = completed.ok_or_else(|| not_completed("no such event"))?;
        warnings.extend(INVOKE.warnings(findings)?);
        Ok(Invoked { progress, warnings })
    }
}

fn not_completed(found: &str) -> Failure {
    INVOKE.violation(Violation::new(Rule::Completed, &Path::root(), found))
}
