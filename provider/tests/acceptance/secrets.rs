//! Secrets stay secret: none of them shows up in what Terraform prints and logs, whatever goes wrong.
//!
//! Each secret is one value that occurs nowhere else, and is searched for in everything: standard output, standard
//! error, and the log at its lowest level, without leaving out a line: Terraform's core writes no values into its log.
//! A panic with a secret in its message is tried with the framework's own tests.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::proxy::{Fault, Proxy, Reply, Rule};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{merge, shared_node, workspace};

/// Settings of the provider and of jobs, all of which are secret.
const SECRETS: [&str; 12] = [
    "password",
    "token",
    "gate",
    "header",
    "env",
    "payload",
    "sensitive",
    "client_key",
    "grpc_header",
    "kafka_password",
    "nats_password",
    "write_only",
];

/// The kinds of jobs, by the labels of their resources.
const KINDS: [&str; 7] = ["http", "shell", "generic", "grpc", "kafka", "nats", "write_only"];

/// The word by which a secret is found.
fn word(name: &str, round: usize) -> String {
    format!("canary{round}of{}", name.replace('_', ""))
}

/// A value with what JSON, URLs and HTML write in another way, so that what is only hidden in one spelling is found.
fn value(name: &str, round: usize) -> String {
    format!("{0} \"<&>'/\\{0}", word(name, round))
}

/// How the provider authenticates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Auth {
    Basic,
    Bearer,
}

struct Scene {
    node: Arc<Node>,
    proxy: Proxy,
    workspace: Workspace,
    auth: Auth,
    /// The certificate of the client with its key, as PEM.
    client: (String, String),
}

impl Scene {
    /// Terraform logs to a file or to standard error.
    fn new(auth: Auth, log_to_file: bool) -> Self {
        let node = shared_node();
        let proxy = Proxy::start(&node.url()).unwrap();
        let mut workspace = workspace(&Terraform::on_path().unwrap(), &proxy.url());
        workspace.env("TF_LOG", "trace").env("KRONY_RETRY_BUDGET", "500ms");
        if log_to_file {
            workspace.env("TF_LOG_PATH", workspace.folder().join("log"));
        }
        let client = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let client = (client.cert.pem(), client.signing_key.serialize_pem());
        workspace.write("client.pem", &client.0).unwrap();
        let scene = Self { node, proxy, workspace, auth, client };
        scene.configure();
        scene.set_secrets(1, &scene.client.1);
        scene
    }

