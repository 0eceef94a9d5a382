//! What a well-behaved hook and the host say to each other.

use hooks::Wasi;
use hooks::host::Cost;
use hooks::verdict::{Finding, Path, Severity, Step, Verdict};
use serde_json::{Value, json};

use crate::support::{answering, ask, host, limits, load, plain, request};

#[test]
fn answers_are_read() {
    assert_eq!(ask(&load(answering("\"ok\""))), Ok(Verdict::Ok));
    assert_eq!(ask(&load(answering("{\"findings\": []}"))), Ok(Verdict::Ok));
    let path = json!([{ "attribute": "executor" }, { "attribute": "config" }, { "key": "url" }]);
    let found = json!({ "findings": [
        { "severity": "warning", "summary": "b", "detail": "c", "path": path, "rule": "r" },
        { "severity": "error", "summary": "a" },
    ]});
    let steps =
        [Step::Attribute("executor".into()), Step::Attribute("config".into()), Step::Key("url".into())];
    let finding = |severity, summary: &str, path| Finding {
        severity,
        summary: summary.into(),
        detail: String::new(),
        path,
        rule: None,
    };
    let expected = vec![
        finding(Severity::Error, "a", Path::default()),
        Finding {
            detail: "c".into(),
            rule: Some("r".into()),
            ..finding(Severity::Warning, "b", Path(steps.into()))
        },
    ];
    assert_eq!(ask(&load(answering(&found.to_string()))), Ok(Verdict::Findings(expected)));
    let needs = json!({ "needs-known": [[{ "attribute": "schedule" }], [{ "attribute": "schedule" }]] });
    let schedule = Path(vec![Step::Attribute("schedule".into())]);
    assert_eq!(ask(&load(answering(&needs.to_string()))), Ok(Verdict::NeedsKnown(vec![schedule])));
}

#[test]
fn a_hook_is_described_and_has_its_settings_checked() {
    let hook = load(answering("{\"name\": \"n\", \"version\": \"1\", \"stages\": [\"plan\"]}"));
    let description = hook.describe(&limits()).result.unwrap();
    assert_eq!((description.name.as_str(), description.stages.len()), ("n", 1));
    let refused = load(answering("{\"error\": \"no\"}")).validate_settings(&limits(), &json!({})).result;
    assert_eq!(refused, Ok(Err("no".into())));
    let taken = load(answering("\"ok\"")).validate_settings(&limits(), &json!({})).result;
    assert_eq!(taken, Ok(Ok(())));
}

