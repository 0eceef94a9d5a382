//! Debug mode: the provider runs by itself, under a debugger maybe, and Terraform is told where.

use std::{collections::BTreeMap, process};

use serde::Serialize;

use super::handshake::Address;

/// How to reach a provider that already runs, as `TF_REATTACH_PROVIDERS` wants it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reattach<'a> {
    protocol: &'a str,
    protocol_version: u8,
    pid: u32,
    /// Terraform does not end the process. It crashes where this is false.
    test: bool,
    addr: Addr<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Addr<'a> {
    network: &'a str,
    string: String,
}

/// The command that tells a shell, and thereby Terraform, about this process.
pub(super) fn export_line(provider: &str, address: &Address) -> String {
    let reattach = Reattach {
        protocol: "grpc",
        protocol_version: 6,
        pid: process::id(),
        test: true,
        addr: Addr { network: address.network(), string: address.to_string() },
    };
    let providers = BTreeMap::from([(provider, reattach)]);
    let json = serde_json::json!(providers).to_string();
    format!("export TF_REATTACH_PROVIDERS='{}'", json.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_for_a_shell() {
        let address = Address::Unix("/tmp/it's/socket".into());
        let pid = process::id();
        assert_eq!(
            export_line("registry.terraform.io/example/probe", &address),
            format!(
                r#"export TF_REATTACH_PROVIDERS='{{"registry.terraform.io/example/probe":{{"Addr":{{"Network":"unix","String":"/tmp/it'\''s/socket"}},"Pid":{pid},"Protocol":"grpc","ProtocolVersion":6,"Test":true}}}}'"#
            )
        );
    }
}
