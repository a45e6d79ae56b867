//! Waiting rooms: pauses that the spec asks for, and their state in the status.

use kube::ResourceExt;
use operator::{api::TicketSystemStatus, kind::Kind};
use serde_json::{Value, json};

use crate::support::{
    Cluster, Running, at, eventually, kubelet, start, system, system_api::SystemApi,
};

const CALLS: &str = "/api/v1/admin/queues/";

/// A ready system with an API.
async fn running(spec: Value) -> (Cluster, kubelet::Kubelet, Running, SystemApi) {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let api = SystemApi::start().await;
    let operator = start(&cluster);
    operator.system.lead_to(Some(&api));
    cluster.apply(&system("shop", spec)).await;
    cluster.condition("shop", "Ready", "True").await;
    (cluster, kubelet, operator, api)
}

fn actions(api: &SystemApi) -> Vec<String> {
    let calls = api.calls(CALLS).into_iter();
    calls.map(|(path, _)| path.replace(CALLS, "")).collect()
}

async fn passes(operator: &Running) {
    let before = operator.operator.metrics.reconciliations("ok");
    eventually("passes go by", || async {
        let passed = operator.operator.metrics.reconciliations("ok") - before;
        if passed > 3 { Ok(()) } else { Err(passed) }
    })
    .await;
}

