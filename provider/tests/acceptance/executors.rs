//! The examples of the documentation, as dkron stores them, and what is said about configuration that dkron would take
//! and not do.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::terraform::Terraform;

use crate::support::{Finding, apply, each_terraform, findings, job, stage, stored, workspace, written};

/// The examples of jobs, by file.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/resources/krony_job");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let is_import = |file: &Path| file.file_name().unwrap().to_string_lossy().starts_with("import");
    files.filter(|file| file.extension().is_some_and(|kind| kind == "tf") && !is_import(file)).collect()
}

/// Values for all variables of a configuration: `secret-` and the name.
fn variables(config: &str) -> Value {
    let names = config.lines().filter_map(|line| line.strip_prefix("variable \"")?.split('"').next());
    names.map(|name| (name.to_owned(), json!(format!("secret-{name}")))).collect()
}

/// The jobs that the examples make of dkron.
fn expected() -> Vec<Value> {
    let one = json!({"server": "true:1"});
    vec![
        json!({
            "name": "nightly-backup", "schedule": "0 30 4 * * *", "timezone": "Europe/Berlin", "owner": "platform",
            "tags": one, "executor": "http", "executor_config": {
                "method": "POST", "url": "https://backup.example.com/run", "headers": "[\"X-Reason: nightly\"]",
                "timeout": "300", "expectCode": "200,201,202,204",
            },
        }),
        json!({
            "name": "backup-report", "parent_job": "nightly-backup", "retries": 2, "tags": one, "executor": "shell",
            "executor_config": {"command": "/usr/local/bin/report --of nightly-backup", "env": "LANG=C"},
        }),
        json!({
            "name": "close-orders", "schedule": "0 0 * * * *", "tags": one, "executor": "http", "executor_config": {
                "method": "POST", "url": "https://shop.example.com/orders/close", "body": "{\"older_than\":\"30d\"}",
                "timeout": "120", "expectCode": "200,202", "expectBody": "\"closed\": *[0-9]+",
                "headers": "[\"Authorization: Bearer secret-shop_token\"]",
            },
        }),
        json!({
            "name": "dump-database", "schedule": "0 15 3 * * *", "timezone": "Europe/Berlin", "concurrency": "forbid",
            "tags": {"role": "database:1"}, "executor": "shell", "executor_config": {
                "command": "pg_dump shop | gzip > /backup/shop.sql.gz", "shell": "true",
                "env": "PGHOST=localhost,PGUSER=backup", "cwd": "/backup", "timeout": "1h",
            },
        }),
        json!({
            "name": "rebuild-index", "schedule": "@every 6h", "tags": one, "executor": "grpc", "executor_config": {
                "url": "search.example.com:9000/search.Index/Rebuild", "body": "{\"full\":true}", "timeout": "300",
                "expectCode": "0",
            },
        }),
        json!({
            "name": "tick", "schedule": "@every 1m", "tags": one, "executor": "kafka", "executor_config": {
                "brokerAddress": "kafka-1.example.com:9093,kafka-2.example.com:9093", "topic": "ticks", "key": "shop",
                "message": "{\"kind\":\"tick\"}", "tlsEnable": "true", "saslMechanism": "sha512",
                "saslUsername": "krony", "saslPassword": "secret-kafka_password",
            },
        }),
        json!({
            "name": "hourly-event", "schedule": "@hourly", "tags": one, "executor": "nats", "executor_config": {
                "url": "tls://nats.example.com:4443", "subject": "hours", "message": "another one",
                "userName": "krony", "password": "secret-nats_password",
            },
        }),
        json!({
            "name": "send-newsletter", "schedule": "0 0 9 * * MON", "timezone": "Europe/Berlin", "tags": one,
            "executor": "rabbitmq", "executor_config": {
                "url": "amqp://rabbitmq.example.com:5672/shop", "queue.name": "newsletters", "queue.create": "true",
                "queue.durable": "true", "message.content_type": "application/json", "message.delivery_mode": "2",
                "message.body": "{\"newsletter\":\"weekly\"}",
            },
        }),
        json!({
            "name": "start-report", "schedule": "0 0 6 * * *", "tags": one, "executor": "gcppubsub",
            "executor_config": {
                "project": "shop-reports", "topic": "start", "data": "eyJyZXBvcnQiOiJkYWlseSJ9",
                "attributes": "{\"origin\":\"dkron\"}",
            },
        }),
        json!({
            "name": "prune-images", "schedule": "@weekly", "tags": one, "executor": "docker", "executor_config": {
                "image": "registry.example.com/tools:latest", "command": "prune --all",
                "registry_password": "secret-registry_password",
            },
        }),
        json!({
            "name": "check-disks", "schedule": "@every 10m", "executor": "shell",
            "executor_config": {"command": "df -h"}, "processors": {
                "files": {"log_dir": "/var/log/dkron/disks", "forward": "true"}, "syslog": {"forward": "true"},
                "fluent": {"forward": "true"}, "email": {"emails": "ops@example.com", "onSuccess": "false"},
            },
        }),
    ]
}

