//! The event of calls that name none.

use std::collections::BTreeMap;

use inventory::{CommandKind, EventName, EventSettings, RefusalKind, StockName};
use inventory_engine::{Engine, EngineError, Request};
use vacancy_api::{DEFAULT_EVENT, DEFAULT_STOCK};

use super::error::OpenError;

/// The result of creating the default event.
pub(super) enum Creation {
    /// The event exists now.
    Exists,
    /// The engine could not decide; a retry may succeed.
    Retry(EngineError),
}

/// Creates the default event unless it exists or has existed.
///
/// # Errors
/// [`OpenError::DefaultEvent`] when no retry can succeed.
pub(super) async fn create(engine: &Engine, initial_stock: u64) -> Result<Creation, OpenError> {
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
        draw: None,
    };
    match engine.submit(Request::new(kind)).await {
        Err(error) => Ok(Creation::Retry(error)),
        Ok(reply) => match reply.result {
            Ok(_) => {
                tracing::info!(initial_stock, "created event '{DEFAULT_EVENT}'");
                Ok(Creation::Exists)
            }
            Err(refusal) if refusal.kind == RefusalKind::EventExists => Ok(Creation::Exists),
            Err(refusal) => Err(failed(refusal.to_string())),
        },
    }
}
