//! `cargo xtask demo`: the whole product in a minute, on real parts.

mod receiver;
mod story;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use xtask::dkron::Node;
use xtask::process;
use xtask::progress;
use xtask::provider::{self, Profile, RECEIVER};
use xtask::terraform::{Terraform, Workspace};
use xtask::tools;

use super::repository;
use receiver::{Calls, Receiver};
use story::Story;

/// How long to wait for calls that must come.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to listen for calls that must not come: longer than each job of the example waits.
const SILENCE: Duration = Duration::from_secs(5);
/// What the job says before and after its change; the first is the example's default.
const GREETINGS: [&str; 2] = ["hello", "bonjour"];
/// The job that runs after another one.
const CHILD: &str = "report";

/// Watch real Terraform create jobs in a real dkron whose calls arrive
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave all running at the end, with the jobs in place, to continue by hand
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let started = Instant::now();
    let mut story = Story::default();
    let parts = Parts::get(&mut story)?;
    let mut stage = Stage::start(&mut story, &parts)?;
    stage.create(&mut story)?;
    stage.change(&mut story)?;
    if arguments.keep {
        return stage.leave(&mut story, &parts).map(|()| ExitCode::SUCCESS);
    }
    stage.destroy(&mut story)?;
    let heard = stage.heard;
    drop(stage);
    story.summary(&format!(
        "{} jobs created, 1 changed, {} destroyed; {heard} calls heard; nothing left behind ({})",
        parts.jobs,
        parts.jobs,
        progress::seconds(started.elapsed())
    ));
    Ok(ExitCode::SUCCESS)
}

/// The programs that play, built or found.
struct Parts {
    provider: PathBuf,
    receiver: PathBuf,
    terraform: Terraform,
    example: PathBuf,
    /// How many jobs the example declares.
    jobs: usize,
}

impl Parts {
    fn get(story: &mut Story) -> Result<Self> {
        story.step("Build the provider and the receiver");
        let provider = provider::provider_folder(Profile::Debug)?;
        let receiver = provider::build(RECEIVER, Profile::Debug)?;

        story.step("Get the real parts");
        let dkron = tools::dkron();
        story.say(&format!("dkron {}: {}", dkron.version, dkron.obtain()?.display()));
        let terraform = Terraform::on_path()?;
        story.say(&format!("Terraform {}: {}", terraform.version()?, terraform.path().display()));

        let example = repository().join("examples/quickstart");
        let main = example.join("main.tf");
        let text = fs::read_to_string(&main).with_context(|| format!("cannot read {}", main.display()))?;
        let jobs = text.matches("resource \"krony_job\"").count();
        Ok(Self { provider, receiver, terraform, example, jobs })
    }
}

/// Everything that runs.
struct Stage {
    node: Node,
    receiver: Receiver,
    workspace: Workspace,
    /// Calls that were shown.
    heard: usize,
}

impl Stage {
    fn start(story: &mut Story, parts: &Parts) -> Result<Self> {
        story.step("Start dkron and the receiver");
        let receiver = Receiver::start(&parts.receiver)?;
        story.say(&format!("receiver: {}", receiver.url()));
        let node = Node::start()?;
        story.say(&format!("dkron:    {}/ui/", node.url()));

        let mut workspace = Workspace::with_provider(&parts.terraform, &parts.provider)?;
        workspace.copy_from(&parts.example)?;
        workspace.env("TF_VAR_dkron_url", node.url()).env("TF_VAR_receiver_url", receiver.url());
        Ok(Self { node, receiver, workspace, heard: 0 })
    }

    fn create(&mut self, story: &mut Story) -> Result<()> {
        story.step("Create the jobs: terraform apply");
        let applied = self.workspace.apply(&[])?;
        story.quote(&story::events(&applied.stdout));
        story.say(&format!("dkron has: {}", self.node.job_names()?.join(", ")));

        story.step("Hear them: dkron runs the jobs, the receiver is called");
        self.listen(story, |calls| calls.count(GREETINGS[0]) >= 3 && calls.count(CHILD) >= 1)
    }

