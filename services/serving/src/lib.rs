//! Serving HTTP, once for every service: settings, the server loop, errors, request logging and
//! metrics, health, documentation pages.
//!
//! A service builds its own [`axum::Router`], hands it to [`app::finish`] together with
//! [`app::AppParts`], and serves the result with [`server::serve`]:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use serving::{app, config, health::Health, server, shutdown, telemetry};
//!
//! let source = config::Source::load(".env".as_ref())?;
//! let settings = config::ServingSettings::from_source(&source)?;
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
pub mod config;
pub mod docs;
pub mod edge;
pub mod extract;
pub mod health;
pub mod healthcheck;
pub mod memory;
pub mod problem;
pub mod program;
pub mod server;
pub mod shutdown;
pub mod telemetry;

pub use problem::Problem;
