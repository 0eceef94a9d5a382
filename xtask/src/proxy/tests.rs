use std::io::{Read as _, Write as _};
use std::time::Instant;

use super::*;
use crate::http;

/// A proxy before another proxy that answers everything, so that what arrives can be looked at.
fn chain() -> (Proxy, Proxy) {
    let server = Proxy::start("http://127.0.0.1:1").unwrap();
    let reply = Reply::new(200, "real").header("x-whom", "node").header("x-total-count", "7");
    server.inject(Rule::new("*", "*", Fault::Answer(reply)));
    let proxy = Proxy::start(&server.url()).unwrap();
    (server, proxy)
}

fn get(proxy: &Proxy, path: &str) -> Result<http::Answer> {
    http::get(&(proxy.url() + path))
}

/// What the client's socket reads after a request: the answer, or the error.
fn raw(proxy: &Proxy) -> std::io::Result<String> {
    let mut socket = net::TcpStream::connect(proxy.port.address())?;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn requests_pass_unchanged_and_are_counted() {
    let (server, proxy) = chain();
    let url = proxy.url() + "/v1/jobs?runoncreate";
    assert_eq!(http::send("POST", &url, r#"{"name":"a"}"#).unwrap().body, "real");
    get(&proxy, "/v1/jobs/a").unwrap();
    get(&proxy, "/v1/jobs/b").unwrap();

    assert_eq!((proxy.count("GET", "/v1/jobs/*"), proxy.count("*", "/v1/jobs")), (2, 1));
    let counts: Vec<_> = proxy.counts().into_iter().collect();
    let expected = [("GET /v1/jobs/a", 1), ("GET /v1/jobs/b", 1), ("POST /v1/jobs", 1)];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)));
    let arrived = &server.seen()[0];
    assert_eq!((&*arrived.query, &*arrived.body), ("runoncreate", r#"{"name":"a"}"#));
    assert_eq!(arrived.headers["content-type"], "application/json");

    proxy.reset_count();
    assert_eq!(proxy.seen(), []);
}

#[test]
fn servers_take_turns() {
    let servers = ["one", "two"].map(|name| {
        let server = Proxy::start("http://127.0.0.1:1").unwrap();
        server.inject(Rule::new("*", "*", Fault::Answer(Reply::new(200, name))));
        server
    });
    let proxy = Proxy::balance(&servers.each_ref().map(Proxy::url)).unwrap();
    let answers = || [(); 4].map(|()| get(&proxy, "/").unwrap().body);
    assert_eq!(answers(), ["one", "two", "one", "two"]);
    let [one, _two] = servers;
    drop(one);
    assert_eq!(answers(), ["two"; 4], "the one that is down is passed over");
}

#[test]
fn headers_of_the_answer_come_back() {
    let (_server, proxy) = chain();
    let answer = raw(&proxy).unwrap();
    assert!(answer.contains("x-whom: node") && answer.contains("x-total-count: 7"), "{answer}");
}

#[test]
fn faults_before_the_server_hide_the_request_from_it() {
    let (server, proxy) = chain();
    let lie = Fault::Answer(Reply::not_found("node"));
    proxy.inject(Rule::new("GET", "/a", lie));
    proxy.inject(Rule::new("GET", "/b", Fault::Answer(Reply::login_page())));
    proxy.inject(Rule::new("GET", "/c", Fault::Answer(Reply::redirect("http://elsewhere/"))));
    let answers = ["/a", "/b", "/c"].map(|path| get(&proxy, path).unwrap().status);
    assert_eq!(answers, [404, 200, 302]);
    assert!(get(&proxy, "/b").unwrap().body.starts_with("<!DOCTYPE html>"));
    assert_eq!(server.seen(), []);

    proxy.heal();
    assert_eq!(get(&proxy, "/a").unwrap().body, "real");
}

#[test]
fn faults_after_the_server_let_it_do_the_work() {
    let (server, proxy) = chain();
    proxy.inject(Rule::new("*", "/answer", Fault::AnswerAfter(Reply::new(500, "leadership lost"))));
    assert_eq!(get(&proxy, "/answer").unwrap(), http::Answer { status: 500, body: "leadership lost".into() });
    proxy.inject(Rule::new("*", "/", Fault::ResetAfter));
    assert_eq!(raw(&proxy).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(server.counts().into_keys().collect::<Vec<_>>(), ["GET /", "GET /answer"]);
}

#[test]
fn an_echo_repeats_the_request_in_the_form_of_its_reply() {
    let (server, proxy) = chain();
    proxy.inject(Rule::new("*", "*", Fault::Echo(Reply::html(401, ""))));
    let answer = http::send("POST", &(proxy.url() + "/v1/jobs?a=b"), "the body").unwrap();
    assert_eq!(answer.status, 401);
    assert!(answer.body.starts_with("POST /v1/jobs?a=b\n"), "{answer}");
    assert!(answer.body.contains("\ncontent-type: application/json\n"), "{answer}");
    assert!(answer.body.ends_with("\n\nthe body"), "{answer}");
    assert_eq!(server.seen(), []);
}

#[test]
fn a_reset_and_a_close_are_told_apart() {
    let (server, proxy) = chain();
    proxy.inject(Rule::new("GET", "/", Fault::Reset).times(1));
    proxy.inject(Rule::new("GET", "/", Fault::Close).times(1));
    assert_eq!(raw(&proxy).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(raw(&proxy).unwrap(), "");
    assert!(raw(&proxy).unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn rules_take_turns() {
    let (_server, proxy) = chain();
    let fails = Fault::Answer(Reply::new(503, ""));
    proxy.inject(Rule::new("GET", "/v1/*", fails).after(1).times(2));
    proxy.inject(Rule::new("GET", "/v1/jobs/*", Fault::Reset).about("a"));
    let answers: Vec<u16> = (0..5).map(|_| get(&proxy, "/v1/jobs").unwrap().status).collect();
    assert_eq!(answers, [200, 503, 503, 200, 200]);
    let unmet = proxy.unmet();
    assert_eq!(unmet.iter().map(Rule::job).collect::<Vec<_>>(), [Some("a")]);
}

#[test]
fn a_delay_is_at_least_as_long_as_it_says() {
    let (_server, proxy) = chain();
    let time = Duration::from_millis(200);
    proxy.inject(Rule::new("*", "*", Fault::Delay(time)));
    let started = Instant::now();
    assert_eq!(get(&proxy, "/").unwrap().body, "real");
    assert!(started.elapsed() >= time);
}

#[test]
fn a_server_that_is_down_is_a_502() {
    let proxy = Proxy::start("http://127.0.0.1:1").unwrap();
    let answer = get(&proxy, "/").unwrap();
    assert_eq!(answer.status, 502);
    assert!(answer.body.starts_with("proxy: "), "{answer}");
}

#[test]
fn dropping_the_proxy_closes_its_port() {
    let (_server, proxy) = chain();
    let address = proxy.port.address();
    drop(proxy);
    assert!(net::TcpStream::connect(address).is_err());
}

#[test]
fn a_rule_may_be_about_a_job_and_wait_for_a_write_of_it() {
    let (_server, proxy) = chain();
    proxy.inject(Rule::new("POST", "*", Fault::Answer(Reply::new(503, ""))).about("a"));
    proxy.inject(Rule::new("GET", "*", Fault::Answer(Reply::new(500, ""))).about("b").behind("POST"));
    let write = |name: &str| {
        http::send("POST", &(proxy.url() + "/v1/jobs"), &format!(r#"{{"name":"{name}"}}"#)).unwrap().status
    };
    let read = |name: &str| get(&proxy, &format!("/v1/jobs/{name}")).unwrap().status;
    assert_eq!([write("a"), read("a"), read("b")], [503, 200, 200]);
    assert_eq!([write("b"), read("b"), read("a")], [200, 500, 200]);
}

#[test]
fn an_undo_writes_behind_the_request() {
    let (server, proxy) = chain();
    proxy.inject(Rule::new("DELETE", "*", Fault::Undo(serde_json::json!({"name": "a"}))));
    assert_eq!(http::delete(&(proxy.url() + "/v1/jobs/a")).unwrap().body, "real");
    let arrived: Vec<_> = server.seen().into_iter().map(|seen| (seen.method, seen.body)).collect();
    let expected = [("DELETE", ""), ("POST", r#"{"name":"a"}"#)];
    assert_eq!(arrived, expected.map(|(method, body)| (method.to_owned(), body.to_owned())));
}

#[test]
fn bodies_are_cut_dragged_and_prolonged() {
    let (server, proxy) = chain();
    proxy.inject(Rule::new("GET", "/", Fault::Truncate).times(1));
    let answer = raw(&proxy).unwrap();
    assert!(answer.contains("content-length: 4\r\n") && answer.ends_with("\r\n\r\nre"), "{answer}");
    proxy.inject(Rule::new("GET", "/", Fault::Drip(Duration::from_millis(5))).times(1));
    assert!(raw(&proxy).unwrap().ends_with("\r\n\r\nreal"));
    proxy.inject(Rule::new("GET", "/", Fault::DelayAnswer(Duration::from_millis(5))).times(1));
    assert!(raw(&proxy).unwrap().ends_with("\r\n\r\nreal"));

    proxy.inject(Rule::new("GET", "/", Fault::Endless));
    let mut socket = net::TcpStream::connect(proxy.port.address()).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut much = vec![0; 100_000];
    socket.read_exact(&mut much).unwrap();
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_closed_proxy_refuses_until_it_is_opened() {
    let (_server, proxy) = chain();
    let mut kept = net::TcpStream::connect(proxy.port.address()).unwrap();
    proxy.close().unwrap();
    assert_eq!(raw(&proxy).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(kept.read(&mut [0]).ok().unwrap_or_default(), 0);
    proxy.open().unwrap();
    assert!(raw(&proxy).unwrap().ends_with("real"));
}
