//! From hyper's request to the router and back: counts requests in flight, ends connections that
//! must end, refuses requests on overflow connections.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
};

use axum::{Router, body::Body, response::IntoResponse, routing::future::RouteFuture};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tower::Service;

use super::state::{Admission, ConnState, InFlightGuard};
use crate::{health, middleware::Peer, problem::Problem};

pub(super) struct ConnService {
    pub router: Router,
    pub state: Arc<ConnState>,
    pub admission: Admission,
    pub peer: Option<Peer>,
}

impl hyper::service::Service<Request<Incoming>> for ConnService {
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, mut request: Request<Incoming>) -> ResponseFuture {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let version = request.version();
        let guard = InFlightGuard::enter(&self.state, version);
        let is_overflow = self.admission == Admission::Overflow;
        let work = if is_overflow && !health::is_probe_path(request.uri().path()) {
            let problem = Problem::overloaded("The server is at its connection limit.", 1);
            Work::Refused { response: Some(problem.into_response()) }
        } else {
            Work::Routed { future: self.router.clone().call(request) }
        };
        ResponseFuture {
            work,
            guard: Some(guard),
            state: self.state.clone(),
            may_close: version != Version::HTTP_2,
            is_overflow,
        }
    }
}

pin_project_lite::pin_project! {
    #[project = WorkProjection]
    enum Work {
        Routed { #[pin] future: RouteFuture<Infallible> },
        Refused { response: Option<Response<Body>> },
    }
}

pin_project_lite::pin_project! {
    /// The response to one request.
    pub(super) struct ResponseFuture {
        #[pin]
        work: Work,
        guard: Option<InFlightGuard>,
        state: Arc<ConnState>,
        may_close: bool,
        is_overflow: bool,
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<TrackedBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.work.project() {
            WorkProjection::Routed { future } => match ready!(future.poll(cx)) {
                Ok(response) => response,
                Err(never) => match never {},
            },
            WorkProjection::Refused { response } => {
                response.take().expect("polled after completion")
            }
        };
        // HTTP/2 has GOAWAY for this; the header is not allowed there.
        if *this.may_close
            && (*this.is_overflow
                || this.state.close_next.load(Relaxed)
                || this.state.shared.lifecycle.is_draining())
        {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let guard = this.guard.take();
        Poll::Ready(Ok(response.map(|body| TrackedBody {
            body,
            rest: Bytes::new(),
            _guard: guard,
        })))
    }
}

/// Largest frame, bytes. A connection copies the frame that it is about to write, so this bounds
/// the memory of a connection whose peer does not read.
const FRAME_MAX_BYTES: usize = 16 << 10;

/// A body in small frames. It keeps its request in flight until hyper has taken all of it.
pub(super) struct TrackedBody {
    body: Body,
    /// The rest of the current frame.
    rest: Bytes,
    _guard: Option<InFlightGuard>,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let len = self.rest.len().min(FRAME_MAX_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(len)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn large_answers_come_in_small_frames() {
        for len in [0, 1, FRAME_MAX_BYTES, FRAME_MAX_BYTES + 1, 5 * FRAME_MAX_BYTES, 100_000] {
            let content: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let mut body =
                TrackedBody { body: Body::from(content.clone()), rest: Bytes::new(), _guard: None };
            let mut seen = Vec::new();
            loop {
                assert_eq!(
                    body.size_hint().exact(),
                    Some((len - seen.len()) as u64),
                    "what is left of {len}"
                );
                assert_eq!(body.is_end_stream(), seen.len() == len);
                let Some(frame) = body.frame().await else { break };
                let data = frame.expect("a frame").into_data().expect("data");
                assert!((1..=FRAME_MAX_BYTES).contains(&data.len()), "{}", data.len());
                seen.extend(data);
            }
            assert_eq!(seen, content);
        }
    }
}
