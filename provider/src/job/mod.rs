//! `krony_job`.

mod canonical;
mod convert;
mod executor;
mod identity;
mod model;
mod moved;
mod parent;
mod processor;
mod review;
mod rules;
mod secret;

use std::time::Duration;

use hooks::request::Stage;
use jiff::Timestamp;
use tfplugin::{
    context::ResourceContext,
    diagnostic::{Diagnostic, Diagnostics, Result},
    model::Attr,
    resource::{MoveSource, Operation, Resource},
};

use self::review::Change;
pub use self::{
    convert::visible_metadata,
    executor::{Settings, may_be_secret},
    identity::{Identity, identity_of, owner, tenant_mark},
    model::Job,
};
use crate::{
    client::{Krony, scope},
    hooks::Hooks,
    problem,
    provider::variable,
    text::positive_duration,
};

/// The resource.
#[derive(Default)]
pub struct JobResource {
    hooks: Hooks,
}

impl JobResource {
    /// A resource that hooks judge.
    pub fn new(hooks: Hooks) -> Self {
        Self { hooks }
    }
}

type Context = ResourceContext<Krony, Job>;

impl Resource for JobResource {
    type Client = Krony;
    type Model = Job;
    type Identity = Identity;
    const NAME: &'static str = "job";
    const MOVES_FROM: &'static [&'static str] = moved::SOURCES;

    async fn check(&self, config: &Job) -> Diagnostics {
        let mut findings = check(config);
        if !findings.has_errors() {
            findings.extend(self.hooks.validate_without_block(&variable).await);
            if let Some(validation) = self.hooks.validation() {
                findings.extend(review::check(validation, config).await);
            }
        }
        findings
    }

    async fn plan(
        &self,
        context: &Context,
        prior: Option<&Job>,
        config: &Job,
        planned: &mut Job,
    ) -> Result<()> {
        if config.tenant.is_null() {
            planned.tenant = context.client().tenant.clone();
        }
        let full_name = identity::full_name(planned);
        planned.id = full_name.clone();
        planned.full_name = full_name;
        let written = secret::carry(planned, config);
        let wanted = convert::to_dkron(&written);
        let advice = rules::advice(&written, &wanted, Timestamp::now());
        advice.into_iter().for_each(|finding| context.warn(finding));
        parent::check_plan(context.client(), &wanted)?;
        rules::check_plan(&written, &wanted).into_result()?;
        if let Some(prior) = prior.filter(|prior| identity::is_replaced(prior, planned)) {
            review::expect_approval(context, Stage::Plan, Change::Delete { prior }).await?;
        }
        if prior == Some(&*planned) {
            return review::advise(context, &written).await;
        }
        review::expect_approval(context, Stage::Plan, Change::to(prior, &written)).await
    }

    async fn plan_delete(&self, context: &Context, prior: &Job) -> Result<()> {
        review::expect_approval(context, Stage::Plan, Change::Delete { prior }).await
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
        let imported = identity::is_imported(&state);
        let Some(client) = context.client().known() else {
            // An import has nothing to keep: it needs an answer.
            return if imported { Err(context.client().unknown_settings()) } else { Ok(Some(state)) };
        };
        let expected = convert::to_dkron(&state);
        let name = &expected.name;
        let agrees = |found: &dkron::Job| !imported && agrees(context, &state, &expected, found);
        let failed = if imported { problem::read } else { problem::refresh };
        let found = client.read(&scope(context), name, agrees).await.map_err(|error| failed(name, &error))?;
        context.client().lineage.note(name, found.as_ref());
        match found {
            Some(found) => {
                let mut current = shown(context, &found, &state);
                secret::advice(&state, &current).into_iter().for_each(|finding| context.warn(finding));
                if imported {
                    advise_about_mark(context, &state, &found);
                } else if !parent::is_linked(context, client, &found).await {
                    current.parent_job = Attr::Null;
                }
                Ok(Some(current))
            }
            // An ephemeral job that is gone has done its work.
            None if !imported && state.ephemeral == Attr::Known(true) => Ok(Some(state)),
            None => Ok(None),
        }
    }

    async fn create(&self, context: &Context, planned: Job, config: Job) -> Result<Job> {
        let written = secret::carry(&planned, &config);
        review::expect_approval(context, Stage::Apply, Change::Create { planned: &written }).await?;
        let wanted = convert::to_dkron(&written);
        secret::remember(context, &config)?;
        let seen = |found: &dkron::Job| context.save(&shown(context, found, &planned));
        let client = context.client().require()?;
        match client.create(&scope(context), &wanted, seen).await {
            Ok(found) => Ok(settled(context, &found, &planned, &config)),
            Err(dkron::WriteError { cause: dkron::Error::AlreadyExists { job }, .. }) => {
                adopt(context, &planned, &config, &wanted, &job)
            }
            Err(error) => {
                if let dkron::Left::Nothing = error.left {
                    context.forget();
                }
                Err(failed(context, &planned, &error, problem::create))
            }
        }
    }

    async fn update(&self, context: &Context, prior: Job, planned: Job, config: Job) -> Result<Job> {
        let written = secret::carry(&planned, &config);
        review::expect_approval(context, Stage::Apply, Change::to(Some(&prior), &written)).await?;
        let wanted = convert::to_dkron(&written);
        secret::remember(context, &config)?;
        let seen = |found: &dkron::Job| context.save(&shown(context, found, &planned));
        let client = context.client().require()?;
        match client.update(&scope(context), &wanted, seen).await {
            Ok(found) => Ok(settled(context, &found, &planned, &config)),
            Err(error) => Err(failed(context, &planned, &error, problem::update)),
        }
    }

    async fn delete(&self, context: &Context, state: Job) -> Result<()> {
        review::expect_approval(context, Stage::Apply, Change::Delete { prior: &state }).await?;
        let client = context.client().require()?;
        let deleted = client.delete(&scope(context), &convert::to_dkron(&state).name).await;
        deleted.map_err(|error| failed(context, &state, &error, problem::delete))
    }

    fn import(&self, id: &str) -> Result<Job> {
        identity::from_import_id(id)
    }

    fn identity(&self, state: &Job) -> Option<Identity> {
        identity::identity(state)
    }

    fn import_by_identity(&self, identity: Identity) -> Result<Job> {
        identity::from_identity(&identity)
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Job>> {
        moved::state(source)
    }
}

