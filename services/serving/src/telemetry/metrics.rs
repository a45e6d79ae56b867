use std::sync::Arc;

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{HeaderValue, header};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use super::process::ProcessCollector;

/// Upper bounds of the duration buckets, seconds.
const DURATION_BUCKETS_S: [f64; 14] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The metrics of one service, in a registry of its own: several services can live in one process.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
    rate_limited: IntCounter,
    overloaded: IntCounter,
    connections: ConnectionMetrics,
}

/// What the server loop counts.
#[derive(Clone)]
pub struct ConnectionMetrics {
    /// Open connections.
    pub open: IntGauge,
    /// Connections over the cap.
    pub refused: IntCounter,
}

impl Metrics {
    /// The metrics of `service` at `version`, with those of the process.
    ///
    /// # Errors
    /// When a metric cannot be registered, which a fresh registry never refuses.
    pub fn new(service: &str, version: &str) -> Result<Self, prometheus::Error> {
        let opts = |name: &str, help: &str| Opts::new(name, help).const_label("service", service);
        let request_labels = ["method", "route", "status"];
        let requests = IntCounterVec::new(opts("http_requests_total", "Requests answered"), &request_labels)?;
        let duration_opts = HistogramOpts::new("http_request_duration_seconds", "Time from a request's head to its answer")
            .const_label("service", service)
            .buckets(DURATION_BUCKETS_S.to_vec());
        let durations = HistogramVec::new(duration_opts, &request_labels[..2])?;
        let in_flight = IntGauge::with_opts(opts("http_requests_in_flight", "Requests being handled"))?;
        let rate_limited = IntCounter::with_opts(opts("http_rate_limited_total", "Requests of clients that were over their quota"))?;
        let overloaded = IntCounter::with_opts(opts("http_overloaded_total", "Requests refused because too many were in flight"))?;
        let open = IntGauge::with_opts(opts("http_connections", "Open connections"))?;
        let refused = IntCounter::with_opts(opts("http_connections_refused_total", "Connections over the cap"))?;
        let build = IntGauge::with_opts(opts("build_info", "Always 1; the label is the version").const_label("version", version))?;
        build.set(1);

        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(rate_limited.clone()))?;
        registry.register(Box::new(overloaded.clone()))?;
        registry.register(Box::new(open.clone()))?;
        registry.register(Box::new(refused.clone()))?;
        registry.register(Box::new(build))?;
        registry.register(Box::new(ProcessCollector::new()?))?;
        let connections = ConnectionMetrics { open, refused };
        Ok(Self(Arc::new(Inner { registry, requests, durations, in_flight, rate_limited, overloaded, connections })))
    }

    /// Where services register their own collectors.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// What the server loop counts.
    #[must_use]
    pub fn connections(&self) -> &ConnectionMetrics {
        &self.0.connections
    }

    /// Everything in the Prometheus text format.
    ///
    /// # Errors
    /// When a registered collector yields a family the format cannot express.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = String::with_capacity(16 * 1_024);
        TextEncoder::new().encode_utf8(&self.0.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// `GET /metrics`.
    pub fn routes(&self) -> Router {
        Router::new().route("/metrics", get(answer)).with_state(self.clone())
    }

    pub(crate) fn in_flight(&self) -> &IntGauge {
        &self.0.in_flight
    }

    pub(crate) fn rate_limited(&self) -> &IntCounter {
        &self.0.rate_limited
    }

    pub(crate) fn overloaded(&self) -> &IntCounter {
        &self.0.overloaded
    }

    pub(super) fn requests(&self, method: &str, route: &str, status: u16) -> IntCounter {
        self.0.requests.with_label_values(&[method, route, &status.to_string()])
    }

    pub(super) fn duration(&self, method: &str, route: &str) -> Histogram {
        self.0.durations.with_label_values(&[method, route])
    }
}

async fn answer(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"))], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            crate::Problem::internal("The metrics cannot be written.").into_response()
        }
    }
}
