//! Writes expiries that no command or read has triggered, so that later batches stay small.

use std::{sync::Arc, time::Duration};

use inventory::domain::{CommandKind, EventName};
use rand::RngExt;

use super::state::Shared;
use crate::request::Request;

/// The interval of the sweeps. Other processes sweep too, at other times.
const EVERY_MS: std::ops::RangeInclusive<u64> = 700..=1_300;
/// The most events per sweep.
const EVENTS_MAX: usize = 256;

/// Queues expiries of due holds until the engine ends. `expire` does not wait for the command.
pub async fn sweep(shared: Arc<Shared>, expire: impl Fn(EventName, Request)) {
    while !shared.queue.is_closed() {
        let pause = Duration::from_millis(rand::rng().random_range(EVERY_MS));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.queue.end.reached() => return,
        }
        if shared.reader.check().is_err() {
            continue;
        }
        match shared.reader.due_events(EVENTS_MAX).await {
            Ok(due) => {
                for event in due {
                    expire(event.clone(), Request::new(CommandKind::Expire { event }));
                }
            }
            Err(error) => tracing::debug!(%error, "cannot look up expired holds"),
        }
    }
}
