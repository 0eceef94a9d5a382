//! Data sources: jobs, executions, the cluster.

use std::time::Duration;

use serde_json::{Value, json};
use xtask::dkron::Node;
use xtask::process::wait_for;
use xtask::terraform::{Terraform, Workspace};

use crate::support::{apply, errors, example, stage, workspace};

const LIMIT: Duration = Duration::from_secs(60);

/// The value of the output `found` after an apply.
fn found(workspace: &Workspace) -> Value {
    apply(workspace);
    workspace.json(&["output", "-json", "found"]).unwrap()
}

#[test]
fn data_sources_find_jobs() {
    let (node, workspace) = stage();
    node.put_job(&json!({
        "name": "found_1", "displayname": "One", "schedule": "@manually", "owner": "me", "timezone": "UTC",
        "tags": {"server": "true:1"}, "metadata": {"set": "data_sources", "krony.tenant": "hidden"},
        "executor": "kafka", "executor_config": {"topic": "t", "saslPassword": "secret"},
        "processors": {"log": {"forward": "true"}}, "expires_at": "2041-01-01T02:00:00+02:00",
    }))
    .unwrap();
    node.put_job(&json!({
        "name": "found_2", "parent_job": "found_1", "disabled": true, "metadata": {"set": "data_sources"},
    }))
    .unwrap();

    workspace
        .write(
            "main.tf",
            "data \"krony_job\" \"one\" {\n  name = \"found_1\"\n}\noutput \"found\" {\n  \
             value     = data.krony_job.one\n  sensitive = true\n}\n",
        )
        .unwrap();
    assert_eq!(
        found(&workspace),
        json!({
            "id": "found_1", "full_name": "found_1", "name": "found_1", "tenant": null, "display_name": "One", "schedule": "@manually",
            "parent_job": null, "dependent_jobs": ["found_2"], "timezone": "UTC", "owner": "me",
            "owner_email": null, "disabled": false, "tags": {"server": "true:1"},
            "metadata": {"set": "data_sources"}, "retries": 0, "concurrency": "allow",
            "processors": {"log": {"forward": "true"}}, "ephemeral": false,
            "expires_at": "2041-01-01T00:00:00Z", "starts_at": null,
            "executor": {
                "name": "kafka", "config": {"topic": "t"}, "sensitive_config": {"saslPassword": "secret"}
            },
            "next": null, "status": null, "success_count": 0, "error_count": 0, "last_success": null,
            "last_error": null,
        })
    );

    let names = |filter: &str| {
        let list = format!(
            "data \"krony_jobs\" \"some\" {{\n{filter}\n}}\noutput \"found\" {{\n  \
             value = data.krony_jobs.some.names\n}}\n"
        );
        workspace.write("main.tf", &list).unwrap();
        found(&workspace)
    };
    let set = "  metadata = { set = \"data_sources\" }";
    assert_eq!(names(set), json!(["found_1", "found_2"]));
    assert_eq!(names(&format!("{set}\n  name_contains = \"One\"")), json!(["found_1"]));
    assert_eq!(names(&format!("{set}\n  disabled = true")), json!(["found_2"]));
    assert_eq!(names(&format!("{set}\n  status = \"untriggered\"")), json!(["found_1", "found_2"]));
    assert_eq!(names(&format!("{set}\n  status = \"failed\"")), json!([]));

    let list = format!(
        "data \"krony_jobs\" \"some\" {{\n{set}\n  disabled = true\n}}\noutput \"found\" {{\n  \
         value = data.krony_jobs.some.jobs\n}}\n"
    );
    workspace.write("main.tf", &list).unwrap();
    assert_eq!(
        found(&workspace),
        json!([{
            "full_name": "found_2", "name": "found_2", "tenant": null, "display_name": null, "schedule": null, "parent_job": "found_1", "timezone": null,
            "owner": null, "disabled": true, "metadata": {"set": "data_sources"}, "executor": null,
            "next": null, "status": null, "success_count": 0, "error_count": 0,
        }])
    );
    node.delete_job("found_2").unwrap();
    node.delete_job("found_1").unwrap();
}

/// The value of an expression about a data source.
fn value(workspace: &Workspace, data_source: &str, expression: &str) -> Value {
    let config = format!("{data_source}\noutput \"found\" {{\n  value = {expression}\n}}\n");
    workspace.write("main.tf", &config).unwrap();
    found(workspace)
}

