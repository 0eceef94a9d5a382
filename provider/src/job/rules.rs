//! What a job must be beyond the types of its attributes, and what deserves a warning.

use dkron::RESERVED_METADATA;
use jiff::Timestamp;
use schedule::{Schedule, TimeZoneName};
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model::{Attr, Map},
    path::Path,
};

use super::{
    convert::to_dkron,
    model::{Executor, Http, Job, Shell},
};
use crate::text::sentence;

/// Checks across attributes of configuration; anything may be unknown.
pub(super) fn check(job: &Job) -> Diagnostics {
    let mut findings = Diagnostics::new();
    findings.extend(check_executor_choice(job));
    findings.extend(check_trigger(job));
    findings.extend(check_metadata(job));
    findings.extend(check_tags(job));
    findings.extend(check_processors(job));
    if let Some(http) = job.http.known() {
        findings.extend(check_http(http));
    }
    if let Some(shell) = job.shell.known() {
        findings.extend(check_shell(shell));
    }
    if let Some(executor) = job.executor.known() {
        findings.extend(check_generic(executor));
    }
    findings
}

fn error(path: Path, summary: &str, detail: impl Into<String>) -> Diagnostics {
    Diagnostic::error(summary, detail).at(path).into()
}

fn check_executor_choice(job: &Job) -> Diagnostics {
    let choices = [
        ("http", job.http.is_set(), job.http.is_unknown()),
        ("shell", job.shell.is_set(), job.shell.is_unknown()),
        ("executor", job.executor.is_set(), job.executor.is_unknown()),
    ];
    let chosen: Vec<_> = choices.iter().filter(|(_, set, _)| *set).collect();
    // What is unknown may still turn out to be null.
    let certain = chosen.iter().filter(|(_, _, unknown)| !unknown).count();
    let names: Vec<_> = choices.iter().map(|(name, ..)| format!("`{name}`")).collect();
    let expected = format!("Expected exactly one of {}", names.join(", "));
    match chosen.as_slice() {
        [] => error(Path::root(), "Missing executor", format!("{expected}: it says what the job does.")),
        [_] => Diagnostics::new(),
        [.., (last, ..)] if certain > 1 => {
            let found: Vec<_> = chosen.iter().map(|(name, ..)| format!("`{name}`")).collect();
            error(
                Path::attribute(*last),
                "More than one executor",
                format!("{expected}, found {}.", found.join(" and ")),
            )
        }
        _ => Diagnostics::new(),
    }
}

fn check_trigger(job: &Job) -> Diagnostics {
    let missing = |text: Option<&str>, set: bool| text.map_or(!set, str::is_empty);
    let schedule = job.schedule.known().map(|text| &**text);
    let parent = job.parent_job.known().map(|text| &**text);
    if missing(schedule, job.schedule.is_set()) && missing(parent, job.parent_job.is_set()) {
        let detail = "Expected `schedule`, `parent_job` or both: they say when the job runs. A job that only people \
                      start has the schedule \"@manually\".";
        return error(Path::attribute("schedule"), "Missing schedule", detail);
    }
    let name = job.name.known().map(|name| &**name);
    if name.is_some() && name == parent {
        return error(Path::attribute("parent_job"), "A job cannot be its own parent", "Name another job.");
    }
    Diagnostics::new()
}

/// Elements of a map that are null: dkron would keep them as empty text.
fn check_nulls<T>(map: &Attr<Map<T>>, path: &Path) -> Diagnostics {
    let keys = map.known().into_iter().flat_map(|map| &map.0).filter(|(_, value)| value.is_null());
    let finding = |(key, _): (&String, _)| {
        Diagnostic::error("Null element", "Expected text. Leave the key out instead, or write \"\".")
            .at(path.key(key))
    };
    keys.map(finding).collect()
}

fn check_metadata(job: &Job) -> Diagnostics {
    let path = Path::attribute("metadata");
    let mut findings = check_nulls(&job.metadata, &path);
    let keys = job.metadata.known().into_iter().flat_map(|metadata| metadata.0.keys());
    for key in keys.filter(|key| key.starts_with(RESERVED_METADATA)) {
        let detail =
            format!("Keys that begin with `{RESERVED_METADATA}` are krony's own: choose another one.");
        findings.push(Diagnostic::error("Reserved metadata key", detail).at(path.key(key)));
    }
    findings
}

fn check_tags(job: &Job) -> Diagnostics {
    let path = Path::attribute("tags");
    let mut findings = check_nulls(&job.tags, &path);
    for (key, value) in job.tags.known().into_iter().flat_map(Map::known) {
        if let Some((_, count)) = value.rsplit_once(':')
            && !count.parse::<u32>().is_ok_and(|count| count > 0)
        {
            let detail = format!(
                "Expected a value with the number of nodes behind its last colon, such as \"true:1\"; {value:?} selects no \
                 node at all."
            );
            findings.push(Diagnostic::error("Tag without a number of nodes", detail).at(path.key(key)));
        }
    }
    findings
}

