//! A namespace that is being deleted takes its systems with it: nothing is recreated, reported or
//! retried.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::DeleteParams};
use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, Running, eventually, kubelet, start, system, until};

fn reconciliations(running: &Running, result: &str) -> u64 {
    let text = String::from_utf8(running.operator.metrics.render().expect("text")).expect("UTF-8");
    let line = format!("ticket_operator_reconciliations_total{{result=\"{result}\"}} ");
    let number = text.lines().find_map(|found| found.strip_prefix(&line));
    number.map_or(0, |number| number.parse().expect("a number"))
}

/// Deletes the namespace. The test API server has no namespace controller, so the namespace stays
/// in the phase Terminating with all its objects.
async fn delete_namespace(cluster: &Cluster) {
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    namespaces.delete(&cluster.namespace, &DeleteParams::default()).await.expect("deleted");
    // The admission plugin learns of the phase some time later.
    let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}});
    let probe = serde_json::from_value(probe).expect("an object");
    let params = kube::api::PostParams { dry_run: true, ..Default::default() };
    eventually("nothing can be created", || async {
        cluster
            .api(Kind::ConfigMap)
            .create(&params, &probe)
            .await
            .map_or(Ok(()), |_| Err("not yet"))
    })
    .await;
}

/// The conditions of the system: type, status and reason.
async fn told(cluster: &Cluster) -> Vec<[String; 3]> {
    let conditions = cluster.status("shop").await.conditions;
    conditions.into_iter().map(|told| [told.type_, told.status, told.reason]).collect()
}

#[tokio::test]
async fn deleted_child_is_neither_recreated_nor_reported() {
    for kind in [Kind::Service, Kind::Deployment, Kind::ConfigMap] {
        let cluster = Cluster::new().await;
        let _kubelet = kubelet::start(&cluster);
        let running = start(&cluster);
        cluster.apply(&system("shop", json!({}))).await;
        cluster.condition("shop", "Ready", "True").await;
        cluster.condition("shop", "Progressing", "False").await;
        delete_namespace(&cluster).await;
        let before = told(&cluster).await;
        let (done, failed) = (reconciliations(&running, "ok"), reconciliations(&running, "error"));

        cluster.delete(kind, "shop-ticket").await;
        until("the deletion is reconciled", || async {
            reconciliations(&running, "ok") > done || reconciliations(&running, "error") > failed
        })
        .await;
        // Twice the longest pause before a retry.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(cluster.find(kind, "shop-ticket").await.is_none());
        assert_eq!(reconciliations(&running, "error"), failed, "{kind}: nothing is retried");
        assert_eq!(told(&cluster).await, before, "{kind}: nothing is reported");
    }
}

#[tokio::test]
async fn new_system_is_left_alone() {
    let cluster = Cluster::new().await;
    cluster.apply(&system("shop", json!({}))).await;
    delete_namespace(&cluster).await;
    let running = start(&cluster);
    until("it is reconciled", || async { reconciliations(&running, "ok") > 0 }).await;
    assert_eq!(reconciliations(&running, "error"), 0);
    let shop = cluster.systems().get("shop").await.expect("the resource");
    let status = serde_json::to_value(&shop.status).expect("JSON");
    assert!(status["conditions"].as_array().is_none_or(Vec::is_empty), "{status}");
}
