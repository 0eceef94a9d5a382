//! Configurations that cannot work are refused at their line.

use xtask::terraform::Terraform;

use crate::support::{each_terraform, errors, job, shared_node, stage, workspace, written};

/// Arguments of a job that is refused.
struct Refused {
    /// Label of the resource, and name of the job where `arguments` has none.
    label: &'static str,
    arguments: &'static str,
    /// The line that Terraform shows.
    line: &'static str,
    summary: &'static str,
    /// What the text says, among other things.
    says: &'static str,
}

const fn refused(
    label: &'static str,
    arguments: &'static str,
    line: &'static str,
    summary: &'static str,
    says: &'static str,
) -> Refused {
    Refused { label, arguments, line, summary, says }
}

/// What a look at the configuration alone refuses.
const REFUSED: &[Refused] = &[
    refused(
        "five_fields",
        "schedule = \"0 4 * * *\"\nshell = { command = \"true\" }",
        "schedule = \"0 4 * * *\"",
        "Invalid schedule",
        "put a second in front: `0 0 4 * * *`",
    ),
    refused(
        "last_day",
        "schedule = \"0 0 4 L * *\"\nshell = { command = \"true\" }",
        "schedule = \"0 0 4 L * *\"",
        "Invalid schedule",
        "dkron has no `L`",
    ),
    refused(
        "second_60",
        "schedule = \"60 0 4 * * *\"\nshell = { command = \"true\" }",
        "schedule = \"60 0 4 * * *\"",
        "Invalid schedule",
        "60 is above 59",
    ),
    refused(
        "every_day",
        "schedule = \"@every 1d\"\nshell = { command = \"true\" }",
        "schedule = \"@every 1d\"",
        "Invalid schedule",
        "a day is 24h",
    ),
    refused(
        "time_zone",
        "schedule = \"@daily\"\ntimezone = \"Europe/Berln\"\nshell = { command = \"true\" }",
        "timezone = \"Europe/Berln\"",
        "Invalid time zone",
        "did you mean \"Europe/Berlin\"?",
    ),
    refused(
        "upper_case",
        "name = \"Upper\"\nschedule = \"@daily\"\nshell = { command = \"true\" }",
        "name = \"Upper\"",
        "Invalid job name",
        "found \"U\" in \"Upper\". Did you mean \"upper\"?",
    ),
    refused(
        "reserved",
        "name = \"krony--tenant\"\nschedule = \"@daily\"\nshell = { command = \"true\" }",
        "name = \"krony--tenant\"",
        "Invalid job name",
        "reserved",
    ),
    refused(
        "two_executors",
        "schedule = \"@daily\"\nhttp = { url = \"http://a\" }\nshell = { command = \"true\" }",
        "shell = { command = \"true\" }",
        "More than one executor",
        "found `http` and `shell`.",
    ),
    refused(
        "no_executor",
        "schedule = \"@daily\"",
        "resource \"krony_job\" \"no_executor\" {",
        "Missing executor",
        "Expected exactly one of `http`, `shell`, ",
    ),
    refused(
        "no_trigger",
        "shell = { command = \"true\" }",
        "resource \"krony_job\" \"no_trigger\" {",
        "Missing schedule",
        "Expected `schedule`, `parent_job` or both",
    ),
    refused(
        "own_parent",
        "parent_job = \"own_parent\"\nshell = { command = \"true\" }",
        "parent_job = \"own_parent\"",
        "A job cannot be its own parent",
        "Name another job.",
    ),
    refused(
        "header_without_colon",
        "schedule = \"@daily\"\nexecutor = {\n  name = \"http\"\n  config = {\n    headers = jsonencode([\"A\"])\n  }\n}",
        "config = {",
        "Invalid headers",
        "In `executor.config[\"headers\"]`: Expected `name: value` in each text; one without a colon crashes",
    ),
    refused(
        "headers_no_list",
        "schedule = \"@daily\"\nexecutor = {\n  name = \"http\"\n  sensitive_config = { headers = \"A: b\" }\n}",
        "sensitive_config = { headers = \"A: b\" }",
        "Invalid headers",
        "In `executor.sensitive_config[\"headers\"]`: Expected a JSON array of texts",
    ),
    refused(
        "header_name",
        "schedule = \"@daily\"\nhttp = {\n  url = \"http://a\"\n  headers = { \"A B\" = \"c\" }\n}",
        "headers = { \"A B\" = \"c\" }",
        "Invalid header",
        "In `http.headers[\"A B\"]`: Expected a header name",
    ),
    refused(
        "header_value",
        "schedule = \"@daily\"\nhttp = {\n  url = \"http://a\"\n  headers = { A = \"c\\nd\" }\n}",
        "headers = { A = \"c\\nd\" }",
        "Invalid header",
        "In `http.headers[\"A\"]`: Expected a value on one line.",
    ),
    refused(
        "scheme",
        "schedule = \"@daily\"\nhttp = {\n  url = \"ftp://a\"\n}",
        "url = \"ftp://a\"",
        "Invalid URL",
        "In `http.url`: Expected an address such as https://example.com/path; found the scheme \"ftp\".",
    ),
    refused(
        "method",
        "schedule = \"@daily\"\nhttp = {\n  url = \"http://a\"\n  method = \"get\"\n}",
        "method = \"get\"",
        "Invalid HTTP method",
        "In `http.method`: Expected a method in capitals",
    ),
    refused(
        "seconds",
        "schedule = \"@daily\"\nhttp = {\n  url = \"http://a\"\n  timeout = \"1500ms\"\n}",
        "timeout = \"1500ms\"",
        "Invalid duration",
        "In `http.timeout`: Expected whole seconds, found \"1500ms\"",
    ),
    refused(
        "codes",
        "schedule = \"@daily\"\nhttp = {\n  url = \"http://a\"\n  expected_codes = [99]\n}",
        "expected_codes = [99]",
        "Invalid status code",
        "In `http.expected_codes`: Expected status codes from 100 to 599",
    ),
    refused(
        "command",
        "schedule = \"@daily\"\nshell = {\n  command = \"\"\n}",
        "command = \"\"",
        "Missing value",
        "In `shell.command`: Expected a command",
    ),
    refused(
        "env_comma",
        "schedule = \"@daily\"\nshell = {\n  command = \"true\"\n  env = { A = \"1,2\" }\n}",
        "env = { A = \"1,2\" }",
        "Comma in an environment variable",
        "In `shell.env[\"A\"]`: dkron cuts the value",
    ),
    refused(
        "env_name",
        "schedule = \"@daily\"\nshell = {\n  command = \"true\"\n  env = { \"A=B\" = \"1\" }\n}",
        "env = { \"A=B\" = \"1\" }",
        "Invalid environment variable",
        "In `shell.env[\"A=B\"]`: Expected the name of a variable",
    ),
    refused(
        "plugin",
        "schedule = \"@daily\"\nexecutor = {\n  name = \"\"\n}",
        "name = \"\"",
        "Missing executor",
        "In `executor.name`: Expected the name of an executor plugin",
    ),
    refused(
        "key_twice",
        "schedule = \"@daily\"\nexecutor = {\n  name = \"x\"\n  config = { a = \"b\" }\n  sensitive_config = { a = \"c\" }\n}",
        "sensitive_config = { a = \"c\" }",
        "The same key twice",
        "In `executor.sensitive_config[\"a\"]`: The key stands in `config` and in `sensitive_config`",
    ),
    refused(
        "processor_twice",
        "schedule = \"@daily\"\nprocessors = {\n  log = {}\n  other = { log = {} }\n}\nshell = { command = \"true\" }",
        "other = { log = {} }",
        "The same processor twice",
        "In `processors.other[\"log\"]`: The processor stands in `processors.log` as well",
    ),
    refused(
        "retries_negative",
        "schedule = \"@daily\"\nretries = -1\nshell = { command = \"true\" }",
        "retries = -1",
        "Number out of range",
        "Expected a whole number from 0 to 4294967295.",
    ),
    refused(
        "retries_fraction",
        "schedule = \"@daily\"\nretries = 1.5\nshell = { command = \"true\" }",
        "retries = 1.5",
        "Number out of range",
        "Expected a whole number from 0 to 4294967295.",
    ),
    refused(
        "retries_wrapped",
        "schedule = \"@daily\"\nretries = 4294967296\nshell = { command = \"true\" }",
        "retries = 4294967296",
        "Number out of range",
        "Expected a whole number from 0 to 4294967295.",
    ),
    refused(
        "concurrency",
        "schedule = \"@daily\"\nconcurrency = \"maybe\"\nshell = { command = \"true\" }",
        "concurrency = \"maybe\"",
        "Invalid concurrency",
        "Expected \"allow\" or \"forbid\", found \"maybe\".",
    ),
    refused(
        "tag_count",
        "schedule = \"@daily\"\ntags = { a = \"b:c\" }\nshell = { command = \"true\" }",
        "tags = { a = \"b:c\" }",
        "Tag without a number of nodes",
        "In `tags[\"a\"]`: Expected a value with the number of nodes behind its last colon",
    ),
    refused(
        "tag_null",
        "schedule = \"@daily\"\ntags = { a = null }\nshell = { command = \"true\" }",
        "tags = { a = null }",
        "Null element",
        "In `tags[\"a\"]`: Expected text. Leave the key out instead",
    ),
    refused(
        "metadata",
        "schedule = \"@daily\"\nmetadata = { \"krony.x\" = \"y\" }\nshell = { command = \"true\" }",
        "metadata = { \"krony.x\" = \"y\" }",
        "Reserved metadata key",
        "In `metadata[\"krony.x\"]`: Keys that begin with `krony.` are krony's own",
    ),
    refused(
        "expires_at",
        "schedule = \"@daily\"\nexpires_at = \"2031-01-01\"\nshell = { command = \"true\" }",
        "expires_at = \"2031-01-01\"",
        "Invalid time",
        "Expected a date and time with a zone, such as 2031-06-30T12:00:00Z",
    ),
    refused(
        "timeouts",
        "schedule = \"@daily\"\ntimeouts = {\n  create = \"5\"\n}\nshell = { command = \"true\" }",
        "create = \"5\"",
        "Invalid duration",
        "In `timeouts.create`: \"5\" is no duration",
    ),
];