/// Checks across the attributes of a job, as far as no provider's configuration takes part.
pub fn check(config: &Job) -> Diagnostics {
    rules::check(config)
}

/// The state of a job that an import by full name finds.
pub fn imported(found: &dkron::Job) -> Job {
    convert::from_dkron(found, &Job::default())
}

/// The job that dkron has, as state is to hold it.
fn shown(context: &Context, found: &dkron::Job, prior: &Job) -> Job {
    secret::show(found, prior, &context.private())
}

/// The job that was written, as state is to hold it.
fn settled(context: &Context, found: &dkron::Job, planned: &Job, config: &Job) -> Job {
    secret::forget_others(context, config);
    shown(context, found, planned)
}

/// Whether dkron has what state says, which is `expected` and the secrets that state does not hold.
fn agrees(context: &Context, state: &Job, expected: &dkron::Job, found: &dkron::Job) -> bool {
    let shown = shown(context, found, state);
    let visible = convert::to_dkron(&shown);
    let found =
        dkron::Job { executor: visible.executor, executor_config: visible.executor_config, ..found.clone() };
    secret::versions(&shown) == secret::versions(state) && same(expected, &found)
}

/// Whether dkron has what is expected, and whatever notes of krony's beside it.
fn same(expected: &dkron::Job, found: &dkron::Job) -> bool {
    expected.with_reserved_metadata(found).same_meaning(found)
}

/// An import that names a tenant is believed; what the job itself says may differ.
fn advise_about_mark(context: &Context, imported: &Job, found: &dkron::Job) {
    let Some(tenant) = identity::tenant(imported) else { return };
    if !identity::is_marked(found, tenant) {
        let detail = format!(
            "The metadata of job {:?} does not say that it belongs to tenant {:?}. It is imported as a job of this tenant, \
             and the next change of it marks it as such.",
            found.name, tenant
        );
        context.warn(Diagnostic::warning("The job is not marked as its tenant's", detail));
    }
}

/// A job of that name is there already: an error, unless the user asked to take over what is identical. That is the
/// way out when a provider was killed between a write and its answer.
fn adopt(
    context: &Context,
    planned: &Job,
    config: &Job,
    wanted: &dkron::Job,
    found: &dkron::Job,
) -> Result<Job> {
    if !context.client().adopts_identical || !same(wanted, found) {
        let import_id = identity::import_id(planned);
        return Err(problem::exists(wanted, found, &import_id, context.client().adopts_identical));
    }
    let detail = format!(
        "A job {:?} that equals this configuration in every field was there already. KRONY_ADOPT=identical is set, so \
         this resource manages it from now on.",
        wanted.name
    );
    context.warn(Diagnostic::warning("Job was taken over", detail).at_attribute("name"));
    Ok(settled(context, found, planned, config))
}

/// Saves what a failed write left behind, and says what happened.
fn failed(
    context: &Context,
    job: &Job,
    error: &dkron::WriteError,
    describe: fn(&str, &dkron::WriteError) -> Diagnostics,
) -> Diagnostics {
    if let dkron::Left::Job(found) = &error.left {
        context.save(&shown(context, found, job));
    }
    describe(identity::full_name(job).known().map(String::as_str).unwrap_or_default(), error)
}
