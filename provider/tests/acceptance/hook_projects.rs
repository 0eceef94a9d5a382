//! Hooks as their authors work on them: each example passes its golden cases, and so does what `hook new` makes.

use std::path::Path;
use std::process::{Command, Output};

use xtask::hooks;
use xtask::provider::PROGRAM;

use crate::support::built_provider;

fn hook(arguments: &[&str], folder: &Path) -> Output {
    Command::new(built_provider().join(PROGRAM))
        .arg("hook")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The flag that hooks in Go need.
fn wasi(needed: bool) -> &'static [&'static str] {
    if needed { &["--wasi", "stub"] } else { &[] }
}

#[test]
fn each_example_passes_its_cases() {
    for name in hooks::names() {
        let module = hooks::example(name).unwrap();
        let folder = hooks::folder(name);
        let arguments = [&["test", module.to_str().unwrap()], wasi(name == "no-plain-http")].concat();
        let output = hook(&arguments, &folder);
        assert!(output.status.success(), "{name}:\n{}", text(&output));
        let files = std::fs::read_dir(folder.join("cases")).unwrap().count();
        assert!(
            String::from_utf8_lossy(&output.stdout).ends_with(&format!("{files} passed, 0 failed\n")),
            "{name}:\n{}",
            text(&output)
        );
    }
}

#[test]
fn a_new_hook_is_built_and_passes_its_cases() {
    let parent = tempfile::tempdir().unwrap();
    for language in ["rust", "python", "javascript", "go", "wat"] {
        let name = format!("my-{language}-hook");
        let made = hook(&["new", language, &name], parent.path());
        assert!(made.status.success(), "{language}: {}", text(&made));
        let folder = parent.path().join(&name);
        let module = hooks::project(language, &name, &folder).unwrap();
        let arguments = [&["test", module.to_str().unwrap()], wasi(language == "go")].concat();
        let output = hook(&arguments, &folder);
        assert!(output.status.success(), "{language}:\n{}", text(&output));
        let again = hook(&["new", language, &name], parent.path());
        assert!(!again.status.success() && text(&again).contains("exists already"), "{}", text(&again));
    }
}

/// A hook in the text format, made by `hook new`.
fn new_hook(folder: &Path) -> String {
    let made = hook(&["new", "wat", "sample"], folder);
    assert!(made.status.success(), "{}", text(&made));
    "sample/sample.wat".to_owned()
}

#[test]
fn a_hook_is_inspected_asked_and_timed() {
    let folder = tempfile::tempdir().unwrap();
    let module = new_hook(folder.path());
    let inspected = text(&hook(&["inspect", &module], folder.path()));
    for part in ["plain module, core-json 1", "sha256", "Switch it on with", "source = \"sample/sample.wat\""]
    {
        assert!(inspected.contains(part), "{inspected}");
    }
    let asked = hook(&["run", &module], folder.path());
    assert!(text(&asked).contains("\"ok\"") && text(&asked).contains("units of fuel"), "{}", text(&asked));
    assert_eq!(asked.status.code(), Some(0));
    let timed = hook(&["bench", &module, "--calls", "10", "--json"], folder.path());
    let timed: serde_json::Value = serde_json::from_slice(&timed.stdout).unwrap();
    assert_eq!(timed["calls"], 10);
    assert!(timed["fuel_at_most"].as_u64().unwrap() > 0);
}

#[test]
fn an_example_of_a_question_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let module = new_hook(folder.path());
    std::fs::write(folder.path().join("question.json"), hook(&["example"], folder.path()).stdout).unwrap();
    let asked = hook(&["run", &module, "--request", "question.json"], folder.path());
    assert_eq!(asked.status.code(), Some(0), "{}", text(&asked));
}

#[test]
fn a_case_that_fails_shows_both_answers_and_can_be_updated() {
    let folder = tempfile::tempdir().unwrap();
    let module = new_hook(folder.path());
    let case = folder.path().join("sample/cases/denied.json");
    let written = std::fs::read_to_string(&case).unwrap();
    let mut wrong: serde_json::Value = serde_json::from_str(&written).unwrap();
    wrong["expect"] = "ok".into();
    std::fs::write(&case, wrong.to_string()).unwrap();
    let failed = hook(&["test", &module, "sample/cases"], folder.path());
    assert_eq!(failed.status.code(), Some(1));
    for part in ["FAILED  denied", "expected: \"ok\"", "\"findings\"", "1 passed, 1 failed"] {
        assert!(text(&failed).contains(part), "{}", text(&failed));
    }
    assert!(hook(&["test", &module, "sample/cases", "--update"], folder.path()).status.success());
    assert!(hook(&["test", &module, "sample/cases"], folder.path()).status.success());
}

#[test]
fn mistakes_of_authors_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let module = new_hook(folder.path());
    let said = |arguments: &[&str], part: &str| {
        let output = hook(arguments, folder.path());
        assert!(
            !output.status.success() && text(&output).contains(part),
            "{arguments:?}:\n{}",
            text(&output)
        );
    };
    said(&["new", "wat", "My Hook"], "Expected a name of lower-case letters");
    said(&["new", "cobol", "hook"], "possible values");
    said(&["inspect", "missing.wasm"], "missing.wasm cannot be read");
    said(&["inspect", "sample/README.md"], "is no WebAssembly");
    said(&["test", &module, "nowhere"], "nowhere cannot be read");
    said(&["test", &module, "."], "There is no case in .");
    said(&["run", &module, "--request", "sample/README.md"], "is no request");
    said(&["run", &module, "--settings", "{"], "Expected settings as JSON");
    std::fs::write(folder.path().join("sample/cases/other.json"), "{\"expect\": \"ok\"}").unwrap();
    said(&["test", &module, "sample/cases"], "other.json is no case");
}
