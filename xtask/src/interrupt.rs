//! Ctrl-C as a flag: whatever waits looks at it, returns an error, and on the way out
//! every handle stops the process it stands for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Turns the first SIGINT, SIGTERM or SIGHUP into the flag that [`check`] reads; a second one
/// ends the process at once with code 130.
///
/// Only commands install this. A test binary keeps the default, by which Ctrl-C ends it and
/// the servers it started, for they share its process group.
///
/// # Errors
/// When the operating system refuses the handlers.
pub fn install() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&REQUESTED))
            .and_then(|_| flag::register(signal, Arc::clone(&REQUESTED)))
            .with_context(|| format!("cannot install a handler for signal {signal}"))?;
    }
    Ok(())
}

/// Whether somebody asked this process to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// An error once somebody asked this process to stop.
///
/// # Errors
/// After a signal, from then on.
pub fn check() -> Result<()> {
    if requested() {
        bail!("interrupted");
    }
    Ok(())
}
