//! The calls of tickets.

pub mod image;
pub mod keys;
pub mod list;

use http::{HeaderMap, StatusCode};
use http_server::Problem;
use inventory::{HoldId, StockName};
use tickets::Ticket;
use uuid::Uuid;
use vacancy_api::{Hold, HoldState};

use super::holds::find_hold;
use crate::state::PublicState;

/// The reservation, if it is sold. Its id gives access to its tickets.
async fn reservation(app: &PublicState, id: HoldId, headers: &HeaderMap) -> Result<Hold, Problem> {
    let hold = find_hold(app, id, headers).await?;
    if hold.state != HoldState::Confirmed {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "not_confirmed",
            "Reservation not confirmed",
            "The hold has tickets once it is confirmed.",
        ));
    }
    Ok(hold)
}

/// How many tickets of `stock` are valid: the first ones. Refunds revoke the highest numbers.
fn valid(hold: &Hold, stock: &StockName) -> u64 {
    let sum = |items: &[vacancy_api::Item]| -> u64 {
        items.iter().filter(|item| item.stock == *stock).map(|item| item.qty).sum()
    };
    sum(&hold.items).saturating_sub(sum(&hold.refunded))
}

/// Ticket `n` of a stock of `hold`.
fn ticket(id: HoldId, hold: &Hold, stock: &StockName, n: u64) -> Ticket {
    Ticket::new(&hold.event, Uuid::from_bytes(*id.as_bytes()), stock.as_str(), n)
}
