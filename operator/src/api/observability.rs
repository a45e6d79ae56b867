//! Metrics and logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Prometheus scraping through a ServiceMonitor.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// Whether to create a ServiceMonitor, if the cluster has that kind.
    #[serde(default = "enabled")]
    pub service_monitor: bool,
    /// Seconds between scrapes.
    #[serde(default = "interval_seconds")]
    #[schemars(range(min = 1, max = 3600))]
    pub interval_seconds: i32,
    /// Additional labels of the ServiceMonitor, for a Prometheus that selects by label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

fn enabled() -> bool {
    true
}
fn interval_seconds() -> i32 {
    30
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            service_monitor: enabled(),
            interval_seconds: interval_seconds(),
            labels: BTreeMap::new(),
        }
    }
}

/// Logs of the services.
#[derive(Serialize, Deserialize, schemars::JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Minimum level of log lines.
    #[serde(default)]
    pub level: LogLevel,
    /// Log one JSON object per line instead of text.
    #[serde(default = "enabled")]
    pub json: bool,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: LogLevel::default(), json: true }
    }
}

/// Severity of a log line.
#[derive(
    Serialize, Deserialize, schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warning,
    Error,
}

impl LogLevel {
    /// The value of the services' `LOG_LEVEL`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}
