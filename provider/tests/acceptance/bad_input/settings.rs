//! The provider block and its environment.

use serde_json::json;
use xtask::proxy::{Proxy, Seen};
use xtask::terraform::{Terraform, Workspace};

use super::tls::Authority;
use crate::support::{Finding, apply, assert_plan_is_empty, errors, job, shared_node, workspace, written};

/// A root that asks dkron something, with these settings in the provider block.
fn asking(settings: &str) -> String {
    format!(
        "provider \"krony\" {{\n{settings}\n}}\ndata \"krony_jobs\" \"some\" {{\n  name_contains = \"nobody\"\n}}\n"
    )
}

/// A workspace without anything in the environment.
fn bare() -> Workspace {
    let mut workspace = workspace(&Terraform::on_path().unwrap(), "");
    workspace.env("KRONY_RETRY_BUDGET", "100ms");
    workspace
}

fn only(errors: Vec<Finding>) -> Finding {
    let [error] = <[Finding; 1]>::try_from(errors)
        .unwrap_or_else(|errors| panic!("one error was expected: {errors:#?}"));
    error
}

#[test]
fn settings_that_cannot_work_are_refused_at_their_line() {
    let workspace = bare();
    let endpoint = "endpoint = \"http://127.0.0.1:9\"";
    for (settings, line, summary, says) in [
        (
            "".to_owned(),
            "provider \"krony\" {",
            "Missing endpoint",
            "or the environment variable KRONY_ENDPOINT",
        ),
        (
            "endpoint = \"localhost:8080\"".to_owned(),
            "endpoint = \"localhost:8080\"",
            "Invalid endpoint",
            "found the scheme \"localhost\". Put `http://` or `https://` in front.",
        ),
        (
            "endpoint = \"dkron\"".to_owned(),
            "endpoint = \"dkron\"",
            "Invalid endpoint",
            "Expected an address such as https://",
        ),
        (
            "endpoint = \"http://me:canary@dkron\"".to_owned(),
            "endpoint = \"http://me:canary@dkron\"",
            "Invalid endpoint",
            "Credentials do not belong into the endpoint",
        ),
        (
            "endpoint = \"http://dkron?a=b\"".to_owned(),
            "endpoint = \"http://dkron?a=b\"",
            "Invalid endpoint",
            "Expected an address without `?` and `#`",
        ),
        (
            "endpoints = [\n\"http://127.0.0.1:9\",\n\"ftp://127.0.0.1\"\n]".to_owned(),
            "\"ftp://127.0.0.1\"",
            "Invalid endpoint",
            "In `endpoints[1]`: Expected an address",
        ),
        (
            format!("{endpoint}\nendpoints = [\"http://127.0.0.1:9\"]"),
            "endpoints = [\"http://127.0.0.1:9\"]",
            "Two settings for one thing",
            "`endpoint` and `endpoints` exclude each other",
        ),
        (
            format!("{endpoint}\ntoken = \"a\"\nusername = \"b\"\npassword = \"c\""),
            "token = \"a\"",
            "Two ways to authenticate",
            "not both",
        ),
        (
            format!("{endpoint}\nusername = \"b\""),
            "username = \"b\"",
            "Half of a pair",
            "`username` works only together with `password`. Set both here, or both in the environment: KRONY_USERNAME",
        ),
        (
            format!("{endpoint}\nclient_cert = \"-----BEGIN CERTIFICATE-----\""),
            "client_cert = \"-----BEGIN CERTIFICATE-----\"",
            "Half of a pair",
            "`client_cert` works only together with `client_key`",
        ),
        (
            format!("{endpoint}\nca_cert = \"missing.pem\""),
            "ca_cert = \"missing.pem\"",
            "Unreadable certificate or key",
            "Expected PEM text, which begins with -----BEGIN, or the path of a file",
        ),
        (
            format!("{endpoint}\nca_cert = \"-----BEGIN CERTIFICATE-----\""),
            "ca_cert = \"-----BEGIN CERTIFICATE-----\"",
            "Invalid provider configuration",
            "PEM",
        ),
        (
            format!("{endpoint}\nrequest_timeout = \"0s\""),
            "request_timeout = \"0s\"",
            "Invalid duration",
            "Expected a duration longer than nothing",
        ),
        (
            format!("{endpoint}\nretry = {{\n  budget = \"long\"\n}}"),
            "budget = \"long\"",
            "Invalid duration",
            "In `retry.budget`: \"long\" is no duration",
        ),
        (
            format!("{endpoint}\nheaders = {{ \"A B\" = \"c\" }}"),
            "headers = { \"A B\" = \"c\" }",
            "Invalid provider configuration",
            "A B",
        ),
    ] {
        workspace.write("main.tf", &asking(&settings)).unwrap();
        let error = only(errors(&workspace, &["plan"]));
        let line_found = error.code.lines().next().unwrap_or_default().trim();
        assert_eq!((error.summary.as_str(), line_found), (summary, line), "{settings}: {error:#?}");
        assert!(error.detail.contains(says), "{settings}: {error:#?}");
        assert!(!error.detail.contains("canary"), "{error:#?}");
    }
}

