//! Drives a request to its response: deadline and panics.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::response::Response;
use futures::future::BoxFuture;
use telemetry::within;
use tokio::time::{Instant, Sleep, sleep_until};

use super::call::Call;
use crate::problem::Problem;

type ServiceResult = Result<Response, Infallible>;

pin_project_lite::pin_project! {
    /// The source of the response.
    #[project = WorkProjection]
    pub(super) enum Work<F> {
        Plain { #[pin] future: F },
        Negotiated { future: BoxFuture<'static, ServiceResult> },
        Refused { response: Option<Response> },
        Panicked { payload: Option<Box<dyn Any + Send>> },
        Done,
    }
}

/// Runs `start`; a panic in it becomes work that reports the panic.
pub(super) fn guarded<F>(start: impl FnOnce() -> Work<F>) -> Work<F> {
    catch_unwind(AssertUnwindSafe(start))
        .unwrap_or_else(|payload| Work::Panicked { payload: Some(payload) })
}

impl<F: Future<Output = ServiceResult>> Work<F> {
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response, Box<dyn Any + Send>>> {
        let result = match self.project() {
            WorkProjection::Plain { future } => ready!(future.poll(cx)),
            WorkProjection::Negotiated { future } => ready!(future.as_mut().poll(cx)),
            WorkProjection::Refused { response } => {
                Ok(response.take().expect("polled after completion"))
            }
            WorkProjection::Panicked { payload } => {
                return Poll::Ready(Err(payload.take().expect("polled after completion")));
            }
            WorkProjection::Done => unreachable!("polled after completion"),
        };
        match result {
            Ok(response) => Poll::Ready(Ok(response)),
            Err(never) => match never {},
        }
    }
}

pin_project_lite::pin_project! {
    /// The response of a request through the middleware.
    pub struct ResponseFuture<F> {
        #[pin]
        work: Work<F>,
        // Set when the handler first waits: a handler that responds at once costs no timer.
        #[pin]
        timer: Option<Sleep>,
        call: Call,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(work: Work<F>, call: Call) -> Self {
        Self { work, timer: None, call }
    }
}

impl<F: Future<Output = ServiceResult>> Future for ResponseFuture<F> {
    type Output = ServiceResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ServiceResult> {
        // Log lines and calls from here on belong to this request.
        let mut current = std::mem::take(&mut self.as_mut().project().call.current);
        let polled = within(&mut current, || self.as_mut().poll_within(cx));
        self.project().call.current = current;
        polled
    }
}

impl<F: Future<Output = ServiceResult>> ResponseFuture<F> {
    fn poll_within(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ServiceResult> {
        let mut this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| this.work.as_mut().poll(cx)));
        let response = match polled {
            Ok(Poll::Ready(Ok(response))) => response,
            Ok(Poll::Ready(Err(panic))) | Err(panic) => {
                this.work.set(Work::Done);
                report_panic(this.call, &*panic);
                this.call.replace_with(Problem::internal("The request could not be handled."))
            }
            Ok(Poll::Pending) => {
                if this.timer.is_none() {
                    this.timer.set(Some(sleep_until(this.call.deadline())));
                }
                let mut timer = this.timer.as_mut().as_pin_mut().expect("set above");
                loop {
                    ready!(timer.as_mut().poll(cx));
                    // The body may have arrived since, and the deadline counts from then.
                    let deadline = this.call.deadline();
                    if deadline <= Instant::now() {
                        break;
                    }
                    timer.as_mut().reset(deadline);
                }
                // Dropping the handler does not cancel its write: the committer finishes writes.
                this.work.set(Work::Done);
                this.call.replace_with(Problem::deadline_exceeded())
            }
        };
        Poll::Ready(Ok(this.call.finish(response)))
    }
}

fn report_panic(call: &Call, payload: &(dyn Any + Send)) {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("no message");
    tracing::error!(route = call.path(), message, "handler panicked");
}
