//! Jobs that exist come under Terraform's management without a change.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::terraform::{Terraform, Workspace};

use crate::support::{
    arguments, assert_plan_is_empty, each_terraform, errors, job, merge, stage, workspace, written,
};

/// A job in dkron, and the configuration that says the same.
struct Form {
    job: Value,
    config: Value,
}

/// By the name of the job, which is the label of its resource.
fn forms() -> BTreeMap<&'static str, Form> {
    let mut forms = BTreeMap::from([
        ("http_all", http_all()),
        ("http_least", http_least()),
        ("http_generic", http_generic()),
        ("shell_all", shell_all()),
        ("shell_least", shell_least()),
        ("grpc_all", grpc_all()),
        ("kafka_all", kafka_all()),
        ("nats_all", nats_all()),
        ("rabbitmq_all", rabbitmq_all()),
        ("rabbitmq_least", rabbitmq_least()),
        ("rabbitmq_generic", rabbitmq_generic()),
        ("gcppubsub_all", gcppubsub_all()),
        ("plugin_all", plugin_all()),
        ("child", child()),
    ]);
    for (name, form) in &mut forms {
        form.job["name"] = json!(name);
        form.config["name"] = json!(name);
    }
    forms
}

fn http_all() -> Form {
    let job = json!({
        "displayname": "All of \"http\"", "schedule": "0 30 4 * * *", "timezone": "Europe/Berlin",
        "owner": "me", "owner_email": "me@example.com", "disabled": true, "tags": {"server": "true:1"},
        "metadata": {"team": "a", "krony.managed-by": "hidden"}, "retries": 2, "concurrency": "forbid",
        "ephemeral": true, "expires_at": "2041-01-01T00:00:00Z", "executor": "http",
        "executor_config": {
            "method": "POST", "url": "https://example.com/?a=${b}", "headers": "[\"B:2\", \"A:  %{1} \\\"x\\\"\"]",
            "body": "line 1\nline 2", "timeout": "90", "expectCode": "404, 200", "expectBody": "^ok$",
            "debug": "true", "tlsNoVerifyPeer": "true", "tlsRootCAsFile": "/ca", "tlsCertificateFile": "/cert",
            "tlsCertificateKeyFile": "/key",
        },
        "processors": {
            "files": {"forward": "true", "log_dir": "/var/log/a"}, "log": {"forward": "true"}, "syslog": {"forward": "false"},
            "fluent": {"forward": "true"}, "email": {"to": "a"},
        },
    });
    let config = json!({
        "display_name": "All of \"http\"", "schedule": "0 30 4 * * *", "timezone": "Europe/Berlin",
        "owner": "me", "owner_email": "me@example.com", "disabled": true, "tags": {"server": "true:1"},
        "metadata": {"team": "a"}, "retries": 2, "concurrency": "forbid", "ephemeral": true,
        "expires_at": "2041-01-01T00:00:00Z",
        "http": {
            "method": "POST", "url": "https://example.com/?a=$${b}", "headers": {"A": "%%{1} \"x\"", "B": "2"},
            "body": "line 1\nline 2", "timeout": "90s", "expected_codes": [200, 404], "expected_body": "^ok$",
            "debug": true, "tls_skip_verify": true, "tls_ca_file": "/ca", "tls_cert_file": "/cert",
            "tls_key_file": "/key",
        },
        "processors": {
            "files": {"forward": true, "log_dir": "/var/log/a"}, "log": {"forward": true}, "syslog": {"forward": false},
            "fluent": {"forward": true}, "other": {"email": {"to": "a"}},
        },
    });
    Form { job, config }
}

fn http_least() -> Form {
    let settings = json!({"method": "GET", "url": "http://127.0.0.1:9"});
    Form {
        job: json!({"schedule": "@manually", "executor": "http", "executor_config": settings}),
        config: json!({
            "schedule": "@manually", "http": {"url": "http://127.0.0.1:9", "expected_codes": []}
        }),
    }
}

/// A header twice: no map can say that.
fn http_generic() -> Form {
    let headers = r#"["A: 1","A: 2"]"#;
    let settings = json!({"method": "GET", "url": "http://127.0.0.1:9", "headers": headers});
    Form {
        job: json!({"schedule": "@manually", "executor": "http", "executor_config": settings}),
        config: json!({"schedule": "@manually", "executor": {
            "name": "http", "config": {"method": "GET", "url": "http://127.0.0.1:9"},
            "sensitive_config": {"headers": headers},
        }}),
    }
}

