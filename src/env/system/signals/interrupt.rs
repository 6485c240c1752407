//! Ctrl-C for commands that have something to show when they are ended early.
#![allow(clippy::disallowed_methods, reason = "this is the door that everybody else has to use")]

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Exit status of a program that SIGINT has ended, as shells tell it.
const BY_INTERRUPT: i32 = 130;

/// From now on the first Ctrl-C only sets what [`is_interrupted`] tells; the second ends the program.
pub(crate) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        // Without a thread or a runtime to listen, Ctrl-C ends the program as it always does.
        let _ = crate::env::system::thread("interrupt", || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(count());
            }
        });
    });
}

async fn count() {
    while tokio::signal::ctrl_c().await.is_ok() {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(BY_INTERRUPT);
        }
    }
}

/// Whether there was a Ctrl-C.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
