//! How long the provider takes from its start to the handshake line, and with how much memory.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P521_SHA512};
use xtask::process::{Group, Running};
use xtask::progress::Task;
use xtask::provider::{self, PROGRAM, Profile};

use super::{Spread, milliseconds, peak_memory};

/// What Terraform says to a program that it starts as a provider.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// Starts this tree's provider, in turn with `other` if there is one.
pub(super) fn measure(rounds: usize, other: Option<&Path>) -> Result<String> {
    let program = provider::build(PROGRAM, Profile::Release)?;
    let certificate = client_certificate()?;
    let mut starts: Vec<Starts<'_>> = vec![Starts::of("", &program)];
    starts.extend(other.map(|other| Starts::of(", the other build", other)));
    let mut task = Task::start("Starting the provider", "");
    for round in 0..=rounds {
        task.note(&format!("{round} of {rounds}"));
        for starts in &mut starts {
            let (time, peak) = start(starts.program, &certificate)?;
            // The first one warms the page cache.
            if round > 0 {
                starts.times.push(time);
                starts.memory.push(peak);
            }
        }
    }
    task.done("");
    let rows: String = starts.into_iter().map(Starts::show).collect::<Result<_>>()?;
    Ok(format!("| process start ({rounds} times) | median (least–most) |\n|---|---|\n{rows}"))
}

/// The starts of one program.
struct Starts<'a> {
    title: &'static str,
    program: &'a Path,
    times: Vec<f64>,
    memory: Vec<f64>,
}

impl<'a> Starts<'a> {
    fn of(title: &'static str, program: &'a Path) -> Self {
        Self { title, program, times: Vec::new(), memory: Vec::new() }
    }

    fn show(self) -> Result<String> {
        let (title, times, memory) = (self.title, Spread::of(self.times)?, Spread::of(self.memory)?);
        Ok(format!(
            "| exec to handshake, ms{title} | {} |\n| peak memory at the handshake, MiB{title} | {} |\n",
            times.show(2),
            memory.show(1)
        ))
    }
}

/// Milliseconds to the handshake, and the memory used by then.
fn start(program: &Path, certificate: &str) -> Result<(f64, f64)> {
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    let mut command = Command::new(program);
    command.env("TF_PLUGIN_MAGIC_COOKIE", COOKIE).env("PLUGIN_PROTOCOL_VERSIONS", "5,6");
    command.env("PLUGIN_CLIENT_CERT", certificate);
    command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null());
    let begin = Instant::now();
    let running = Running::start_uncaptured(PROGRAM, &mut command, Group::Own)?;
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).context("cannot read the handshake")?;
    let time = milliseconds(begin.elapsed());
    ensure!(line.starts_with("1|6|"), "the provider did not say its handshake but {line:?}");
    Ok((time, peak_memory(running.pid())?))
}

/// Of the kind that Terraform sends: self-signed, P-521.
fn client_certificate() -> Result<String> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).context("cannot make a key")?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.self_signed(&key)?;
    Ok(certificate.pem())
}
