//! No way of writing a job evades a rule, and no hook is shown what is not for its eyes.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use xtask::terraform::Workspace;

use super::guest::{answering_where, denial, echo};
use super::{Outcome, STAGES, block, hook, line, provider, share_cache};
use crate::support::{job, stage, written};

/// The examples that judge addresses.
fn guarded(arguments: &str) -> String {
    let example = |name: &str, own: &str| {
        let module = xtask::hooks::example(name).unwrap();
        block(name, module.to_str().unwrap(), &format!("{own}\n      {arguments}"))
    };
    provider(
        &(example("no-plain-http", "wasi = \"stub\"")
            + &example("allowed-hosts", "settings = jsonencode({ hosts = [\"example.com\"] })")),
    )
}

/// What the examples forbid.
const URL: &str = "http://elsewhere.test/";

/// A job whose executor is written in this form.
fn with_executor(name: &str, form: &str) -> String {
    job(name, &format!("  schedule = \"@manually\"\n  {form}"))
}

/// A job of the `http` plugin in the general form, with this beside its name.
fn generic(name: &str, settings: &str) -> String {
    with_executor(name, &format!("executor = {{\n    name = \"http\"\n    {settings}\n  }}"))
}

#[test]
fn every_form_of_an_executor_is_denied_alike() {
    let (node, mut workspace) = stage();
    share_cache(&mut workspace);
    let name = "hook_detour";
    let url = format!("url = \"{URL}\"");
    let config = format!("config = {{ url = \"{URL}\" }}");
    let forms = [
        (with_executor(name, &format!("http = {{\n    {url}\n  }}")), &url),
        (generic(name, &config), &config),
    ];
    for (form, shown) in &forms {
        for (stage, command) in STAGES {
            let hooks = guarded(stage);
            workspace.write("main.tf", &(hooks + form)).unwrap();
            let outcome = Outcome::of(&workspace, &[command]);
            for (hook, summary) in [
                ("no-plain-http", "The job calls a plain http:// address"),
                ("allowed-hosts", "Host is not allowed"),
            ] {
                let found = outcome.of_hook(hook);
                assert_eq!((found.summary.as_str(), line(found)), (summary, shown.as_str()), "{found:#?}");
            }
            assert_eq!(outcome.errors().len(), 2, "{outcome:#?}");
        }
    }
    assert_eq!(written(&node, name), None);
}

/// An address that a hook may not see cannot be allowed.
#[test]
fn a_hidden_address_is_refused() {
    let (node, mut workspace) = stage();
    share_cache(&mut workspace);
    let name = "hook_hidden";
    for hidden in [
        "sensitive_config = { url = \"https://example.com/\" }",
        "config_wo = { url = \"https://example.com/\" }\n    config_wo_version = 1",
    ] {
        for (stage, command) in STAGES {
            let hooks = guarded(stage);
            workspace.write("main.tf", &(hooks + &generic(name, hidden))).unwrap();
            let outcome = Outcome::of(&workspace, &[command]);
            assert_eq!(outcome.errors().len(), 2, "{outcome:#?}");
            for hook in ["no-plain-http", "allowed-hosts"] {
                let found = outcome.of_hook(hook);
                let says = "It cannot decide without `executor.config[\"url\"]`, which hooks do not see";
                assert!(found.detail.contains(says), "{found:#?}");
            }
        }
    }
    assert_eq!(written(&node, name), None);
}

#[test]
fn a_hook_that_may_see_sensitive_values_judges_them() {
    let (node, mut workspace) = stage();
    share_cache(&mut workspace);
    let name = "hook_revealed";
    let write = |stage: &str, hidden: &str| {
        let hooks = guarded(&format!("reveal_sensitive = true\n      {stage}"));
        workspace.write("main.tf", &(hooks + &generic(name, hidden))).unwrap();
    };
    let shown = format!("sensitive_config = {{ url = \"{URL}\" }}");
    let write_only = format!("config_wo = {{ url = \"{URL}\" }}\n    config_wo_version = 1");
    for (stage, command) in STAGES {
        write(stage, &shown);
        let outcome = Outcome::of(&workspace, &[command]);
        assert_eq!(line(outcome.of_hook("no-plain-http")), shown, "{outcome:#?}");
        assert_eq!(outcome.of_hook("allowed-hosts").summary, "Host is not allowed", "{outcome:#?}");
        // A write-only value is never shown.
        write(stage, &write_only);
        let outcome = Outcome::of(&workspace, &[command]);
        let found = outcome.of_hook("allowed-hosts");
        assert!(found.detail.contains("write-only values are never shown"), "{outcome:#?}");
    }
    assert_eq!(written(&node, name), None);
    write("", "sensitive_config = { url = \"https://example.com/\" }");
    Outcome::of(&workspace, &["apply"]).assert_silent();
    assert!(written(&node, name).is_some());
    workspace.destroy(&[]).unwrap();
}

/// Secrets of a job: for each the canary that stands for it.
const SENSITIVE: [&str; 4] =
    ["canary-of-headers", "canary-of-sensitive-config", "canary-of-env", "canary-of-payload"];
const WRITE_ONLY: [&str; 3] = ["canary-of-headers-wo", "canary-of-config-wo", "canary-of-env-wo"];
const TOKEN: &str = "canary-of-the-token";

/// What must not be found where secrets are not to be.
fn canaries() -> Vec<String> {
    let plain = SENSITIVE.iter().chain(&WRITE_ONLY).chain([&TOKEN]).map(|canary| (*canary).to_owned());
    plain.chain([as_seen(SENSITIVE[3])]).collect()
}

