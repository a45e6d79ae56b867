//! The operator: its settings, and the state that all its reconciliations share.

use std::{sync::Arc, time::Duration};

use k8s_controller::events::{EventRecorder, Reporter};
use kube::Client;

use super::client::client;
use crate::{
    observe::{HttpProbe, Metrics, Progress},
    queues::{HttpSystemClient, SystemClient},
    settings::Settings,
    status::diagnosis::ReadinessProbe,
};

/// Resyncs a system may miss before the liveness check fails.
const MISSED_RESYNCS_MAX: u32 = 3;

/// Longest duration of a call to a system.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// One operator.
pub struct Operator {
    pub settings: Settings,
    pub client: Client,
    pub metrics: Arc<Metrics>,
    pub progress: Arc<Progress>,
    pub events: Arc<EventRecorder>,
    pub probe: Arc<dyn ReadinessProbe>,
    pub system_client: Arc<dyn SystemClient>,
}

/// Why an operator cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("cannot create a client for the API server: {0}")]
    Client(#[from] kube::Error),
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl Operator {
    /// Creates an operator.
    ///
    /// # Errors
    /// If `config` is invalid.
    pub fn new(settings: Settings, config: kube::Config) -> Result<Self, SetupError> {
        let probe = HttpProbe::new(Duration::from_millis(settings.probe_timeout_ms));
        let system_client = HttpSystemClient::new(CALL_TIMEOUT);
        Self::with_clients(settings, config, Arc::new(probe), Arc::new(system_client))
    }

    /// Creates an operator that probes services through `probe` and calls them through
    /// `system_client`.
    ///
    /// # Errors
    /// If `config` is invalid.
    pub fn with_clients(
        settings: Settings,
        config: kube::Config,
        probe: Arc<dyn ReadinessProbe>,
        system_client: Arc<dyn SystemClient>,
    ) -> Result<Self, SetupError> {
        let metrics = Arc::new(Metrics::new()?);
        let reconcile_deadline = (settings.resync() * MISSED_RESYNCS_MAX)
            .max(Duration::from_secs(settings.reconcile_timeout_s + settings.retry_max_s));
        let progress = Arc::new(Progress::new(settings.watch_timeout(), reconcile_deadline));
        let client = client(config, &metrics, &progress)?;
        let reporter = Reporter {
            controller: "ticket-system.io/operator".to_owned(),
            instance: Some(settings.election.pod_name.clone()),
        };
        let events = Arc::new(EventRecorder::new(client.clone(), reporter));
        Ok(Self { settings, client, metrics, progress, events, probe, system_client })
    }
}
