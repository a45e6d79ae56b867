//! The event of the calls that name none.

use std::collections::BTreeMap;

use inventory::{CommandKind, EventName, EventSettings, RefusalKind, StockName};
use inventory_engine::{Engine, EngineError, Request};

use super::OpenError;
use crate::api::{DEFAULT_EVENT, DEFAULT_STOCK};

/// Creates it if there has never been one. An inner error is one after which to try again.
pub(super) async fn create(
    engine: &Engine,
    initial_stock: u64,
) -> Result<Result<(), EngineError>, OpenError> {
    let failed = |error: String| OpenError::DefaultEvent(error);
    let event = EventName::new(DEFAULT_EVENT).map_err(|error| failed(error.to_string()))?;
    let stock = StockName::new(DEFAULT_STOCK).map_err(|error| failed(error.to_string()))?;
    let capacities = BTreeMap::from([(stock, initial_stock)]);
    let kind = CommandKind::PutEvent {
        event,
        capacities,
        settings: EventSettings::default(),
        if_settings_seq: None,
        only_create: true,
    };
    match engine.submit(Request::new(kind)).await {
        Err(error) => Ok(Err(error)),
        Ok(reply) => match reply.result {
            Ok(_) => {
                tracing::info!(initial_stock, "created event '{DEFAULT_EVENT}'");
                Ok(Ok(()))
            }
            Err(refusal) if refusal.kind == RefusalKind::EventExists => Ok(Ok(())),
            Err(refusal) => Err(failed(refusal.to_string())),
        },
    }
}
