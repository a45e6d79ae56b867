//! The outermost layer of a router, in one piece: request id, metrics, access log, size and time
//! limits of requests, panics, CORS and compression.
//!
//! It is one layer and not a stack of them, because each layer of a router costs every request an
//! allocation and a virtual call. CORS and compression, which few requests need, run only for
//! those.

mod body;
mod call;
mod cors;
mod flaw;
mod future;
mod head;
mod log_budget;
mod negotiate;
mod quota;
mod settings;
mod state;

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
use future::{ResponseFuture, Work};
use head::Head;
pub use head::{CurrentRequestId, HOPS, REQUEST_ID, TRACEPARENT, hops};
use http::Request;
use log_budget::LogBudget;
use negotiate::Negotiation;
pub use quota::{AddressQuota, ClientIdentity, Peer, QuotaSettings, TrustedProxies};
use quota::{QuotaDecision, Quotas};
use settings::Priority;
pub use settings::RequestSettings;
use state::{RouteState, SharedState};
use telemetry::{MethodLabel, Metrics, RouteCache, within};
use tokio::sync::Semaphore;
use tower::{Layer, Service};

use crate::{health::is_probe_path, problem::Problem};

/// The layer. Apply it with [`axum::Router::layer`], last.
#[derive(Clone)]
pub struct MiddlewareLayer(Arc<SharedState>);

impl MiddlewareLayer {
    /// A layer that records in `metrics`.
    #[must_use]
    pub fn new(settings: RequestSettings, metrics: Metrics) -> Self {
        let negotiation = Negotiation::new(&settings.cors_allow_origins);
        let slow_bodies = Arc::new(Semaphore::new(settings.slow_bodies()));
        let quotas = Quotas::new(settings.quota.clone());
        Self(Arc::new(SharedState {
            settings,
            metrics,
            negotiation,
            slow_bodies,
            quotas,
            warnings: LogBudget::default(),
        }))
    }
}

impl<S> Layer<S> for MiddlewareLayer {
    type Service = MiddlewareService<S>;

    fn layer(&self, inner: S) -> MiddlewareService<S> {
        // Called once per route and method, so that each route has its own metrics cache.
        MiddlewareService {
            inner,
            route: Arc::new(RouteState { shared: self.0.clone(), cache: RouteCache::default() }),
        }
    }
}

/// [`MiddlewareLayer`] around one route.
#[derive(Clone)]
pub struct MiddlewareService<S> {
    inner: S,
    route: Arc<RouteState>,
}

impl<S> Service<Request<Body>> for MiddlewareService<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let method = MethodLabel::of(request.method());
        let mut call =
            Call::begin(self.route.clone(), method, request.extensions().get::<MatchedPath>());
        let (version, has_body) = (request.version(), !request.body().is_end_stream());
        let head = Head::read(request.headers_mut(), version, has_body);
        let (negotiated, flaw, hops) = (head.negotiated, head.flaw, head.hops);
        call.take_ids(head, request.headers_mut());
        call.note_version(version);

        let refusal = match flaw {
            Some(flaw) => {
                call.close = flaw.closes();
                if has_body {
                    body::discard(std::mem::take(request.body_mut()));
                }
                Some(flaw.problem())
            }
            None => self.refusal(&mut request, &mut call, hops),
        };
        let work = if let Some(problem) = refusal {
            let response = problem.into_response();
            if negotiated {
                // Otherwise a page of another origin could not read the problem or its headers.
                let future = self.route.shared.negotiation.respond(response, request);
                Work::Negotiated { future }
            } else {
                Work::Refused { response: Some(response) }
            }
        } else {
            call.follow(self.limit_body(&mut request, call.started()));
            if negotiated {
                call.note_origin(request.headers());
            }
            // Moved only once: each move of a request costs as much as reading its headers.
            let (mut request, inner, shared) = (Some(request), &mut self.inner, &self.route.shared);
            let start = || match request.take() {
                Some(request) if negotiated => {
                    Work::Negotiated { future: shared.negotiation.run(inner.clone(), request) }
                }
                Some(request) => Work::Plain { future: inner.call(request) },
                None => Work::Done,
            };
            // A handler may start work, and log, before its future is polled.
            within(&mut call.current, || future::guarded(start))
        };
        ResponseFuture::new(work, call)
    }
}

impl<S> MiddlewareService<S> {
    /// The problem of a request that does not reach its handler.
    fn refusal(&self, request: &mut Request<Body>, call: &mut Call, hops: u32) -> Option<Problem> {
        let shared = &self.route.shared;
        let settings = &shared.settings;
        if hops > 0 && settings.is_loop(hops, request.uri().path()) {
            return Some(Problem::loop_detected(
                "The request comes from a ticket service. VACANCY_URL must lead to vacancy.",
            ));
        }
        let is_over = |priority| call.is_over(settings.in_flight_max(priority));
        if is_over(Priority::Normal) && !is_probe_path(request.uri().path()) {
            let urgent = (settings.is_urgent)(request.method(), call.path());
            if !urgent || is_over(Priority::Urgent) {
                shared.metrics.overloaded().inc();
                return Some(Problem::overloaded(
                    "The server handles the maximum number of requests.",
                    1,
                ));
            }
        }
        if let Some(quotas) = &shared.quotas
            && !is_probe_path(request.uri().path())
        {
            match quotas.take(request.headers(), request.extensions().get::<Peer>().copied()) {
                QuotaDecision::Unlimited => {}
                QuotaDecision::Within(status) => call.note_rate_limit(status),
                QuotaDecision::Over(problem, status) => {
                    call.note_rate_limit(status);
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
        // In place: moving the whole request costs more.
        let inner = std::mem::take(request.body_mut());
        *request.body_mut() =
            body::limit(inner, &shared.settings, shared.slow_bodies.clone(), progress.clone());
        Some(progress)
    }
}
