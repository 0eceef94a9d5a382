//! `cargo xtask test`

use std::num::NonZero;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use console::Term;
use serde_json::Value;
use xtask::interrupt;
use xtask::process::{self, Group, Running};
use xtask::progress::Task;
use xtask::provider::{self, Profile};
use xtask::tools;

use super::cargo;

/// Bounds one step.
pub(crate) const LIMIT: Duration = Duration::from_secs(45 * 60);
/// Bounds one step of a soak.
const SOAK_LIMIT: Duration = Duration::from_secs(12 * 3600);

/// Run format, lints, and all tests; the last line says how many passed and failed
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to run; everything if nothing is named
    kinds: Vec<Kind>,
    /// Run the long counts instead of the reduced ones
    #[arg(long)]
    soak: bool,
}

/// The kinds of checks, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Format, lints, licences and sources
    Lint,
    /// Tests beside the code and examples in its documentation; offline and fast
    Unit,
    /// The wire: messages, values, handshake, process life
    Protocol,
    /// The real Terraform against the real dkron
    Acceptance,
    /// Whether docs/ matches the schema
    Docs,
}

const KINDS: [Kind; 5] = [Kind::Lint, Kind::Unit, Kind::Protocol, Kind::Acceptance, Kind::Docs];

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let targets = Targets::of_workspace()?;
    let mut session = Session { soak: arguments.soak, tally: Tally::default() };
    for kind in KINDS {
        if !arguments.kinds.is_empty() && !arguments.kinds.contains(&kind) {
            continue;
        }
        match kind {
            Kind::Lint => session.lint()?,
            Kind::Unit => session.unit(&targets)?,
            Kind::Acceptance => session.acceptance(&targets)?,
            Kind::Protocol => session.tests("Protocol tests", &targets.named(kind), &[])?,
            Kind::Docs => session.tests("Freshness of docs/", &targets.named(kind), &[])?,
        }
    }
    let Tally { passed, failed } = session.tally;
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many checks passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    const PASSED: Self = Self { passed: 1, failed: 0 };
    const FAILED: Self = Self { passed: 0, failed: 1 };

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Sums up the result lines of test binaries. A run that ended badly counts as a failure
    /// even when no test says so: it did not compile, or crashed.
    fn of_tests(output: &str, success: bool) -> Self {
        let mut tally = Self::default();
        for line in output.lines() {
            tally.add(result_line(line).unwrap_or_default());
        }
        if !success && tally.failed == 0 {
            tally.failed = 1;
        }
        tally
    }
}

/// Reads `test result: ok. 3 passed; 0 failed; …`.
fn result_line(line: &str) -> Option<Tally> {
    let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| {
        let part = counts.split("; ").find_map(|part| part.strip_suffix(what))?;
        part.trim().parse().ok()
    };
    Some(Tally { passed: count(" passed")?, failed: count(" failed")? })
}