fn examples_become_what_they_say(terraform: &Terraform) {
    let node = Node::start().unwrap();
    let workspace = workspace(terraform, &node.url());
    let mut all = String::new();
    for example in examples() {
        let text = fs::read_to_string(&example).unwrap();
        workspace.write(example.file_name().unwrap().to_str().unwrap(), &text).unwrap();
        all.push_str(&text);
    }
    workspace.write("terraform.tfvars.json", &variables(&all).to_string()).unwrap();
    apply(&workspace);
    let expected = expected();
    assert_eq!(node.job_names().unwrap().len(), expected.len(), "an example is missing here");
    for job in expected {
        let name = job["name"].as_str().unwrap().to_owned();
        assert_eq!(written(&node, &name), Some(stored(job)));
    }
}

#[test]
fn examples_become_what_they_say_in_the_users_terraform() {
    let [users, _] = each_terraform();
    examples_become_what_they_say(&users);
}

#[test]
fn examples_become_what_they_say_in_the_newest_terraform() {
    let [_, newest] = each_terraform();
    examples_become_what_they_say(&newest);
}

/// Severity, summary, and a piece of the line of the configuration.
type Reported<'a> = (&'a str, &'a str, &'a str);

/// What Terraform reports of a job.
fn reported(executor: &str) -> Vec<Finding> {
    let (_node, workspace) = stage();
    workspace
        .write("main.tf", &job("reported", &format!("  schedule = \"@manually\"\n  {executor}")))
        .unwrap();
    let plan = workspace.run(&["plan", "-json"]).unwrap();
    findings(&plan).into_iter().filter(|finding| !finding.address.is_empty()).collect()
}

#[test]
fn findings_stand_at_their_lines() {
    let cases: [(&str, &[Reported<'_>]); 3] = [
        (
            "kafka = {\n    broker_address = \"kafka\"\n    topic = \"\"\n    debug = true\n  }",
            &[
                ("error", "Invalid address of a broker", "broker_address"),
                ("error", "Missing value", "topic"),
            ],
        ),
        (
            "rabbitmq = {\n    url = \"amqp://u:p@h\"\n    queue = { name = \"q\" }\n    exchange = \"e\"\n  }",
            &[
                ("warning", "Credentials in an address", "url ="),
                ("warning", "Without effect in older versions of dkron", "exchange ="),
            ],
        ),
        (
            "http = {\n    url = \"http://h\"\n    headers_wo = { Host = \"x\" }\n    headers_wo_version = 1\n  }",
            &[("warning", "Header without effect", "headers_wo =")],
        ),
    ];
    for (executor, expected) in cases {
        let found = reported(executor);
        let fits = |(found, expected): (&Finding, &Reported<'_>)| {
            let (severity, summary, code) = *expected;
            found.severity == severity && found.summary == summary && found.code.contains(code)
        };
        assert!(
            found.len() == expected.len() && found.iter().zip(expected).all(fits),
            "{executor}:\n{found:#?}"
        );
    }
}
