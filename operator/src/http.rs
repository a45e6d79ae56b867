//! /livez, /readyz and /metrics of the operator.

use std::{sync::Arc, time::Instant};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use tokio::net::TcpListener;

use crate::controller::Operator;

/// The operator's own endpoints.
pub fn router(operator: Arc<Operator>) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(operator)
}

/// Serves them until dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, operator: Arc<Operator>) -> std::io::Result<()> {
    axum::serve(listener, router(operator)).await
}

/// 200 while things move, 500 with what does not.
async fn livez(State(operator): State<Arc<Operator>>) -> impl IntoResponse {
    match operator.progress.stuck(Instant::now()) {
        None => (StatusCode::OK, "ok".to_owned()),
        Some(why) => {
            tracing::error!(why, "stuck");
            (StatusCode::INTERNAL_SERVER_ERROR, why)
        }
    }
}

/// 200: an operator that stands by is as ready as the one that leads. The answer tells which it is.
async fn readyz(State(operator): State<Arc<Operator>>) -> impl IntoResponse {
    if operator.progress.leads() { "leading" } else { "standing by" }
}

async fn metrics(State(operator): State<Arc<Operator>>) -> impl IntoResponse {
    let headers = [("content-type", "text/plain; version=0.0.4")];
    match operator.metrics.render() {
        Ok(text) => (StatusCode::OK, headers, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, headers, error.to_string().into_bytes()),
    }
}
