//! Components: made of plain modules that carry the type of a component, as `cargo build` leaves them.

use hooks::Wasi;
use hooks::error::{CallError, LoadError};
use hooks::limits::Limits;
use hooks::verdict::{Finding, Path, Severity, Step, Verdict};
use serde_json::{Value, json};
use wit_component::StringEncoding;
use wit_parser::Resolve;

use crate::support::{ask, host, limits, load, load_error, request};

/// A plain module that, with the type in it, is a hook: `validate` leaves the address of its answer.
fn guest(items: &str, validate: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
  (memory (export "memory") 60)
  {items}
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $start i32)
    (local.set $start (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $start) (local.get 3)))
    (local.get $start))
  (func (export "krony:hooks/rules@0.1.0#describe") (result i32) unreachable)
  (func (export "krony:hooks/rules@0.1.0#validate-settings") (param i32 i32) (result i32) unreachable)
  (func (export "krony:hooks/rules@0.1.0#validate") (param i32) (result i32) {validate}))"#
    );
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("hooks.wit", hooks::WIT).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

/// The bytes of numbers in a data segment.
fn words(words: &[u32]) -> String {
    words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("\\{byte:02x}")).collect()
}

#[test]
fn what_cargo_leaves_is_a_hook() {
    // verdict at 0: case 1, list at 16 of one finding; finding: severity, summary, detail, path, rule.
    let items = format!(
        "(data (i32.const 0) \"{}\") (data (i32.const 16) \"{}\") (data (i32.const 100) \"{}\") (data (i32.const 200) \"nohttp\")",
        words(&[1, 16, 1]),
        words(&[0, 200, 2, 202, 4, 100, 1, 1, 202, 4]),
        words(&[0, 202, 4]),
    );
    let hook = load(guest(&items, "i32.const 0"));
    assert_eq!(hook.interface(), "component, krony:hooks@0.1");
    let expected = Finding {
        severity: Severity::Error,
        summary: "no".into(),
        detail: "http".into(),
        path: Path(vec![Step::Attribute("http".into())]),
        rule: Some("http".into()),
    };
    assert_eq!(ask(&hook), Ok(Verdict::Findings(vec![expected])));
}

#[test]
fn a_component_has_the_same_limits() {
    let answer = |validate: &str| ask(&load(guest("", validate)));
    assert_eq!(
        answer("(loop $again (br $again)) unreachable"),
        Err(CallError::OutOfFuel { fuel: 1_000_000 })
    );
    assert!(matches!(answer("unreachable"), Err(CallError::Trap { .. })));
    let deeper = load(guest("(func $deeper (call $deeper))", "(call $deeper) i32.const 0"));
    let plenty = Limits { fuel: u64::MAX / 2, ..limits() };
    assert_eq!(deeper.validate(&plenty, &Value::Null, &request()).result, Err(CallError::OutOfStack));
    let greedy =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    assert_eq!(answer(greedy), Err(CallError::OutOfMemory { memory: 4 << 20 }));
}

#[test]
fn a_component_answers_with_what_fits() {
    /// Beyond where the question is.
    const FAR: u32 = 1 << 20;
    let answer = |list: [u32; 3]| {
        let items = format!("(data (i32.const 0) \"{}\")", words(&list));
        ask(&load(guest(&items, "i32.const 0")))
    };
    // A thousand findings without any text, in memory that is zero.
    assert_eq!(answer([1, FAR, 1000]), Err(CallError::TooManyFindings { count: 1000 }));
    assert_eq!(answer([1, FAR, 30_000]), Err(CallError::OutputTooLarge));
    assert!(matches!(
        answer([1, FAR, 100_000_000]),
        Err(CallError::Malformed { .. } | CallError::OutputTooLarge)
    ));
    assert!(matches!(answer([9, 0, 0]), Err(CallError::Malformed { .. })));
    let long = format!(
        "(data (i32.const 0) \"{}\") (data (i32.const 16) \"{}\")",
        words(&[1, 16, 1]),
        words(&[0, 0, 1_200_000, 0, 0, 0, 0, 0, 0, 0])
    );
    assert_eq!(ask(&load(guest(&long, "i32.const 0"))), Err(CallError::OutputTooLarge));
}

#[test]
fn an_answer_in_no_encoding_is_none() {
    let items = format!(
        "(data (i32.const 0) \"{}\") (data (i32.const 16) \"{}\") (data (i32.const 200) \"\\ff\\fe\")",
        words(&[1, 16, 1]),
        words(&[0, 200, 2, 0, 0, 0, 0, 0, 0, 0]),
    );
    assert!(matches!(ask(&load(guest(&items, "i32.const 0"))), Err(CallError::Malformed { .. })));
}

#[test]
fn a_cut_component_is_damaged() {
    let whole = guest("", "i32.const 0");
    for length in (whole.len() / 2..whole.len() - 1).step_by(7) {
        let error = load_error(&whole[..length]);
        assert!(matches!(error, LoadError::Invalid { .. } | LoadError::NoHook { .. }), "{length}: {error:?}");
    }
}

/// What cargo leaves for wasm32-wasip1.
#[test]
fn a_module_for_the_wrong_target_is_told_the_right_one() {
    let module = guest("", "i32.const 0");
    let text = wasmprinter::print_bytes(&module).unwrap();
    let import = "(import \"wasi_snapshot_preview1\" \"environ_get\" (func (param i32 i32) (result i32)))";
    let (before, after) = text.split_once("(memory").unwrap();
    let error = load_error(format!("{before}{import}\n(memory{after}"));
    assert!(matches!(error, LoadError::Import { .. }), "{error:?}");
    assert!(error.to_string().contains("wasm32-unknown-unknown"), "{error}");
}

#[test]
fn a_component_that_wants_wasi_is_told_how_to_get_one() {
    let component = r#"(component
      (import "wasi:random/random@0.2.0" (instance
        (export "get-random-u64" (func (result u64)))))
      (instance $rules)
      (export "krony:hooks/rules@0.1.0" (instance $rules)))"#;
    insta::assert_snapshot!(load_error(component));
    // With WASI the import is there, and the next thing is missing.
    let error = host().load("test", component.as_bytes(), Wasi::Stub).err().unwrap();
    assert!(error.to_string().contains("describe"), "{error}");
}

#[test]
fn a_component_gets_the_question() {
    // Traps unless the resource type, which comes first, has the length of `krony_job`, and the stage is `plan`.
    let validate = "(if (i32.ne (i32.load offset=12 (local.get 0)) (i32.const 9)) (then unreachable))
      (if (i32.ne (i32.load8_u offset=17 (local.get 0)) (i32.const 1)) (then unreachable)) i32.const 0";
    let hook = load(guest("", validate));
    assert_eq!(hook.validate(&limits(), &json!({}), &request()).result, Ok(Verdict::Ok));
}
