//! The cost of 200 systems.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use kube::api::ListParams;
use operator::api::TicketSystem;
use serde_json::json;

use crate::support::{
    Cluster, kubelet,
    operators::{settings, start_with},
    system,
};

const SYSTEMS: usize = 200;
/// Many times the duration on two dedicated cores: a test ends, it does not measure.
const TIMEOUT: Duration = Duration::from_secs(600);
/// Twice the number on two busy cores, where resyncs add to it. The limit detects growth with the
/// square of the systems.
const REQUESTS_PER_SYSTEM_MAX: u64 = 120;

fn is(system: &TicketSystem, type_: &str, status: &str) -> bool {
    let conditions =
        system.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == type_ && condition.status == status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout)]
async fn two_hundred_systems_become_ready() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    // The default, which is longer than in the other tests.
    let mut delivered = settings(&cluster, &[]);
    delivered.resync_s = 15;
    let running = start_with(&cluster, delivered);
    let started = Instant::now();
    stream::iter(0..SYSTEMS)
        .for_each_concurrent(8, |index| {
            let cluster = &cluster;
            async move {
                cluster
                    .apply(&system(
                        &format!("shop-{index}"),
                        json!({"mode": if index % 4 == 0 { "monolith" } else { "microservices" }}),
                    ))
                    .await;
            }
        })
        .await;
    let made = started.elapsed();
    loop {
        let systems = cluster.systems().list(&ListParams::default()).await.expect("the systems");
        let settled = systems
            .iter()
            .filter(|system| is(system, "Ready", "True") && is(system, "Progressing", "False"))
            .count();
        if settled == SYSTEMS {
            break;
        }
        assert!(started.elapsed() < TIMEOUT, "{settled} of {SYSTEMS} after {TIMEOUT:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let took = started.elapsed();
    let calls = running.operator.metrics.api_requests();
    let total: u64 = calls.values().sum();
    println!(
        "{SYSTEMS} systems: created in {made:.1?}, all ready after {took:.1?}, {total} requests to the API server"
    );
    for ((verb, resource), count) in &calls {
        println!("  {verb:6} {resource:32} {count}");
    }
    assert!(total <= REQUESTS_PER_SYSTEM_MAX * SYSTEMS as u64, "{total} requests");
    assert_eq!(running.operator.metrics.reconciliations("error"), 0);
}
