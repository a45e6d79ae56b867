//! Writes of pages.

use http::{HeaderMap, StatusCode};
use http_server::{Problem, extract::Caller};
use inventory::{CommandKind, IdempotencyKey};
use public_api::{ClientError, PublicState, TraceHeaders, WriteRequest};
use vacancy_api::Answer;

/// Decides `kind`, as an API call without a token would.
///
/// # Errors
/// The problem of the refusal; 403 when the page of another site sent the form, as browsers say.
pub async fn write(
    app: &PublicState,
    headers: &HeaderMap,
    key: Option<IdempotencyKey>,
    kind: CommandKind,
) -> Result<Answer, Problem> {
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "Sent from another site",
            "Forms are taken from the pages of this service alone.",
        ));
    }
    let request = WriteRequest {
        kind,
        key: key.or_else(|| app.client().make_key()),
        caller: Caller::Anonymous,
        deadline: None,
        trace: TraceHeaders::of(headers),
    };
    let answer = app.client().write(request).await;
    answer.map_err(|error: ClientError| error.into_problem().0)
}
