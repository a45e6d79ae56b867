//! Logs, metrics and traces, for the services and the operator alike.
//!
//! The crate knows no server. A server reports connections and requests to [`Metrics`] and handles
//! each request [`within`] its [`RequestContext`], so that log lines and outgoing calls carry the
//! ids of the request.

pub mod console;
mod context;
mod log_queue;
mod logs;
mod metrics;
mod process;
mod request_id;
mod requests;
mod routes;
mod settings;
mod sharded;
mod traces;

pub use context::{RequestContext, SpanRef, current_request_id, current_span, within};
pub use log_queue::{LogGuard, LogQueue, dropped_log_lines};
pub use logs::{LogInitError, init_logs, log_panics};
pub use metrics::{ConnectionMetrics, Metrics};
pub use request_id::RequestId;
pub use routes::{MethodLabel, RouteCache, RouteHandles, UNMATCHED_ROUTE};
pub use settings::{LogLevel, LogSettings, TelemetrySettings, TraceSettings};
pub use sharded::{InFlight, InFlightToken};
pub use traces::{ClientSpan, ServerSpan, TraceInitError, Traces, init_traces, record_batch_span};
