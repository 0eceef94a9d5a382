//! Write-only secrets: they reach dkron and stay out of state, a new version rotates them, and a change of them on the
//! server is seen.

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use receiver::Server;
use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::proxy::{Fault, Proxy, Reply, Rule, Seen};
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    apply, arguments, assert_plan_is_empty, each_terraform, errors, findings, job, merge, shared_node, stage,
    workspace,
};

/// An attribute with a write-only form, and what becomes of it.
struct Secret {
    form: &'static str,
    plain: &'static str,
    write_only: &'static str,
    /// The least configuration of the executor.
    base: Value,
    /// The attribute's value with this text in it, as configuration and as a setting of the plugin.
    value: fn(&str) -> Value,
    key: &'static str,
    setting: fn(&str) -> String,
}

fn secrets() -> Vec<Secret> {
    fn text(secret: &str) -> Value {
        json!(secret)
    }
    fn header(secret: &str) -> Value {
        json!({ "X-Secret": secret })
    }
    fn headers(secret: &str) -> String {
        json!([format!("X-Secret: {secret}")]).to_string()
    }
    vec![
        Secret {
            form: "http",
            plain: "headers",
            write_only: "headers_wo",
            base: json!({"url": "http://127.0.0.1:9"}),
            value: header,
            key: "headers",
            setting: headers,
        },
        Secret {
            form: "grpc",
            plain: "headers",
            write_only: "headers_wo",
            base: json!({"url": "h:1/a.B/C"}),
            value: header,
            key: "headers",
            setting: headers,
        },
        Secret {
            form: "shell",
            plain: "env",
            write_only: "env_wo",
            base: json!({"command": "true"}),
            value: |secret| json!({ "SECRET": secret }),
            key: "env",
            setting: |secret| format!("SECRET={secret}"),
        },
        Secret {
            form: "kafka",
            plain: "sasl_password",
            write_only: "sasl_password_wo",
            base: json!({
                "broker_address": "a:1", "topic": "t", "sasl_username": "u", "sasl_mechanism": "sha256",
                "tls_enable": true,
            }),
            value: text,
            key: "saslPassword",
            setting: str::to_owned,
        },
        Secret {
            form: "nats",
            plain: "password",
            write_only: "password_wo",
            base: json!({"url": "nats://h", "subject": "s", "username": "u"}),
            value: text,
            key: "password",
            setting: str::to_owned,
        },
        Secret {
            form: "executor",
            plain: "sensitive_config",
            write_only: "config_wo",
            base: json!({"name": "other", "config": {"topic": "t"}}),
            value: |secret| json!({ "word": secret }),
            key: "word",
            setting: str::to_owned,
        },
    ]
}

#[test]
fn every_write_only_argument_is_tested() {
    let mut tested: Vec<String> = secrets()
        .iter()
        .flat_map(|secret| {
            let name = format!("{}.{}", secret.form, secret.write_only);
            [format!("{name}_version"), name]
        })
        .collect();
    tested.sort_unstable();
    let mut expected: Vec<String> = arguments().into_iter().filter(|name| name.contains("_wo")).collect();
    expected.sort_unstable();
    assert_eq!(tested, expected);
}

/// How configuration says the secret.
#[derive(Clone, Copy)]
enum Said {
    Plain,
    /// With this version.
    WriteOnly(i64),
}

/// A job for each secret, in a workspace in which the secret is an ephemeral variable.
struct Scene {
    node: Arc<Node>,
    proxy: Proxy,
    workspace: Workspace,
    prefix: &'static str,
}

impl Scene {
    fn new(terraform: &Terraform, prefix: &'static str) -> Self {
        let node = shared_node();
        let proxy = Proxy::start(&node.url()).unwrap();
        let workspace = workspace(terraform, &proxy.url());
        Self { node, proxy, workspace, prefix }
    }

    fn name(&self, secret: &Secret) -> String {
        format!("{}_{}", self.prefix, secret.form)
    }

