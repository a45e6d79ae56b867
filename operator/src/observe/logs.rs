use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Logs to standard output. `level` is a level or a tracing filter; RUST_LOG wins over it.
///
/// # Errors
/// When `level` is neither.
pub fn init(level: &str, json: bool) -> Result<(), tracing_subscriber::filter::ParseError> {
    let level = if level.eq_ignore_ascii_case("warning") { "warn" } else { level };
    let filter = match std::env::var("RUST_LOG") {
        Ok(filter) if !filter.is_empty() => EnvFilter::try_new(filter)?,
        _ => EnvFilter::try_new(level.to_ascii_lowercase())?,
    };
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(fmt::layer().json().flatten_event(true)).init();
    } else {
        registry.with(fmt::layer()).init();
    }
    Ok(())
}