    fn label(&self) -> &'static str {
        if self.auth == Auth::Basic { "secret_basic" } else { "secret_bearer" }
    }

    fn configure(&self) {
        let auth = match self.auth {
            Auth::Basic => "username = \"krony\"\n  password = var.secrets[\"password\"]",
            Auth::Bearer => "token = var.secrets[\"token\"]",
        };
        let label = self.label();
        let job = |kind: &str, executor: &str| {
            format!(
                "resource \"krony_job\" \"{kind}\" {{\n  name = \"{label}_{kind}\"\n  schedule = \"@manually\"\n  \
                 tags = {{}}\n  {executor}\n}}\n"
            )
        };
        let config = format!(
            "variable \"secrets\" {{\n  type = map(string)\n}}\nprovider \"krony\" {{\n  {auth}\n  \
             headers = {{ X-Gate = var.secrets[\"gate\"] }}\n  client_cert = file(\"client.pem\")\n  \
             client_key = var.secrets[\"client_key\"]\n}}\n"
        );
        let http = "http = {\n    url = \"http://127.0.0.1:9\"\n    headers = { X-Job = var.secrets[\"header\"] }\n  }";
        let shell = "shell = {\n    command = \"true\"\n    env = { SECRET = var.secrets[\"env\"] }\n    \
                     payload = var.secrets[\"payload\"]\n  }";
        let generic = "executor = {\n    name = \"kafka\"\n    config = { topic = \"t\" }\n    \
                       sensitive_config = { saslPassword = var.secrets[\"sensitive\"] }\n  }";
        let grpc =
            "grpc = {\n    url = \"h:1/a.B/C\"\n    headers = { X-Job = var.secrets[\"grpc_header\"] }\n  }";
        let kafka = "kafka = {\n    broker_address = \"a:1\"\n    topic = \"t\"\n    sasl_username = \"u\"\n    \
                     sasl_mechanism = \"sha256\"\n    sasl_password = var.secrets[\"kafka_password\"]\n  }";
        let nats = "nats = {\n    url = \"nats://h\"\n    subject = \"s\"\n    password = \
                    var.secrets[\"nats_password\"]\n  }";
        let write_only = "shell = {\n    command = \"true\"\n    env_wo = { SECRET = var.secrets[\"write_only\"] }\n    \
                          env_wo_version = parseint(substr(sha1(var.secrets[\"write_only\"]), 0, 8), 16)\n  }";
        let executors = [http, shell, generic, grpc, kafka, nats, write_only];
        let jobs: String = KINDS.iter().zip(executors).map(|(kind, executor)| job(kind, executor)).collect();
        self.workspace.write("main.tf", &(config + &jobs)).unwrap();
    }

    /// Gives all secrets new values, those of the provider too.
    fn set_secrets(&self, round: usize, client_key: &str) {
        let mut secrets: Value =
            SECRETS.iter().map(|name| ((*name).to_owned(), json!(value(name, round)))).collect();
        merge(&mut secrets, json!({ "client_key": client_key }));
        let variables = json!({ "secrets": secrets }).to_string();
        self.workspace.write("terraform.tfvars.json", &variables).unwrap();
    }

    /// What must not be found anywhere: name and text.
    fn needles(&self) -> Vec<(String, String)> {
        let mut needles = Vec::new();
        for round in 1..=2 {
            needles.extend(SECRETS.iter().map(|name| ((*name).to_owned(), word(name, round))));
            // The first bytes are enough, so that a piece is found as well.
            let mut encoded = |name: &str, text: String| {
                let text = BASE64_STANDARD.encode(text);
                needles.push((format!("{name} in base64"), text[..20].to_owned()));
            };
            encoded("password", format!("krony:{}", value("password", round)));
            encoded("payload", value("payload", round));
        }
        let key = self.client.1.lines().filter(|line| !line.starts_with("-----"));
        needles.extend(key.map(|line| ("client_key".to_owned(), line.to_owned())));
        needles
    }

    /// Runs Terraform, which must end with this code, and looks for secrets in all that it says. Returns that.
    fn run(&self, what: &str, arguments: &[&str], code: i32) -> String {
        let finished = self.workspace.run(arguments).unwrap();
        let log = self.workspace.folder().join("log");
        let mut text = finished.text();
        assert_eq!(finished.code, code, "{what}: terraform {}:\n{text}", arguments.join(" "));
        if log.exists() {
            text += &fs::read_to_string(&log).unwrap();
            fs::remove_file(&log).unwrap();
        }
        assert!(
            text.contains("provider.terraform-provider-krony"),
            "{what}: the provider's log is not there"
        );
        for (name, needle) in self.needles() {
            let found = text.lines().find(|line| line.contains(&needle));
            assert_eq!(found, None, "{what}: terraform {} gives {name} away", arguments.join(" "));
        }
        text
    }

    fn plan(&self, what: &str, code: i32) -> String {
        self.run(what, &["plan", "-no-color", "-detailed-exitcode"], code)
    }

    fn apply(&self, what: &str, code: i32) -> String {
        self.run(what, &["apply", "-no-color", "-auto-approve", "-refresh=false"], code)
    }

    /// Whether all secrets of a round have reached the server, without which it would be no wonder that none is found.
    fn assert_sent(&self, round: usize) {
        let sent: String = self.proxy.seen().iter().map(ToString::to_string).collect();
        for name in SECRETS {
            let expected = match (name, self.auth) {
                ("client_key", _) | ("token", Auth::Basic) | ("password", Auth::Bearer) => continue,
                ("password", _) => BASE64_STANDARD.encode(format!("krony:{}", value(name, round))),
                ("payload", _) => BASE64_STANDARD.encode(value(name, round)),
                _ => word(name, round),
            };
            assert!(sent.contains(&expected), "{name} was not sent");
        }
    }

    /// What dkron or somebody else says about a job, in a few words, of which none is lost when a long text is cut.
    fn quotes(&self, kind: &str) -> Vec<(&'static str, Reply)> {
        let name = json!(format!("{}_{kind}", self.label()));
        let bodies = self.proxy.seen().into_iter().filter(|seen| seen.method == "POST");
        let mut jobs = bodies.filter_map(|seen| serde_json::from_str::<Value>(&seen.body).ok());
        let settings = jobs.rfind(|job| job["name"] == name).unwrap()["executor_config"].clone();
        let values: Vec<_> = settings.as_object().unwrap().values().filter_map(Value::as_str).collect();
        let reason = format!("Job contains invalid value: {}.", values.join(" "));
        let document = json!({ "executor_config": settings }).to_string();
        let whom = |reply: Reply| reply.header("x-whom", self.node.name());
        vec![
            ("400 of dkron with the reason", whom(Reply::new(400, &reason))),
            ("500 of dkron with the job", whom(Reply::new(500, &document))),
            ("400 of a gateway with the reason", Reply::new(400, &reason)),
            ("400 of a gateway with the job", Reply::new(400, &document)),
        ]
    }

    /// All requests get this fault.
    fn reads_meet(&self, what: &str, fault: Fault) {
        self.proxy.inject(Rule::new("*", "*", fault));
        self.plan(what, 1);
        self.proxy.heal();
    }

    /// Writes get this fault.
    fn writes_meet(&self, what: &str, fault: Fault) {
        self.proxy.inject(Rule::new("POST", "*", fault));
        self.apply(what, 1);
        self.proxy.heal();
    }
}

