//! A lost volume never turns into a first start: the tickets on it are not sold again.

use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
    core::DynamicObject,
};
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, start, system, until};

const CLAIM: (Kind, &str) = (Kind::PersistentVolumeClaim, "shop-data");
const ALLOW: &str = "ticket-system.io/allow-new-volume";

async fn claim(cluster: &Cluster) -> Option<String> {
    cluster.find(CLAIM.0, CLAIM.1).await.and_then(|claim| claim.uid())
}

/// Deletes the claim as `kubectl delete` does, and ends its protection as if no pod used it.
async fn lose_claim(cluster: &Cluster) {
    let uid = claim(cluster).await.expect("a claim");
    cluster.delete(CLAIM.0, CLAIM.1).await;
    if claim(cluster).await.as_ref() == Some(&uid) {
        cluster.edit(CLAIM.0, CLAIM.1, json!({"metadata": {"finalizers": null}})).await;
    }
}

/// Writes an annotation of the resource, or removes it.
async fn annotate(cluster: &Cluster, key: &str, value: Value) {
    let patch = json!({"metadata": {"annotations": {key: value}}});
    let params = PatchParams::default();
    cluster.systems().patch("shop", &params, &Patch::Merge(&patch)).await.expect("it is set");
}

async fn delete_system(cluster: &Cluster) {
    cluster.systems().delete("shop", &DeleteParams::default()).await.expect("it is deleted");
    until("it is gone", || async {
        cluster.systems().get_opt("shop").await.expect("an answer").is_none()
    })
    .await;
}

/// Waits until the loss is reported, and checks that no pod can start on another volume, also
/// later.
async fn is_lost(cluster: &Cluster, claim_before: Option<&str>) -> String {
    let message = eventually("the loss is reported", || async {
        match cluster.condition("shop", "Stalled", "True").await {
            (reason, message) if reason == "VolumeLost" => Ok(message),
            other => Err(other),
        }
    })
    .await;
    // Longer than a resync.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let now = claim(cluster).await;
    assert_eq!(now.as_deref(), claim_before, "no claim is created");
    let writer = cluster.find(Kind::Deployment, "shop-vacancy").await;
    let replicas = writer.map(|writer| at(&writer, "/spec/replicas").clone());
    assert!(replicas.is_none_or(|replicas| replicas == 0), "a pod may start on an empty volume");
    let (reason, _) = cluster.condition("shop", "Ready", "False").await;
    assert_eq!(reason, "VolumeLost");
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "VolumeLost");
    let (reason, _) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "VolumeLost");
    message
}

/// Creates a claim as a restore does: with the metadata of the old one, and another uid.
async fn restore_claim(cluster: &Cluster, labels: Value, annotations: Value) -> String {
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "shop-data", "labels": labels, "annotations": annotations},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}},
            "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "monday"}}});
    let claim: DynamicObject = serde_json::from_value(claim).expect("a claim");
    let made = cluster.api(CLAIM.0).create(&Default::default(), &claim).await.expect("it is made");
    made.uid().expect("a uid")
}

async fn shop() -> (Cluster, kubelet::Kubelet, crate::support::Running) {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    (cluster, kubelet, operator)
}

#[tokio::test]
async fn claim_being_deleted_is_reported_and_its_pod_kept() {
    let (cluster, _kubelet, _operator) = shop().await;
    let before = cluster.get(Kind::Deployment, "shop-vacancy").await;
    cluster.delete(CLAIM.0, CLAIM.1).await;
    assert!(claim(&cluster).await.is_some(), "a finalizer protects it");
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "VolumeBeingDeleted");
    assert!(message.contains("PersistentVolumeClaim shop-data is being deleted"), "{message}");
    cluster.condition("shop", "Ready", "True").await;
    eventually("an event warns", || async {
        let events = cluster.events("shop").await;
        if events.iter().any(|(reason, _)| reason == "VolumeBeingDeleted") {
            Ok(())
        } else {
            Err(events)
        }
    })
    .await;
    // Neither a setting nor another mode may end the last pod that has the volume.
    for spec in [json!({"logging": {"level": "DEBUG"}}), json!({"mode": "monolith"})] {
        cluster.apply(&system("shop", spec)).await;
        let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
        assert_eq!(reason, "HeldBack");
        let (_, message) = cluster.condition("shop", "HeldBack", "True").await;
        assert!(message.contains("is being deleted"), "{message}");
        let now = cluster.get(Kind::Deployment, "shop-vacancy").await;
        assert_eq!(now.metadata.generation, before.metadata.generation);
        assert!(now.metadata.deletion_timestamp.is_none());
    }
}

