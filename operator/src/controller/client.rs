//! The client for the API server.

use std::sync::Arc;

use kube::Client;

use crate::observe::{ApiCalls, Metrics, Progress};

/// A client that counts its requests in `metrics` and records its watches in `progress`.
///
/// # Errors
/// If `config` is invalid.
pub fn client(
    config: kube::Config,
    metrics: &Arc<Metrics>,
    progress: &Arc<Progress>,
) -> Result<Client, kube::Error> {
    let calls = ApiCalls { metrics: Arc::clone(metrics), progress: Arc::clone(progress) };
    Ok(kube::client::ClientBuilder::try_from(config)?.with_layer(&calls).build())
}
