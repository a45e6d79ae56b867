//! The operator's own endpoints: `/livez`, `/readyz` and `/metrics`.

use std::{sync::Arc, time::Instant};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use tokio::net::TcpListener;

use crate::controller::Operator;

/// Routes of the operator's endpoints.
pub fn router(operator: Arc<Operator>) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(operator)
}

/// Serves the endpoints until the future is dropped.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, operator: Arc<Operator>) -> std::io::Result<()> {
    axum::serve(listener, router(operator)).await
}

/// 200 while watches and reconciliations make progress, 500 with the cause otherwise.
async fn livez(State(operator): State<Arc<Operator>>) -> impl IntoResponse {
    match operator.progress.stuck(Instant::now()) {
        None => (StatusCode::OK, "ok".to_owned()),
        Some(cause) => {
            tracing::error!(cause, "liveness check failed");
            (StatusCode::INTERNAL_SERVER_ERROR, cause)
        }
    }
}

/// Always 200: a standby is as ready as the leader. The body names the role.
async fn readyz(State(operator): State<Arc<Operator>>) -> impl IntoResponse {
    if operator.progress.is_leading() { "leading" } else { "standby" }
}

async fn metrics(State(operator): State<Arc<Operator>>) -> impl IntoResponse {
    let headers = [("content-type", "text/plain; version=0.0.4")];
    match operator.metrics.render() {
        Ok(text) => (StatusCode::OK, headers, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, headers, error.to_string().into_bytes()),
    }
}
