//! Two servers with the same handlers, to measure what this crate adds to a request: a bare
//! `axum::serve` on port 18100 and everything of [`serving`] on port 18101. Load both with the same
//! tool:
//!
//! ```text
//! cargo run --release -p serving --example overhead &
//! wrk -t1 -c50 -d10s http://127.0.0.1:18100/available
//! wrk -t1 -c50 -d10s http://127.0.0.1:18101/available
//! ```

use std::error::Error;

use axum::{
    Json, Router,
    routing::{get, post},
};
use http_server::{
    app,
    app::{AppParts, ServiceInfo},
    docs::Documentation,
    extract::JsonBody,
    health::Health,
    middleware::RequestSettings,
    server,
    server::ServerSettings,
    shutdown,
};
use serde_json::{Value, json};
use telemetry::Metrics;
use tokio::net::TcpListener;
use utoipa::openapi::OpenApi;

const BARE_PORT: u16 = 18_100;
const SERVING_PORT: u16 = 18_101;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let bare = Router::new()
        .route("/available", available())
        .route("/echo", post(|Json(body): Json<Value>| async { Json(body) }));
    let listener = TcpListener::bind(("127.0.0.1", BARE_PORT)).await?;
    tokio::spawn(async move { axum::serve(listener, bare).await });

    let routes = Router::new()
        .route("/available", available())
        .route("/echo", post(|JsonBody(body): JsonBody<Value>| async { Json(body) }));
    let (health, metrics) = (Health::new("overhead"), Metrics::new("overhead", "0")?);
    let info = ServiceInfo::new("overhead", "0", "example", "development");
    let parts = AppParts::new(info, health.clone(), metrics.clone(), RequestSettings::default())
        .with_documentation(Documentation::new("Overhead", OpenApi::default));
    let listener = server::bind("127.0.0.1", SERVING_PORT).await?;
    health.set_ready();
    let router = app::finish(routes, parts);
    server::serve(
        listener,
        router,
        &ServerSettings::default(),
        &health,
        &metrics,
        shutdown::signal()?,
    )
    .await;
    Ok(())
}

fn available() -> axum::routing::MethodRouter {
    get(|| async { Json(json!({ "qty": 1000 })) })
}
