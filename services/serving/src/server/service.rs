//! From hyper's request to the router and back: counts what is in flight, ends connections that are
//! to end, refuses on overflow connections.

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

use super::state::{ConnState, InFlight};
use crate::{edge::Peer, health, problem::Problem};

pub(super) struct ConnService {
    pub router: Router,
    pub state: Arc<ConnState>,
    pub overflow: bool,
    pub peer: Option<Peer>,
}

impl hyper::service::Service<Request<Incoming>> for ConnService {
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, mut request: Request<Incoming>) -> Answer {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let http2 = request.version() == Version::HTTP_2;
        let guard = InFlight::enter(&self.state, http2);
        let work = if self.overflow && !health::is_probe_path(request.uri().path()) {
            let problem = Problem::overloaded("The server is at its connection limit.", 1);
            Work::Refused { response: Some(problem.into_response()) }
        } else {
            Work::Routed { future: self.router.clone().call(request) }
        };
        Answer { work, guard: Some(guard), state: self.state.clone(), may_close: !http2, overflow: self.overflow }
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
    /// The answer to one request.
    pub(super) struct Answer {
        #[pin]
        work: Work,
        guard: Option<InFlight>,
        state: Arc<ConnState>,
        may_close: bool,
        overflow: bool,
    }
}

impl Future for Answer {
    type Output = Result<Response<TrackedBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.work.project() {
            WorkProjection::Routed { future } => match ready!(future.poll(cx)) {
                Ok(response) => response,
                Err(never) => match never {},
            },
            WorkProjection::Refused { response } => response.take().expect("polled after completion"),
        };
        // HTTP/2 has GOAWAY for this; the header is not allowed there.
        if *this.may_close && (*this.overflow || this.state.close_next.load(Relaxed) || this.state.shared.lifecycle.is_draining()) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let guard = this.guard.take();
        Poll::Ready(Ok(response.map(|body| TrackedBody { body, _guard: guard })))
    }
}

/// A body that keeps its request in flight until hyper has taken all of it.
pub(super) struct TrackedBody {
    body: Body,
    _guard: Option<InFlight>,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
