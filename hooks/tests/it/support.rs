//! Guests, written as text.

use std::path::Path;

use hooks::cache::Cache;
use hooks::host::{Hook, Host};
use hooks::limits::Limits;
use hooks::request::{Operation, Request, Stage, Versions};
use hooks::verdict::Verdict;
use hooks::{Wasi, error::CallError, error::LoadError};
use serde_json::{Value, json};

/// A plain module whose answer to everything is what `body` leaves, with `items` beside its functions.
pub(crate) fn plain(items: &str, body: &str) -> String {
    format!(
        r#"(module
  (memory (export "memory") 2)
  {items}
  (func (export "krony_alloc") (param i32) (result i32) i32.const 65536)
  (func (export "krony_hook_v1") (param $address i32) (param $len i32) (result i64) {body}))"#
    )
}

/// A plain module that gives this answer to everything.
pub(crate) fn answering(answer: &str) -> String {
    let data = answer.replace('\\', "\\\\").replace('"', "\\\"");
    plain(&format!("(data (i32.const 0) \"{data}\")"), &format!("i64.const {}", answer.len()))
}

pub(crate) fn host() -> Host {
    Host::new(None).unwrap()
}

pub(crate) fn caching_host(folder: &Path) -> Host {
    Host::new(Some(Cache::open(&folder.join("cache"), &folder.join("state/key")).unwrap())).unwrap()
}

pub(crate) fn load(module: impl AsRef<[u8]>) -> Hook {
    host().load("test", module.as_ref(), Wasi::None).unwrap().hook
}

pub(crate) fn load_error(module: impl AsRef<[u8]>) -> LoadError {
    host().load("test", module.as_ref(), Wasi::None).err().unwrap()
}

pub(crate) fn request() -> Request {
    Request {
        resource_type: "krony_job".into(),
        operation: Operation::Create,
        stage: Stage::Plan,
        prior: None,
        planned: Some(json!({ "name": "report", "schedule": "@daily" })),
        tenant: None,
        versions: Versions::current(),
    }
}

/// Limits that a test reaches soon.
pub(crate) fn limits() -> Limits {
    Limits { fuel: 1_000_000, memory: 4 << 20, ..Limits::default() }
}

pub(crate) fn ask(hook: &Hook) -> Result<Verdict, CallError> {
    hook.validate(&limits(), &Value::Null, &request()).result
}