/// What shows only where everything about the job is known.
const REFUSED_BY_PLAN: &[Refused] = &[refused(
    "too_large",
    "schedule = \"@daily\"\nshell = { command = join(\"\", [for i in range(430) : format(\"%010000d\", i)]) }",
    "resource \"krony_job\" \"too_large\" {",
    "Job too large",
    "dkron takes jobs of up to 4 MiB",
)];

fn resource(row: &Refused) -> String {
    let line =
        |missing: &str, line: String| if row.arguments.contains(missing) { String::new() } else { line };
    let name = line("name = \"Upper\"", line("name = \"krony--", format!("  name = \"{}\"\n", row.label)));
    let tags = line("tags =", "  tags = {}\n".to_owned());
    format!("resource \"krony_job\" \"{}\" {{\n{name}{tags}{}\n}}\n", row.label, row.arguments)
}

/// All rows in one root: each is refused once, at its line, by plan and by apply, and nothing is written.
fn assert_refused(terraform: &Terraform, rows: &[Refused]) {
    let node = shared_node();
    let workspace = workspace(terraform, &node.url());
    let configuration: String = rows.iter().map(resource).collect();
    workspace.write("main.tf", &configuration).unwrap();
    for command in ["plan", "apply"] {
        let errors = errors(&workspace, &[command]);
        for row in rows {
            let address = format!("krony_job.{}", row.label);
            let found: Vec<_> = errors.iter().filter(|error| error.address == address).collect();
            let [found] = found.as_slice() else { panic!("{address} by {command}: {found:#?}") };
            let line = found.code.lines().next().unwrap_or_default().trim();
            assert_eq!((found.summary.as_str(), line), (row.summary, row.line), "{found:#?}");
            assert!(found.detail.contains(row.says), "{found:#?}");
        }
        assert_eq!(errors.len(), rows.len(), "{errors:#?}");
    }
    assert_eq!(workspace.state_list().unwrap(), Vec::<String>::new());
    for row in rows {
        assert_eq!(written(&node, row.label), None);
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_its_line() {
    for terraform in each_terraform() {
        assert_refused(&terraform, REFUSED);
        assert_refused(&terraform, REFUSED_BY_PLAN);
    }
}

/// As a person sees it.
#[test]
fn the_message_shows_file_line_and_block() {
    let (_node, workspace) = stage();
    let rest = "  schedule = \"@daily\"\n  http = {\n    url = \"ftp://a\"\n  }";
    workspace.write("main.tf", &job("shown", rest)).unwrap();
    let plan = workspace.run(&["plan", "-no-color"]).unwrap();
    let expected = "
Error: Invalid URL

  with krony_job.shown,
  on main.tf line 6, in resource \"krony_job\" \"shown\":
   6:     url = \"ftp://a\"

In `http.url`: Expected an address such as https://example.com/path; found
the scheme \"ftp\".
";
    assert_eq!((plan.code, plan.stderr.as_str()), (1, expected));
}
