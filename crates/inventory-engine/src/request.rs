//! A request to the engine, and how it can fail.

use inventory::{CommandKind, IdempotencyKey, decide::BatchReply};
use inventory_store::StoreError;
use thiserror::Error;

use crate::trace_context::TraceContext;

/// The reply to a request.
pub type Reply = BatchReply;

/// A command with its idempotency key and deadline.
#[derive(Debug, Clone)]
pub struct Request {
    /// The command.
    pub kind: CommandKind,
    /// The caller's idempotency key.
    pub key: Option<IdempotencyKey>,
    /// A request still in the queue at this time is dropped without a decision.
    pub deadline: Option<tokio::time::Instant>,
    /// The caller's span, where requests are traced.
    pub trace: Option<TraceContext>,
}

impl Request {
    /// A request without a key and without a deadline.
    #[must_use]
    pub fn new(kind: CommandKind) -> Self {
        Self { kind, key: None, deadline: None, trace: None }
    }
}

/// Why a request was not decided, or its outcome is unknown.
#[derive(Debug, Clone, Error)]
pub enum EngineError {
    /// The queue is full. The request had no effect.
    #[error("too many requests are waiting")]
    Busy,
    /// The deadline passed in the queue. The request had no effect.
    #[error("deadline passed before the decision")]
    DeadlinePassed,
    /// The deadline passed while another request with the same key was in flight.
    #[error("another request with the same key is in flight")]
    KeyInFlight,
    /// The engine is shutting down. The request had no effect.
    #[error("shutting down")]
    Stopping,
    /// The store failed during the write: the outcome is unknown. A retry with the same key returns
    /// it.
    #[error("{0}")]
    Store(#[from] StoreError),
}
