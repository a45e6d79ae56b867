//! Limits of request bodies: size, time, and the number of slow bodies at once.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep_until, timeout},
};

use super::RequestSettings;
use crate::problem::Problem;

/// Bytes of a refused body that are still read, so that its sender sees the response and not a
/// reset.
const DISCARD_MAX_BYTES: usize = 1_048_576;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// A body that is not complete this long after its head is slow. Most arrive together with it.
const SLOW_AFTER: Duration = Duration::from_millis(100);

/// A body was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Larger than allowed.
    #[error("the body is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: usize },
    /// Did not arrive in time.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// Slow, while the maximum number of bodies is slow.
    #[error("too many bodies are slow")]
    TooManySlow,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { max_bytes } => Self::body_too_large(max_bytes),
            BodyError::TimedOut => Self::request_timeout("The body did not arrive in time."),
            BodyError::TooManySlow => Self::overloaded(
                "Too many requests wait for their bodies at once; send head and body together.",
                1,
            ),
        }
    }
}

/// The arrival of a body, from which the deadline of its request counts.
pub(super) struct BodyProgress {
    started: Instant,
    /// Microseconds after `started`, plus one; 0 until then.
    arrived_us: AtomicU64,
}

impl BodyProgress {
    pub fn new(started: Instant) -> Self {
        Self { started, arrived_us: AtomicU64::new(0) }
    }

    pub fn arrived_at(&self) -> Option<Instant> {
        let us = self.arrived_us.load(Relaxed).checked_sub(1)?;
        Some(self.started + Duration::from_micros(us))
    }

    fn set_arrived(&self) {
        let us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        self.arrived_us.store(us + 1, Relaxed);
    }
}

/// Limits `body` in size and time. A slow body takes one of `slow_slots`; `progress` records when
/// the body is complete.
pub(super) fn limit(
    body: Body,
    limits: &RequestSettings,
    slow_slots: Arc<Semaphore>,
    progress: Arc<BodyProgress>,
) -> Body {
    let (max_bytes, limit) = (limits.max_body_bytes, limits.body_timeout);
    Body::new(LimitedBody {
        body,
        max_bytes,
        left_bytes: max_bytes,
        limit,
        timer: None,
        slow_slots,
        slow_slot: None,
        progress,
    })
}

/// Reads the rest of a refused body, within bounds, in the background.
pub(super) fn discard(mut body: Body) {
    // What is dropped with the runtime has no connection any more.
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(timeout(DISCARD_TIMEOUT, async move {
        let mut left_bytes = DISCARD_MAX_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let Some(left) = left_bytes.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else {
                break;
            };
            left_bytes = left;
        }
    }));
}

struct LimitedBody {
    body: Body,
    max_bytes: usize,
    left_bytes: usize,
    limit: Duration,
    /// Set when the reader first has to wait; most bodies arrive together with the head.
    timer: Option<Pin<Box<Sleep>>>,
    slow_slots: Arc<Semaphore>,
    /// Held while this body is slow.
    slow_slot: Option<OwnedSemaphorePermit>,
    progress: Arc<BodyProgress>,
}

impl LimitedBody {
    /// The reader waits: first without a slot, then with one, until the deadline.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let (slow_at, deadline) =
            (self.progress.started + SLOW_AFTER, self.progress.started + self.limit);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(slow_at.min(deadline))));
        ready!(timer.as_mut().poll(cx));
        if self.slow_slot.is_none() {
            let Ok(slot) = self.slow_slots.clone().try_acquire_owned() else {
                return Poll::Ready(BodyError::TooManySlow);
            };
            self.slow_slot = Some(slot);
            timer.as_mut().reset(deadline);
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(BodyError::TimedOut)
    }
}

/// A handler may respond without reading the body, such as that of an unknown path. hyper then
/// closes the connection if the rest is not there yet, and a proxy may have sent the next request
/// on it.
impl Drop for LimitedBody {
    fn drop(&mut self) {
        if self.progress.arrived_at().is_none() && !self.body.is_end_stream() {
            discard(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            return this.poll_waiting(cx).map(|error| {
                // Nobody waits for the rest of a body that is late.
                drop(std::mem::take(&mut this.body));
                Some(Err(error.into()))
            });
        };
        if let Some(Ok(frame)) = &frame {
            let Some(left) = this.left_bytes.checked_sub(frame.data_ref().map_or(0, Bytes::len))
            else {
                discard(std::mem::take(&mut this.body));
                return Poll::Ready(Some(Err(
                    BodyError::TooLarge { max_bytes: this.max_bytes }.into()
                )));
            };
            this.left_bytes = left;
        }
        if frame.is_none() || this.body.is_end_stream() {
            this.progress.set_arrived();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
