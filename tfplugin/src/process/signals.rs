//! Which signals end the process.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, CtrlClose, ctrl_c, ctrl_close};

/// Signals are caught from the moment this exists.
pub(super) struct Signals {
    /// Ctrl-C reaches every process of the terminal, the plugin included.
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(windows)]
    interrupt: CtrlC,
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(windows)]
    terminate: CtrlClose,
    /// Whether Ctrl-C ends the process. Under Terraform it does not: Terraform says itself what
    /// is to stop, and work that was begun must be answered for.
    heed_interrupt: bool,
}

impl Signals {
    /// Must be called within a runtime.
    pub(super) fn catch(heed_interrupt: bool) -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(windows)]
            interrupt: ctrl_c()?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(windows)]
            terminate: ctrl_close()?,
            heed_interrupt,
        })
    }

    /// Returns at the first signal that ends the process.
    pub(super) async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv(), if self.heed_interrupt => {}
        }
    }
}
