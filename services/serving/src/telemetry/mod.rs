//! Logs, metrics and traces.

mod current;
mod http;
mod logs;
mod metrics;
mod process;
mod request_id;
mod requests;
mod sharded;
mod traces;

pub(crate) use current::{Current, current_request_id, within};
pub use current::{SpanRef, current_span};
pub use logs::{InvalidLogLevel, LogInitError, LogLevel, init_logs};
pub use metrics::{ConnectionMetrics, Metrics};
pub(crate) use request_id::Id;
pub(crate) use sharded::Begun;
pub(crate) use traces::ServerSpan;
pub use traces::{
    ClientSpan, TraceInitError, TraceSettings, Traces, init_traces, record_batch_span,
};

pub use self::http::{MethodLabel, RouteCache, RouteHandles, UNMATCHED_ROUTE};