fn shell_all() -> Form {
    let job = json!({
        "schedule": "@every 1h", "tags": {"dc": "x"}, "processors": {"log": {}}, "executor": "shell",
        "executor_config": {
            "command": "echo \"$A\"", "shell": "true", "env": "B=2,A=1 x", "cwd": "/tmp", "timeout": "1h",
            "payload": "aGVsbG8K", "su": "nobody", "mem_limit": "1GB",
        },
    });
    let config = json!({
        "schedule": "@every 1h", "tags": {"dc": "x"}, "processors": {"log": {}},
        "shell": {
            "command": "echo \"$A\"", "use_shell": true, "env": {"A": "1 x", "B": "2"}, "cwd": "/tmp",
            "timeout": "1h", "payload": "hello\n", "su": "nobody", "mem_limit": "1GB",
        },
    });
    Form { job, config }
}

/// As a backup restores it: without a word about concurrency.
fn shell_least() -> Form {
    Form {
        job: json!({
            "schedule": "@manually", "concurrency": "", "executor": "shell",
            "executor_config": {"command": "true"},
        }),
        config: json!({"schedule": "@manually", "shell": {"command": "true"}}),
    }
}

/// A job of an executor with these settings, and the form of it in configuration.
fn executor(name: &str, settings: &Value, form: &str, config: &Value) -> Form {
    Form {
        job: json!({"schedule": "@manually", "executor": name, "executor_config": settings}),
        config: json!({"schedule": "@manually", form: config}),
    }
}

fn grpc_all() -> Form {
    let settings = json!({
        "url": "h:1/a.B/C", "body": "{}", "timeout": "60", "expectCode": "5", "headers": "[ \"B:2\", \"A: 1\" ]",
    });
    let config = json!({
        "url": "h:1/a.B/C", "body": "{}", "timeout": "60s", "expected_code": 5, "headers": {"A": "1", "B": "2"},
    });
    executor("grpc", &settings, "grpc", &config)
}

fn kafka_all() -> Form {
    let settings = json!({
        "brokerAddress": "a:1,b:2", "topic": "t", "key": "k", "message": "m", "tlsEnable": "true",
        "tlsInsecureSkipVerify": "false", "saslUsername": "u", "saslPassword": "p", "saslMechanism": "sha512",
        "debug": "true",
    });
    let config = json!({
        "broker_address": "a:1,b:2", "topic": "t", "key": "k", "message": "m", "tls_enable": true,
        "tls_skip_verify": false, "sasl_username": "u", "sasl_password": "p", "sasl_mechanism": "sha512",
        "debug": true,
    });
    executor("kafka", &settings, "kafka", &config)
}

fn nats_all() -> Form {
    let settings = json!({
        "url": "tls://h", "subject": "s", "message": "m", "userName": "u", "password": "p", "debug": "true",
    });
    let config = json!({
        "url": "tls://h", "subject": "s", "message": "m", "username": "u", "password": "p", "debug": true,
    });
    executor("nats", &settings, "nats", &config)
}

fn rabbitmq_all() -> Form {
    let settings = json!({
        "url": "amqp://h", "exchange": "e", "queue.name": "q", "queue.create": "true", "queue.durable": "true",
        "queue.auto_delete": "false", "queue.exclusive": "false", "message.content_type": "text/html",
        "message.delivery_mode": "2", "message.messageId": "i", "message.base64Body": "/w==",
    });
    let config = json!({
        "url": "amqp://h", "exchange": "e",
        "queue": {"name": "q", "create": true, "durable": true, "auto_delete": false, "exclusive": false},
        "message": {"content_type": "text/html", "delivery_mode": 2, "message_id": "i", "base64_body": "/w=="},
    });
    executor("rabbitmq", &settings, "rabbitmq", &config)
}

fn rabbitmq_least() -> Form {
    executor(
        "rabbitmq",
        &json!({"url": "amqp://h", "queue.name": "q", "message.body": "b"}),
        "rabbitmq",
        &json!({"url": "amqp://h", "queue": {"name": "q"}, "message": {"body": "b"}}),
    )
}

