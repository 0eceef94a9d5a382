//! Handlers that fail, panic, hang, are stopped or break the rules: what users are told and what state keeps.

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Core, Failure, Rule};

use crate::{
    core, findings, stored, summaries,
    toy::{CANARY, Toy},
};

const TROUBLE: &str = "toy_trouble";

fn trouble(mode: &str) -> Json {
    json!({ "name": "pot", "mode": mode, "secret_wo": CANARY, "step": [{ "action": "stir" }] })
}

#[track_caller]
fn broken_rule<T: std::fmt::Debug>(result: Result<T, Failure>) -> (Rule, String) {
    let failure = result.unwrap_err();
    let violation = failure.violation().unwrap_or_else(|| panic!("{failure}"));
    (violation.rule, violation.path.to_string())
}

/// An object that is there, and then told what to do.
async fn existing(mode: &str) -> (Core<Toy>, Toy) {
    let (mut core, toy) = core().await;
    core.apply(TROUBLE, "pot", &trouble("none")).await.unwrap();
    let mut instance = core.instance(TROUBLE, "pot").unwrap().clone();
    instance.attributes["mode"] = mode.into();
    core.set_instance(TROUBLE, "pot", instance);
    (core, toy)
}

#[tokio::test]
async fn a_failed_create_leaves_nothing() {
    for (mode, finding) in [("fail", "error (root): Failed"), ("panic", "error (root): The provider failed")]
    {
        let (mut core, _) = core().await;
        assert_eq!(findings(core.apply(TROUBLE, "pot", &trouble(mode)).await), [finding]);
        assert!(core.instance(TROUBLE, "pot").is_none());
    }
}

#[tokio::test]
async fn a_create_that_was_undone_leaves_nothing() {
    let (mut core, _) = core().await;
    assert_eq!(findings(core.apply(TROUBLE, "pot", &trouble("undo")).await), ["error (root): Undone"]);
    assert!(core.instance(TROUBLE, "pot").is_none());
}

#[tokio::test]
async fn what_was_saved_before_a_failed_create_is_kept_and_tainted() {
    for (mode, finding) in
        [("fail late", "error (root): Failed late"), ("panic late", "error (root): The provider failed")]
    {
        let (mut core, _) = core().await;
        assert_eq!(findings(core.apply(TROUBLE, "pot", &trouble(mode)).await), [finding]);
        let instance = core.instance(TROUBLE, "pot").unwrap();
        assert!(instance.tainted);
        let step = json!([{ "action": "stir", "times": 1, "outcome": null }]);
        let expected = json!({
            "name": "pot", "mode": mode, "result": null, "revision": null, "secret_wo": null, "step": step,
        });
        assert_eq!(instance.attributes, expected);
        // The next apply replaces it.
        let applied = core.apply(TROUBLE, "pot", &trouble("none")).await.unwrap();
        assert_eq!(applied.action, Action::Replace);
    }
}

#[tokio::test]
async fn a_failed_update_keeps_what_was_there_or_what_was_saved() {
    for (mode, kept) in
        [("fail", "none"), ("panic", "none"), ("fail late", "fail late"), ("panic late", "panic late")]
    {
        let (mut core, _) = core().await;
        core.apply(TROUBLE, "pot", &trouble("none")).await.unwrap();
        findings(core.apply(TROUBLE, "pot", &trouble(mode)).await);
        assert!(!core.instance(TROUBLE, "pot").unwrap().tainted);
        assert_eq!(stored(&core, TROUBLE, "pot")["mode"], kept);
        assert_eq!(stored(&core, TROUBLE, "pot")["result"], "done");
    }
}

#[tokio::test]
async fn a_failed_delete_keeps_the_object() {
    let (mut core, _) = existing("delete fail").await;
    let before = core.instance(TROUBLE, "pot").unwrap().clone();
    assert_eq!(findings(core.destroy(TROUBLE, "pot").await), ["error (root): Undeletable"]);
    assert_eq!(core.instance(TROUBLE, "pot"), Some(&before));
}

