use std::collections::BTreeMap;
use std::fs;
use std::path::Path as FilePath;

use hooks::limits::Limits;
use hooks::policy::{Enforcement, OnError};
use hooks::request::Stage;
use tempfile::TempDir;
use tfplugin::model::{Map, Model as _, Set, Strictness, Text, TfType as _};
use tfplugin::value::Value;

use super::*;

/// Accepts any settings, and answers like this to everything else. What it is asked shows in how long the question is.
fn module(answer: &str) -> String {
    let description = r#"{\22name\22:\22test\22,\22version\22:\221\22}"#;
    let length = r#"{"name":"test","version":"1"}"#.len();
    let answer_data = answer.replace('"', "\\22");
    format!(
        r#"(module
  (memory (export "memory") 2)
  (data (i32.const 0) "{description}") (data (i32.const 1024) "\22ok\22") (data (i32.const 2048) "{answer_data}")
  (func (export "krony_alloc") (param i32) (result i32) i32.const 65536)
  (func (export "krony_hook_v1") (param $address i32) (param $len i32) (result i64)
    (if (i32.eq (i32.load8_u offset=9 (local.get $address)) (i32.const 100)) (then (return (i64.const {length}))))
    (if (i32.eq (i32.load8_u offset=17 (local.get $address)) (i32.const 45)) (then (return (i64.const {settings}))))
    (i64.const {verdict})))"#,
        settings = 1024_u64 << 32 | 4,
        verdict = 2048_u64 << 32 | answer.len() as u64,
    )
}

struct Surroundings {
    folder: TempDir,
    variables: BTreeMap<&'static str, String>,
    hooks: Hooks,
}

