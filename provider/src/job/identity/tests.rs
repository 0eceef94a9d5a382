use super::*;
use crate::job::convert;

fn found(name: &str, tenant: Option<&str>) -> dkron::Job {
    let metadata = tenant.map(|tenant| (TENANT.to_owned(), tenant.to_owned())).into_iter().collect();
    dkron::Job { name: name.to_owned(), metadata, ..dkron::Job::default() }
}

/// Tenant and name that come out of an import.
fn imported(id: &str, marked: Option<&str>) -> (Option<String>, String) {
    let Ok(state) = from_import_id(id) else { panic!("{id} is refused") };
    assert_eq!(identity(&state).is_none(), state.tenant.is_null(), "a full name alone is no identity yet");
    let Attr::Known(name) = full_name(&state) else { panic!("{id} has no full name") };
    let job = convert::from_dkron(&found(&name, marked), &state);
    assert_eq!(job.full_name, Attr::Known(name));
    (tenant(&job).map(str::to_owned), job.name.known().unwrap().to_string())
}

fn of_tenant(tenant: &str, name: &str) -> (Option<String>, String) {
    (Some(tenant.to_owned()), name.to_owned())
}

fn of_nobody(name: &str) -> (Option<String>, String) {
    (None, name.to_owned())
}

#[test]
fn a_full_name_is_split_where_metadata_agrees() {
    assert_eq!(imported("backup", None), of_nobody("backup"));
    assert_eq!(imported("acme--backup", None), of_nobody("acme--backup"));
    assert_eq!(imported("acme--backup", Some("other")), of_nobody("acme--backup"));
    assert_eq!(imported("acme--backup", Some("acme")), of_tenant("acme", "backup"));
    assert_eq!(imported("acme--back--up", Some("acme")), of_tenant("acme", "back--up"));
    assert_eq!(imported("acme---backup", Some("acme")), of_nobody("acme---backup"));
}

#[test]
fn a_tenant_that_is_named_is_believed() {
    for marked in [None, Some("acme"), Some("other")] {
        assert_eq!(imported("acme/backup", marked), of_tenant("acme", "backup"));
    }
}

#[test]
fn ids_that_name_no_job_are_refused() {
    for id in [
        "",
        "/",
        "acme/",
        "/backup",
        "acme/-backup",
        "a/backup",
        "krony/backup",
        "acme/a/b",
        "Backup",
        "krony--x",
    ] {
        assert!(from_import_id(id).is_err(), "{id:?}");
    }
}

#[test]
fn what_an_error_suggests_imports_the_job() {
    for (tenant, name) in [(None, "backup"), (Some("acme"), "backup")] {
        let Ok(job) = state(tenant, name) else { panic!("{name} is refused") };
        assert!(from_import_id(&import_id(&job)).is_ok_and(|imported| imported == job));
    }
}

#[test]
fn an_identity_stays_as_it_was_told() {
    for (tenant, name) in [(None, "acme--backup"), (Some("acme"), "backup")] {
        let identity = Identity { name: Attr::Known(Text::new(name)), tenant: tenant.map(Text::new).into() };
        let Ok(state) = from_identity(&identity) else { panic!("{name} is refused") };
        let job = convert::from_dkron(&found("acme--backup", Some("acme")), &state);
        assert!(super::identity(&state).as_ref() == Some(&identity));
        assert!(super::identity(&job) == Some(identity));
    }
}

#[test]
fn state_keeps_its_tenant_when_the_mark_is_lost() {
    for (tenant, name) in [(None, "acme--backup"), (Some("acme"), "backup")] {
        let id = Attr::Known("acme--backup".to_owned());
        let prior = Job { id, tenant: tenant.map(Text::new).into(), ..Job::default() };
        for marked in [None, Some("acme"), Some("other")] {
            assert_eq!(of(&found("acme--backup", marked), &prior), (tenant, name));
        }
    }
}

#[test]
fn what_is_unknown_of_a_full_name_makes_it_unknown() {
    let named = |tenant| Job { tenant, name: Attr::Known(Text::new("x")), ..Job::default() };
    assert_eq!(full_name(&named(Attr::Unknown)), Attr::Unknown);
    assert_eq!(full_name(&named(Attr::Known(Text::new("acme")))), Attr::Known("acme--x".to_owned()));
    assert_eq!(full_name(&Job { name: Attr::Unknown, ..named(Attr::Null) }), Attr::Unknown);
}

#[test]
fn another_name_or_tenant_is_another_job() {
    let job = |tenant: Option<&str>, name: &str| Job {
        tenant: tenant.map(Text::new).into(),
        name: Attr::Known(Text::new(name)),
        ..Job::default()
    };
    let prior = job(Some("acme"), "report");
    assert!(!is_replaced(&prior, &prior));
    assert!(is_replaced(&prior, &job(Some("acme"), "other")));
    assert!(is_replaced(&prior, &job(Some("other"), "report")));
    assert!(is_replaced(&prior, &job(None, "acme--report")), "the same full name, but not the same job");
    assert!(!is_replaced(&prior, &Job { name: Attr::Unknown, ..prior.clone() }), "nobody knows yet");
}
