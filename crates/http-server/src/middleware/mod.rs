//! The outermost layer of a router, in one piece: request id, metrics, access log, size and time
//! limits of requests, panics, CORS and compression.
//!
//! One layer instead of a stack of them: each layer of a router costs every request an allocation
//! and a virtual call. What few requests need (CORS, compression) is only built for those.

mod body;
mod call;
mod cors;
mod future;
mod head;
mod negotiate;
mod quota;
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
pub use body::BodyError;
use body::BodyProgress;
use call::Call;
pub use cors::{CorsOrigins, InvalidOrigin};
use future::{EdgeFuture, Work};
use head::Head;
pub use head::{REQUEST_ID, RequestId, TRACEPARENT};
use http::{Request, Version};
use negotiate::Negotiation;
use quota::Quotas;
pub use quota::{Peer, QuotaSettings, TrustedProxies};
pub use settings::RequestSettings;
use telemetry::{MethodLabel, Metrics, RouteCache, within};
use tokio::sync::Semaphore;
use tower::{Layer, Service};
use warn::WarnBudget;

use crate::{health::is_probe_path, problem::Problem};

/// What all routes of one router share.
pub(crate) struct EdgeShared {
    settings: RequestSettings,
    metrics: Metrics,
    negotiation: Negotiation,
    /// One permit for each body that may be slow at once.
    slow_bodies: Arc<Semaphore>,
    quotas: Option<Quotas>,
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
        let quotas = settings.quota.clone().map(Quotas::new);
        Self(Arc::new(EdgeShared {
            settings,
            metrics,
            negotiation,
            slow_bodies,
            quotas,
            warnings: WarnBudget::default(),
        }))
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = EdgeService<S>;

    fn layer(&self, inner: S) -> EdgeService<S> {
        // Called once per route and method, so each route gets a metrics cache of its own.
        EdgeService {
            inner,
            route: Arc::new(RouteEdge { shared: self.0.clone(), cache: RouteCache::default() }),
        }
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
        let mut call =
            Call::begin(self.route.clone(), method, request.extensions().get::<MatchedPath>());
        let head = Head::read(request.headers_mut());
        let negotiated = head.negotiated;
        call.take_ids(head, request.headers_mut());
        call.note_close(request.version() < Version::HTTP_2);

        let refusal = self.refusal(&mut request, &mut call);
        let work = if let Some(problem) = refusal {
            let response = problem.into_response();
            if negotiated {
                // A page of another origin could not read it otherwise, nor when to come again.
                Work::Negotiated { future: self.route.shared.negotiation.answer(response, request) }
            } else {
                Work::Refused { response: Some(response) }
            }
        } else {
            call.follow(self.limit_body(&mut request, call.started()));
            if negotiated {
                call.note_origin(request.headers());
            }
            // In their place until they are handed on: each move of a request costs as much as a
            // look at its headers.
            let (mut request, inner, shared) = (Some(request), &mut self.inner, &self.route.shared);
            let start = || match request.take() {
                Some(request) if negotiated => {
                    Work::Negotiated { future: shared.negotiation.run(inner.clone(), request) }
                }
                Some(request) => Work::Plain { future: inner.call(request) },
                None => Work::Done,
            };
            // A handler may begin its work, and log, before its future is polled.
            within(&mut call.current, || future::guarded(start))
        };
        EdgeFuture::new(work, call)
    }
}

impl<S> EdgeService<S> {
    /// Why the request is not even handed to its handler.
    fn refusal(&self, request: &mut Request<Body>, call: &mut Call) -> Option<Problem> {
        let shared = &self.route.shared;
        let settings = &shared.settings;
        if call.is_over(settings.in_flight_max(false)) && !is_probe_path(request.uri().path()) {
            let urgent = (settings.is_urgent)(request.method(), call.path());
            if !urgent || call.is_over(settings.in_flight_max(true)) {
                shared.metrics.overloaded().inc();
                return Some(Problem::overloaded(
                    "The server handles as many requests as it may at once.",
                    1,
                ));
            }
        }
        if let Some(quotas) = &shared.quotas
            && !is_probe_path(request.uri().path())
        {
            match quotas.take(request.headers(), request.extensions().get::<Peer>().copied()) {
                Ok(standing) => call.note_standing(standing),
                Err((problem, standing)) => {
                    call.note_standing(Some(standing));
                    shared.metrics.rate_limited().inc();
                    return Some(problem);
                }
            }
        }
        if request.body().size_hint().lower() > settings.max_body_bytes as u64 {
            body::discard(std::mem::take(request.body_mut()));
            return Some(Problem::body_too_large(settings.max_body_bytes));
        }
        None
    }

    fn limit_body(
        &self,
        request: &mut Request<Body>,
        started: tokio::time::Instant,
    ) -> Option<Arc<BodyProgress>> {
        if request.body().is_end_stream() {
            return None;
        }
        let progress = Arc::new(BodyProgress::new(started));
        let shared = &self.route.shared;
        // In its place: moving a whole request costs more than this.
        let inner = std::mem::take(request.body_mut());
        *request.body_mut() =
            body::limit(inner, &shared.settings, shared.slow_bodies.clone(), progress.clone());
        Some(progress)
    }
}
