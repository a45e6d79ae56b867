//! The state that the handlers share.

use std::{convert::Infallible, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use http_server::{
    Problem,
    extract::{self, Caller, CallerDeadline, RoleTokens},
};
use inventory::CommandKind;
use inventory_engine::{Engine, Reply};
use vacancy_api::{Failure, key_from};
use vacancy_service::{ReservationService, VacancySettings, problem_of_engine};

/// The stock and what the calls need beside it; clones share it.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    stock: ReservationService,
    tokens: RoleTokens,
    page_max: usize,
    reserve_batch_max: usize,
}

impl AppState {
    /// The calls over `engine`.
    #[must_use]
    pub fn new(engine: Engine, settings: &VacancySettings) -> Self {
        Self(Arc::new(Inner {
            stock: ReservationService::new(engine, settings.http.requests.request_timeout),
            tokens: settings.tokens.clone(),
            page_max: settings.page_max,
            reserve_batch_max: settings.reserve_batch_max,
        }))
    }

    /// The stock.
    #[must_use]
    pub fn stock(&self) -> &ReservationService {
        &self.0.stock
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.0.stock.engine()
    }

    /// The tokens of the roles.
    #[must_use]
    pub fn tokens(&self) -> &RoleTokens {
        &self.0.tokens
    }

    pub(super) fn reserve_batch_max(&self) -> usize {
        self.0.reserve_batch_max
    }

    /// The number of entries of a page when `requested` were asked for.
    pub(super) fn page_len(&self, requested: Option<usize>) -> Result<usize, Problem> {
        const DEFAULT_LEN: usize = 100;
        let max = self.0.page_max;
        match requested {
            None => Ok(DEFAULT_LEN.min(max)),
            Some(len) if (1..=max).contains(&len) => Ok(len),
            Some(_) => Err(Problem::validation(format!("limit must be between 1 and {max}."))),
        }
    }

    pub(super) async fn submit(
        &self,
        kind: CommandKind,
        key: extract::IdempotencyKey,
        caller: CallerDeadline,
    ) -> Result<Reply, Failure> {
        let key = key_from(key)?;
        let reply = self.0.stock.submit(kind, key, caller.0).await;
        reply.map_err(|error| problem_of_engine(&error).into())
    }
}

/// Proof that the caller has the admin token. It is the first argument of every admin call, so
/// nothing else of an unauthorised request is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Admin;

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let tokens = state.0.tokens.admin.current();
        extract::require_admin(&parts.headers, tokens.as_deref()).map(|()| Self)
    }
}

/// Who calls. Nothing is refused yet: what a call needs may depend on the event.
#[derive(Debug, Clone, Copy)]
pub struct By(pub Caller);

impl FromRequestParts<AppState> for By {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self(Caller::of(&parts.headers, &state.0.tokens)))
    }
}

/// Proof that the caller has the token of the seller, or of an administrator. It is the first
/// argument, like [`Admin`].
#[derive(Debug, Clone, Copy)]
pub struct Seller;

impl FromRequestParts<AppState> for Seller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let tokens = &state.0.tokens;
        Caller::of(&parts.headers, tokens).require_seller(tokens).map(|()| Self)
    }
}
