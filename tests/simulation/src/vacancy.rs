//! The host that keeps the stock: the real engine and the real calls, on the simulated disk and
//! network.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use config::Source;
use http_server::{
    app::{AppParts, ServiceInfo, finish},
    health::Health,
    streams::Streams,
};
use inventory::{CommandKind, EventName, EventSettings, Limits, StockName};
use inventory_embedded::EmbeddedWebhooks;
use inventory_engine::{Engine, Environment, Request};
use inventory_store::EventView;
use telemetry::Metrics;
use vacancy::api::AppState;
use vacancy_service::VacancySettings;
use webhooks::Webhooks;

use crate::{
    clock::SimClock,
    disk::Disk,
    network,
    room::{self, Keys},
    scenario::Scenario,
    store::SimStore,
};

/// Where it listens.
pub const PORT: u16 = 8001;
/// Its name in the network.
pub const HOST: &str = "vacancy";
/// For the admin calls.
pub const ADMIN_TOKEN: &str = "an-admin-token-for-tests";

/// The parts that outlive the process, and a view into the process from outside.
#[derive(Clone)]
pub struct Machine {
    /// Its disk.
    pub disk: Disk,
    /// Its clock.
    pub clock: SimClock,
    /// The engine that runs now.
    pub engine: Arc<Mutex<Option<Engine>>>,
}

impl Machine {
    /// The views of the running engine.
    #[must_use]
    pub fn published(&self) -> Vec<EventView> {
        let engine = self.engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        engine
            .as_ref()
            .map(|engine| engine.published().iter().map(|view| (**view).clone()).collect())
            .unwrap_or_default()
    }
}

/// From the start of the process to its end, which comes when its store fails.
///
/// # Errors
/// When the contents of the disk cannot be opened, which is a failure of the simulation.
pub async fn process(
    machine: Machine,
    keys: Keys,
    scenario: Scenario,
    start: u64,
) -> turmoil::Result {
    // In some scenarios vacancy accepts smaller batches than ticket sends.
    let batch_max = if scenario.seed % 4 == 3 { "2" } else { "1024" };
    let keys_file = keys.file();
    let settings = [
        ("SIGNING_KEYS_FILE", keys_file.as_str()),
        ("ADMIN_TOKEN", ADMIN_TOKEN),
        ("REQUEST_TIMEOUT_S", "2"),
        ("RESERVE_BATCH_MAX", batch_max),
    ];
    let settings = VacancySettings::from_source(&Source::from_pairs(settings))?;
    let store = SimStore::open(&machine.disk).await?;
    let limits = Limits { batch_max: 32, queue_max: 64, ..settings.limits.clone() };
    let environment = Environment::seeded(
        Arc::new(machine.clock.clone()),
        scenario.seed ^ start.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    );
    let (engine, committer) = Engine::assemble(store, limits, environment);
    tokio::spawn(committer.run());
    *machine.engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
        Some(engine.clone());
    create(&engine, "default", &[("general", scenario.capacity)], None).await;
    create(
        &engine,
        "gala",
        &[("general", scenario.capacity / 2), ("vip", 6)],
        Some(scenario.limit_per_customer),
    )
    .await;

    room::run(&engine, &keys, &scenario).await?;
    let health = Health::new(HOST);
    health.set_ready();
    let streams = Streams::new(settings.http.streams, health.lifecycle().clone())?;
    let receivers = Arc::new(EmbeddedWebhooks::in_memory());
    let webhooks = Webhooks::new(receivers, engine.clone(), settings.webhooks.clone())?;
    let state = AppState::new(engine.clone(), &settings, streams, webhooks);
    let (routes, _) = vacancy::api::router(state).split_for_parts();
    let info = ServiceInfo::new(HOST, "0", "microservices", "simulation");
    let router = finish(
        routes,
        AppParts::new(info, health, Metrics::new(HOST, "0")?, settings.http.requests.clone()),
    );
    // A failed store ends the process; recovery follows.
    let failed = async {
        engine.failed().await;
    };
    network::serve(router, PORT, failed).await
}

/// Creates an event unless it exists. When the disk fails, the next start creates it.
async fn create(
    engine: &Engine,
    event: &str,
    capacities: &[(&str, u64)],
    limit_per_customer: Option<u64>,
) {
    let Ok(event) = EventName::new(event) else { return };
    let capacities: BTreeMap<_, _> = capacities
        .iter()
        .filter_map(|(name, capacity)| Some((StockName::new(name).ok()?, *capacity)))
        .collect();
    let settings = EventSettings { limit_per_customer, ..EventSettings::default() };
    let kind = CommandKind::PutEvent {
        event,
        capacities,
        settings,
        if_settings_seq: None,
        only_create: true,
        draw: None,
    };
    drop(engine.submit(Request::new(kind)).await);
}
