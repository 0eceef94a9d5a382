//! Why a hook cannot be used, and why a call of one came to no answer.

use std::time::Duration;

use crate::limits::{MAX_FINDINGS, MAX_MODULE, MAX_OUTPUT};

/// Why a module cannot be a hook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file is something else.
    #[error(
        "It is no WebAssembly: expected a module or component, which begins with the bytes `\\0asm`, or a module in the text \
         format; found {found}. Name the .wasm file that the hook's build made"
    )]
    NotWasm {
        /// What its first bytes look like.
        found: String,
    },
    /// The file is larger than a hook may be.
    #[error(
        "It has {size} bytes, more than the {MAX_MODULE} that a hook may have. Build it for size, without debug information"
    )]
    TooLarge {
        /// In bytes.
        size: usize,
    },
    /// Compiling it would take too much.
    #[error(
        "Compiling it would take too much time and memory: {part} has local variables times blocks of {weight}, more than \
         {limit}. Split large functions up, or build for size"
    )]
    TooHeavy {
        /// A function, or all of them.
        part: &'static str,
        /// Its local variables times its blocks.
        weight: u64,
        /// So many are compiled.
        limit: u64,
    },
    /// The file is damaged, or uses what this host does not know.
    #[error("It is no valid WebAssembly: {reason}. It may be cut off or damaged: build or download it again")]
    Invalid {
        /// What the validator says.
        reason: String,
    },
    /// The hook speaks a version that this host does not know.
    #[error(
        "It was built for `{found}`, which this version of krony does not speak: it speaks {spoken}. Use a newer krony, or \
         build the hook for a version that is spoken"
    )]
    Newer {
        /// What it exports.
        found: String,
        /// The versions that are spoken.
        spoken: String,
    },
    /// Nothing in the module says that it is a hook.
    #[error(
        "It exports no hook: expected {expected}, found {found}. The build may lack the hook's world: \
         see `terraform-provider-krony hook new`"
    )]
    NoHook {
        /// The exports that were looked for.
        expected: String,
        /// What it exports.
        found: String,
    },
    /// A part of the interface is missing or has another type.
    #[error("Its interface does not fit: {reason}. Build it against the interface of this version of krony")]
    Misfit {
        /// What does not fit.
        reason: String,
    },
    /// The hook wants something that no hook is given.
    #[error(
        "It imports `{import}`, which hooks are not given: they have no files, network, clock or environment.{advice}"
    )]
    Import {
        /// What it imports.
        import: String,
        /// What to do.
        advice: &'static str,
    },
    /// WebAssembly cannot be run here at all.
    #[error("WebAssembly cannot be run here: {reason}")]
    Engine {
        /// What the engine says.
        reason: String,
    },
}

/// Why a call came to no answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CallError {
    /// It used up its fuel.
    #[error(
        "It used more than {fuel} units of fuel, as a loop without an end does. If the hook is right and needs more, \
         raise `limits.fuel`"
    )]
    OutOfFuel {
        /// The limit.
        fuel: u64,
    },
    /// It ran for too long.
    #[error(
        "It did not answer within {timeout:?}. If the machine is slow and the hook right, raise `limits.timeout`"
    )]
    OutOfTime {
        /// The limit.
        timeout: Duration,
    },
    /// It asked for too much memory.
    #[error("It wanted more than {} MiB of memory. If the hook is right and needs more, raise `limits.memory`", memory >> 20)]
    OutOfMemory {
        /// The limit, in bytes.
        memory: usize,
    },
    /// It called itself too deeply.
    #[error("It called itself more deeply than its stack allows: this is a fault of the hook")]
    OutOfStack,
    /// It ended itself, as a panic does.
    #[error(
        "It ended with a trap: {reason}. This is a fault of the hook; what it logged before shows with TF_LOG=debug, and with `hook run`"
    )]
    Trap {
        /// What the engine says.
        reason: String,
    },
    /// Its answer is too large.
    #[error("Its answer is larger than {MAX_OUTPUT} bytes: shorten the texts of the findings")]
    OutputTooLarge,
    /// It found too much.
    #[error("It answered with {count} findings, more than {MAX_FINDINGS}: sum them up")]
    TooManyFindings {
        /// So many.
        count: usize,
    },
    /// Its answer is none.
    #[error("Its answer cannot be understood: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}