/// A sensitive value as a hook sees it: dkron has payloads in base64.
fn as_seen(canary: &str) -> String {
    if canary.contains("payload") { BASE64_STANDARD.encode(canary) } else { canary.to_owned() }
}

/// Jobs with all of these secrets, which are known when they are validated.
fn secretive() -> String {
    let jobs = [
        "http = {\n    url = \"http://127.0.0.1:9\"\n    headers = { A = local.sensitive[0] }\n  }",
        "executor = {\n    name = \"kafka\"\n    config = { topic = \"t\" }\n    sensitive_config = { saslPassword = local.sensitive[1] }\n  }",
        "shell = {\n    command = \"true\"\n    env = { A = local.sensitive[2] }\n    payload = local.sensitive[3]\n  }",
        "http = {\n    url = \"http://127.0.0.1:9\"\n    headers_wo = { A = local.write_only[0] }\n    headers_wo_version = 1\n  }",
        "executor = {\n    name = \"kafka\"\n    config = { topic = \"t\" }\n    config_wo = { saslPassword = local.write_only[1] }\n    config_wo_version = 1\n  }",
        "shell = {\n    command = \"true\"\n    env_wo = { A = local.write_only[2] }\n    env_wo_version = 1\n  }",
    ];
    let jobs = jobs.iter().enumerate().map(|(number, form)| {
        job(&format!("hook_secret_{number}"), &format!("  schedule = \"@manually\"\n  {form}"))
    });
    format!(
        "locals {{\n  sensitive = {SENSITIVE:?}\n  write_only = {WRITE_ONLY:?}\n  token = {TOKEN:?}\n}}\n"
    ) + &jobs.collect::<String>()
}

/// A provider block that holds a secret as well.
fn with_token(hooks: &str) -> String {
    provider(hooks).replacen("{\n", "{\n  token = local.token\n", 1)
}

/// All that a command printed and logged, once it came to this end.
fn all_of(workspace: &Workspace, arguments: &[&str], code: i32) -> String {
    let finished = workspace.run(arguments).unwrap();
    assert_eq!(finished.code, code, "{}", finished.text());
    let log = workspace.folder().join("log");
    let text = finished.text() + &fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    assert!(text.contains("provider.terraform-provider-krony"), "the provider's log is not there");
    text
}

fn logging(workspace: &mut Workspace) {
    let log = workspace.folder().join("log");
    workspace.env("TF_LOG", "trace").env("TF_LOG_PATH", log);
}

#[test]
fn no_secret_reaches_a_hook_or_shows() {
    let (node, mut workspace) = stage();
    logging(&mut workspace);
    // One says all that it was asked; the others object when they see a write-only value, though they may see others.
    let mut hooks = hook(&workspace, "echo", &echo(), "");
    for (number, canary) in WRITE_ONLY.iter().chain([&TOKEN]).enumerate() {
        let module = answering_where(canary, &denial("Seen"));
        hooks += &hook(&workspace, &format!("spy_{number}"), &module, "reveal_sensitive = true");
    }
    workspace.write("main.tf", &(with_token(&hooks) + &secretive())).unwrap();
    for arguments in [
        ["validate", "-no-color", "-json"].as_slice(),
        &["plan", "-no-color"],
        &["apply", "-no-color", "-auto-approve"],
        &["plan", "-no-color"],
        &["destroy", "-no-color", "-auto-approve"],
    ] {
        let text = all_of(&workspace, arguments, 0);
        // Terraform wraps and indents what it shows to people.
        let compact: String = text.split_whitespace().collect();
        assert!(compact.contains("$sensitive"), "the echo is not there: {text}");
        for canary in canaries() {
            assert_eq!(text.lines().find(|line| line.contains(&canary)), None, "{arguments:?}");
            assert!(!compact.contains(&canary), "{arguments:?} shows {canary}");
        }
        // Where configuration is checked, hooks see everything but what is secret.
        if arguments[0] == "validate" {
            assert!(compact.contains("127.0.0.1:9"), "{text}");
        }
    }
    assert!(node.job_names().unwrap().iter().all(|name| !name.starts_with("hook_secret_")));
}

/// A hook that may see sensitive values sees them; what it does not tell, nobody else does.
#[test]
fn a_revealed_secret_stays_with_the_hook() {
    let (_node, mut workspace) = stage();
    logging(&mut workspace);
    for (stage, command) in &STAGES[..2] {
        let mut hooks = String::new();
        for (number, canary) in SENSITIVE.iter().enumerate() {
            let module = answering_where(&as_seen(canary), &denial(&format!("Seen number {number}")));
            let seeing = format!("reveal_sensitive = true\n      {stage}");
            hooks += &hook(&workspace, &format!("seer_{number}"), &module, &seeing);
            hooks += &hook(&workspace, &format!("blind_{number}"), &module, stage);
        }
        workspace.write("main.tf", &(with_token(&hooks) + &secretive())).unwrap();
        let text = all_of(&workspace, &[command, "-json"], 1);
        for number in 0..SENSITIVE.len() {
            assert!(text.contains(&format!("Seen number {number}")), "{command} {number}: {text}");
            assert!(!text.contains(&format!("hook \\\"blind_{number}\\\"")), "{text}");
        }
        for canary in canaries() {
            assert_eq!(text.lines().find(|line| line.contains(&canary)), None, "{command}");
        }
    }
}