    fn resource(&self, secret: &Secret, said: Said) -> Value {
        let mut settings = secret.base.clone();
        let said = match said {
            Said::Plain => json!({ secret.plain: (secret.value)("${var.plain}") }),
            Said::WriteOnly(version) => json!({
                secret.write_only: (secret.value)("${var.secret}"),
                format!("{}_version", secret.write_only): version,
            }),
        };
        merge(&mut settings, said);
        json!({"name": self.name(secret), "schedule": "@manually", "tags": {}, secret.form: settings})
    }

    fn configure(&self, said: Said, secret: &str) {
        let resources: Value =
            secrets().iter().map(|secret| (secret.form.to_owned(), self.resource(secret, said))).collect();
        let config = json!({
            "variable": {
                "plain": {"type": "string", "sensitive": true},
                "secret": {"type": "string", "ephemeral": true},
            },
            "resource": {"krony_job": resources},
        });
        self.workspace.write("main.tf.json", &format!("{config:#}")).unwrap();
        let (plain, secret) = match said {
            Said::Plain => (secret, ""),
            Said::WriteOnly(_) => ("", secret),
        };
        let variables = json!({ "plain": plain, "secret": secret }).to_string();
        self.workspace.write("terraform.tfvars.json", &variables).unwrap();
    }

    /// The text that dkron has in each of the jobs.
    #[track_caller]
    fn assert_written(&self, text: &str) {
        for secret in secrets() {
            let job = self.node.job(&self.name(&secret)).unwrap().unwrap();
            assert_eq!(job["executor_config"][secret.key], (secret.setting)(text), "{}", secret.form);
        }
    }

    /// Neither state nor private data have the text; state has the version.
    #[track_caller]
    fn assert_not_kept(&self, text: &str, version: i64) {
        let state = self.workspace.read("terraform.tfstate").unwrap();
        assert!(!state.contains(text), "state gives {text} away");
        let state: Value = serde_json::from_str(&state).unwrap();
        for resource in state["resources"].as_array().unwrap() {
            let private = resource["instances"][0]["private"].as_str().unwrap();
            let private = String::from_utf8(BASE64_STANDARD.decode(private).unwrap()).unwrap();
            assert!(private.contains("\"salt\"") && !private.contains(text), "{private}");
        }
        for secret in secrets() {
            let address = format!("krony_job.{}", secret.form);
            let form = self.workspace.attributes(&address).unwrap().unwrap()[secret.form].clone();
            assert_eq!(form[secret.plain], Value::Null, "{address}");
            assert_eq!(form[secret.write_only], Value::Null, "{address}");
            assert_eq!(form[format!("{}_version", secret.write_only)], version, "{address}");
        }
    }

    /// The actions of a plan, by executor.
    fn actions(&self) -> Vec<Value> {
        let plan = self.workspace.plan_json(&[]).unwrap();
        let changes = plan["resource_changes"].as_array().unwrap();
        changes.iter().map(|change| change["change"]["actions"].clone()).collect()
    }

    #[track_caller]
    fn assert_all_change(&self) {
        assert_eq!(self.actions(), vec![json!(["update"]); secrets().len()]);
    }

    /// The writes of jobs, without the proof that the leader has caught up.
    fn writes(&self) -> usize {
        let is_write =
            |seen: &&Seen| seen.method != "GET" && seen.job().is_none_or(|name| name != "krony-barrier");
        self.proxy.seen().iter().filter(is_write).count()
    }
}

