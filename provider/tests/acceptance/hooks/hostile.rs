//! Hooks that misbehave while they are asked: each is told by its name, its digest and what it did, the provider lives
//! on, and the other hooks are asked all the same.

use std::time::{Duration, Instant};

use hooks::digest::Digest;
use serde_json::json;

use super::guest::{answering, denial, finding, guest};
use super::{Outcome, hook, line, provider};
use crate::support::{each_terraform, job, shared_node, stage, workspace, written};

const JOB: &str =
    "  schedule = \"@manually\"\n  metadata = { team = \"a\" }\n  http = {\n    url = \"http://a\"\n  }";

/// A hook that comes to no answer, and what is said of it.
struct Row {
    name: &'static str,
    module: String,
    arguments: &'static str,
    says: &'static str,
}

fn row(name: &'static str, module: String, says: &'static str) -> Row {
    Row { name, module, arguments: "", says }
}

const LOOP: &str = "(loop $again (br $again)) unreachable";

fn rows() -> Vec<Row> {
    let greedy =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let thousand = json!({ "findings": vec![finding("no", json!({})); 1000] });
    vec![
        row("loop", guest("", LOOP), "It used more than 50000000 units of fuel"),
        Row {
            name: "loop_with_fuel",
            module: guest("", LOOP),
            arguments: "limits = {\n fuel = 4000000000\n timeout = \"300ms\"\n}",
            says: "It did not answer within 300ms",
        },
        Row {
            name: "loop_with_little_fuel",
            module: guest("", LOOP),
            arguments: "limits = { fuel = 10000 }",
            says: "It used more than 10000 units of fuel",
        },
        row(
            "recursion",
            guest("(func $deeper (call $deeper))", "(call $deeper) (i64.const 0)"),
            "It called itself more deeply than its stack allows",
        ),
        row("memory", guest("", greedy), "It wanted more than 64 MiB of memory"),
        Row {
            name: "memory_of_2",
            module: guest("", greedy),
            arguments: "limits = { memory = 2 }",
            says: "It wanted more than 2 MiB of memory",
        },
        row(
            "megabytes",
            guest("", "(drop (memory.grow (i32.const 64))) (i64.const 0x200000)"),
            "larger than 1048576 bytes",
        ),
        row("thousand", answering(&thousand), "It answered with 1000 findings, more than 100"),
        row("trap", guest("", "unreachable"), "It ended with a trap: "),
        row("nonsense", answering(&json!("maybe")), "Its answer cannot be understood"),
        row("outside", guest("", "(i64.const 0x7fffffff00000010)"), "outside of its memory"),
    ]
}

#[test]
fn each_misbehaviour_is_told_and_the_others_are_asked() {
    let rows = rows();
    for terraform in each_terraform() {
        let node = shared_node();
        let workspace = workspace(&terraform, &node.url());
        let hooks: String =
            rows.iter().map(|row| hook(&workspace, row.name, &row.module, row.arguments)).collect();
        // First and last in the order of names.
        let denies = answering(&denial("A good hook says no"));
        let good = hook(&workspace, "a_good", &denies, "") + &hook(&workspace, "z_good", &denies, "");
        workspace.write("main.tf", &(provider(&(hooks + &good)) + &job("hook_hostile", JOB))).unwrap();
        for command in ["validate", "plan", "apply"] {
            let begin = Instant::now();
            let outcome = Outcome::of(&workspace, &[command]);
            assert!(begin.elapsed() < Duration::from_secs(60), "{command} took {:?}", begin.elapsed());
            assert_eq!(outcome.code, 1);
            for row in &rows {
                let found = outcome.of_hook(row.name);
                assert_eq!(
                    (found.severity.as_str(), found.summary.as_str()),
                    ("error", "A hook could not answer")
                );
                let digest = Digest::of(row.module.as_bytes()).short();
                assert!(found.detail.contains(&digest), "{found:#?}");
                assert!(found.detail.contains(row.says), "{found:#?}");
                assert_eq!(line(found), "resource \"krony_job\" \"hook_hostile\" {", "{found:#?}");
            }
            for good in ["a_good", "z_good"] {
                assert_eq!(outcome.of_hook(good).summary, "A good hook says no");
            }
            assert_eq!(outcome.errors().len(), rows.len() + 2, "{outcome:#?}");
        }
        assert_eq!(written(&node, "hook_hostile"), None);
    }
}

