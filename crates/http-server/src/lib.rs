//! The HTTP server of every service: server loop, middleware, extractors, problems, health and
//! documentation pages.
//!
//! A service builds its own [`axum::Router`], passes it to [`app::finish`] together with
//! [`app::AppParts`], and serves the result with [`server::serve`]:
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use http_server::{app, health::Health, server, settings::HttpSettings, shutdown};
//!
//! let source = config::Source::load(".env".as_ref())?;
//! let settings: HttpSettings = config::read(&source)?;
//! let _logs = telemetry::init_logs(&settings.telemetry.logs)?;
//!
//! let (name, version) = ("vacancy", env!("CARGO_PKG_VERSION"));
//! let metrics = telemetry::Metrics::new(name, version)?;
//! let health = Health::new(name);
//! let info = app::ServiceInfo::new(name, version, "microservices", &settings.environment);
//! let parts =
//!     app::AppParts::new(info, health.clone(), metrics.clone(), settings.requests.clone());
//! let router = app::finish(axum::Router::new(), parts);
//!
//! let listener = server::bind(&settings.host, 8001).await?;
//! health.set_ready();
//! let shutdown = shutdown::signal()?;
//! let report =
//!     server::serve(listener, router, &settings.server(false), &health, &metrics, shutdown).await;
//! # let _ = report; Ok(())
//! # }
//! ```

pub mod app;
pub mod descriptors;
pub mod docs;
mod encoding;
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
pub mod streams;
pub mod token_watch;

pub use problem::Problem;
