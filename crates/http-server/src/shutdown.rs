//! The signal that ends the process.

use std::{future::Future, io};

use tokio::signal::unix::{Signal, SignalKind, signal as listen};

/// Exit code after a second signal: 128 + SIGINT, as shells expect.
const EXIT_INTERRUPTED: i32 = 130;

/// Installs handlers for SIGTERM, SIGINT and SIGHUP, which a closing terminal sends, and returns a
/// future that resolves at the first signal. After that, a second signal ends the process
/// immediately.
///
/// # Errors
/// When a handler cannot be installed.
pub fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = Signals {
        terminate: listen(SignalKind::terminate())?,
        interrupt: listen(SignalKind::interrupt())?,
        hangup: listen(SignalKind::hangup())?,
    };
    Ok(async move {
        let name = signals.first().await;
        tracing::info!(signal = name, "shutdown started; a second signal exits immediately");
        tokio::spawn(async move {
            let name = signals.first().await;
            tracing::warn!(signal = name, "second signal received, exiting immediately");
            std::process::exit(EXIT_INTERRUPTED);
        });
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    async fn first(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}
