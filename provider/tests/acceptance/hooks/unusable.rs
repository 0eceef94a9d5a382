//! Modules and settings that are no hook's: said when the configuration is checked, at the argument to blame.

use std::fs;

use hooks::digest::Digest;
use hooks::plain::is_plain;
use serde_json::json;
use xtask::terraform::Workspace;

use super::guest::{answering, denial, guest, guest_with};
use super::{NOWHERE, Outcome, block, hook, line, provider};
use crate::support::{Finding, each_terraform, job, stage, workspace, written};

const JOB: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";

/// A hook that cannot be one.
struct Row {
    name: &'static str,
    /// What is in its file; none where there is no file.
    module: Option<Vec<u8>>,
    arguments: &'static str,
    summary: &'static str,
    /// The argument to blame.
    argument: &'static str,
    says: Vec<String>,
}

fn row(name: &'static str, module: impl Into<Vec<u8>>, says: &str) -> Row {
    let says = vec![says.to_owned()];
    Row { name, module: Some(module.into()), arguments: "", summary: "Not a hook", argument: "source", says }
}

fn rows() -> Vec<Row> {
    let fine = answering(&json!("ok"));
    let binary = fs::read(xtask::hooks::example("require-owner").unwrap()).unwrap();
    let other = Digest::of(b"");
    let settings = guest_with(
        &json!({ "name": "test", "version": "1" }).to_string(),
        &json!({ "error": "Expected \u{1b}[31mno settings at all." }).to_string(),
        "",
        "unreachable",
    );
    let loops = guest("(func $begin (loop $again (br $again))) (start $begin)", "unreachable");
    vec![
        Row {
            module: None,
            summary: "Hook cannot be loaded",
            ..row("gone", "", "Expected a module at ")
        },
        row("page", "<!DOCTYPE html><html><title>Sign in</title></html>", "It is no WebAssembly"),
        row("empty", "", "found an empty file"),
        row("cut_off", &binary[..binary.len() / 2], "It may be cut off or damaged"),
        Row {
            arguments: "sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
            summary: "Hook cannot be loaded",
            argument: "sha256",
            says: vec![other.to_string(), Digest::of(fine.as_bytes()).to_string()],
            ..row("other", fine.clone(), "")
        },
        row("newer", fine.replace("krony_hook_v1", "krony_hook_v2"), "It was built for `krony_hook_v2`, which this version of krony does not speak"),
        row(
            "newer_component",
            "(component (instance $rules) (export \"krony:hooks/rules@0.2.0\" (instance $rules)))",
            "It was built for `krony:hooks/rules@0.2.0`",
        ),
        row("strange", "(module \"\u{1b}[2J\u{9b}\u{202e}\")", "It is no valid WebAssembly"),
        row(
            "strange_import",
            fine.replace("(module", "(module (import \"env\" \"\\1b[2J\\e2\\80\\aetime\" (func))"),
            "It imports `env.[2Jtime`",
        ),
        row("no_hook", "(module (func (export \"run\")))", "found `run`"),
        row("import", fine.replace("(module", "(module (import \"env\" \"time\" (func))"), "It imports `env.time`"),
        row(
            "wasi",
            fine.replace(
                "(module",
                "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))",
            ),
            "set `wasi = \"stub\"`",
        ),
        Row {
            arguments: "settings = jsonencode({ a = 1 })",
            summary: "Invalid settings of a hook",
            argument: "settings",
            ..row("settings", settings, "[31mno settings at all.")
        },
        Row { summary: "The hook failed", ..row("trap", fine.replace("(local $to i32)", "(local $to i32) unreachable"), "It was to describe itself. It ended with a trap") },
        Row { summary: "The hook failed", ..row("loop", loops, "It was to describe itself. It used more than 50000000 units of fuel") },
    ]
}

/// Writes the files, and returns the hooks.
fn write(workspace: &Workspace, rows: &[Row]) -> String {
    let write = |row: &Row| {
        let file = format!("{}.wasm", row.name);
        if let Some(module) = &row.module {
            fs::write(workspace.folder().join(&file), module).unwrap();
        }
        block(row.name, &file, row.arguments)
    };
    rows.iter().map(write).collect()
}

/// Says the hook's name, its digest where there is one, and where it is configured.
fn assert_tells(row: &Row, found: &Finding) {
    assert_eq!(found.summary, row.summary, "{found:#?}");
    let place = format!("In `hooks[\"{}\"].{}`: Hook \"{0}\".", row.name, row.argument);
    assert!(found.detail.starts_with(&place), "{found:#?}");
    assert!(row.says.iter().all(|says| found.detail.contains(says)), "{found:#?}");
    let strange = |character: &char| !is_plain(*character) && *character != '\n';
    assert_eq!(found.detail.chars().find(strange), None, "{found:#?}");
    if let (Some(module), "source" | "settings") = (&row.module, row.argument) {
        assert!(found.detail.contains(&Digest::of(module).short()), "{found:#?}");
    }
}

