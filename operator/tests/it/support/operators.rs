//! Operators inside the test process, with the rights of the real one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clap::Parser;
use operator::{
    controller::Operator,
    settings::Settings,
    status::explain::{Answer, ReadinessProbe},
};
use tokio::task::JoinHandle;

use super::{Cluster, apiserver::OPERATOR_TOKEN};

/// A service that answers what the test wants.
#[derive(Debug)]
pub struct Scripted(pub Mutex<Answer>);

#[async_trait]
impl ReadinessProbe for Scripted {
    async fn ask(&self, _url: &str) -> Answer {
        self.0.lock().expect("the answer").clone()
    }
}

pub struct Running {
    pub operator: Arc<Operator>,
    pub answer: Arc<Scripted>,
    task: JoinHandle<()>,
}

impl Running {
    /// As kill -9: it stops where it is and tells nobody.
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
    // With RUST_LOG set, `cargo test -- --nocapture` shows what the operators of the tests did.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
    let answer = Arc::new(Scripted(Mutex::new(Answer::Unreachable)));
    let config = cluster.server.config(OPERATOR_TOKEN);
    let operator = Arc::new(
        Operator::with_probe(settings, config, Arc::clone(&answer) as Arc<dyn ReadinessProbe>)
            .expect("an operator"),
    );
    let task = tokio::spawn(Arc::clone(&operator).run());
    Running { operator, answer, task }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
