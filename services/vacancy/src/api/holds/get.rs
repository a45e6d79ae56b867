use axum::{Json, extract::State};
use http_server::{Problem, extract::PathParams, problem::ProblemDetails};
use inventory::HoldId;

use crate::{
    api::{App, problem_of_engine},
    wire::HoldBody,
};

/// Look at a hold or reservation
///
/// A hold past its time is `expired` from that moment on.
#[utoipa::path(
    get,
    path = "/api/v1/holds/{id}",
    tag = "holds",
    params(("id" = String, Path, description = "The hold", format = Uuid)),
    responses(
        (status = OK, body = HoldBody),
        (status = NOT_FOUND, description = "There is no such hold", body = ProblemDetails, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Try again later", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub async fn get_hold(
    State(app): State<App>,
    PathParams(id): PathParams<HoldId>,
) -> Result<Json<HoldBody>, Problem> {
    let hold = app.engine().hold(id).await.map_err(|error| problem_of_engine(&error))?;
    let hold = hold.ok_or_else(|| {
        Problem::new(
            http::StatusCode::NOT_FOUND,
            "hold_not_found",
            "Hold not found",
            "There is no such hold.",
        )
    })?;
    Ok(Json(HoldBody::of(&hold, app.engine().now_ms())))
}
