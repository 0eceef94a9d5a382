//! Jobs from creation to destruction: each argument, and what becomes of a job that runs.

use std::iter;
use std::time::Duration;

use jiff::Timestamp;
use receiver::Server;
use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::process::wait_for;
use xtask::terraform::Terraform;

use crate::support::{
    apply, arguments, assert_plan_is_empty, each_terraform, errors, job, merge, shared_node, stage, stored,
    workspace, written,
};

const LIMIT: Duration = Duration::from_secs(60);

/// An argument with two values, and what each of them makes of the job in dkron.
struct Case {
    argument: &'static str,
    values: [(Value, Value); 2],
    /// What dkron has without the argument; nothing if it cannot be left out.
    without: Option<Value>,
}

/// A case of an argument that can be left out, which makes the job what it was without it.
fn optional(argument: &'static str, first: (Value, Value), second: (Value, Value)) -> Case {
    Case { argument, values: [first, second], without: Some(json!({})) }
}

fn required(argument: &'static str, first: (Value, Value), second: (Value, Value)) -> Case {
    Case { argument, values: [first, second], without: None }
}

/// Settings of the plugin, as a part of the job.
fn config(settings: Value) -> Value {
    iter::once(("executor_config", settings)).collect()
}

/// Whether the table below leaves an argument to a test of its own.
fn is_elsewhere(argument: &str) -> bool {
    ["starts_at", "tenant"].contains(&argument)
        || argument.ends_with("_wo")
        || argument.ends_with("_wo_version")
}

fn cases() -> Vec<Case> {
    let mut cases = cases_of_the_job();
    cases.extend(cases_of_http());
    cases.extend(cases_of_shell());
    cases.extend(cases_of_grpc());
    cases.extend(cases_of_kafka());
    cases.extend(cases_of_nats());
    cases.extend(cases_of_rabbitmq());
    cases.extend(cases_of_gcppubsub());
    cases.extend(cases_of_executor());
    cases.extend(cases_of_processors());
    cases.extend(["create", "read", "update", "delete"].map(|operation| {
        let argument = format!("timeouts.{operation}").leak();
        optional(argument, (json!("3m"), json!({})), (json!("1h30m"), json!({})))
    }));
    cases
}

fn cases_of_the_job() -> Vec<Case> {
    let text = |argument, field: &str| {
        let value = |text: &str| (json!(text), json!({ field: text }));
        optional(argument, value("Tom's \"first\" <job> & ünïcode"), value("another"))
    };
    vec![
        required(
            "name",
            (json!("lifecycle_name_1"), json!({"name": "lifecycle_name_1"})),
            (json!("lifecycle_name_2"), json!({"name": "lifecycle_name_2"})),
        ),
        text("display_name", "displayname"),
        text("owner", "owner"),
        text("owner_email", "owner_email"),
        required(
            "schedule",
            (json!("0 30 4 * * MON-FRI"), json!({"schedule": "0 30 4 * * MON-FRI"})),
            (json!("@at 2041-01-01T00:00:00Z"), json!({"schedule": "@at 2041-01-01T00:00:00Z"})),
        ),
        optional(
            "parent_job",
            (json!("${krony_job.parent_1.name}"), json!({"parent_job": "lifecycle_parent_1"})),
            (json!("${krony_job.parent_2.name}"), json!({"parent_job": "lifecycle_parent_2"})),
        ),
        optional(
            "timezone",
            (json!("Europe/Berlin"), json!({"timezone": "Europe/Berlin"})),
            (json!("America/New_York"), json!({"timezone": "America/New_York"})),
        ),
        optional("disabled", (json!(false), json!({})), (json!(true), json!({"disabled": true}))),
        optional(
            "tags",
            (json!({"server": "true:1", "dc": "x"}), json!({"tags": {"server": "true:1", "dc": "x"}})),
            (json!({"dc": "y:2"}), json!({"tags": {"dc": "y:2"}})),
        ),
        optional(
            "metadata",
            (json!({"team": "a", "empty": ""}), json!({"metadata": {"team": "a", "empty": ""}})),
            (json!({"team": "b"}), json!({"metadata": {"team": "b"}})),
        ),
        optional("retries", (json!(3), json!({"retries": 3})), (json!(1), json!({"retries": 1}))),
        optional(
            "concurrency",
            (json!("allow"), json!({"concurrency": "allow"})),
            (json!("forbid"), json!({"concurrency": "forbid"})),
        ),
        optional("ephemeral", (json!(false), json!({})), (json!(true), json!({"ephemeral": true}))),
        optional(
            "expires_at",
            (json!("2041-06-30T14:00:00+02:00"), json!({"expires_at": "2041-06-30T12:00:00Z"})),
            (json!("2042-01-01T00:00:00.5Z"), json!({"expires_at": "2042-01-01T00:00:00.5Z"})),
        ),
    ]
}

