//! The monolith: ticket and vacancy in one process, on one port.

use ticket::{api, service};
use utoipa_axum::router::OpenApiRouter;
use vacancy::{api::AppState, service::StockService};
use vacancy_api::document;

/// Both services in one process, on one port.
#[derive(Debug, Clone, Copy)]
pub struct Monolith;

impl StockService for Monolith {
    const NAME: &'static str = "monolith";
    const VERSION: &'static str = service::VERSION;

    fn routes(&self, state: AppState) -> OpenApiRouter {
        let head = document(
            "Ticket System",
            "Keeps the stock of events and sells tickets, in one process.",
        );
        OpenApiRouter::with_openapi(head)
            .merge(api::router(state.public().clone()))
            .merge(pages::router(state.public().clone()).into())
            .merge(vacancy::api::router(state))
    }
}
