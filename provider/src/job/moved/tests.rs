use serde_json::json;

use super::*;

fn source(provider: &str, state: Value) -> MoveSource {
    MoveSource {
        provider_address: format!("registry.terraform.io/{provider}"),
        type_name: "dkron_job".to_owned(),
        schema_version: 0,
        state,
    }
}

/// What dkron would have to hold for the state that comes out of a move.
fn moved(provider: &str, kept: Value) -> dkron::Job {
    let job = state(&source(provider, kept)).ok().flatten().unwrap();
    assert!(job.id.known().is_some() && job.id == job.full_name && job.tenant.is_null());
    convert::to_dkron(&job)
}

fn settings<const N: usize>(pairs: [(&str, &str); N]) -> Settings {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// All that `sylviettee/dkron` 0.3.1 keeps.
fn of_sylviettee() -> Value {
    json!({
        "id": "nightly", "name": "nightly", "displayname": "Every night", "timezone": "Europe/Riga",
        "schedule": "0 0 3 * * *", "owner": "ops", "owner_email": "ops@example.com", "disabled": true,
        "tags": {"server": "true:1"}, "retries": 3, "parent_job": "evening", "concurrency": "forbid",
        "executor": "http", "metadata": {"team": "data"},
        "executor_config": {"method": "PUT", "url": "http://127.0.0.1:9/x", "expectCode": "200", "timeout": "30"},
        "processors": [
            {"type": "log", "forward": "true", "log_dir": ""}, {"type": "files", "forward": null, "log_dir": "/l"},
        ],
    })
}

/// All that `bozerkins/dkron` 0.2 keeps.
fn of_bozerkins() -> Value {
    json!({
        "id": "nightly", "name": "nightly", "parent_job": "", "schedule": "@every 10m", "timezone": "",
        "owner": "ops", "retries": 0, "owner_email": null, "disabled": null, "concurrency": "allow",
        "executor": "shell", "command": "date -u", "timeout": "9s", "cwd": "", "shell": true,
        "mem_limit_kb": null, "project": "", "allowed_exitcodes": "", "tags": {"role": "cron:1"},
        "processors": [{"type": "fluent", "forward": "", "log_dir": null}], "dependent_jobs": ["other"],
    })
}

#[test]
fn every_attribute_of_sylviettee_arrives() {
    let wanted = dkron::Job {
        name: "nightly".into(),
        displayname: "Every night".into(),
        schedule: "0 0 3 * * *".into(),
        timezone: "Europe/Riga".into(),
        owner: "ops".into(),
        owner_email: "ops@example.com".into(),
        disabled: true,
        tags: settings([("server", "true:1")]),
        metadata: settings([("team", "data")]),
        retries: 3,
        parent_job: "evening".into(),
        concurrency: "forbid".into(),
        executor: "http".into(),
        executor_config: settings([
            ("method", "PUT"),
            ("url", "http://127.0.0.1:9/x"),
            ("expectCode", "200"),
            ("timeout", "30"),
        ]),
        processors: BTreeMap::from([
            ("log".into(), settings([("forward", "true")])),
            ("files".into(), settings([("log_dir", "/l")])),
        ]),
        ..dkron::Job::default()
    };
    assert_eq!(moved("sylviettee/dkron", of_sylviettee()).differences(&wanted), Vec::<&str>::new());
}

#[test]
fn every_attribute_of_bozerkins_arrives() {
    let wanted = dkron::Job {
        name: "nightly".into(),
        schedule: "@every 10m".into(),
        owner: "ops".into(),
        tags: settings([("role", "cron:1")]),
        executor: "shell".into(),
        executor_config: settings([("command", "date -u"), ("timeout", "9s"), ("shell", "true")]),
        processors: BTreeMap::from([("fluent".into(), Settings::new())]),
        ..dkron::Job::default()
    };
    assert_eq!(moved("bozerkins/dkron", of_bozerkins()).differences(&wanted), Vec::<&str>::new());

    let mut state = of_bozerkins();
    for (name, value) in
        [("project", "p"), ("allowed_exitcodes", "0, 1"), ("mem_limit_kb", "9"), ("cwd", "/")]
    {
        state[name] = json!(value);
    }
    let rest =
        settings([("project", "p"), ("allowed_exitcodes", "0, 1"), ("mem_limit_kb", "9"), ("cwd", "/")]);
    let executor_config = wanted.executor_config.into_iter().chain(rest).collect();
    assert_eq!(moved("bozerkins/dkron", state).executor_config, executor_config);
}

/// A person would write it so; the generic form is for what cannot be said otherwise.
#[test]
fn typed_forms_are_used_where_they_fit() {
    let typed = state(&source("sylviettee/dkron", of_sylviettee())).ok().flatten().unwrap();
    assert!(typed.http.is_set() && typed.executor.is_null());
    let typed = state(&source("bozerkins/dkron", of_bozerkins())).ok().flatten().unwrap();
    assert!(typed.shell.is_set() && typed.executor.is_null());
}

#[test]
fn state_may_be_older_or_newer() {
    for (state, name) in [
        (json!({"name": "a"}), "a"),
        (json!({"id": "b", "name": null}), "b"),
        (json!({"id": "old", "name": "new", "unheard_of": {"x": []}}), "new"),
        (json!({"name": "a", "tags": [], "processors": {}, "executor_config": "x", "retries": "many"}), "a"),
    ] {
        assert_eq!(moved("sylviettee/dkron", state).name, name);
    }
    let job =
        moved("bozerkins/dkron", json!({"name": "a", "retries": "5", "disabled": "true", "shell": "false"}));
    assert_eq!((job.retries, job.disabled, job.executor_config["shell"].as_str()), (5, true, "false"));
}

#[test]
fn providers_are_known_from_any_registry() {
    for address in [
        "registry.terraform.io/sylviettee/dkron",
        "registry.opentofu.org/Sylviettee/dkron",
        "mirror.example.com:8443/bozerkins/dkron",
        "BOZERKINS/dkron",
        crate::provider::ADDRESS,
    ] {
        let source = MoveSource { provider_address: address.to_owned(), ..source("", json!({"name": "a"})) };
        assert!(state(&source).ok().flatten().is_some(), "{address}");
    }
}

#[test]
fn other_sources_are_not_known() {
    for (address, type_name) in [
        ("registry.terraform.io/example/dkron", "dkron_job"),
        ("registry.terraform.io/notsylviettee/dkron", "dkron_job"),
        ("registry.terraform.io/sylviettee/dkron", "dkron_other"),
        ("registry.terraform.io/sylviettee/dkron/x", "dkron_job"),
    ] {
        let (provider_address, type_name) = (address.to_owned(), type_name.to_owned());
        let source = MoveSource { provider_address, type_name, ..source("", json!({"name": "a"})) };
        assert!(matches!(state(&source), Ok(None)), "{address}");
    }
}

#[test]
fn a_job_without_a_name_is_refused() {
    for nameless in [json!({}), json!(null), json!({"id": "", "name": ""})] {
        assert!(state(&source("sylviettee/dkron", nameless)).is_err());
    }
}