#[test]
fn a_hook_that_fails_may_only_warn() {
    let (node, workspace) = stage();
    let rows = rows();
    let hooks: String = rows
        .iter()
        .enumerate()
        .map(|(number, row)| {
            // An advisory hook warns of itself.
            let way = if number % 2 == 0 { "on_error = \"warn\"" } else { "enforcement = \"advisory\"" };
            hook(&workspace, row.name, &row.module, &format!("{}\n      {way}", row.arguments))
        })
        .collect();
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_hostile_warns", JOB))).unwrap();
    let outcome = Outcome::of(&workspace, &["apply"]);
    assert_eq!((outcome.code, outcome.errors().len()), (0, 0), "{outcome:#?}");
    for row in &rows {
        assert!(
            outcome.by_hook(row.name).iter().any(|found| found.detail.contains(row.says)),
            "{outcome:#?}"
        );
    }
    assert!(written(&node, "hook_hostile_warns").is_some());
    workspace.destroy(&[]).unwrap();
}

/// A hook may blame what is not there: the nearest part that is there is shown, and what it said is told.
#[test]
fn a_path_that_leads_nowhere_is_cut_where_it_leaves_the_job() {
    let (_node, workspace) = stage();
    let attribute = |name: &str| json!({ "attribute": name });
    let key = |name: &str| json!({ "key": name });
    let resource = "resource \"krony_job\" \"hook_liar\" {";
    let rows = [
        ("good", json!([attribute("executor"), attribute("config"), key("url")]), "url = \"http://a\"", None),
        (
            "setting",
            json!([attribute("executor"), attribute("config"), key("nope")]),
            "http = {",
            Some("executor.config[\"nope\"]"),
        ),
        ("field", json!([attribute("nope"), attribute("deeper")]), resource, Some("nope.deeper")),
        (
            "below",
            json!([attribute("schedule"), key("a"), { "index": 3 }]),
            "schedule = \"@manually\"",
            Some("schedule[\"a\"][3]"),
        ),
        ("index", json!([{ "index": 7 }]), resource, None),
        ("map", json!([attribute("metadata"), key("team")]), "metadata = { team = \"a\" }", None),
        ("escape", json!([attribute("\u{1b}[2J")]), resource, Some("[2J")),
        ("long", json!(vec![attribute(&"x".repeat(50)); 1000]), resource, Some("xxxxx")),
    ];
    let hooks: String = rows
        .iter()
        .map(|(name, path, ..)| {
            let answer = json!({ "findings": [finding("No", json!({ "path": path }))] });
            hook(&workspace, name, &answering(&answer), "")
        })
        .collect();
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_liar", JOB))).unwrap();
    for command in ["validate", "plan"] {
        let outcome = Outcome::of(&workspace, &[command]);
        assert_eq!(outcome.errors().len(), rows.len(), "{outcome:#?}");
        for (name, _, shown, blamed) in &rows {
            let found = outcome.of_hook(name);
            assert_eq!(line(found), *shown, "{found:#?}");
            if let Some(blamed) = blamed {
                assert!(
                    found.detail.contains(blamed) && found.detail.contains("which is not there"),
                    "{found:#?}"
                );
            }
            assert!(found.detail.len() < 2000, "{found:#?}");
        }
    }
}

/// Whatever a hook says, a terminal shows it as text.
#[test]
fn hostile_text_plays_no_tricks() {
    let (_node, workspace) = stage();
    let text = "\u{1b}[2Jgone\u{7}\u{9b}31m\rover\u{202e}written\u{0} <b> %s ${x}\n\nnext";
    let spoken = finding(text, json!({ "detail": text, "rule": text }));
    let flood = finding(&"s".repeat(100_000), json!({ "detail": "d".repeat(400_000) }));
    let hooks = hook(&workspace, "spoken", &answering(&json!({ "findings": [spoken] })), "")
        + &hook(&workspace, "empty", &answering(&denial("")), "")
        + &hook(&workspace, "flood", &answering(&json!({ "findings": [flood] })), "");
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_text", JOB))).unwrap();
    for command in ["validate", "plan"] {
        let finished = workspace.run(&[command, "-no-color"]).unwrap();
        let text = finished.text();
        assert_eq!(finished.code, 1, "{text}");
        let strange =
            |character: &char| character.is_control() && *character != '\n' || *character == '\u{202e}';
        assert_eq!(text.chars().find(strange), None, "{text:?}");
        assert!(text.contains("gone"), "{text}");
        assert!(text.len() < 20_000, "{}", text.len());

        let outcome = Outcome::of(&workspace, &[command]);
        let spoken = outcome.of_hook("spoken");
        assert_eq!(spoken.summary.lines().count(), 1, "{spoken:#?}");
        assert!(outcome.of_hook("flood").summary.len() < 300);
        assert_eq!(outcome.of_hook("empty").summary, "A hook objects");
    }
}
