//! The outermost layer of a router, in one piece: request id, metrics, access log, size and time
//! limits of requests, panics, CORS and compression.
//!
//! One layer instead of a stack of them: each layer of a router costs every request an allocation
//! and a virtual call. What few requests need (CORS, compression) is only built for those.

mod body;
mod call;
mod future;
mod negotiate;
mod request_id;
mod settings;
mod warn;

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    extract::MatchedPath,
    response::{IntoResponse, Response},
};
use http::{Request, Version};
use tokio::sync::Semaphore;
use tower::{Layer, Service};

pub use body::BodyError;
pub use request_id::{REQUEST_ID, RequestId, TRACEPARENT};
pub use settings::RequestSettings;

use crate::{
    health::is_probe_path,
    problem::Problem,
    telemetry::{MethodLabel, Metrics, RouteCache},
};
use body::BodyProgress;
use call::Call;
use future::{EdgeFuture, Work};
use negotiate::Negotiation;
use warn::WarnBudget;

/// What all routes of one router share.
pub(crate) struct EdgeShared {
    settings: RequestSettings,
    metrics: Metrics,
    negotiation: Negotiation,
    /// One permit for each body that may be slow at once.
    slow_bodies: Arc<Semaphore>,
    warnings: WarnBudget,
}

/// The layer. Apply it with [`axum::Router::layer`], last.
#[derive(Clone)]
pub struct EdgeLayer(Arc<EdgeShared>);

impl EdgeLayer {
    /// A layer that records into `metrics`.
    #[must_use]
    pub fn new(settings: RequestSettings, metrics: Metrics) -> Self {
        let negotiation = Negotiation::new(&settings.cors_allow_origins);
        let slow_bodies = Arc::new(Semaphore::new(settings.slow_bodies()));
        Self(Arc::new(EdgeShared { settings, metrics, negotiation, slow_bodies, warnings: WarnBudget::default() }))
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = EdgeService<S>;

    fn layer(&self, inner: S) -> EdgeService<S> {
        // Called once per route and method, so each route gets a metrics cache of its own.
        EdgeService { inner, route: Arc::new(RouteEdge { shared: self.0.clone(), cache: RouteCache::default() }) }
    }
}

/// What the requests of one route share.
pub(crate) struct RouteEdge {
    shared: Arc<EdgeShared>,
    cache: RouteCache,
}

/// [`EdgeLayer`] around one route.
#[derive(Clone)]
pub struct EdgeService<S> {
    inner: S,
    route: Arc<RouteEdge>,
}

impl<S> Service<Request<Body>> for EdgeService<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = EdgeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let method = MethodLabel::of(request.method());
        let mut call = Call::begin(self.route.clone(), method, request.extensions().get::<MatchedPath>());
        call.take_ids(request.headers_mut());
        call.note_close(request.version() < Version::HTTP_2);

        let refusal = self.refusal(&mut request, &call);
        let work = if let Some(problem) = refusal {
            Work::Refused { response: Some(problem.into_response()) }
        } else {
            let (request, progress) = self.limit_body(request, call.started());
            call.follow(progress);
            future::guarded(|| {
                if negotiate::is_needed(&request) {
                    Work::Negotiated { future: self.route.shared.negotiation.run(self.inner.clone(), request) }
                } else {
                    Work::Plain { future: self.inner.call(request) }
                }
            })
        };
        EdgeFuture::new(work, call)
    }
}

impl<S> EdgeService<S> {
    /// Why the request is not even handed to its handler.
    fn refusal(&self, request: &mut Request<Body>, call: &Call) -> Option<Problem> {
        let settings = &self.route.shared.settings;
        if call.is_over(settings.max_in_flight) && !is_probe_path(request.uri().path()) {
            return Some(Problem::overloaded("The server handles as many requests as it may at once.", 1));
        }
        if request.body().size_hint().lower() > settings.max_body_bytes as u64 {
            body::discard(std::mem::take(request.body_mut()));
            return Some(Problem::body_too_large(settings.max_body_bytes));
        }
        None
    }

    fn limit_body(&self, request: Request<Body>, started: std::time::Instant) -> (Request<Body>, Option<Arc<BodyProgress>>) {
        if request.body().is_end_stream() {
            return (request, None);
        }
        let progress = Arc::new(BodyProgress::new(started));
        let shared = &self.route.shared;
        let request = request.map(|inner| body::limit(inner, &shared.settings, shared.slow_bodies.clone(), progress.clone()));
        (request, Some(progress))
    }
}
