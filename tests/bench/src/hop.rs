//! Two processes, axum and reqwest to axum: one call for each purchase.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use reqwest::Client;

use crate::wire::{ReserveAnswer, ReserveBody};

struct Next {
    client: Client,
    url: String,
}

pub fn router(url: &str) -> Result<Router, reqwest::Error> {
    let client = Client::builder().no_proxy().tcp_nodelay(true).build()?;
    let next = Next { client, url: format!("{}/api/v1/reserve", url.trim_end_matches('/')) };
    Ok(Router::new().route("/api/v1/purchase", post(purchase)).with_state(Arc::new(next)))
}

async fn purchase(
    State(next): State<Arc<Next>>,
    Json(body): Json<ReserveBody>,
) -> Result<Json<ReserveAnswer>, StatusCode> {
    let answer = async {
        next.client
            .post(&next.url)
            .json(&body)
            .send()
            .await?
            .error_for_status()?
            .json::<ReserveAnswer>()
            .await
    };
    let answer = answer.await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let message = if answer.success { "Purchase successful!".to_owned() } else { answer.message };
    Ok(Json(ReserveAnswer { message, ..answer }))
}
