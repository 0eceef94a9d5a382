use super::*;

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn shell(name: &str, pairs: &[(&str, &str)]) -> dkron::Job {
    dkron::Job {
        name: name.to_owned(),
        schedule: "@manually".to_owned(),
        executor: "shell".to_owned(),
        executor_config: settings(&[&[("command", "true")], pairs].concat()),
        ..dkron::Job::default()
    }
}

fn of_tenant(tenant: &str, name: &str) -> dkron::Job {
    let metadata = settings(&[("krony.tenant", tenant), ("krony.managed-by", "terraform"), ("team", "x")]);
    dkron::Job { metadata, ..shell(&format!("{tenant}--{name}"), &[]) }
}

fn file(root: &Root, name: &str) -> String {
    root.files().into_iter().find(|(found, _)| *found == name).unwrap().1
}

#[test]
fn what_goes_without_saying_is_not_written() {
    let root = Root::new(&[shell("b-1", &[])], None);
    let expected = "resource \"krony_job\" \"b_1\" {\n  name     = \"b-1\"\n  schedule = \"@manually\"\n  shell = {\n    \
                    command = \"true\"\n  }\n}\n";
    assert_eq!(file(&root, "jobs.tf"), expected);
    assert_eq!(file(&root, "imports.tf"), "import {\n  to = krony_job.b_1\n  id = \"b-1\"\n}\n");
    assert_eq!(file(&root, "variables.tf"), "");
    assert_eq!(root.summary(None), "1 job exported.");
}

#[test]
fn secrets_are_variables() {
    let root = Root::new(&[shell("a", &[("env", "TOKEN=s3cr3t"), ("payload", "czNjcjN0")])], None);
    let text = root.text();
    assert!(!text.contains("s3cr3t") && !text.contains("czNjcjN0"), "{text}");
    assert!(text.contains("env     = var.a_shell_env"), "{text}");
    let variable = "variable \"a_shell_env\" {\n  description = \"The secret shell.env of job a\"\n  type        = \
                    map(string)\n  sensitive   = true\n}\n";
    assert!(text.contains(variable), "{text}");
    assert_eq!(root.secrets(), "a_shell_env = {\n  TOKEN = \"s3cr3t\"\n}\na_shell_payload = \"s3cr3t\"\n");
    assert!(root.summary(None).contains("2 variables for secrets, without values"));
    assert!(root.summary(Some(Path::new("x.tfvars"))).contains("are in x.tfvars."));
}

#[test]
fn parents_are_references_where_they_are_part_of_it() {
    let child = |name: &str, parent: &str| dkron::Job { parent_job: parent.to_owned(), ..shell(name, &[]) };
    let root = Root::new(&[shell("p", &[]), child("c", "p"), child("d", "other")], None);
    let text = file(&root, "jobs.tf");
    assert!(text.contains("parent_job = krony_job.p.name"), "{text}");
    assert!(text.contains("parent_job = \"other\""), "{text}");
}

#[test]
fn parents_are_looked_for_in_their_tenant() {
    let child = dkron::Job { parent_job: "acme--p".to_owned(), ..of_tenant("acme", "c") };
    let jobs = [child, of_tenant("acme", "p"), of_tenant("zeta", "p"), shell("p", &[])];
    let text = file(&Root::new(&jobs, None), "jobs.tf");
    assert!(text.contains("parent_job = krony_job.acme__p.name"), "{text}");
}

#[test]
fn one_tenant_or_all_and_never_what_is_kronys_own() {
    let jobs = [
        of_tenant("zeta", "j"),
        shell("plain", &[]),
        of_tenant("acme", "j"),
        shell("krony--tenant-acme", &[]),
    ];
    let names = |root: &Root| root.resources.iter().map(|job| job.full_name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&Root::new(&jobs, None)), ["acme--j", "plain", "zeta--j"]);
    let acme = Root::new(&jobs, Some("acme"));
    assert_eq!(names(&acme), ["acme--j"]);
    let text = acme.text();
    assert!(text.contains("name     = \"j\"\n  tenant   = \"acme\"\n"), "{text}");
    assert!(!text.contains("krony.tenant") && text.contains("team = \"x\""), "{text}");
}

#[test]
fn labels_stay_apart() {
    let text = file(&Root::new(&[shell("a-b", &[]), shell("a_b", &[]), shell("0", &[])], None), "imports.tf");
    assert_eq!(text.matches("krony_job.a_b\n").count(), 1, "{text}");
    assert_eq!(text.matches("krony_job.a_b_2\n").count(), 1, "{text}");
    assert_eq!(text.matches("krony_job._0\n").count(), 1, "{text}");
}

#[test]
fn what_krony_would_refuse_is_left_out_and_named() {
    let nowhere = dkron::Job { tags: settings(&[("server", "true:0")]), ..shell("nowhere", &[]) };
    let respelled = shell("\u{1f71}", &[]);
    let root = Root::new(&[nowhere, respelled, shell("ok", &[])], None);
    let text = root.text();
    assert!(text.contains("# Job \"nowhere\" is left out. Tag without a number of nodes at tags"), "{text}");
    assert_eq!(text.matches("resource \"krony_job\"").count(), 1, "{text}");
    let summary = root.summary(None);
    assert!(summary.starts_with("1 job exported.") && summary.contains("normal form C"), "{summary}");
}

#[test]
fn a_cluster_without_jobs_is_a_root_without_jobs() {
    let root = Root::new(&[], None);
    assert_eq!(root.text(), versions());
    assert!(versions().contains("source = \"krony-cloud/krony\""));
}

#[test]
fn jobs_that_run_in_a_circle_are_left_out() {
    let job = |name: &str, parent: &str| dkron::Job { parent_job: parent.to_owned(), ..shell(name, &[]) };
    let root =
        Root::new(&[job("a", "b"), job("b", "c"), job("c", "a"), job("d", "a"), job("e", "gone")], None);
    let names: Vec<_> = root.resources.iter().map(|job| job.full_name.as_str()).collect();
    assert_eq!(names, ["d", "e"]);
    assert!(file(&root, "jobs.tf").contains("parent_job = \"a\""));
    assert_eq!(root.summary(None).matches("It comes after itself").count(), 3);
}
