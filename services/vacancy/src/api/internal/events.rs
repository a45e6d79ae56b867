//! `GET /api/v1/internal/events`.

use axum::{body::Body, extract::State, response::Response};
use futures::stream;
use http::{HeaderValue, header};
use http_server::Problem;
use vacancy_api::{StreamLine, Unavailable};

use super::updates::Updates;
use crate::api::state::AppState;

const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Follow all events
///
/// For the ticket service: one JSON object per line. The stream begins with all events and a line
/// with `complete`, goes on with each event that changes, and has a line at least every second. It
/// ends when the service shuts down.
#[utoipa::path(
    get,
    path = "/api/v1/internal/events",
    tag = "internal",
    responses(
        (status = OK, body = StreamLine, content_type = "application/x-ndjson"),
        Unavailable,
    )
)]
pub async fn stream_events(State(app): State<AppState>) -> Result<Response, Problem> {
    let open = app.streams().open()?;
    if open.is_draining() {
        // Otherwise a subscriber would come back at once, again and again.
        return Err(Problem::overloaded("The service is shutting down.", 1));
    }
    let updates = Updates::new(app.engine().clone());
    let lines = stream::unfold((open, updates), async |(open, mut updates)| {
        let text = tokio::select! {
            text = updates.next() => text,
            () = open.draining() => return None,
        };
        Some((Ok::<_, std::convert::Infallible>(text), (open, updates)))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(header::CONTENT_TYPE, LINES);
    Ok(response)
}
