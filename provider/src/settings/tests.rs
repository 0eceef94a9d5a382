use std::collections::BTreeMap;

use tfplugin::model::{Attr, Text};

use super::*;

fn configure(block: &ProviderBlock, variables: &[(&str, &str)]) -> Result<Config> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    client_config(block, &|name| variables.get(name).map(|value| (*value).to_owned()), "agent".to_owned())
}

fn endpoint(url: &str) -> ProviderBlock {
    ProviderBlock { endpoint: Attr::Known(Text::new(url)), ..ProviderBlock::default() }
}

fn urls(config: &Config) -> Vec<String> {
    config.endpoints.iter().map(ToString::to_string).collect()
}

fn fault(result: Result<Config>) -> (String, String) {
    let findings = result.expect_err("a fault");
    let finding = findings.iter().next().expect("a finding");
    (finding.path.to_string(), finding.detail.clone())
}

fn known(text: &str) -> Attr<String> {
    Attr::Known(text.to_owned())
}

#[test]
fn configuration_goes_before_environment_setting_by_setting() {
    let mut block = endpoint("http://configured");
    block.request_timeout = Attr::Known(Text::new("7s"));
    let variables = [
        ("KRONY_ENDPOINT", "http://environment"),
        ("KRONY_REQUEST_TIMEOUT", "9s"),
        ("KRONY_RETRY_BUDGET", "3s"),
    ];
    let config = configure(&block, &variables).unwrap();
    assert_eq!(urls(&config), ["http://configured/"]);
    assert_eq!(config.request_timeout.as_secs(), 7);
    assert_eq!(config.retry.budget.as_secs(), 3);
}

#[test]
fn endpoints_of_the_environment_do_not_join_a_configured_endpoint() {
    let config =
        configure(&endpoint("http://one"), &[("KRONY_ENDPOINTS", "http://two,http://three")]).unwrap();
    assert_eq!(urls(&config), ["http://one/"]);
    let config =
        configure(&ProviderBlock::default(), &[("KRONY_ENDPOINTS", "http://two, http://three")]).unwrap();
    assert_eq!(urls(&config), ["http://two/", "http://three/"]);
}

#[test]
fn authentication_is_one_setting() {
    let mut block = endpoint("http://x");
    block.token = known("configured");
    let config = configure(&block, &[("KRONY_USERNAME", "u"), ("KRONY_PASSWORD", "p")]).unwrap();
    assert!(matches!(config.auth, Auth::Bearer(_)));
    let config =
        configure(&endpoint("http://x"), &[("KRONY_USERNAME", "u"), ("KRONY_PASSWORD", "p")]).unwrap();
    assert!(matches!(config.auth, Auth::Basic { .. }));
    let (path, detail) = fault(configure(&endpoint("http://x"), &[("KRONY_USERNAME", "u")]));
    assert_eq!(path, "token");
    assert!(detail.contains("KRONY_PASSWORD"), "{detail}");
}

#[test]
fn there_is_no_default_endpoint() {
    let (path, detail) = fault(configure(&ProviderBlock::default(), &[]));
    assert_eq!(path, "endpoint");
    assert!(detail.contains("KRONY_ENDPOINT"), "{detail}");
}

#[test]
fn a_wrong_variable_is_named() {
    let (path, detail) = fault(configure(&ProviderBlock::default(), &[("KRONY_ENDPOINT", "dkron:8080")]));
    assert_eq!(path, "endpoint");
    assert!(detail.contains("KRONY_ENDPOINT is in use"), "{detail}");
    let (path, _) = fault(configure(&endpoint("http://x"), &[("KRONY_INSECURE_SKIP_VERIFY", "yes")]));
    assert_eq!(path, "insecure_skip_verify");
}

#[test]
fn credentials_in_an_endpoint_are_refused_and_not_shown() {
    for url in ["http://user:hunter22@dkron", "http://dkron?token=hunter22", "http://[hunter22"] {
        let detail = Endpoint::check(url).expect_err("refused");
        assert!(!detail.contains("hunter22"), "{detail}");
    }
}

#[test]
fn halves_of_pairs_are_refused() {
    let mut block = endpoint("http://x");
    block.username = known("u");
    assert_eq!(fault(configure(&block, &[])).0, "username");
    let mut block = endpoint("http://x");
    block.client_key = known("-----BEGIN KEY-----");
    assert_eq!(fault(configure(&block, &[])).0, "client_key");
}

#[test]
fn a_key_that_is_no_path_is_not_shown() {
    let mut block = endpoint("http://x");
    block.client_cert = known("-----BEGIN CERTIFICATE-----");
    block.client_key = known("MIIEhunter22");
    let (path, detail) = fault(configure(&block, &[]));
    assert_eq!(path, "client_key");
    assert!(!detail.contains("hunter22"), "{detail}");
}

#[test]
fn headers_of_the_environment_stand_one_a_line() {
    let config = configure(&endpoint("http://x"), &[("KRONY_HEADERS", "X-A: 1\nX-B: a:b\n")]).unwrap();
    let names: Vec<_> = config.headers.iter().map(|header| header.name.as_str()).collect();
    assert_eq!(names, ["X-A", "X-B"]);
    assert_eq!(fault(configure(&endpoint("http://x"), &[("KRONY_HEADERS", "nonsense")])).0, "headers");
}

#[test]
fn unknown_settings_are_named() {
    let mut block = endpoint("http://x");
    block.token = Attr::Unknown;
    block.endpoints = Attr::Known([Text::new("http://a")].into_iter().collect());
    assert_eq!(unknown(&block), ["token"]);
    block.endpoints = Attr::Known(List(vec![Attr::Unknown]));
    assert_eq!(unknown(&block), ["endpoints", "token"]);
}

#[test]
fn the_tenant_is_known_apart_from_the_rest() {
    let read = |configured: Attr<Text<TenantName>>, variable: Option<&str>| {
        let block = ProviderBlock { tenant: configured, ..ProviderBlock::default() };
        assert!(unknown(&block).is_empty(), "a client needs no tenant");
        tenant(&block, &|name| variable.filter(|_| name == "KRONY_TENANT").map(str::to_owned))
    };
    let acme = || Attr::Known(Text::new("acme"));
    assert!(read(Attr::Null, None) == Ok(Attr::Null));
    assert!(read(Attr::Null, Some("acme")) == Ok(acme()));
    assert!(read(acme(), Some("other")) == Ok(acme()));
    assert!(read(Attr::Unknown, Some("other")) == Ok(Attr::Unknown));
    let Err(findings) = read(Attr::Null, Some("krony")) else { panic!("the name is reserved") };
    let finding = findings.iter().next().unwrap();
    assert_eq!(finding.path.to_string(), "tenant");
    assert!(finding.detail.contains("KRONY_TENANT is in use"), "{finding}");
}
