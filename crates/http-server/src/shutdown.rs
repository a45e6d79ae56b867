//! The signal that ends the process.

use std::{future::Future, io};

use tokio::signal::unix::{Signal, SignalKind, signal as listen};

/// Exit code when a second signal cuts the shutdown short: 128 + SIGINT, what shells expect.
const EXIT_INTERRUPTED: i32 = 130;

/// Installs handlers for SIGTERM and SIGINT at once and returns a future that resolves with the
/// name of the first one. From then on a second signal ends the process immediately.
///
/// # Errors
/// When a handler cannot be installed.
pub fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        let name = first(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = name, "shutting down; a second signal ends at once");
        tokio::spawn(async move {
            let name = first(&mut terminate, &mut interrupt).await;
            tracing::warn!(signal = name, "second signal, ending without waiting");
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
