//! A service's routes with everything around them.

use std::collections::BTreeMap;

use axum::{Json, Router, routing::get};
use serde::Serialize;
use telemetry::Metrics;

use crate::{
    docs::{self, Documentation},
    health::Health,
    metrics,
    middleware::{MiddlewareLayer, RequestSettings},
    problem,
};

/// The body of `GET /`.
#[derive(Debug, Clone, Serialize)]
pub struct ServiceInfo {
    /// Name of the service.
    pub service: String,
    /// Version of the service.
    pub version: String,
    /// Deployment mode.
    pub mode: String,
    /// Name of the environment.
    pub environment: String,
    /// Paths worth visiting, by name.
    pub links: BTreeMap<String, String>,
}

impl ServiceInfo {
    /// Links to the documentation, health and metrics; add the service's own with
    /// [`ServiceInfo::with_link`].
    #[must_use]
    pub fn new(service: &str, version: &str, mode: &str, environment: &str) -> Self {
        let links = [("health", "/health"), ("ready", "/ready"), ("metrics", "/metrics")];
        Self {
            service: service.to_owned(),
            version: version.to_owned(),
            mode: mode.to_owned(),
            environment: environment.to_owned(),
            links: links
                .iter()
                .chain(docs::LINKS)
                .map(|(name, path)| ((*name).to_owned(), (*path).to_owned()))
                .collect(),
        }
    }

    /// Adds a link.
    #[must_use]
    pub fn with_link(mut self, name: &str, path: &str) -> Self {
        self.links.insert(name.to_owned(), path.to_owned());
        self
    }
}

/// The input of [`finish`] besides the routes of the service.
#[derive(Clone)]
pub struct AppParts {
    pub info: ServiceInfo,
    pub health: Health,
    pub metrics: Metrics,
    pub requests: RequestSettings,
    /// Served at `/openapi.json`, `/docs` and `/redoc`. Without it, these paths are 404.
    pub documentation: Option<Documentation>,
}

impl AppParts {
    /// Parts without documentation.
    #[must_use]
    pub fn new(
        info: ServiceInfo,
        health: Health,
        metrics: Metrics,
        requests: RequestSettings,
    ) -> Self {
        Self { info, health, metrics, requests, documentation: None }
    }

    /// Adds documentation.
    #[must_use]
    pub fn with_documentation(mut self, documentation: Documentation) -> Self {
        self.documentation = Some(documentation);
        self
    }
}

/// Adds to `router`: `/`, probes, metrics, documentation, problems for unknown paths and methods.
/// Wraps all of it in the middleware (request id, limits, deadlines, metrics, CORS, compression).
///
/// `router` must not define those paths or a fallback itself.
pub fn finish(router: Router, parts: AppParts) -> Router {
    let AppParts { info, health, metrics, requests, documentation } = parts;
    let documentation = documentation.map(docs::routes).unwrap_or_default();
    router
        .route("/", get(move || std::future::ready(Json(info.clone()))))
        .merge(health.routes())
        .merge(metrics::routes(metrics.clone()))
        .merge(documentation)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(MiddlewareLayer::new(requests, metrics))
}