/// A password in the address, which only the generic form hides.
fn rabbitmq_generic() -> Form {
    let url = "amqp://guest:guest@h/";
    executor(
        "rabbitmq",
        &json!({"url": url, "queue.name": "q"}),
        "executor",
        &json!({
            "name": "rabbitmq", "config": {"queue.name": "q"},
            "sensitive_config": {"url": url},
        }),
    )
}

fn gcppubsub_all() -> Form {
    let settings =
        json!({"project": "p", "topic": "t", "data": "ZA==", "attributes": r#"{ "b": "2", "a": "1" }"#});
    let config = json!({"project": "p", "topic": "t", "data": "d", "attributes": {"a": "1", "b": "2"}});
    executor("gcppubsub", &settings, "gcppubsub", &config)
}

fn plugin_all() -> Form {
    Form {
        job: json!({
            "schedule": "@manually", "executor": "kafka",
            "executor_config": {"topic": "t", "key": "", "saslPassword": "p", "api_token": "q"},
        }),
        config: json!({"schedule": "@manually", "executor": {
            "name": "kafka", "config": {"topic": "t", "key": ""},
            "sensitive_config": {"saslPassword": "p", "api_token": "q"},
        }}),
    }
}

fn child() -> Form {
    Form {
        job: json!({"parent_job": "shell_all", "executor": "shell", "executor_config": {"command": "true"}}),
        config: json!({"parent_job": "shell_all", "shell": {"command": "true"}}),
    }
}

/// dkron does not keep `starts_at`, and knows nothing of timeouts and of versions of secrets. Jobs of tenants have
/// tests of their own.
fn is_kept(argument: &str) -> bool {
    let is_write_only = argument.ends_with("_wo") || argument.ends_with("_wo_version");
    !["starts_at", "tenant"].contains(&argument) && !argument.starts_with("timeouts.") && !is_write_only
}

#[test]
fn the_forms_set_every_argument() {
    let configs: Vec<Value> = forms().into_values().map(|form| form.config).collect();
    let is_set = |argument: &String| {
        let pointer = format!("/{}", argument.replace('.', "/"));
        configs.iter().any(|config| config.pointer(&pointer).is_some())
    };
    let missing: BTreeSet<String> =
        arguments().into_iter().filter(|argument| is_kept(argument) && !is_set(argument)).collect();
    assert_eq!(missing, BTreeSet::new());
}

/// A node with a job of each form.
fn node_with_jobs() -> Node {
    let node = Node::start().unwrap();
    let (children, others): (Vec<_>, Vec<_>) =
        forms().into_values().partition(|form| form.job.get("parent_job").is_some());
    for form in others.iter().chain(&children) {
        node.put_job(&form.job).unwrap();
    }
    node
}

fn configuration() -> String {
    let jobs: serde_json::Map<_, _> =
        forms().into_iter().map(|(name, form)| (name.to_owned(), form.config)).collect();
    format!("{:#}", json!({"resource": {"krony_job": jobs}}))
}

fn import_blocks() -> String {
    let block = |name| format!("import {{\n  to = krony_job.{name}\n  id = \"{name}\"\n}}\n");
    forms().into_keys().map(block).collect()
}

/// Applies what must be imports and nothing else.
fn apply_imports(workspace: &Workspace) {
    let applied = workspace.apply(&[]).unwrap();
    let summary = format!("Resources: {} imported, 0 added, 0 changed, 0 destroyed.", forms().len());
    assert!(applied.stdout.contains(&summary), "{}", applied.text());
    assert_plan_is_empty(workspace);
}

fn every_form_is_imported(terraform: &Terraform) {
    let node = node_with_jobs();
    let before: Vec<_> = forms().into_keys().map(|name| written(&node, name)).collect();

    let by_command = workspace(terraform, &node.url());
    by_command.write("main.tf.json", &configuration()).unwrap();
    for name in forms().into_keys() {
        by_command.import(&format!("krony_job.{name}"), name).unwrap();
    }
    assert_plan_is_empty(&by_command);

    let by_block = workspace(terraform, &node.url());
    by_block.write("main.tf.json", &configuration()).unwrap();
    by_block.write("import.tf", &import_blocks()).unwrap();
    apply_imports(&by_block);

    let generated = workspace(terraform, &node.url());
    generated.write("import.tf", &import_blocks()).unwrap();
    generated.plan(&["-generate-config-out=generated.tf"]).unwrap();
    let text = generated.read("generated.tf").unwrap();
    generated.write("generated.tf", &fill_in(&text)).unwrap();
    apply_imports(&generated);

    let after: Vec<_> = forms().into_keys().map(|name| written(&node, name)).collect();
    assert_eq!(before, after, "an import changed a job");
}

/// Replaces the null of each line that Terraform marks as sensitive by what the job has there. Nothing else changes.
fn fill_in(generated: &str) -> String {
    let forms = forms();
    let mut path: Vec<String> = Vec::new();
    let mut filled = 0;
    let mut fill = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["resource", "\"krony_job\"", label, "{"] => path.push(label.trim_matches('"').to_owned()),
            [name, "=", "{"] => path.push((*name).to_owned()),
            ["}"] => drop(path.pop()),
            [name, "=", "null", "#", "sensitive"] => {
                let (label, around) = path.split_first().unwrap();
                let pointer = format!("/{}/{name}", around.join("/"));
                let value = forms[label.as_str()].config.pointer(&pointer).unwrap_or(&Value::Null);
                filled += usize::from(!value.is_null());
                return line.replace("null # sensitive", &value.to_string());
            }
            _ => {}
        }
        line.to_owned()
    };
    let text: Vec<String> = generated.lines().map(&mut fill).collect();
    assert!(path.is_empty(), "the generated configuration was not understood:\n{generated}");
    // Headers of two, env, payload, two passwords, and the sensitive settings of three plugins.
    assert_eq!(filled, 9, "{generated}");
    text.join("\n") + "\n"
}

