//! Logs and metrics.

mod http;
mod logs;
mod metrics;
mod process;

pub use self::http::{MethodLabel, RouteCache, RouteHandles, UNMATCHED_ROUTE};
pub use logs::{InvalidLogLevel, LogInitError, LogLevel, init_logs};
pub use metrics::{ConnectionMetrics, Metrics};
