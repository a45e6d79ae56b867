//! `operator run`: runs until a signal arrives.

use std::sync::Arc;

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    controller::{Operator, SetupError},
    http,
    settings::Settings,
};

/// Why the operator stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot load the configuration of the API server: {0}")]
    Config(#[from] kube::config::InferConfigError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("cannot listen on {addr}: {cause}")]
    Listen { addr: std::net::SocketAddr, cause: std::io::Error },
    #[error("cannot serve HTTP: {0}")]
    Serve(std::io::Error),
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
    #[error("the controller stopped unexpectedly")]
    Ended,
}

/// Runs the operator until SIGTERM or SIGINT, then releases the lease.
///
/// # Errors
/// If the operator cannot start, or stops without a signal.
pub async fn run(settings: Settings) -> Result<(), RunError> {
    let config = kube::Config::infer().await?;
    let addr = settings.http_addr;
    let listener =
        TcpListener::bind(addr).await.map_err(|cause| RunError::Listen { addr, cause })?;
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let operator = Arc::new(Operator::new(settings, config)?);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        %addr,
        identity = operator.settings.election.pod_name,
        "operator started"
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = Arc::clone(&operator).run() => return Err(RunError::Ended),
        served = http::serve(listener, Arc::clone(&operator)) => {
            return served.map_err(RunError::Serve);
        }
    }
    tracing::info!("operator stopping");
    operator.resign().await;
    Ok(())
}
