//! What a hook may use.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The largest module, in bytes. Interpreters of Python and JavaScript come as large as 20 MB.
pub const MAX_MODULE: usize = 50 << 20;
/// The largest answer, in bytes.
pub const MAX_OUTPUT: usize = 1 << 20;
/// The most findings in one answer.
pub const MAX_FINDINGS: usize = 100;
/// How much stack a guest may use, in bytes. Calls need a thread with more than that.
pub const MAX_STACK: usize = 512 << 10;
/// The most elements of one table.
const MAX_TABLE: usize = 100_000;
/// The most instances, tables and memories: components of interpreters have dozens.
const MAX_PARTS: usize = 100;

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Instructions, more or less. Deterministic: the same call uses the same amount everywhere.
    pub fuel: u64,
    /// Memory in bytes, of all memories of the guest together.
    pub memory: usize,
    /// Time by the clock: for what fuel does not see, such as a machine that is busy.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: 50_000_000, memory: 64 << 20, timeout: Duration::from_secs(2) }
    }
}

/// Counts the memory of one store.
pub(crate) struct Meter {
    limit: usize,
    /// In bytes, of all memories.
    pub(crate) memory: usize,
    /// Whether the guest asked for more than it may have.
    pub(crate) exceeded: bool,
}

impl Meter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, memory: 0, exceeded: false }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let memory = self.memory.saturating_add(desired.saturating_sub(current));
        self.exceeded |= memory > self.limit;
        if memory <= self.limit {
            self.memory = memory;
        }
        Ok(memory <= self.limit)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE)
    }

    fn instances(&self) -> usize {
        MAX_PARTS
    }

    fn tables(&self) -> usize {
        MAX_PARTS
    }

    fn memories(&self) -> usize {
        MAX_PARTS
    }
}
