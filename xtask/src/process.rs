//! Child processes that never outlive their handle.
//!
//! Output goes to unnamed temporary files rather than pipes: it can be read while the child runs,
//! nothing blocks when nobody reads, and a grandchild that keeps the descriptor cannot hang us.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group};

use crate::interrupt;

const POLL: Duration = Duration::from_millis(20);

/// Which process group a child belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A new one: a signal can be sent to the child and everything it started, and Ctrl-C on the
    /// terminal does not reach it. For commands that end by themselves.
    Own,
    /// The one of this process, so that Ctrl-C ends it even where no handle is dropped any more.
    /// For servers started by tests.
    Shared,
}

/// A running child. Dropping the handle kills it and what it started.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    group: Group,
    output: Output,
    /// Set by [`Running::leave`]: the handle's end is not the child's.
    left: bool,
}

impl Running {
    /// Starts `command` without standard input and with its output captured.
    ///
    /// # Errors
    /// When the program cannot be started; the error names it.
    pub fn start(name: &str, command: &mut Command, group: Group) -> Result<Self> {
        let (stdout, stderr) = (Capture::new()?, Capture::new()?);
        command.stdin(Stdio::null()).stdout(stdout.stdio()?).stderr(stderr.stdio()?);
        Self::spawn(name, command, group, Output { stdout: Some(stdout), stderr: Some(stderr) })
    }

    /// Starts `command` with standard output and error interleaved in one file, as a terminal
    /// would show them; [`Output::stderr`] stays empty.
    ///
    /// # Errors
    /// When the program cannot be started; the error names it.
    pub fn start_merged(name: &str, command: &mut Command, group: Group) -> Result<Self> {
        let stdout = Capture::new()?;
        command.stdin(Stdio::null()).stdout(stdout.stdio()?).stderr(stdout.stdio()?);
        Self::spawn(name, command, group, Output { stdout: Some(stdout), stderr: None })
    }

    /// Starts `command` with the input and output that it was given; [`Output`] stays empty.
    ///
    /// # Errors
    /// When the program cannot be started; the error names it.
    pub fn start_uncaptured(name: &str, command: &mut Command, group: Group) -> Result<Self> {
        Self::spawn(name, command, group, Output { stdout: None, stderr: None })
    }

    fn spawn(name: &str, command: &mut Command, group: Group, output: Output) -> Result<Self> {
        if group == Group::Own {
            command.process_group(0);
        }
        let child = spawn_patiently(command)
            .with_context(|| format!("cannot start {name} ({})", command.get_program().to_string_lossy()))?;
        Ok(Self { name: name.to_owned(), child, group, output, left: false })
    }

    /// The process id, valid until the child has been waited for.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the child has written so far.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The exit status if the child has ended.
    ///
    /// # Errors
    /// When the operating system cannot tell.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("cannot ask for the state of {}", self.name))
    }

    /// Waits for the end of the child.
    ///
    /// # Errors
    /// When `limit` has passed (the child is then killed) or this process was interrupted.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.wait_with(limit, |_| {})
    }

    /// Waits as [`Running::wait`] does and calls `look` a few times a second, for progress.
    ///
    /// # Errors
    /// As [`Running::wait`].
    pub fn wait_with(&mut self, limit: Duration, mut look: impl FnMut(&Output)) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            interrupt::check()?;
            if started.elapsed() > limit {
                self.kill();
                bail!(
                    "{} did not end within {} s and was killed; its last output:\n{}",
                    self.name,
                    limit.as_secs(),
                    self.output.tail(20)
                );
            }
            look(&self.output);
            thread::sleep(POLL);
        }
    }

    /// Waits until `probe` says so of the running child; an error of `probe` counts as not yet.
    ///
    /// # Errors
    /// As [`wait_for`], and at once when the child ends.
    pub fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut probe: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let ended = wait_for(what, limit, || match self.try_wait()? {
            Some(status) => Ok(Some(Some(status))),
            None => Ok(probe()?.then_some(None)),
        })?;
        if let Some(status) = ended {
            bail!("{} ended ({status}) while waiting for {what}", self.name);
        }
        Ok(())
    }

    /// Sends `signal` to the child alone. A child that has ended is no error.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.try_wait()?.is_some() {
            return Ok(());
        }
        kill_process(self.raw_pid(), signal).with_context(|| format!("cannot send a signal to {}", self.name))
    }

    /// Sends `signal` to the child and all it started, as Ctrl-C on a terminal does.
    ///
    /// # Errors
    /// When the child shares the group of this process, or the operating system refuses.
    pub fn signal_group(&mut self, signal: Signal) -> Result<()> {
        if self.group == Group::Shared {
            bail!("{} has no process group of its own: start it with Group::Own", self.name);
        }
        if self.try_wait()?.is_some() {
            return Ok(());
        }
        kill_process_group(self.raw_pid(), signal)
            .with_context(|| format!("cannot send a signal to the group of {}", self.name))
    }

    /// Kills the child and everything below it, and reaps it. Harmless when it has ended.
    pub fn kill(&mut self) {
        let below = descendants(self.pid());
        // A process that has ended meanwhile is what we want, so these answers do not matter.
        let _ = self.child.kill();
        if self.group == Group::Own {
            let _ = kill_process_group(self.raw_pid(), Signal::KILL);
        }
        for pid in below {
            let _ = send(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }

    /// Gives the child up: it goes on when the handle is dropped.
    pub fn leave(mut self) -> u32 {
        self.left = true;
        self.pid()
    }

    fn raw_pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.left {
            self.kill();
        }
    }
}

