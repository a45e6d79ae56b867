//! The duties of `http-server`'s middleware as layers of tower and tower-http: request id, trace
//! span, metrics, panic, time limit, body limit, load shedding, CORS, compression.

use std::time::{Duration, Instant};

use axum::{
    Router,
    error_handling::HandleErrorLayer,
    extract::{MatchedPath, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::CorsLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::TraceLayer,
};

const REQUESTS_MAX: usize = 10_000;
const BODY_MAX_BYTES: usize = 65_536;
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Metrics {
    requests: IntCounterVec,
    duration: HistogramVec,
}

/// `routes` inside the layers.
pub fn wrap(routes: Router) -> Result<Router, prometheus::Error> {
    let registry = Registry::new();
    let metrics = Metrics {
        requests: IntCounterVec::new(
            Opts::new("http_requests_total", "Requests."),
            &["method", "route", "status"],
        )?,
        duration: HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "Time to the response."),
            &["method", "route"],
        )?,
    };
    registry.register(Box::new(metrics.requests.clone()))?;
    registry.register(Box::new(metrics.duration.clone()))?;
    let header = axum::http::HeaderName::from_static("x-request-id");
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(header.clone(), MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::new(header))
        .layer(CatchPanicLayer::new())
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(HandleErrorLayer::new(|_| async { StatusCode::SERVICE_UNAVAILABLE }))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(REQUESTS_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(RequestBodyLimitLayer::new(BODY_MAX_BYTES));
    Ok(routes.route_layer(from_fn_with_state(metrics, measure)).layer(layers))
}

async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let status = response.status();
    metrics.requests.with_label_values(&[method.as_str(), route, status.as_str()]).inc();
    metrics
        .duration
        .with_label_values(&[method.as_str(), route])
        .observe(started.elapsed().as_secs_f64());
    response
}
