//! The request that the current thread handles: its id and its span, for log lines and outgoing
//! calls.

use std::cell::RefCell;

use crate::RequestId;

/// A span in a distributed trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanRef {
    /// The trace.
    pub trace_id: u128,
    /// The span in it.
    pub span_id: u64,
}

/// The ids of a request.
#[derive(Debug, Default)]
pub struct RequestContext {
    /// Identifies the request in logs and answers.
    pub request_id: Option<RequestId>,
    /// Set when the request is traced.
    pub span: Option<SpanRef>,
}

thread_local! {
    static CURRENT: RefCell<RequestContext> =
        const { RefCell::new(RequestContext { request_id: None, span: None }) };
}

/// Runs `work` as part of a request, then restores the previous context.
pub fn within<T>(context: &mut RequestContext, work: impl FnOnce() -> T) -> T {
    CURRENT.with_borrow_mut(|slot| std::mem::swap(slot, context));
    let result = work();
    CURRENT.with_borrow_mut(|slot| std::mem::swap(slot, context));
    result
}

/// The span of the request that the current thread handles, if that request is traced.
#[must_use]
pub fn current_span() -> Option<SpanRef> {
    CURRENT.with_borrow(|current| current.span)
}

/// The id of the request that the current thread handles.
#[must_use]
pub fn current_request_id() -> Option<String> {
    CURRENT.with_borrow(|current| current.request_id.as_ref().map(|id| id.as_str().to_owned()))
}

/// Calls `write` with the id and the span of the request, if there is a request.
pub(crate) fn describe<E>(
    write: impl FnOnce(&str, Option<SpanRef>) -> Result<(), E>,
) -> Result<(), E> {
    CURRENT.with_borrow(|current| match &current.request_id {
        Some(id) => write(id.as_str(), current.span),
        None => Ok(()),
    })
}
