use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::receiver::Limits;
use crate::times::nanoseconds;

fn small_app(limits: Limits) -> Router {
    app(Receiver::new(limits))
}

fn new_app() -> Router {
    small_app(Limits::default())
}

fn request(method: &str, uri: &str) -> request::Builder {
    Request::builder().method(method).uri(uri)
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

async fn answer(app: &Router, request: Request) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

async fn send(app: &Router, method: &str, uri: &str) -> Answer {
    answer(app, request(method, uri).body(Body::empty()).unwrap()).await
}

/// Asserts a refusal with a text for the one who sent it.
async fn check_refused(app: &Router, uri: &str, status: u16, expected: &str) {
    let answer = send(app, "GET", uri).await;
    assert_eq!(answer.status, status, "{uri}: {}", answer.text);
    assert!(answer.text.contains(expected), "{uri}: {}", answer.text);
}

fn times(value: &Value) -> Vec<Timestamp> {
    value.as_array().unwrap().iter().map(|time| time.as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn any_method_records_and_logs_lists_the_times() {
    let app = new_app();
    let before = timestamp(now());
    for method in ["PUT", "GET", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "PURGE"] {
        let answer = send(&app, method, "/log/a").await;
        assert_eq!(
            (answer.status, answer.headers[header::CONTENT_TYPE].as_bytes()),
            (200, &b"text/plain; charset=utf-8"[..])
        );
        assert!(answer.text == "ok" || method == "HEAD", "{method}: {}", answer.text);
    }
    send(&app, "PUT", "/log/b%2Fc%22%3C").await;
    let after = timestamp(now());

    let logs = send(&app, "GET", "/logs").await;
    assert_eq!((logs.status, logs.headers[DROPPED_HEADER].as_bytes()), (200, &b"0"[..]));
    let logs = logs.json();
    assert_eq!(logs.as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b/c\"<"]);
    let a = times(&logs["a"]);
    assert_eq!(a.len(), 8);
    assert!(a.is_sorted() && before <= a[0] && a[7] <= after);
    let text = logs["a"][0].as_str().unwrap();
    assert_eq!(text.len(), "2026-01-31T12:00:00.123456789Z".len(), "{text}");
}

#[tokio::test]
async fn delete_clears() {
    let app = new_app();
    send(&app, "PUT", "/log/a").await;
    let cleared = send(&app, "DELETE", "/logs").await;
    assert_eq!((cleared.status, &*cleared.text), (200, "ok"));
    assert_eq!(send(&app, "GET", "/logs").await.text, "{}");
}

#[tokio::test]
async fn logs_of_many_calls_are_whole() {
    let receiver = Receiver::new(Limits::default());
    let app = app(receiver.clone());
    let call = |time| Call::new(time, Request::new(()).into_parts().0, call::Body::default());
    (0..20_000).for_each(|time| receiver.record("many", call(time)));
    (0..2_000).for_each(|time| receiver.record(&format!("few-{time}"), call(time)));
    let logs = send(&app, "GET", "/logs").await.json();
    let many = times(&logs["many"]).into_iter().map(nanoseconds).collect::<Vec<_>>();
    assert_eq!(many, (0..20_000).collect::<Vec<_>>());
    assert_eq!(logs.as_object().unwrap().len(), 2_001);
    assert_eq!(logs["few-7"], json!(["1970-01-01T00:00:00.000000007Z"]));
}

#[tokio::test]
async fn calls_shows_what_arrived() {
    let app = new_app();
    let sent =
        request("POST", "/log/job?run=7").header("X-Team", "green").body(Body::from("payload")).unwrap();
    answer(&app, sent).await;
    send(&app, "PUT", "/log/job").await;
    let calls = send(&app, "GET", "/calls/job").await.json();
    assert_eq!(calls["token"], "job");
    let [first, second] = calls["calls"].as_array().unwrap().as_slice() else { panic!("{calls}") };
    assert_eq!(
        (&first["method"], &first["query"], &first["body"]),
        (&json!("POST"), &json!("run=7"), &json!("payload"))
    );
    assert_eq!(first["headers"], json!([["x-team", "green"]]));
    assert_eq!(
        (&second["method"], &second["query"], &second["body"]),
        (&json!("PUT"), &Value::Null, &json!(""))
    );
    assert_eq!(send(&app, "GET", "/calls/none").await.json(), json!({ "token": "none", "calls": [] }));
}

#[tokio::test]
async fn the_time_is_that_of_arrival_not_of_the_body() {
    let app = new_app();
    let (body, sender) = channel_body();
    let call = tokio::spawn({
        let app = app.clone();
        async move { answer(&app, request("POST", "/log/slow").body(body).unwrap()).await.status }
    });
    // The body is asked for, so the call has arrived.
    sender.reserve().await.unwrap().send("first".into());
    while sender.capacity() == 0 {
        tokio::task::yield_now().await;
    }
    let arrived = timestamp(now());
    send(&app, "PUT", "/log/quick").await;
    drop(sender);
    assert_eq!(call.await.unwrap(), 200);
    let logs = send(&app, "GET", "/logs").await.json();
    assert!(times(&logs["slow"])[0] <= arrived && arrived <= times(&logs["quick"])[0], "{logs}");
}

/// A body whose frames a test sends when it wants to.
fn channel_body() -> (Body, tokio::sync::mpsc::Sender<String>) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let frames = tokio_stream::wrappers::ReceiverStream::new(receiver).map(Ok::<_, std::convert::Infallible>);
    (Body::from_stream(frames), sender)
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_and_not_recorded() {
    let app = small_app(Limits { body: 10, ..Limits::default() });
    for body in [
        Body::from("12345678901"),
        Body::from_stream(tokio_stream::iter(["123456", "78901"].map(Ok::<_, String>))),
    ] {
        let refused = answer(&app, request("PUT", "/log/a").body(body).unwrap()).await;
        assert_eq!((refused.status, &*refused.text), (413, "a body has at most 10 bytes\n"));
    }
    let taken = answer(&app, request("PUT", "/log/a").body(Body::from("1234567890")).unwrap()).await;
    assert_eq!(taken.status, 200);
    assert_eq!(send(&app, "GET", "/healthz").await.json()["record"]["calls"], 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_recorded() {
    let app = new_app();
    let body = Body::from_stream(tokio_stream::iter([Ok("begin"), Err("connection lost")]));
    let refused = answer(&app, request("PUT", "/log/a").body(body).unwrap()).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("connection lost"), "{}", refused.text);
    assert_eq!(send(&app, "GET", "/logs").await.text, "{}");
}

#[tokio::test]
async fn wait_answers_at_once_when_the_calls_are_there() {
    let app = new_app();
    send(&app, "PUT", "/log/a").await;
    let since = timestamp(now()).to_string();
    for _ in 0..2 {
        send(&app, "PUT", "/log/a").await;
    }
    let all = send(&app, "GET", "/log/a/wait?count=3&timeout=0").await;
    assert_eq!(all.status, 200);
    let all = all.json();
    assert_eq!((&all["token"], &all["reached"], &all["count"]), (&json!("a"), &json!(true), &json!(3)));
    let later = send(&app, "GET", &format!("/log/a/wait?count=2&since={since}")).await.json();
    assert_eq!((later["count"].as_u64(), &times(&later["times"])[..]), (Some(2), &times(&all["times"])[1..]));
    let none = send(&app, "GET", "/log/none/wait?count=0").await;
    assert_eq!(
        (none.status, none.json()),
        (200, json!({"token": "none", "reached": true, "count": 0, "times": []}))
    );
}

#[tokio::test(start_paused = true)]
async fn wait_answers_408_with_what_came() {
    let app = new_app();
    send(&app, "PUT", "/log/a").await;
    let wait = send(&app, "GET", "/log/a/wait?count=2&timeout=1.5").await;
    assert_eq!(wait.status, 408);
    let wait = wait.json();
    assert_eq!(
        (&wait["reached"], &wait["count"], times(&wait["times"]).len()),
        (&json!(false), &json!(1), 1)
    );
    let default = send(&app, "GET", "/log/b/wait").await;
    assert_eq!(default.status, 408, "one call within 30 seconds is the default");
}

#[tokio::test]
async fn wait_answers_when_the_calls_come() {
    let app = new_app();
    let wait = send(&app, "GET", "/log/a/wait?count=2&timeout=3600");
    let calls = async {
        send(&app, "PUT", "/log/a").await;
        send(&app, "PUT", "/log/a").await;
    };
    // join! polls the wait first.
    let (wait, ()) = tokio::join!(wait, calls);
    assert_eq!((wait.status, wait.json()["count"].as_u64()), (200, Some(2)));
}

#[tokio::test]
async fn wait_answers_503_when_the_receiver_stops() {
    let receiver = Receiver::new(Limits::default());
    let app = app(receiver.clone());
    receiver.close();
    let wait = send(&app, "GET", "/log/a/wait").await;
    assert_eq!((wait.status, wait.json()["reached"].as_bool()), (503, Some(false)));
}

#[tokio::test]
async fn wait_says_what_is_wrong_with_its_query() {
    let app = new_app();
    let count = "`count` must be a whole number from 0 to 1000000, found";
    let timeout = "`timeout` must be a number of seconds from 0 to 3600, found";
    let since =
        "`since` must be an instant such as 2026-01-31T12:00:00.5Z (a + is written %2B in a query), found";
    for (query, expected) in [
        ("count=", count),
        ("count=-1", count),
        ("count=1.5", count),
        ("count=1000001", count),
        ("count=many", "\"many\""),
        ("timeout=soon", timeout),
        ("timeout=-1", timeout),
        ("timeout=NaN", timeout),
        ("timeout=inf", timeout),
        ("timeout=3601", timeout),
        ("since=yesterday", since),
        ("since=2026-01-31", since),
        ("since=2026-01-31T12:00:00+01:00", since),
        ("timout=1", "unknown field `timout`, expected one of `count`, `since`, `timeout`"),
        ("count=1&count=2", "duplicate field `count`"),
    ] {
        check_refused(&app, &format!("/log/a/wait?{query}"), 400, expected).await;
    }
    let ok = send(&app, "GET", "/log/a/wait?count=0&since=2026-01-31T12:00:00%2B01:00").await;
    assert_eq!(ok.status, 200);
}

#[tokio::test]
async fn tokens_have_a_bound() {
    let app = new_app();
    let [longest, too_long] = [TOKEN_MAX, TOKEN_MAX + 1].map(|length| "t".repeat(length));
    assert_eq!(send(&app, "PUT", &format!("/log/{longest}")).await.status, 200);
    let expected = "a token has at most 512 bytes, this one has 513";
    check_refused(&app, &format!("/log/{too_long}"), 400, expected).await;
    check_refused(&app, &format!("/log/{too_long}/wait"), 400, expected).await;
    check_refused(&app, "/log/%FF", 400, "UTF-8").await;
}

#[tokio::test]
async fn unknown_paths_are_404_and_wrong_methods_405() {
    let app = new_app();
    for uri in [
        "/log",
        "/log/",
        "/log/a/b",
        "/log/a/wait/x",
        "/logs/",
        "/logs/a",
        "/calls",
        "/healthz/x",
        "/favicon.ico",
    ] {
        check_refused(&app, uri, 404, "calls are recorded at /log/TOKEN").await;
    }
    for (method, uri) in
        [("PUT", "/logs"), ("DELETE", "/calls/a"), ("PUT", "/log/a/wait"), ("POST", "/"), ("PUT", "/healthz")]
    {
        assert_eq!(send(&app, method, uri).await.status, 405, "{method} {uri}");
    }
    assert_eq!(send(&app, "GET", "/logs").await.text, "{}");
}

#[tokio::test]
async fn dropped_calls_are_told() {
    let app = small_app(Limits { memory: 4096, ..Limits::default() });
    for _ in 0..1000 {
        send(&app, "PUT", "/log/a").await;
    }
    let health = send(&app, "GET", "/healthz").await;
    assert_eq!(health.status, 200);
    let health = health.json();
    let (calls, dropped) =
        (health["record"]["calls"].as_u64().unwrap(), health["record"]["dropped"].as_u64().unwrap());
    assert_eq!((health["status"].as_str(), calls + dropped), (Some("ok"), 1000));
    assert!(dropped > 0);
    let logs = send(&app, "GET", "/logs").await;
    assert_eq!(logs.headers[DROPPED_HEADER], dropped.to_string());
    assert_eq!(times(&logs.json()["a"]).len() as u64, calls);
}

#[tokio::test]
async fn summary_lists_the_last_called_first() {
    let app = new_app();
    for token in ["first", "second", "first"] {
        send(&app, "PUT", &format!("/log/{token}")).await;
    }
    let summary = send(&app, "GET", "/summary").await.json();
    assert_eq!(summary["record"], json!({ "calls": 3, "tokens": 2, "dropped": 0 }));
    let lines = summary["recent"].as_array().unwrap();
    let seen = lines.iter().map(|line| (line["token"].as_str().unwrap(), line["count"].as_u64().unwrap()));
    assert_eq!(seen.collect::<Vec<_>>(), [("first", 2), ("second", 1)]);
    let logs = send(&app, "GET", "/logs").await.json();
    assert_eq!(lines[0]["last"], logs["first"][1]);

    for token in 0..SUMMARY_MAX {
        send(&app, "PUT", &format!("/log/{token}")).await;
    }
    let bounded = send(&app, "GET", "/summary").await.json();
    assert_eq!(bounded["recent"].as_array().unwrap().len(), SUMMARY_MAX);
    assert_eq!(bounded["record"]["tokens"], SUMMARY_MAX + 2);
}

#[tokio::test]
async fn the_page_is_self_contained() {
    let page = send(&new_app(), "GET", "/").await;
    assert_eq!(
        (page.status, page.headers[header::CONTENT_TYPE].as_bytes()),
        (200, &b"text/html; charset=utf-8"[..])
    );
    assert!(
        page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'")
    );
    assert!(!page.text.contains("http"), "no address of another server");
    for markup_from_text in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"] {
        assert!(!page.text.contains(markup_from_text), "{markup_from_text} would let a token become markup");
    }
}

/// Everything that a crowd does at once, through the routes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_readers_and_a_clear_do_not_disturb_each_other() {
    const WRITERS: usize = 8;
    const CALLS: usize = 1000;
    let app = new_app();
    let writing = Arc::new(AtomicBool::new(true));

    let read = |app: Router, writing: Arc<AtomicBool>| async move {
        let mut reads = 0;
        while writing.load(Ordering::Relaxed) || reads == 0 {
            let logs = send(&app, "GET", "/logs").await.json();
            for (token, list) in logs.as_object().unwrap() {
                assert!(times(list).is_sorted(), "{token}");
            }
            reads += 1;
        }
    };
    let readers = [(); 2].map(|()| tokio::spawn(read(app.clone(), Arc::clone(&writing))));
    let write_all = || {
        let write = |writer: usize| {
            let app = app.clone();
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    assert_eq!(send(&app, "PUT", &format!("/log/{}", writer % 3)).await.status, 200);
                }
            })
        };
        (0..WRITERS).map(write).collect::<tokio::task::JoinSet<_>>()
    };

    write_all_done(write_all()).await;
    assert_eq!(send(&app, "GET", "/healthz").await.json()["record"]["calls"], WRITERS * CALLS);

    let again = write_all();
    assert_eq!(send(&app, "DELETE", "/logs").await.status, 200);
    write_all_done(again).await;
    writing.store(false, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let logs = send(&app, "GET", "/logs").await.json();
    let listed = logs.as_object().unwrap().values().map(|list| times(list).len()).sum::<usize>();
    assert!(listed <= WRITERS * CALLS, "what was cleared is gone: {listed}");
    assert_eq!(send(&app, "GET", "/healthz").await.json()["record"]["calls"], listed);
}

async fn write_all_done(mut writers: tokio::task::JoinSet<Result<(), tokio::task::JoinError>>) {
    while let Some(writer) = writers.join_next().await {
        writer.unwrap().unwrap();
    }
}
