//! `GET /.well-known/ticket-keys.json`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_server::Problem;
use vacancy_api::{TicketKeySet, Unavailable};

use crate::state::PublicState;

/// Read the keys that verify tickets
///
/// A JWK Set with public keys. The key of a ticket is the one whose `ticket_kid` is the `kid` of
/// its COSE header.
#[utoipa::path(
    get,
    path = "/.well-known/ticket-keys.json",
    tag = "tickets",
    responses(
        (status = OK, body = TicketKeySet, content_type = "application/jwk-set+json"),
        Unavailable,
    )
)]
pub async fn read_ticket_keys(State(app): State<PublicState>) -> Result<Response, Problem> {
    let keys = app.keys()?.public_jwks();
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json")),
        // As long as pods take to read new keys; a new key signs only later.
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
    ];
    Ok((headers, Json(keys)).into_response())
}