type Environment = [(&'static str, String)];

/// One run of the command.
struct Session {
    soak: bool,
    tally: Tally,
}

impl Session {
    fn lint(&mut self) -> Result<()> {
        let mut format = cargo();
        format.args(["fmt", "--all", "--check"]);
        self.check("Format", "", format)?;

        let mut clippy = cargo();
        clippy.args(["clippy", "--locked", "--workspace", "--all-targets", "--keep-going"]);
        clippy.args(["--", "--deny=warnings"]);
        self.check("Lints", "minutes when nothing is built yet", clippy)?;

        if let Some(terraform) = self.made("Format of the examples", tools::terraform().obtain())? {
            let mut format = Command::new(terraform);
            format
                .args(["fmt", "-check", "-diff", "-recursive", "examples"])
                .current_dir(super::repository());
            self.check("Format of the examples", "", format)?;
        }
        if let Some(deny) = self.made("Licences and sources", tools::cargo_deny().obtain())? {
            let mut command = Command::new(deny);
            command.args(["--locked", "--workspace", "check", "bans", "licenses", "sources"]);
            command.current_dir(super::repository());
            self.check("Licences and sources", "", command)?;
        }
        Ok(())
    }

    fn unit(&mut self, targets: &Targets) -> Result<()> {
        let mut arguments = vec!["--lib".to_owned(), "--bins".to_owned()];
        arguments.extend(targets.named(Kind::Unit));
        self.tests("Unit tests", &arguments, &[])?;
        self.tests("Examples in the documentation", &["--doc".to_owned()], &[])
    }

    fn acceptance(&mut self, targets: &Targets) -> Result<()> {
        let arguments = targets.named(Kind::Acceptance);
        if let Some(mut environment) = self.made("Acceptance tests", environment())? {
            environment.push(("RUST_TEST_THREADS", acceptance_threads().to_string()));
            self.tests("Acceptance tests", &arguments, &environment)?;
        }
        Ok(())
    }

    /// Runs tests of the whole workspace, so that no choice of packages compiles anything anew.
    fn tests(&mut self, title: &str, arguments: &[String], environment: &Environment) -> Result<()> {
        if arguments.is_empty() {
            return self.made(title, Err(anyhow!("the workspace has no such tests"))).map(|_: Option<()>| ());
        }
        let mut command = cargo();
        command.args(["test", "--locked", "--workspace", "--no-fail-fast"]).args(arguments);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        if self.soak {
            command.env("KRONY_SOAK", "1");
        }
        let usual = if self.soak { "hours" } else { "" };
        self.step(title, usual, command, Tally::of_tests)
    }

    /// Runs a check that counts as one.
    fn check(&mut self, title: &str, usual: &str, command: Command) -> Result<()> {
        self.step(title, usual, command, |_, success| if success { Tally::PASSED } else { Tally::FAILED })
    }

    fn step(
        &mut self,
        title: &str,
        usual: &str,
        mut command: Command,
        count: impl Fn(&str, bool) -> Tally,
    ) -> Result<()> {
        if Term::stdout().is_term() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let mut task = Task::start(title, usual);
        let mut running = Running::start_merged(title, &mut command, Group::Own)?;
        let limit = if self.soak { SOAK_LIMIT } else { LIMIT };
        let status = running.wait_with(limit, |output| task.note(&output.tail(1)))?;
        let output = running.output().stdout();
        let tally = count(&output, status.success());
        let result = format!("{} passed, {} failed", tally.passed, tally.failed);
        if tally.failed == 0 {
            task.done(&result);
        } else {
            task.failed(&result);
            println!("{}", output.trim_end());
        }
        self.tally.add(tally);
        Ok(())
    }

    /// What a step needs, or a failure of that step: the others still run.
    fn made<T>(&mut self, title: &str, needed: Result<T>) -> Result<Option<T>> {
        needed.map(Some).or_else(|error| {
            interrupt::check()?;
            eprintln!("{title}: {error:#}");
            self.tally.add(Tally::FAILED);
            Ok(None)
        })
    }
}

/// How many acceptance tests run at once. They wait for other processes most of the time, so two fit on a core.
fn acceptance_threads() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get)
}

/// What acceptance tests are told, so that they need not look for it.
fn environment() -> Result<Vec<(&'static str, String)>> {
    let parts = [
        tools::dkron(),
        tools::terraform(),
        tools::terraform_newest(),
        tools::terraform_1_8(),
        tools::terraform_1_6(),
    ];
    let mut environment = Vec::new();
    for part in parts {
        environment.push((part.variable, part.obtain()?.display().to_string()));
    }
    let folder = provider::provider_folder(Profile::Debug)?;
    environment.push((provider::FOLDER_VARIABLE, folder.display().to_string()));
    Ok(environment)
}

/// The integration test targets of the workspace, as (package, name).
struct Targets(Vec<(String, String)>);

impl Targets {
    fn of_workspace() -> Result<Self> {
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--format-version=1"]);
        let text = process::output_of("cargo metadata", &mut command, Duration::from_secs(60))?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata is no JSON")?;
        let targets = Self::from_metadata(&metadata);
        targets.ensure_names_tell_kinds()?;
        Ok(targets)
    }

