//! The server loop: HTTP/1.1 and HTTP/2 (prior knowledge) on hyper, with the limits and deadlines
//! of connections.
//!
//! hyper's header timer is off: it restarts with each request and counts idle time. Each connection
//! has one timer instead (see `connection`), which is re-armed a few times in its life. So a
//! request costs no timer.

mod accept;
mod bind;
mod connection;
mod hyper_reply;
mod io;
mod report;
mod service;
mod settings;
mod state;
mod transfer_coding;

use std::{future::Future, sync::Arc, time::Instant};

use accept::Acceptor;
use axum::Router;
pub(crate) use bind::host;
pub use bind::{BindError, bind};
use futures::FutureExt;
pub use report::ServeReport;
pub use settings::ServerSettings;
use state::Shared;
use telemetry::Metrics;
use tokio::{net::TcpListener, time};
use tokio_util::task::TaskTracker;

use crate::health::Health;

/// Serves `router` on `listener` until `shutdown` resolves, then shuts down in this order:
///
/// 1. readiness becomes 503 and responses carry `Connection: close`, while requests are still
///    served, for `settings.shutdown_drain`;
/// 2. the listener closes; connections without a request in flight close at once (a half-sent
///    request head does not count), the others after their response, at the latest after
///    `settings.shutdown_timeout`;
/// 3. the function returns; the caller then flushes its state and exits.
///
/// Above `settings.max_connections` there is a small reserve of connections that answer probes as
/// usual and other requests with 503, then close. Connections beyond the reserve close at once.
/// Both are counted.
///
/// May run several times in one process, each with its own listener, health and metrics.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &ServerSettings,
    health: &Health,
    metrics: &Metrics,
    shutdown: impl Future<Output = ()>,
) -> ServeReport {
    let address = listener
        .local_addr()
        .map_or_else(|_| "unknown address".to_owned(), |address| address.to_string());
    tracing::info!(%address, "listening");

    let shared = Arc::new(Shared::new(
        settings.clone(),
        health.lifecycle().clone(),
        metrics.connections().clone(),
    ));
    let tasks = TaskTracker::new();
    let mut acceptor = Acceptor::new(router, shared.clone(), tasks.clone());

    acceptor.run_until(&listener, shutdown).await;

    let stopping_since = Instant::now();
    health.set_draining();
    acceptor.run_until(&listener, time::sleep(settings.shutdown_drain)).await;

    // Closing the listener would reset connections that the kernel has already accepted.
    while let Some(Ok((stream, address))) = listener.accept().now_or_never() {
        acceptor.admit(stream, address);
    }
    drop(listener);
    shared.stopping.cancel();
    tasks.close();
    tasks.wait().await;

    let report = shared.report(stopping_since.elapsed());
    tracing::info!(%address, accepted = report.accepted, refused = report.refused, cut = report.cut, "server stopped");
    report
}
