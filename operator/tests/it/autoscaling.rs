//! Handover of replicas between the operator and the autoscaler.

use kube::api::{Patch, PatchParams};
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, start, system};

/// Scales through the scale subresource, like the autoscaler.
async fn autoscale(cluster: &Cluster, name: &str, replicas: i32) {
    let params = PatchParams {
        field_manager: Some("kube-controller-manager".to_owned()),
        ..Default::default()
    };
    cluster
        .api(Kind::Deployment)
        .patch_scale(name, &params, &Patch::Merge(json!({"spec": {"replicas": replicas}})))
        .await
        .expect("it scales");
}

async fn replicas(cluster: &Cluster, name: &str) -> Value {
    at(&cluster.get(Kind::Deployment, name).await, "/spec/replicas").clone()
}

#[tokio::test]
async fn autoscaler_owns_replicas() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 2, "it starts with the least");
    autoscale(&cluster, "shop-ticket", 7).await;
    // All reasons to write the Deployment: a new configuration, drift, a resync.
    cluster.apply(&system("shop", json!({"logging": {"level": "DEBUG"}}))).await;
    eventually("the new configuration arrives", || async {
        let config = cluster.get(Kind::ConfigMap, "shop-ticket").await;
        if at(&config, "/data/LOG_LEVEL") == "DEBUG" { Ok(()) } else { Err("not yet") }
    })
    .await;
    cluster
        .edit(Kind::Deployment, "shop-ticket", json!({"spec": {"revisionHistoryLimit": 1}}))
        .await;
    eventually("drift is corrected", || async {
        let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
        if at(&deployment, "/spec/revisionHistoryLimit") == 5 { Ok(()) } else { Err("not yet") }
    })
    .await;
    let passes = running.operator.metrics.reconciliations("ok");
    eventually("some resyncs go by", || async {
        if running.operator.metrics.reconciliations("ok") > passes + 2 {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 7);
    assert_eq!(cluster.status("shop").await.ticket.expect("ticket").ready, "7/7");
}

#[tokio::test]
async fn toggling_autoscaling_never_drops_pods() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    let fixed = json!({"ticket": {"replicas": 5, "autoscaling": {"enabled": false}}});
    cluster.apply(&system("shop", fixed.clone())).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 5);
    assert!(cluster.find(Kind::HorizontalPodAutoscaler, "shop-ticket").await.is_none());

    // The number of pods must not be 1 at any time.
    let deployments = cluster.api(Kind::Deployment);
    let watcher = tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            if let Ok(deployment) = deployments.get("shop-ticket").await {
                let now = at(&deployment, "/spec/replicas").as_i64().unwrap_or_default();
                if seen.last() != Some(&now) {
                    seen.push(now);
                }
                if now == 4 {
                    return seen;
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    });
    cluster.apply(&system("shop", json!({"ticket": {"autoscaling": {"enabled": true}}}))).await;
    eventually("the autoscaler is made", || async {
        cluster
            .find(Kind::HorizontalPodAutoscaler, "shop-ticket")
            .await
            .map(|_| ())
            .ok_or("not yet")
    })
    .await;
    cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 5, "handed over as it stood");
    autoscale(&cluster, "shop-ticket", 8).await;
    cluster
        .apply(&system(
            "shop",
            json!({"ticket": {"replicas": 4, "autoscaling": {"enabled": false}}}),
        ))
        .await;
    let seen = tokio::time::timeout(std::time::Duration::from_secs(60), watcher)
        .await
        .expect("in time")
        .expect("no panic");
    assert_eq!(seen, [5, 8, 4]);
    eventually("the autoscaler goes", || async {
        if cluster.find(Kind::HorizontalPodAutoscaler, "shop-ticket").await.is_none() {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
}

#[tokio::test]
async fn autoscaler_does_not_start_at_zero() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster
        .apply(&system(
            "shop",
            json!({"ticket": {"replicas": 0, "autoscaling": {"enabled": false}}}),
        ))
        .await;
    eventually("it is scaled to zero", || async {
        let (reason, _) = cluster.condition("shop", "Ready", "False").await;
        if reason == "ScaledToZero" { Ok(()) } else { Err(reason) }
    })
    .await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 0);
    cluster
        .apply(&system(
            "shop",
            json!({"ticket": {"autoscaling": {"enabled": true, "minReplicas": 3}}}),
        ))
        .await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 3);
}

