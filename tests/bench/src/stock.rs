//! One process: a counter in memory.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};

use crate::wire::{Available, HoldAnswer, HoldBody, ReserveAnswer, ReserveBody};

/// The remaining tickets, and the number of sales.
struct Stock {
    left: u64,
    seq: u64,
}

type Shared = Arc<Mutex<Stock>>;

pub fn router(capacity: u64) -> Router {
    let stock: Shared = Arc::new(Mutex::new(Stock { left: capacity, seq: 0 }));
    Router::new()
        .route("/api/v1/holds", post(hold))
        .route("/api/v1/available", get(available))
        .route("/api/v1/reserve", post(reserve))
        .route("/api/v1/purchase", post(purchase))
        .with_state(stock)
}

async fn available(State(stock): State<Shared>) -> Json<Available> {
    let qty = stock.lock().unwrap_or_else(PoisonError::into_inner).left;
    Json(Available { qty })
}

async fn reserve(
    State(stock): State<Shared>,
    Json(body): Json<ReserveBody>,
) -> Json<ReserveAnswer> {
    Json(sell(&stock, body.qty, |qty| format!("Reserved {qty} tickets")))
}

async fn purchase(
    State(stock): State<Shared>,
    Json(body): Json<ReserveBody>,
) -> Json<ReserveAnswer> {
    Json(sell(&stock, body.qty, |_| "Purchase successful!".to_owned()))
}

async fn hold(
    State(stock): State<Shared>,
    Json(body): Json<HoldBody>,
) -> Result<Json<HoldAnswer>, StatusCode> {
    let qty = body.items.iter().map(|item| item.qty).sum();
    let held = sell(&stock, qty, |_| String::new());
    let id = held.reservation_id.ok_or(StatusCode::CONFLICT)?;
    // Bare, and so without a clock.
    let expires_at = "2026-01-01T00:00:00.000Z".to_owned();
    let state = "held".to_owned();
    Ok(Json(HoldAnswer { id, state, items: body.items, expires_at, seq: held.seq }))
}

fn sell(stock: &Shared, qty: u64, message: impl FnOnce(u64) -> String) -> ReserveAnswer {
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut stock = stock.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(left) = stock.left.checked_sub(qty) else {
        let (remaining, seq) = (stock.left, stock.seq);
        return ReserveAnswer {
            success: false,
            remaining,
            message: "Insufficient inventory".to_owned(),
            reservation_id: None,
            seq,
        };
    };
    stock.left = left;
    stock.seq += 1;
    let seq = stock.seq;
    drop(stock);
    ReserveAnswer {
        success: true,
        remaining: left,
        message: message(qty),
        reservation_id: Some(id.to_string()),
        seq,
    }
}
