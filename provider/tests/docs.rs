//! What others see of the provider is checked in: `docs/` and the schema as Terraform prints it. Both are made from the
//! declarations of the attributes; with `KRONY_UPDATE=1` this rewrites what is stale (`cargo xtask docs`).

#![allow(clippy::expect_used, reason = "a failed expectation fails the test")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use provider::provider::{ADDRESS, KronyProvider};
use tfplugin::{
    docs::{
        Examples, action_page, data_source_page, function_page, list_resource_page, provider_page,
        resource_page,
    },
    function::{Parameter, Signature},
    schema::{Attribute, Block, Field, Kind, Schema},
    service::Server,
};

const PROVIDER: &str = "krony";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate has a folder above it").to_owned()
}

/// Compares a file with what it should be; rewrites it when asked to.
#[track_caller]
fn check_fresh(path: &str, fresh: &str) {
    let file = repository().join(path);
    let found = fs::read_to_string(&file).unwrap_or_default();
    if found == fresh {
        return;
    }
    if env::var_os("KRONY_UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("the folder can be made");
        fs::write(&file, fresh).expect("the file can be written");
        return;
    }
    panic!("{path} is stale: run `cargo xtask docs` and look at the difference");
}

/// An example in the registry's layout; empty where there is none.
fn example(path: &str) -> String {
    fs::read_to_string(repository().join("examples").join(path)).unwrap_or_default()
}

/// An example without which there is no page.
#[track_caller]
fn required_example(path: &str) -> String {
    let example = example(path);
    assert!(!example.is_empty(), "there is no example in examples/{path}");
    example
}

