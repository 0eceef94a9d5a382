//! Servers that are not there, are no dkron, or do not want us.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use xtask::dkron::{Cluster, Node};
use xtask::ports::Port;
use xtask::process::wait_for;
use xtask::proxy::{Fault, Proxy, Reply, Rule};
use xtask::terraform::{Terraform, Workspace};

use super::tls::{Authority, Front};
use crate::support::{apply, assert_plan_is_empty, errors, job, shared_node, workspace, written};

const REST: &str = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";

/// A job that is managed, and a workspace that is to meet something else than its dkron.
struct Scene {
    node: Arc<Node>,
    workspace: Workspace,
    name: &'static str,
}

impl Scene {
    fn new(name: &'static str, endpoint: impl FnOnce(&Node) -> String) -> Self {
        let node = shared_node();
        let mut workspace = workspace(&Terraform::on_path().unwrap(), &endpoint(&node));
        workspace.env("KRONY_RETRY_BUDGET", "100ms");
        workspace.write("main.tf", &job(name, REST)).unwrap();
        apply(&workspace);
        Self { node, workspace, name }
    }

    /// Neither reads nor writes get through: all errors say why, nothing is written, and state stays.
    fn assert_refused(&self, says: &[&str]) {
        let address = format!("krony_job.{}", self.name);
        let before = self.workspace.attributes(&address).unwrap();
        let second = format!("{}_second", self.name);
        self.workspace.write("second.tf", &job(&second, REST)).unwrap();
        let refresh =
            (errors(&self.workspace, &["plan"]), format!("Job \"{}\" could not be read", self.name));
        let creation = errors(&self.workspace, &["apply", "-refresh=false"]);
        let creation = (creation, format!("Job \"{second}\" was not created"));
        for (errors, summary) in [refresh, creation] {
            let [error] = errors.as_slice() else { panic!("one error was expected: {errors:#?}") };
            assert_eq!(error.summary, summary, "{error:#?}");
            for part in says {
                assert!(error.detail.contains(part), "{part:?} is missing: {error:#?}");
            }
        }
        assert_eq!(self.workspace.attributes(&address).unwrap(), before);
        assert_eq!(self.workspace.state_list().unwrap(), [address]);
        assert_eq!(written(&self.node, &second), None);
        self.workspace.remove("second.tf").unwrap();
    }

    /// All is well again; nothing was lost.
    fn end(self) {
        assert_plan_is_empty(&self.workspace);
        self.workspace.destroy(&[]).unwrap();
    }
}

#[test]
fn an_answer_that_is_not_dkrons_is_named() {
    let node = shared_node();
    let (proxy, elsewhere) = (Proxy::start(&node.url()).unwrap(), Proxy::start(&node.url()).unwrap());
    let scene = Scene::new("bad_answer", |_| proxy.url());
    let place = format!("{}/v1/", proxy.url());
    let redirect = format!("{}/login?token=x", elsewhere.url());
    for (reply, says) in [
        (Reply::login_page(), "answered 200 with an HTML page, which looks like a proxy or login page"),
        (Reply::html(502, "<html>Bad gateway</html>"), "answered 502 with an HTML page"),
        (Reply::new(401, "who?"), "answered 401 with \"who?\": the credentials are missing or wrong"),
        (Reply::new(403, "no"), "answered 403 with \"no\": the credentials do not permit this"),
        (Reply::json(200, &json!({"ok": true})), "check the endpoint"),
        (Reply::new(404, "404 page not found"), "this is not an answer of dkron"),
        (
            Reply::redirect(&redirect),
            &format!("redirects to {}, and redirects are not followed", elsewhere.url()),
        ),
    ] {
        proxy.inject(Rule::new("*", "*", Fault::Answer(reply)));
        scene.assert_refused(&[&place, says]);
        proxy.heal();
    }
    assert_eq!(elsewhere.seen(), [], "a redirect was followed");
    scene.end();
}

#[test]
fn a_dkron_that_is_down_is_named() {
    let mut scene = Scene::new("bad_down", Node::url);
    let nobody = Port::lease().unwrap();
    scene.workspace.env("KRONY_ENDPOINT", format!("http://{}", nobody.address()));
    scene.assert_refused(&[&nobody.address(), "no connection came about; check that dkron runs"]);
    scene.workspace.env("KRONY_ENDPOINT", scene.node.url());
    scene.end();
}

