//! Settings, checksums and rollouts.

use kube::core::DynamicObject;
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, start, system};

fn checksum(deployment: &DynamicObject) -> Value {
    deployment.data["spec"]["template"]["metadata"]["annotations"]["ticket-system.io/config-checksum"].clone()
}

#[tokio::test]
async fn changed_setting_rolls_pods_once() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Progressing", "False").await;
    let ticket = cluster.get(Kind::Deployment, "shop-ticket").await;
    let vacancy = cluster.get(Kind::Deployment, "shop-vacancy").await;

    cluster.apply(&system("shop", json!({"ticket": {"vacancyTimeoutMs": 1500}}))).await;
    let rolled = eventually("ticket is rolled", || async {
        let now = cluster.get(Kind::Deployment, "shop-ticket").await;
        if checksum(&now) == checksum(&ticket) { Err("not yet") } else { Ok(now) }
    })
    .await;
    assert_eq!(
        at(&cluster.get(Kind::ConfigMap, "shop-ticket").await, "/data/VACANCY_TIMEOUT"),
        "1.500"
    );
    let short = cluster.get(Kind::ConfigMap, "shop-ticket").await;
    assert!(at(&short, "/data/REQUEST_TIMEOUT_S").is_null(), "the default is enough");
    let passes = running.operator.metrics.reconciliations("ok");
    eventually("some resyncs go by", || async {
        if running.operator.metrics.reconciliations("ok") > passes + 2 {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    let after = cluster.get(Kind::Deployment, "shop-ticket").await;
    assert_eq!(after.metadata.generation, rolled.metadata.generation, "once is enough");
    assert_eq!(
        rolled.metadata.generation,
        ticket.metadata.generation.map(|generation| generation + 1)
    );
    let untouched = cluster.get(Kind::Deployment, "shop-vacancy").await;
    assert_eq!(
        untouched.metadata.generation, vacancy.metadata.generation,
        "vacancy does not read it"
    );

    cluster.apply(&system("shop", json!({"ticket": {"vacancyTimeoutMs": 60_000}}))).await;
    eventually("a request may take longer than vacancy", || async {
        let settings = cluster.get(Kind::ConfigMap, "shop-ticket").await;
        if at(&settings, "/data/REQUEST_TIMEOUT_S") == "61.000" {
            Ok(())
        } else {
            Err(settings.data)
        }
    })
    .await;
}

#[tokio::test]
async fn removed_settings_leave_nothing_behind() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let more = json!({"ticket": {"nodeSelector": {"disk": "ssd"}, "env": [{"name": "EXTRA", "value": "1"}], "podAnnotations": {"a": "b"}}, "otlpEndpoint": "http://otel:4318"});
    cluster.apply(&system("shop", more)).await;
    cluster.condition("shop", "Ready", "True").await;
    let with = cluster.get(Kind::Deployment, "shop-ticket").await;
    assert_eq!(at(&with, "/spec/template/spec/nodeSelector/disk"), "ssd");
    assert_eq!(at(&with, "/spec/template/spec/containers/0/env/0/name"), "EXTRA");
    cluster.apply(&system("shop", json!({}))).await;
    eventually("all of it goes", || async {
        let without = cluster.get(Kind::Deployment, "shop-ticket").await;
        let pod = at(&without, "/spec/template");
        let gone = pod["spec"]["nodeSelector"].is_null()
            && pod["spec"]["containers"][0]["env"].is_null()
            && pod["metadata"]["annotations"]["a"].is_null();
        if gone { Ok(()) } else { Err(pod.clone()) }
    })
    .await;
    assert!(
        at(&cluster.get(Kind::ConfigMap, "shop-ticket").await, "/data/OTEL_EXPORTER_OTLP_ENDPOINT")
            .is_null()
    );
}

#[tokio::test]
async fn later_stock_change_is_ignored_and_explained() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"stock": {"initial": 500}}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "StockChangeIgnored", "False").await;
    let before = cluster.get(Kind::Deployment, "shop-vacancy").await;
    cluster.apply(&system("shop", json!({"stock": {"initial": 900}}))).await;
    let (reason, message) = cluster.condition("shop", "StockChangeIgnored", "True").await;
    assert_eq!(reason, "EventExists");
    assert!(message.contains("PUT /api/v1/admin/events/default"), "{message}");
    eventually("an event says so", || async {
        let events = cluster.events("shop").await;
        if events.iter().any(|(reason, _)| reason == "EventExists") { Ok(()) } else { Err(events) }
    })
    .await;
    assert_eq!(
        at(&cluster.get(Kind::ConfigMap, "shop-vacancy").await, "/data/INITIAL_STOCK"),
        "500"
    );
    assert_eq!(
        cluster.get(Kind::Deployment, "shop-vacancy").await.metadata.generation,
        before.metadata.generation
    );
    cluster.condition("shop", "Ready", "True").await;
}

#[tokio::test]
async fn new_database_url_rolls_only_vacancy() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.secret("db", "uri", "postgres://a:old@db/c").await;
    cluster
        .apply(&system("shop", json!({"storage": {"postgres": {"secretRef": {"name": "db"}}}})))
        .await;
    cluster.condition("shop", "Ready", "True").await;
    let vacancy = cluster.get(Kind::Deployment, "shop-vacancy").await;
    let ticket = cluster.get(Kind::Deployment, "shop-ticket").await;
    assert!(
        !vacancy.data.to_string().contains("postgres://"),
        "the URL is referred to, never copied"
    );
    cluster.secret("db", "uri", "postgres://a:new@db/c").await;
    eventually("vacancy is rolled", || async {
        let now = cluster.get(Kind::Deployment, "shop-vacancy").await;
        if checksum(&now) == checksum(&vacancy) { Err("not yet") } else { Ok(()) }
    })
    .await;
    assert_eq!(checksum(&cluster.get(Kind::Deployment, "shop-ticket").await), checksum(&ticket));
}
