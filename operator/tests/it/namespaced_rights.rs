//! Rights in a watched namespace, and the kind ServiceMonitor.

use kube::api::DeleteParams;
use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, at, cluster::apply_value, eventually, kubelet, start, system};

/// Uses its own API server, because it removes rights and adds a kind that other tests expect to be
/// absent.
#[tokio::test]
async fn watched_namespace_needs_rights_only_there() {
    let (cluster, elsewhere) = Cluster::pair_without_rights().await;
    apply_value(
        &cluster.client,
        &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "ticket-system-operator", "namespace": cluster.namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ticket-system-operator"},
            "subjects": [{"kind": "ServiceAccount", "name": "ticket-system-operator", "namespace": "ticket-system"}]}),
    )
    .await;
    apply_value(
        &cluster.client,
        &json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
            "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
                "versions": [{"name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}),
    )
    .await;
    eventually("ServiceMonitors are served", || async {
        cluster
            .api(Kind::ServiceMonitor)
            .list(&Default::default())
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
    .await;

    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    elsewhere.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Degraded", "False").await;

    let made = cluster.get(Kind::ServiceMonitor, "shop").await;
    assert_eq!(at(&made, "/spec/endpoints/0/path"), "/metrics");
    cluster.delete(Kind::ServiceMonitor, "shop").await;
    eventually("it comes back", || async {
        cluster.find(Kind::ServiceMonitor, "shop").await.map(|_| ()).ok_or("not yet")
    })
    .await;
    cluster.apply(&system("shop", json!({"monitoring": {"serviceMonitor": false}}))).await;
    eventually("it is pruned", || async {
        if cluster.find(Kind::ServiceMonitor, "shop").await.is_none() {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;

    // The kind is deleted while its discovery is still cached. That is not an error.
    cluster.apply(&system("shop", json!({}))).await;
    eventually("it is recreated", || async {
        cluster.find(Kind::ServiceMonitor, "shop").await.map(|_| ()).ok_or("not yet")
    })
    .await;
    let kinds = kube::Api::<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition>::all(
        cluster.client.clone(),
    );
    kinds
        .delete("servicemonitors.monitoring.coreos.com", &DeleteParams::default())
        .await
        .expect("the kind goes");
    eventually("ServiceMonitors are served no longer", || async {
        match cluster.api(Kind::ServiceMonitor).list(&Default::default()).await {
            Ok(_) => Err("still served".to_owned()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
    let passes = running.operator.metrics.reconciliations("ok");
    eventually("passes go by", || async {
        if running.operator.metrics.reconciliations("ok") > passes + 2 {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    cluster.condition("shop", "Degraded", "False").await;

    assert!(
        elsewhere.children().await.is_empty()
            && elsewhere.status("shop").await.conditions.is_empty(),
        "not watched, not changed"
    );
    assert_eq!(running.operator.metrics.reconciliations("error"), 0);
}