    fn from_metadata(metadata: &Value) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found = Vec::new();
        for package in list(&metadata["packages"]) {
            for target in list(&package["targets"]) {
                if list(&target["kind"]).contains(&"test".into()) {
                    found.push((text(&package["name"]), text(&target["name"])));
                }
            }
        }
        Self(found)
    }

    /// Tests are chosen by name over the whole workspace, so a name must not mean two kinds.
    fn ensure_names_tell_kinds(&self) -> Result<()> {
        for (package, name) in &self.0 {
            let clash = self.0.iter().find(|(other_package, other)| {
                other == name && kind_of(other_package, other) != kind_of(package, name)
            });
            if let Some((other, _)) = clash {
                bail!("{package} and {other} have tests of different kinds called {name}: rename one");
            }
        }
        Ok(())
    }

    /// Arguments that choose the targets of one kind.
    fn named(&self, kind: Kind) -> Vec<String> {
        let chosen = self.0.iter().filter(|(package, name)| kind_of(package, name) == kind);
        let mut names: Vec<&str> = chosen.map(|(_, name)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| format!("--test={name}")).collect()
    }
}

/// What kind of tests a file in a package's tests/ holds.
fn kind_of(package: &str, name: &str) -> Kind {
    match (package, name) {
        (_, "acceptance" | "real") => Kind::Acceptance,
        (_, "docs") => Kind::Docs,
        ("proto" | "tfplugin", _) => Kind::Protocol,
        (_, name) if name.starts_with("protocol") => Kind::Protocol,
        _ => Kind::Unit,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OUTPUT: &str = "
running 2 tests
test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s
     Running tests/acceptance.rs
test says ... test result: none of yours
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";

    #[test]
    fn results_of_all_binaries_are_summed() {
        assert_eq!(Tally::of_tests(OUTPUT, false), Tally { passed: 15, failed: 2 });
    }

    #[test]
    fn a_bad_end_counts_even_when_no_test_failed() {
        assert_eq!(Tally::of_tests("error: could not compile", false), Tally::FAILED);
        let crashed = "test result: ok. 12 passed; 0 failed; 1 ignored\nerror: test failed";
        assert_eq!(Tally::of_tests(crashed, false), Tally { passed: 12, failed: 1 });
        assert_eq!(Tally::of_tests("", true), Tally::default());
    }

    #[test]
    fn only_result_lines_are_read() {
        assert_eq!(result_line("test result: ok. 3 passed; 0 failed"), Some(Tally { passed: 3, failed: 0 }));
        assert_eq!(result_line("test result: ok. many passed; 0 failed"), None);
        assert_eq!(result_line("test a ... ok"), None);
    }

    fn metadata(targets: &[(&str, &str, &str)]) -> Targets {
        let packages: Vec<Value> = targets
            .iter()
            .map(
                |(package, name, kind)| json!({"name": package, "targets": [{"name": name, "kind": [kind]}]}),
            )
            .collect();
        Targets::from_metadata(&json!({ "packages": packages }))
    }

    #[test]
    fn every_test_target_belongs_to_one_kind() {
        let targets = metadata(&[
            ("provider", "acceptance", "test"),
            ("provider", "protocol_edges", "test"),
            ("provider", "docs", "test"),
            ("dkron", "real", "test"),
            ("dkron", "faults", "test"),
            ("tfplugin", "vectors", "test"),
            ("provider", "terraform-provider-krony", "bin"),
        ]);
        let named = |kind| targets.named(kind);
        assert_eq!(named(Kind::Acceptance), ["--test=acceptance", "--test=real"]);
        assert_eq!(named(Kind::Protocol), ["--test=protocol_edges", "--test=vectors"]);
        assert_eq!(named(Kind::Unit), ["--test=faults"]);
        assert_eq!(named(Kind::Docs), ["--test=docs"]);
        targets.ensure_names_tell_kinds().unwrap();
    }

    #[test]
    fn one_name_for_two_kinds_is_refused() {
        let targets = metadata(&[("dkron", "faults", "test"), ("tfplugin", "faults", "test")]);
        let error = targets.ensure_names_tell_kinds().unwrap_err().to_string();
        assert_eq!(error, "dkron and tfplugin have tests of different kinds called faults: rename one");
    }

    #[test]
    fn what_cannot_run_is_a_failure_and_the_rest_goes_on() {
        let mut session = Session { soak: false, tally: Tally::default() };
        session.tests("Nothing", &metadata(&[]).named(Kind::Docs), &[]).unwrap();
        session.check("True", "", Command::new("true")).unwrap();
        session.check("False", "", Command::new("false")).unwrap();
        assert_eq!(session.tally, Tally { passed: 1, failed: 2 });
    }
}
