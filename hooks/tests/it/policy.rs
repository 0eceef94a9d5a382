//! Which hooks are asked, and what their answers mean.

use std::sync::Arc;

use globset::Glob;
use hooks::limits::Limits;
use hooks::policy::{Enforcement, OnError, Policies, Policy, Remark, Scope};
use hooks::request::{Operation, Request, Stage, sensitive, unknown};
use hooks::verdict::{Description, Severity};
use serde_json::{Value, json};

use crate::support::{answering, limits, load, plain, request};

const DENIES: &str =
    r#"{"findings": [{"severity": "error", "summary": "No", "detail": "Not so.", "rule": "r"}]}"#;

fn policy(name: &str, module: String) -> Policy {
    Policy {
        name: name.into(),
        hook: load(module),
        description: Description {
            name: name.into(),
            version: "1".into(),
            summary: String::new(),
            resource_types: Vec::new(),
            stages: Vec::new(),
            settings_schema: None,
        },
        settings: json!({}),
        scope: Scope::default(),
        enforcement: Enforcement::Mandatory,
        on_error: OnError::Fail,
        reveals: false,
        overridden: false,
        limits: limits(),
    }
}

fn denying() -> Policy {
    policy("test", answering(DENIES))
}

fn review(policy: Policy, request: &Request) -> Vec<Remark> {
    Policies::new(vec![Arc::new(policy)]).review(request, None)
}

fn only(policy: Policy) -> Remark {
    let mut remarks = review(policy, &request());
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    remarks.remove(0)
}

#[test]
fn a_finding_says_who_found_it() {
    let remark = only(denying());
    assert_eq!(remark.severity, Severity::Error);
    assert_eq!(remark.summary, "No");
    let digest = load(answering(DENIES)).digest().short();
    assert_eq!(remark.detail, format!("Not so.\n\nSaid by hook \"test\" (sha256:{digest}), rule r."));
}

