//! Operators inside the test process, with the rights of the real one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clap::Parser;
use operator::{
    controller::Operator,
    queues::SystemClient,
    settings::Settings,
    status::diagnosis::{ProbeResult, ReadinessProbe},
};
use tokio::task::JoinHandle;

use super::{Cluster, apiserver::OPERATOR_TOKEN, system_api::Redirected};

/// A probe with a result that the test sets.
#[derive(Debug)]
pub struct Scripted(pub Mutex<ProbeResult>);

#[async_trait]
impl ReadinessProbe for Scripted {
    async fn probe(&self, _url: &str) -> ProbeResult {
        self.0.lock().expect("the result").clone()
    }
}

pub struct Running {
    pub operator: Arc<Operator>,
    pub ready: Arc<Scripted>,
    pub system: Arc<Redirected>,
    task: JoinHandle<()>,
}

impl Running {
    /// Aborts the operator without any clean-up, like kill -9.
    pub async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

/// Settings for the namespace of `cluster`, without election.
pub fn settings(cluster: &Cluster, more: &[&str]) -> Settings {
    let namespace = format!("--watch-namespaces={}", cluster.namespace);
    let quick = [
        "operator",
        &namespace,
        "--leader-election=false",
        "--resync-s=2",
        "--retry-max-s=2",
        "--ticket-image=ticket:1",
        "--vacancy-image=vacancy:1",
    ];
    Cli::parse_from([&quick, more].concat()).settings
}

/// Starts an operator for the namespace of `cluster`.
pub fn start(cluster: &Cluster) -> Running {
    start_with(cluster, settings(cluster, &[]))
}

pub fn start_with(cluster: &Cluster, settings: Settings) -> Running {
    // With RUST_LOG set, `cargo test -- --nocapture` shows the logs of these operators.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
    let ready = Arc::new(Scripted(Mutex::new(ProbeResult::Unreachable)));
    let system = Arc::new(Redirected::nowhere());
    let config = cluster.server.config(OPERATOR_TOKEN);
    let operator = Arc::new(
        Operator::with_clients(
            settings,
            config,
            Arc::clone(&ready) as Arc<dyn ReadinessProbe>,
            Arc::clone(&system) as Arc<dyn SystemClient>,
        )
        .expect("an operator"),
    );
    let task = tokio::spawn(Arc::clone(&operator).run());
    Running { operator, ready, system, task }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
