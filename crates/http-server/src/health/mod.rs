//! Whether the process lives and whether it should get traffic.

mod check;
mod lifecycle;
mod routes;

use std::{future::Future, sync::Arc, time::Duration};

use check::Check;
pub use check::CheckResult;
pub use lifecycle::{Lifecycle, Stage};
pub use routes::is_probe_path;
use serde_json::Map;

/// How long a dependency may take to answer a check.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The health of one server: its lifecycle and its dependencies. Clones share the lifecycle.
#[derive(Clone)]
pub struct Health {
    service: Arc<str>,
    lifecycle: Lifecycle,
    checks: Arc<Vec<Check>>,
    check_timeout: Duration,
}

/// What the readiness probe answers.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Whether traffic is welcome.
    pub ready: bool,
    /// The JSON body of the answer.
    pub body: Map<String, serde_json::Value>,
}

impl Health {
    /// A server that is starting; call [`Health::set_ready`] once it can serve.
    #[must_use]
    pub fn new(service: &str) -> Self {
        Self {
            service: service.into(),
            lifecycle: Lifecycle::default(),
            checks: Arc::default(),
            check_timeout: CHECK_TIMEOUT,
        }
    }

    /// Adds a dependency: `check` is asked at every readiness probe, at most [`CHECK_TIMEOUT`]
    /// long.
    #[must_use]
    pub fn with_check<F, R>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = CheckResult> + Send + 'static,
    {
        Arc::make_mut(&mut self.checks).push(Check::new(name, check));
        self
    }

    /// Another limit than [`CHECK_TIMEOUT`] for each check.
    #[must_use]
    pub fn with_check_timeout(mut self, timeout: Duration) -> Self {
        self.check_timeout = timeout;
        self
    }

    /// Name of the service in the answers.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Where the server stands.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// From now on traffic is welcome.
    pub fn set_ready(&self) {
        self.lifecycle.set_ready();
    }

    /// From now on readiness is 503; the server is shutting down. Final.
    pub fn set_draining(&self) {
        self.lifecycle.set_draining();
    }

    /// Asks all dependencies at once and sums up.
    pub async fn readiness(&self) -> Readiness {
        let results = futures::future::join_all(
            self.checks.iter().map(|check| check.ask(self.check_timeout)),
        )
        .await;
        check::summarize(self.lifecycle.stage(), &self.checks, results)
    }
}
