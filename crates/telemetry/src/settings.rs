//! Settings of logs and traces.

use clap::{ArgAction, Args, ValueEnum};
use config::{
    accept::{Accept, flag, parsed, range},
    http_path,
};

/// Settings of logs and traces.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logs and traces")]
pub struct TelemetrySettings {
    #[command(flatten)]
    pub logs: LogSettings,
    #[command(flatten)]
    pub traces: TraceSettings,
}

/// Settings of logs.
#[derive(Debug, Clone, Args)]
pub struct LogSettings {
    /// Name of the system in JSON log lines.
    #[arg(
        env = "SERVICE_NAME",
        default_value = "ticket-system",
        value_parser = parsed::<String>("text")
    )]
    pub service_name: String,
    /// Lowest level that is logged.
    #[arg(env = "LOG_LEVEL", default_value = "INFO", value_enum, ignore_case = true)]
    pub log_level: LogLevel,
    /// Write logs as JSON lines.
    #[arg(
        env = "JSON_LOGS",
        default_value = "false",
        action = ArgAction::Set,
        value_parser = flag()
    )]
    pub json_logs: bool,
    /// Log lines that wait for standard output to take them; above it lines are dropped and
    /// counted.
    #[arg(
        env = "LOG_BUFFER_BYTES",
        default_value = "1048576",
        value_parser = range(65_536..=1_073_741_824_usize).unit("bytes")
    )]
    pub log_buffer_bytes: usize,
}

/// Settings of traces.
#[derive(Debug, Clone, Args)]
pub struct TraceSettings {
    /// Collector of OpenTelemetry traces (OTLP, http/protobuf); /v1/traces is appended.
    // Users write passwords into it by mistake.
    #[arg(env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, value_parser = endpoint())]
    pub otlp_endpoint: Option<String>,
    /// Share of the traces that begin here to keep; traces of callers follow the caller's
    /// decision.
    #[arg(env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", value_parser = range(0.0..=1.0))]
    pub sampled_share: f64,
}

/// Lowest level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum LogLevel {
    Debug,
    Info,
    #[value(alias = "WARN")]
    Warning,
    Error,
}

fn endpoint() -> Accept<String> {
    let words = "http URL such as http://collector:4318, without a password: that goes into \
                 OTEL_EXPORTER_OTLP_HEADERS; unset, there are no traces";
    Accept::new(words, |text| {
        // The HTTP client would log a password in the URL; it does not log headers.
        http_path(text).map(|_| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_no_case_and_an_alias() {
        for (text, level) in [
            ("debug", LogLevel::Debug),
            ("WARNING", LogLevel::Warning),
            ("warn", LogLevel::Warning),
            ("Error", LogLevel::Error),
        ] {
            assert_eq!(LogLevel::from_str(text, true), Ok(level));
        }
        assert!(LogLevel::from_str("LOUD", true).is_err());
    }
}