fn secrets_live_outside_of_state(terraform: &Terraform, prefix: &'static str) {
    let scene = Scene::new(terraform, prefix);
    scene.configure(Said::WriteOnly(1), "canary-1");
    apply(&scene.workspace);
    scene.assert_written("canary-1");
    scene.assert_not_kept("canary-1", 1);

    // An unchanged job costs one look.
    scene.proxy.reset_count();
    assert_plan_is_empty(&scene.workspace);
    assert_eq!(scene.proxy.seen().len(), secrets().len(), "{:?}", scene.proxy.counts());

    // Another value alone changes nothing, for Terraform does not know of it; with another version it does.
    scene.configure(Said::WriteOnly(1), "canary-2");
    assert_plan_is_empty(&scene.workspace);
    scene.configure(Said::WriteOnly(2), "canary-2");
    scene.assert_all_change();
    let plan = scene.workspace.json(&["show", "-json", "plan.bin"]).unwrap().to_string();
    assert!(!plan.contains("canary"), "the plan gives the secrets away");
    apply(&scene.workspace);
    scene.assert_written("canary-2");
    scene.assert_not_kept("canary-2", 2);

    // Another version of the same value has nothing to write.
    scene.configure(Said::WriteOnly(3), "canary-2");
    scene.proxy.reset_count();
    apply(&scene.workspace);
    assert_eq!(scene.writes(), 0);
    scene.assert_not_kept("canary-2", 3);

    // Somebody changes all of them on the server.
    for secret in secrets() {
        let mut job = scene.node.job(&scene.name(&secret)).unwrap().unwrap();
        merge(&mut job, json!({"executor_config": {secret.key: (secret.setting)("drift")}}));
        scene.node.put_job(&job).unwrap();
    }
    scene.assert_all_change();
    scene.workspace.apply(&["-refresh-only"]).unwrap();
    let state = scene.workspace.read("terraform.tfstate").unwrap();
    assert!(!state.contains("drift"), "state gives the server's secrets away");
    apply(&scene.workspace);
    scene.assert_written("canary-2");
    scene.assert_not_kept("canary-2", 3);

    // Each form takes the other's place.
    scene.configure(Said::Plain, "canary-3");
    apply(&scene.workspace);
    scene.assert_written("canary-3");
    scene.configure(Said::WriteOnly(3), "canary-3");
    scene.proxy.reset_count();
    apply(&scene.workspace);
    assert_eq!(scene.writes(), 0, "the value stays");
    scene.assert_not_kept("canary-3", 3);
    scene.configure(Said::Plain, "canary-3");
    apply(&scene.workspace);

    // What is imported has them all in state, until they are write-only.
    for secret in secrets() {
        let address = format!("krony_job.{}", secret.form);
        scene.workspace.expect(&["state", "rm", &address]).unwrap();
        let import = json!({"import": {"to": address, "id": scene.name(&secret)}}).to_string();
        scene.workspace.write(&format!("import_{}.tf.json", secret.form), &import).unwrap();
    }
    scene.configure(Said::WriteOnly(1), "imported");
    apply(&scene.workspace);
    scene.assert_written("imported");
    scene.assert_not_kept("imported", 1);
    scene.workspace.destroy(&[]).unwrap();
}

#[test]
fn secrets_live_outside_of_state_in_the_users_terraform() {
    let [users, _] = each_terraform();
    secrets_live_outside_of_state(&users, "wo_users");
}

#[test]
fn secrets_live_outside_of_state_in_the_newest_terraform() {
    let [_, newest] = each_terraform();
    secrets_live_outside_of_state(&newest, "wo_newest");
}

/// Nobody knows whether a write that failed has happened: either way the next apply puts it right.
#[test]
fn a_rotation_that_failed_is_made_up_for() {
    let scene = Scene::new(&Terraform::on_path().unwrap(), "wo_failed");
    scene.configure(Said::WriteOnly(1), "before");
    apply(&scene.workspace);

    scene.configure(Said::WriteOnly(2), "after");
    let refused = Reply::new(400, "Job contains invalid value: no.").header("x-whom", scene.node.name());
    scene.proxy.inject(Rule::new("POST", "*", Fault::Answer(refused)));
    errors(&scene.workspace, &["apply"]);
    scene.proxy.heal();
    scene.assert_written("before");
    scene.assert_all_change();
    apply(&scene.workspace);
    scene.assert_written("after");
    scene.assert_not_kept("after", 2);

    // The way from one form to the other fails as well.
    scene.configure(Said::Plain, "canary-3");
    let refused = Reply::new(400, "Job contains invalid value: no.").header("x-whom", scene.node.name());
    scene.proxy.inject(Rule::new("POST", "*", Fault::Answer(refused)));
    errors(&scene.workspace, &["apply"]);
    scene.proxy.heal();
    scene.assert_not_kept("after", 2);
    apply(&scene.workspace);
    scene.assert_written("canary-3");
    scene.workspace.destroy(&[]).unwrap();
}

