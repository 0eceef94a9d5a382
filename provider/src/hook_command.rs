//! `terraform-provider-krony hook`: the tools of those who write hooks.

mod bench;
mod inspect;
mod new;
mod run;
mod test;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use hooks::Wasi;
use hooks::host::{Hook, Host};
use hooks::limits::{Limits, MAX_MODULE};
use hooks::plain::plain;

use crate::{
    provider::variable,
    text::{positive_duration, sentence},
};

/// Makes, looks at, asks, tests and times hooks: WebAssembly modules that judge what is planned.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::Arguments),
    /// Prints a question as hooks get it, to begin with for `hook run` and for cases
    Example,
    Inspect(inspect::Arguments),
    Run(run::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
}

/// Why a command came to nothing: sentences.
type Failure = String;

/// Runs a command. What went wrong is said on stderr, and what hooks log.
pub fn run(arguments: &Arguments) -> ExitCode {
    // What is timed is not to write as well.
    if !matches!(arguments.command, Command::Bench(_)) {
        let log = tracing_subscriber::fmt().with_writer(io::stderr).without_time().with_target(false);
        // A test that runs commands in its own process has a log already.
        let _ = log.with_env_filter("hooks=debug").try_init();
    }
    let result = match &arguments.command {
        Command::New(arguments) => new::run(arguments),
        Command::Example => example(),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
    };
    result.unwrap_or_else(|failure| {
        tell(&format!("Error: {failure}"));
        ExitCode::FAILURE
    })
}

fn example() -> Result<ExitCode, Failure> {
    let example = serde_json::to_string_pretty(&hooks::author::example_request()).map_err(sentence)?;
    print(example).map(|()| ExitCode::SUCCESS)
}

/// A hook, and what it may use.
#[derive(Args)]
struct Module {
    /// The module: what the build left, a component or a plain module; also in the text format.
    #[arg(value_name = "MODULE")]
    path: PathBuf,
    /// Gives a hook that was built for WASI one in which there is nothing.
    #[arg(long, value_enum)]
    wasi: Option<WasiChoice>,
    /// The fuel of one call; 50 million by default.
    #[arg(long, value_name = "UNITS")]
    fuel: Option<u64>,
    /// The memory of one call, in MiB; 64 by default.
    #[arg(long, value_name = "MIB")]
    memory: Option<u32>,
    /// The time of one call, such as 2s, which is the default.
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    timeout: Option<Duration>,
}

#[derive(Clone, Copy, ValueEnum)]
enum WasiChoice {
    Stub,
}

impl Module {
    fn wasi(&self) -> Wasi {
        self.wasi.map_or(Wasi::None, |WasiChoice::Stub| Wasi::Stub)
    }

    fn limits(&self) -> Limits {
        let default = Limits::default();
        let memory = self.memory.and_then(|mebibytes| usize::try_from(mebibytes).ok()?.checked_mul(1 << 20));
        Limits {
            fuel: self.fuel.unwrap_or(default.fuel),
            memory: memory.unwrap_or(default.memory),
            timeout: self.timeout.unwrap_or(default.timeout),
        }
    }

    fn read(&self) -> Result<Vec<u8>, Failure> {
        let unreadable = |error: io::Error| format!("{} cannot be read: {error}.", self.path.display());
        let size = std::fs::metadata(&self.path).map_err(unreadable)?.len();
        if size > MAX_MODULE as u64 {
            return Err(format!(
                "{} has {size} bytes; a hook has at most {MAX_MODULE}.",
                self.path.display()
            ));
        }
        std::fs::read(&self.path).map_err(unreadable)
    }

    /// Loads the hook, through the user's cache.
    fn load(&self) -> Result<Hook, Failure> {
        let cache = crate::hooks::user_cache(&variable);
        let host = Host::new(cache).map_err(sentence)?;
        let bytes = self.read()?;
        let loaded = host.load(&self.name(), &bytes, self.wasi());
        let loaded = loaded.map_err(|error| not_a_hook(&self.path, error))?;
        loaded.warnings.iter().for_each(|warning| tell(&format!("Warning: {warning}")));
        Ok(loaded.hook)
    }

    fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().display().to_string()
    }
}

fn not_a_hook(path: &Path, error: impl Display) -> Failure {
    format!("{} cannot be a hook. {}", path.display(), sentence(error))
}

/// Writes to stdout. Modules have a say in it, but not in what a terminal does.
fn print(text: impl Display) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{}", plain(&text.to_string())) {
        // Who reads has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| format!("The output cannot be written: {error}.")),
    }
}

/// Writes to stderr. Where that is gone there is nobody to tell.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{}", plain(text));
}

/// Checks the settings, as Terraform does before the first question.
fn expect_settings(hook: &Hook, limits: &Limits, settings: &serde_json::Value) -> Result<(), Failure> {
    let accepted = hook.validate_settings(limits, settings).result;
    let accepted =
        accepted.map_err(|error| format!("The hook was to check its settings. {}", sentence(error)))?;
    accepted.map_err(|reason| format!("The hook refuses these settings. {}", sentence(reason)))
}

/// Settings: JSON, or the path of a file behind an `@`.
fn settings(text: Option<&str>) -> Result<serde_json::Value, Failure> {
    let text = match text {
        None => return Ok(serde_json::json!({})),
        Some(text) => match text.strip_prefix('@') {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}."))?
            }
            None => text.to_owned(),
        },
    };
    serde_json::from_str(&text).map_err(|error| format!("Expected settings as JSON: {error}."))
}
