//! A request to the engine, and how it can fail.

use inventory::{CommandKind, IdempotencyKey, decide::BatchReply};
use inventory_store::StoreError;
use thiserror::Error;

use crate::trace_context::TraceContext;

/// The answer to a request.
pub type Reply = BatchReply;

/// A command with the key that makes it safe to repeat, and until when an answer is of use.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked for.
    pub kind: CommandKind,
    /// The caller's idempotency key.
    pub key: Option<IdempotencyKey>,
    /// When it is still waiting at this time, it is dropped unanswered instead of decided.
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

/// Why a request was not decided, or its answer is not known.
#[derive(Debug, Clone, Error)]
pub enum EngineError {
    /// Too many requests are waiting. Nothing was done.
    #[error("too many requests are waiting")]
    Busy,
    /// Its deadline passed while it waited. Nothing was done.
    #[error("deadline passed before the decision")]
    DeadlinePassed,
    /// Its deadline passed while another request with the same key was under way, whose answer it
    /// waited for.
    #[error("another request with the same key is in flight")]
    KeyInFlight,
    /// The engine is shutting down. Nothing was done.
    #[error("shutting down")]
    Stopping,
    /// The store failed while it was written: whether it took effect is unknown. A retry with the
    /// same key tells.
    #[error("{0}")]
    Store(#[from] StoreError),
}