fn check_processors(job: &Job) -> Diagnostics {
    let path = Path::attribute("processors").attr("other");
    let Some(processors) = job.processors.known() else { return Diagnostics::new() };
    let mut findings = check_nulls(&processors.other, &path);
    let typed = [
        ("files", processors.files.is_set()),
        ("log", processors.log.is_set()),
        ("syslog", processors.syslog.is_set()),
        ("fluent", processors.fluent.is_set()),
    ];
    for (name, settings) in processors.other.known().into_iter().flat_map(|other| &other.0) {
        findings.extend(check_nulls(settings, &path.key(name)));
        if typed.contains(&(name.as_str(), true)) {
            let detail = format!("The processor stands in `processors.{name}` as well: remove one of them.");
            findings.push(Diagnostic::error("The same processor twice", detail).at(path.key(name)));
        }
    }
    findings
}

fn check_http(http: &Http) -> Diagnostics {
    let path = Path::attribute("http");
    let headers = path.attr("headers");
    let mut findings = check_nulls(&http.headers, &headers);
    for (name, value) in http.headers.known().into_iter().flat_map(|headers| &headers.0) {
        if let Some(detail) = header_fault(name, value.known().map(String::as_str).unwrap_or_default()) {
            findings.push(Diagnostic::error("Invalid header", detail).at(headers.key(name)));
        }
    }
    let codes = http.expected_codes.known().into_iter().flat_map(|codes| &codes.0);
    if codes.filter_map(Attr::known).any(|code| !(100..600).contains(code)) {
        let detail = "Expected status codes from 100 to 599; `[]` takes any.";
        findings.push(Diagnostic::error("Invalid status code", detail).at(path.attr("expected_codes")));
    }
    findings
}

/// What is wrong with a header. The value is not quoted.
fn header_fault(name: &str, value: &str) -> Option<&'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Some("Expected a header name such as Content-Type: letters, digits and dashes.");
    }
    if value.contains(['\n', '\r', '\0']) {
        return Some("Expected a value on one line.");
    }
    if value.trim() != value {
        return Some("Expected a value without blanks around it: they do not survive the way to dkron.");
    }
    None
}

fn check_shell(shell: &Shell) -> Diagnostics {
    let path = Path::attribute("shell").attr("env");
    let mut findings = check_nulls(&shell.env, &path);
    if shell.command.known().is_some_and(String::is_empty) {
        let detail = "Expected a command with its arguments, such as \"date\".";
        findings.extend(error(Path::attribute("shell").attr("command"), "Missing command", detail));
    }
    for (name, value) in shell.env.known().into_iter().flat_map(|env| &env.0) {
        if name.is_empty() || name.contains(['=', ',', '\0']) {
            let detail = "Expected the name of a variable: not empty, without `=` and `,`.";
            findings.push(Diagnostic::error("Invalid environment variable", detail).at(path.key(name)));
        }
        if value.known().is_some_and(|value| value.contains(',')) {
            let detail = "dkron cuts the value of an environment variable at its first comma. Pass the text another \
                          way, such as in the command, in `payload`, or with another separator.";
            findings.push(Diagnostic::error("Comma in an environment variable", detail).at(path.key(name)));
        }
    }
    findings
}

fn check_generic(executor: &Executor) -> Diagnostics {
    let path = Path::attribute("executor");
    let (config, sensitive) = (path.attr("config"), path.attr("sensitive_config"));
    let mut findings = check_nulls(&executor.config, &config);
    findings.extend(check_nulls(&executor.sensitive_config, &sensitive));
    if executor.name.known().is_some_and(String::is_empty) {
        let detail = "Expected the name of an executor plugin, such as \"shell\".";
        findings.push(Diagnostic::error("Missing executor", detail).at(path.attr("name")));
    }
    if let (Some(plain), Some(hidden)) = (executor.config.known(), executor.sensitive_config.known()) {
        for key in plain.0.keys().filter(|key| hidden.0.contains_key(*key)) {
            let detail = "The key stands in `config` and in `sensitive_config`: remove one of them.";
            findings.push(Diagnostic::error("The same key twice", detail).at(config.key(key)));
        }
    }
    if executor.name.known().is_some_and(|name| name == "http") {
        for (part, path) in [(&executor.config, &config), (&executor.sensitive_config, &sensitive)] {
            let headers = part.known().and_then(|part| part.0.get("headers")).and_then(Attr::known);
            if let Some(detail) = headers.and_then(|headers| raw_headers_fault(headers)) {
                findings.push(Diagnostic::error("Invalid headers", detail).at(path.key("headers")));
            }
        }
    }
    findings
}

