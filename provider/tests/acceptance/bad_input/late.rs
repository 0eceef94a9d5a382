//! What is known only while it is applied is refused then, before the job is written.

use std::collections::BTreeSet;

use crate::support::{apply, assert_plan_is_empty, errors, names_in_dkron, stage};

/// A value that another resource makes up when it is applied.
const MADE: &str = r#"
resource "terraform_data" "made" {
  input = {
    yes     = true
    fields  = "0 4 * * *"
    name    = "Upper"
    seconds = "5"
    word    = "known"
    words   = { A = "b" }
    when    = "@manually"
    codes   = [200]
    count   = 1
    http    = { url = "http://127.0.0.1:9", headers = { A = "b" } }
  }
}
locals {
  late = terraform_data.made.output
}
"#;

fn resource(label: &str, arguments: &str) -> String {
    let name =
        if arguments.starts_with("name = ") { String::new() } else { format!("  name = \"{label}\"\n") };
    format!("resource \"krony_job\" \"{label}\" {{\n{name}  tags = {{}}\n{arguments}\n}}\n")
}

#[test]
fn what_turns_out_wrong_while_it_is_applied_is_refused_at_its_line() {
    let rows = [
        (
            "late_schedule",
            "schedule = local.late.fields\nshell = { command = \"true\" }",
            "schedule = ",
            "Invalid schedule",
        ),
        (
            "late_name",
            "name = local.late.name\nschedule = \"@daily\"\nshell = { command = \"true\" }",
            "name = ",
            "Invalid job name",
        ),
        (
            "late_timeouts",
            "schedule = \"@daily\"\nshell = { command = \"true\" }\ntimeouts = { create = local.late.seconds }",
            "timeouts = ",
            "Invalid duration",
        ),
        (
            "late_two",
            "schedule = \"@daily\"\nshell = local.late.yes ? { command = \"true\" } : null\n\
             http = local.late.yes ? { url = \"http://a\" } : null",
            "shell = ",
            "More than one executor",
        ),
        (
            "late_none",
            "schedule = \"@daily\"\nshell = local.late.yes ? null : { command = \"true\" }",
            "resource ",
            "Missing executor",
        ),
        (
            "late_when",
            "schedule = local.late.yes ? null : \"@daily\"\nshell = { command = \"true\" }",
            "schedule = ",
            "Missing schedule",
        ),
        (
            "late_null",
            "schedule = \"@daily\"\nshell = { command = \"true\" }\nmetadata = local.late.yes ? { a = null } : {}",
            "metadata = ",
            "Null element",
        ),
        (
            "late_self",
            "parent_job = local.late.yes ? \"late_self\" : \"\"\nshell = { command = \"true\" }",
            "parent_job = ",
            "A job cannot be its own parent",
        ),
    ];
    let (node, workspace) = stage();
    let resources: String = rows.iter().map(|(label, arguments, ..)| resource(label, arguments)).collect();
    workspace.write("main.tf", &(MADE.to_owned() + &resources)).unwrap();
    let errors = errors(&workspace, &["apply"]);
    for (label, _, line, summary) in rows {
        let address = format!("krony_job.{label}");
        let found: Vec<_> = errors.iter().filter(|error| error.address == address).collect();
        let [found] = found.as_slice() else { panic!("{address}: {found:#?}") };
        assert_eq!(found.summary, summary, "{found:#?}");
        assert!(found.code.trim_start().starts_with(line), "{found:#?}");
    }
    assert_eq!(errors.len(), rows.len(), "{errors:#?}");
    assert_eq!(workspace.state_list().unwrap(), ["terraform_data.made"]);
    let written = names_in_dkron(&node);
    assert!(rows.iter().all(|(label, ..)| !written.contains(*label)), "{written:?}");
}

/// Whole objects, parts of them, keys, elements: all may be unknown while it is planned.
#[test]
fn what_turns_out_right_is_applied() {
    let (node, workspace) = stage();
    let config = [
        resource(
            "late_whole",
            "schedule = local.late.when\ndisplay_name = local.late.word\n\
             metadata = local.late.words\nretries = local.late.count\ndisabled = local.late.yes\nhttp = local.late.http\n\
             timeouts = local.late.yes ? { create = \"1m\" } : null",
        ),
        resource(
            "late_parts",
            "schedule = local.late.when\nmetadata = { (local.late.word) = \"x\" }\nhttp = {\n  \
             url = \"http://${local.late.word}\"\n  headers = { \"X-${local.late.word}\" = local.late.word }\n  \
             expected_codes = local.late.codes\n}",
        ),
        resource(
            "late_child",
            "parent_job = krony_job.late_whole.name\nprocessors = { other = { x = { y = local.late.word } } }\n\
             shell = local.late.yes ? { command = \"true\", env = { A = local.late.word } } : null",
        ),
        resource(
            "late_plugin",
            "name = \"late_${local.late.word}\"\nschedule = local.late.yes ? \"@daily\" : null\n\
             executor = { name = local.late.word, config = { a = local.late.word }, sensitive_config = local.late.words }",
        ),
    ];
    workspace.write("main.tf", &(MADE.to_owned() + &config.concat())).unwrap();
    apply(&workspace);
    // Unknown once more, and in the end the same.
    workspace.write("main.tf", &(MADE.replace("fields ", "others ") + &config.concat())).unwrap();
    workspace.apply(&[]).unwrap();
    assert_plan_is_empty(&workspace);
    let expected = ["late_whole", "late_parts", "late_child", "late_known"].map(str::to_owned);
    assert!(names_in_dkron(&node).is_superset(&BTreeSet::from(expected)));
    workspace.destroy(&[]).unwrap();
}
