//! The client for vacancy in the same process.

use std::borrow::Cow;

use http_server::Problem;
use inventory::IdempotencyKey;
use vacancy_api::{ReserveAnswer, Wording, reserved};
use vacancy_service::{ReservationService, problem_of_engine};

use super::{
    error::ClientError,
    purchase_request::PurchaseRequest,
    vacancy_client::{BoxFuture, Ready, VacancyClient},
};

const NOT_READY: &str = "the store failed or the process is stopping";

/// Calls the engine directly.
#[derive(Clone)]
pub struct LocalVacancyClient(ReservationService);

impl LocalVacancyClient {
    /// Sells from `stock`.
    #[must_use]
    pub fn new(stock: ReservationService) -> Self {
        Self(stock)
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
            let kind = self
                .0
                .reserve(
                    self.0.event().clone(),
                    purchase.qty,
                    purchase.customer,
                    purchase.caller.may_sell(),
                )
                .map_err(|problem| refused(problem, None))?;
            let reply = self.0.submit(kind, purchase.key, None).await;
            let reply = reply.map_err(|error| refused(problem_of_engine(&error), None))?;
            let seq = Some(reply.seq).filter(|seq| *seq > 0);
            reserved(reply, Wording::Purchase, purchase.caller)
                .map_err(|failure| refused(failure.into_problem(), seq))
        })
    }

    fn ready(&self) -> BoxFuture<'_, Result<Ready, Cow<'static, str>>> {
        Box::pin(async {
            let checked = self.0.engine().check();
            checked.map(|()| Ready::default()).map_err(|_| NOT_READY.into())
        })
    }
}
