//! `GET /api/v1/holds/{id}`.

use axum::{Json, extract::State};
use http_server::{Problem, extract::PathParams};
use inventory::{HoldId, Refusal, RefusalKind};
use vacancy_api::{Hold, HoldNotFound, Unavailable, problem_of_refusal};
use vacancy_service::problem_of_engine;

use crate::api::state::AppState;

/// Read a hold or reservation
///
/// A hold is `expired` from its expiry time on.
#[utoipa::path(
    get,
    path = "/api/v1/holds/{id}",
    tag = "holds",
    params(("id" = String, Path, description = "The hold", format = Uuid)),
    responses(
        (status = OK, body = Hold),
        HoldNotFound,
        Unavailable,
    )
)]
pub async fn get_hold(
    State(app): State<AppState>,
    PathParams(id): PathParams<HoldId>,
) -> Result<Json<Hold>, Problem> {
    let hold = app.engine().hold(id).await.map_err(|error| problem_of_engine(&error))?;
    let hold = hold.ok_or_else(|| {
        problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::HoldNotFound })
    })?;
    Ok(Json(Hold::of(&hold, app.engine().now_ms())))
}