/// Starts a program whose file may have been written a moment ago: as long as a child that another
/// thread is just starting still holds that descriptor, the system calls the file busy.
fn spawn_patiently(command: &mut Command) -> io::Result<Child> {
    for _ in 0..50 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => thread::sleep(POLL),
            result => return result,
        }
    }
    command.spawn()
}

/// What a child wrote.
#[derive(Debug)]
pub struct Output {
    stdout: Option<Capture>,
    stderr: Option<Capture>,
}

impl Output {
    /// Standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.as_ref().map(Capture::text).unwrap_or_default()
    }

    /// Standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.as_ref().map(Capture::text).unwrap_or_default()
    }

    /// The last `lines` lines of both.
    pub fn tail(&self, lines: usize) -> String {
        tail(&(self.stdout() + &self.stderr()), lines)
    }
}

/// The last `lines` lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// An unnamed file that a child writes and we read, each at its own position.
#[derive(Debug)]
struct Capture(File);

impl Capture {
    fn new() -> Result<Self> {
        tempfile::tempfile().map(Self).context("cannot create a temporary file for a program's output")
    }

    fn stdio(&self) -> Result<Stdio> {
        let file = self.0.try_clone().context("cannot duplicate the descriptor of a temporary file")?;
        Ok(file.into())
    }

    fn text(&self) -> String {
        let mut bytes = Vec::new();
        let mut chunk = [0; 64 * 1024];
        // The position is given explicitly, because the child writes at the shared one.
        while let Ok(read @ 1..) = self.0.read_at(&mut chunk, bytes.len() as u64) {
            bytes.extend_from_slice(&chunk[..read]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; 128 plus the number of the signal that ended it, as a shell reports it.
    pub code: i32,
    /// Everything it wrote to standard output.
    pub stdout: String,
    /// Everything it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    pub(crate) fn new(status: ExitStatus, output: &Output) -> Self {
        let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
        Self { code, stdout: output.stdout(), stderr: output.stderr() }
    }

    /// Whether the exit code is 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }

    /// Both outputs, for searching and for messages.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs a command of its own group to its end.
///
/// # Errors
/// When it cannot be started, takes longer than `limit`, or this process is interrupted. An exit
/// code other than 0 is not an error here.
pub fn run(name: &str, command: &mut Command, limit: Duration) -> Result<Finished> {
    let mut running = Running::start(name, command, Group::Own)?;
    let status = running.wait(limit)?;
    Ok(Finished::new(status, running.output()))
}

/// Runs a command that is expected to succeed and returns its standard output.
///
/// # Errors
/// As [`run`], and when the exit code is not 0; the error carries what the command printed.
pub fn output_of(name: &str, command: &mut Command, limit: Duration) -> Result<String> {
    let finished = run(name, command, limit)?;
    if !finished.success() {
        bail!("{name} ended with code {}:\n{}", finished.code, finished.text().trim_end());
    }
    Ok(finished.stdout)
}

/// Sends `signal` to any process. One that does not exist is an error.
///
/// # Errors
/// When the process does not exist or the operating system refuses.
pub fn send(pid: u32, signal: Signal) -> Result<()> {
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let raw = raw.with_context(|| format!("{pid} is no process id"))?;
    kill_process(raw, signal).with_context(|| format!("cannot send a signal to process {pid}"))
}

/// Every process below `pid`, nearest first.
pub fn descendants(pid: u32) -> Vec<u32> {
    let table = process_table();
    let mut found = vec![pid];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(table.iter().filter(|entry| entry.1 == parent).map(|entry| entry.0));
        next += 1;
    }
    found.split_off(1)
}

/// The processes below `pid` whose program file is called `program`, nearest first.
pub fn descendants_named(pid: u32, program: &str) -> Vec<u32> {
    let runs = |pid: &u32| {
        let Ok(path) = fs::read_link(format!("/proc/{pid}/exe")) else { return false };
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        // The kernel marks a program whose file was replaced while it runs, as a rebuild does.
        name.strip_suffix(" (deleted)").unwrap_or(name) == program
    };
    descendants(pid).into_iter().filter(runs).collect()
}

/// Process id and parent of every process that /proc shows; one that ends meanwhile is left out.
fn process_table() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, parent_in_stat(&stat)?))
        })
        .collect()
}