/// Answers that repeat what they were sent.
fn echoes(node: &str) -> Vec<(&'static str, Reply)> {
    let whom = |reply: Reply| reply.header("x-whom", node);
    vec![
        ("401", Reply::new(401, "")),
        ("403 as a page", Reply::html(403, "")),
        ("a page", Reply::html(200, "")),
        ("a text", Reply::new(200, "")),
        ("500 of a gateway", Reply::new(500, "")),
        ("418", Reply::new(418, "")),
        ("400 of dkron", whom(Reply::new(400, ""))),
        ("500 of dkron", whom(Reply::new(500, ""))),
    ]
}

/// A server of HTTPS that repeats what it is sent, and its certificate as PEM.
fn tls_echo() -> (String, String) {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let chain: Vec<CertificateDer<'static>> = vec![own.cert.der().clone()];
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut request = [0; 8192];
            // A client that does not trust us goes away, which is its right.
            let Ok(length) = stream.read(&mut request) else { continue };
            let head = format!("HTTP/1.1 418 Echo\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &request[..length]].concat());
        }
    });
    (url, own.cert.pem())
}

fn nothing_gives_a_secret_away(auth: Auth, log_to_file: bool) {
    let mut scene = Scene::new(auth, log_to_file);
    let key = scene.client.1.clone();

    scene.apply("creation", 0);
    scene.assert_sent(1);
    scene.plan("an empty plan", 0);
    scene.set_secrets(2, &key);
    scene.plan("a plan that changes secrets", 2);

    for (what, reply) in echoes(scene.node.name()) {
        scene.writes_meet(what, Fault::Echo(reply.clone()));
        scene.reads_meet(what, Fault::Echo(reply));
    }
    for kind in ["http", "shell", "generic", "write_only"] {
        let target = format!("-target=krony_job.{kind}");
        for (what, reply) in scene.quotes(kind) {
            scene.proxy.inject(Rule::new("POST", "*", Fault::Answer(reply.clone())));
            scene.run(what, &["apply", "-no-color", "-auto-approve", "-refresh=false", &target], 1);
            scene.proxy.heal();
            if what.contains("the job") {
                scene.reads_meet(what, Fault::Answer(reply));
            }
        }
    }
    scene.apply("a change", 0);
    scene.assert_sent(2);

    // What dkron has, in a form that cannot be read.
    let job = format!("{}_shell", scene.label());
    let mut broken = scene.node.job(&job).unwrap().unwrap();
    merge(&mut broken, json!({"retries": "many"}));
    let broken = Reply::json(200, &broken).header("x-whom", scene.node.name());
    scene.reads_meet("a job that cannot be read", Fault::Answer(broken));
    let redirect = format!("http://elsewhere.example/{}?t={}", word("header", 1), word("token", 1));
    scene.reads_meet("a redirect", Fault::Answer(Reply::redirect(&redirect)));

    // A job that is there already, and another one than is wanted.
    let address = "krony_job.shell";
    scene.workspace.expect(&["state", "rm", address]).unwrap();
    scene.set_secrets(1, &key);
    let text = scene.apply("a job that is there already", 1);
    assert!(text.contains("exists already"), "{text}");
    scene.workspace.env("KRONY_ADOPT", "identical");
    scene.apply("a job that is there already and another", 1);
    scene.run("an import", &["import", "-no-color", address, &job], 0);
    scene.apply("after the import", 0);

    tls_gives_no_secret_away(&mut scene);
    scene.run("destruction", &["destroy", "-no-color", "-auto-approve"], 0);
}

fn tls_gives_no_secret_away(scene: &mut Scene) {
    let (url, certificate) = tls_echo();
    scene.workspace.env("KRONY_ENDPOINT", &url).env("KRONY_CA_CERT", &scene.client.0);
    let text = scene.plan("a server that is not trusted", 1);
    assert!(text.contains("certificate"), "{text}");
    scene.workspace.env("KRONY_CA_CERT", certificate);
    let text = scene.plan("an echo over TLS", 1);
    assert!(text.contains("418"), "{text}");

    // Keys that are none, with and without their frame.
    let body: String = scene.client.1.lines().filter(|line| !line.starts_with("-----")).collect();
    for key in [body.clone(), format!("-----BEGIN PRIVATE KEY-----\n!{body}\n-----END PRIVATE KEY-----\n")] {
        scene.set_secrets(1, &key);
        scene.plan("a key that is none", 1);
    }
    scene.set_secrets(1, &scene.client.1);
    scene.workspace.env("KRONY_ENDPOINT", scene.proxy.url());
}

#[test]
fn nothing_gives_a_secret_away_with_basic_authentication() {
    nothing_gives_a_secret_away(Auth::Basic, true);
}

#[test]
fn nothing_gives_a_secret_away_with_a_token() {
    nothing_gives_a_secret_away(Auth::Bearer, false);
}
