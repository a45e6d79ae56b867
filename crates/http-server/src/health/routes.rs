//! The probes.

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::Health;

const LIVE_PATHS: [&str; 3] = ["/health", "/api/v1/health", "/livez"];
const READY_PATHS: [&str; 2] = ["/ready", "/readyz"];
const METRICS_PATH: &str = "/metrics";

/// Whether `path` is exempt from limits. An overloaded server that fails its probes is restarted,
/// which makes the overload worse.
#[must_use]
pub fn is_probe_path(path: &str) -> bool {
    LIVE_PATHS.contains(&path) || READY_PATHS.contains(&path) || path == METRICS_PATH
}

/// Whether `path` is that of the readiness probe.
#[must_use]
pub fn is_ready_path(path: &str) -> bool {
    READY_PATHS.contains(&path)
}

impl Health {
    /// The probes: `/health`, `/api/v1/health`, `/livez`, `/ready` and `/readyz`.
    pub fn routes(&self) -> Router {
        let router =
            LIVE_PATHS.iter().fold(Router::new(), |router, path| router.route(path, get(live)));
        let router = READY_PATHS.iter().fold(router, |router, path| router.route(path, get(ready)));
        router.with_state(self.clone())
    }
}

async fn live(State(health): State<Health>) -> Json<Value> {
    Json(json!({ "status": "healthy", "service": health.service() }))
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let readiness = health.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (
        status,
        [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json(Value::Object(readiness.body)),
    )
}
