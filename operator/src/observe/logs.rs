//! Logs of the operator.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging to standard output. `level` is a level or a tracing filter. RUST_LOG overrides
/// it.
///
/// # Errors
/// If the filter is invalid.
pub fn init(level: &str, format: LogFormat) -> Result<(), tracing_subscriber::filter::ParseError> {
    let level = if level.eq_ignore_ascii_case("warning") { "warn" } else { level };
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => EnvFilter::try_new(filter)?,
        _ => EnvFilter::try_new(level.to_ascii_lowercase())?,
    };
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true)).init(),
        LogFormat::Text => registry.with(fmt::layer()).init(),
    }
    Ok(())
}
