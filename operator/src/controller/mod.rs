//! Running the reconciliation for every resource there is, in every namespace that is watched.

mod backoff;
mod children;
mod context;
mod election;
mod reconcile;
mod retries;
mod scope;

use std::{sync::Arc, time::Instant};

pub use context::{Operator, SetupError};
use futures::{StreamExt, future::join_all};
use kube::Client;
pub use reconcile::ReconcileError;

use crate::observe::{Metrics, Progress};

impl Operator {
    /// Takes part in the election and reconciles while leading, until dropped. To hand the lease
    /// over at once, call [`Operator::resign`] afterwards.
    pub async fn run(self: Arc<Self>) {
        let Some(election) = election::election(&self) else {
            return self.lead().await;
        };
        // Losing the lease drops everything in flight, and this operator stands again.
        while election.with_lease(self.lead()).await.is_none() {
            self.progress.rest();
            self.metrics.rest();
            tracing::warn!("leadership lost; standing for election again");
        }
    }

    /// Gives the lease up, if this operator holds it.
    pub async fn resign(&self) {
        if let Some(election) = election::election(self) {
            election.release().await;
        }
    }

    async fn lead(&self) {
        let scopes: Vec<_> = self.settings.scopes();
        self.progress.lead(
            scopes.iter().flat_map(|namespace| scope::collections(namespace.as_deref())),
            Instant::now(),
        );
        self.metrics.leader.set(1);
        let named: Vec<&str> =
            scopes.iter().map(|namespace| namespace.as_deref().unwrap_or(scope::ALL)).collect();
        tracing::info!(namespaces = named.join(","), "leading");
        join_all(scopes.iter().map(|namespace| {
            scope::run(self, namespace.as_deref()).for_each(|()| std::future::ready(()))
        }))
        .await;
    }
}

/// What says how many requests a client makes has to be in it from the start.
pub fn client(
    config: kube::Config,
    metrics: &Arc<Metrics>,
    progress: &Arc<Progress>,
) -> Result<Client, kube::Error> {
    let calls = crate::observe::api_calls::ApiCalls {
        metrics: Arc::clone(metrics),
        progress: Arc::clone(progress),
    };
    Ok(kube::client::ClientBuilder::try_from(config)?.with_layer(&calls).build())
}
