//! Logs, metrics and traces.

mod current;
mod http;
mod logs;
mod metrics;
mod process;
mod requests;
mod sharded;
mod traces;

pub use self::http::{MethodLabel, RouteCache, RouteHandles, UNMATCHED_ROUTE};
pub(crate) use current::{Current, within};
pub use current::{SpanRef, current_span};
pub use logs::{InvalidLogLevel, LogInitError, LogLevel, init_logs};
pub use metrics::{ConnectionMetrics, Metrics};
pub(crate) use sharded::Begun;
pub(crate) use traces::ServerSpan;
pub use traces::{ClientSpan, TraceInitError, TraceSettings, Traces, init_traces, record_batch_span};