    fn change(&mut self, story: &mut Story) -> Result<()> {
        let change = format!("-var=greeting={}", GREETINGS[1]);
        story.step(&format!("Change a job: terraform plan {change}"));
        let plan = self.workspace.plan(&[&change])?;
        story.quote(&story::changes(&plan.stdout));

        story.step("Apply the change and hear its effect");
        let applied = self.workspace.apply(&[&change])?;
        story.quote(&story::events(&applied.stdout));
        self.receiver.clear()?;
        self.listen(story, |calls| calls.count(GREETINGS[1]) >= 2)?;

        ensure!(self.workspace.plan_is_empty(&[&change])?, "a plan right after apply is not empty");
        story.say("another plan: nothing to do");
        Ok(())
    }

    fn destroy(&mut self, story: &mut Story) -> Result<()> {
        story.step("Destroy: terraform destroy");
        let destroyed = self.workspace.destroy(&[])?;
        story.quote(&story::events(&destroyed.stdout));

        story.step("Prove that nothing is left");
        let jobs = self.node.job_names()?;
        ensure!(jobs.is_empty(), "dkron still has jobs: {}", jobs.join(", "));
        story.say("dkron has no jobs");
        // A run that began before the job was deleted may still make its call.
        process::wait_for("running jobs to end", PATIENCE, || Ok(self.node.is_idle()?.then_some(())))?;
        self.receiver.clear()?;
        let quiet = Instant::now();
        process::wait_for("silence", SILENCE * 2, || {
            Ok((self.receiver.calls()?.total() > 0 || quiet.elapsed() >= SILENCE).then_some(()))
        })?;
        let calls = self.receiver.calls()?;
        ensure!(calls.total() == 0, "the receiver was called after all jobs were gone: {calls:?}");
        story.say(&format!("the receiver has heard nothing for {} s", SILENCE.as_secs()));
        Ok(())
    }

    /// Shows calls as they arrive until there are enough.
    fn listen(&mut self, story: &Story, enough: impl Fn(&Calls) -> bool) -> Result<()> {
        let mut shown = Calls::default();
        let result = process::wait_for("the jobs to call", PATIENCE, || {
            let calls = self.receiver.calls()?;
            for (time, token) in calls.since(&shown) {
                story.call(&time, &token);
                self.heard += 1;
            }
            shown = calls;
            Ok(enough(&shown).then_some(()))
        });
        result.with_context(|| format!("dkron's log ends:\n{}", process::tail(&self.node.log(), 15)))
    }

    fn leave(self, story: &mut Story, parts: &Parts) -> Result<()> {
        let (dkron_url, receiver_url) = (self.node.url(), self.receiver.url());
        let cli_config = self.workspace.cli_config();
        let root = self.workspace.folder();
        let folder = self.workspace.keep();
        let receiver = self.receiver.leave();
        let (dkron, data) = self.node.leave()?;

        let settings = [
            ("TF_CLI_CONFIG_FILE", cli_config.display().to_string()),
            ("TF_VAR_dkron_url", dkron_url.clone()),
            ("TF_VAR_receiver_url", receiver_url.clone()),
            ("TF_VAR_greeting", GREETINGS[1].to_owned()),
            ("KRONY_ENDPOINT", dkron_url.clone()),
        ];
        let exports: String =
            settings.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        let file = folder.join("env");
        fs::write(&file, exports).with_context(|| format!("cannot write {}", file.display()))?;

        story.step("Left running for you");
        story.say(&format!("dkron:    {dkron_url}/ui/ (process {dkron})"));
        story.say(&format!("receiver: {receiver_url}/ (process {receiver})"));
        story.say("go on:");
        story.say(&format!("  cd {}", root.display()));
        story.say(&format!("  . {}", file.display()));
        story.say(&format!("  {} plan", parts.terraform.path().display()));
        story.say("stop it:");
        story.say(&format!("  kill {dkron} {receiver}; rm -r {} {}", folder.display(), data.display()));
        Ok(())
    }
}
