//! A swap of the single writer that does not get ready in time is rolled back.

use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use operator::kind::Kind;
use serde_json::json;

use crate::{
    preflight::{ended, image, is_applied, shop, with_image},
    support::{
        Cluster, at, eventually, kubelet,
        operators::{settings, start_with},
        system, until,
    },
};

/// A pod of vacancy that crashes with these last words.
async fn crashing_pod(cluster: &Cluster, words: &str) {
    let labels =
        at(&cluster.get(Kind::Deployment, "shop-vacancy").await, "/spec/selector/matchLabels")
            .clone();
    let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop-vacancy-x", "labels": labels},
        "spec": {"containers": [{"name": "vacancy", "image": "vacancy:3", "securityContext": {"allowPrivilegeEscalation": false,
            "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}, "capabilities": {"drop": ["ALL"]}}}]}});
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let pod = serde_json::from_value(body).expect("a pod");
    pods.create(&PostParams::default(), &pod).await.expect("the pod is made");
    let ended =
        json!({"exitCode": 2, "reason": "Error", "message": format!("starting\n{words}\n")});
    let container = json!({"name": "vacancy", "image": "vacancy:3", "imageID": "", "ready": false, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}, "lastState": {"terminated": ended}});
    let status = Patch::Merge(json!({"status": {"containerStatuses": [container]}}));
    pods.patch_status("shop-vacancy-x", &PatchParams::default(), &status).await.expect("it is set");
}

/// Creates the ReplicaSet of the live template, as the Deployment controller does.
async fn replica_set(cluster: &Cluster, name: &str) {
    let deployment = cluster.get(Kind::Deployment, "shop-vacancy").await;
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop-vacancy", "uid": deployment.uid(), "controller": true});
    let mut template = at(&deployment, "/spec/template").clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(name);
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "labels": template["metadata"]["labels"], "ownerReferences": [owner],
            "annotations": {"deployment.kubernetes.io/revision": name.trim_start_matches("set-")}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"pod-template-hash": name}}, "template": template}});
    let sets: Api<ReplicaSet> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let set = serde_json::from_value(set).expect("a set");
    sets.create(&PostParams::default(), &set).await.expect("the set is made");
}

/// Reports the rollout as late, as the Deployment controller does.
async fn late(cluster: &Cluster) {
    let api = cluster.api(Kind::Deployment);
    let condition = json!({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"});
    let status = Patch::Merge(json!({"status": {"conditions": [condition]}}));
    api.patch_status("shop-vacancy", &PatchParams::default(), &status).await.expect("it is set");
}

async fn good_template(cluster: &Cluster) -> Option<String> {
    let writer = cluster.get(Kind::Deployment, "shop-vacancy").await;
    writer.annotations().get("ticket-system.io/good-template").cloned()
}

#[tokio::test]
async fn late_swap_is_rolled_back_and_not_repeated() {
    use std::sync::atomic::Ordering;
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let operator = start_with(&cluster, settings(&cluster, &["--swap-timeout-s=30"]));
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    until("the template is recorded as good", || async { good_template(&cluster).await.is_some() })
        .await;
    let good = good_template(&cluster).await;
    replica_set(&cluster, "set-1").await;
    let deadline = cluster.get(Kind::Deployment, "shop-vacancy").await;
    assert_eq!(at(&deadline, "/spec/progressDeadlineSeconds"), 30);

    kubelet.pods_ready.store(false, Ordering::Relaxed);
    // Two changes, neither of which becomes ready.
    for (image, set) in [("vacancy:2", "set-2"), ("vacancy:3", "set-3")] {
        cluster.apply(&with_image(image)).await;
        is_applied(&cluster, "shop-vacancy", image).await;
        replica_set(&cluster, set).await;
    }
    let words = "DATA_DIR: the store is of a newer version";
    crashing_pod(&cluster, words).await;
    eventually("the template comes back", || async {
        late(&cluster).await;
        let now = image(&cluster, "shop-vacancy").await;
        if now == "vacancy:1" { Ok(()) } else { Err(now) }
    })
    .await;
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let at_once = DeleteParams::default().grace_period(0);
    pods.delete("shop-vacancy-x", &at_once).await.expect("it ends");
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    let calm = Patch::Merge(json!({"status": {"conditions": null}}));
    let api = cluster.api(Kind::Deployment);
    api.patch_status("shop-vacancy", &PatchParams::default(), &calm).await.expect("it is set");
    cluster.condition("shop", "Ready", "True").await;
    for (type_, status) in [
        ("RolledBack", "True"),
        ("Stalled", "True"),
        ("Degraded", "True"),
        ("Progressing", "False"),
    ] {
        let (reason, message) = cluster.condition("shop", type_, status).await;
        assert_eq!(reason, "RolledBack", "{type_}: {message}");
    }
    assert_eq!(good_template(&cluster).await, good);
    let template = cluster.get(Kind::Deployment, "shop-vacancy").await;
    let labels = at(&template, "/spec/template/metadata/labels");
    assert!(labels["pod-template-hash"].is_null(), "{labels}");

    // Neither a resync nor a restart tries it again.
    operator.kill().await;
    let _operator = start_with(&cluster, settings(&cluster, &["--swap-timeout-s=30"]));
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(image(&cluster, "shop-vacancy").await, "vacancy:1");
    let (_, message) = cluster.condition("shop", "RolledBack", "True").await;
    assert!(message.contains(words), "{message}");

    cluster.apply(&with_image("vacancy:4")).await;
    is_applied(&cluster, "shop-vacancy", "vacancy:4").await;
    cluster.condition("shop", "Degraded", "False").await;
    let conditions = cluster.status("shop").await.conditions;
    assert!(conditions.iter().all(|condition| condition.type_ != "RolledBack"), "{conditions:?}");
}

#[tokio::test]
async fn spec_set_back_after_a_rollback_is_up_to_date() {
    use std::sync::atomic::Ordering;
    let (cluster, kubelet, _operator) = shop().await;
    until("the template is recorded as good", || async { good_template(&cluster).await.is_some() })
        .await;
    replica_set(&cluster, "set-1").await;
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    cluster.apply(&with_image("vacancy:2")).await;
    is_applied(&cluster, "shop-vacancy", "vacancy:2").await;
    eventually("the template comes back", || async {
        late(&cluster).await;
        let now = image(&cluster, "shop-vacancy").await;
        if now == "vacancy:1" { Ok(()) } else { Err(now) }
    })
    .await;
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    let calm = Patch::Merge(json!({"status": {"conditions": null}}));
    let api: Api<DynamicObject> = cluster.api(Kind::Deployment);
    api.patch_status("shop-vacancy", &PatchParams::default(), &calm).await.expect("it is set");
    cluster.condition("shop", "RolledBack", "True").await;
    *kubelet.checks.lock().expect("the result") = ended(2, "not needed");
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "UpToDate");
    cluster.condition("shop", "Degraded", "False").await;
}
