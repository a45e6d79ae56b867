//! Two processes, axum and reqwest to axum: one call for each purchase.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use reqwest::Client;

use crate::wire::{HoldAnswer, HoldBody, ReserveAnswer, ReserveBody};

struct Next {
    client: Client,
    reserve: String,
    holds: String,
}

pub fn router(url: &str) -> Result<Router, reqwest::Error> {
    let client = Client::builder().no_proxy().tcp_nodelay(true).build()?;
    let url = url.trim_end_matches('/');
    let (reserve, holds) = (format!("{url}/api/v1/reserve"), format!("{url}/api/v1/holds"));
    let next = Arc::new(Next { client, reserve, holds });
    Ok(Router::new()
        .route("/api/v1/purchase", post(purchase))
        .route("/api/v1/holds", post(hold))
        .with_state(next))
}

async fn purchase(
    State(next): State<Arc<Next>>,
    Json(body): Json<ReserveBody>,
) -> Result<Json<ReserveAnswer>, StatusCode> {
    let answer = async {
        next.client
            .post(&next.reserve)
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

async fn hold(
    State(next): State<Arc<Next>>,
    Json(body): Json<HoldBody>,
) -> Result<Json<HoldAnswer>, StatusCode> {
    let answer = async {
        next.client
            .post(&next.holds)
            .json(&body)
            .send()
            .await?
            .error_for_status()?
            .json::<HoldAnswer>()
            .await
    };
    answer.await.map(Json).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}
