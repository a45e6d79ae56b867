//! Mode switches and storage changes.

use std::sync::atomic::Ordering;

use kube::ResourceExt;
use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, at, eventually, kubelet, start, system};

#[tokio::test]
async fn mode_switch_prunes_and_keeps_the_volume() {
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
        if old.is_some_and(|old| old.metadata.deletion_timestamp.is_some()) {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    // Longer than a resync. The pods of the old writer hold the volume, so there must be no second
    // writer.
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
        "Secret/shop-gate-token",
        "Secret/shop-seller-token",
        "Secret/shop-signing-keys",
        "Service/shop",
        "ServiceAccount/shop",
    ];
    eventually("only the monolith is left", || async {
        let children = cluster.children().await;
        if children == monolith { Ok(()) } else { Err(children) }
    })
    .await;
    assert_eq!(
        cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid(),
        claim,
        "the data stays"
    );
    assert_eq!(
        at(&cluster.get(Kind::Secret, "shop-admin-token").await, "/data/token"),
        &token,
        "the token stays"
    );
    let backends = cluster.get(Kind::Ingress, "shop").await.data.to_string();
    assert!(!backends.contains("shop-ticket") && !backends.contains("shop-vacancy"), "{backends}");

    cluster.apply(&system("shop", json!({"mode": "microservices"}))).await;
    eventually("back again", || async {
        let children = cluster.children().await;
        if children.len() == 17 && !children.contains(&"Deployment/shop".to_owned()) {
            Ok(())
        } else {
            Err(children)
        }
    })
    .await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid(), claim);
}