#[test]
fn every_form_is_imported_by_the_users_terraform() {
    let [users, _] = each_terraform();
    every_form_is_imported(&users);
}

#[test]
fn every_form_is_imported_by_the_newest_terraform() {
    let [_, newest] = each_terraform();
    every_form_is_imported(&newest);
}

/// A spelling of its own survives an import: only what differs in meaning is a change.
#[test]
fn what_differs_shows_in_the_plan_of_an_import() {
    let (node, workspace) = stage();
    let mut form = shell_all();
    merge(&mut form.job, json!({"name": "import_differs"}));
    node.put_job(&form.job).unwrap();
    let rest = "  schedule = \"@every 1h\"\n  owner = \"new\"\n  shell = { command = \"other\" }";
    let import = "import {\n  to = krony_job.import_differs\n  id = \"import_differs\"\n}\n";
    workspace.write("main.tf", &(job("import_differs", rest) + import)).unwrap();
    let plan = workspace.plan_json(&[]).unwrap();
    let change = &plan["resource_changes"][0]["change"];
    assert_eq!(change["actions"], json!(["update"]));
    assert_eq!(change["before"]["owner"], Value::Null);
    assert_eq!(change["before"]["shell"]["command"], "echo \"$A\"");
    assert_eq!(change["after"]["owner"], "new");
    node.delete_job("import_differs").unwrap();
}

#[test]
fn an_import_that_cannot_be_says_why() {
    let (_node, workspace) = stage();
    let rest = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";
    workspace.write("main.tf", &job("import_none", rest)).unwrap();
    for (id, summary, detail) in [
        ("import_none", "Cannot import non-existent remote object", "no object exists with the given id"),
        ("Import_None", "Invalid import id", "Did you mean \"import_none\"?"),
        ("acme/b/c", "Invalid import id", "found \"/\""),
        ("a/b", "Invalid import id", "Expected 2 to 32"),
        ("krony--tenant-a", "Invalid import id", "reserved"),
    ] {
        let command = workspace.run(&["import", "-no-color", "krony_job.import_none", id]).unwrap();
        assert_eq!(command.code, 1, "{}", command.text());
        assert!(command.stderr.contains(&format!("Error: {summary}")), "{id}: {}", command.text());

        let import = format!("import {{\n  to = krony_job.import_none\n  id = \"{id}\"\n}}\n");
        workspace.write("import.tf", &import).unwrap();
        let found = errors(&workspace, &["plan"]);
        assert_eq!((found.len(), found[0].summary.as_str()), (1, summary), "{found:?}");
        assert!(found[0].detail.contains(detail), "{found:?}");
        workspace.remove("import.tf").unwrap();
        assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
    }
}
