//! Private data: what a resource keeps beside its state, unseen by users.
//!
//! Terraform stores the bytes unencrypted in the state file: no secrets belong here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Result};

/// Versioned private data of one resource instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Private {
    values: BTreeMap<String, serde_json::Value>,
}

/// As stored.
#[derive(Serialize, Deserialize)]
struct Envelope {
    version: u32,
    values: BTreeMap<String, serde_json::Value>,
}

impl Private {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&serde_json::Value> {
        self.values.get(key)
    }

    /// Stores a value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) {
        self.values.insert(key.into(), value.into());
    }

    /// Removes a value.
    pub fn remove(&mut self, key: &str) {
        self.values.remove(key);
    }

    /// Reads stored bytes, together with the version in which they are written; no bytes are no data of `version`.
    ///
    /// # Errors
    /// When a newer provider wrote them, or they are damaged.
    pub(crate) fn decode(bytes: &[u8], version: u32) -> Result<(u32, Self)> {
        if bytes.is_empty() {
            return Ok((version, Self::default()));
        }
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| {
            Diagnostic::error(
                "Damaged private data",
                "The private data of this object in the state is not what a provider of this type writes. \
                 Restore the state from a backup, or remove the object with `terraform state rm` and import it again.",
            )
        })?;
        if envelope.version > version {
            let detail = format!(
                "The private data of this object has version {}, this provider knows versions up to {version}. \
                 Use the provider version that wrote it, or a newer one.",
                envelope.version
            );
            return Err(Diagnostic::error("Private data from a newer provider", detail).into());
        }
        Ok((envelope.version, Self { values: envelope.values }))
    }

    /// The bytes to store.
    pub(crate) fn encode(&self, version: u32) -> Vec<u8> {
        if self.values.is_empty() {
            return Vec::new();
        }
        // Strings and JSON values always serialise.
        serde_json::to_vec(&Envelope { version, values: self.values.clone() }).unwrap_or_default()
    }
}
