//! Modules from web servers: pinned, downloaded once, and never from elsewhere than the address says.

use hooks::digest::Digest;
use serde_json::json;
use xtask::proxy::{Fault, Proxy, Reply, Rule};
use xtask::terraform::Workspace;

use super::guest::{answering, denial};
use super::{NOWHERE, Outcome, block, hook, line, provider};
use crate::bad_input::tls::{Authority, Front};
use crate::support::{job, shared_node, stage};

const JOB: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";

/// A web server that a workspace trusts.
struct Server {
    front: Front,
    proxy: Proxy,
}

impl Server {
    fn start(workspace: &mut Workspace) -> Self {
        let proxy = Proxy::start(&shared_node().url()).unwrap();
        let authority = Authority::new("a server of hooks");
        workspace.write("authority.pem", &authority.pem()).unwrap();
        let certificates = workspace.folder().join("authority.pem");
        workspace.env("SSL_CERT_FILE", certificates);
        Self { front: Front::start(&proxy.url(), &authority, None), proxy }
    }

    fn answers(&self, path: &str, reply: Reply) {
        self.proxy.inject(Rule::new("GET", path, Fault::Answer(reply)));
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.front.url())
    }
}

fn pinned(module: &str) -> String {
    format!("sha256 = \"{}\"", Digest::of(module.as_bytes()))
}

#[test]
fn a_module_is_downloaded_once() {
    let (_node, mut workspace) = stage();
    let server = Server::start(&mut workspace);
    let module = answering(&denial("Said from afar"));
    server.answers("/hook.wasm", Reply::new(200, module.clone()));
    let hooks = block("remote", &server.url("/hook.wasm"), &pinned(&module));
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_remote", JOB))).unwrap();
    for command in ["validate", "plan"] {
        let outcome = Outcome::of(&workspace, &[command]);
        assert_eq!(outcome.error().summary, "Said from afar", "{outcome:#?}");
        assert_eq!(outcome.by_hook("remote").len(), 1);
        assert_eq!(server.proxy.seen().len(), 1, "{command}");
    }
    // Without the server, too.
    drop(server);
    assert_eq!(Outcome::of(&workspace, &["plan"]).error().summary, "Said from afar");
}

#[test]
fn what_a_server_gives_instead_is_told() {
    let (_node, mut workspace) = stage();
    let server = Server::start(&mut workspace);
    let module = answering(&json!("ok"));
    let another = answering(&denial("No"));
    server.answers("/moved.wasm", Reply::redirect("https://elsewhere.example/hook.wasm?token=canary"));
    server.answers("/gone.wasm", Reply::new(404, "not here"));
    server.answers("/secret.wasm", Reply::new(401, "who are you"));
    server.answers("/ill.wasm", Reply::new(503, "later"));
    server.answers("/page.wasm", Reply::login_page());
    server.answers("/changed.wasm", Reply::new(200, another.clone()));
    let changed = Digest::of(another.as_bytes()).to_string();
    let rows = [
        (
            "moved",
            server.url("/moved.wasm"),
            "source",
            "the server leads to https://elsewhere.example/hook.wasm; redirects are not followed",
        ),
        ("gone", server.url("/gone.wasm"), "source", "found 404"),
        ("secret", server.url("/secret.wasm?sig=canary"), "source", "found 401"),
        ("ill", server.url("/ill.wasm"), "source", "try again later"),
        ("page", server.url("/page.wasm"), "source", "found an HTML page"),
        (
            "refused",
            "https://127.0.0.1:9/hook.wasm".to_owned(),
            "source",
            "Cannot reach https://127.0.0.1:9/hook.wasm",
        ),
        ("registry", "oci://127.0.0.1:9/hooks/owner:1".to_owned(), "source", "127.0.0.1:9"),
        ("changed", server.url("/changed.wasm"), "sha256", &changed),
    ];
    let hooks: String = rows.iter().map(|(name, source, ..)| block(name, source, &pinned(&module))).collect();
    let unpinned = block("unpinned", &server.url("/changed.wasm"), "");
    workspace.write("main.tf", &(provider(&(hooks + &unpinned)) + &job("hook_sources", JOB))).unwrap();
    let outcome = Outcome::of(&workspace, &["validate"]);
    assert_eq!(outcome.errors().len(), rows.len() + 1, "{outcome:#?}");
    for (name, _, argument, says) in &rows {
        let place = format!("In `hooks[\"{name}\"].{argument}`: Hook \"{name}\".");
        let found = outcome.errors().into_iter().find(|error| error.detail.starts_with(&place));
        let found = found.unwrap_or_else(|| panic!("{place}: {outcome:#?}"));
        assert_eq!(found.summary, "Hook cannot be loaded");
        assert!(found.detail.contains(says), "{found:#?}");
        assert!(!found.detail.contains("canary"), "{found:#?}");
        assert_eq!(line(found), format!("{name} = {{"), "{found:#?}");
    }
    let unpinned =
        outcome.errors().into_iter().find(|error| error.detail.contains("hooks[\"unpinned\"]")).unwrap();
    assert!(unpinned.detail.contains("set `sha256` to the digest of the module"), "{unpinned:#?}");
}

/// A source that is gone need not stop others.
#[test]
fn a_server_that_is_gone_may_only_be_warned_of() {
    let (_node, workspace) = stage();
    let hooks = block(
        "remote",
        &format!("{}/hook.wasm", NOWHERE.replace("http:", "https:")),
        &format!("{}\n      on_error = \"warn\"", pinned("")),
    ) + &hook(&workspace, "good", &answering(&denial("A good hook says no")), "");
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_no_server", JOB))).unwrap();
    let outcome = Outcome::of(&workspace, &["plan"]);
    assert_eq!(outcome.error().summary, "A good hook says no", "{outcome:#?}");
    let warnings = outcome.warnings();
    assert!(
        !warnings.is_empty() && warnings.iter().all(|warning| warning.detail.contains("Cannot reach")),
        "{outcome:#?}"
    );
}

/// Whom the system does not trust nobody takes a module from.
#[test]
fn a_server_that_is_not_trusted_is_refused() {
    let (_node, mut workspace) = stage();
    let server = Server::start(&mut workspace);
    let module = answering(&json!("ok"));
    server.answers("/hook.wasm", Reply::new(200, module.clone()));
    let stranger = Authority::new("a stranger");
    workspace.write("authority.pem", &stranger.pem()).unwrap();
    let hooks = block("remote", &server.url("/hook.wasm"), &pinned(&module));
    workspace.write("main.tf", &(provider(&hooks) + &job("hook_untrusted", JOB))).unwrap();
    let outcome = Outcome::of(&workspace, &["validate"]);
    assert!(outcome.error().detail.contains("certificate"), "{outcome:#?}");
    assert_eq!(server.proxy.seen(), []);
}
