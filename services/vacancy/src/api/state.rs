//! The state that the handlers share.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use http_server::{
    Problem,
    extract::{self, CallerDeadline, RoleTokens},
    streams::Streams,
};
use inventory::CommandKind;
use inventory_engine::{Engine, Reply};
use public_api::PublicState;
use queue_controller::Queues;
use vacancy_api::{Failure, key_from};
use vacancy_service::{LocalVacancyClient, ReservationService, VacancySettings, problem_of_engine};
use webhooks::Webhooks;

/// The stock and what the calls need beside it; clones share it.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    stock: ReservationService,
    public: PublicState,
    webhooks: Webhooks,
    queues: Queues,
    reserve_batch_max: usize,
}

impl AppState {
    /// The calls over `engine`, with their streams counted in `streams`, and over the receivers
    /// `webhooks`.
    #[must_use]
    pub fn new(
        engine: Engine,
        settings: &VacancySettings,
        streams: Streams,
        webhooks: Webhooks,
    ) -> Self {
        let stock = ReservationService::new(engine, settings.http.requests.request_timeout);
        let public =
            PublicState::new(LocalVacancyClient::new(stock.clone()), settings.public(), streams);
        let queues = Queues::new(settings.signing_keys.clone(), settings.queues.clone());
        let reserve_batch_max = settings.reserve_batch_max;
        Self(Arc::new(Inner { stock, public, webhooks, queues, reserve_batch_max }))
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

    /// The state of the calls of buyers and shops.
    #[must_use]
    pub fn public(&self) -> &PublicState {
        &self.0.public
    }

    /// The streams of this server.
    #[must_use]
    pub fn streams(&self) -> &Streams {
        self.0.public.streams()
    }

    /// The receivers of the ledger.
    #[must_use]
    pub fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    /// What draws commit to.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.0.queues
    }

    /// The tokens of the roles.
    #[must_use]
    pub fn tokens(&self) -> &RoleTokens {
        self.0.public.tokens()
    }

    pub(super) fn reserve_batch_max(&self) -> usize {
        self.0.reserve_batch_max
    }

    /// The number of entries of a page when `requested` were asked for.
    pub(super) fn page_len(&self, requested: Option<usize>) -> Result<usize, Problem> {
        self.0.public.page_len(requested)
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
        let tokens = state.tokens().admin.current();
        extract::require_admin(&parts.headers, tokens.as_deref()).map(|()| Self)
    }
}

impl FromRef<AppState> for PublicState {
    fn from_ref(app: &AppState) -> Self {
        app.public().clone()
    }
}
