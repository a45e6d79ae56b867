//! One system has one operator, also if several operators watch it.

use std::time::{Duration, Instant};

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use operator::kind::Kind;
use serde_json::json;

use crate::support::{
    Cluster, Running, at, eventually, kubelet,
    operators::{settings, start_with},
    system, until,
};

/// An operator of the installation `name` with its own image of ticket.
fn start(cluster: &Cluster, name: &str, image: &str) -> Running {
    let lease = format!("--lease-name={name}");
    // A claim is taken over after 5 s without an answer.
    let mut settings = settings(cluster, &[&lease, "--lease-duration-ms=1000"]);
    image.clone_into(&mut settings.defaults.ticket_image);
    start_with(cluster, settings)
}

async fn holder(cluster: &Cluster) -> String {
    cluster.status("shop").await.operator.map(|claim| claim.name).unwrap_or_default()
}

async fn image(cluster: &Cluster) -> String {
    let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
    at(&deployment, "/spec/template/spec/containers/0/image")
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

async fn generation(cluster: &Cluster) -> i64 {
    cluster.get(Kind::Deployment, "shop-ticket").await.metadata.generation.unwrap_or_default()
}

fn metric(running: &Running, line: &str) -> bool {
    let text = running.operator.metrics.render().expect("text");
    String::from_utf8(text).expect("UTF-8").contains(line)
}

#[tokio::test]
async fn second_operator_stands_back_and_takes_over_a_dead_one() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let first = start(&cluster, "one", "ticket:1");
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let before = generation(&cluster).await;
    let second = start(&cluster, "two", "ticket:2");
    until("the second stands back", || async {
        metric(&second, "ticket_operator_systems_of_others 1\n")
    })
    .await;
    // Several challenges and resyncs.
    let passes = second.operator.metrics.reconciliations("ok");
    until("the second looks again", || async {
        second.operator.metrics.reconciliations("ok") > passes + 4
    })
    .await;
    assert_eq!(generation(&cluster).await, before, "nothing is changed back and forth");
    assert!(holder(&cluster).await.starts_with("default/one"), "{}", holder(&cluster).await);
    let calls = second.operator.metrics.api_requests();
    let writes: Vec<_> = calls
        .iter()
        .filter(|((verb, resource), _)| {
            verb == "patch" && !resource.starts_with("ticketsystems") && resource != "events"
        })
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    cluster.has_event("shop", "ManagedByAnotherOperator", "default/one").await;
    let events = cluster.events("shop").await;
    let announced: Vec<_> =
        events.iter().filter(|(reason, _)| reason == "ManagedByAnotherOperator").collect();
    assert_eq!(announced.len(), 1, "{events:?}");
    assert!(announced[0].1.contains("default/one"), "{announced:?}");

    first.kill().await;
    until("the second takes over", || async { holder(&cluster).await.starts_with("default/two") })
        .await;
    until("it applies its own image", || async { image(&cluster).await == "ticket:2" }).await;
    cluster.condition("shop", "Ready", "True").await;
    until("no other operator is counted", || async {
        metric(&second, "ticket_operator_systems_of_others 0\n")
    })
    .await;
}

#[tokio::test]
async fn operators_that_start_together_do_not_fight() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let operators = [
        start(&cluster, "one", "ticket:1"),
        start(&cluster, "two", "ticket:2"),
        start(&cluster, "three", "ticket:3"),
    ];
    for name in ["shop", "kiosk", "stall"] {
        cluster.apply(&system(name, json!({}))).await;
    }
    for name in ["shop", "kiosk", "stall"] {
        cluster.condition(name, "Ready", "True").await;
    }
    let started = Instant::now();
    until("they run side by side", || async { started.elapsed() > Duration::from_secs(12) }).await;
    // The creation writes twice: the template, and the number of pods.
    assert!(generation(&cluster).await <= 3, "{}", generation(&cluster).await);
    drop(operators);
}

#[tokio::test]
async fn successor_with_the_same_lease_continues_without_a_write() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let first = start(&cluster, "one", "ticket:1");
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Progressing", "False").await;
    first.kill().await;
    let before = cluster.get(Kind::Deployment, "shop-ticket").await.resource_version();
    let second = start(&cluster, "one", "ticket:1");
    until("it reconciles", || async { second.operator.metrics.reconciliations("ok") > 3 }).await;
    assert_eq!(cluster.get(Kind::Deployment, "shop-ticket").await.resource_version(), before);
    assert!(!metric(&second, "verb=\"patch\""), "the claim is of the installation");
}

#[tokio::test]
async fn annotation_hands_a_system_over_at_once() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let lasting = |name: &str| {
        let lease = format!("--lease-name={name}");
        start_with(&cluster, settings(&cluster, &[&lease, "--lease-duration-ms=600000"]))
    };
    let _first = lasting("one");
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let before = generation(&cluster).await;
    let second = lasting("two");
    until("the second stands back", || async {
        metric(&second, "ticket_operator_systems_of_others 1\n")
    })
    .await;
    let preferred = holder(&cluster).await.replace("/one", "/two");
    let annotation = json!({"metadata": {"annotations": {"ticket-system.io/operator": preferred}}});
    cluster
        .systems()
        .patch("shop", &PatchParams::default(), &Patch::Merge(annotation))
        .await
        .expect("it is annotated");
    until("the second takes over", || async { holder(&cluster).await == preferred }).await;
    let passes = second.operator.metrics.reconciliations("ok");
    until("it reconciles", || async { second.operator.metrics.reconciliations("ok") > passes + 3 })
        .await;
    assert_eq!(holder(&cluster).await, preferred, "the first stands back");
    assert_eq!(generation(&cluster).await, before, "no pod is restarted");
}

#[tokio::test]
async fn tampered_claim_is_taken_over() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _running = start(&cluster, "one", "ticket:1");
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let forged =
        json!({"status": {"operator": {"name": "nobody/nothing", "leaseDurationSeconds": 1}}});
    let api: Api<operator::api::TicketSystem> = cluster.systems();
    api.patch_status("shop", &PatchParams::default(), &Patch::Merge(forged))
        .await
        .expect("the status is forged");
    eventually("the operator has it again", || async {
        let holder = holder(&cluster).await;
        if holder.starts_with("default/one") { Ok(()) } else { Err(holder) }
    })
    .await;
}
