//! The state that the calls share.

use std::{convert::Infallible, num::NonZeroU32, sync::Arc};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use http_server::{
    Problem,
    extract::{Caller, RoleTokens},
    middleware::{AddressQuota, QuotaSettings},
    streams::Streams,
};
use inventory::{EventName, Limits, StockName};
use signing::{LiveKeys, SigningKeys};
use vacancy_api::{DEFAULT_EVENT, DEFAULT_STOCK, page_len, signing_keys_missing};

use crate::{
    client::VacancyClient,
    queue::{Draws, Joins, work::WorkSettings},
    topics::Topics,
};

/// The client for vacancy, and what the calls need beside it; clones share it.
#[derive(Clone)]
pub struct PublicState(Arc<Inner>);

struct Inner {
    client: Arc<dyn VacancyClient>,
    settings: PublicSettings,
    streams: Streams,
    topics: Arc<Topics>,
    joins: Arc<Joins>,
    draws: Draws,
    join_quota: Option<AddressQuota>,
    event: EventName,
    stock: StockName,
}

/// The settings of the calls.
#[derive(Debug, Clone)]
pub struct PublicSettings {
    /// The limits of requests.
    pub limits: Limits,
    /// Most entries of a page.
    pub page_max: usize,
    /// The tokens by which the roles of callers are known.
    pub tokens: RoleTokens,
    /// The keys that sign places, passes and tickets.
    pub signing_keys: LiveKeys,
    /// Joins of waiting rooms per minute and address.
    pub joins_per_min: Option<NonZeroU32>,
    /// How clients are known, for that.
    pub quota: QuotaSettings,
    /// The proof of work of joins.
    pub work: Option<WorkSettings>,
}

impl PublicState {
    /// Calls through `client`, with their streams counted in `streams`.
    ///
    /// # Panics
    /// Never: the default names are valid.
    #[must_use]
    pub fn new(client: impl VacancyClient, settings: PublicSettings, streams: Streams) -> Self {
        let (Ok(event), Ok(stock)) = (EventName::new(DEFAULT_EVENT), StockName::new(DEFAULT_STOCK))
        else {
            unreachable!("the default names are valid")
        };
        let client: Arc<dyn VacancyClient> = Arc::new(client);
        let topics = Topics::new(client.clone());
        let limits = &settings.limits;
        let joins = Joins::new(client.clone(), limits.joins_max, limits.queue_max);
        let draws = Draws::new(client.clone());
        let join_quota =
            settings.joins_per_min.map(|per_min| AddressQuota::new(per_min, &settings.quota));
        Self(Arc::new(Inner {
            client,
            settings,
            streams,
            topics,
            joins,
            draws,
            join_quota,
            event,
            stock,
        }))
    }

    /// The client for vacancy.
    #[must_use]
    pub fn client(&self) -> &Arc<dyn VacancyClient> {
        &self.0.client
    }

    /// The streams of this server.
    #[must_use]
    pub fn streams(&self) -> &Streams {
        &self.0.streams
    }

    pub(crate) fn joins(&self) -> &Arc<Joins> {
        &self.0.joins
    }

    pub(crate) fn join_quota(&self) -> Option<&AddressQuota> {
        self.0.join_quota.as_ref()
    }

    pub(crate) fn work(&self) -> Option<WorkSettings> {
        self.0.settings.work
    }

    pub(crate) fn draws(&self) -> &Draws {
        &self.0.draws
    }

    /// The keys that sign places, passes and tickets.
    #[must_use]
    pub fn signing_keys(&self) -> Option<SigningKeys> {
        self.0.settings.signing_keys.current()
    }

    /// The same, for a call that needs them.
    pub(crate) fn keys(&self) -> Result<SigningKeys, Problem> {
        self.signing_keys().ok_or_else(|| {
            signing_keys_missing("The service has no signing keys: SIGNING_KEYS_FILE is not set.")
        })
    }

    pub(crate) fn topics(&self) -> &Arc<Topics> {
        &self.0.topics
    }

    /// The limits of requests.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.settings.limits
    }

    /// The tokens of the roles.
    #[must_use]
    pub fn tokens(&self) -> &RoleTokens {
        &self.0.settings.tokens
    }

    /// `default`, the event of calls that name none.
    #[must_use]
    pub fn default_event(&self) -> &EventName {
        &self.0.event
    }

    /// `general`, the stock of calls that name none.
    #[must_use]
    pub fn default_stock(&self) -> &StockName {
        &self.0.stock
    }

    /// The number of entries of a page when `requested` were asked for.
    ///
    /// # Errors
    /// A 422 problem when that is none, or too many.
    pub fn page_len(&self, requested: Option<usize>) -> Result<usize, Problem> {
        page_len(requested, self.0.settings.page_max)
    }
}

/// Who calls. Nothing is refused yet: what a call needs may depend on the event.
#[derive(Debug, Clone, Copy)]
pub struct By(pub Caller);

impl<S: Sync> FromRequestParts<S> for By
where
    PublicState: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Caller::of(&parts.headers, PublicState::from_ref(state).tokens())))
    }
}

/// Proof that the caller has the token of the seller, or of an administrator. It is the first
/// argument of a call, so nothing else of an unauthorised request is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Seller;

impl<S: Sync> FromRequestParts<S> for Seller
where
    PublicState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = PublicState::from_ref(state);
        Caller::of(&parts.headers, app.tokens()).require_seller(app.tokens()).map(|()| Self)
    }
}