#[tokio::test]
async fn omitted_replicas_are_left_to_whatever_scales() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"ticket": {"autoscaling": {"enabled": false}}}))).await;
    cluster.condition("shop", "Ready", "True").await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 2, "it starts with the default");
    assert!(cluster.find(Kind::HorizontalPodAutoscaler, "shop-ticket").await.is_none());
    for count in [6, 0, 3] {
        autoscale(&cluster, "shop-ticket", count).await;
        // A reason to write the Deployment.
        let label = format!("r{count}");
        cluster
            .apply(&system(
                "shop",
                json!({"ticket": {"podAnnotations": {"round": label}, "autoscaling": {"enabled": false}}}),
            ))
            .await;
        eventually("the annotation arrives", || async {
            let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
            let found = at(&deployment, "/spec/template/metadata/annotations/round").clone();
            if found == label.as_str() { Ok(()) } else { Err(found) }
        })
        .await;
        assert_eq!(replicas(&cluster, "shop-ticket").await, count);
    }
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "FieldConflict", "False").await;
    // A fixed number is handed over as it stands when it is removed.
    let fixed = json!({"ticket": {"replicas": 5, "autoscaling": {"enabled": false}}});
    cluster.apply(&system("shop", fixed)).await;
    eventually("it is fixed", || async {
        let count = replicas(&cluster, "shop-ticket").await;
        if count == 5 { Ok(()) } else { Err(count) }
    })
    .await;
    cluster.apply(&system("shop", json!({"ticket": {"autoscaling": {"enabled": false}}}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Progressing", "False").await;
    assert_eq!(replicas(&cluster, "shop-ticket").await, 5);
}

#[tokio::test]
async fn autoscaling_condition_mirrors_the_autoscaler() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let (reason, _) = cluster.condition("shop", "Autoscaling", "Unknown").await;
    assert_eq!(reason, "NotReported");
    let autoscaler = cluster.get(Kind::HorizontalPodAutoscaler, "shop-ticket").await;
    let metric = at(&autoscaler, "/spec/metrics/0");
    assert_eq!(
        (&metric["type"], &metric["containerResource"]["container"]),
        (&json!("ContainerResource"), &json!("ticket"))
    );
    let report = |able: Value, active: Value| {
        let api = cluster.api(Kind::HorizontalPodAutoscaler);
        let status = json!({"status": {"currentReplicas": 2, "desiredReplicas": 2, "conditions": [able, active]}});
        async move {
            api.patch_status("shop-ticket", &PatchParams::default(), &Patch::Merge(status))
                .await
                .expect("its status is set");
        }
    };
    let condition = |type_: &str, status: &str, reason: &str| json!({"type": type_, "status": status, "reason": reason, "message": format!("because of {reason}")});
    let able = condition("AbleToScale", "True", "ReadyForNewScale");
    report(able.clone(), condition("ScalingActive", "False", "FailedGetContainerResourceMetric"))
        .await;
    let (reason, message) = cluster.condition("shop", "Autoscaling", "False").await;
    assert_eq!(reason, "FailedGetContainerResourceMetric");
    assert_eq!(message, "shop-ticket: because of FailedGetContainerResourceMetric");
    report(
        condition("AbleToScale", "False", "FailedGetScale"),
        condition("ScalingActive", "True", "ValidMetricFound"),
    )
    .await;
    eventually("the cause shows", || async {
        let (reason, _) = cluster.condition("shop", "Autoscaling", "False").await;
        if reason == "FailedGetScale" { Ok(()) } else { Err(reason) }
    })
    .await;
    report(able, condition("ScalingActive", "True", "ValidMetricFound")).await;
    let (reason, _) = cluster.condition("shop", "Autoscaling", "True").await;
    assert_eq!(reason, "ValidMetricFound");
    let off = json!({"ticket": {"replicas": 2, "autoscaling": {"enabled": false}}});
    cluster.apply(&system("shop", off)).await;
    eventually("the condition goes", || async {
        let conditions = cluster.status("shop").await.conditions;
        if conditions.iter().any(|found| found.type_ == "Autoscaling") {
            Err(conditions)
        } else {
            Ok(())
        }
    })
    .await;
}
