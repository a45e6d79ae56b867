//! Readiness, diagnosis and failed rollouts.

use std::sync::atomic::Ordering;

use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use operator::{
    kind::{Component, Kind},
    labels,
    status::diagnosis::{ProbeResult, diagnose},
};
use serde_json::json;

use crate::support::{Cluster, at, kubelet, start, system};

#[tokio::test]
async fn unready_service_shows_the_cause_from_ready() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    let (reason, message) = cluster.condition("shop", "Ready", "False").await;
    assert!(["WaitingForPods"].contains(&reason.as_str()), "{reason}: {message}");
    cluster.condition("shop", "Reconciling", "True").await;
    assert_eq!(cluster.status("shop").await.ticket.expect("ticket").ready, "0/2");

    // A running pod that is not ready is probed at its own address.
    let mut pod =
        at(&cluster.get(Kind::Deployment, "shop-vacancy").await, "/spec/template").clone();
    pod["metadata"]["name"] = json!("shop-vacancy-x");
    let pods = kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(
        cluster.client.clone(),
        &cluster.namespace,
    );
    pods.create(&PostParams::default(), &serde_json::from_value(pod).expect("a pod"))
        .await
        .expect("the pod is made");
    let address = json!({"status": {"phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}});
    pods.patch_status("shop-vacancy-x", &PatchParams::default(), &Patch::Merge(address))
        .await
        .expect("its address is set");
    *running.ready.0.lock().expect("the result") =
        ProbeResult::NotReady("the store is recovering".to_owned());
    crate::support::eventually("the reason shows", || async {
        let (reason, message) = cluster.condition("shop", "Ready", "False").await;
        if reason == "ServiceNotReady"
            && message
                .contains("vacancy: 0 of 1 pods ready, /ready returned: the store is recovering")
        {
            Ok(())
        } else {
            Err((reason, message))
        }
    })
    .await;

    kubelet.pods_ready.store(true, Ordering::Relaxed);
    cluster.condition("shop", "Ready", "True").await;
    cluster.has_event("shop", "ServiceNotReady", "recovering").await;

    kubelet.pods_ready.store(false, Ordering::Relaxed);
    cluster.condition("shop", "Ready", "False").await;
}

#[tokio::test]
async fn failing_pods_are_reported() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    cluster.condition("shop", "Ready", "False").await;
    crate::support::until("the Deployment is made", || async {
        cluster.find(Kind::Deployment, "shop").await.is_some()
    })
    .await;
    let mut pod = at(&cluster.get(Kind::Deployment, "shop").await, "/spec/template").clone();
    pod["metadata"]["name"] = json!("shop-x");
    let pods = kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(
        cluster.client.clone(),
        &cluster.namespace,
    );
    pods.create(&PostParams::default(), &serde_json::from_value(pod).expect("a pod"))
        .await
        .expect("the pod is made");
    let status = json!({"status": {"containerStatuses": [{"name": "monolith", "image": "ticket:1", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": "ErrImagePull", "message": "rpc error"}}}]}});
    pods.patch_status("shop-x", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("its status is set");
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("PodsFailing", "monolith: cannot pull image ticket:1")
    );
    let (reason, message) = cluster.condition("shop", "Ready", "False").await;
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("PodsFailing", "monolith: 0 of 1 pods ready, cannot pull image ticket:1")
    );
}

#[tokio::test]
async fn diagnosis_lists_a_bounded_number_of_pods() {
    let cluster = Cluster::new().await;
    let pods = kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(
        cluster.client.clone(),
        &cluster.namespace,
    );
    let labels = labels::selector("shop", Component::Ticket);
    let waiting = json!({"status": {"containerStatuses": [{"name": "c", "image": "ticket:1", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": "ErrImagePull", "message": "rpc error"}}}]}});
    let reason = || diagnose(&cluster.client, None, &cluster.namespace, "shop", Component::Ticket);
    let confined = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    let spec =
        json!({"containers": [{"name": "c", "image": "ticket:1", "securityContext": confined}]});
    for number in 1..=21 {
        let pod = json!({"metadata": {"name": format!("pod-{number:02}"), "labels": labels}, "spec": spec});
        pods.create(&PostParams::default(), &serde_json::from_value(pod).expect("a pod"))
            .await
            .expect("the pod is made");
    }
    // Only the last pod fails, and it is beyond the limit.
    pods.patch_status("pod-21", &PatchParams::default(), &Patch::Merge(&waiting))
        .await
        .expect("its status is set");
    assert_eq!(reason().await, None);
    pods.patch_status("pod-20", &PatchParams::default(), &Patch::Merge(&waiting))
        .await
        .expect("its status is set");
    assert_eq!(
        reason().await.map(|diagnosis| diagnosis.message).as_deref(),
        Some("cannot pull image ticket:1")
    );
}

#[tokio::test]
async fn scaled_to_zero_is_not_ready_and_not_degraded() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"vacancy": {"replicas": 0}}))).await;
    crate::support::eventually("it shows", || async {
        let (reason, _) = cluster.condition("shop", "Ready", "False").await;
        if reason == "ScaledToZero" { Ok(()) } else { Err(reason) }
    })
    .await;
    cluster.condition("shop", "Degraded", "False").await;
}

#[tokio::test]
async fn failed_rollout_is_stalled_while_old_pods_serve() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    // An annotation counts as a change of a Deployment, which its controller has to observe.
    crate::support::until("the template of the writer is recorded and observed", || async {
        let writer = cluster.get(Kind::Deployment, "shop-vacancy").await;
        let is_recorded = writer.annotations().contains_key("ticket-system.io/good-template");
        let observed = at(&writer, "/status/observedGeneration").as_i64();
        is_recorded && observed == writer.metadata.generation
    })
    .await;
    kubelet.tends.store(false, std::sync::atomic::Ordering::Relaxed);
    let before = cluster.get(Kind::Deployment, "shop-ticket").await.metadata.generation;
    cluster.apply(&system("shop", json!({"images": {"ticket": "ticket:broken"}}))).await;
    crate::support::until("the new image is rolled out", || async {
        cluster.get(Kind::Deployment, "shop-ticket").await.metadata.generation > before
    })
    .await;
    let generation = cluster.get(Kind::Deployment, "shop-ticket").await.metadata.generation;
    let status = json!({"status": {"observedGeneration": generation, "replicas": 3, "readyReplicas": 2, "availableReplicas": 2, "updatedReplicas": 1,
        "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}});
    cluster
        .api(Kind::Deployment)
        .patch_status("shop-ticket", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("its status is set");
    let (reason, message) = cluster.condition("shop", "Stalled", "True").await;
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("ProgressDeadlineExceeded", "the latest pods of ticket did not become ready in time")
    );
    let (reason, _) = cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(reason, "ProgressDeadlineExceeded");
    cluster.condition("shop", "Ready", "True").await;
}

#[tokio::test]
async fn failing_new_pods_are_reported_while_old_ones_serve() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Progressing", "False").await;
    kubelet.tends.store(false, std::sync::atomic::Ordering::Relaxed);
    cluster.apply(&system("shop", json!({"images": {"ticket": "ticket:broken"}}))).await;
    cluster.condition("shop", "Progressing", "True").await;
    let mut pod = at(&cluster.get(Kind::Deployment, "shop-ticket").await, "/spec/template").clone();
    pod["metadata"]["name"] = json!("shop-ticket-x");
    let pods = kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(
        cluster.client.clone(),
        &cluster.namespace,
    );
    pods.create(&PostParams::default(), &serde_json::from_value(pod).expect("a pod"))
        .await
        .expect("the pod is made");
    let status = json!({"status": {"containerStatuses": [{"name": "ticket", "image": "ticket:broken", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "back-off"}}}]}});
    pods.patch_status("shop-ticket-x", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("its status is set");
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(
        (reason.as_str(), message.as_str()),
        ("PodsFailing", "ticket: cannot pull image ticket:broken")
    );
    cluster.condition("shop", "Ready", "True").await;
    crate::support::eventually("an event reports it", || async {
        let events = cluster.events("shop").await;
        if events.iter().any(|(reason, _)| reason == "PodsFailing") { Ok(()) } else { Err(events) }
    })
    .await;
}