/// All that is said about a hook of the provider block.
fn about<'a>(outcome: &'a Outcome, name: &str) -> Vec<&'a Finding> {
    let mark = format!("Hook \"{name}\".");
    outcome.findings.iter().filter(|finding| finding.detail.contains(&mark)).collect()
}

#[test]
fn each_unusable_hook_is_said_at_its_argument() {
    let rows = rows();
    for terraform in each_terraform() {
        let workspace = workspace(&terraform, NOWHERE);
        let hooks = write(&workspace, &rows) + &hook(&workspace, "good", &answering(&json!("ok")), "");
        workspace.write("main.tf", &(provider(&hooks) + &job("hook_unusable", JOB))).unwrap();
        for command in ["validate", "plan", "apply"] {
            let outcome = Outcome::of(&workspace, &[command]);
            assert_eq!(outcome.code, 1, "{outcome:#?}");
            for row in &rows {
                let found = about(&outcome, row.name);
                let [found] = found.as_slice() else { panic!("{}: {outcome:#?}", row.name) };
                assert_eq!(found.severity, "error");
                assert_tells(row, found);
                assert_eq!(line(found), format!("{} = {{", row.name), "{found:#?}");
            }
            assert_eq!(outcome.errors().len(), rows.len(), "{outcome:#?}");
        }
    }
}

/// Without a module that it may do without, the others are asked.
#[test]
fn a_module_that_is_gone_may_only_be_warned_of() {
    let (node, workspace) = stage();
    let hooks = block("gone", "gone.wasm", "on_error = \"warn\"")
        + &block("adviser", "gone-too.wasm", "enforcement = \"advisory\"");
    let others = hook(&workspace, "good", &answering(&denial("A good hook says no")), "");
    workspace.write("main.tf", &(provider(&(hooks.clone() + &others)) + &job("hook_gone", JOB))).unwrap();
    let outcome = Outcome::of(&workspace, &["plan"]);
    assert_eq!(outcome.error().summary, "A good hook says no", "{outcome:#?}");
    for name in ["gone", "adviser"] {
        let found = about(&outcome, name);
        assert!(!found.is_empty(), "{outcome:#?}");
        for found in found {
            assert_eq!(found.severity, "warning");
            assert!(found.detail.ends_with("Nothing is asked of it, as `on_error` says."), "{found:#?}");
        }
    }
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_gone", JOB))).unwrap();
    let outcome = Outcome::of(&workspace, &["apply"]);
    assert_eq!((outcome.code, outcome.errors().len()), (0, 0), "{outcome:#?}");
    assert!(written(&node, "hook_gone").is_some());
    workspace.destroy(&[]).unwrap();
}

/// What a look at the block alone refuses.
#[test]
fn arguments_that_cannot_be_are_refused_at_their_line() {
    // Terraform points at elements of maps, and no deeper.
    let rows = [
        ("source = \"a.wat\"\nsettings = \"{ a: 1 }\"", "settings", "Expected JSON, such as jsonencode"),
        ("source = \"a.wat\"\nsettings = \"[1]\"", "settings", "Expected a JSON object"),
        ("source = \"a.wat\"\nsha256 = \"abc\"", "sha256", "Expected 64 hexadecimal digits"),
        ("source = \"\"", "source", "found nothing"),
        ("source = \"http://a/b.wasm\"", "source", "use https://"),
        ("source = \"ftp://a/b.wasm\"", "source", "found the scheme \"ftp\""),
        ("source = \"oci://\"", "source", "Expected"),
        ("source = \"a.wat\"\nenforcement = \"strict\"", "enforcement", "\"mandatory-overridable\""),
        ("source = \"a.wat\"\non_error = \"ignore\"", "on_error", "\"warn\""),
        ("source = \"a.wat\"\nwasi = \"full\"", "wasi", "\"stub\""),
        ("source = \"a.wat\"\nstages = [\"destroy\"]", "stages", "\"validate\""),
        ("source = \"a.wat\"\nlimits = { timeout = \"5\" }", "limits.timeout", "\"5\" is no duration"),
        ("source = \"a.wat\"\nlimits = { fuel = -1 }", "limits.fuel", "Expected a whole number"),
        (
            "source = \"a.wat\"\napplies_to = { name_glob = \"a[\" }",
            "applies_to.name_glob",
            "Expected a pattern",
        ),
    ];
    let (_node, workspace) = stage();
    workspace.write("a.wat", &answering(&json!("ok"))).unwrap();
    for (arguments, argument, says) in rows {
        let hooks = format!("    row = {{\n{arguments}\n}}\n");
        workspace.write("main.tf", &(provider(&hooks) + &job("hook_arguments", JOB))).unwrap();
        let outcome = Outcome::of(&workspace, &["validate"]);
        let error = outcome.error();
        assert_eq!(line(error), "row = {", "{error:#?}");
        assert!(error.detail.contains(says), "{error:#?}");
        assert!(error.detail.starts_with(&format!("In `hooks[\"row\"].{argument}")), "{error:#?}");
    }
}
