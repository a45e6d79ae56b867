//! The waiting room: its event, its keys, and the real controller that draws and calls.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use admission::PaceSettings;
use inventory::{CommandKind, EventName, EventSettings, StockName};
use inventory_engine::{Engine, Request};
use queue_controller::{Controller, QueueMetrics, QueueSettings, Queues};
use signing::{LiveKeys, SigningKeys};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::scenario::Scenario;

/// The event with the waiting room.
pub const EVENT: &str = "room";
/// Its tickets.
const TICKETS: u64 = 9;
/// From its creation to the opening of its sale.
const OPENS_IN_MS: u64 = 1_200;
/// Calls per second. They do not adapt: latencies are those of the machine, and the same seed gives
/// the same run.
const CALLS_PER_S: f64 = 50.0;

/// The signing keys of all processes; clones share the file.
#[derive(Debug, Clone)]
pub struct Keys {
    folder: Arc<TempDir>,
    /// The keys.
    pub set: SigningKeys,
}

impl Keys {
    /// The keys of the scenario's seed.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn of(scenario: &Scenario) -> std::io::Result<Self> {
        let mut random = [7; 32];
        random[..8].copy_from_slice(&scenario.seed.to_be_bytes());
        let (folder, text) = (tempfile::tempdir()?, SigningKeys::generate(random));
        std::fs::write(folder.path().join("keys.json"), &text)?;
        let set = SigningKeys::from_jwks(&text).map_err(std::io::Error::other)?;
        Ok(Self { folder: Arc::new(folder), set })
    }

    /// The file, for SIGNING_KEYS_FILE.
    #[must_use]
    pub fn file(&self) -> String {
        self.folder.path().join("keys.json").display().to_string()
    }
}

/// Creates the event unless it exists, and runs the controller.
///
/// # Errors
/// When the keys or the metrics are of no use.
pub async fn run(engine: &Engine, keys: &Keys, scenario: &Scenario) -> turmoil::Result {
    let pace = PaceSettings {
        start_per_s: CALLS_PER_S,
        min_per_s: CALLS_PER_S,
        max_per_s: CALLS_PER_S,
        add_per_s: 1.0,
        p99_target_ms: 1_000.0,
    };
    let settings = QueueSettings {
        beacon: None,
        beacon_delay: Duration::ZERO,
        beacon_wait: Duration::ZERO,
        pace,
    };
    let queues = Queues::new(LiveKeys::in_file(keys.file().into())?, settings);
    put(engine, &queues, scenario).await?;
    let controller = Controller::new(engine.clone(), queues, QueueMetrics::new()?);
    tokio::spawn(controller.run(CancellationToken::new()));
    Ok(())
}

async fn put(engine: &Engine, queues: &Queues, scenario: &Scenario) -> turmoil::Result {
    let now_ms = engine.now_ms();
    let opens_at_ms = now_ms + OPENS_IN_MS;
    let mut random = [3; 10];
    random[..8].copy_from_slice(&scenario.seed.to_be_bytes());
    let queue = inventory::QueueSettings {
        active_max: Some(3),
        claim_ttl_ms: 700,
        draw: true,
        opens_at_ms: 0,
        pass_ttl_ms: 1_500,
    };
    let settings = EventSettings {
        opens_at_ms: Some(opens_at_ms),
        queue: Some(queue),
        ..EventSettings::default()
    };
    let kind = CommandKind::PutEvent {
        event: EventName::new(EVENT)?,
        capacities: BTreeMap::from([(StockName::new("general")?, TICKETS)]),
        settings,
        if_settings_seq: None,
        only_create: true,
        draw: Some(Box::new(queues.commitment(random, opens_at_ms, now_ms)?)),
    };
    // When the disk fails, the next start creates it.
    drop(engine.submit(Request::new(kind)).await);
    Ok(())
}
