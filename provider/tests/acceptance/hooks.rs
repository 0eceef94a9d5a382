//! WebAssembly hooks judge jobs, in the hands of the real Terraform and before the real dkron.

mod cache;
mod detours;
mod enforcement;
mod examples;
mod guest;
mod hostile;
mod organisation;
mod sources;
mod unknowns;
mod unusable;

use std::path::PathBuf;

use serde_json::Value;
use xtask::proxy::{Proxy, Seen};
use xtask::terraform::Workspace;

use crate::support::{Finding, finding, findings};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A hook of the provider block: its module, and arguments below that.
fn block(name: &str, source: &str, arguments: &str) -> String {
    format!("    {name} = {{\n      source = {source:?}\n      {arguments}\n    }}\n")
}

/// A hook whose module, written as text, lies beside the configuration.
fn hook(workspace: &Workspace, name: &str, module: &str, arguments: &str) -> String {
    let file = format!("{name}.wat");
    workspace.write(&file, module).unwrap();
    block(name, &file, arguments)
}

/// A provider block with these hooks.
fn provider(hooks: &str) -> String {
    format!("provider \"krony\" {{\n  hooks = {{\n{hooks}  }}\n}}\n")
}

/// A resource that makes up a value while it is applied: `terraform_data.LABEL.output`.
fn made(label: &str, value: &str) -> String {
    format!("resource \"terraform_data\" \"{label}\" {{\n  input = {value}\n}}\n")
}

/// Each stage alone, as an argument of a hook, and the command that comes to it. With all of them `plan` and `apply` do not
/// come far: each begins with a validation.
const STAGES: [(&str, &str); 3] = [
    ("stages = [\"validate\"]", "validate"),
    ("stages = [\"plan\"]", "plan"),
    ("stages = [\"apply\"]", "apply"),
];

/// Lets a workspace keep compiled hooks beside those of other tests: Python takes its time.
fn share_cache(workspace: &mut Workspace) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hooks");
    workspace.env("KRONY_CACHE_DIR", folder.join("cache"));
    workspace.env("XDG_STATE_HOME", folder.join("state"));
}

/// What a command ended with, and what it reported.
#[derive(Debug)]
struct Outcome {
    code: i32,
    findings: Vec<Finding>,
}

impl Outcome {
    /// Of `validate`, `plan`, `apply` or `destroy`, which must not end by a panic.
    fn of(workspace: &Workspace, arguments: &[&str]) -> Self {
        let (command, rest) = arguments.split_first().unwrap();
        let approve: &[&str] = if matches!(*command, "apply" | "destroy") { &["-auto-approve"] } else { &[] };
        let finished = workspace.run(&[&[*command, "-json"], approve, rest].concat()).unwrap();
        let text = finished.text();
        assert!(!text.contains("panicked") && !text.contains("a panic:"), "{text}");
        let findings = if *command == "validate" {
            let document: Value = serde_json::from_str(&finished.stdout).unwrap();
            document["diagnostics"].as_array().into_iter().flatten().map(finding).collect()
        } else {
            findings(&finished)
        };
        Self { code: finished.code, findings }
    }

    fn severity<'a>(&'a self, severity: &'a str) -> impl Iterator<Item = &'a Finding> {
        // Terraform's own word about the provider's origin is none of ours.
        let ours = |finding: &&Finding| !finding.summary.contains("development overrides");
        self.findings.iter().filter(ours).filter(move |finding| finding.severity == severity)
    }

    fn errors(&self) -> Vec<&Finding> {
        self.severity("error").collect()
    }

    fn warnings(&self) -> Vec<&Finding> {
        self.severity("warning").collect()
    }

    /// The only error there is.
    fn error(&self) -> &Finding {
        let errors = self.errors();
        let [error] = errors.as_slice() else { panic!("one error was expected: {self:#?}") };
        assert_eq!(self.code, 1, "{self:#?}");
        error
    }

    /// The only warning there is, of a command that worked.
    fn warning(&self) -> &Finding {
        let warnings = self.warnings();
        let [warning] = warnings.as_slice() else { panic!("one warning was expected: {self:#?}") };
        assert_eq!(self.code, 0, "{self:#?}");
        warning
    }

    /// Nothing was said, and it worked.
    fn assert_silent(&self) {
        assert_eq!(self.code, 0, "{self:#?}");
        assert!(self.errors().is_empty() && self.warnings().is_empty(), "{self:#?}");
    }

    /// What was found by a hook, which says its name and its digest.
    fn by_hook(&self, name: &str) -> Vec<&Finding> {
        let mark = format!("hook \"{name}\" (sha256:");
        self.findings.iter().filter(|finding| finding.detail.contains(&mark)).collect()
    }

    /// The only thing that a hook found.
    fn of_hook(&self, name: &str) -> &Finding {
        let found = self.by_hook(name);
        let [found] = found.as_slice() else { panic!("one finding of {name} was expected: {self:#?}") };
        found
    }
}

/// The first line that Terraform shows of what a finding blames.
fn line(finding: &Finding) -> &str {
    finding.code.lines().next().unwrap_or_default().trim()
}

/// What was written through a proxy.
fn writes(proxy: &Proxy) -> Vec<Seen> {
    let mut seen = proxy.seen();
    seen.retain(|seen| seen.method != "GET");
    seen
}
