//! Liveness and readiness.

mod check;
mod lifecycle;
mod routes;

use std::{future::Future, sync::Arc, time::Duration};

use check::Check;
pub use check::{CheckResult, Readiness};
pub use lifecycle::{Lifecycle, Stage};
pub use routes::{is_probe_path, is_ready_path};

/// Limit for the check of one dependency.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The health of one server: its lifecycle and its dependencies. Clones share the lifecycle.
#[derive(Clone)]
pub struct Health {
    service: Arc<str>,
    lifecycle: Lifecycle,
    checks: Arc<Vec<Check>>,
    check_timeout: Duration,
    /// Shown on readiness, so that a caller can tell which service it has reached.
    version: Option<&'static str>,
}

impl Health {
    /// The health of a server that is starting; call [`Health::set_ready`] once it can serve.
    #[must_use]
    pub fn new(service: &str) -> Self {
        Self {
            service: service.into(),
            lifecycle: Lifecycle::default(),
            checks: Arc::default(),
            check_timeout: CHECK_TIMEOUT,
            version: None,
        }
    }

    /// Adds a dependency. Every readiness probe runs `check`, for at most [`CHECK_TIMEOUT`].
    #[must_use]
    pub fn with_check<F, R>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = CheckResult> + Send + 'static,
    {
        Arc::make_mut(&mut self.checks).push(Check::new(name, check));
        self
    }

    /// Replaces [`CHECK_TIMEOUT`] for each check.
    #[must_use]
    pub fn with_check_timeout(mut self, timeout: Duration) -> Self {
        self.check_timeout = timeout;
        self
    }

    /// Adds the name of the service and `version` to the readiness response.
    #[must_use]
    pub fn with_identity(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// Name of the service in the responses.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The stage of the server.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Readiness becomes 200.
    pub fn set_ready(&self) {
        self.lifecycle.set_ready();
    }

    /// Readiness becomes 503, for good: the server is shutting down.
    pub fn set_draining(&self) {
        self.lifecycle.set_draining();
    }

    /// Checks all dependencies at the same time.
    pub async fn readiness(&self) -> Readiness {
        let results = futures::future::join_all(
            self.checks.iter().map(|check| check.run(self.check_timeout)),
        )
        .await;
        let mut readiness = check::summarize(self.lifecycle.stage(), &self.checks, results);
        if let Some(version) = self.version {
            readiness.body.insert("service".to_owned(), self.service.as_ref().into());
            readiness.body.insert("version".to_owned(), version.into());
        }
        readiness
    }
}
