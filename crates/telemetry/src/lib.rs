//! Logs, metrics and traces, for the services and the operator alike.
//!
//! It knows no server: a server tells [`Metrics`] about its connections and requests, and enters
//! each request with [`within`], so that log lines and outgoing calls carry the request's ids.

mod current;
mod logs;
mod metrics;
mod process;
mod request_id;
mod requests;
mod routes;
mod sharded;
mod traces;

pub use current::{Current, SpanRef, current_request_id, current_span, within};
pub use logs::{InvalidLogLevel, LogInitError, LogLevel, init_logs};
pub use metrics::{ConnectionMetrics, Metrics};
pub use request_id::Id;
pub use routes::{MethodLabel, RouteCache, RouteHandles, UNMATCHED_ROUTE};
pub use sharded::{Begun, UnderWay};
pub use traces::{
    ClientSpan, ServerSpan, TraceInitError, TraceSettings, Traces, init_traces, record_batch_span,
};