/// Each setting by itself: what the environment says is used where configuration says nothing, and only there.
#[test]
fn configuration_goes_before_environment_setting_by_setting() {
    let authority = Authority::new("any");
    let (certificate, key) = authority.issue_pem("krony");
    let node = shared_node();
    for (variable, nonsense, says, setting) in [
        ("KRONY_ENDPOINT", "nonsense", "Expected an address", format!("endpoint = \"{}\"", node.url())),
        ("KRONY_ENDPOINTS", "nonsense", "Expected an address", format!("endpoints = [\"{}\"]", node.url())),
        ("KRONY_HEADERS", "nonsense", "a line without a colon", "headers = { X-A = \"b\" }".to_owned()),
        (
            "KRONY_CA_CERT",
            "nonsense",
            "Expected PEM text",
            format!("ca_cert = <<EOT\n{}EOT", authority.pem()),
        ),
        (
            "KRONY_CLIENT_CERT",
            "nonsense",
            "Expected PEM text",
            format!("client_cert = <<EOT\n{certificate}EOT\nclient_key = <<EOT\n{key}EOT"),
        ),
        (
            "KRONY_CLIENT_KEY",
            "nonsense",
            "Expected PEM text",
            format!("client_key = <<EOT\n{key}EOT\nclient_cert = <<EOT\n{certificate}EOT"),
        ),
        (
            "KRONY_INSECURE_SKIP_VERIFY",
            "maybe",
            "Expected true or false",
            "insecure_skip_verify = false".to_owned(),
        ),
        ("KRONY_REQUEST_TIMEOUT", "never", "is no duration", "request_timeout = \"10s\"".to_owned()),
        ("KRONY_RETRY_BUDGET", "never", "is no duration", "retry = { budget = \"1s\" }".to_owned()),
        ("KRONY_RETRY_MAX_WAIT", "never", "is no duration", "retry = { max_wait = \"1s\" }".to_owned()),
    ] {
        let mut workspace = bare();
        if !variable.starts_with("KRONY_ENDPOINT") {
            workspace.env("KRONY_ENDPOINT", node.url());
        }
        workspace.env(variable, nonsense);
        workspace.write("main.tf", &asking("")).unwrap();
        let error = errors(&workspace, &["plan"]).swap_remove(0);
        let named = format!("The environment variable {variable} is in use. ");
        assert!(error.detail.contains(&named) && error.detail.contains(says), "{variable}: {error:#?}");
        workspace.write("main.tf", &asking(&setting)).unwrap();
        workspace.plan(&[]).unwrap_or_else(|error| panic!("{variable} is in use despite {setting}: {error}"));
    }
}

/// The parts of one setting do not mix.
#[test]
fn authentication_comes_from_one_place() {
    let node = shared_node();
    let proxy = Proxy::start(&node.url()).unwrap();
    let basic = "username = \"me\"\npassword = \"b\"";
    let password = ("KRONY_PASSWORD", "y");
    for (environment, settings, sent) in [
        (vec![], "", None),
        (vec![("KRONY_TOKEN", "")], "", None),
        (vec![("KRONY_TOKEN", "x")], "", Some("Bearer x")),
        (vec![("KRONY_USERNAME", "you"), password], "", Some("Basic eW91Onk=")),
        (vec![("KRONY_TOKEN", "x")], "token = \"a\"", Some("Bearer a")),
        (vec![("KRONY_TOKEN", "x")], basic, Some("Basic bWU6Yg==")),
        (vec![("KRONY_USERNAME", "you"), password], "token = \"a\"", Some("Bearer a")),
        (vec![("KRONY_USERNAME", "you"), password], basic, Some("Basic bWU6Yg==")),
    ] {
        let mut workspace = bare();
        workspace.env("KRONY_ENDPOINT", proxy.url());
        for (variable, value) in &environment {
            workspace.env(variable, *value);
        }
        workspace.write("main.tf", &asking(settings)).unwrap();
        proxy.reset_count();
        workspace.plan(&[]).unwrap();
        let seen = proxy.seen();
        assert!(!seen.is_empty());
        let header = |seen: &Seen| seen.headers.get("authorization").cloned();
        assert!(
            seen.iter().all(|seen| header(seen).as_deref() == sent),
            "{environment:?} {settings}: {seen:#?}"
        );
    }

    let mut workspace = bare();
    workspace.env("KRONY_ENDPOINT", proxy.url()).env("KRONY_TOKEN", "x").env("KRONY_USERNAME", "you");
    workspace.write("main.tf", &asking("")).unwrap();
    let error = only(errors(&workspace, &["plan"]));
    assert_eq!(error.summary, "Unclear authentication");
    assert!(error.detail.contains("Expected KRONY_TOKEN alone"), "{error:#?}");
}

