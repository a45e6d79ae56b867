//! Logs of the operator.

use std::io;

use telemetry::{LogGuard, LogQueue, log_panics};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, prelude::*};

/// Format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// One JSON object per line.
    Json,
}

/// Log lines that wait for standard output, bytes. Further ones are dropped and counted.
const BUFFER_BYTES: usize = 1 << 20;

/// Logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is invalid.
    #[error(transparent)]
    Filter(#[from] ParseError),
    /// The thread that writes does not start.
    #[error("cannot start the thread that writes logs: {0}")]
    Thread(#[from] io::Error),
}

/// Starts logging to standard output, by a thread of its own: a log that cannot be written delays
/// nothing. `level` is a level or a tracing filter. RUST_LOG overrides it. The guard writes the
/// last lines when dropped.
///
/// # Errors
/// If the filter is invalid.
pub fn init(level: &str, format: LogFormat) -> Result<LogGuard, LogError> {
    let level = if level.eq_ignore_ascii_case("warning") { "warn" } else { level };
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => EnvFilter::try_new(filter)?,
        _ => EnvFilter::try_new(level.to_ascii_lowercase())?,
    };
    let (queue, guard) = LogQueue::stdout(BUFFER_BYTES)?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().log_internal_errors(false).with_writer(queue);
    match format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).init(),
        LogFormat::Text => registry.with(layer).init(),
    }
    log_panics();
    Ok(guard)
}