async fn until_status(cluster: &Cluster, what: &str, holds: impl Fn(&TicketSystemStatus) -> bool) {
    eventually(what, || async {
        let status = cluster.status("shop").await;
        if holds(&status) { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test]
async fn pause_is_applied_once_for_each_change() {
    let (cluster, _kubelet, operator, api) = running(json!({})).await;
    passes(&operator).await;
    assert_eq!(actions(&api), [""; 0], "without a wish nothing is done");
    for (paused, event, wanted) in
        [(true, "QueuesPaused", &["pause"][..]), (false, "QueuesResumed", &["pause", "resume"])]
    {
        cluster.apply(&system("shop", json!({"queue": {"paused": paused}}))).await;
        until_status(&cluster, "applied", |status| status.queues_paused == Some(paused)).await;
        cluster.has_event("shop", event, "").await;
        passes(&operator).await;
        assert_eq!(actions(&api), wanted);
    }
    let secret = cluster.get(Kind::Secret, "shop-admin-token").await;
    let secret: k8s_openapi::api::core::v1::Secret = secret.try_parse().expect("a Secret");
    let token = String::from_utf8(secret.data.expect("data")["token"].0.clone()).expect("text");
    assert!(api.calls(CALLS).iter().all(|(_, sent)| *sent == format!("Bearer {token}")));
    let service = format!("http://shop-vacancy.{}.svc:8001", cluster.namespace);
    assert_eq!(operator.system.asked(), [service]);

    cluster.apply(&system("shop", json!({}))).await;
    until_status(&cluster, "forgotten", |status| status.queues_paused.is_none()).await;
    cluster.apply(&system("shop", json!({"queue": {"paused": false}}))).await;
    until_status(&cluster, "applied again", |status| status.queues_paused == Some(false)).await;
    assert_eq!(actions(&api), ["pause", "resume", "resume"]);
}

#[tokio::test]
async fn pause_of_an_unreachable_system_is_retried_and_blocks_nothing() {
    let (cluster, _kubelet, operator, api) = running(json!({})).await;
    operator.system.lead_to(None);
    let spec = json!({"queue": {"paused": true}, "logging": {"level": "DEBUG"}});
    cluster.apply(&system("shop", spec)).await;
    let (reason, message) = cluster.condition("shop", "QueuePauseFailed", "True").await;
    assert_eq!(reason, "Unreachable");
    assert!(message.starts_with("the waiting rooms are not paused yet: http://shop-vacancy."));
    cluster.has_event("shop", "QueuePauseFailed", "").await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Degraded", "False").await;
    eventually("the rest is applied", || async {
        let settings = cluster.get(Kind::ConfigMap, "shop-vacancy").await;
        if at(&settings, "/data/LOG_LEVEL") == "DEBUG" { Ok(()) } else { Err(settings.data) }
    })
    .await;
    // Another answer is not a success either.
    api.refuse(503);
    operator.system.lead_to(Some(&api));
    eventually("the refusal is shown", || async {
        let (reason, message) = cluster.condition("shop", "QueuePauseFailed", "True").await;
        if reason == "CallRefused" && message.ends_with("status 503") {
            Ok(())
        } else {
            Err((reason, message))
        }
    })
    .await;
    assert_eq!(cluster.status("shop").await.queues_paused, None);
    api.refuse(0);
    until_status(&cluster, "applied", |status| {
        let failed = status.conditions.iter().any(|it| it.type_ == "QueuePauseFailed");
        status.queues_paused == Some(true) && !failed
    })
    .await;
}

#[tokio::test]
async fn pause_without_a_known_token_fails_with_its_reason() {
    let (cluster, _kubelet, _operator, api) = running(json!({})).await;
    let token = json!({"name": "ADMIN_TOKEN", "valueFrom": {"secretKeyRef": {"name": "own", "key": "token"}}});
    let spec = json!({"queue": {"paused": true}, "vacancy": {"env": [token]}});
    cluster.apply(&system("shop", spec)).await;
    let (reason, message) = cluster.condition("shop", "QueuePauseFailed", "True").await;
    assert_eq!(reason, "TokenUnknown");
    assert!(message.ends_with("ADMIN_TOKEN is set by valueFrom, which the operator does not read"));
    assert_eq!(actions(&api), [""; 0]);
}

#[tokio::test]
async fn monolith_is_called_and_a_paused_operator_calls_nothing() {
    let spec = json!({"mode": "monolith", "paused": true, "queue": {"paused": true}});
    let (cluster, _kubelet, operator, api) = running(json!({"mode": "monolith"})).await;
    cluster.apply(&system("shop", spec)).await;
    cluster.condition("shop", "ReconciliationPaused", "True").await;
    passes(&operator).await;
    assert_eq!(actions(&api), [""; 0]);
    cluster.apply(&system("shop", json!({"mode": "monolith", "queue": {"paused": true}}))).await;
    until_status(&cluster, "applied", |status| status.queues_paused == Some(true)).await;
    assert_eq!(actions(&api), ["pause"]);
    let service = format!("http://shop.{}.svc:8000", cluster.namespace);
    assert_eq!(operator.system.asked(), [service]);
}

#[tokio::test]
async fn status_shows_the_busiest_queues_and_keeps_them() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let api = SystemApi::start().await;
    for (event, waiting) in [("a", 1), ("b", 900), ("c", 20), ("d", 20), ("e", 0), ("f", 5)] {
        api.set_queue(event, if event == "b" { "open" } else { "pre" }, waiting, event == "b");
    }
    let operator = start(&cluster);
    operator.system.lead_to(Some(&api));
    cluster.apply(&system("shop", json!({}))).await;
    let names = |status: &TicketSystemStatus| {
        let names: Vec<_> = status.queues.iter().map(|queue| queue.event.clone()).collect();
        names.join(" ")
    };
    until_status(&cluster, "the queues are shown", |status| names(status) == "b c d f a").await;
    let status = cluster.status("shop").await;
    assert_eq!(status.queue.as_deref(), Some("open (paused)"));
    let first = serde_json::to_value(&status.queues[0]).expect("JSON");
    assert_eq!(
        first,
        json!({"event": "b", "phase": "open", "waiting": 900, "serving": 7, "paused": true})
    );
    cluster.condition("shop", "Progressing", "False").await;
    passes(&operator).await;
    let reads = |api: &SystemApi| {
        let pages = api.calls("/api/v1/events").into_iter();
        pages.filter(|(path, _)| !path.contains("after")).count()
    };
    assert_eq!(reads(&api), 1, "at most every 15 s");

    // Another operator finds the system unreachable.
    operator.kill().await;
    let operator = start(&cluster);
    let before = cluster.systems().get("shop").await.expect("the resource").resource_version();
    passes(&operator).await;
    assert!(!operator.system.asked().is_empty(), "it has tried");
    let after = cluster.systems().get("shop").await.expect("the resource");
    assert_eq!(after.resource_version(), before, "the last state stays");
    operator.kill().await;

    // Without waiting rooms there is nothing to show.
    let empty = SystemApi::start().await;
    let operator = start(&cluster);
    operator.system.lead_to(Some(&empty));
    until_status(&cluster, "nothing is shown", |status| {
        status.queue.is_none() && status.queues.is_empty()
    })
    .await;
}
