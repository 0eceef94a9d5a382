//! Panics: one in a handler becomes an error of that handler, one that kills the process becomes
//! a crash report.
//!
//! A panic's message may hold what a handler was working on, secrets included. So it is neither
//! printed nor kept: a caught panic has a place, and its backtrace goes to the log. The exception
//! is a panic outside of all handlers on the thread that runs the process, which has seen no
//! user's value.

use std::{
    any::Any,
    backtrace::Backtrace,
    cell::RefCell,
    future::poll_fn,
    io::{self, Write as _},
    panic::{self, AssertUnwindSafe, Location, PanicHookInfo},
    pin::pin,
    sync::{Once, OnceLock},
    task::Poll,
    thread::{self, ThreadId},
};

/// A handler panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the provider panicked at {location}")]
pub struct Panic {
    /// Source file, line and column.
    location: String,
}

/// Runs a handler and catches its panic.
///
/// Everything that calls a provider's code goes through here, for gRPC knows no better answer to
/// a panic than to drop the call, by which Terraform loses the object that was worked on.
///
/// # Errors
/// The place of the panic. The log has the backtrace.
pub async fn catch<F: Future>(handler: F) -> Result<F::Output, Panic> {
    install_hook();
    let mut handler = pin!(handler);
    poll_fn(|context| {
        let before = CAUGHT.replace(Caught::Watching);
        // Nothing is seen in a broken state: a handler that panicked is not polled again.
        let polled = panic::catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)));
        let caught = CAUGHT.replace(before);
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(_) => Poll::Ready(Err(caught.into_panic())),
        }
    })
    .await
}

/// Makes a panic that kills the process a crash report to Terraform's user.
///
/// The calling thread is taken for the one whose panic does so. [`run`](super::run) calls this; a
/// provider's `main` may do so earlier.
pub fn report_crashes() {
    install_hook();
    MAIN_THREAD.get_or_init(|| thread::current().id());
}

/// The thread whose panic kills the process. A panic on any other ends a task at most.
static MAIN_THREAD: OnceLock<ThreadId> = OnceLock::new();

thread_local! {
    static CAUGHT: RefCell<Caught> = const { RefCell::new(Caught::Outside) };
}

/// What the panic hook tells [`catch`].
#[derive(Debug)]
enum Caught {
    /// No handler is running on this thread.
    Outside,
    /// One is, and has not panicked.
    Watching,
    /// One has panicked.
    Panicked { location: String, backtrace: Backtrace },
}

impl Caught {
    fn into_panic(self) -> Panic {
        let Self::Panicked { location, backtrace } = self else {
            // Somebody replaced the hook, so nobody was told where.
            return Panic { location: "an unknown place".to_owned() };
        };
        tracing::error!(location, %backtrace, "a handler panicked");
        Panic { location }
    }
}

fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !caught(info) && !reported(info) {
                previous(info);
            }
        }));
    });
}

/// Notes a panic within a handler for [`catch`].
fn caught(info: &PanicHookInfo<'_>) -> bool {
    CAUGHT.with_borrow_mut(|caught| {
        if matches!(caught, Caught::Outside) {
            return false;
        }
        *caught =
            Caught::Panicked { location: place(info.location()), backtrace: Backtrace::force_capture() };
        true
    })
}

/// Reports a panic outside of handlers, if this process is a plugin.
fn reported(info: &PanicHookInfo<'_>) -> bool {
    let Some(main_thread) = MAIN_THREAD.get() else { return false };
    let is_main = *main_thread == thread::current().id();
    let location = place(info.location());
    let backtrace = Backtrace::force_capture();
    if is_main || cfg!(panic = "abort") {
        let message = if is_main { message(info.payload()) } else { "in a background task" };
        let report = crash_report(message, &location, &backtrace.to_string());
        // Where stderr is gone there is nobody to tell.
        let _ = io::stderr().write_all(report.as_bytes());
    } else {
        tracing::error!(location, %backtrace, "a background task panicked");
    }
    true
}

fn place(location: Option<&Location<'_>>) -> String {
    location.map_or_else(|| "an unknown place".to_owned(), Location::to_string)
}

fn message(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// Terraform shows at most about a hundred lines.
const REPORTED_LINES: usize = 90;

/// Lines that Terraform shows to the user: it knows a crash by the first word.
fn crash_report(message: &str, location: &str, backtrace: &str) -> String {
    let frames = backtrace.lines().take(REPORTED_LINES).collect::<Vec<_>>().join("\n");
    format!("panic: {message}\nat {location}\n{frames}\n")
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    const CANARY: &str = "canary-secret";

    #[tokio::test]
    async fn a_handler_that_returns_is_left_alone() {
        let output = catch(async {
            tokio::task::yield_now().await;
            7
        });
        assert_eq!(output.await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_has_its_place_and_not_its_message() {
        let line = line!() + 3;
        let panic = catch(async {
            tokio::task::yield_now().await;
            panic!("{CANARY}");
        })
        .await
        .unwrap_err();
        assert!(panic.to_string().contains(&format!("panics.rs:{line}:")), "{panic}");
        assert!(!format!("{panic} {panic:?}").contains(CANARY));
    }

    #[tokio::test]
    async fn handlers_may_nest() {
        let outer = catch(async {
            let inner: Result<(), Panic> = catch(async { panic!("{CANARY}") }).await;
            inner.unwrap_err();
            panic!("{CANARY}")
        });
        let panic: Panic = outer.await.map(|(): ()| ()).unwrap_err();
        assert!(panic.to_string().contains("panics.rs"), "{panic}");
    }

    #[test]
    fn between_polls_no_handler_is_running() {
        let mut handler = pin!(catch(std::future::pending::<()>()));
        assert!(handler.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(CAUGHT.with_borrow(|caught| matches!(caught, Caught::Outside)));
    }

    #[test]
    fn crash_reports_begin_with_the_word_that_terraform_knows() {
        let report = crash_report("broken", "src/main.rs:1:2", &"frame\n".repeat(1000));
        assert!(report.starts_with("panic: broken\nat src/main.rs:1:2\nframe\n"), "{report}");
        assert_eq!(report.lines().count(), 2 + REPORTED_LINES);
    }
}
