//! Adoption, ownership, and pauses.

use kube::ResourceExt;
use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, at, eventually, kubelet, start, system, until};

#[tokio::test]
async fn retained_volume_and_token_are_adopted() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"stock": {"initial": 42}}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let claim = cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid();
    let token = at(&cluster.get(Kind::Secret, "shop-admin-token").await, "/data/token").clone();
    let keys = at(&cluster.get(Kind::Secret, "shop-signing-keys").await, "/data").clone();
    cluster
        .systems()
        .delete("shop", &kube::api::DeleteParams::default())
        .await
        .expect("it is deleted");
    until("the resource is gone", || async {
        cluster.systems().get_opt("shop").await.expect("an answer").is_none()
    })
    .await;
    // No garbage collector runs, so the owned children remain with an owner that is gone.
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid(), claim);
    assert_eq!(at(&cluster.get(Kind::Secret, "shop-admin-token").await, "/data/token"), &token);
    assert_eq!(at(&cluster.get(Kind::Secret, "shop-signing-keys").await, "/data"), &keys);
    let (_, message) = cluster.condition("shop", "StockChangeIgnored", "True").await;
    assert!(message.contains("created with 42"), "the volume keeps its initial stock: {message}");
    let uid = cluster.systems().get("shop").await.expect("the resource").uid();
    eventually("the remaining child has the new owner", || async {
        let owners = cluster
            .get(Kind::Deployment, "shop-vacancy")
            .await
            .metadata
            .owner_references
            .unwrap_or_default();
        if owners.len() == 1 && Some(&owners[0].uid) == uid.as_ref() { Ok(()) } else { Err(owners) }
    })
    .await;
}

#[tokio::test]
async fn retain_can_be_enabled_and_disabled() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    for (retain, owners) in [(true, 0), (false, 1), (true, 0)] {
        cluster.apply(&system("shop", json!({"storage": {"embedded": {"retain": retain}}}))).await;
        for (kind, name) in [
            (Kind::PersistentVolumeClaim, "shop-data"),
            (Kind::Secret, "shop-admin-token"),
            (Kind::Secret, "shop-signing-keys"),
        ] {
            eventually(&format!("{kind} with retain {retain}"), || async {
                let found =
                    cluster.find(kind, name).await.map(|object| object.owner_references().len());
                if found == Some(owners) { Ok(()) } else { Err(found) }
            })
            .await;
        }
    }
}

#[tokio::test]
async fn object_of_another_owner_is_not_adopted() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let foreign = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop-ticket"}, "spec": {"selector": {"app": "other"}, "ports": [{"port": 8002, "name": "http", "targetPort": 1}]}});
    let foreign: kube::core::DynamicObject = serde_json::from_value(foreign).expect("a Service");
    cluster.api(Kind::Service).create(&Default::default(), &foreign).await.expect("it is made");
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "NameConflict");
    assert!(
        message.starts_with("Service shop-ticket: already exists and has another owner"),
        "{message}"
    );
    let service = cluster.get(Kind::Service, "shop-ticket").await;
    assert_eq!(at(&service, "/spec/selector"), &json!({"app": "other"}));
    assert!(service.owner_references().is_empty());
    cluster.delete(Kind::Service, "shop-ticket").await;
    cluster.condition("shop", "Degraded", "False").await;
}

#[tokio::test]
async fn foreign_account_without_conflict_is_adopted_only_by_annotation() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let foreign = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "shop", "annotations": {"theirs": "1"}}});
    let foreign: kube::core::DynamicObject = serde_json::from_value(foreign).expect("an account");
    let api = cluster.api(Kind::ServiceAccount);
    api.create(&Default::default(), &foreign).await.expect("it is made");
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "NameConflict");
    assert!(message.contains("set its annotation ticket-system.io/adopt to shop"), "{message}");
    let account = cluster.get(Kind::ServiceAccount, "shop").await;
    assert!(account.owner_references().is_empty() && account.labels().is_empty());
    // No pod uses an object of another owner.
    assert!(cluster.find(Kind::Deployment, "shop-vacancy").await.is_none());
    let adopt = json!({"metadata": {"annotations": {"ticket-system.io/adopt": "shop"}}});
    cluster.edit(Kind::ServiceAccount, "shop", adopt).await;
    cluster.condition("shop", "Ready", "True").await;
    let account = cluster.get(Kind::ServiceAccount, "shop").await;
    assert_eq!(account.owner_references().len(), 1);
    assert_eq!(account.annotations().get("theirs").map(String::as_str), Some("1"));
}

