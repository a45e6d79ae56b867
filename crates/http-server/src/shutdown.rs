//! The signal that ends the process.

use std::{future::Future, io};

use tokio::signal::unix::{Signal, SignalKind, signal as listen};

/// Exit code after a second signal: 128 + SIGINT, as shells expect.
const EXIT_INTERRUPTED: i32 = 130;

/// Installs handlers for SIGTERM and SIGINT and returns a future that resolves at the first signal.
/// After that, a second signal ends the process immediately.
///
/// # Errors
/// When a handler cannot be installed.
pub fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        let name = first(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = name, "shutdown started; a second signal exits immediately");
        tokio::spawn(async move {
            let name = first(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal = name, "second signal received, exiting immediately");
            std::process::exit(EXIT_INTERRUPTED);
        });
    })
}

async fn first(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
