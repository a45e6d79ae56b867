//! Writes of pages.

use http::HeaderMap;
use http_server::{Problem, extract::Caller};
use inventory::{CommandKind, IdempotencyKey};
use public_api::{ClientError, PublicState, TraceHeaders, WriteRequest};
use vacancy_api::Answer;

/// Decides `kind`, as an API call without a token would.
pub async fn write(
    app: &PublicState,
    headers: &HeaderMap,
    key: Option<IdempotencyKey>,
    kind: CommandKind,
) -> Result<Answer, Problem> {
    let request = WriteRequest {
        kind,
        key: key.or_else(|| app.client().make_key()),
        caller: Caller::of(headers, app.tokens()),
        deadline: None,
        trace: TraceHeaders::of(headers),
    };
    let answer = app.client().write(request).await;
    answer.map_err(|error: ClientError| error.into_problem().0)
}
