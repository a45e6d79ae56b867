//! The span of a caller, passed from a request to the statistics of its commit.

/// Names the caller's span in a distributed trace (W3C Trace Context). The engine passes it through
/// unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: u128,
    /// The caller's span in it.
    pub span_id: u64,
}