/// The secret that nobody stores is the one that the job calls with. Two of its headers do not arrive as they are
/// written, which the plan says.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_calls_with_its_write_only_headers() {
    let receiver = Server::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let (node, workspace) = stage();
    let headers = "{ Authorization = \"Bearer canary\", Host = \"elsewhere\", X-Url = \"a:b\" }";
    let rest = format!(
        "  schedule = \"@every 1s\"\n  http = {{\n    url = \"{}/log/wo_calls\"\n    headers_wo = {headers}\n    \
         headers_wo_version = 1\n  }}",
        receiver.base_url()
    );
    workspace.write("main.tf", &job("wo_calls", &rest)).unwrap();
    let plan = workspace.run(&["plan", "-json"]).unwrap();
    let warnings: Vec<_> = findings(&plan).into_iter().map(|finding| finding.summary).collect();
    assert!(warnings.contains(&"Header without effect".to_owned()), "{warnings:?}");
    assert!(warnings.contains(&"Header is cut".to_owned()), "{warnings:?}");

    workspace.apply(&[]).unwrap();
    assert!(receiver.wait("wo_calls", 1, None, Duration::from_secs(60)).await.reached(), "nobody called");
    let call = &receiver.calls("wo_calls")[0];
    assert_eq!(call.header("authorization"), Some("Bearer canary"));
    assert_ne!(call.header("host"), Some("elsewhere"));
    assert_eq!(call.header("x-url"), Some("a"));
    workspace.destroy(&[]).unwrap();
    assert!(node.job("wo_calls").unwrap().is_none());
}

/// The errors of a configuration with one job.
fn refused(rest: &str) -> Vec<(String, String)> {
    let workspace = workspace(&Terraform::on_path().unwrap(), &shared_node().url());
    let job = job("wo_refused", &format!("  schedule = \"@manually\"\n  {rest}"));
    workspace.write("main.tf", &job).unwrap();
    errors(&workspace, &["plan"]).into_iter().map(|error| (error.summary, error.detail)).collect()
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let cases = [
        (
            "shell = {\n    command = \"true\"\n    env_wo = { A = \"b\" }\n  }",
            "Write-only argument without a version",
            "`env_wo_version`",
        ),
        (
            "shell = {\n    command = \"true\"\n    env_wo_version = 1\n  }",
            "Version without a write-only argument",
            "belongs to `env_wo`",
        ),
        (
            "http = {\n    url = \"http://h\"\n    headers = { A = \"1\" }\n    headers_wo = { A = \"1\" }\n    \
             headers_wo_version = 1\n  }",
            "The same secret twice",
            "`headers` or `headers_wo`",
        ),
        (
            "http = {\n    url = \"http://h\"\n    headers_wo = { \"A B\" = \"1\" }\n    headers_wo_version = 1\n  }",
            "Invalid header",
            "header name",
        ),
        (
            "shell = {\n    command = \"true\"\n    env_wo = { A = \"1,2\" }\n    env_wo_version = 1\n  }",
            "Comma in an environment variable",
            "comma",
        ),
        (
            "executor = {\n    name = \"x\"\n    config = { A = \"1\" }\n    config_wo = { A = \"1\" }\n    \
             config_wo_version = 1\n  }",
            "The same key twice",
            "`config` and in `config_wo`",
        ),
    ];
    for (rest, summary, detail) in cases {
        let errors = refused(rest);
        let fits = |(found, text): &(String, String)| found == summary && text.contains(detail);
        assert!(errors.len() == 1 && errors.iter().all(fits), "{rest}:\n{errors:#?}");
    }
}

#[test]
fn an_old_terraform_is_told_that_it_has_no_write_only_arguments() {
    let workspace = workspace(&Terraform::v1_8().unwrap(), &shared_node().url());
    let rest = "  schedule = \"@manually\"\n  shell = {\n    command = \"true\"\n    env_wo = { A = \"canary\" }\n    \
                env_wo_version = 1\n  }";
    workspace.write("main.tf", &job("wo_old", rest)).unwrap();
    let plan = workspace.run(&["plan", "-no-color"]).unwrap();
    assert_eq!(plan.code, 1, "{}", plan.text());
    assert!(plan.text().contains("1.11"), "{}", plan.text());
}
