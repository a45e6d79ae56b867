//! What the handlers share.

use std::{sync::Arc, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};
use config::Secret;
use http_server::{Problem, extract, extract::CallerDeadline};
use inventory::{CommandKind, EventName, IdempotencyKey, StockName};
use inventory_engine::{Engine, Reply, Request, TraceContext};
use telemetry::current_span;

use super::failure::{Failure, problem_of_engine};
use crate::VacancySettings;

/// The event of the calls that name none.
pub const DEFAULT_EVENT: &str = "default";
/// The stock of the calls that name none.
pub const DEFAULT_STOCK: &str = "general";

/// The engine and what the calls need beside it; clones share it.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    engine: Engine,
    admin_token: Option<Secret>,
    event: EventName,
    stock: StockName,
    page_max: usize,
    reserve_batch_max: usize,
    request_timeout: Duration,
}

impl App {
    /// The calls over `engine`.
    ///
    /// # Panics
    /// Never: the default names are names.
    #[must_use]
    pub fn new(engine: Engine, settings: &VacancySettings) -> Self {
        let (Ok(event), Ok(stock)) = (EventName::new(DEFAULT_EVENT), StockName::new(DEFAULT_STOCK))
        else {
            unreachable!("the default names are names")
        };
        Self(Arc::new(Inner {
            engine,
            admin_token: settings.admin_token.clone(),
            event,
            stock,
            page_max: settings.page_max,
            reserve_batch_max: settings.reserve_batch_max,
            request_timeout: settings.http.requests.request_timeout,
        }))
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// `default`.
    #[must_use]
    pub fn event(&self) -> &EventName {
        &self.0.event
    }

    /// `general`.
    #[must_use]
    pub fn stock(&self) -> &StockName {
        &self.0.stock
    }

    pub(super) fn reserve_batch_max(&self) -> usize {
        self.0.reserve_batch_max
    }

    /// How many entries a page has when `asked` were asked for.
    pub(super) fn page_len(&self, asked: Option<usize>) -> Result<usize, Problem> {
        const DEFAULT_LEN: usize = 100;
        let max = self.0.page_max;
        match asked {
            None => Ok(DEFAULT_LEN.min(max)),
            Some(len) if (1..=max).contains(&len) => Ok(len),
            Some(_) => Err(Problem::validation(format!("limit must be between 1 and {max}."))),
        }
    }

    /// The request that carries `kind` to the engine; it is of no use after the time a caller is
    /// kept waiting, or waits.
    #[must_use]
    pub fn request(
        &self,
        kind: CommandKind,
        key: Option<IdempotencyKey>,
        caller: CallerDeadline,
    ) -> Request {
        let own = tokio::time::Instant::now() + self.0.request_timeout;
        Request { kind, key, deadline: Some(caller.or_before(own)), trace: current_trace() }
    }

    pub(super) async fn submit(
        &self,
        kind: CommandKind,
        key: extract::IdempotencyKey,
        caller: CallerDeadline,
    ) -> Result<Reply, Failure> {
        let key = key_from(key)?;
        self.0
            .engine
            .submit(self.request(kind, key, caller))
            .await
            .map_err(|error| problem_of_engine(&error).into())
    }
}

/// Proof that the caller has the admin token. The first argument of every admin call: without it,
/// nothing else of the request is looked at, and nobody learns more than that.
#[derive(Debug, Clone, Copy)]
pub struct Admin;

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        extract::require_admin(&parts.headers, app.0.admin_token.as_ref()).map(|()| Self)
    }
}

/// The span of the request being handled, in the engine's form.
fn current_trace() -> Option<TraceContext> {
    current_span().map(|span| TraceContext { trace_id: span.trace_id, span_id: span.span_id })
}

/// The engine's form of a key whose header was accepted.
///
/// # Errors
/// A 400 problem when it is no key after all.
pub fn key_from(key: extract::IdempotencyKey) -> Result<Option<IdempotencyKey>, Problem> {
    key.0
        .map(|key| IdempotencyKey::new(&key))
        .transpose()
        .map_err(|error| Problem::bad_request(format!("{error}.")))
}