#[tokio::test]
async fn lost_claim_stops_vacancy_until_a_new_volume_is_allowed() {
    let (cluster, _kubelet, _operator) = shop().await;
    let first = claim(&cluster).await.expect("a claim");
    lose_claim(&cluster).await;
    let message = is_lost(&cluster, None).await;
    assert!(message.contains(ALLOW) && message.contains(&first), "{message}");
    assert!(!message.contains("remove") && !message.contains("delete"), "{message}");
    annotate(&cluster, ALLOW, json!("00000000-0000-0000-0000-000000000000")).await;
    is_lost(&cluster, None).await;
    annotate(&cluster, ALLOW, json!(first)).await;
    cluster.condition("shop", "Ready", "True").await;
    let second = claim(&cluster).await.expect("a new claim");
    eventually("an event says that it is empty", || async {
        let events = cluster.events("shop").await;
        let said = events.iter().any(|(reason, note)| {
            reason == "VolumeRecreated" && note.contains("starts over with 10000 tickets")
        });
        if said { Ok(()) } else { Err(events) }
    })
    .await;
    // The annotation is still there, and allows nothing more.
    lose_claim(&cluster).await;
    let message = is_lost(&cluster, None).await;
    assert!(message.contains(&second), "{message}");
}

#[tokio::test]
async fn allowance_of_true_counts_once_and_not_ahead() {
    let (cluster, _kubelet, _operator) = shop().await;
    annotate(&cluster, ALLOW, json!("true")).await;
    eventually("it is seen", || async {
        let account = cluster.get(Kind::ServiceAccount, "shop").await;
        if account.annotations().contains_key("ticket-system.io/allow-new-volume-used") {
            Ok(())
        } else {
            Err(account.metadata)
        }
    })
    .await;
    lose_claim(&cluster).await;
    is_lost(&cluster, None).await;
    annotate(&cluster, ALLOW, Value::Null).await;
    is_lost(&cluster, None).await;
    annotate(&cluster, ALLOW, json!("true")).await;
    cluster.condition("shop", "Ready", "True").await;
    lose_claim(&cluster).await;
    is_lost(&cluster, None).await;
}

#[tokio::test]
async fn claim_lost_while_no_operator_runs_is_noticed() {
    let (cluster, _kubelet, operator) = shop().await;
    operator.kill().await;
    lose_claim(&cluster).await;
    cluster.delete(Kind::Deployment, "shop-vacancy").await;
    // Nor do a lost record on one object or a tampered status make it a first start.
    let stripped = json!({"metadata": {"annotations": null}});
    cluster.edit(Kind::ServiceAccount, "shop", stripped.clone()).await;
    cluster.edit(Kind::Secret, "shop-admin-token", stripped).await;
    let cleared = Patch::Merge(json!({"status": null}));
    let params = PatchParams::default();
    cluster.systems().patch_status("shop", &params, &cleared).await.expect("it is cleared");
    let _operator = start(&cluster);
    is_lost(&cluster, None).await;
}

