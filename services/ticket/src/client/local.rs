//! vacancy in the same process.

use http_server::{Problem, extract::CallerDeadline};
use inventory::{CommandKind, IdempotencyKey, Items};
use vacancy::{
    api::{App, Wording, decide_reserve, problem_of_engine},
    wire::ReserveAnswer,
};

use super::{
    error::ClientError,
    purchase_request::PurchaseRequest,
    vacancy_client::{BoxFuture, VacancyClient},
};

/// Calls the engine directly.
#[derive(Clone)]
pub struct LocalVacancyClient(App);

impl LocalVacancyClient {
    /// Sells from `app`.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self(app)
    }
}

impl VacancyClient for LocalVacancyClient {
    fn make_key(&self) -> Option<IdempotencyKey> {
        None
    }

    fn purchase(
        &self,
        purchase: PurchaseRequest,
    ) -> BoxFuture<'_, Result<ReserveAnswer, ClientError>> {
        Box::pin(async move {
            let refused =
                |problem: Problem, seq| ClientError::Refused { problem: Box::new(problem), seq };
            let items = Items::one(self.0.stock().clone(), purchase.qty);
            let kind = CommandKind::Reserve {
                event: self.0.event().clone(),
                items,
                customer: purchase.customer,
            };
            let reply = self
                .0
                .engine()
                .submit(self.0.request(kind, purchase.key, CallerDeadline::default()))
                .await;
            let reply = reply.map_err(|error| refused(problem_of_engine(&error), None))?;
            let seq = Some(reply.seq).filter(|seq| *seq > 0);
            decide_reserve(reply, Wording::Purchase)
                .map_err(|failure| refused(failure.into_problem(), seq))
        })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), &'static str>> {
        Box::pin(async { self.0.engine().check().map_err(|_| "the store failed or is closing") })
    }
}
