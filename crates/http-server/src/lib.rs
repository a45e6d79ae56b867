//! Serving HTTP, once for every service: settings, the server loop, errors, request logging and
//! metrics, health, documentation pages.
//!
//! A service builds its own [`axum::Router`], hands it to [`app::finish`] together with
//! [`app::AppParts`], and serves the result with [`server::serve`]:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use http_server::{app, health::Health, server, settings::ServingSettings, shutdown};
//!
//! let source = config::Source::load(".env".as_ref())?;
//! let settings = ServingSettings::from_source(&source)?;
//! telemetry::init_logs(settings.log_level, settings.json_logs, &settings.service_name)?;
//!
//! let metrics = telemetry::Metrics::new("vacancy", env!("CARGO_PKG_VERSION"))?;
//! let health = Health::new("vacancy");
//! let info = app::ServiceInfo::new("vacancy", env!("CARGO_PKG_VERSION"), "microservices", &settings.environment);
//! let parts = app::AppParts::new(info, health.clone(), metrics.clone(), settings.requests.clone());
//! let router = app::finish(axum::Router::new(), parts);
//!
//! let listener = server::bind(&settings.host, 8001).await?;
//! health.set_ready();
//! let report = server::serve(listener, router, &settings.server, &health, &metrics, shutdown::signal()?).await;
//! # let _ = report; Ok(())
//! # }
//! ```

pub mod app;
pub mod docs;
pub mod extract;
pub mod health;
pub mod healthcheck;
pub mod memory;
pub mod metrics;
pub mod middleware;
pub mod problem;
pub mod program;
pub mod server;
pub mod settings;
pub mod shutdown;

pub use problem::Problem;
