//! Quoting a server's words in an error: one line, short, without our secrets.

use std::error::Error as StdError;

const LONGEST_QUOTE: usize = 300;
const HIDDEN: &str = "[redacted]";

/// Knows the secrets of a client's configuration.
pub(super) struct Quote {
    secrets: Vec<String>,
}

impl Quote {
    pub(super) fn new(secrets: &[String]) -> Self {
        Self { secrets: longest_first(secrets.iter().flat_map(|secret| spellings(secret)).collect()) }
    }

    /// The text as it may be shown; `None` if nothing is left. `secrets` are further ones.
    pub(super) fn clean(&self, text: &[u8], secrets: &[String]) -> Option<String> {
        let mut text = String::from_utf8_lossy(text).into_owned();
        let further = longest_first(secrets.iter().flat_map(|secret| spellings(secret)).collect());
        for secret in self.secrets.iter().chain(&further) {
            text = text.replace(secret.as_str(), HIDDEN);
        }
        let words: Vec<_> = text
            .split(|character: char| character.is_whitespace() || character.is_control())
            .filter(|word| !word.is_empty())
            .collect();
        let line = words.join(" ");
        let cut: String = line.chars().take(LONGEST_QUOTE).collect();
        match cut.len() {
            0 => None,
            length if length < line.len() => Some(cut + "…"),
            _ => Some(cut),
        }
    }
}

/// A secret as it is, as JSON writes it here and in Go, and as URLs do.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let go = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let path = url.replace('+', "%20");
    let mut spellings = vec![secret.to_owned(), json, go, url, path];
    spellings.retain(|spelling| !spelling.is_empty());
    spellings.sort();
    spellings.dedup();
    spellings
}

/// A secret that contains another one is hidden first, as a whole.
fn longest_first(mut secrets: Vec<String>) -> Vec<String> {
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// The innermost cause: the one that says what happened.
pub(super) fn root(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests;
