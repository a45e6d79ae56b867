//! The request that is being handled on this thread: its id and its span, for log lines and for
//! what it calls.

use std::cell::RefCell;

use super::Id;

/// A span in a distributed trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanRef {
    /// The trace.
    pub trace_id: u128,
    /// The span in it.
    pub span_id: u64,
}

/// What is known of a request.
#[derive(Debug, Default)]
pub struct Current {
    pub request_id: Option<Id>,
    pub span: Option<SpanRef>,
}

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current { request_id: None, span: None }) };
}

/// Runs `work` as part of a request; what was there before is back afterwards.
pub fn within<T>(current: &mut Current, work: impl FnOnce() -> T) -> T {
    CURRENT.with_borrow_mut(|slot| std::mem::swap(slot, current));
    let result = work();
    CURRENT.with_borrow_mut(|slot| std::mem::swap(slot, current));
    result
}

/// The span of the request that is being handled on this thread, when requests are traced.
#[must_use]
pub fn current_span() -> Option<SpanRef> {
    CURRENT.with_borrow(|current| current.span)
}

/// The id of the request that is being handled on this thread.
pub fn current_request_id() -> Option<String> {
    CURRENT.with_borrow(|current| current.request_id.as_ref().map(|id| id.as_str().to_owned()))
}

/// Calls `write` with the request's id and span, if there is a request.
pub(super) fn describe<E>(
    write: impl FnOnce(&str, Option<SpanRef>) -> Result<(), E>,
) -> Result<(), E> {
    CURRENT.with_borrow(|current| match &current.request_id {
        Some(id) => write(id.as_str(), current.span),
        None => Ok(()),
    })
}