fn cases_of_http() -> Vec<Case> {
    let text = |argument, key: &str, first: &str, second: &str| {
        let value = |text: &str| (json!(text), config(json!({ key: text })));
        optional(argument, value(first), value(second))
    };
    let flag = |argument, key: &str| {
        let value = |flag: bool| (json!(flag), config(json!({ key: flag.to_string() })));
        optional(argument, value(true), value(false))
    };
    vec![
        required(
            "http.url",
            (
                json!("http://127.0.0.1:9/a?b=c&d=%20"),
                config(json!({"url": "http://127.0.0.1:9/a?b=c&d=%20"})),
            ),
            (json!("https://example.com"), config(json!({"url": "https://example.com"}))),
        ),
        text("http.method", "method", "POST", "DELETE"),
        optional(
            "http.headers",
            (
                json!({"X-Token": "\"quoted\"", "Accept": "*/*"}),
                config(json!({"headers": r#"["Accept: */*","X-Token: \"quoted\""]"#})),
            ),
            (json!({"Accept": "text/plain"}), config(json!({"headers": r#"["Accept: text/plain"]"#}))),
        ),
        text("http.body", "body", "{\"a\": [1, \"ü\"]}\n", "b"),
        optional(
            "http.timeout",
            (json!("2m"), config(json!({"timeout": "120"}))),
            (json!("45s"), config(json!({"timeout": "45"}))),
        ),
        optional(
            "http.expected_codes",
            (json!([301, 200]), config(json!({"expectCode": "200,301"}))),
            (json!([404]), config(json!({"expectCode": "404"}))),
        ),
        text("http.expected_body", "expectBody", "^ok \\d+$", "."),
        optional("http.debug", (json!(false), json!({})), (json!(true), config(json!({"debug": "true"})))),
        flag("http.tls_skip_verify", "tlsNoVerifyPeer"),
        text("http.tls_ca_file", "tlsRootCAsFile", "/etc/ca.pem", "/etc/ca-2.pem"),
        text("http.tls_cert_file", "tlsCertificateFile", "/etc/cert.pem", "/etc/cert-2.pem"),
        text("http.tls_key_file", "tlsCertificateKeyFile", "/etc/key.pem", "/etc/key-2.pem"),
    ]
}

fn cases_of_shell() -> Vec<Case> {
    let text = |argument, key: &str, first: &str, second: &str| {
        let value = |text: &str| (json!(text), config(json!({ key: text })));
        optional(argument, value(first), value(second))
    };
    vec![
        required(
            "shell.command",
            (json!("echo \"a  b\" | wc"), config(json!({"command": "echo \"a  b\" | wc"}))),
            (json!("date"), config(json!({"command": "date"}))),
        ),
        optional(
            "shell.use_shell",
            (json!(true), config(json!({"shell": "true"}))),
            (json!(false), config(json!({"shell": "false"}))),
        ),
        optional(
            "shell.env",
            (json!({"B": "2", "A": "x=y z"}), config(json!({"env": "A=x=y z,B=2"}))),
            (json!({"A": ""}), config(json!({"env": "A="}))),
        ),
        text("shell.cwd", "cwd", "/tmp", "/"),
        text("shell.timeout", "timeout", "90s", "1h0m0s"),
        optional(
            "shell.payload",
            (json!("hello\n"), config(json!({"payload": "aGVsbG8K"}))),
            (json!("ü"), config(json!({"payload": "w7w="}))),
        ),
        text("shell.su", "su", "nobody", "nobody:nogroup"),
        text("shell.mem_limit", "mem_limit", "512MB", "1GB"),
    ]
}

/// A text of a plugin that can be left out.
fn setting(argument: &'static str, key: &str, first: &str, second: &str) -> Case {
    let value = |text: &str| (json!(text), config(json!({ key: text })));
    optional(argument, value(first), value(second))
}

/// A text of a plugin that cannot be left out.
fn required_setting(argument: &'static str, key: &str, first: &str, second: &str) -> Case {
    let value = |text: &str| (json!(text), config(json!({ key: text })));
    required(argument, value(first), value(second))
}

/// A flag of a plugin that means something else when it is left out.
fn flag_setting(argument: &'static str, key: &str) -> Case {
    let value = |flag: bool| (json!(flag), config(json!({ key: flag.to_string() })));
    optional(argument, value(true), value(false))
}

fn number_setting(argument: &'static str, key: &str, first: u32, second: u32) -> Case {
    let value = |number: u32| (json!(number), config(json!({ key: number.to_string() })));
    optional(argument, value(first), value(second))
}

/// `debug`, which any text switches on.
fn debug_setting(argument: &'static str) -> Case {
    optional(argument, (json!(false), json!({})), (json!(true), config(json!({"debug": "true"}))))
}

fn cases_of_grpc() -> Vec<Case> {
    vec![
        required_setting("grpc.url", "url", "127.0.0.1:9000/demo.Demo/Do", "[::1]:1/demo.Demo.Do"),
        setting("grpc.body", "body", "{\"a\": \"ü\"}", "{}"),
        optional(
            "grpc.timeout",
            (json!("2m"), config(json!({"timeout": "120"}))),
            (json!("45s"), config(json!({"timeout": "45"}))),
        ),
        number_setting("grpc.expected_code", "expectCode", 0, 16),
        optional(
            "grpc.headers",
            (json!({"B": "x:y", "A": "1"}), config(json!({"headers": r#"["A: 1","B: x:y"]"#}))),
            (json!({"A": ""}), config(json!({"headers": r#"["A: "]"#}))),
        ),
    ]
}

fn cases_of_kafka() -> Vec<Case> {
    vec![
        required_setting("kafka.broker_address", "brokerAddress", "a:9092,b:9092", "c:9092"),
        required_setting("kafka.topic", "topic", "orders", "orders.created"),
        setting("kafka.key", "key", "k", "\"quoted\""),
        setting("kafka.message", "message", "{\"a\": [1, \"ü\"]}\n", "b"),
        flag_setting("kafka.tls_enable", "tlsEnable"),
        flag_setting("kafka.tls_skip_verify", "tlsInsecureSkipVerify"),
        required_setting("kafka.sasl_username", "saslUsername", "someone", "someone else"),
        required_setting("kafka.sasl_password", "saslPassword", "p \"1\"", "p 2"),
        required_setting("kafka.sasl_mechanism", "saslMechanism", "sha512", "sha256"),
        debug_setting("kafka.debug"),
    ]
}

fn cases_of_nats() -> Vec<Case> {
    vec![
        required_setting("nats.url", "url", "nats://a:4222,tls://b", "localhost:4222"),
        required_setting("nats.subject", "subject", "orders.>", "orders.created"),
        setting("nats.message", "message", "{\"a\": [1, \"ü\"]}\n", "b"),
        setting("nats.username", "userName", "someone", "someone else"),
        setting("nats.password", "password", "p \"1\"", "p 2"),
        debug_setting("nats.debug"),
    ]
}

fn cases_of_rabbitmq() -> Vec<Case> {
    vec![
        required_setting("rabbitmq.url", "url", "amqp://a:5672/v", "amqps://b"),
        required_setting("rabbitmq.queue.name", "queue.name", "orders", "orders 2"),
        flag_setting("rabbitmq.queue.create", "queue.create"),
        flag_setting("rabbitmq.queue.durable", "queue.durable"),
        flag_setting("rabbitmq.queue.auto_delete", "queue.auto_delete"),
        flag_setting("rabbitmq.queue.exclusive", "queue.exclusive"),
        setting("rabbitmq.message.content_type", "message.content_type", "application/json", "text/html"),
        number_setting("rabbitmq.message.delivery_mode", "message.delivery_mode", 2, 1),
        setting("rabbitmq.message.message_id", "message.messageId", "1", "ü"),
        setting("rabbitmq.message.body", "message.body", "{\"a\": [1, \"ü\"]}\n", "b"),
        setting("rabbitmq.message.base64_body", "message.base64Body", "/w==", "aGVsbG8="),
        setting("rabbitmq.exchange", "exchange", "shop", "amq.topic"),
    ]
}

fn cases_of_gcppubsub() -> Vec<Case> {
    vec![
        required_setting("gcppubsub.project", "project", "shop-1", "shop-2"),
        required_setting("gcppubsub.topic", "topic", "orders", "orders-2"),
        required(
            "gcppubsub.data",
            (json!("hello\n"), config(json!({"data": "aGVsbG8K"}))),
            (json!("ü"), config(json!({"data": "w7w="}))),
        ),
        optional(
            "gcppubsub.attributes",
            (json!({"b": "\"2\"", "a": "1"}), config(json!({"attributes": r#"{"a":"1","b":"\"2\""}"#}))),
            (json!({"a": ""}), config(json!({"attributes": r#"{"a":""}"#}))),
        ),
    ]
}

fn cases_of_executor() -> Vec<Case> {
    vec![
        required(
            "executor.name",
            (json!("nats"), json!({"executor": "nats"})),
            (json!("gcppubsub"), json!({"executor": "gcppubsub"})),
        ),
        optional(
            "executor.config",
            (json!({"topic": "t", "empty": ""}), config(json!({"topic": "t", "empty": ""}))),
            (json!({"topic": "u", "key": "k"}), config(json!({"topic": "u", "key": "k"}))),
        ),
        optional(
            "executor.sensitive_config",
            (json!({"saslPassword": "p", "topic": "t"}), config(json!({"saslPassword": "p", "topic": "t"}))),
            (json!({"saslPassword": "q"}), config(json!({"saslPassword": "q"}))),
        ),
    ]
}

fn cases_of_processors() -> Vec<Case> {
    let forward = |argument, name: &str| {
        let value = |flag: bool| (json!(flag), json!({"processors": {name: {"forward": flag.to_string()}}}));
        let without = Some(json!({"processors": {name: {}}}));
        Case { argument, values: [value(true), value(false)], without }
    };
    let directory = |path: &str| (json!(path), json!({"processors": {"files": {"log_dir": path}}}));
    vec![
        forward("processors.files.forward", "files"),
        forward("processors.log.forward", "log"),
        forward("processors.syslog.forward", "syslog"),
        forward("processors.fluent.forward", "fluent"),
        Case {
            argument: "processors.files.log_dir",
            values: [directory("/var/log/a"), directory("/var/log/b")],
            without: Some(json!({"processors": {"files": {}}})),
        },
        optional(
            "processors.other",
            (
                json!({"email": {"to": "a"}, "log": {"forward": "maybe"}}),
                json!({"processors": {"email": {"to": "a"}, "log": {"forward": "maybe"}}}),
            ),
            (json!({"slack": {}}), json!({"processors": {"slack": {}}})),
        ),
    ]
}

#[test]
fn there_is_a_case_for_every_argument() {
    let mut tested: Vec<String> = cases().iter().map(|case| case.argument.to_owned()).collect();
    tested.sort_unstable();
    let expected: Vec<String> = arguments().into_iter().filter(|argument| !is_elsewhere(argument)).collect();
    assert_eq!(tested, expected);
}

impl Case {
    fn label(&self) -> String {
        self.argument.replace('.', "_")
    }

    fn address(&self) -> String {
        format!("krony_job.{}", self.label())
    }

    /// The least configuration in which the argument can stand.
    fn base(&self) -> Value {
        let mut config = json!({
            "name": format!("lifecycle_{}", self.label()), "schedule": "@manually", "tags": {}
        });
        let executor = match self.argument.split('.').next() {
            Some("http") => json!({"http": {"url": "http://127.0.0.1:9"}}),
            Some("grpc") => json!({"grpc": {"url": "h:1/a.B/C"}}),
            Some("kafka") if self.argument.starts_with("kafka.sasl") => json!({"kafka": {
                "broker_address": "a:1", "topic": "t", "sasl_username": "u", "sasl_password": "p",
                "sasl_mechanism": "sha256",
            }}),
            Some("kafka") => json!({"kafka": {"broker_address": "a:1", "topic": "t"}}),
            Some("nats") => json!({"nats": {"url": "nats://h", "subject": "s"}}),
            Some("rabbitmq") => json!({"rabbitmq": {"url": "amqp://h", "queue": {"name": "q"}}}),
            Some("gcppubsub") => json!({"gcppubsub": {"project": "p", "topic": "t", "data": "d"}}),
            Some("executor") => json!({"executor": {"name": "kafka"}}),
            _ => json!({"shell": {"command": "true"}}),
        };
        merge(&mut config, executor);
        config
    }

    /// What dkron has of the least configuration.
    fn base_stored(&self) -> Value {
        let mut job = stored(json!({
            "name": format!("lifecycle_{}", self.label()), "schedule": "@manually"
        }));
        let executor = match self.argument.split('.').next() {
            Some("http") => json!({"executor": "http", "executor_config": {
                "method": "GET", "url": "http://127.0.0.1:9", "expectCode": "200,201,202,204"
            }}),
            Some("grpc") => json!({"executor": "grpc", "executor_config": {"url": "h:1/a.B/C"}}),
            Some("kafka") if self.argument.starts_with("kafka.sasl") => json!({
                "executor": "kafka", "executor_config": {
                    "brokerAddress": "a:1", "topic": "t", "saslUsername": "u", "saslPassword": "p",
                    "saslMechanism": "sha256",
                }
            }),
            Some("kafka") => {
                json!({"executor": "kafka", "executor_config": {"brokerAddress": "a:1", "topic": "t"}})
            }
            Some("nats") => {
                json!({"executor": "nats", "executor_config": {"url": "nats://h", "subject": "s"}})
            }
            Some("rabbitmq") => {
                json!({"executor": "rabbitmq", "executor_config": {"url": "amqp://h", "queue.name": "q"}})
            }
            Some("gcppubsub") => json!({
                "executor": "gcppubsub", "executor_config": {"project": "p", "topic": "t", "data": "ZA=="}
            }),
            Some("executor") => json!({"executor": "kafka"}),
            _ => json!({"executor": "shell", "executor_config": {"command": "true"}}),
        };
        merge(&mut job, executor);
        job
    }

    /// Configuration and job of each step: two values, then without the argument.
    fn step(&self, step: usize) -> (Value, Value) {
        let (mut config, mut job) = (self.base(), self.base_stored());
        match (self.values.get(step), &self.without) {
            (Some((value, stored)), _) => {
                put(&mut config, self.argument, value.clone());
                merge(&mut job, stored.clone());
            }
            (None, Some(without)) => {
                leave_out(&mut config, self.argument);
                merge(&mut job, without.clone());
            }
            (None, None) => return self.step(step - 1),
        }
        (config, job)
    }

    /// What the plan does to the resource on the way to a step.
    fn actions(&self, step: usize) -> Value {
        match (step, self.argument) {
            (0, _) => json!(["create"]),
            (1, "name") => json!(["delete", "create"]),
            (2, _) if self.without.is_none() => json!(["no-op"]),
            _ => json!(["update"]),
        }
    }
}

/// Sets an argument, and the objects around it.
fn put(config: &mut Value, path: &str, value: Value) {
    let around = path.rsplit('.').fold(value, |inner, name| json!({ name: inner }));
    // A map replaces what is there; only the objects on the way are merged.
    leave_out(config, path);
    merge(config, around);
}

/// Removes an argument, and leaves the objects around it.
fn leave_out(config: &mut Value, path: &str) {
    let mut part = config;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let Some(object) = part.as_object_mut() else { return };
        if names.peek().is_none() {
            object.remove(name);
            return;
        }
        part = object.entry(name).or_insert_with(|| json!({}));
    }
}

/// A root with all cases at one step.
fn root(cases: &[Case], step: usize) -> Value {
    let parent =
        |name: &str| json!({"name": name, "schedule": "@manually", "tags": {}, "shell": {"command": "true"}});
    let mut jobs = json!({
        "parent_1": parent("lifecycle_parent_1"), "parent_2": parent("lifecycle_parent_2"),
    });
    for case in cases {
        jobs[case.label()] = case.step(step).0;
    }
    json!({"resource": {"krony_job": jobs}})
}

fn every_argument_lives(terraform: &Terraform) {
    // A node of its own: the same names are used with each Terraform.
    let node = Node::start().unwrap();
    let workspace = workspace(terraform, &node.url());
    let cases = cases();
    for step in 0..3 {
        workspace.write("main.tf.json", &format!("{:#}", root(&cases, step))).unwrap();
        assert_actions(&workspace.plan_json(&[]).unwrap(), &cases, step);
        workspace.apply(&["plan.bin"]).unwrap();
        assert_plan_is_empty(&workspace);
        for case in &cases {
            let (_, expected) = case.step(step);
            let name = expected["name"].as_str().unwrap();
            assert_eq!(written(&node, name), Some(expected.clone()), "{} in step {step}", case.argument);
        }
    }
    assert_eq!(written(&node, "lifecycle_name_1"), None, "a job that was replaced is still there");
    workspace.destroy(&[]).unwrap();
    assert_eq!(node.job_names().unwrap(), Vec::<String>::new());
    assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
}

fn assert_actions(plan: &Value, cases: &[Case], step: usize) {
    let changes = plan["resource_changes"].as_array().unwrap();
    for case in cases {
        let change = changes.iter().find(|change| change["address"] == case.address()).unwrap();
        assert_eq!(change["change"]["actions"], case.actions(step), "{} in step {step}", case.argument);
    }
}

#[test]
fn every_argument_lives_in_the_users_terraform() {
    let [users, _] = each_terraform();
    every_argument_lives(&users);
}

#[test]
fn every_argument_lives_in_the_newest_terraform() {
    let [_, newest] = each_terraform();
    every_argument_lives(&newest);
}

#[test]
fn an_old_terraform_manages_jobs() {
    for (terraform, name) in [(Terraform::v1_8(), "old_1_8"), (Terraform::v1_6(), "old_1_6")] {
        let node = shared_node();
        let workspace = workspace(&terraform.unwrap(), &node.url());
        let config = |command: &str| {
            job(name, &format!("  schedule = \"@daily\"\n  shell = {{ command = \"{command}\" }}"))
        };
        workspace.write("main.tf", &config("one")).unwrap();
        apply(&workspace);
        workspace.write("main.tf", &config("two")).unwrap();
        apply(&workspace);
        assert_eq!(node.job(name).unwrap().unwrap()["executor_config"], json!({"command": "two"}));

        let address = format!("krony_job.{name}");
        workspace.expect(&["state", "rm", &address]).unwrap();
        workspace.import(&address, name).unwrap();
        assert_plan_is_empty(&workspace);
        workspace.expect(&["state", "rm", &address]).unwrap();
        let import = format!("import {{\n  to = {address}\n  id = \"{name}\"\n}}\n");
        workspace.write("import.tf", &import).unwrap();
        apply(&workspace);
        workspace.destroy(&[]).unwrap();
        assert_eq!(written(&node, name), None);
    }
}

#[test]
fn forms_of_executors_take_each_others_place() {
    let (node, workspace) = stage();
    let forms = [
        ("http = { url = \"http://127.0.0.1:9\" }", "http"),
        ("nats = {\n    url = \"nats://h\"\n    subject = \"s\"\n  }", "nats"),
        ("rabbitmq = {\n    url = \"amqp://h\"\n    queue = { name = \"q\" }\n  }", "rabbitmq"),
        ("shell = { command = \"true\" }", "shell"),
        ("executor = {\n    name = \"shell\"\n    config = { command = \"true\" }\n  }", "shell"),
        ("executor = {\n    name = \"kafka\"\n    config = { topic = \"t\" }\n  }", "kafka"),
        ("kafka = {\n    broker_address = \"a:1\"\n    topic = \"t\"\n  }", "kafka"),
        ("grpc = { url = \"h:1/a.B/C\" }", "grpc"),
        ("gcppubsub = {\n    project = \"p\"\n    topic = \"t\"\n    data = \"d\"\n  }", "gcppubsub"),
        ("http = { url = \"http://127.0.0.1:9\" }", "http"),
    ];
    for (form, executor) in forms {
        workspace.write("main.tf", &job("forms", &format!("  schedule = \"@manually\"\n  {form}"))).unwrap();
        apply(&workspace);
        assert_eq!(node.job("forms").unwrap().unwrap()["executor"], executor, "{form}");
    }
    workspace.destroy(&[]).unwrap();
}

#[test]
fn a_parent_can_be_renamed() {
    let (node, workspace) = stage();
    let rest = "  schedule = \"@manually\"\n  shell = { command = \"true\" }\n";
    let child = "  parent_job = krony_job.parent.name\n  shell = { command = \"true\" }";
    for name in ["renamed_1", "renamed_2"] {
        let parent = job(name, &format!("{rest}  lifecycle {{\n    create_before_destroy = true\n  }}"));
        let parent = parent.replacen(&format!("\"krony_job\" \"{name}\""), "\"krony_job\" \"parent\"", 1);
        workspace.write("main.tf", &(parent + &job("renamed_child", child))).unwrap();
        apply(&workspace);
        assert_eq!(node.job(name).unwrap().unwrap()["dependent_jobs"], json!(["renamed_child"]));
    }
    assert_eq!(written(&node, "renamed_1"), None);
    workspace.destroy(&[]).unwrap();
    assert_eq!(written(&node, "renamed_2"), None);
}

/// This dkron drops the field: nothing of it may stay behind.
#[test]
fn starts_at_is_refused_where_dkron_drops_it() {
    let (node, workspace) = stage();
    let rest = "  schedule = \"@manually\"\n  shell = { command = \"true\" }";
    let with_start = format!("{rest}\n  starts_at = \"2041-01-01T00:00:00Z\"");
    let assert_refused = || {
        let errors = errors(&workspace, &["apply"]);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].code.contains("starts_at ="), "{errors:?}");
        assert!(errors[0].detail.contains("needs dkron 4.0.9"), "{errors:?}");
    };

    workspace.write("main.tf", &job("starting", &with_start)).unwrap();
    assert_refused();
    assert_eq!(written(&node, "starting"), None);
    assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());

    workspace.write("main.tf", &job("starting", rest)).unwrap();
    apply(&workspace);
    let before = (written(&node, "starting"), workspace.attributes("krony_job.starting").unwrap());
    workspace.write("main.tf", &job("starting", &with_start)).unwrap();
    assert_refused();
    assert_eq!((written(&node, "starting"), workspace.attributes("krony_job.starting").unwrap()), before);
    assert!(!workspace.plan_is_empty(&[]).unwrap(), "what failed is to be tried again");

    workspace.write("main.tf", &job("starting", rest)).unwrap();
    assert_plan_is_empty(&workspace);
    workspace.destroy(&[]).unwrap();
}

async fn receiver() -> Server {
    Server::start(([127, 0, 0, 1], 0).into()).await.unwrap()
}

async fn wait_for_call(receiver: &Server, token: &str) {
    assert!(receiver.wait(token, 1, None, LIMIT).await.reached(), "nobody called {token}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_calls_as_it_was_told_and_its_child_follows() {
    let receiver = receiver().await;
    let (node, workspace) = stage();
    let url = receiver.base_url();
    let parent = format!(
        r#"  schedule = "@every 1s"
  http = {{
    url     = "{url}/log/fires_parent?full=1"
    method  = "POST"
    headers = {{ X-Krony = "ünïcode = \"yes\"", Content-Type = "application/json" }}
    body    = jsonencode({{ text = "line\nü" }})
  }}"#
    );
    let child = format!(
        "  parent_job = krony_job.fires_parent.name\n  http = {{ url = \"{url}/log/fires_child\", method = \"PUT\" }}"
    );
    workspace.write("main.tf", &(job("fires_parent", &parent) + &job("fires_child", &child))).unwrap();
    workspace.apply(&[]).unwrap();
    wait_for_call(&receiver, "fires_child").await;
    // Runs change statistics only, and those are not in the state.
    assert_plan_is_empty(&workspace);

    let call = &receiver.calls("fires_parent")[0];
    assert_eq!((call.method().as_str(), call.query()), ("POST", Some("full=1")));
    assert_eq!(call.header("x-krony"), Some("ünïcode = \"yes\""));
    assert_eq!(call.header("content-type"), Some("application/json"));
    assert_eq!(String::from_utf8_lossy(call.body()), "{\"text\":\"line\\nü\"}");
    let child = &receiver.calls("fires_child")[0];
    assert_eq!(child.method().as_str(), "PUT");
    assert!(receiver.times("fires_parent")[0] < child.time(), "the child came before its parent");

    wait_for("a success to be counted", LIMIT, || {
        let job = node.job("fires_parent")?;
        Ok(job.filter(|job| job["success_count"].as_u64() > Some(0)))
    })
    .unwrap();
    let data = "data \"krony_job\" \"parent\" {\n  name = \"fires_parent\"\n}\noutput \"parent\" {\n  \
                value = [data.krony_job.parent.success_count > 0, data.krony_job.parent.status, \
                data.krony_job.parent.dependent_jobs]\n}\n";
    workspace.write("data.tf", data).unwrap();
    workspace.apply(&[]).unwrap();
    let output = workspace.json(&["output", "-json", "parent"]).unwrap();
    assert_eq!(output, json!([true, "success", ["fires_child"]]));
    workspace.destroy(&[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_job_that_is_gone_has_done_its_work() {
    let receiver = receiver().await;
    let (node, workspace) = stage();
    let config = |path: &str| {
        let url = format!("{}/log/{path}", receiver.base_url());
        job(
            "ephemeral",
            &format!("  schedule = \"@every 1s\"\n  ephemeral = true\n  http = {{ url = \"{url}\" }}"),
        )
    };
    workspace.write("main.tf", &config("ephemeral_1")).unwrap();
    workspace.apply(&[]).unwrap();
    wait_for_call(&receiver, "ephemeral_1").await;
    let gone = || Ok(node.job("ephemeral")?.is_none().then_some(()));
    wait_for("the job to go", LIMIT, gone).unwrap();
    assert_plan_is_empty(&workspace);
    assert_eq!(workspace.state_list().unwrap(), ["krony_job.ephemeral"]);

    // A change cannot reach it, and says what to do.
    workspace.write("main.tf", &config("ephemeral_2")).unwrap();
    let errors = errors(&workspace, &["apply"]);
    assert!(errors[0].detail.contains("`terraform apply -replace=…`"), "{errors:#?}");
    assert_eq!(workspace.state_list().unwrap(), ["krony_job.ephemeral"]);
    workspace.write("main.tf", &config("ephemeral_1")).unwrap();
    assert_plan_is_empty(&workspace);

    // It runs again when it is created again.
    let since = Timestamp::now();
    workspace.apply(&["-replace=krony_job.ephemeral"]).unwrap();
    assert!(receiver.wait("ephemeral_1", 1, Some(since), LIMIT).await.reached(), "it did not run again");
    wait_for("the job to go", LIMIT, gone).unwrap();
    workspace.destroy(&[]).unwrap();
    assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
}
