//! Hooks for tests, as plain modules in the text format: they tell about themselves, take any settings, and judge as the
//! test wants.

use serde_json::{Value, json};

/// A finding with this summary, and all else from `more`.
pub(super) fn finding(summary: &str, more: Value) -> Value {
    let mut finding = json!({ "severity": "error", "summary": summary });
    crate::support::merge(&mut finding, more);
    finding
}

/// An answer with one finding.
pub(super) fn denial(summary: &str) -> Value {
    json!({ "findings": [finding(summary, json!({}))] })
}

/// Where answers begin, beyond the questions, which come at 65536.
const ANSWER: usize = 4 << 16;
/// Where other texts lie, before them.
const WORD: usize = 2048;
const OK: usize = 4096;

/// The bytes of a text in a data segment; the text format takes no strange characters as they are.
fn data(address: usize, text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => format!("\\{byte:02x}"),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:02x}"),
    });
    format!("(data (i32.const {address}) \"{}\")", bytes.collect::<String>())
}

/// What a function returns as its answer.
fn answer(address: usize, length: usize) -> String {
    format!("(i64.const {})", address << 32 | length)
}

/// A hook that comes to its verdict by `body`, with `items` beside its functions.
pub(super) fn guest(items: &str, body: &str) -> String {
    let description = json!({ "name": "test", "version": "1" }).to_string();
    guest_with(&description, "\"ok\"", items, body)
}

/// The same, with a description and a word about settings of its own.
pub(super) fn guest_with(description: &str, settings: &str, items: &str, body: &str) -> String {
    // Calls begin with `{"call":"describe"`, `{"call":"validate-settings"` or `{"call":"validate"`.
    format!(
        r#"(module
  (memory (export "memory") 16)
  {}
  {}
  {items}
  (func (export "krony_alloc") (param i32) (result i32) i32.const 65536)
  (func (export "krony_hook_v1") (param $address i32) (param $len i32) (result i64)
    (local $to i32)
    (if (i32.eq (i32.load8_u offset=9 (local.get $address)) (i32.const {})) (then (return {})))
    (if (i32.eq (i32.load8_u offset=17 (local.get $address)) (i32.const {})) (then (return {})))
    {body}))"#,
        data(0, description),
        data(1024, settings),
        b'd',
        answer(0, description.len()),
        b'-',
        answer(1024, settings.len()),
    )
}

/// A hook that always has the same verdict.
pub(super) fn answering(verdict: &Value) -> String {
    let verdict = verdict.to_string();
    guest(&data(ANSWER, &verdict), &answer(ANSWER, verdict.len()))
}

/// A hook that has this verdict on questions in which `word` stands, and nothing to say to others.
pub(super) fn answering_where(word: &str, verdict: &Value) -> String {
    let verdict = verdict.to_string();
    let search = r"
  (func $contains (param $from i32) (param $end i32) (param $word i32) (param $len i32) (result i32)
    (local $at i32)
    (loop $next
      (if (i32.gt_u (i32.add (local.get $from) (local.get $len)) (local.get $end)) (then (return (i32.const 0))))
      (local.set $at (i32.const 0))
      (loop $more
        (if (i32.eq (local.get $at) (local.get $len)) (then (return (i32.const 1))))
        (if (i32.eq
              (i32.load8_u (i32.add (local.get $from) (local.get $at)))
              (i32.load8_u (i32.add (local.get $word) (local.get $at))))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $more))))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $next))
    unreachable)";
    let items = [&data(WORD, word), &data(ANSWER, &verdict), &data(OK, "\"ok\""), search].join("\n");
    let call = format!(
        "(call $contains (local.get $address) (i32.add (local.get $address) (local.get $len)) (i32.const {WORD}) \
         (i32.const {}))",
        word.len()
    );
    let body = format!("(select {} {} {call})", answer(ANSWER, verdict.len()), answer(OK, "\"ok\"".len()));
    guest(&items, &body)
}

/// A hook that warns with what it was asked.
pub(super) fn echo() -> String {
    let begin = r#"{"findings":[{"severity":"warning","summary":"Echo","detail":""#;
    let end = r#""}]}"#;
    // The question becomes the text of the answer: quotes and backslashes get a backslash in front.
    let begin_at = ANSWER;
    let items = [
        data(begin_at, begin),
        data(WORD, end),
        r"
  (func $put (param $to i32) (param $byte i32) (result i32)
    (i32.store8 (local.get $to) (local.get $byte))
    (i32.add (local.get $to) (i32.const 1)))
  (func $echo (param $from i32) (param $end i32) (param $to i32) (result i32)
    (local $byte i32)
    (loop $next
      (if (i32.eq (local.get $from) (local.get $end)) (then (return (local.get $to))))
      (local.set $byte (i32.load8_u (local.get $from)))
      (if (i32.or (i32.eq (local.get $byte) (i32.const 34)) (i32.eq (local.get $byte) (i32.const 92)))
        (then (local.set $to (call $put (local.get $to) (i32.const 92)))))
      (local.set $to (call $put (local.get $to) (local.get $byte)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $next))
    unreachable)"
            .to_owned(),
    ]
    .join("\n");
    let text_at = begin_at + begin.len();
    let body = format!(
        "(local.set $to (call $echo (local.get $address) (i32.add (local.get $address) (local.get $len)) (i32.const {text_at})))
    (memory.copy (local.get $to) (i32.const {WORD}) (i32.const {}))
    (i64.or
      (i64.const {})
      (i64.extend_i32_u (i32.sub (i32.add (local.get $to) (i32.const {})) (i32.const {begin_at}))))",
        end.len(),
        begin_at << 32,
        end.len(),
    );
    guest(&items, &body)
}
