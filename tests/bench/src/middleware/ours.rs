//! The middleware and the server loop of `http-server`, with their default settings.

use std::error::Error;

use axum::Router;
use http_server::{
    app::{self, AppParts, ServiceInfo},
    health::Health,
    middleware::RequestSettings,
    server::{self, ServerSettings},
    shutdown,
};
use telemetry::Metrics;
use tokio::net::TcpListener;

pub async fn serve(listener: TcpListener, routes: Router) -> Result<(), Box<dyn Error>> {
    let (health, metrics) = (Health::new("bench"), Metrics::new("bench", "0")?);
    let info = ServiceInfo::new("bench", "0", "example", "development");
    let parts = AppParts::new(info, health.clone(), metrics.clone(), RequestSettings::default());
    health.set_ready();
    let settings = ServerSettings::default();
    let router = app::finish(routes, parts);
    server::serve(listener, router, &settings, &health, &metrics, shutdown::signal()?).await;
    Ok(())
}
