//! Holds the `.proto` files to tables of the protocols' facts, in both directions: a wrong
//! number, a missing field and an additional one all fail.
//!
//! A table has one fact per line: kind, full name, number, type, label, oneof, RPC input, RPC
//! output, streaming, note; separated by tabs, empty where it does not apply.

use std::collections::BTreeSet;

use prost::{DecodeError, Message};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

#[test]
fn tfplugin6_is_its_table() -> Result<(), DecodeError> {
    check(include_str!("tfplugin6.tsv"), &["tfplugin6"])
}

#[test]
fn go_plugin_is_its_table() -> Result<(), DecodeError> {
    check(include_str!("go-plugin.tsv"), &["plugin", "grpc.health.v1"])
}

#[track_caller]
fn check(table: &str, packages: &[&str]) -> Result<(), DecodeError> {
    let expected = table.lines().skip(1).map(str::to_owned).collect::<BTreeSet<_>>();
    let found = facts(packages)?;
    let missing = expected.difference(&found).collect::<Vec<_>>();
    let extra = found.difference(&expected).collect::<Vec<_>>();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:#?}\nextra: {extra:#?}");
    Ok(())
}

/// The compiled descriptors of `packages` as lines of a table.
fn facts(packages: &[&str]) -> Result<BTreeSet<String>, DecodeError> {
    let descriptors = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    let descriptors = FileDescriptorSet::decode(&descriptors[..])?;
    let mut facts = BTreeSet::new();
    for file in descriptors.file.iter().filter(|file| packages.contains(&file.package())) {
        file.message_type.iter().for_each(|message| message_facts(file.package(), message, &mut facts));
        file.enum_type.iter().for_each(|enumeration| enum_facts(file.package(), enumeration, &mut facts));
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            facts.extend(service.method.iter().map(|method| method_fact(&name, method)));
            facts.insert(Fact { kind: "service", name, ..Fact::default() }.line());
        }
    }
    Ok(facts)
}

fn message_facts(scope: &str, message: &DescriptorProto, facts: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    let is_map_entry = message.options.as_ref().is_some_and(|options| options.map_entry());
    for (index, oneof) in message.oneof_decl.iter().enumerate() {
        let is_synthetic =
            message.field.iter().any(|f| f.oneof_index == Some(index as i32) && f.proto3_optional());
        let note = if is_synthetic { "synthetic" } else { "" };
        let name = format!("{name}.{}", oneof.name());
        facts.insert(Fact { kind: "oneof", name, note, ..Fact::default() }.line());
    }
    facts.extend(message.field.iter().map(|field| field_fact(&name, message, field)));
    message.nested_type.iter().for_each(|nested| message_facts(&name, nested, facts));
    message.enum_type.iter().for_each(|nested| enum_facts(&name, nested, facts));
    let kind = if is_map_entry { "mapentry" } else { "message" };
    facts.insert(Fact { kind, name, ..Fact::default() }.line());
}

fn field_fact(scope: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let label = match field.label() {
        _ if field.proto3_optional() => "proto3-optional",
        Label::Optional => "optional",
        Label::Required => "required",
        Label::Repeated => "repeated",
    };
    let oneof = match field.oneof_index {
        Some(index) if !field.proto3_optional() => message.oneof_decl[index as usize].name(),
        _ => "",
    };
    let is_deprecated = field.options.as_ref().is_some_and(|options| options.deprecated());
    Fact {
        kind: "field",
        name: format!("{scope}.{}", field.name()),
        number: field.number().to_string(),
        ty: type_name(field),
        label,
        oneof,
        note: if is_deprecated { "deprecated" } else { "" },
        ..Fact::default()
    }
    .line()
}

fn type_name(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => field.type_name().trim_start_matches('.').to_owned(),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

fn enum_facts(scope: &str, enumeration: &EnumDescriptorProto, facts: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", enumeration.name());
    for value in &enumeration.value {
        let number = value.number().to_string();
        let name = format!("{name}.{}", value.name());
        facts.insert(Fact { kind: "enumvalue", name, number, ..Fact::default() }.line());
    }
    facts.insert(Fact { kind: "enum", name, ..Fact::default() }.line());
}

fn method_fact(service: &str, method: &MethodDescriptorProto) -> String {
    let streaming = match (method.client_streaming(), method.server_streaming()) {
        (false, false) => "unary",
        (true, false) => "client",
        (false, true) => "server",
        (true, true) => "client+server",
    };
    Fact {
        kind: "rpc",
        name: format!("{service}.{}", method.name()),
        input: method.input_type().trim_start_matches('.'),
        output: method.output_type().trim_start_matches('.'),
        streaming,
        ..Fact::default()
    }
    .line()
}

/// A line of a table.
#[derive(Default)]
struct Fact<'a> {
    kind: &'a str,
    name: String,
    number: String,
    ty: String,
    label: &'a str,
    oneof: &'a str,
    input: &'a str,
    output: &'a str,
    streaming: &'a str,
    note: &'a str,
}

impl Fact<'_> {
    fn line(&self) -> String {
        let Self { kind, name, number, ty, label, oneof, input, output, streaming, note } = self;
        format!("{kind}\t{name}\t{number}\t{ty}\t{label}\t{oneof}\t{input}\t{output}\t{streaming}\t{note}")
    }
}
