//! Children are recognized by their owner or by what the API server records, not by labels alone.

use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use operator::{api::Mode, kind::Kind};
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, start, system};

const CHILDREN: [(Kind, &str); 11] = [
    (Kind::ServiceAccount, "shop"),
    (Kind::Secret, "shop-admin-token"),
    (Kind::Secret, "shop-signing-keys"),
    (Kind::PersistentVolumeClaim, "shop-data"),
    (Kind::ConfigMap, "shop-vacancy"),
    (Kind::Service, "shop-ticket"),
    (Kind::Deployment, "shop-vacancy"),
    (Kind::HorizontalPodAutoscaler, "shop-ticket"),
    (Kind::PodDisruptionBudget, "shop-ticket"),
    (Kind::NetworkPolicy, "shop-vacancy"),
    (Kind::Ingress, "shop"),
];

#[tokio::test]
async fn each_stripped_label_of_each_kind_comes_back() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let uid = cluster.get(Kind::Secret, "shop-admin-token").await.uid();
    for label in ["name", "instance", "part-of", "managed-by", "component"] {
        let label = format!("app.kubernetes.io/{label}");
        let mut before = Vec::new();
        for (kind, name) in CHILDREN {
            let had = cluster.get(kind, name).await.labels().get(&label).cloned();
            cluster
                .edit(kind, name, json!({"metadata": {"labels": {(label.as_str()): null}}}))
                .await;
            before.push(had);
        }
        for ((kind, name), had) in CHILDREN.into_iter().zip(before) {
            eventually(&format!("{label} of {kind} {name} comes back"), || async {
                let now = cluster.get(kind, name).await.labels().get(&label).cloned();
                if now == had { Ok(()) } else { Err(now) }
            })
            .await;
        }
    }
    cluster.condition("shop", "Degraded", "False").await;
    assert_eq!(cluster.get(Kind::Secret, "shop-admin-token").await.uid(), uid);
    let events = cluster.events("shop").await;
    assert!(events.iter().all(|(reason, _)| reason != "NameConflict"), "{events:?}");
}

#[tokio::test]
async fn objects_without_owner_and_labels_are_recognized() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let token = at(&cluster.get(Kind::Secret, "shop-admin-token").await, "/data/token").clone();
    for (kind, name) in
        [(Kind::Secret, "shop-admin-token"), (Kind::PersistentVolumeClaim, "shop-data")]
    {
        cluster.edit(kind, name, json!({"metadata": {"labels": null, "annotations": null}})).await;
        eventually(&format!("{kind} {name} is recognized"), || async {
            let labels = cluster.get(kind, name).await.labels().clone();
            if labels.len() == 4 { Ok(()) } else { Err(labels) }
        })
        .await;
    }
    // An owned child that lost its owner is recognized by its labels.
    cluster
        .edit(Kind::Deployment, "shop-ticket", json!({"metadata": {"ownerReferences": null}}))
        .await;
    eventually("the owner comes back", || async {
        let owners = cluster.get(Kind::Deployment, "shop-ticket").await.owner_references().len();
        if owners == 1 { Ok(()) } else { Err(owners) }
    })
    .await;
    cluster.condition("shop", "Degraded", "False").await;
    assert_eq!(at(&cluster.get(Kind::Secret, "shop-admin-token").await, "/data/token"), &token);
}

#[tokio::test]
async fn foreign_secret_is_a_name_conflict_and_stays() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.secret("shop-admin-token", "token", "somebody-elses-secret").await;
    let before = cluster.get(Kind::Secret, "shop-admin-token").await.resource_version();
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, _) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "NameConflict");
    assert_eq!(cluster.get(Kind::Secret, "shop-admin-token").await.resource_version(), before);
}

#[tokio::test]
async fn old_writer_without_labels_is_removed_before_the_new_one_starts() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    operator.kill().await;
    cluster.edit(Kind::Deployment, "shop-vacancy", json!({"metadata": {"labels": null}})).await;
    // A status that hides the mode.
    let forged = json!({"status": {"mode": "monolith", "storage": "postgres", "initialStock": 1}});
    cluster
        .systems()
        .patch_status("shop", &PatchParams::default(), &Patch::Merge(forged))
        .await
        .expect("the status is forged");
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    let _operator = start(&cluster);
    eventually("the new writer runs alone", || async {
        let new = cluster.find(Kind::Deployment, "shop").await;
        let old = cluster.find(Kind::Deployment, "shop-vacancy").await;
        assert!(new.is_none() || old.is_none(), "two writers");
        if new.is_some() { Ok(()) } else { Err(old.is_some()) }
    })
    .await;
    cluster.condition("shop", "Ready", "True").await;
    let settings = cluster.get(Kind::ConfigMap, "shop").await;
    assert_eq!(at(&settings, "/data/INITIAL_STOCK"), "10000");
}

#[tokio::test]
async fn forged_status_decides_nothing() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let generation = cluster.get(Kind::Deployment, "shop-vacancy").await.metadata.generation;
    let forged = |status: Value| {
        let systems = cluster.systems();
        async move {
            systems
                .patch_status(
                    "shop",
                    &PatchParams::default(),
                    &Patch::Merge(json!({"status": status})),
                )
                .await
                .expect("the status is forged");
        }
    };
    for status in [
        json!({"mode": "monolith"}),
        json!({"storage": "postgres"}),
        json!({"initialStock": 5}),
        json!(null),
    ] {
        forged(status.clone()).await;
        eventually(&format!("{status} is corrected"), || async {
            let now = cluster.status("shop").await;
            let is = (now.mode, now.storage.as_deref(), now.initial_stock);
            if is == (Some(Mode::Microservices), Some("embedded"), Some(10_000)) {
                Ok(())
            } else {
                Err(format!("{is:?}"))
            }
        })
        .await;
        cluster.condition("shop", "Degraded", "False").await;
    }
    assert_eq!(cluster.get(Kind::Deployment, "shop-vacancy").await.metadata.generation, generation);
}

#[tokio::test]
async fn paused_system_reports_drift() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.apply(&system("shop", json!({"paused": true}))).await;
    let (_, message) = cluster.condition("shop", "ReconciliationPaused", "True").await;
    assert_eq!(message, "no change is applied while spec.paused is true");
    cluster.delete(Kind::Ingress, "shop").await;
    let edited = json!({"spec": {"revisionHistoryLimit": 1}});
    cluster.edit(Kind::Deployment, "shop-ticket", edited).await;
    eventually("the drift shows", || async {
        let (_, message) = cluster.condition("shop", "ReconciliationPaused", "True").await;
        let listed = message.contains("Ingress shop is missing")
            && message.contains("Deployment shop-ticket (spec.revisionHistoryLimit) differs");
        if listed { Ok(()) } else { Err(message) }
    })
    .await;
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "ReconciliationPaused", "False").await;
}