#[tokio::test]
async fn claim_of_another_uid_counts_only_after_adoption() {
    let (cluster, _kubelet, operator) = shop().await;
    let old = cluster.get(CLAIM.0, CLAIM.1).await;
    operator.kill().await;
    lose_claim(&cluster).await;
    let labels = json!(old.labels());
    let other = restore_claim(&cluster, labels, json!(old.annotations())).await;
    let _operator = start(&cluster);
    let message = is_lost(&cluster, Some(&other)).await;
    assert!(message.contains("ticket-system.io/adopt to shop"), "{message}");
    let adopt = json!({"metadata": {"annotations": {"ticket-system.io/adopt": "shop"}}});
    cluster.edit(CLAIM.0, CLAIM.1, adopt).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(claim(&cluster).await, Some(other));
    // The loss of the adopted claim is a loss as well.
    lose_claim(&cluster).await;
    is_lost(&cluster, None).await;
}

#[tokio::test]
async fn restored_claim_without_labels_is_adopted_by_annotation() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let uid = restore_claim(&cluster, json!({}), json!({"ticket-system.io/adopt": "shop"})).await;
    let foreign = json!({});
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(claim(&cluster).await, Some(uid));
    let adopted = cluster.get(CLAIM.0, CLAIM.1).await;
    assert_eq!(adopted.labels().len(), 4, "{:?}", adopted.labels());
    assert_eq!(at(&adopted, "/spec/resources/requests/storage"), "3Gi", "its size is kept");

    // Without the annotation, the message says how to adopt, and never to delete.
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let uid = restore_claim(&cluster, foreign.clone(), foreign).await;
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "NameConflict");
    assert!(message.contains("set its annotation ticket-system.io/adopt to shop"), "{message}");
    assert!(!message.contains("remove") && !message.contains("delete"), "{message}");
    assert!(cluster.find(Kind::Deployment, "shop-vacancy").await.is_none());
    let adopt = json!({"metadata": {"annotations": {"ticket-system.io/adopt": "shop"}}});
    cluster.edit(CLAIM.0, CLAIM.1, adopt).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(claim(&cluster).await, Some(uid));
}

#[tokio::test]
async fn claim_that_lost_its_labels_is_not_lost() {
    let (cluster, _kubelet, _operator) = shop().await;
    let uid = claim(&cluster).await;
    cluster.edit(CLAIM.0, CLAIM.1, json!({"metadata": {"labels": null}})).await;
    eventually("the labels come back", || async {
        let claim = cluster.get(CLAIM.0, CLAIM.1).await;
        if claim.labels().len() == 4 { Ok(()) } else { Err(claim.metadata.labels) }
    })
    .await;
    assert_eq!(claim(&cluster).await, uid);
    cluster.condition("shop", "Degraded", "False").await;
    let writer = cluster.get(Kind::Deployment, "shop-vacancy").await;
    assert_eq!(at(&writer, "/spec/replicas"), 1);
}

#[tokio::test]
async fn recreated_system_keeps_its_volume_or_reports_the_loss() {
    let (cluster, _kubelet, _operator) = shop().await;
    let uid = claim(&cluster).await;
    delete_system(&cluster).await;
    // The garbage collector deletes what the resource owned.
    cluster.delete(Kind::Deployment, "shop-vacancy").await;
    cluster.delete(Kind::ServiceAccount, "shop").await;
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(claim(&cluster).await, uid);

    // A retained claim that is deleted afterwards held sales, too.
    delete_system(&cluster).await;
    cluster.delete(Kind::Deployment, "shop-vacancy").await;
    cluster.delete(Kind::ServiceAccount, "shop").await;
    lose_claim(&cluster).await;
    cluster.apply(&system("shop", json!({}))).await;
    is_lost(&cluster, None).await;
    annotate(&cluster, ALLOW, json!(uid)).await;
    cluster.condition("shop", "Ready", "True").await;
}

