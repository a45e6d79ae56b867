//! Pausing waiting rooms.

pub mod all;
pub mod one;

use http_server::extract::{CallerDeadline, IdempotencyKey};
use inventory::{CommandKind, EventName};
use vacancy_api::{Failure, QueuePauseReceipt};

use crate::api::state::AppState;

/// Stops the calls of the waiting room of `event`, or lets them go on.
async fn set_paused(
    app: &AppState,
    event: EventName,
    paused: bool,
) -> Result<QueuePauseReceipt, Failure> {
    let kind = CommandKind::PauseQueue { event: event.clone(), paused };
    let reply = app.submit(kind, IdempotencyKey(None), CallerDeadline::default()).await?;
    reply.result?;
    Ok(QueuePauseReceipt { event: event.to_string(), paused, seq: reply.seq })
}