/// The other examples of a folder, with the comment in their first line as the heading.
fn further_examples(folder: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(repository().join("examples").join(folder)).expect("there are examples");
    let mut names: Vec<String> = files
        .map(|file| file.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .collect();
    names.retain(|name| name.ends_with(".tf") && name != "resource.tf" && !name.starts_with("import"));
    names.sort_unstable();
    let read = |name: String| {
        let text = required_example(&format!("{folder}/{name}"));
        let (heading, hcl) = text.split_once('\n').expect("an example has lines");
        (heading.trim_start_matches("# ").to_owned(), hcl.to_owned())
    };
    names.into_iter().map(read).collect()
}

fn page_name(type_name: &str) -> &str {
    type_name.strip_prefix("krony_").expect("types begin with the provider's name")
}

#[test]
fn pages_are_fresh() {
    let server = Server::new(KronyProvider::default());
    let usage = example("provider/provider.tf");
    let examples = Examples { usage: &usage, ..Examples::default() };
    check_fresh("docs/index.md", &provider_page(PROVIDER, server.provider_schema(), &examples));

    for (type_name, schema) in server.resource_schemas() {
        let folder = format!("resources/{type_name}");
        let usage = required_example(&format!("{folder}/resource.tf"));
        let import_command = example(&format!("{folder}/import.sh"));
        let import_block = example(&format!("{folder}/import-by-string-id.tf"));
        let import_by_identity = example(&format!("{folder}/import-by-identity.tf"));
        let further = further_examples(&folder);
        let examples = Examples {
            usage: &usage,
            further: &further,
            import_by_identity: &import_by_identity,
            import_block: &import_block,
            import_command: &import_command,
        };
        let identity = server.identity_schemas().find(|(name, _)| *name == type_name);
        let identity = identity.map(|(_, identity)| identity);
        let page = resource_page(PROVIDER, &type_name, schema, identity, &examples);
        check_fresh(&format!("docs/resources/{}.md", page_name(&type_name)), &page);
    }

    for (type_name, schema) in server.data_source_schemas() {
        let usage = required_example(&format!("data-sources/{type_name}/data-source.tf"));
        let examples = Examples { usage: &usage, ..Examples::default() };
        let page = data_source_page(PROVIDER, &type_name, schema, &examples);
        check_fresh(&format!("docs/data-sources/{}.md", page_name(&type_name)), &page);
    }

    for (type_name, schema) in server.list_resource_schemas() {
        let usage = required_example(&format!("list-resources/{type_name}/list-resource.tfquery.hcl"));
        let examples = Examples { usage: &usage, ..Examples::default() };
        let page = list_resource_page(PROVIDER, &type_name, schema, &examples);
        check_fresh(&format!("docs/list-resources/{}.md", page_name(&type_name)), &page);
    }

    for (type_name, schema) in server.action_schemas() {
        let usage = required_example(&format!("actions/{type_name}/action.tf"));
        let examples = Examples { usage: &usage, ..Examples::default() };
        let page = action_page(PROVIDER, &type_name, schema, &examples);
        check_fresh(&format!("docs/actions/{}.md", page_name(&type_name)), &page);
    }

    for (name, signature) in server.functions() {
        let usage = required_example(&format!("functions/{name}/function.tf"));
        let examples = Examples { usage: &usage, ..Examples::default() };
        let page = function_page(PROVIDER, name, signature, &examples);
        check_fresh(&format!("docs/functions/{name}.md"), &page);
    }
}

/// One line for each attribute: what a change to it means for users shows in a diff.
#[test]
fn the_schema_is_as_released() {
    let server = Server::new(KronyProvider::default());
    let mut lines = vec![format!("# {ADDRESS}")];
    describe("provider", server.provider_schema(), &mut lines);
    let resources = server.resource_schemas().map(|(name, schema)| (format!("resource {name}"), schema));
    let identities = server.identity_schemas().map(|(name, schema)| (format!("identity {name}"), schema));
    let data_sources = server.data_source_schemas().map(|(name, schema)| (format!("data {name}"), schema));
    let lists = server.list_resource_schemas().map(|(name, schema)| (format!("list {name}"), schema));
    let actions = server.action_schemas().map(|(name, schema)| (format!("action {name}"), schema));
    resources
        .chain(identities)
        .chain(data_sources)
        .chain(lists)
        .chain(actions)
        .for_each(|(title, schema)| describe(&title, schema, &mut lines));
    server.functions().for_each(|(name, signature)| lines.push(describe_function(name, signature)));
    check_fresh("provider/tests/schema.txt", &(lines.join("\n") + "\n"));
}

fn describe_function(name: &str, signature: &Signature) -> String {
    let line = |parameter: &Parameter, note: &str| {
        let nullable = if parameter.nullable { " nullable" } else { "" };
        format!("{}: {}{note}{nullable}", parameter.name, parameter.value_type)
    };
    let mut lines = vec![format!("\nfunction {name} gives {}", signature.output)];
    lines.extend(signature.parameters.iter().map(|parameter| line(parameter, "")));
    lines.extend(signature.variadic.iter().map(|parameter| line(parameter, "...")));
    lines.join("\n")
}

fn describe(title: &str, schema: &Schema, lines: &mut Vec<String>) {
    lines.push(format!("\n{title} version={}", schema.version));
    describe_fields("", &schema.fields, lines);
}

fn describe_fields(prefix: &str, fields: &[Field], lines: &mut Vec<String>) {
    for field in fields {
        match field {
            Field::Attribute(attribute) => describe_attribute(prefix, attribute, lines),
            Field::Block(Block { name, nesting, fields, min_items, max_items, .. }) => {
                lines.push(format!("{prefix}{name} block {nesting:?} {min_items}..{max_items}"));
                describe_fields(&format!("{prefix}{name}."), fields, lines);
            }
        }
    }
}

fn describe_attribute(prefix: &str, attribute: &Attribute, lines: &mut Vec<String>) {
    let name = attribute.name;
    let kind = match &attribute.kind {
        Kind::Plain(plain) => plain.to_string(),
        Kind::Nested(nesting, _) => format!("nested {nesting:?}"),
    };
    let flags = [
        ("sensitive", attribute.sensitive),
        ("write-only", attribute.write_only),
        ("replaces", attribute.replaces),
        ("volatile", attribute.volatile),
        ("empty=null", attribute.empty_is_null),
        ("deprecated", attribute.deprecated.is_some()),
        ("default", attribute.default.is_some()),
    ];
    let flags: String = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| format!(" {flag}")).collect();
    lines.push(format!("{prefix}{name}: {kind}, {:?}{flags}", attribute.presence));
    if let Kind::Nested(_, fields) = &attribute.kind {
        describe_fields(&format!("{prefix}{name}."), fields, lines);
    }
}
