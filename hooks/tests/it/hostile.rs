//! What a hook can do wrong, and what comes of it: always an error that tells, never more.

use std::time::Duration;

use hooks::Wasi;
use hooks::error::{CallError, LoadError};
use hooks::limits::{Limits, MAX_FUNCTION, MAX_MODULE};
use hooks::verdict::Verdict;
use serde_json::{Value, json};

use crate::support::{answering, ask, host, limits, load, load_error, plain, request};

fn malformed(result: Result<Verdict, CallError>) -> String {
    match result {
        Err(CallError::Malformed { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_loop_runs_out_of_fuel() {
    let hook = load(plain("", "(loop $again (br $again)) unreachable"));
    assert_eq!(ask(&hook), Err(CallError::OutOfFuel { fuel: 1_000_000 }));
}

#[test]
fn a_loop_with_fuel_for_years_is_ended_by_the_clock() {
    let hook = load(plain("", "(loop $again (br $again)) unreachable"));
    let timeout = Duration::from_millis(50);
    let endless = Limits { fuel: u64::MAX / 2, timeout, ..limits() };
    let result = hook.validate(&endless, &Value::Null, &request()).result;
    assert_eq!(result, Err(CallError::OutOfTime { timeout }));
}

#[test]
fn a_loop_at_the_start_is_ended_too() {
    let hook = load(plain("(func $start (loop $again (br $again))) (start $start)", "i64.const 0"));
    assert_eq!(ask(&hook), Err(CallError::OutOfFuel { fuel: 1_000_000 }));
}

#[test]
fn recursion_runs_out_of_stack() {
    let hook = load(plain("(func $deeper (call $deeper))", "(call $deeper) i64.const 0"));
    let plenty = Limits { fuel: u64::MAX / 2, ..limits() };
    assert_eq!(hook.validate(&plenty, &Value::Null, &request()).result, Err(CallError::OutOfStack));
}

#[test]
fn memory_ends_at_its_limit() {
    // Asks for more until it is refused, then gives up.
    let body = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let hook = load(plain("", body));
    assert_eq!(ask(&hook), Err(CallError::OutOfMemory { memory: 4 << 20 }));
}

#[test]
fn memory_that_is_too_large_from_the_start_is_refused() {
    let module = answering("\"ok\"").replace("\"memory\") 2", "\"memory\") 1000");
    assert_eq!(ask(&load(module)), Err(CallError::OutOfMemory { memory: 4 << 20 }));
}

#[test]
fn several_memories_share_the_limit() {
    let module = plain("(memory 40) (memory 40)", "i64.const 0");
    assert_eq!(ask(&load(module)), Err(CallError::OutOfMemory { memory: 4 << 20 }));
}

#[test]
fn a_hook_that_can_do_with_less_memory_goes_on() {
    let module =
        answering("\"ok\"").replace("i64.const 4", "(drop (memory.grow (i32.const 1000))) i64.const 4");
    assert_eq!(ask(&load(module)), Ok(Verdict::Ok));
}

#[test]
fn tables_end_at_their_limit() {
    let items = "(table $table 1 funcref)";
    let body = "(if (i32.eq (table.grow $table (ref.null func) (i32.const 1000000)) (i32.const -1)) (then unreachable)) \
                i64.const 0";
    let plenty = Limits { fuel: 50_000_000, ..limits() };
    let answer = load(plain(items, body)).validate(&plenty, &Value::Null, &request()).result;
    assert!(matches!(answer, Err(CallError::Trap { .. })), "{answer:?}");
}

#[test]
fn tables_count_as_memory() {
    let tables = "(table 100000 funcref)".repeat(90);
    assert_eq!(ask(&load(plain(&tables, "i64.const 0"))), Err(CallError::OutOfMemory { memory: 4 << 20 }));
}

#[test]
fn what_would_take_minutes_to_compile_is_refused() {
    let function = |locals: usize, loops: usize| {
        let body: String = (0..loops)
            .map(|index| {
                format!("(loop (local.set {} (i32.const 1)) (br_if 0 (local.get 0)))", index % locals)
            })
            .collect();
        format!("(func (param i32) (local {}) {body})", "i32 ".repeat(locals))
    };
    let error = load_error(plain(&function(2000, 2000), "i64.const 0"));
    assert_eq!(
        error,
        LoadError::TooHeavy { part: "a function of it", weight: 4_000_000, limit: MAX_FUNCTION }
    );
    let many = function(400, 400).repeat(60);
    assert!(matches!(load_error(plain(&many, "i64.const 0")), LoadError::TooHeavy { part: "it", .. }));
}

#[test]
fn a_message_about_megabytes_is_short() {
    let error = load_error(format!("(module {}", "(oops)".repeat(500_000)));
    assert!(error.to_string().len() < 4000, "{}", error.to_string().len());
    let name = "x".repeat(100_000);
    let error = load_error(format!("(module (memory (export \"{name}\") 1))"));
    assert!(error.to_string().len() < 4000, "{}", error.to_string().len());
}

#[test]
fn a_trap_says_what_it_was() {
    let Err(CallError::Trap { reason }) = ask(&load(plain("", "unreachable"))) else { panic!() };
    assert!(reason.contains("unreachable"), "{reason}");
    let Err(CallError::Trap { reason }) = ask(&load(plain("", "(i64.div_s (i64.const 1) (i64.const 0))")))
    else {
        panic!()
    };
    assert!(reason.contains("divide by zero"), "{reason}");
}

#[test]
fn megabytes_are_no_answer() {
    let module = plain("", "(i64.const 0x80000000)").replace("\"memory\") 2", "\"memory\") 40");
    assert_eq!(ask(&load(module)), Err(CallError::OutputTooLarge));
    let module = plain("", "(i64.const 0x200000)").replace("\"memory\") 2", "\"memory\") 40");
    assert_eq!(ask(&load(module)), Err(CallError::OutputTooLarge));
}

#[test]
fn a_thousand_findings_are_no_answer() {
    let finding = json!({ "severity": "error", "summary": "no" });
    let module = answering(&json!({ "findings": vec![finding; 1000] }).to_string());
    assert_eq!(ask(&load(module)), Err(CallError::TooManyFindings { count: 1000 }));
}

#[test]
fn an_answer_outside_of_the_memory_is_none() {
    for answer in [i64::from(u32::MAX) << 32 | 4, 131_070_i64 << 32 | 4, -1 << 32] {
        let reason = ask(&load(plain("", &format!("(i64.const {answer})"))));
        assert!(malformed(reason).contains("outside of its memory"));
    }
}

#[test]
fn a_question_outside_of_the_memory_is_not_written() {
    for address in [-1, 131_071, i32::MIN] {
        let module = answering("\"ok\"").replace("i32.const 65536", &format!("i32.const {address}"));
        assert!(malformed(ask(&load(module))).contains("krony_alloc"));
    }
}

#[test]
fn an_answer_that_is_no_verdict_is_none() {
    for answer in [
        "",
        "{",
        "null",
        "\"yes\"",
        "{\"findings\": 1}",
        "{\"findings\": [{}]}",
        "{\"findings\": [{\"severity\": \"fatal\", \"summary\": \"\"}]}",
        "{\"ok\": null, \"findings\": []}",
        "{\"findings\": [{\"severity\": \"error\", \"summary\": \"\", \"path\": [{\"index\": -1}]}]}",
        &"[".repeat(100_000),
    ] {
        let module =
            plain(&format!("(data (i32.const 0) {answer:?})"), &format!("i64.const {}", answer.len()));
        let module = module.replace("\"memory\") 2", "\"memory\") 4");
        assert!(malformed(ask(&load(module))).contains("expected the JSON"), "{answer}");
    }
}

#[test]
fn what_is_no_wasm_is_named() {
    for (bytes, found) in
        [(&b""[..], "an empty file"), (b"<!DOCTYPE html>", "<!DOCTYP"), (b"\x7fELF\x02", "\\x7fELF")]
    {
        let error = load_error(bytes);
        assert!(matches!(error, LoadError::NotWasm { .. }), "{error:?}");
        assert!(error.to_string().contains(found), "{error}");
    }
    assert!(matches!(load_error("(module"), LoadError::Invalid { .. }));
}

#[test]
fn what_is_cut_off_is_damaged() {
    let whole = wat::parse_str(answering("\"ok\"")).unwrap();
    for length in 4..whole.len() {
        // A module may end after any section: then it is whole, and may lack what a hook has.
        let Err(error) = host().load("test", &whole[..length], Wasi::None) else { continue };
        let expected =
            matches!(error, LoadError::Invalid { .. } | LoadError::NoHook { .. } | LoadError::Misfit { .. });
        assert!(expected, "{length}: {error:?}");
    }
}

#[test]
fn every_flipped_byte_is_an_error_or_a_hook() {
    let whole = wat::parse_str(answering("\"ok\"")).unwrap();
    let host = host();
    for position in 0..whole.len() {
        let mut module = whole.clone();
        module[position] ^= 0x55;
        if let Ok(loaded) = host.load("test", &module, Wasi::None) {
            let _ = ask(&loaded.hook);
        }
    }
}

#[test]
fn what_is_too_large_is_not_read() {
    let size = MAX_MODULE + 1;
    assert_eq!(load_error(vec![0; size]), LoadError::TooLarge { size });
}

#[test]
fn a_newer_interface_is_named() {
    let error = load_error(answering("\"ok\"").replace("krony_hook_v1", "krony_hook_v2"));
    assert!(matches!(error, LoadError::Newer { .. }));
    insta::assert_snapshot!(error);
    let component = r#"(component
      (instance $rules)
      (export "krony:hooks/rules@7.0.0" (instance $rules)))"#;
    insta::assert_snapshot!(load_error(component));
}

#[test]
fn a_module_that_is_no_hook_says_what_it_has() {
    insta::assert_snapshot!("nothing", load_error("(module)"));
    insta::assert_snapshot!(
        "other",
        load_error("(module (memory (export \"memory\") 1) (func (export \"main\")))")
    );
    insta::assert_snapshot!("component", load_error("(component)"));
}

#[test]
fn parts_of_the_interface_must_fit() {
    for (from, to) in [
        ("\"memory\"", "\"other\""),
        ("krony_alloc", "other"),
        ("(param $len i32)", ""),
        ("(export \"krony_alloc\") (param i32)", "(export \"krony_alloc\")"),
    ] {
        let error = load_error(answering("\"ok\"").replace(from, to));
        assert!(matches!(error, LoadError::Misfit { .. }), "{from}: {error:?}");
    }
}

#[test]
fn a_function_of_another_type_is_no_answer() {
    let module = plain("", "i64.const 0").replace("(result i64) i64.const 0", "(result i32) i32.const 0");
    assert!(malformed(ask(&load(module))).contains("type mismatch"));
}

#[test]
fn imports_that_are_not_there_are_named() {
    let importing = |import: &str| answering("\"ok\"").replace("(module", &format!("(module {import}"));
    insta::assert_snapshot!(
        "import",
        load_error(importing("(import \"env\" \"fetch\" (func (param i32) (result i32)))"))
    );
    insta::assert_snapshot!(
        "wasi",
        load_error(importing(
            "(import \"wasi_snapshot_preview1\" \"random_get\" (func (param i32 i32) (result i32)))"
        ))
    );
}

#[test]
fn errors_tell() {
    let timeout = Duration::from_secs(2);
    let errors = [
        CallError::OutOfFuel { fuel: 50_000_000 },
        CallError::OutOfTime { timeout },
        CallError::OutOfMemory { memory: 64 << 20 },
        CallError::OutOfStack,
        CallError::Trap { reason: "wasm trap: integer divide by zero".into() },
        CallError::OutputTooLarge,
        CallError::TooManyFindings { count: 1000 },
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"));
}