#[test]
fn a_cluster_without_a_leader_takes_no_job() {
    let mut cluster = Cluster::start().unwrap();
    let leader = cluster.wait_for_leader().unwrap();
    let survivor = (leader + 1) % cluster.nodes.len();
    let mut workspace = workspace(&Terraform::on_path().unwrap(), "");
    workspace.env("KRONY_ENDPOINTS", cluster.urls().join(",")).env("KRONY_RETRY_BUDGET", "1s");
    workspace.write("main.tf", &job("bad_leaderless", REST)).unwrap();
    apply(&workspace);

    for (index, node) in cluster.nodes.iter_mut().enumerate() {
        if index != survivor {
            node.kill();
        }
    }
    workspace.env("KRONY_ENDPOINT", cluster.nodes[survivor].url());
    // It takes a moment to notice.
    wait_for("the loss of the leader", Duration::from_secs(60), || {
        Ok(cluster.nodes[survivor].leader_name()?.is_none().then_some(()))
    })
    .unwrap();
    workspace.write("second.tf", &job("bad_leaderless_second", REST)).unwrap();
    // What agrees with state needs no leader; only the write does.
    let errors = errors(&workspace, &["apply"]);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0].summary, "Job \"bad_leaderless_second\" was not created");
    assert!(errors[0].detail.contains("the cluster has no leader; check that a majority"), "{errors:#?}");
    assert_eq!(workspace.state_list().unwrap(), ["krony_job.bad_leaderless"]);
    assert_eq!(written(&cluster.nodes[survivor], "bad_leaderless_second"), None);
}

#[test]
fn a_certificate_that_is_not_trusted_is_named() {
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let front = Front::start(&shared_node().url(), &ours, None);
    let mut scene = Scene::new("bad_certificate", Node::url);
    scene.workspace.env("KRONY_ENDPOINT", front.url());
    let says = ["was not issued by a trusted authority; set ca_cert", &front.url()];
    scene.assert_refused(&says);
    scene.workspace.env("KRONY_CA_CERT", others.pem());
    scene.assert_refused(&says);
    // With the right one, and without any check at one's own risk.
    scene.workspace.env("KRONY_CA_CERT", ours.pem());
    assert_plan_is_empty(&scene.workspace);
    scene.workspace.env("KRONY_CA_CERT", others.pem()).env("KRONY_INSECURE_SKIP_VERIFY", "true");
    let plan = scene.workspace.plan(&[]).unwrap();
    assert!(plan.stdout.contains("The server's certificate is not checked"), "{}", plan.text());
    scene.end();
}

#[test]
fn a_client_certificate_that_is_not_accepted_is_named() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let front = Front::start(&shared_node().url(), &servers, Some(&clients));
    let mut scene = Scene::new("bad_client", Node::url);
    scene.workspace.env("KRONY_ENDPOINT", front.url()).env("KRONY_CA_CERT", servers.pem());
    let says = ["the server does not accept the client certificate; check client_cert and client_key"];
    scene.assert_refused(&says);
    for (authority, accepted) in [(&servers, false), (&clients, true)] {
        let (certificate, key) = authority.issue_pem("krony");
        scene.workspace.write("client.pem", &certificate).unwrap();
        scene.workspace.write("client-key.pem", &key).unwrap();
        scene.workspace.env("KRONY_CLIENT_CERT", "client.pem").env("KRONY_CLIENT_KEY", "client-key.pem");
        if accepted {
            assert_plan_is_empty(&scene.workspace);
        } else {
            scene.assert_refused(&says);
        }
    }
    scene.end();
}

/// Small enough in texts alone, too large in the form in which dkron's nodes pass it on.
#[test]
fn a_job_that_is_too_large_for_dkron_leaves_nothing() {
    let node = shared_node();
    let workspace = workspace(&Terraform::on_path().unwrap(), &node.url());
    let (chunks, rest) = (419, (4 << 20) - 60 - 419 * 10_000);
    let rest = format!(
        "  schedule = \"@manually\"\n  shell = {{\n    command = join(\"\", concat(\n      \
         [for i in range({chunks}) : format(\"%010000d\", i)], [format(\"%0{rest}d\", 0)]))\n  }}"
    );
    workspace.write("main.tf", &job("bad_large", &rest)).unwrap();
    let errors = errors(&workspace, &["apply"]);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].detail.contains("the job is too large for dkron, whose limit is 4 MiB"), "{errors:#?}");
    assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
    assert_eq!(written(&node, "bad_large"), None);
}