#[tokio::test]
async fn recreated_system_without_retain_starts_over() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let spec = json!({"storage": {"embedded": {"retain": false}}});
    cluster.apply(&system("shop", spec.clone())).await;
    cluster.condition("shop", "Ready", "True").await;
    let first = claim(&cluster).await;
    let token = cluster.get(Kind::Secret, "shop-admin-token").await;
    assert!(!token.annotations().contains_key("kustomize.toolkit.fluxcd.io/prune"));
    delete_system(&cluster).await;
    // The garbage collector deletes the claim first and is slow with the rest.
    lose_claim(&cluster).await;
    cluster.apply(&system("shop", spec)).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_ne!(claim(&cluster).await, first);
}

#[tokio::test]
async fn claim_lost_while_a_database_is_used_is_missed_afterwards() {
    let (cluster, _kubelet, _operator) = shop().await;
    cluster.secret("db", "uri", "postgres://a:b@db/c").await;
    annotate(&cluster, "ticket-system.io/allow-storage-change", json!("true")).await;
    cluster
        .apply(&system("shop", json!({"storage": {"postgres": {"secretRef": {"name": "db"}}}})))
        .await;
    cluster.condition("shop", "Progressing", "False").await;
    cluster.condition("shop", "Ready", "True").await;
    lose_claim(&cluster).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.apply(&system("shop", json!({"storage": {"embedded": {}}}))).await;
    is_lost(&cluster, None).await;
}

#[tokio::test]
async fn claim_without_its_volume_keeps_the_running_pod() {
    let (cluster, _kubelet, _operator) = shop().await;
    let before = cluster.get(Kind::Deployment, "shop-vacancy").await;
    let lost = Patch::Merge(json!({"status": {"phase": "Lost"}}));
    let params = PatchParams::default();
    cluster.api(CLAIM.0).patch_status(CLAIM.1, &params, &lost).await.expect("it is set");
    let (reason, message) = cluster.condition("shop", "Stalled", "True").await;
    assert_eq!(reason, "VolumeLost");
    assert!(message.contains("has lost its PersistentVolume"), "{message}");
    cluster.apply(&system("shop", json!({"logging": {"level": "DEBUG"}}))).await;
    cluster.condition("shop", "HeldBack", "True").await;
    cluster.condition("shop", "Ready", "True").await;
    let now = cluster.get(Kind::Deployment, "shop-vacancy").await;
    assert_eq!(now.metadata.generation, before.metadata.generation, "the only copy is kept");
}

#[tokio::test]
async fn retained_children_are_protected_from_gitops_tools() {
    let (cluster, _kubelet, _operator) = shop().await;
    for (kind, name) in [CLAIM, (Kind::Secret, "shop-admin-token")] {
        let object = cluster.get(kind, name).await;
        for (key, value) in [
            ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),
            ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
            ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ] {
            assert_eq!(object.annotations().get(key).map(String::as_str), Some(value), "{kind}");
        }
    }
}

#[tokio::test]
async fn token_of_an_external_secrets_operator_is_used_and_never_written() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let owner = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "name": "token", "uid": "11111111-1111-1111-1111-111111111111", "controller": true});
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "shop-admin-token", "ownerReferences": [owner]},
        "stringData": {"token": "made-by-somebody-else"}});
    let secret: DynamicObject = serde_json::from_value(secret).expect("a Secret");
    let made = cluster.api(Kind::Secret).create(&Default::default(), &secret).await.expect("made");
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "NameConflict");
    assert!(message.contains("ExternalSecret token"), "{message}");
    assert!(message.contains("ticket-system.io/adopt"), "{message}");
    let adopt = json!({"metadata": {"annotations": {"ticket-system.io/adopt": "shop"}}});
    let adopted = cluster.edit(Kind::Secret, "shop-admin-token", adopt).await;
    cluster.condition("shop", "Ready", "True").await;
    let now = cluster.get(Kind::Secret, "shop-admin-token").await;
    assert_eq!(now.resource_version(), adopted.resource_version(), "nobody else writes it");
    assert_eq!(at(&now, "/data/token"), at(&made, "/data/token"));
    // The record of the claim does not depend on it.
    lose_claim(&cluster).await;
    is_lost(&cluster, None).await;
}
