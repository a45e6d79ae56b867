use std::sync::atomic::Ordering;

use kube::ResourceExt;
use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, at, eventually, kubelet, start, system};

#[tokio::test]
async fn switching_modes_prunes_and_keeps_the_data() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let claim = cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid();
    let token = at(&cluster.get(Kind::Secret, "shop-admin-token").await, "/data/token").clone();

    kubelet.pods_go.store(false, Ordering::Relaxed);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    let (reason, _) = cluster.condition("shop", "Ready", "False").await;
    assert!(["SwitchingMode", "WaitingForPods"].contains(&reason.as_str()), "{reason}");
    eventually("the old writer is being deleted", || async {
        let old = cluster.find(Kind::Deployment, "shop-vacancy").await;
        if old.is_some_and(|old| old.metadata.deletion_timestamp.is_some()) { Ok(()) } else { Err("not yet") }
    })
    .await;
    // Longer than a resync: the pods of the old writer still hold the volume, so there must be no second one.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(cluster.find(Kind::Deployment, "shop").await.is_none(), "two writers on one volume");
    let (reason, _) = cluster.condition("shop", "Progressing", "True").await;
    assert_eq!(reason, "SwitchingMode");

    kubelet.pods_go.store(true, Ordering::Relaxed);
    cluster.condition("shop", "Ready", "True").await;
    let monolith = [
        "ConfigMap/shop",
        "Deployment/shop",
        "Ingress/shop",
        "NetworkPolicy/shop",
        "PersistentVolumeClaim/shop-data",
        "Secret/shop-admin-token",
        "Service/shop",
        "ServiceAccount/shop",
    ];
    eventually("only the monolith is left", || async {
        let children = cluster.children().await;
        if children == monolith { Ok(()) } else { Err(children) }
    })
    .await;
    assert_eq!(cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid(), claim, "the data stays");
    assert_eq!(at(&cluster.get(Kind::Secret, "shop-admin-token").await, "/data/token"), &token, "the token stays");
    let backends = cluster.get(Kind::Ingress, "shop").await.data.to_string();
    assert!(!backends.contains("shop-ticket") && !backends.contains("shop-vacancy"), "{backends}");

    cluster.apply(&system("shop", json!({"mode": "microservices"}))).await;
    eventually("back again", || async {
        let children = cluster.children().await;
        if children.len() == 14 && !children.contains(&"Deployment/shop".to_owned()) { Ok(()) } else { Err(children) }
    })
    .await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid(), claim);
}

#[tokio::test]
async fn on_a_database_the_old_pods_serve_until_the_new_ones_do() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.secret("db", "uri", "postgresql://a:b@db/c").await;
    let storage = json!({"postgres": {"secretRef": {"name": "db"}}});
    cluster.apply(&system("shop", json!({"storage": storage}))).await;
    cluster.condition("shop", "Ready", "True").await;
    assert!(cluster.find(Kind::PersistentVolumeClaim, "shop-data").await.is_none());
    assert!(cluster.find(Kind::HorizontalPodAutoscaler, "shop-vacancy").await.is_some());
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    cluster.apply(&system("shop", json!({"storage": storage, "mode": "monolith"}))).await;
    eventually("the monolith is made", || async { cluster.find(Kind::Deployment, "shop").await.map(|_| ()).ok_or("not yet") }).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(cluster.find(Kind::Deployment, "shop-ticket").await.is_some_and(|old| old.metadata.deletion_timestamp.is_none()));
    assert!(cluster.get(Kind::Ingress, "shop").await.data.to_string().contains("shop-ticket"), "traffic still goes to the old pods");
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    eventually("the old pods go", || async {
        let children = cluster.children().await;
        let old = children.iter().any(|child| child.ends_with("shop-ticket") || child.ends_with("shop-vacancy"));
        if old { Err(children) } else { Ok(()) }
    })
    .await;
    assert!(!cluster.get(Kind::Ingress, "shop").await.data.to_string().contains("shop-ticket"));
}

#[tokio::test]
async fn a_storage_change_that_is_allowed_goes_both_ways() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.secret("db", "uri", "postgres://a:b@db/c").await;
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let claim = cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid();
    for (kind, spec) in [
        ("RollingUpdate", json!({"storage": {"postgres": {"secretRef": {"name": "db"}}}})),
        ("Recreate", json!({"storage": {"embedded": {}}})),
    ] {
        let mut moved = system("shop", spec);
        moved["metadata"]["annotations"] = json!({"ticket-system.io/allow-storage-change": "true"});
        cluster.apply(&moved).await;
        eventually(&format!("the strategy becomes {kind}"), || async {
            let deployment = cluster.get(Kind::Deployment, "shop-vacancy").await;
            if at(&deployment, "/spec/strategy/type") == kind {
                Ok(())
            } else {
                Err((at(&deployment, "/spec/strategy").clone(), cluster.status("shop").await.conditions))
            }
        })
        .await;
        cluster.condition("shop", "Ready", "True").await;
        cluster.condition("shop", "Degraded", "False").await;
    }
    assert_eq!(cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid(), claim, "the volume was never let go");
}