/// Answers with a finding whose detail is the question: what a guest is given, as it sees it.
#[test]
fn a_guest_sees_the_question_as_documented() {
    let before = r#"{\22findings\22: [{\22severity\22: \22error\22, \22summary\22: \22s\22, \22rule\22: null, \22detail\22: \22"#;
    let prefix = r#"{"findings": [{"severity": "error", "summary": "s", "rule": null, "detail": ""#.len();
    // The question is copied with its quotes replaced, so that it is text within JSON.
    let items = format!(
        "(data (i32.const 0) \"{before}\")\n  (data (i32.const 1024) \"\\22}}]}}\")\n  (memory $unused 0)"
    );
    let body = format!(
        "(local $i i32) (local $byte i32)
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $i) (local.get $len)))
      (local.set $byte (i32.load8_u (i32.add (local.get $address) (local.get $i))))
      (if (i32.eq (local.get $byte) (i32.const 34)) (then (local.set $byte (i32.const 39))))
      (i32.store8 (i32.add (i32.const {prefix}) (local.get $i)) (local.get $byte))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next)))
    (memory.copy (i32.add (i32.const {prefix}) (local.get $len)) (i32.const 1024) (i32.const 4))
    (i64.extend_i32_u (i32.add (i32.const {prefix}) (i32.add (local.get $len) (i32.const 4))))"
    );
    let hook = load(plain(&items, &body));
    let verdict = hook.validate(&limits(), &json!({ "max": 3 }), &request()).result.unwrap();
    let Verdict::Findings(found) = verdict else { panic!("{verdict:?}") };
    let question: Value = serde_json::from_str(&found[0].detail.replace('\'', "\"")).unwrap();
    insta::assert_snapshot!(format!("{question:#}").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn each_call_begins_anew() {
    // Traps unless the counter is still zero.
    let body = "(if (global.get $calls) (then unreachable)) (global.set $calls (i32.const 1)) (i64.const 4)";
    let hook =
        load(plain("(global $calls (mut i32) (i32.const 0)) (data (i32.const 0) \"\\22ok\\22\")", body));
    for _ in 0..3 {
        assert_eq!(ask(&hook), Ok(Verdict::Ok));
    }
}

#[test]
fn the_same_request_gets_the_same_bytes_a_thousand_times() {
    // The answer is in the wrong order, and holds a NaN as the processor makes it.
    let found = json!({ "findings": [
        { "severity": "warning", "summary": "z" }, { "severity": "error", "summary": "y", "rule": "NNNNNNNN" },
        { "severity": "error", "summary": "x", "path": [{ "attribute": "a" }] },
    ]});
    let hook = load(answering(&found.to_string()));
    let ask = || {
        let call = hook.validate(&limits(), &Value::Null, &request());
        (serde_json::to_string(&call.result.unwrap()).unwrap(), call.cost.fuel)
    };
    let first = ask();
    assert!(first.0.find("\"y\"") < first.0.find("\"z\""), "{first:?}");
    for _ in 0..1000 {
        assert_eq!(ask(), first);
    }
}

#[test]
fn nan_has_one_form() {
    // 0/0 gives NaNs with different signs on different processors, unless they are made canonical: the answer is too
    // long by far if a bit beyond the canonical ones is set.
    let body = "(local $nan f64) (local.set $nan (f64.div (f64.const 0) (f64.const 0)))
        (if (i64.ne (i64.and (i64.reinterpret_f64 (local.get $nan)) (i64.const 0x7fffffffffffffff))
            (i64.const 0x7ff8000000000000)) (then unreachable))
        (if (i64.lt_s (i64.reinterpret_f64 (local.get $nan)) (i64.const 0)) (then unreachable)) (i64.const 4)";
    let hook = load(plain("(data (i32.const 0) \"\\22ok\\22\")", body));
    assert_eq!(ask(&hook), Ok(Verdict::Ok));
}

#[test]
fn a_call_tells_what_it_used() {
    let Cost { fuel, memory, .. } =
        load(answering("\"ok\"")).validate(&limits(), &Value::Null, &request()).cost;
    assert!(fuel > 0 && fuel < 1000, "{fuel}");
    assert_eq!(memory, 128 << 10);
}

#[test]
fn a_hook_may_log() {
    let module = answering("\"ok\"")
        .replace("(module", "(module (import \"krony\" \"log\" (func $log (param i32 i32 i32)))")
        .replace("i64.const 4", "(call $log (i32.const 1) (i32.const 0) (i32.const 4)) (i64.const 4)");
    assert_eq!(ask(&load(module)), Ok(Verdict::Ok));
}

/// A plain module that asks WASI for everything, and answers only if it gets what there always is.
const WASI: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $again (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\22ok\22")
  (data (i32.const 100) "\78\00\00\00\06\00\00\00")
  (data (i32.const 120) "hello\n")
  (func $expect (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
  (func (export "krony_alloc") (param i32) (result i32) i32.const 65536)
  (func (export "krony_hook_v1") (param i32 i32) (result i64)
    (i32.store (i32.const 200) (i32.const 9))
    (call $expect (i32.eqz (call $args (i32.const 200) (i32.const 204))))
    (call $expect (i32.eqz (i32.load (i32.const 200))))
    (call $expect (i32.eqz (call $environ (i32.const 200) (i32.const 204))))
    (call $expect (i32.eqz (call $clock (i32.const 0) (i64.const 1) (i32.const 200))))
    (call $expect (i64.eq (i64.load (i32.const 200)) (i64.const 946684800000000000)))
    (call $expect (i32.eqz (call $random (i32.const 208) (i32.const 8))))
    (call $expect (i64.ne (i64.load (i32.const 208)) (i64.const 0)))
    (call $expect (i32.eqz (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 200))))
    (call $expect (i32.eq (i32.load (i32.const 200)) (i32.const 6)))
    (call $expect (i32.eq (call $prestat (i32.const 3) (i32.const 200)) (i32.const 8)))
    (call $expect (i32.eq (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
      (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)) (i32.const 52)))
    (call $expect (i32.eqz (call $poll (i32.const 300) (i32.const 400) (i32.const 1) (i32.const 200))))
    (call $expect (i32.eq (i32.load (i32.const 200)) (i32.const 1)))
    (i64.const 4)))"#;

#[test]
fn in_the_wasi_that_hooks_may_have_there_is_nothing() {
    let hook = host().load("test", WASI.as_bytes(), Wasi::Stub).unwrap().hook;
    let fuel = |_| hook.validate(&limits(), &Value::Null, &request());
    let calls = [(), ()].map(fuel);
    assert!(calls.iter().all(|call| call.result == Ok(Verdict::Ok)), "{:?}", calls[0].result);
    let exiting = WASI.replace("(i64.const 4)))", "(call $exit (i32.const 3)) (i64.const 4)))");
    let hook = host().load("test", exiting.as_bytes(), Wasi::Stub).unwrap().hook;
    assert!(format!("{:?}", ask(&hook)).contains("ended itself with 3"));
}
