mod server;

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use tempfile::TempDir;

use super::*;
use server::{Answer, Request, Server, answer, raw};

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const OTHER: &[u8] = b"\0asm\x01\0\0\0another";

/// A place to fetch from and to keep things in.
struct Place {
    server: Server,
    terms: Terms,
    folder: TempDir,
}

impl Place {
    async fn new(answer: impl Fn(&str, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let server = Server::start(answer).await;
        let folder = tempfile::tempdir().unwrap();
        let terms = Terms {
            largest: 1000,
            patience: Duration::from_secs(20),
            authorities: Some(vec![server.certificate.clone()]),
            docker: Some(folder.path().join("docker")),
        };
        Self { server, terms, folder }
    }

    /// A server that gives this answer to everything.
    async fn always(answer: Answer) -> Self {
        Self::new(move |_, _| answer.clone()).await
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache/hooks")
    }

    fn cached(&self, bytes: &[u8]) -> PathBuf {
        self.cache().join(format!("{}.wasm", Digest::of(bytes)))
    }

    async fn fetch(&self, source: &str, expected: &[u8]) -> Result<Module, SourceError> {
        let source = Source::parse(source).unwrap();
        self.terms.fetch(&source, Some(&Digest::of(expected)), Some(&self.cache())).await
    }

    async fn fetch_url(&self) -> Result<Module, SourceError> {
        self.fetch(&self.server.url("a.wasm"), MODULE).await
    }

    /// The message of the failure for the module at `https://user:secret@HOST/a.wasm?key=secret`.
    async fn failure(&self) -> String {
        let url = format!("https://user:secret@{}/a.wasm?key=secret", self.server.host);
        let message = self.fetch(&url, MODULE).await.unwrap_err().to_string();
        assert!(message.contains(&self.server.url("a.wasm")) && !message.contains("secret"), "{message}");
        assert!(!self.cached(MODULE).exists());
        message
    }

    /// The message of the failure for the artefact `hooks/owner:1`.
    async fn oci_failure(&self) -> String {
        let message = self.fetch_artefact().await.unwrap_err().to_string();
        assert!(message.contains(&self.server.host) && !message.contains("secret"), "{message}");
        message
    }

    async fn fetch_artefact(&self) -> Result<Module, SourceError> {
        self.fetch(&format!("oci://{}/hooks/owner:1", self.server.host), MODULE).await
    }

    /// Docker's configuration with `user` and `secret` for the registry.
    fn log_in(&self) {
        let auth = BASE64_STANDARD.encode("user:secret");
        self.configure_docker(&format!(
            r#"{{"auths": {{"https://{}/v1/": {{"auth": "{auth}"}}}}}}"#,
            self.server.host
        ));
    }

    fn configure_docker(&self, text: &str) {
        let folder = self.folder.path().join("docker");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.json"), text).unwrap();
    }
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

#[test]
fn sources_are_read() {
    let shown = |text| Source::parse(text).unwrap().to_string();
    for text in HookSource::EXAMPLES {
        assert_eq!((HookSource::check(text), shown(text).as_str()), (Ok(()), *text));
    }
    assert!(matches!(Source::parse("a:b/c.wasm"), Ok(Source::File(_))));
    assert_eq!(shown("https://user:secret@host:8443/a?key=secret#part"), "https://host:8443/a");
    let digest = format!("oci://[::1]:5000/a/b@sha256:{}", Digest::of(MODULE));
    assert_eq!(shown(&digest), digest);
    assert_eq!(shown(&digest.replace("a/b@", "a/b:v1@")), digest);
    let debug = format!("{:?}", Source::parse("https://user:secret@host/a"));
    assert_eq!(debug, "Ok(Source(https://host/a))");
}

#[test]
fn wrong_sources_are_refused() {
    for (text, hint) in [
        ("", "nothing"),
        ("http://user:secret@host/a", "use https://"),
        ("file:///a", "the path alone"),
        ("s3://secret/a", "\"s3\""),
        ("git::https://user:secret@host/a", "none of them"),
        ("user:secret@host/?to=https://host", "none of them"),
        ("https://", "empty host"),
        ("oci://host", "no repository"),
        ("oci://host/a", "neither tag nor digest"),
        ("oci://host/A:1", "lower-case"),
        ("oci://host/a/../b:1", "lower-case"),
        ("oci://host/a:-1", "a tag is"),
        ("oci://host/a@sha256:12", "64 hexadecimal digits"),
        ("oci://ho st/a:1", "not a host"),
        ("oci://host:99999/a:1", "not a host"),
        ("oci://user:secret@host/a:1", "Docker's configuration"),
        ("oci://user:sec/secret@host/a@sha256:1", "Docker's configuration"),
    ] {
        let detail = HookSource::check(text).unwrap_err();
        assert!(detail.starts_with("Expected") && detail.ends_with('.'), "{text}: {detail}");
        assert!(detail.contains(hint) && !detail.contains("secret"), "{text}: {detail}");
    }
}

#[test]
fn digests_are_read() {
    let digits = Digest::of(MODULE).to_string();
    assert_eq!(digits, "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476");
    for text in [digits.clone(), format!("sha256:{digits}"), digits.to_uppercase()] {
        assert_eq!(text.parse(), Ok(Digest::of(MODULE)), "{text}");
        assert!(HookDigest::same(&text, &digits));
    }
    let long = format!("{digits}0");
    for text in ["", "sha256:", &digits[1..], &long, &digits.replace('a', "g"), &digits.replace('a', "ａ")] {
        says(&HookDigest::check(text).unwrap_err(), &["64 hexadecimal digits", "characters"]);
        assert!(!HookDigest::same(text, text));
    }
}

#[tokio::test]
async fn a_remote_source_needs_a_digest() {
    for text in ["https://user:secret@127.0.0.1:1/a", "oci://127.0.0.1:1/a:1"] {
        let source = Source::parse(text).unwrap();
        let error = fetch(&source, None, None).await.unwrap_err();
        let message = error.to_string();
        assert!(message.contains("`sha256`") && !message.contains("secret"), "{message}");
        assert!(matches!(error, SourceError::Unpinned { .. }), "{message}");
        // With a digest it is tried.
        let error = fetch(&source, Some(&Digest::of(MODULE)), None).await.unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
    }
    let error = fetch(&Source::parse("gone.wasm").unwrap(), None, None).await.unwrap_err();
    assert!(matches!(error, SourceError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wasm");
    fs::write(&path, MODULE).unwrap();
    let fetch = async |path: &Path, digest: Option<Digest>| {
        let cache = folder.path().join("cache");
        let module = fetch(&Source::File(path.to_owned()), digest.as_ref(), Some(&cache)).await;
        assert!(!cache.exists());
        module.map_err(|error| error.to_string())
    };
    let module = Module { bytes: MODULE.into(), digest: Digest::of(MODULE) };
    assert_eq!(fetch(&path, None).await.as_ref(), Ok(&module));
    assert_eq!(fetch(&path, Some(module.digest)).await.as_ref(), Ok(&module));

    let other = Digest::of(OTHER);
    let message = fetch(&path, Some(other)).await.unwrap_err();
    says(&message, &["a.wasm", &module.digest.to_string(), &other.to_string()]);
    says(&fetch(folder.path(), None).await.unwrap_err(), &["expected a file", "folder"]);
    let message = fetch(&folder.path().join("gone.wasm"), None).await.unwrap_err();
    says(&message, &["gone.wasm", "found nothing", "path.module"]);
    let message = fetch(Path::new("~/gone.wasm"), None).await.unwrap_err();
    says(&message, &[env!("CARGO_MANIFEST_DIR"), "pathexpand"]);

    fs::File::create(&path).unwrap().set_len(MAX_MODULE as u64 + 1).unwrap();
    says(&fetch(&path, None).await.unwrap_err(), &["at most 52428800 bytes"]);
}

#[tokio::test]
async fn a_download_is_kept() {
    let place = Place::always(answer("200 OK", &[], MODULE)).await;
    let module = place.fetch_url().await.unwrap();
    assert_eq!((module.bytes.as_slice(), module.digest), (MODULE, Digest::of(MODULE)));
    assert_eq!(place.fetch_url().await.unwrap(), module);
    assert_eq!(place.server.seen().len(), 1);
    // By its digest: the place does not matter.
    assert_eq!(place.fetch("https://127.0.0.1:1/gone.wasm", MODULE).await.unwrap(), module);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_kept_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::always(answer("200 OK", &[], MODULE)).await;
    place.fetch_url().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.cache()), mode(&place.cached(MODULE))), (0o700, 0o600));
    assert_eq!(fs::read_dir(place.cache()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_was_changed_in_the_cache_is_downloaded_anew() {
    let place = Place::always(answer("200 OK", &[], MODULE)).await;
    place.fetch_url().await.unwrap();
    for changed in [OTHER, &[], &[7; 2000]] {
        fs::write(place.cached(MODULE), changed).unwrap();
        assert_eq!(place.fetch_url().await.unwrap().bytes, MODULE);
        assert_eq!(fs::read(place.cached(MODULE)).unwrap(), MODULE);
    }
    assert_eq!(place.server.seen().len(), 4);
}

#[tokio::test]
async fn a_cache_that_cannot_be_used_is_no_reason_to_fail() {
    let place = Place::always(answer("200 OK", &[], MODULE)).await;
    fs::create_dir_all(place.cached(MODULE)).unwrap();
    assert_eq!(place.fetch_url().await.unwrap().bytes, MODULE);
    fs::remove_dir_all(place.cache()).unwrap();
    fs::write(place.cache(), "a file").unwrap();
    assert_eq!(place.fetch_url().await.unwrap().bytes, MODULE);
}

#[tokio::test]
async fn another_module_than_asked_for_is_refused() {
    let place = Place::always(answer("200 OK", &[], OTHER)).await;
    says(&place.failure().await, &[&Digest::of(OTHER).to_string(), &Digest::of(MODULE).to_string()]);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let place = Place::new(|host, request| {
        let location = format!("location: https://user:secret@{host}/b.wasm?key=secret");
        match request.target.starts_with("/b.wasm") {
            true => answer("200 OK", &[], MODULE),
            false => answer("302 Found", &[&location], ""),
        }
    })
    .await;
    says(&place.failure().await, &[&place.server.url("b.wasm"), "redirects are not followed"]);
    assert_eq!(place.server.seen().len(), 1);
}

#[tokio::test]
async fn a_slow_server_is_given_up() {
    let mut place = Place::always(None).await;
    place.terms.patience = Duration::from_millis(500);
    says(&place.failure().await, &["within 0.5 s"]);
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    let place = Place::always(raw("200 OK", &["content-length: 100"], MODULE)).await;
    says(&place.failure().await, &["broke off after 8 bytes of 100"]);
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    for headers in [["content-length: 1001"].as_slice(), &[]] {
        let place = Place::always(raw("200 OK", headers, [7; 1001])).await;
        says(&place.failure().await, &["at most 1000 bytes"]);
    }
}

#[tokio::test]
async fn a_page_for_people() {
    let page = "<title>Log in</title>";
    for answer in [
        answer("200 OK", &["content-type: Text/HTML; charset=utf-8"], page),
        answer("200 OK", &["content-type: application/wasm"], format!("\n<!DOCTYPE html>{page}")),
    ] {
        says(&Place::always(answer).await.failure().await, &["login or proxy page"]);
    }
}

#[tokio::test]
async fn statuses() {
    for (status, advice) in [
        ("404 Not Found", "nothing at this address"),
        ("403 Forbidden", "not give the module to everybody"),
        ("503 Service Unavailable", "later"),
        ("204 No Content", "check the address"),
        ("304 Not Modified", "check the address"),
    ] {
        let place = Place::always(raw(status, &["content-type: text/html"], "")).await;
        says(&place.failure().await, &["expected status 200", status, advice]);
    }
}

#[tokio::test]
async fn servers_that_cannot_be_reached() {
    let mut place = Place::always(answer("200 OK", &[], MODULE)).await;
    let message = place.fetch("https://127.0.0.1:1/a.wasm", MODULE).await.unwrap_err().to_string();
    says(&message, &["cannot reach https://127.0.0.1:1/a.wasm", "refused", "check the address"]);
    // With another authority than that of the server.
    let other = Server::start(|_, _| None).await;
    place.terms.authorities = Some(vec![other.certificate]);
    says(&place.failure().await, &["cannot reach", "certificate", "authority"]);
    assert!(place.server.seen().is_empty());
}

/// A registry of one artefact with these layers, that wants a token and keeps its blobs elsewhere.
fn registry(layers: &[(&str, &[u8])]) -> impl Fn(&str, &Request) -> Answer + Send + Sync + use<> {
    let layers: Vec<_> = layers
        .iter()
        .map(|(kind, bytes)| {
            format!(r#"{{"mediaType": "{kind}", "digest": "sha256:{}"}}"#, Digest::of(bytes))
        })
        .collect();
    let manifest = format!(r#"{{"schemaVersion": 2, "layers": [{}]}}"#, layers.join(", "));
    move |host, request| {
        let authorized = request.authorization.as_deref() == Some("Bearer secret-token");
        let path = request.target.split('?').next().unwrap();
        let challenge = format!("www-authenticate: Bearer realm=\"https://{host}/token\",service=\"a b\"");
        match path.trim_end_matches(|digit: char| digit.is_ascii_hexdigit()) {
            "/token" => answer("200 OK", &[], r#"{"token": "secret-token", "access_token": "secret-token"}"#),
            "/store/" => answer("200 OK", &[], MODULE),
            _ if !authorized => answer("401 Unauthorized", &[&challenge], ""),
            "/v2/hooks/owner/manifests/" | "/v2/hooks/owner/manifests/sha256:" => {
                answer("200 OK", &[], &manifest)
            }
            "/v2/hooks/owner/blobs/sha256:" => {
                answer("307 Temporary Redirect", &[&format!("location: https://{host}/store/0")], "")
            }
            _ => answer("404 Not Found", &[], ""),
        }
    }
}

const WASM: &str = oci::LAYER_TYPES[0];

#[tokio::test]
async fn an_artefact_of_a_registry() {
    for kind in oci::LAYER_TYPES {
        let place = Place::new(registry(&[("application/spdx+json", OTHER), (kind, MODULE)])).await;
        place.log_in();
        let module = place.fetch_artefact().await.unwrap();
        assert_eq!(module.bytes, MODULE);
        let seen: Vec<_> = place.server.seen().into_iter().map(|r| (r.target, r.authorization)).collect();
        let manifest = "/v2/hooks/owner/manifests/1".to_owned();
        let blob = format!("/v2/hooks/owner/blobs/sha256:{}", Digest::of(MODULE));
        let token = "/token?service=a+b&scope=repository%3Ahooks%2Fowner%3Apull".to_owned();
        let (basic, bearer) = ("Basic dXNlcjpzZWNyZXQ=".to_owned(), "Bearer secret-token".to_owned());
        let expected = [
            (manifest.clone(), None),
            (token, Some(basic)),
            (manifest, Some(bearer.clone())),
            (blob, Some(bearer)),
            ("/store/0".to_owned(), None),
        ];
        assert_eq!(seen, expected);
        assert_eq!(place.fetch_artefact().await.unwrap(), module);
        assert_eq!(place.server.seen().len(), 5);
    }
}

#[tokio::test]
async fn an_artefact_by_its_digest() {
    let place = Place::new(registry(&[(WASM, MODULE)])).await;
    let name = format!("oci://{}/hooks/owner@sha256:{}", place.server.host, Digest::of(OTHER));
    let message = place.fetch(&name, MODULE).await.unwrap_err().to_string();
    says(&message, &["the manifest of this digest", "found one of the digest"]);
    let found = message.split("of the digest ").nth(1).unwrap().split(';').next().unwrap();
    let name = format!("oci://{}/hooks/owner@sha256:{found}", place.server.host);
    assert_eq!(place.fetch(&name, MODULE).await.unwrap().bytes, MODULE);
}

#[tokio::test]
async fn artefacts_without_the_one_module() {
    for (layers, found) in [
        ([].as_slice(), "found none"),
        (&[("application/x-tar", MODULE), ("text/plain", OTHER)], "found application/x-tar, text/plain"),
        (&[(WASM, MODULE), (WASM, OTHER)], "found application/wasm, application/wasm"),
    ] {
        let place = Place::new(registry(layers)).await;
        says(&place.oci_failure().await, &["one layer of the type application/wasm or", found]);
    }
    let place = Place::always(answer("200 OK", &[], r#"{"manifests": [{}, {}]}"#)).await;
    says(&place.oci_failure().await, &["an index of 2 manifests"]);
}

#[tokio::test]
async fn another_artefact_than_asked_for_is_refused() {
    let place = Place::new(registry(&[(WASM, OTHER)])).await;
    let message = place.oci_failure().await;
    says(&message, &[&Digest::of(OTHER).to_string(), &Digest::of(MODULE).to_string()]);
    assert!(!place.server.seen().iter().any(|request| request.target.contains("blobs")));
}

#[tokio::test]
async fn a_blob_that_is_not_what_the_manifest_says() {
    let registry = registry(&[(WASM, MODULE)]);
    let place = Place::new(move |host, request| match request.target.starts_with("/store") {
        true => answer("200 OK", &[], OTHER),
        false => registry(host, request),
    })
    .await;
    says(&place.oci_failure().await, &[&Digest::of(OTHER).to_string()]);
    assert!(!place.cached(MODULE).exists());
}

#[tokio::test]
async fn a_blob_is_followed_over_https_and_not_for_ever() {
    for (location, asked) in [("http://127.0.0.1:1/store?key=secret", 4), ("/away?key=secret", 7)] {
        let registry = registry(&[(WASM, MODULE)]);
        let place = Place::new(move |host, request| {
            let leads_away = request.target.starts_with("/away")
                || request.target.contains("/blobs/") && request.authorization.is_some();
            match leads_away {
                true => answer("307 Temporary Redirect", &[&format!("location: {location}")], ""),
                false => registry(host, request),
            }
        })
        .await;
        says(&place.oci_failure().await, &["leads to", location.split('?').next().unwrap()]);
        assert_eq!(place.server.seen().len(), asked);
    }
}

#[tokio::test]
async fn registries_that_let_nobody_in() {
    let bearer = |host: &str| format!("www-authenticate: Bearer realm=\"https://{host}/token\"");
    let refuse = move |host: &str, _: &Request| answer("401 Unauthorized", &[&bearer(host)], "");
    let place = Place::new(refuse).await;
    says(&place.oci_failure().await, &["without credentials", "docker login", "helpers are not asked"]);
    place.log_in();
    says(&place.oci_failure().await, &["with the credentials in Docker's configuration"]);

    let basic = "www-authenticate: Basic realm=\"a\"";
    let place = Place::new(move |_, request| match request.authorization.as_deref() {
        Some("Basic dXNlcjpzZWNyZXQ=") => answer("404 Not Found", &[], ""),
        _ => answer("401 Unauthorized", &[basic], ""),
    })
    .await;
    says(&place.oci_failure().await, &["without credentials"]);
    place.log_in();
    says(&place.oci_failure().await, &["404 Not Found"]);
}

#[tokio::test]
async fn answers_that_are_none_of_a_registry() {
    for (bad, expected) in [
        (answer("401 Unauthorized", &[], ""), "Basic or Bearer"),
        (answer("401 Unauthorized", &["www-authenticate: Negotiate"], ""), "Basic or Bearer"),
        (
            answer("401 Unauthorized", &["www-authenticate: Bearer realm=\"http://secret\""], ""),
            "https URL as realm",
        ),
        (answer("200 OK", &[], "secret"), "a manifest as JSON"),
        (
            answer(
                "200 OK",
                &[],
                format!(r#"{{"layers": [{{"mediaType": "{WASM}", "digest": "sha512:00"}}]}}"#),
            ),
            "a digest sha256:…",
        ),
        (answer("200 OK", &["content-type: text/html"], ""), "HTML page"),
        (
            answer("308 Permanent Redirect", &["location: https://user:secret@host/"], ""),
            "leads to https://host/",
        ),
    ] {
        says(&Place::always(bad).await.oci_failure().await, &[expected]);
    }
    for token in ["{}", r#"{"token": "line\nsecret"}"#, "secret"] {
        let registry = registry(&[(WASM, MODULE)]);
        let place = Place::new(move |host, request| match request.target.starts_with("/token") {
            true => answer("200 OK", &[], token),
            false => registry(host, request),
        })
        .await;
        says(&place.oci_failure().await, &["a token as JSON"]);
    }
}

#[tokio::test]
async fn docker_configurations() {
    let place = Place::new(registry(&[(WASM, MODULE)])).await;
    let host = &place.server.host;
    for (bad, problem) in [
        ("secret".to_owned(), "line 1"),
        (format!(r#"{{"auths": {{"{host}": {{"auth": "secret!"}}}}}}"#), "in base64"),
        (format!(r#"{{"auths": {{"{host}": {{"auth": "c2VjcmV0"}}}}}}"#), "in base64"),
    ] {
        place.configure_docker(&bad);
        let message = place.fetch_artefact().await.unwrap_err().to_string();
        assert!(message.contains("config.json") && !message.contains("secret"), "{message}");
        says(&message, &[problem, "docker login"]);
    }
    // Where a helper keeps the credentials, there are none for us.
    place.configure_docker(&format!(r#"{{"auths": {{"{host}": {{}}}}, "credsStore": "desktop"}}"#));
    assert_eq!(place.fetch_artefact().await.unwrap().bytes, MODULE);
    assert!(place.server.seen().iter().all(|request| {
        request.authorization.as_deref().is_none_or(|authorization| authorization.starts_with("Bearer"))
    }));
}