#[tokio::test]
async fn a_destroy_may_be_refused_when_it_is_planned() {
    let refusals: [(_, &[_]); 2] = [
        ("keep", &["warning (root): Hands off", "error mode: Still in use"]),
        ("keep panic", &["error (root): The provider failed"]),
    ];
    for (mode, expected) in refusals {
        let (mut core, toy) = existing(mode).await;
        let before = core.instance(TROUBLE, "pot").unwrap().clone();
        assert_eq!(findings(core.destroy(TROUBLE, "pot").await), expected, "{mode}");
        assert_eq!(core.instance(TROUBLE, "pot"), Some(&before));
        assert_eq!(toy.server.troubles.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_replacement_is_no_destroy() {
    let (mut core, _) = existing("keep").await;
    let other = json!({ "name": "pan", "mode": "none" });
    assert_eq!(core.apply(TROUBLE, "pot", &other).await.unwrap().action, Action::Replace);
}

#[tokio::test]
async fn a_failed_read_keeps_the_object() {
    let failures =
        [("read fail", "error (root): Unreadable"), ("read panic", "error (root): The provider failed")];
    for (mode, finding) in failures {
        let (mut core, _) = existing(mode).await;
        let before = core.instance(TROUBLE, "pot").unwrap().clone();
        assert_eq!(findings(core.refresh(TROUBLE, "pot").await), [finding]);
        assert_eq!(core.instance(TROUBLE, "pot"), Some(&before));
    }
}

#[tokio::test]
async fn panics_anywhere_become_errors_without_their_message() {
    let (mut core, _) = core().await;
    for mode in ["check panic", "plan panic", "timeout panic", "panic", "panic late"] {
        let failure = core.apply(TROUBLE, "pot", &trouble(mode)).await.unwrap_err();
        let diagnostics = failure.diagnostics().unwrap();
        assert_eq!(summaries(diagnostics), ["error (root): The provider failed"], "{mode}");
        let text = diagnostics.to_string();
        assert!(text.contains("toy.rs:") && !text.contains(CANARY), "{text}");
    }
    let panic = core.read_data_source(TROUBLE, &json!({ "mode": "panic" })).await;
    assert_eq!(findings(panic), ["error (root): The provider failed"]);
}

#[tokio::test(start_paused = true)]
async fn handlers_that_hang_are_given_up() {
    let (mut core, _) = core().await;
    assert_eq!(findings(core.apply(TROUBLE, "pot", &trouble("hang")).await), ["error (root): Timed out"]);
    assert!(core.instance(TROUBLE, "pot").is_none());
    assert_eq!(
        findings(core.apply(TROUBLE, "pot", &trouble("hang late")).await),
        ["error (root): Timed out"]
    );
    assert_eq!(stored(&core, TROUBLE, "pot")["mode"], "hang late");
    let hung = core.read_data_source(TROUBLE, &json!({ "mode": "hang" })).await;
    assert_eq!(findings(hung), ["error (root): Timed out"]);
    let hung = core.plan(TROUBLE, "new", &trouble("plan hang")).await;
    assert_eq!(findings(hung), ["error (root): Timed out"]);
    let (mut core, _) = existing("keep hang").await;
    assert_eq!(findings(core.destroy(TROUBLE, "pot").await), ["error (root): Timed out"]);
}

#[tokio::test(start_paused = true)]
async fn planning_ends_when_terraform_is_stopped() {
    let (mut core, toy) = existing("keep wait").await;
    let stop = core.stop();
    let (destroyed, stopped) = tokio::join!(core.destroy(TROUBLE, "pot"), async {
        toy.server.waiting.notified().await;
        stop.await
    });
    stopped.unwrap();
    assert_eq!(findings(destroyed), ["error (root): Stopped"]);
}

#[tokio::test]
async fn a_stop_reaches_handlers_and_the_next_walk_is_not_stopped() {
    let (mut core, toy) = core().await;
    for _ in 0..2 {
        let stop = core.stop();
        let config = trouble("wait");
        let (applied, stopped) = tokio::join!(core.apply(TROUBLE, "pot", &config), async {
            toy.server.waiting.notified().await;
            stop.await
        });
        stopped.unwrap();
        assert_eq!(findings(applied), ["error (root): Stopped"]);
        assert_eq!(stored(&core, TROUBLE, "pot")["mode"], "wait");
    }
    core.apply(TROUBLE, "pot", &trouble("none")).await.unwrap();
}

#[tokio::test]
async fn warnings_arrive_whatever_becomes_of_the_operation() {
    let (mut core, _) = core().await;
    let applied = core.apply(TROUBLE, "pot", &trouble("warn")).await.unwrap();
    assert_eq!(summaries(&applied.warnings), ["warning mode: Careful"]);
    let planned = core.plan(TROUBLE, "pot", &trouble("plan warn")).await.unwrap();
    assert_eq!(summaries(&planned.warnings), ["warning (root): Soon"]);
    let failed = core.apply(TROUBLE, "pot", &trouble("warn and fail")).await;
    assert_eq!(findings(failed), ["warning (root): Careful", "error (root): Failed"]);
    let found = core.read_data_source(TROUBLE, &json!({ "mode": "warn" })).await.unwrap();
    assert_eq!(summaries(&found.warnings), ["warning (root): Dusty"]);
    let (mut core, _) = existing("miss").await;
    let destroyed = core.destroy(TROUBLE, "pot").await.unwrap();
    assert_eq!(summaries(&destroyed.warnings), ["warning (root): It will be missed"]);
    let (mut core, _) = existing("read warn").await;
    let found = core.refresh(TROUBLE, "pot").await.unwrap();
    assert_eq!(summaries(&found.warnings), ["warning (root): Dusty"]);
}

#[tokio::test]
async fn a_plan_may_be_refused_or_refined() {
    let (mut core, _) = core().await;
    assert_eq!(findings(core.apply(TROUBLE, "pot", &trouble("plan fail")).await), ["error mode: Impossible"]);
    let refused = core.plan(TROUBLE, "pot", &trouble("plan elsewhere")).await;
    assert_eq!(findings(refused), ["error (root): Impossible elsewhere"]);
    let planned = core.plan(TROUBLE, "pot", &trouble("plan result")).await.unwrap();
    assert_eq!(planned.planned.get("result").as_str(), Some("done"));
}

#[tokio::test]
async fn a_change_that_only_the_resource_knows_of_counts_for_volatile_attributes() {
    let (mut core, _) = existing("plan change").await;
    let planned = core.plan(TROUBLE, "pot", &trouble("plan change")).await.unwrap();
    assert_eq!(planned.action, Action::Update);
    assert!(planned.planned.get("result").is_unknown() && planned.planned.get("revision").is_unknown());
    core.apply_plan(planned, &trouble("plan change")).await.unwrap();
}

#[tokio::test]
async fn providers_that_break_the_rules_are_told_which() {
    let violations = [
        ("leave unknown", Rule::WhollyKnown, "result"),
        ("change", Rule::ResultFollowsPlan, "name"),
        ("plan other", Rule::PlanFollowsConfig, "mode"),
        ("plan by chance", Rule::FinalPlan, "result"),
    ];
    for (mode, rule, path) in violations {
        let (mut core, _) = core().await;
        let broken = broken_rule(core.apply(TROUBLE, "pot", &trouble(mode)).await);
        assert_eq!(broken, (rule, path.to_owned()), "{mode}");
    }
    let (mut core, _) = existing("read unknown").await;
    assert_eq!(broken_rule(core.refresh(TROUBLE, "pot").await), (Rule::WhollyKnown, "result".to_owned()));
    let unknown = core.read_data_source(TROUBLE, &json!({ "mode": "unknown" })).await;
    assert_eq!(broken_rule(unknown), (Rule::WhollyKnown, "result".to_owned()));
}

#[tokio::test]
async fn what_core_keeps_of_a_broken_result() {
    let (mut core, _) = core().await;
    core.apply(TROUBLE, "pot", &trouble("leave unknown")).await.unwrap_err();
    let instance = core.instance(TROUBLE, "pot").unwrap();
    assert!(instance.tainted && instance.attributes["result"].is_null());
}

#[tokio::test]
async fn write_only_values_that_a_handler_returns_are_dropped() {
    let (mut core, _) = core().await;
    core.apply(TROUBLE, "pot", &trouble("leak")).await.unwrap();
    assert!(!stored(&core, TROUBLE, "pot").to_string().contains(CANARY));
}

#[tokio::test]
async fn what_a_read_finds_gone_is_planned_anew() {
    let (core, _) = existing("read gone").await;
    assert_eq!(core.plan(TROUBLE, "pot", &trouble("none")).await.unwrap().action, Action::Create);
}

#[tokio::test]
async fn checks_may_wait_for_what_they_compute() {
    let (mut core, _) = core().await;
    let checked = core.validate(TROUBLE, &trouble("check elsewhere")).await;
    assert_eq!(findings(checked), ["error (root): Found elsewhere"]);
    let checked = core.reconfigure(&json!({ "endpoint": "hard to tell" })).await;
    assert_eq!(findings(checked), ["error (root): Hard to find"]);
}

#[tokio::test]
async fn data_sources_check_their_configuration() {
    let (core, _) = core().await;
    let wrong = core.read_data_source(TROUBLE, &json!({ "mode": "check fail" })).await;
    assert_eq!(findings(wrong), ["error (root): Bad mode"]);
    let refusal =
        core.read_data_source(TROUBLE, &json!({ "mode": tfplugin::testing::UNKNOWN })).await.unwrap_err();
    assert!(matches!(refusal, Failure::Refused(_)), "{refusal}");
}
