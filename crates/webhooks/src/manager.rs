//! Starts and stops deliverers, and changes receivers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use inventory::EventName;
use inventory_engine::Engine;
use inventory_store::{Claim, StoreError, StoredWebhook, WebhookStore};
use prometheus::Registry;
use tokio::{sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    deliverer::{Deliverer, Shared, Stop},
    endpoint::Endpoint,
    message::Message,
    metrics::WebhookMetrics,
    sender::{SendError, Sender},
    settings::WebhookSettings,
    state::DeliveryState,
};

/// How often receivers are read: other processes may change them.
const READ_EVERY: Duration = Duration::from_secs(1);
/// The pause before a deliverer that has stopped is started again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The receivers, for those who look at them and change them. Clones share them.
#[derive(Clone)]
pub struct Webhooks {
    shared: Shared,
    changed: Arc<Notify>,
}

impl Webhooks {
    /// Receivers in `store`, which get the ledger of `engine`.
    ///
    /// # Errors
    /// When a metric is invalid.
    pub fn new(
        store: Arc<dyn WebhookStore>,
        engine: Engine,
        settings: WebhookSettings,
    ) -> Result<Self, prometheus::Error> {
        let sender = Arc::new(Sender::new(settings.clone()));
        let shared = Shared { store, engine, sender, settings, metrics: WebhookMetrics::new()? };
        Ok(Self { shared, changed: Arc::default() })
    }

    /// Registers the metrics of deliveries.
    ///
    /// # Errors
    /// When one of them is registered already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        self.shared.metrics.register(registry)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &WebhookSettings {
        &self.shared.settings
    }

    /// All receivers, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self) -> Result<Vec<StoredWebhook>, StoreError> {
        self.shared.store.list().await
    }

    /// Sets or adds a receiver. A new one gets what is written from now on. Returns whether it is
    /// new.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put(
        &self,
        name: String,
        endpoint: &Endpoint,
        cursors: BTreeMap<EventName, u64>,
    ) -> Result<bool, StoreError> {
        let settings = serde_json::to_string(endpoint)
            .map_err(|error| StoreError::Unavailable(error.to_string().into()))?;
        let created = self.shared.store.put(name, settings, cursors).await?;
        self.changed.notify_one();
        Ok(created)
    }

    /// Removes a receiver. Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, name: String) -> Result<bool, StoreError> {
        let existed = self.shared.store.delete(name).await?;
        self.changed.notify_one();
        Ok(existed)
    }

    /// Delivers the records of `event` after `seq` again. Returns whether the receiver exists.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay(
        &self,
        name: String,
        event: EventName,
        seq: u64,
    ) -> Result<bool, StoreError> {
        let exists = self.shared.store.seek(name, event, seq).await?;
        self.changed.notify_one();
        Ok(exists)
    }

    /// Sends a message that says nothing but that it arrives.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn test(&self, endpoint: &Endpoint, message: &Message) -> Result<u16, SendError> {
        let now_s = self.shared.engine.now_ms() / 1_000;
        self.shared.sender.send(endpoint, message, now_s).await
    }
}

/// Runs deliverers.
pub struct Manager {
    webhooks: Webhooks,
    owner: Uuid,
    running: BTreeMap<String, Running>,
}

struct Running {
    claim: Claim,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Manager {
    /// Delivers to `webhooks`, as the process `owner`.
    #[must_use]
    pub fn new(webhooks: Webhooks, owner: Uuid) -> Self {
        Self { webhooks, owner, running: BTreeMap::new() }
    }

    /// Delivers until `stop`. Then other processes may.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            match self.webhooks.list().await {
                Ok(known) => self.adjust(&known),
                Err(error) => tracing::debug!(%error, "cannot read the webhooks"),
            }
            tokio::select! {
                _ = timeout(READ_EVERY, self.webhooks.changed.notified()) => {}
                () = stop.cancelled() => break,
            }
        }
        for (_, running) in std::mem::take(&mut self.running) {
            let claim = running.claim.clone();
            drop(running);
            // Best effort: the lease ends by itself.
            let _ = timeout(READ_EVERY, self.webhooks.shared.store.release(claim)).await;
        }
    }

    fn adjust(&mut self, known: &[StoredWebhook]) {
        let metrics = self.webhooks.shared.metrics.clone();
        let names: BTreeSet<&str> = known.iter().map(|webhook| webhook.name.as_str()).collect();
        for name in self.running.keys().filter(|name| !names.contains(name.as_str())) {
            metrics.forget(name);
        }
        self.running.retain(|name, running| {
            !running.task.is_finished()
                && known.iter().any(|webhook| {
                    webhook.name == *name && webhook.version == running.claim.version
                })
        });
        for webhook in known {
            let state = DeliveryState::parse(&webhook.state);
            metrics.set_paused(&webhook.name, state.paused);
            if state.paused || self.running.contains_key(&webhook.name) {
                continue;
            }
            let Ok(endpoint) = serde_json::from_str::<Endpoint>(&webhook.settings) else {
                tracing::error!(webhook = %webhook.name, "cannot read the settings of a webhook");
                continue;
            };
            let claim =
                Claim { name: webhook.name.clone(), version: webhook.version, owner: self.owner };
            let deliverer = Deliverer::new(
                self.webhooks.shared.clone(),
                claim.clone(),
                endpoint,
                webhook.cursors.clone(),
                state,
            );
            let task = tokio::spawn(async move {
                if let Stop::Store(error) = deliverer.run().await {
                    tracing::debug!(%error, "deliveries interrupted");
                }
                tokio::time::sleep(AGAIN_AFTER).await;
            });
            self.running.insert(webhook.name.clone(), Running { claim, task });
        }
    }
}