#[test]
fn data_sources_know_tenants() {
    let (node, mut workspace) = stage();
    let metadata = |tenant: &str| json!({"set": "data_tenants", "krony.tenant": tenant});
    // The last one only looks as if it were acme's, and krony's own are nobody's.
    for (name, metadata) in [
        ("acme--data_t1", metadata("acme")),
        ("acme--data_t2", metadata("acme")),
        ("other--data_t1", metadata("other")),
        ("acme--data_t3", json!({"set": "data_tenants"})),
        ("krony--data_t4", json!({"set": "data_tenants"})),
    ] {
        node.put_job(&json!({"name": name, "schedule": "@manually", "metadata": metadata})).unwrap();
    }
    let jobs = |filter: &str| {
        format!("data \"krony_jobs\" \"some\" {{\n  metadata = {{ set = \"data_tenants\" }}\n{filter}\n}}")
    };
    let names =
        |workspace: &Workspace, filter: &str| value(workspace, &jobs(filter), "data.krony_jobs.some.names");
    let everything = json!(["acme--data_t1", "acme--data_t2", "acme--data_t3", "other--data_t1"]);
    assert_eq!(names(&workspace, ""), everything);
    assert_eq!(names(&workspace, "  tenant = \"acme\""), json!(["data_t1", "data_t2"]));
    let whose = "[for job in data.krony_jobs.some.jobs : [job.tenant, job.name, job.full_name]]";
    assert_eq!(
        value(&workspace, &jobs("  name_contains = \"t3\""), whose),
        json!([[null, "acme--data_t3", "acme--data_t3"]])
    );
    assert_eq!(
        value(&workspace, &jobs("  name_contains = \"t2\""), whose),
        json!([["acme", "data_t2", "acme--data_t2"]])
    );

    let job =
        |name: &str, rest: &str| format!("data \"krony_job\" \"one\" {{\n  name = \"{name}\"\n{rest}\n}}");
    let full_name = "[data.krony_job.one.full_name, data.krony_job.one.tenant]";
    assert_eq!(value(&workspace, &job("acme--data_t1", ""), full_name), json!(["acme--data_t1", null]));
    workspace.env("KRONY_TENANT", "acme");
    assert_eq!(names(&workspace, ""), json!(["data_t1", "data_t2"]));
    assert_eq!(names(&workspace, "  tenant = \"other\""), json!(["data_t1"]));
    assert_eq!(value(&workspace, &job("data_t1", ""), full_name), json!(["acme--data_t1", "acme"]));
    let other = job("data_t1", "  tenant = \"other\"");
    assert_eq!(value(&workspace, &other, full_name), json!(["other--data_t1", "other"]));
    for name in ["acme--data_t1", "acme--data_t2", "acme--data_t3", "other--data_t1", "krony--data_t4"] {
        node.delete_job(name).unwrap();
    }
}

/// A job of the shell, and its runs, which have ended.
fn ran(node: &Node, name: &str, command: &str, runs: usize) {
    let config = json!({"command": command, "shell": "true"});
    let job = json!({
        "name": name, "schedule": "@manually", "retries": 1, "tags": {"server": "true:1"}, "executor": "shell",
        "executor_config": config,
    });
    node.put_job(&job).unwrap();
    for _ in 0..runs {
        node.run_job(name).unwrap();
    }
}