#[test]
fn headers_of_the_environment_give_way_to_those_of_configuration() {
    let node = shared_node();
    let proxy = Proxy::start(&node.url()).unwrap();
    let mut workspace = bare();
    workspace.env("KRONY_ENDPOINT", proxy.url()).env("KRONY_HEADERS", "X-One: 1\nX-Two: 2: 3\n");
    for (settings, expected) in [
        ("", json!({"x-one": "1", "x-two": "2: 3"})),
        ("headers = { X-Three = \"4\" }", json!({"x-three": "4"})),
    ] {
        workspace.write("main.tf", &asking(settings)).unwrap();
        proxy.reset_count();
        workspace.plan(&[]).unwrap();
        let seen = proxy.seen();
        assert!(!seen.is_empty());
        for request in seen {
            let own = request
                .headers
                .iter()
                .filter(|(name, _)| ["x-one", "x-two", "x-three"].contains(&name.as_str()));
            assert_eq!(json!(own.collect::<std::collections::BTreeMap<_, _>>()), expected);
        }
    }
}

/// An endpoint that is known only after something else was applied is never replaced by that of the environment.
#[test]
fn an_unknown_endpoint_lets_plans_go_on_and_says_what_cannot() {
    let node = shared_node();
    let environment = Proxy::start(&node.url()).unwrap();
    let workspace = workspace(&Terraform::on_path().unwrap(), &environment.url());
    let root = |round: usize, rest: &str| {
        let provider = "provider \"krony\" {\n  endpoint = terraform_data.dkron.output[0]\n}\n";
        let known_later = format!(
            "resource \"terraform_data\" \"dkron\" {{\n  input = [\"{}\", {round}]\n}}\n",
            node.url()
        );
        let arguments = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";
        format!("{provider}{known_later}{}{rest}", job("bad_unknown", arguments))
    };
    workspace.write("main.tf", &root(1, "")).unwrap();
    let plan = workspace.plan_json(&[]).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    assert!(changes.iter().all(|change| change["change"]["actions"] == json!(["create"])), "{changes:#?}");
    apply(&workspace);
    assert!(written(&node, "bad_unknown").is_some());

    // Unknown again, and the job is gone behind our back: its absence cannot be seen, and state stays.
    node.delete_job("bad_unknown").unwrap();
    workspace.write("main.tf", &root(2, "")).unwrap();
    let plan = workspace.plan_json(&[]).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["address"] == "krony_job.bad_unknown").unwrap();
    assert_eq!(change["change"]["actions"], json!(["no-op"]));

    let asking = "data \"krony_jobs\" \"all\" {\n}\n";
    let one = "data \"krony_job\" \"one\" {\n  name = \"bad_other\"\n}\n";
    let import = "import {\n  to = krony_job.bad_unknown_too\n  id = \"bad_unknown_too\"\n}\n".to_owned()
        + &job("bad_unknown_too", "  schedule = \"@manually\"\n  shell = { command = \"true\" }");
    for rest in [asking, one, &import] {
        workspace.write("main.tf", &root(2, rest)).unwrap();
        let error = only(errors(&workspace, &["plan"]));
        assert_eq!(error.summary, "Provider configuration is not known yet");
        assert!(
            error.detail.contains("cannot ask dkron before `endpoint` of its configuration is known"),
            "{error:#?}"
        );
    }
    assert_eq!(environment.seen(), [], "the environment took the place of an unknown endpoint");

    // Once it is known, the loss shows.
    workspace.write("main.tf", &root(2, "")).unwrap();
    workspace.apply(&[]).unwrap();
    assert!(!workspace.plan_is_empty(&[]).unwrap());
    workspace.apply(&[]).unwrap();
    assert_plan_is_empty(&workspace);
    assert!(written(&node, "bad_unknown").is_some());
    workspace.destroy(&[]).unwrap();
}