#[tokio::test]
async fn on_a_database_old_pods_serve_until_new_ones_are_ready() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let storage = cluster.shop_on_a_database().await;
    assert!(cluster.find(Kind::PersistentVolumeClaim, "shop-data").await.is_none());
    assert!(cluster.find(Kind::HorizontalPodAutoscaler, "shop-vacancy").await.is_some());
    kubelet.pods_keep.store(true, Ordering::Relaxed);
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    let switched =
        cluster.apply(&system("shop", json!({"storage": storage, "mode": "monolith"}))).await;
    eventually("the monolith is made", || async {
        cluster.find(Kind::Deployment, "shop").await.map(|_| ()).ok_or("not yet")
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let ingress = || async { cluster.get(Kind::Ingress, "shop").await.data.to_string() };
    let lives = |kind: Kind, name: &'static str| {
        let found = cluster.find(kind, name);
        async move { found.await.is_some_and(|old| old.metadata.deletion_timestamp.is_none()) }
    };
    assert!(lives(Kind::Deployment, "shop-ticket").await);
    assert!(ingress().await.contains("shop-ticket"), "traffic still goes to the old pods");
    assert_eq!(cluster.status("shop").await.mode, Some(operator::api::Mode::Microservices));

    kubelet.pods_go.store(false, Ordering::Relaxed);
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    eventually("the Ingress moves", || async {
        if ingress().await.contains("shop-ticket") { Err("not yet") } else { Ok(()) }
    })
    .await;
    let moved = std::time::Instant::now();
    // Requests may still arrive.
    while moved.elapsed() < std::time::Duration::from_secs(5) {
        for name in ["shop-ticket", "shop-vacancy"] {
            assert!(
                lives(Kind::Deployment, name).await && lives(Kind::Service, name).await,
                "{name} after {:?}",
                moved.elapsed()
            );
        }
        assert!(lives(Kind::Service, "shop-vacancy-endpoints").await, "old ticket pods use it");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    eventually("the old pods begin to end", || async {
        if lives(Kind::Deployment, "shop-ticket").await { Err("not yet") } else { Ok(()) }
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    for name in ["shop-ticket", "shop-vacancy"] {
        assert!(
            lives(Kind::Service, name).await && lives(Kind::ConfigMap, name).await,
            "{name}: its pods are still there"
        );
    }
    kubelet.pods_go.store(true, Ordering::Relaxed);
    eventually("the old mode goes", || async {
        let children = cluster.children().await;
        let old = children
            .iter()
            .any(|child| child.ends_with("shop-ticket") || child.contains("shop-vacancy"));
        if old { Err(children) } else { Ok(()) }
    })
    .await;
    let status = cluster.status("shop").await;
    assert_eq!(
        (status.mode, status.observed_generation),
        (Some(operator::api::Mode::Monolith), switched.metadata.generation)
    );
}

/// Polls Ready during a mode switch on a database. The system sells throughout, so the condition
/// must stay true.
#[tokio::test]
async fn on_a_database_mode_switch_stays_ready() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let storage = cluster.shop_on_a_database().await;
    let systems = cluster.systems();
    let watcher = tokio::spawn(async move {
        loop {
            let status =
                systems.get("shop").await.expect("the resource").status.unwrap_or_default();
            let ready = status
                .conditions
                .iter()
                .find(|condition| condition.type_ == "Ready")
                .expect("it is always there")
                .clone();
            assert_eq!(ready.status, "True", "{}", ready.message);
            if status.mode == Some(operator::api::Mode::Monolith)
                && status.conditions.iter().any(|condition| {
                    condition.type_ == "Progressing" && condition.status == "False"
                })
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    // Only the new pods are not ready.
    kubelet.pods_keep.store(true, Ordering::Relaxed);
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    cluster.apply(&system("shop", json!({"storage": storage, "mode": "monolith"}))).await;
    let (reason, _) = cluster.condition("shop", "Progressing", "True").await;
    assert_eq!(reason, "SwitchingMode");
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    tokio::time::timeout(std::time::Duration::from_secs(90), watcher)
        .await
        .expect("in time")
        .expect("it was ready throughout");
}

#[tokio::test]
async fn failed_deletion_does_not_block_other_children() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let policy = format!("keep-{}", cluster.namespace);
    let here = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": cluster.namespace}}});
    for body in [
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": policy},
            "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["services"]}]},
                "validations": [{"expression": "oldObject.metadata.name != 'shop-ticket'", "message": "this one stays"}]}}),
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": policy},
            "spec": {"policyName": policy, "validationActions": ["Deny"], "matchResources": here}}),
    ] {
        crate::support::cluster::apply_value(&cluster.client, &body).await;
    }
    let dry_run = kube::api::DeleteParams { dry_run: true, ..Default::default() };
    eventually("the policy is enforced", || async {
        if cluster.api(Kind::Service).delete("shop-ticket", &dry_run).await.is_err() {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    cluster.condition("shop", "Ready", "True").await;
    eventually("it is reported", || async {
        let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
        let reported = reason == "PruneFailed"
            && message
                .starts_with("Service shop-ticket: is no longer needed and cannot be deleted: ");
        if reported && message.contains("this one stays") { Ok(()) } else { Err((reason, message)) }
    })
    .await;
    eventually("everything else goes", || async {
        let children = cluster.children().await;
        let old: Vec<_> = children
            .into_iter()
            .filter(|child| child.ends_with("shop-ticket") || child.ends_with("shop-vacancy"))
            .collect();
        if old == ["Service/shop-ticket"] { Ok(()) } else { Err(old) }
    })
    .await;
    for (kind, name) in
        [("ValidatingAdmissionPolicyBinding", &policy), ("ValidatingAdmissionPolicy", &policy)]
    {
        let gvk = kube::core::GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
        let plural = if kind.ends_with("Binding") {
            "validatingadmissionpolicybindings"
        } else {
            "validatingadmissionpolicies"
        };
        let resource = kube::core::ApiResource::from_gvk_with_plural(&gvk, plural);
        let api: kube::Api<kube::core::DynamicObject> =
            kube::Api::all_with(cluster.client.clone(), &resource);
        api.delete(name, &Default::default()).await.expect("the policy goes");
    }
    eventually("the last one goes", || async {
        if cluster.find(Kind::Service, "shop-ticket").await.is_none() {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    cluster.condition("shop", "Degraded", "False").await;
}

#[tokio::test]
async fn allowed_storage_change_works_both_ways() {
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
                Err((
                    at(&deployment, "/spec/strategy").clone(),
                    cluster.status("shop").await.conditions,
                ))
            }
        })
        .await;
        cluster.condition("shop", "Ready", "True").await;
        cluster.condition("shop", "Degraded", "False").await;
    }
    assert_eq!(
        cluster.get(Kind::PersistentVolumeClaim, "shop-data").await.uid(),
        claim,
        "the volume is kept"
    );
}
