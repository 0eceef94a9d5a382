//! SHA-256 of a module: what it is pinned and cached by.

use std::fmt;

use hooks::digest::Digest;
use tfplugin::model::TextType;

use super::SourceError;

/// Refuses a module of one digest where another one was asked for.
pub(super) fn expect(
    found: Digest,
    expected: &Digest,
    address: impl fmt::Display,
) -> Result<(), SourceError> {
    if found == *expected {
        return Ok(());
    }
    Err(SourceError::WrongDigest { address: address.to_string(), expected: *expected, found })
}

/// A digest as text.
#[derive(Clone)]
pub enum HookDigest {}

impl TextType for HookDigest {
    const NAME: &'static str = "SHA-256";
    const EXAMPLES: &'static [&'static str] = &[
        "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476",
        "sha256:93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476",
    ];

    fn check(text: &str) -> Result<(), String> {
        text.parse::<Digest>().map(drop).map_err(|error| error.to_string())
    }

    fn same(a: &str, b: &str) -> bool {
        matches!((a.parse::<Digest>(), b.parse::<Digest>()), (Ok(a), Ok(b)) if a == b)
    }
}
