//! `shell`: runs a command on the node.

use base64::{Engine, prelude::BASE64_STANDARD};
use tfplugin::{
    diagnostic::{Diagnostic, Diagnostics},
    model,
    model::{Attr, Map, Text},
    path::Path,
};

use super::{
    Form, TypedForm,
    settings::{Decoder, Encoder, Settings, check_not_empty, check_nulls, is_written, normalise},
};
use crate::text::Duration;

model! {
    /// A command on the node.
    pub struct Shell {
        /// The command with its arguments.
        command: String = required(),
        /// Whether `/bin/sh` interprets the command, so that it may hold pipes, variables and the like. Without it
        /// dkron leaves out all that follows the first `|`, `&`, `;`, `<` or `>`.
        use_shell: bool = optional(),
        /// Environment variables by name. Values cannot hold a comma.
        env: Map<String> = optional().sensitive().empty_is_null(),
        /// Environment variables by name, which Terraform does not store. Needs Terraform 1.11 and `env_wo_version`; stands instead of `env`.
        env_wo: Map<String> = optional().sensitive().write_only(),
        /// Version of `env_wo`, any number: a new one writes the value again.
        env_wo_version: i64 = optional(),
        /// Directory in which the command runs; that of the agent by default.
        cwd: String = optional().empty_is_null(),
        /// How long the command may run.
        timeout: Text<Duration> = optional(),
        /// What the command reads from its standard input.
        payload: String = optional().sensitive().empty_is_null(),
        /// User, or `user:group`, that runs the command. Crashes the shell plugin of dkron up to 4.0.8.
        su: String = optional().empty_is_null(),
        /// How much memory the command may use, such as `512MB`. dkron before 4.0.9 ignores it.
        mem_limit: String = optional().empty_is_null(),
    }
}

impl Form for Shell {
    fn encode(&self) -> Settings {
        let mut encoder = Encoder::default();
        encoder.string("command", &self.command);
        encoder.flag("shell", &self.use_shell);
        encoder.text("env", self.env.known().map(encode_env).as_deref());
        encoder.string("cwd", &self.cwd);
        encoder.word("timeout", &self.timeout);
        encoder
            .text("payload", self.payload.known().map(|payload| BASE64_STANDARD.encode(payload)).as_deref());
        encoder.string("su", &self.su);
        encoder.string("mem_limit", &self.mem_limit);
        encoder.0
    }

    fn check(&self, path: &Path) -> Diagnostics {
        let expected = "a command with its arguments, such as \"date\"";
        let mut findings = check_not_empty(&self.command, path.attr("command"), expected);
        findings.extend(check_env(&self.env, &path.attr("env")));
        findings.extend(check_env(&self.env_wo, &path.attr("env_wo")));
        findings
    }

    fn advice(&self, path: &Path) -> Diagnostics {
        let mut findings = Diagnostics::new();
        if is_written(&self.su) {
            let detail = "Up to dkron 4.0.8 this crashes the shell plugin: all shell jobs of the node fail until it is \
                          restarted.";
            let summary = "Dangerous with older versions of dkron";
            findings.push(Diagnostic::warning(summary, detail).at(path.attr("su")));
        }
        if is_written(&self.mem_limit) {
            let detail = "dkron before 4.0.9 ignores this: the command may use any amount of memory.";
            let summary = "Without effect in older versions of dkron";
            findings.push(Diagnostic::warning(summary, detail).at(path.attr("mem_limit")));
        }
        if let Some(operator) = self.command.known().and_then(|command| first_operator(command))
            && (self.use_shell.is_null() || self.use_shell.known() == Some(&false))
        {
            let detail = format!(
                "Without a shell dkron runs only what stands before the first `{operator}`. Set `use_shell = true`, or \
                 put the character into quotes if it belongs to an argument."
            );
            findings.push(Diagnostic::warning("Command is cut", detail).at(path.attr("command")));
        }
        findings
    }
}

impl TypedForm for Shell {
    const RENAMED: &'static [(&'static str, &'static str)] = &[("shell", "use_shell")];

    fn decode(decoder: &mut Decoder) -> Option<Self> {
        Some(Self {
            command: decoder.text("command"),
            use_shell: decoder.flag("shell"),
            env: decoder.parsed("env", decode_env)?,
            cwd: decoder.text("cwd"),
            timeout: decoder.word("timeout"),
            payload: decoder
                .parsed("payload", |payload| String::from_utf8(BASE64_STANDARD.decode(payload).ok()?).ok())?,
            su: decoder.text("su"),
            mem_limit: decoder.text("mem_limit"),
            ..Self::default()
        })
    }

    fn is_complete(&self) -> bool {
        self.command.is_set()
    }

    fn normalise(settings: &mut Settings) {
        normalise(settings, "env", |env| {
            let mut pairs: Vec<_> = env.split(',').collect();
            pairs.sort_unstable();
            Some(pairs.join(","))
        });
    }
}

fn check_env(env: &Attr<Map<String>>, path: &Path) -> Diagnostics {
    let mut findings = check_nulls(env, path);
    for (name, value) in env.known().into_iter().flat_map(|env| &env.0) {
        if name.is_empty() || name.contains(['=', ',', '\0']) {
            let detail = "Expected the name of a variable: not empty, without `=` and `,`.";
            findings.push(Diagnostic::error("Invalid environment variable", detail).at(path.key(name)));
        }
        if value.known().is_some_and(|value| value.contains(',')) {
            let detail = "dkron cuts the value of an environment variable at its first comma. Pass the text another \
                          way, such as in the command, in `payload`, or with another separator.";
            findings.push(Diagnostic::error("Comma in an environment variable", detail).at(path.key(name)));
        }
    }
    findings
}

/// The first operator of a shell that stands outside of quotes.
fn first_operator(command: &str) -> Option<char> {
    let mut quote = None;
    let mut escaped = false;
    command.chars().find(|&character| {
        if escaped {
            escaped = false;
            return false;
        }
        match (quote, character) {
            (None | Some('"'), '\\') => escaped = true,
            (None, '\'' | '"' | '`') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        quote.is_none() && matches!(character, ';' | '&' | '|' | '<' | '>')
    })
}

fn encode_env(env: &Map<String>) -> String {
    let pairs: Vec<_> = env.known().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(",")
}

fn decode_env(text: &str) -> Option<Map<String>> {
    let pairs = text.split(',').map(|pair| pair.split_once('='));
    pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}
