//! Takes part in the leader election, and reconciles while leading.

use std::{sync::Arc, time::Instant};

use futures::{StreamExt, future::join_all};

use super::{context::ALL_NAMESPACES, election::election, operator::Operator, watch};

impl Operator {
    /// Runs until the future is dropped. Call [`Operator::resign`] afterwards to release the lease
    /// immediately.
    pub async fn run(self: Arc<Self>) {
        let Some(election) = election(&self) else {
            return self.lead().await;
        };
        // When the lease is lost, everything in flight is dropped and the operator is a candidate
        // again.
        while election.with_lease(self.lead()).await.is_none() {
            self.progress.stop_leading();
            self.metrics.stop_leading();
            tracing::warn!("leader election lost; operator is a candidate again");
        }
    }

    /// Releases the lease, if this operator holds it.
    pub async fn resign(&self) {
        if let Some(election) = election(self) {
            election.release().await;
        }
    }

    async fn lead(&self) {
        let scopes: Vec<_> = self.settings.scopes();
        self.progress.start_leading(
            scopes.iter().flat_map(|namespace| watch::collections(namespace.as_deref())),
            Instant::now(),
        );
        self.metrics.leader.set(1);
        let names: Vec<&str> =
            scopes.iter().map(|namespace| namespace.as_deref().unwrap_or(ALL_NAMESPACES)).collect();
        tracing::info!(namespaces = names.join(","), "leader election won");
        join_all(scopes.iter().map(|namespace| {
            watch::run(self, namespace.as_deref()).for_each(|()| std::future::ready(()))
        }))
        .await;
    }
}