#[tokio::test]
async fn deployment_without_labels_keeps_its_replicas() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    // As an autoscaler sets it.
    let api = cluster.api(Kind::Deployment);
    let scaled = kube::api::Patch::Merge(json!({"spec": {"replicas": 8}}));
    api.patch("shop-ticket", &kube::api::PatchParams::default(), &scaled)
        .await
        .expect("it is scaled");
    let bare = kube::api::Patch::Merge(json!({"metadata": {"labels": null}}));
    api.patch("shop-ticket", &kube::api::PatchParams::default(), &bare)
        .await
        .expect("it is changed");
    eventually("the labels are back", || async {
        let labels = cluster.get(Kind::Deployment, "shop-ticket").await.labels().clone();
        if labels.is_empty() { Err(labels) } else { Ok(()) }
    })
    .await;
    assert_eq!(
        at(&cluster.get(Kind::Deployment, "shop-ticket").await, "/spec/replicas"),
        &json!(8)
    );
}

#[tokio::test]
async fn systems_with_overlapping_names_do_not_conflict() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.secret("db", "uri", "postgres://a:b@db/c").await;
    let fixed = json!({"ticket": {"replicas": 3, "autoscaling": {"enabled": false}}});
    cluster.apply(&system("shop", fixed)).await;
    cluster.condition("shop", "Ready", "True").await;
    // The monolith of this system has the name of the ticket service of the other.
    let spec = json!({"mode": "monolith", "storage": {"postgres": {"secretRef": {"name": "db"}}}, "ticket": {"autoscaling": {"minReplicas": 5}}});
    cluster.apply(&system("shop-ticket", spec)).await;
    let (reason, _) = cluster.condition("shop-ticket", "Degraded", "True").await;
    assert_eq!(reason, "NameConflict");
    let (reason, message) = cluster.condition("shop-ticket", "Ready", "False").await;
    assert_eq!(reason, "NameConflict");
    assert!(message.contains("has another owner"), "{message}");
    assert!(
        cluster.status("shop-ticket").await.ticket.is_none(),
        "pods of another system are not counted"
    );
    let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
    assert_eq!(deployment.owner_references()[0].name, "shop");
    assert_eq!(at(&deployment, "/spec/replicas"), 3, "the number of pods was not taken over");
    let managers: Vec<String> =
        deployment.managed_fields().iter().filter_map(|entry| entry.manager.clone()).collect();
    assert!(
        !managers.contains(&operator::apply::replicas::REPLICAS_FIELD_MANAGER.to_owned()),
        "{managers:?}"
    );
    cluster.condition("shop", "Ready", "True").await;
}

#[tokio::test]
async fn paused_system_still_reports_status() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.apply(&system("shop", json!({"paused": true, "logging": {"level": "DEBUG"}}))).await;
    cluster.condition("shop", "ReconciliationPaused", "True").await;
    cluster.delete(Kind::Service, "shop-ticket").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(cluster.find(Kind::Service, "shop-ticket").await.is_none());
    assert_eq!(at(&cluster.get(Kind::ConfigMap, "shop-ticket").await, "/data/LOG_LEVEL"), "INFO");
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "ReconciliationPaused", "False").await;
    until("the Service comes back", || async {
        cluster.find(Kind::Service, "shop-ticket").await.is_some()
    })
    .await;
}