impl Surroundings {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let variables =
            BTreeMap::from([("KRONY_CACHE_DIR", path("cache")), ("XDG_STATE_HOME", path("state"))]);
        fs::write(folder.path().join("ok.wat"), module("\"ok\"")).unwrap();
        Self { folder, variables, hooks: Hooks::default() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn organisation(&mut self, files: &[(&str, &str)]) -> &FilePath {
        let folder = self.folder.path().join("organisation");
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        self.variables.insert("KRONY_HOOKS_DIR", folder.display().to_string());
        self.folder.path()
    }

    async fn validate(&self, block: &ProviderBlock) -> Diagnostics {
        self.hooks.validate(block, &|name| self.variables.get(name).cloned()).await
    }

    async fn configure(&self, block: &ProviderBlock) -> Result<(Arc<Policies>, Diagnostics)> {
        self.hooks.configure(block, &|name| self.variables.get(name).cloned()).await
    }

    fn names(&self) -> Vec<String> {
        self.hooks.state(|state| state.loaded.iter().map(|(_, policy)| policy.name.clone()).collect())
    }
}

fn hook(source: &str) -> HookBlock {
    HookBlock { source: Attr::Known(Text::new(source)), ..HookBlock::default() }
}

fn block<const N: usize>(hooks: [(&str, HookBlock); N]) -> ProviderBlock {
    let hooks = hooks.map(|(name, hook)| (name.to_owned(), hook));
    ProviderBlock { hooks: Attr::Known(Map::from_iter(hooks)), ..ProviderBlock::default() }
}

#[track_caller]
fn says(findings: &Diagnostics, parts: &[&str]) {
    let text = findings.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[test]
fn a_block_without_more_than_a_source_is_mandatory() {
    let definition = Definition::of("a", &hook("a.wasm")).unwrap();
    assert_eq!(definition.enforcement, Enforcement::Mandatory);
    assert_eq!(definition.on_error, OnError::Fail);
    assert_eq!(definition.limits, Limits::default());
    assert_eq!(definition.settings, serde_json::json!({}));
    assert!(definition.stages.is_empty() && !definition.reveals);
}

#[test]
fn every_argument_of_a_block_is_read() {
    let words = |texts: &[&str]| Attr::Known(texts.iter().map(|text| (*text).to_owned()).collect::<Set<_>>());
    let block = HookBlock {
        settings: Attr::Known(Text::new("{\"a\":1}")),
        sha256: Attr::Known(Text::new("ab".repeat(32))),
        applies_to: Attr::Known(AppliesTo {
            resource_types: Attr::Known(Set(vec![Attr::Known(Text::new("krony_job"))])),
            name_glob: Attr::Known(Text::new("acme--*")),
            tenants: words(&["b", "a"]),
        }),
        stages: Attr::Known(Set(vec![Attr::Known(Text::new("plan")), Attr::Known(Text::new("validate"))])),
        enforcement: Attr::Known(Text::new("advisory")),
        reveal_sensitive: Attr::Known(true),
        wasi: Attr::Known(Text::new("stub")),
        limits: Attr::Known(LimitsBlock {
            fuel: Attr::Known(7),
            memory: Attr::Known(2),
            timeout: Attr::Known(Text::new("3s")),
        }),
        ..hook("a.wasm")
    };
    let definition = Definition::of("a", &block).unwrap();
    assert_eq!(definition.on_error, OnError::Warn, "an advisory hook advises that it failed");
    assert_eq!(definition.stages, [Stage::Validate, Stage::Plan]);
    assert_eq!(definition.tenants, ["a", "b"]);
    let Limits { fuel, memory, timeout } = definition.limits;
    assert_eq!((fuel, memory, timeout.as_secs()), (7, 2 << 20, 3));
    assert!(
        definition.scope().name.is_some_and(|glob| glob.is_match("acme--report") && !glob.is_match("report"))
    );
    assert_eq!(definition.wasi, ::hooks::Wasi::Stub);
    assert!(definition.reveals && definition.sha256.is_some());
    let failing = HookBlock { on_error: Attr::Known(Text::new("fail")), ..block };
    assert_eq!(Definition::of("a", &failing).unwrap().on_error, OnError::Fail);
}

#[test]
fn wrong_words_are_refused_where_they_stand() {
    let wrong = |attribute: &str, value: &str| {
        let mut object = hook("a.wasm").encode();
        if let Value::Object(attributes) = &mut object {
            attributes.insert(attribute.to_owned(), Value::String(value.to_owned()));
        }
        let findings = HookBlock::decode(&object, &place("a"), Strictness::Configuration).err().unwrap();
        let finding = findings.iter().next().unwrap().clone();
        assert_eq!(finding.path, place("a").attr(attribute), "{finding}");
        finding.detail
    };
    assert!(wrong("enforcement", "strict").contains("\"advisory\" or \"mandatory\""));
    assert!(wrong("on_error", "ignore").contains("\"fail\" or \"warn\""));
    assert!(wrong("wasi", "full").contains("\"stub\""));
    assert!(wrong("sha256", "abc").contains("64 hexadecimal digits"));
    assert!(wrong("settings", "{").contains("jsonencode"));
    assert!(wrong("settings", "[]").contains("Expected a JSON object"));
    assert!(wrong("source", "http://a/b.wasm").contains("https://"));
    assert_eq!(HookBlock::fields().len(), 10, "a new argument needs a case in these tests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_loaded_once_for_a_process() {
    let stage = Surroundings::new();
    let block = block([("a", hook(&stage.path("ok.wat")))]);
    assert!(stage.validate(&block).await.is_empty());
    let first = stage.hooks.state(|state| state.loaded[0].1.clone());
    assert!(stage.hooks.validation().is_some());
    let (policies, findings) = stage.configure(&block).await.unwrap();
    assert!(findings.is_empty() && !policies.is_empty());
    let second = stage.hooks.state(|state| state.loaded[0].1.clone());
    assert!(Arc::ptr_eq(&first, &second));
    assert!(stage.hooks.validation().is_none(), "a plan follows");
    // A file that changed is another hook.
    fs::write(stage.folder.path().join("ok.wat"), module("\"ok\" ")).unwrap();
    assert!(stage.validate(&block).await.is_empty());
    let third = stage.hooks.state(|state| state.loaded[0].1.clone());
    assert!(!Arc::ptr_eq(&first, &third));
    assert!(stage.hooks.validation().is_some(), "validated anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_hooks_nothing_is_made() {
    let stage = Surroundings::new();
    assert!(stage.validate(&ProviderBlock::default()).await.is_empty());
    assert!(stage.configure(&ProviderBlock::default()).await.unwrap().0.is_empty());
    assert!(!stage.folder.path().join("cache").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_cannot_be_loaded_is_an_error_at_its_place_and_the_others_are_loaded() {
    let stage = Surroundings::new();
    fs::write(stage.folder.path().join("page.wasm"), "<html>").unwrap();
    let warn = |hook: HookBlock| HookBlock { on_error: Attr::Known(Text::new("warn")), ..hook };
    let wrong_digest =
        |hook: HookBlock| HookBlock { sha256: Attr::Known(Text::new("ab".repeat(32))), ..hook };
    let ok = stage.path("ok.wat");
    for (bad, attribute, parts) in [
        (hook("missing.wasm"), "source", ["missing.wasm", "error:"].as_slice()),
        (warn(hook("missing.wasm")), "source", &["warning:", "as `on_error` says"]),
        (wrong_digest(hook(&ok)), "sha256", &["error:", "abababab"]),
        (warn(wrong_digest(hook(&ok))), "sha256", &["error:", "abababab"]),
        (hook(&stage.path("page.wasm")), "source", &["error:", "SHA-256", "no WebAssembly"]),
        (hook("https://hooks.example.com/a.wasm"), "sha256", &["error:", "set `sha256`"]),
    ] {
        let block = block([("bad", bad), ("good", hook(&ok))]);
        let findings = stage.validate(&block).await;
        says(&findings, parts);
        assert_eq!(findings.iter().next().unwrap().path, place("bad").attr(attribute), "{findings}");
        assert_eq!(stage.names(), ["good"]);
        assert_eq!(stage.configure(&block).await.is_err(), findings.has_errors());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_yet_is_asked_later() {
    let stage = Surroundings::new();
    let unknown = HookBlock { settings: Attr::Unknown, ..hook(&stage.path("ok.wat")) };
    let block = block([("later", unknown), ("now", hook(&stage.path("ok.wat")))]);
    assert!(stage.validate(&block).await.is_empty());
    let (_, findings) = stage.configure(&block).await.unwrap();
    says(&findings, &["warning: Hook \"later\" is not asked yet", "before anything is written"]);
    assert_eq!(stage.names(), ["now"]);
    let all = ProviderBlock { hooks: Attr::Unknown, ..ProviderBlock::default() };
    says(&stage.configure(&all).await.unwrap().1, &["not asked yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hooks_of_the_organisation_cannot_be_switched_off() {
    let mut stage = Surroundings::new();
    stage.organisation(&[
        ("plain.wat", &module("\"ok\"")),
        ("tuned.wat", &module("\"ok\"")),
        (
            "tuned.json",
            r#"{"settings": {"a": 1}, "enforcement": "mandatory-overridable", "limits": {"fuel": 1000000}}"#,
        ),
        ("README.md", "not a hook"),
    ]);
    stage.variables.insert("KRONY_HOOKS_OVERRIDE", " tuned , other".to_owned());
    assert!(stage.validate(&ProviderBlock::default()).await.is_empty());
    assert_eq!(stage.names(), ["plain", "tuned"]);
    let facts = stage.hooks.state(|state| {
        state.loaded.iter().map(|(_, policy)| (policy.enforcement, policy.overridden)).collect::<Vec<_>>()
    });
    assert_eq!(facts, [(Enforcement::Mandatory, false), (Enforcement::MandatoryOverridable, true)]);
    let findings = stage.validate(&block([("plain", hook(&stage.path("ok.wat")))])).await;
    says(&findings, &["Name of a mandatory hook", "KRONY_HOOKS_DIR"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_stops_everything() {
    for (files, parts) in [
        ([("a.json", "{}")].as_slice(), ["Expected a.wasm beside a.json"].as_slice()),
        (&[("a.json", "{")], &["Expected a JSON object in a.json"]),
        (&[("a.wat", "(module)"), ("a.json", r#"{"source": "b.wasm"}"#)], &["exclude each other"]),
        (&[("a.wat", "(module)"), ("a.json", r#"{"enforcement": "hard"}"#)], &["a.json", "`enforcement`"]),
        (&[("a.wat", "(module)"), ("a.json", r#"{"enforcment": "advisory"}"#)], &["a.json", "enforcment"]),
        (&[("a.wat", "(module)"), ("a.json", r#"{"limits": {"fuel": "much"}}"#)], &["a.json", "number"]),
        (
            &[("a.wat", "(module)")],
            &["Not a hook", "exports no hook", "which KRONY_HOOKS_DIR names", "`source`"],
        ),
        (&[("a.wat", "(module)"), ("a.wasm", "")], &["two modules called a"]),
        (&[("a.WASM", "")], &["found a.WASM"]),
        (
            &[("a.wat", "(module)"), ("a.json", r#"{"applies_to": {"resource_types": ["krony_jobs"]}}"#)],
            &["krony_jobs"],
        ),
    ] {
        let mut stage = Surroundings::new();
        stage.organisation(files);
        let findings = stage.validate(&ProviderBlock::default()).await;
        assert!(findings.has_errors());
        says(&findings, parts);
        assert!(stage.configure(&ProviderBlock::default()).await.is_err());
    }
    let mut stage = Surroundings::new();
    stage.variables.insert("KRONY_HOOKS_DIR", stage.path("nowhere"));
    says(&stage.validate(&ProviderBlock::default()).await, &["nowhere", "cannot be read"]);
    stage.variables.insert("KRONY_HOOKS_DIR", String::new());
    says(&stage.validate(&ProviderBlock::default()).await, &["KRONY_HOOKS_DIR", "cannot be read"]);
}

/// Else the author of a configuration could put another module where a path of the organisation leads.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_the_organisation_counts_from_its_folder() {
    let mut stage = Surroundings::new();
    stage.organisation(&[("rule.json", r#"{"source": "modules.d/rule"}"#)]);
    let module_folder = stage.folder.path().join("organisation/modules.d");
    fs::create_dir(&module_folder).unwrap();
    fs::write(module_folder.join("rule"), module("\"ok\"")).unwrap();
    assert!(stage.validate(&ProviderBlock::default()).await.is_empty());
    assert_eq!(stage.names(), ["rule"]);
}

/// What a hook does while it is loaded counts as a failure of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_while_it_is_loaded_is_what_on_error_says() {
    let stage = Surroundings::new();
    let trap = module("\"ok\"")
        .replace("(if (i32.eq (i32.load8_u offset=9", "unreachable (if (i32.eq (i32.load8_u offset=9");
    fs::write(stage.folder.path().join("trap.wat"), trap).unwrap();
    let trapping = hook(&stage.path("trap.wat"));
    says(
        &stage.validate(&block([("a", trapping.clone())])).await,
        &["error:", "It was to describe itself", "trap"],
    );
    let advisory = HookBlock { enforcement: Attr::Known(Text::new("advisory")), ..trapping };
    let findings = stage.validate(&block([("a", advisory)])).await;
    says(&findings, &["warning:", "as `on_error` says"]);
    assert!(!findings.has_errors());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_for_what_does_not_exist_is_named() {
    let stage = Surroundings::new();
    let described = module("\"ok\"")
        .replace(
            r#"\22version\22:\221\22}"#,
            r#"\22version\22:\221\22,\22resource-types\22:[\22krony-job\22]}"#,
        )
        .replace(
            &format!("(i64.const {})", r#"{"name":"test","version":"1"}"#.len()),
            &format!(
                "(i64.const {})",
                r#"{"name":"test","version":"1","resource-types":["krony-job"]}"#.len()
            ),
        );
    fs::write(stage.folder.path().join("other.wat"), described).unwrap();
    let findings = stage.validate(&block([("a", hook(&stage.path("other.wat")))])).await;
    says(&findings, &["warning: The hook is never asked", "krony-job"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_cannot_be_used_is_said_once() {
    let mut stage = Surroundings::new();
    fs::write(stage.folder.path().join("file"), "").unwrap();
    stage.variables.insert("KRONY_CACHE_DIR", stage.path("file"));
    let block = block([("a", hook(&stage.path("ok.wat")))]);
    let findings = stage.validate(&block).await;
    says(&findings, &["warning: Compiled hooks are not kept", "KRONY_CACHE_DIR"]);
    assert!(stage.configure(&block).await.unwrap().1.is_empty());
}
