use axum::http::{HeaderValue, Request};
use serde_json::json;

use super::*;

fn call(request: Request<()>, body: &[u8]) -> Call {
    let mut kept = Body::default();
    kept.push(body);
    Call::new(1_000_000_001, request.into_parts().0, kept)
}

fn request() -> request::Builder {
    Request::builder().method("PATCH").uri("/log/t?a=1&b=%20")
}

#[test]
fn keeps_what_the_job_sent() {
    let call = call(request().header("X-One", "a: b").header("x-two", "").body(()).unwrap(), b"hello");
    assert_eq!(call.time().to_string(), "1970-01-01T00:00:01.000000001Z");
    assert_eq!(call.method(), "PATCH");
    assert_eq!(call.query(), Some("a=1&b=%20"));
    assert_eq!(call.headers().collect::<Vec<_>>(), [("x-one", "a: b"), ("x-two", "")]);
    assert_eq!(call.header("X-ONE"), Some("a: b"));
    assert_eq!(call.header("x-three"), None);
    assert_eq!(call.body(), b"hello");
    assert_eq!(call.body_bytes(), 5);
    assert!(!call.truncated());
}

#[test]
fn serializes_as_documented() {
    let call = call(request().header("x-one", "1").header("x-one", "2").body(()).unwrap(), b"\xffok");
    let expected = json!({
        "time": "1970-01-01T00:00:01.000000001Z",
        "method": "PATCH",
        "query": "a=1&b=%20",
        "headers": [["x-one", "1"], ["x-one", "2"]],
        "body": "\u{fffd}ok",
        "body_bytes": 3,
        "truncated": false,
    });
    assert_eq!(serde_json::to_value(&call).unwrap(), expected);
}

#[test]
fn large_parts_are_cut_and_it_says_so() {
    let body = call(request().body(()).unwrap(), &[b'x'; BODY_KEPT + 1]);
    assert_eq!(
        (body.body().len(), body.body_bytes(), body.truncated()),
        (BODY_KEPT, BODY_KEPT as u64 + 1, true)
    );

    let large = HeaderValue::from_bytes(&[b'v'; HEADERS_KEPT]).unwrap();
    let headers = call(request().header("large", large).header("small", "kept").body(()).unwrap(), b"");
    assert_eq!(headers.headers().collect::<Vec<_>>(), [("small", "kept")]);
    assert!(headers.truncated());

    let uri = format!("/log/t?{}", "q".repeat(QUERY_KEPT + 1));
    let query = call(Request::builder().uri(uri).body(()).unwrap(), b"");
    assert_eq!(query.query().map(str::len), Some(QUERY_KEPT));
    assert!(query.truncated());
}

#[test]
fn debug_shows_no_values() {
    let secret = "canary-7f3a";
    let uri = format!("/log/t?key={secret}");
    let request = Request::builder().uri(uri).header("authorization", secret).body(()).unwrap();
    let text = format!("{:?}", call(request, secret.as_bytes()));
    assert!(text.contains("authorization") && !text.contains(secret), "{text}");
}