#[test]
fn executions_are_found() {
    let (node, workspace) = stage();
    ran(&node, "executed", "echo one; echo two", 2);
    ran(&node, "acme--executed", "echo to no avail; exit 3", 1);
    let executions = |rest: &str, expression: &str| {
        let data = format!("data \"krony_executions\" \"some\" {{\n  job = \"executed\"\n{rest}\n}}");
        value(&workspace, &data, &format!("[for e in data.krony_executions.some.executions : {expression}]"))
    };
    let all = executions("", "e");
    let [newest, oldest] = &all.as_array().unwrap()[..] else { panic!("{all}") };
    assert!(
        newest["started_at"].as_str() > oldest["started_at"].as_str() && newest["group"] != oldest["group"]
    );
    assert!(newest["id"].as_str().unwrap().ends_with(&format!("-{}", node.name())));
    for (attribute, expected) in [
        ("node", json!(node.name())),
        ("attempt", json!(1)),
        ("success", json!(true)),
        ("output", json!("one\ntwo\n")),
        ("output_truncated", json!(false)),
    ] {
        assert_eq!(newest[attribute], expected, "{attribute}");
    }
    assert!(newest["finished_at"].as_str() >= newest["started_at"].as_str());
    assert_eq!(executions("  limit = 1", "e.id"), json!([newest["id"]]));
    assert_eq!(
        executions("  output_limit = 4", "[e.output, e.output_truncated]"),
        json!([["two\n", true], ["two\n", true]])
    );
    assert_eq!(executions("  output_limit = 0\n  limit = 1", "e.output"), json!([null]));
    assert_eq!(executions("  status = \"failed\"", "e.id"), json!([]));
    // dkron puts the exit status in front of what was printed.
    let output = "exit status 3\nto no avail\n";
    let acme = "  tenant = \"acme\"\n  status = \"failed\"";
    assert_eq!(executions(acme, "[e.attempt, e.output]"), json!([[2, output], [1, output]]));

    workspace.write("main.tf", "data \"krony_executions\" \"none\" {\n  job = \"never-there\"\n}\n").unwrap();
    let absent = errors(&workspace, &["plan"]);
    assert_eq!((absent[0].summary.as_str(), absent[0].code.trim()), ("No such job", "job = \"never-there\""));
    workspace
        .write(
            "main.tf",
            "data \"krony_executions\" \"wrong\" {\n  job = \"executed\"\n  status = \"ok\"\n}\n",
        )
        .unwrap();
    let wrong = errors(&workspace, &["plan"]);
    assert!(wrong[0].detail.contains("Expected \"success\" or \"failed\" or \"running\""), "{wrong:#?}");
    node.delete_job("executed").unwrap();
    node.delete_job("acme--executed").unwrap();
}

#[test]
fn a_running_execution_has_no_end() {
    let (node, workspace) = stage();
    let config = json!({"command": "sleep 8"});
    node.put_job(&json!({
        "name": "execution_running", "schedule": "@every 1s", "concurrency": "forbid", "tags": {"server": "true:1"},
        "executor": "shell", "executor_config": config, "timezone": "America/New_York",
    }))
    .unwrap();
    let data =
        "data \"krony_executions\" \"some\" {\n  job    = \"execution_running\"\n  status = \"running\"\n}";
    let running = "[for e in data.krony_executions.some.executions : [e.finished_at, e.success]]";
    workspace.write("main.tf", &format!("{data}\noutput \"found\" {{\n  value = {running}\n}}\n")).unwrap();
    wait_for("the job to run", LIMIT, || {
        workspace.apply(&[])?;
        Ok((workspace.json(&["output", "-json", "found"])? == json!([[null, false]])).then_some(()))
    })
    .unwrap();
    node.delete_job("execution_running").unwrap();
}

#[test]
fn the_cluster_is_described() {
    let (node, workspace) = stage();
    let cluster = value(&workspace, "data \"krony_cluster\" \"this\" {}", "data.krony_cluster.this");
    assert_eq!(cluster["leader"], json!(node.name()));
    let [member] = &cluster["members"].as_array().unwrap()[..] else { panic!("{cluster}") };
    for (attribute, expected) in [
        ("name", json!(node.name())),
        ("address", json!("127.0.0.1")),
        ("status", json!("alive")),
        ("server", json!(true)),
    ] {
        assert_eq!(member[attribute], expected, "{attribute}");
    }
    assert!(member["version"].is_string() && member["port"].as_u64() > Some(0));
    assert_eq!(member["tags"]["server"], json!("true"));
}

#[test]
fn examples_of_the_documentation_work() {
    // The examples of other pages call their job the same.
    let node = Node::start().unwrap();
    ran(&node, "nightly-backup", "echo no space left; exit 1", 1);
    for name in ["krony_job", "krony_jobs", "krony_executions", "krony_cluster"] {
        let workspace = workspace(&Terraform::on_path().unwrap(), &node.url());
        workspace.write("main.tf", &example(&format!("data-sources/{name}/data-source.tf"))).unwrap();
        workspace.apply(&[]).unwrap();
        if name == "krony_executions" {
            let failures = workspace.json(&["output", "-json", "failures"]).unwrap();
            let told: Vec<_> = failures.as_object().unwrap().values().collect();
            assert_eq!(told[0], &json!(format!("{}: exit status 1\nno space left\n", node.name())));
        }
    }
}
