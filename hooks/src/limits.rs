//! What a hook may use.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The largest module, in bytes. Interpreters of Python and JavaScript come as large as 20 MB.
pub const MAX_MODULE: usize = 50 << 20;
/// The largest answer, in bytes.
pub const MAX_OUTPUT: usize = 1 << 20;
/// The most findings in one answer.
pub const MAX_FINDINGS: usize = 100;
/// The heaviest function that is compiled: its local variables times its blocks, with which the time and memory of the
/// compiler grow. The heaviest one of the interpreter of Python has 67,000, of JavaScript 51,000, of Go 6,000.
pub const MAX_FUNCTION: u64 = 250_000;
/// The heaviest module that is compiled: the same, summed up. Python has 1.4 million.
pub const MAX_CODE: u64 = 8_000_000;
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
    /// Memory in bytes, of all memories and tables of the guest together.
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
    /// In bytes, of all memories and tables.
    pub(crate) memory: usize,
    /// Whether the guest asked for more than it may have.
    pub(crate) exceeded: bool,
}

impl Meter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, memory: 0, exceeded: false }
    }

    /// Takes so many bytes, if there are so many left.
    fn take(&mut self, bytes: usize) -> bool {
        let memory = self.memory.saturating_add(bytes);
        let fits = memory <= self.limit;
        self.exceeded |= !fits;
        if fits {
            self.memory = memory;
        }
        fits
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let is_possible = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(is_possible && self.take(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let is_possible = desired <= MAX_TABLE && maximum.is_none_or(|maximum| desired <= maximum);
        Ok(is_possible && self.take(desired.saturating_sub(current).saturating_mul(size_of::<usize>())))
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