/// What is wrong with headers as dkron's http plugin reads them: a JSON array of `name: value`.
fn raw_headers_fault(text: &str) -> Option<&'static str> {
    match serde_json::from_str::<Vec<String>>(text) {
        Err(_) => Some(
            "Expected a JSON array of texts, such as jsonencode([\"Accept: text/plain\"]); dkron would ignore it.",
        ),
        Ok(lines) if lines.iter().any(|line| !line.contains(':')) => {
            Some("Expected `name: value` in each text; one without a colon crashes dkron's http plugin.")
        }
        Ok(_) => None,
    }
}

/// The largest message that dkron passes between its nodes, in bytes.
const MAX_JOB_SIZE: usize = 4 << 20;

/// What the plan cannot do, as far as it is known.
pub(super) fn check_plan(job: &Job) -> Diagnostics {
    let wanted = to_dkron(job);
    let mut findings = check_hashed_schedule(&wanted);
    let maps = [&wanted.tags, &wanted.metadata, &wanted.executor_config];
    let maps = maps.into_iter().chain(wanted.processors.values());
    let in_maps: usize = maps.flatten().map(|(key, value)| key.len() + value.len()).sum();
    let texts = [&wanted.name, &wanted.displayname, &wanted.schedule, &wanted.owner, &wanted.owner_email];
    let size = in_maps + texts.into_iter().map(String::len).sum::<usize>();
    if size > MAX_JOB_SIZE {
        let detail = format!(
            "dkron takes jobs of up to 4 MiB; the texts of this one have {size} bytes. Make it smaller."
        );
        findings.push(Diagnostic::error("Job too large", detail));
    }
    findings
}

/// A `~` may become a number that does not fit beside what else stands in its field: that depends on the name.
fn check_hashed_schedule(wanted: &dkron::Job) -> Diagnostics {
    if wanted.name.is_empty() {
        return Diagnostics::new();
    }
    let Ok(schedule) = wanted.schedule.parse::<Schedule>() else { return Diagnostics::new() };
    match schedule.for_job(&wanted.name, &TimeZoneName::default()) {
        Ok(_) => Diagnostics::new(),
        Err(found) => error(Path::attribute("schedule"), "Invalid schedule", sentence(found)),
    }
}

/// What works, but hardly as it was meant; seen at `now`.
pub(super) fn advice(job: &Job, now: Timestamp) -> Diagnostics {
    let mut findings = Diagnostics::new();
    if job.tags.is_null() {
        let detail = "Without `tags` a job runs on every node of the cluster at the same time. For one node write \
                      `tags = { server = \"true:1\" }`; if every node is meant, say so with `tags = {}`.";
        findings.push(Diagnostic::warning("The job runs on every node", detail).at_attribute("tags"));
    }
    findings.extend(schedule_advice(&to_dkron(job), now));
    if to_dkron(job).expires_at.is_some_and(|expires_at| expires_at <= now) {
        let detail = "The time is in the past: the job does not run.";
        findings.push(Diagnostic::warning("The job has expired", detail).at_attribute("expires_at"));
    }
    findings.extend(executor_advice(job));
    findings
}

fn schedule_advice(wanted: &dkron::Job, now: Timestamp) -> Diagnostics {
    let (Ok(schedule), Ok(zone)) =
        (wanted.schedule.parse::<Schedule>(), wanted.timezone.parse::<TimeZoneName>())
    else {
        return Diagnostics::new();
    };
    let Ok(schedule) = schedule.for_job(&wanted.name, &zone) else { return Diagnostics::new() };
    let warning =
        |concern| Diagnostic::warning("Unusual schedule", sentence(concern)).at_attribute("schedule");
    schedule.concerns(now).into_iter().map(warning).collect()
}

fn executor_advice(job: &Job) -> Diagnostics {
    let mut findings = Diagnostics::new();
    if let Some(http) = job.http.known() {
        let path = Path::attribute("http");
        if http.debug.known() == Some(&true) {
            let detail = "dkron writes the whole request, secrets included, into the output of each run, which \
                          everybody who reaches dkron can read.";
            findings.push(Diagnostic::warning("Secrets in the output", detail).at(path.attr("debug")));
        }
        for (name, value) in http.headers.known().into_iter().flat_map(Map::known) {
            if value.contains(':') {
                let detail =
                    "dkron up to 4.0.9 sends only what stands before the first colon of a header's value.";
                findings
                    .push(Diagnostic::warning("Header is cut", detail).at(path.attr("headers").key(name)));
            }
        }
    }
    if let Some(shell) = job.shell.known()
        && shell.su.known().is_some_and(|su| !su.is_empty())
    {
        let detail = "Up to dkron 4.0.8 this crashes the shell plugin: all shell jobs of the node fail until it is restarted.";
        let path = Path::attribute("shell").attr("su");
        findings.push(Diagnostic::warning("Dangerous with older versions of dkron", detail).at(path));
    }
    findings
}
