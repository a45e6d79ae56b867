//! Correction of drift.

use kube::ResourceExt;
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, start, system};

/// An edit for each kind of child: the child, the patch, and the field it changes.
fn edits() -> Vec<(Kind, &'static str, Value, &'static str)> {
    vec![
        (
            Kind::ServiceAccount,
            "shop",
            json!({"automountServiceAccountToken": true}),
            "/automountServiceAccountToken",
        ),
        (
            Kind::Secret,
            "shop-admin-token",
            json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "x"}}}),
            "/metadata/labels",
        ),
        (
            Kind::PersistentVolumeClaim,
            "shop-data",
            json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "x"}}}),
            "/metadata/labels",
        ),
        (
            Kind::ConfigMap,
            "shop-vacancy",
            json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "x"}}}),
            "/metadata/labels",
        ),
        (
            Kind::Service,
            "shop-ticket",
            json!({"spec": {"selector": {"app.kubernetes.io/instance": "x"}}}),
            "/spec/selector",
        ),
        (Kind::Deployment, "shop-vacancy", json!({"spec": {"replicas": 0}}), "/spec/replicas"),
        (
            Kind::Deployment,
            "shop-ticket",
            json!({"spec": {"revisionHistoryLimit": 1}}),
            "/spec/revisionHistoryLimit",
        ),
        (
            Kind::HorizontalPodAutoscaler,
            "shop-ticket",
            json!({"spec": {"maxReplicas": 99}}),
            "/spec/maxReplicas",
        ),
        (
            Kind::PodDisruptionBudget,
            "shop-ticket",
            json!({"spec": {"maxUnavailable": 9}}),
            "/spec/maxUnavailable",
        ),
        (Kind::NetworkPolicy, "shop-vacancy", json!({"spec": {"ingress": []}}), "/spec/ingress"),
        (
            Kind::Ingress,
            "shop",
            json!({"spec": {"rules": [{"host": "elsewhere.example.com"}]}}),
            "/spec/rules",
        ),
    ]
}

fn field(object: &kube::core::DynamicObject, pointer: &str) -> Value {
    serde_json::to_value(object).expect("JSON").pointer(pointer).cloned().unwrap_or_default()
}

#[tokio::test]
async fn edited_children_are_corrected() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    for (kind, name, edit, pointer) in edits() {
        let before = field(&cluster.get(kind, name).await, pointer);
        let edited = cluster.edit(kind, name, edit).await;
        assert_ne!(field(&edited, pointer), before, "{kind} {name}: the edit changes something");
        eventually(&format!("{kind} {name} is corrected"), || async {
            let now = field(&cluster.get(kind, name).await, pointer);
            if now == before { Ok(()) } else { Err(now) }
        })
        .await;
    }
    cluster.has_event("shop", "DriftCorrected", "spec.revisionHistoryLimit").await;
}

#[tokio::test]
async fn deleted_children_are_recreated() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let mut kinds: Vec<(Kind, &str)> =
        edits().into_iter().map(|(kind, name, ..)| (kind, name)).collect();
    kinds.dedup();
    // The claim of a system that has sold tickets is not created again.
    kinds.retain(|(kind, _)| *kind != Kind::PersistentVolumeClaim);
    for (kind, name) in kinds {
        let uid = cluster.get(kind, name).await.uid();
        cluster.delete(kind, name).await;
        eventually(&format!("{kind} {name} comes back"), || async {
            match cluster.find(kind, name).await {
                Some(object) if object.uid() != uid => Ok(()),
                other => Err(other.map(|object| object.metadata)),
            }
        })
        .await;
    }
}

#[tokio::test]
async fn removed_labels_are_restored() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.edit(Kind::Service, "shop-ticket", json!({"metadata": {"labels": null}})).await;
    eventually("the labels come back", || async {
        let service = cluster.get(Kind::Service, "shop-ticket").await;
        if service.labels().len() == 5 { Ok(()) } else { Err(service.metadata.labels) }
    })
    .await;
}

#[tokio::test]
async fn fields_of_other_managers_are_kept() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster
        .edit(
            Kind::Service,
            "shop-ticket",
            json!({"metadata": {"annotations": {"mesh.example.com/inject": "yes"}}}),
        )
        .await;
    cluster.edit(Kind::Service, "shop-ticket", json!({"spec": {"type": "NodePort"}})).await;
    eventually("the type is corrected", || async {
        let service = cluster.get(Kind::Service, "shop-ticket").await;
        if at(&service, "/spec/type") == "ClusterIP" { Ok(()) } else { Err(service.data) }
    })
    .await;
    assert_eq!(
        cluster
            .get(Kind::Service, "shop-ticket")
            .await
            .annotations()
            .get("mesh.example.com/inject")
            .map(String::as_str),
        Some("yes")
    );
}
