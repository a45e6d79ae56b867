//! `GET /metrics`.

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{HeaderValue, header};
use telemetry::Metrics;

use crate::problem::Problem;

/// Content type of the Prometheus text format.
const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// `GET /metrics` of `metrics`.
pub fn routes(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(text)).with_state(metrics)
}

async fn text(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot encode metrics");
            Problem::internal("The metrics could not be encoded.").into_response()
        }
    }
}
