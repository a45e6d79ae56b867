//! Writes, as clients decide them.

use http_server::extract::Caller;
use inventory::{CommandKind, IdempotencyKey};
use tokio::time::Instant;

use super::trace_headers::TraceHeaders;

/// A write, as clients decide it.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// What is asked for.
    pub kind: CommandKind,
    /// The caller's key, or the one that was generated.
    pub key: Option<IdempotencyKey>,
    /// Who asks, by the token of the request.
    pub caller: Caller,
    /// The caller waits until then, or until the client's own deadline.
    pub deadline: Option<Instant>,
    /// The headers that trace the request through both services.
    pub trace: TraceHeaders,
}