#[test]
fn enforcement_decides_what_an_error_means() {
    use Enforcement::{Advisory, Mandatory, MandatoryOverridable};
    for (enforcement, overridden, expected, said) in [
        (Mandatory, false, Severity::Error, ""),
        (Mandatory, true, Severity::Error, ""),
        (Advisory, false, Severity::Warning, ""),
        (
            MandatoryOverridable,
            false,
            Severity::Error,
            "set the environment variable KRONY_HOOKS_OVERRIDE=test",
        ),
        (MandatoryOverridable, true, Severity::Warning, "because KRONY_HOOKS_OVERRIDE names the hook"),
    ] {
        let remark = only(Policy { enforcement, overridden, ..denying() });
        assert_eq!(remark.severity, expected, "{enforcement:?}");
        assert!(
            remark.detail.contains(said) && (said.is_empty() != remark.detail.contains("KRONY_")),
            "{remark:?}"
        );
    }
    let warning = answering(r#"{"findings": [{"severity": "warning", "summary": "Hm"}]}"#);
    assert_eq!(only(policy("test", warning)).severity, Severity::Warning);
}

#[test]
fn no_answer_is_an_error_or_a_warning() {
    let trap = |on_error, enforcement, overridden| {
        only(Policy { on_error, enforcement, overridden, ..policy("test", plain("", "unreachable")) })
    };
    let remark = trap(OnError::Fail, Enforcement::Mandatory, false);
    assert_eq!((remark.severity, remark.summary.as_str()), (Severity::Error, "A hook could not answer"));
    assert!(remark.detail.contains("hook \"test\"") && remark.detail.contains("trap"), "{}", remark.detail);
    for (on_error, enforcement, overridden, expected) in [
        (OnError::Warn, Enforcement::Mandatory, false, Severity::Warning),
        (OnError::Fail, Enforcement::Advisory, false, Severity::Error),
        (OnError::Fail, Enforcement::MandatoryOverridable, false, Severity::Error),
        (OnError::Fail, Enforcement::MandatoryOverridable, true, Severity::Warning),
    ] {
        assert_eq!(trap(on_error, enforcement, overridden).severity, expected, "{enforcement:?}");
    }
}

#[test]
fn a_hook_is_asked_only_about_what_it_is_for() {
    let asked = |change: &dyn Fn(&mut Policy), request: &Request| {
        let mut policy = denying();
        change(&mut policy);
        !review(policy, request).is_empty()
    };
    let request = Request { tenant: Some("acme".into()), ..request() };
    let tenants = |policy: &mut Policy| policy.scope.tenants = vec!["acme".into()];
    let glob = |policy: &mut Policy| policy.scope.name = Some(Glob::new("rep*").unwrap().compile_matcher());
    assert!(asked(&|_| (), &request));
    assert!(asked(&tenants, &request));
    assert!(!asked(&tenants, &Request { tenant: None, ..request.clone() }));
    assert!(!asked(&|policy| policy.scope.resource_types = vec!["krony_tenant".into()], &request));
    assert!(!asked(&|policy| policy.description.resource_types = vec!["krony_tenant".into()], &request));
    assert!(!asked(&|policy| policy.scope.stages = vec![Stage::Apply], &request));
    assert!(!asked(&|policy| policy.description.stages = vec![Stage::Apply], &request));
    assert!(asked(&|policy| policy.description.stages = vec![Stage::Plan, Stage::Apply], &request));
    assert!(asked(&glob, &request));
    let named = |name: Value| Request { planned: Some(json!({ "name": name })), ..request.clone() };
    assert!(!asked(&glob, &named(json!("other"))));
    assert!(!asked(&glob, &named(unknown())), "the name decides, once it is known");
    let deletion =
        Request { prior: request.planned.clone(), planned: None, operation: Operation::Delete, ..request };
    assert!(asked(&glob, &deletion));
}

#[test]
fn a_hook_may_wait_only_for_what_is_not_known() {
    let waits = || {
        let path = r#"[{"attribute": "executor"}, {"attribute": "config"}, {"key": "url"}]"#;
        policy("test", answering(&format!("{{\"needs-known\": [{path}]}}")))
    };
    let with = |url: Value| Request {
        planned: Some(json!({ "name": "a", "executor": { "name": "http", "config": { "url": url } } })),
        ..request()
    };
    assert_eq!(review(waits(), &with(unknown())), []);
    let said = |request: &Request| review(waits(), request).remove(0).detail;
    let known = said(&with(json!("http://a")));
    assert!(known.contains("waits for `executor.config[\"url\"]`, where everything is known"), "{known}");
    let hidden = said(&with(sensitive()));
    assert!(hidden.contains("cannot decide without `executor.config[\"url\"]`"), "{hidden}");
    let nothing = review(policy("test", answering("{\"needs-known\": []}")), &request()).remove(0);
    assert!(nothing.detail.contains("waits for nothing"), "{}", nothing.detail);
}

#[test]
fn only_a_hook_that_may_sees_what_is_sensitive() {
    // Has something to say only about a long question.
    let data = DENIES.replace('"', "\\22");
    let items = format!("(data (i32.const 0) \"{data}\") (data (i32.const 1024) \"\\22ok\\22\")");
    let body = format!(
        "(if (result i64) (i32.gt_u (local.get $len) (i32.const 1000)) (then (i64.const {})) (else (i64.const {})))",
        DENIES.len(),
        1024_u64 << 32 | 4
    );
    let planned = Some(json!({ "name": "a", "secret": "s".repeat(1000) }));
    let revealed = Request { planned, ..request() };
    for reveals in [false, true] {
        let policy = Policy { reveals, ..policy("test", plain(&items, &body)) };
        let policies = Policies::new(vec![Arc::new(policy)]);
        assert_eq!(policies.reveals(), reveals);
        assert_eq!(policies.review(&request(), Some(&revealed)).len(), usize::from(reveals));
    }
}

#[test]
fn hooks_speak_in_the_order_of_their_names() {
    let three = ["c", "a", "b"].map(|name| Arc::new(Policy { name: name.into(), ..denying() }));
    let remarks = Policies::new(three.into()).review(&request(), None);
    let order: Vec<_> = remarks.iter().map(|remark| remark.detail.split('"').nth(1).unwrap()).collect();
    assert_eq!(order, ["a", "b", "c"]);
}

#[test]
fn what_was_answered_is_not_asked_again() {
    // So much fuel that a thousand calls would take minutes.
    let body = "(local $i i64) (loop $next (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $next (i64.lt_u (local.get $i) (i64.const 20000000)))) (i64.const 4)";
    let module = plain("(data (i32.const 0) \"\\22ok\\22\")", body);
    let limits = Limits { fuel: u64::MAX / 2, ..limits() };
    let policies = Policies::new(vec![Arc::new(Policy { limits, ..policy("test", module) })]);
    for _ in 0..10_000 {
        assert_eq!(policies.review(&request(), None), []);
    }
}

#[test]
fn text_of_a_hook_cannot_play_tricks() {
    let found = json!({ "findings": [{
        "severity": "error",
        "summary": format!("\u{1b}[2Jgone\nsecond {}", "s".repeat(1000)),
        "detail": format!("\u{1b}]0;title\u{7}{}", "ü".repeat(10_000)),
    }]});
    let remark = only(policy("test", answering(&found.to_string())));
    assert!(
        remark.summary.starts_with("[2Jgone second sss") && remark.summary.len() < 210,
        "{}",
        remark.summary
    );
    assert!(!remark.detail.contains(['\u{1b}', '\u{7}']) && remark.detail.len() < 4200);
    let silent = only(policy("test", answering(r#"{"findings": [{"severity": "error", "summary": ""}]}"#)));
    assert_eq!(silent.summary, "A hook objects");
}
