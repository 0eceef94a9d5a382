//! Actions.

use std::{sync::atomic::Ordering, time::Duration};

use proto::tfplugin6 as pb;
use serde_json::{Value as Json, json};
use tfplugin::testing::{Core, Failure, Invoked, UNKNOWN};
use tokio_stream::StreamExt as _;

use crate::{
    core, findings,
    rpc::{client, configured_client, errors, wire},
    summaries,
    toy::{CANARY, Toy},
};

const FEED: &str = "toy_feed";

fn feed(mode: &str) -> Json {
    json!({ "name": "tom", "times": 2, "mode": mode })
}

async fn invoke(core: &Core<Toy>, mode: &str) -> Result<Invoked, Failure> {
    core.invoke(FEED, &feed(mode)).await
}

#[tokio::test]
async fn progress_is_told_in_order_and_then_the_end() {
    let (core, _) = core().await;
    let invoked = invoke(&core, "none").await.unwrap();
    assert_eq!(invoked.progress, ["tom was fed 1 times", "tom was fed 2 times"]);
    assert!(invoked.warnings.is_empty());
    let many = core.invoke(FEED, &json!({ "name": "tom", "times": 1000 })).await.unwrap();
    assert_eq!(many.progress.len(), 1000);
}

#[tokio::test]
async fn an_action_that_fails_says_so_at_its_configuration() {
    let (core, _) = core().await;
    assert_eq!(findings(invoke(&core, "fail").await), ["error name: Not hungry"]);
    assert_eq!(findings(invoke(&core, "gibberish").await), ["error mode: Invalid mode"]);
    let panicked = invoke(&core, "panic").await.unwrap_err().to_string();
    assert!(panicked.contains("The provider failed") && !panicked.contains(CANARY), "{panicked}");
    assert_eq!(summaries(&invoke(&core, "warn").await.unwrap().warnings), ["warning times: It eats a lot"]);
}

#[tokio::test(start_paused = true)]
async fn an_action_ends_in_time_or_when_it_is_stopped() {
    let (core, toy) = core().await;
    for (mode, finding) in
        [("wait", "error (root): Stopped while feeding"), ("deaf", "error (root): Stopped")]
    {
        let (invoked, stopped) = tokio::join!(invoke(&core, mode), async {
            toy.server.waiting.notified().await;
            core.stop().await
        });
        stopped.unwrap();
        assert_eq!(findings(invoked), [finding]);
    }
    // The next walk is not stopped.
    invoke(&core, "none").await.unwrap();
    assert_eq!(findings(invoke(&core, "hang").await), ["error (root): Timed out"]);
}

#[tokio::test]
async fn configuration_is_checked_and_may_be_unknown_in_a_plan() {
    let (core, _) = core().await;
    core.plan_action(FEED, &json!({ "name": UNKNOWN, "mode": UNKNOWN })).await.unwrap();
    assert_eq!(findings(core.plan_action(FEED, &feed("check fail")).await), ["error mode: Bad mode"]);
    assert_eq!(
        findings(core.plan_action(FEED, &feed("check panic")).await),
        ["error (root): The provider failed"]
    );
}

fn request(mode: &str) -> pb::invoke_action::Request {
    let known = |text: &str| tfplugin::model::Attr::Known(text.to_owned());
    let mode = tfplugin::model::Attr::Known(tfplugin::model::Text::new(mode));
    let config = crate::pets::FeedConfig { name: known("tom"), mode, ..Default::default() };
    pb::invoke_action::Request {
        action_type: FEED.to_owned(),
        config: Some(wire(&config)),
        client_capabilities: None,
    }
}

#[tokio::test]
async fn a_client_that_goes_away_stops_the_work() {
    let toy = Toy::default();
    let mut client = configured_client(&toy).await;
    let mut events = client.invoke_action(request("endless")).await.unwrap().into_inner();
    events.next().await.unwrap().unwrap();
    drop(events);
    tokio::time::timeout(Duration::from_secs(60), toy.server.dropped.notified()).await.unwrap();
    let told = toy.server.listed.load(Ordering::Relaxed);
    assert!(told > 0);
}

#[tokio::test]
async fn whatever_goes_wrong_the_stream_ends_with_the_end() {
    let damaged = pb::DynamicValue { msgpack: b"\xc1"[..].into(), ..Default::default() };
    let unconfigured = client().await;
    let configured = configured_client(&Toy::default()).await;
    let calls = [
        (unconfigured, request("none"), "Provider is not configured"),
        (
            configured.clone(),
            pb::invoke_action::Request { config: Some(damaged), ..request("none") },
            "Undecodable value",
        ),
        (
            configured.clone(),
            pb::invoke_action::Request { action_type: "toy_sing".to_owned(), ..request("none") },
            "Unsupported action type",
        ),
        (configured, request("panic"), "The provider failed"),
    ];
    for (mut client, request, expected) in calls {
        let events = client.invoke_action(request).await.unwrap().into_inner();
        let events: Vec<_> = events.collect().await;
        let [Ok(pb::invoke_action::Event { r#type: Some(pb::invoke_action::event::Type::Completed(end)) })] =
            events.as_slice()
        else {
            panic!("{expected}: {events:?}");
        };
        assert_eq!(errors(&end.diagnostics), [expected]);
    }
}
