//! `krony_job`.

mod convert;
mod executor;
mod model;
mod rules;

use std::time::Duration;

use jiff::Timestamp;
use tfplugin::{
    context::ResourceContext,
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::{Attr, Text, TextType},
    resource::{NoIdentity, Operation, Resource, expect_known},
};

pub use self::{
    convert::visible_metadata,
    executor::{Settings, may_be_secret},
    model::Job,
};
use crate::{
    client::{Krony, scope},
    problem,
    text::{JobName, positive_duration},
};

/// The resource.
pub struct JobResource;

type Context = ResourceContext<Krony, Job>;

impl Resource for JobResource {
    type Client = Krony;
    type Model = Job;
    type Identity = NoIdentity;
    const NAME: &'static str = "job";

    fn check(&self, config: &Job) -> Diagnostics {
        rules::check(config)
    }

    fn plan(
        &self,
        context: &Context,
        _prior: Option<&Job>,
        _config: &Job,
        planned: &mut Job,
    ) -> Result<()> {
        let full_name = match &planned.name {
            Attr::Known(name) => Attr::Known(name.to_string()),
            Attr::Null | Attr::Unknown => Attr::Unknown,
        };
        planned.id = full_name.clone();
        planned.full_name = full_name;
        rules::advice(planned, Timestamp::now()).into_iter().for_each(|finding| context.warn(finding));
        rules::check_plan(planned).into_result()
    }

    fn timeout(&self, operation: Operation, job: &Job) -> Duration {
        let timeouts = job.timeouts.known().cloned().unwrap_or_default();
        let (written, default) = match operation {
            Operation::Read => (timeouts.read, 5),
            Operation::Create => (timeouts.create, 10),
            Operation::Update => (timeouts.update, 10),
            Operation::Delete => (timeouts.delete, 10),
        };
        let written = written.known().and_then(|text| positive_duration(text).ok());
        written.unwrap_or(Duration::from_secs(default * 60))
    }

    async fn read(&self, context: &Context, state: Job) -> Result<Option<Job>> {
        let imported = state.id.is_null();
        let Some(client) = context.client().known() else {
            // An import has nothing to keep: it needs an answer.
            return if imported { Err(context.client().unknown_settings()) } else { Ok(Some(state)) };
        };
        let name = expect_known(&state.name, "name")?;
        let expected = convert::to_dkron(&state);
        let agrees = |found: &dkron::Job| !imported && same(&expected, found);
        let found =
            client.read(&scope(context), name, agrees).await.map_err(|error| problem::read(name, &error))?;
        match found {
            Some(found) => Ok(Some(convert::from_dkron(&found, &state))),
            // An ephemeral job that is gone has done its work.
            None if !imported && state.ephemeral == Attr::Known(true) => Ok(Some(state)),
            None => Ok(None),
        }
    }

    async fn create(&self, context: &Context, planned: Job, _config: Job) -> Result<Job> {
        let wanted = convert::to_dkron(&planned);
        let seen = |found: &dkron::Job| context.save(&convert::from_dkron(found, &planned));
        let client = context.client().require()?;
        match client.create(&scope(context), &wanted, seen).await {
            Ok(found) => Ok(convert::from_dkron(&found, &planned)),
            Err(dkron::WriteError { cause: dkron::Error::AlreadyExists { job }, .. }) => {
                adopt(context, &planned, &wanted, &job)
            }
            Err(error) => {
                if let dkron::Left::Nothing = error.left {
                    context.forget();
                }
                Err(failed(context, &planned, &error, problem::create))
            }
        }
    }

    async fn update(&self, context: &Context, _prior: Job, planned: Job, _config: Job) -> Result<Job> {
        let wanted = convert::to_dkron(&planned);
        let seen = |found: &dkron::Job| context.save(&convert::from_dkron(found, &planned));
        let client = context.client().require()?;
        match client.update(&scope(context), &wanted, seen).await {
            Ok(found) => Ok(convert::from_dkron(&found, &planned)),
            Err(error) => Err(failed(context, &planned, &error, problem::update)),
        }
    }

    async fn delete(&self, context: &Context, state: Job) -> Result<()> {
        let name = expect_known(&state.name, "name")?;
        let client = context.client().require()?;
        let deleted = client.delete(&scope(context), name).await;
        deleted.map_err(|error| failed(context, &state, &error, problem::delete))
    }

    fn import(&self, id: &str) -> Result<Job> {
        JobName::check(id)
            .map_err(|detail| Diagnostics::from(Diagnostic::error("Invalid import id", detail)))?;
        Ok(Job { name: Attr::Known(Text::new(id)), ..Job::default() })
    }
}

/// Whether dkron has what state says. krony's own metadata is no part of it.
fn same(expected: &dkron::Job, found: &dkron::Job) -> bool {
    let mut found = found.clone();
    found.metadata = visible_metadata(&found);
    expected.same_meaning(&found)
}

/// A job of that name is there already: an error, unless the user asked to take over what is identical. That is the
/// way out when a provider was killed between a write and its answer.
fn adopt(context: &Context, planned: &Job, wanted: &dkron::Job, found: &dkron::Job) -> Result<Job> {
    if !context.client().adopts_identical || !same(wanted, found) {
        return Err(problem::exists(wanted, found, context.client().adopts_identical));
    }
    let detail = format!(
        "A job {:?} that equals this configuration in every field was there already. KRONY_ADOPT=identical is set, so \
         this resource manages it from now on.",
        wanted.name
    );
    context.warn(Diagnostic::warning("Job was taken over", detail).at_attribute("name"));
    Ok(convert::from_dkron(found, planned))
}

/// Saves what a failed write left behind, and says what happened.
fn failed(
    context: &Context,
    job: &Job,
    error: &dkron::WriteError,
    describe: fn(&str, &dkron::WriteError) -> Diagnostics,
) -> Diagnostics {
    if let dkron::Left::Job(found) = &error.left {
        context.save(&convert::from_dkron(found, job));
    }
    describe(job.name.known().map(|name| &**name).unwrap_or_default(), error)
}
