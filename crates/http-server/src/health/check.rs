//! Checks of dependencies.

use std::{future::Future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::lifecycle::Stage;

/// The state of one dependency.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    /// Whether the dependency can be used.
    pub up: bool,
    /// The reason when it cannot, fit for the public: no addresses, no messages of other systems.
    pub detail: Option<String>,
    /// Members added to the top level of the readiness response.
    pub extra: Map<String, Value>,
}

impl CheckResult {
    /// Usable.
    #[must_use]
    pub fn up() -> Self {
        Self { up: true, detail: None, extra: Map::new() }
    }

    /// Not usable, because of `detail`.
    pub fn down(detail: impl Into<String>) -> Self {
        Self { up: false, detail: Some(detail.into()), extra: Map::new() }
    }

    /// Adds a member to the readiness response.
    #[must_use]
    pub fn with_extra(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }
}

type CheckFn = dyn Fn() -> BoxFuture<'static, CheckResult> + Send + Sync;

#[derive(Clone)]
pub(super) struct Check {
    name: &'static str,
    check: Arc<CheckFn>,
}

impl Check {
    pub fn new<F, R>(name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = CheckResult> + Send + 'static,
    {
        Self { name, check: Arc::new(move || Box::pin(check())) }
    }

    pub async fn run(&self, timeout: Duration) -> CheckResult {
        tokio::time::timeout(timeout, (self.check)())
            .await
            .unwrap_or_else(|_| CheckResult::down("no response in time"))
    }
}

/// The result of the readiness probe.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Whether the server takes traffic.
    pub ready: bool,
    /// The JSON body of the response.
    pub body: Map<String, Value>,
}

pub(super) fn summarize(stage: Stage, checks: &[Check], results: Vec<CheckResult>) -> Readiness {
    let (mut dependencies, mut extra, mut reasons) = (Map::new(), Map::new(), Vec::new());
    match stage {
        Stage::Ready => {}
        Stage::Starting => reasons.push("starting".to_owned()),
        Stage::Draining => reasons.push("shutting down".to_owned()),
    }
    for (check, result) in checks.iter().zip(results) {
        dependencies.insert(check.name.to_owned(), json!(if result.up { "up" } else { "down" }));
        if !result.up {
            let detail = result.detail.map(|detail| format!(": {detail}")).unwrap_or_default();
            reasons.push(format!("{} is down{detail}", check.name));
        }
        extra.extend(result.extra);
    }
    let ready = reasons.is_empty();
    let status = match stage {
        Stage::Draining => "draining",
        _ if ready => "ready",
        _ => "not_ready",
    };
    let mut body = extra;
    body.insert("status".to_owned(), json!(status));
    body.insert("dependencies".to_owned(), Value::Object(dependencies));
    if !ready {
        body.insert("reason".to_owned(), json!(reasons.join("; ")));
    }
    Readiness { ready, body }
}