/// The parent in a line of /proc/PID/stat: the second field after the name, which stands in
/// brackets and may itself contain anything.
fn parent_in_stat(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Calls `probe` until it gives a value.
///
/// # Errors
/// When `limit` has passed, naming what was waited for and the last error; when this process is
/// interrupted.
pub fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        let last = match probe() {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        interrupt::check()?;
        if started.elapsed() > limit {
            let message = format!("waited {} s for {what} in vain", limit.as_secs());
            return Err(match last {
                Some(error) => error.context(message),
                None => anyhow!(message),
            });
        }
        thread::sleep(POLL);
    }
}

/// The program `name` on PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

pub(crate) fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn is_alive(pid: u32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn output_and_code_are_kept_apart() {
        let finished = run("sh", &mut shell("echo out; echo err >&2; exit 3"), LIMIT).unwrap();
        assert_eq!((finished.code, &*finished.stdout, &*finished.stderr), (3, "out\n", "err\n"));
        let error = output_of("sh", &mut shell("echo why >&2; exit 3"), LIMIT).unwrap_err().to_string();
        assert_eq!(error, "sh ended with code 3:\nwhy");
    }

    #[test]
    fn a_signal_is_reported_as_a_shell_does() {
        assert_eq!(run("sh", &mut shell("kill -TERM $$"), LIMIT).unwrap().code, 143);
    }

    #[test]
    fn output_can_be_read_while_the_child_writes() {
        let mut running =
            Running::start("sh", &mut shell("echo one; sleep 60 & wait; echo two"), Group::Own).unwrap();
        let seen = |running: &Running| running.output().stdout() == "one\n";
        wait_for("the first line", LIMIT, || Ok(seen(&running).then_some(()))).unwrap();
        assert!(running.try_wait().unwrap().is_none());
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run("the tool", &mut Command::new("/nowhere/tool"), LIMIT).unwrap_err().to_string();
        assert_eq!(error, "cannot start the tool (/nowhere/tool)");
    }

    #[test]
    fn too_slow_is_an_error_with_the_last_output() {
        let mut command = shell("echo started; sleep 60 & wait");
        let error = run("sleeper", &mut command, Duration::from_millis(300)).unwrap_err().to_string();
        assert!(error.starts_with("sleeper did not end within 0 s"), "{error}");
        assert!(error.ends_with("started"), "{error}");
    }

    #[test]
    fn dropping_the_handle_kills_the_tree_in_either_group() {
        for group in [Group::Own, Group::Shared] {
            let running = Running::start("sh", &mut shell("sleep 60 & wait"), group).unwrap();
            let pid = running.pid();
            let below =
                wait_for("the grandchild", LIMIT, || Ok(descendants_named(pid, "sleep").pop())).unwrap();
            drop(running);
            wait_for("the end of both", LIMIT, || Ok((!is_alive(pid) && !is_alive(below)).then_some(())))
                .unwrap();
        }
    }

    #[test]
    fn a_panic_kills_too() {
        let running = Running::start("sh", &mut shell("sleep 60 & wait"), Group::Shared).unwrap();
        let pid = running.pid();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _running = running;
            panic!("a failing test");
        }));
        assert!(panicked.is_err());
        assert!(!is_alive(pid));
    }

    #[test]
    fn signals_reach_one_process_or_the_group() {
        // Each of the two shells tells of the signal and goes on.
        let script = "trap 'echo above' TERM; (trap 'echo below' TERM; echo ready; \
                      while :; do sleep 0.01; done) & while :; do wait; done";
        let mut running = Running::start("sh", &mut shell(script), Group::Own).unwrap();
        let wait_until = |running: &Running, text: &str| {
            wait_for(text, LIMIT, || Ok(running.output().stdout().contains(text).then_some(()))).unwrap();
        };
        wait_until(&running, "ready");
        running.signal(Signal::TERM).unwrap();
        wait_until(&running, "above");
        assert!(!running.output().stdout().contains("below"));
        running.signal_group(Signal::TERM).unwrap();
        wait_until(&running, "below");

        let mut shared = Running::start("sh", &mut shell("sleep 60"), Group::Shared).unwrap();
        let error = shared.signal_group(Signal::INT).unwrap_err().to_string();
        assert!(error.contains("Group::Own"), "{error}");
    }

    #[test]
    fn the_parent_is_found_behind_a_strange_name() {
        assert_eq!(parent_in_stat("42 (a) S (b) S 7 42 42 0"), Some(7));
        assert_eq!(parent_in_stat("rubbish"), None);
    }

    #[test]
    fn waiting_in_vain_tells_for_what_and_why() {
        let result: Result<()> = wait_for("the moon", Duration::ZERO, || bail!("clouds"));
        assert_eq!(format!("{:#}", result.unwrap_err()), "waited 0 s for the moon in vain: clouds");
    }
}
