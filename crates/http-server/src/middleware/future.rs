//! Driving a request to its answer: deadline and panics.

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

type Answer = Result<Response, Infallible>;

pin_project_lite::pin_project! {
    /// What the answer comes from.
    #[project = WorkProjection]
    pub(super) enum Work<F> {
        Plain { #[pin] future: F },
        Negotiated { future: BoxFuture<'static, Answer> },
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

impl<F: Future<Output = Answer>> Work<F> {
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response, Box<dyn Any + Send>>> {
        let answer = match self.project() {
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
        match answer {
            Ok(response) => Poll::Ready(Ok(response)),
            Err(never) => match never {},
        }
    }
}

pin_project_lite::pin_project! {
    /// The answer of [`EdgeService`](super::EdgeService).
    pub struct EdgeFuture<F> {
        #[pin]
        work: Work<F>,
        // Only set once the handler has kept us waiting: what answers at once costs no timer.
        #[pin]
        timer: Option<Sleep>,
        call: Call,
    }
}

impl<F> EdgeFuture<F> {
    pub(super) fn new(work: Work<F>, call: Call) -> Self {
        Self { work, timer: None, call }
    }
}

impl<F: Future<Output = Answer>> Future for EdgeFuture<F> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        // What is logged and called meanwhile is part of this request.
        let mut current = std::mem::take(&mut self.as_mut().project().call.current);
        let answer = within(&mut current, || self.as_mut().poll_within(cx));
        self.project().call.current = current;
        answer
    }
}

impl<F: Future<Output = Answer>> EdgeFuture<F> {
    fn poll_within(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| this.work.as_mut().poll(cx)));
        let response = match polled {
            Ok(Poll::Ready(Ok(response))) => response,
            Ok(Poll::Ready(Err(panic))) | Err(panic) => {
                this.work.set(Work::Done);
                report_panic(this.call, &*panic);
                this.call.instead(Problem::internal("The request could not be handled."))
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
                // Dropping the handler does not undo its write: writes finish where they were
                // handed to.
                this.work.set(Work::Done);
                this.call.instead(Problem::deadline_exceeded())
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
    tracing::error!(route = call.path(), message, "a handler panicked");
}
