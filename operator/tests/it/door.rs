//! An upgrade from an operator whose Ingress led some calls to vacancy.

use std::sync::atomic::Ordering;

use kube::core::DynamicObject;
use operator::kind::Kind;
use serde_json::{Value, json};

use crate::support::{Cluster, at, eventually, kubelet, start, system};

fn leads_to_vacancy(ingress: &DynamicObject) -> bool {
    ingress.data.to_string().contains("shop-vacancy")
}

/// What the former operator left: an Ingress to vacancy, a policy that admits everyone, and pods of
/// ticket with another template.
async fn as_before(cluster: &Cluster) {
    let ingress = cluster.get(Kind::Ingress, "shop").await;
    let mut rules = at(&ingress, "/spec/rules").clone();
    let paths = rules[0]["http"]["paths"].as_array_mut().expect("paths");
    for path in paths.iter_mut().filter(|path| path["path"] == "/api/v1/events") {
        path["backend"]["service"]["name"] = json!("shop-vacancy");
    }
    cluster.edit(Kind::Ingress, "shop", json!({"spec": {"rules": rules}})).await;
    let open = json!([{"ports": [{"port": 8001, "protocol": "TCP"}]}]);
    cluster.edit(Kind::NetworkPolicy, "shop-vacancy", json!({"spec": {"ingress": open}})).await;
    let old = json!({"metadata": {"annotations": {"ticket-system.io/template-hash": "of-the-former"}},
        "spec": {"template": {"metadata": {"annotations": {"ticket-system.io/config-checksum": "of-the-former"}}}}});
    cluster.edit(Kind::Deployment, "shop-ticket", old).await;
}

async fn policy(cluster: &Cluster) -> Value {
    let policy = cluster.get(Kind::NetworkPolicy, "shop-vacancy").await;
    at(&policy, "/spec/ingress/0/from").clone()
}

#[tokio::test]
async fn ingress_moves_to_ticket_after_its_rollout() {
    let cluster = Cluster::new().await;
    let kubelet = kubelet::start(&cluster);
    let operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    cluster.condition("shop", "Progressing", "False").await;
    let admitted = policy(&cluster).await;
    assert_eq!(admitted.as_array().map(Vec::len), Some(3));
    operator.kill().await;
    as_before(&cluster).await;
    kubelet.pods_ready.store(false, Ordering::Relaxed);
    let _operator = start(&cluster);
    eventually("ticket has the new template", || async {
        let deployment = cluster.get(Kind::Deployment, "shop-ticket").await;
        let annotations = deployment.metadata.annotations.unwrap_or_default();
        match annotations["ticket-system.io/template-hash"].as_str() {
            "of-the-former" => Err("not yet"),
            _ => Ok(()),
        }
    })
    .await;
    // Longer than a resync. The old pods of ticket do not serve what vacancy does.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(leads_to_vacancy(&cluster.get(Kind::Ingress, "shop").await));
    assert_eq!(policy(&cluster).await, Value::Null, "the Ingress controller is still admitted");
    kubelet.pods_ready.store(true, Ordering::Relaxed);
    eventually("the Ingress moves", || async {
        let leads = leads_to_vacancy(&cluster.get(Kind::Ingress, "shop").await);
        if leads { Err("not yet") } else { Ok(()) }
    })
    .await;
    eventually("vacancy is closed to others", || async {
        let found = policy(&cluster).await;
        if found == admitted { Ok(()) } else { Err(found) }
    })
    .await;
    cluster.condition("shop", "Progressing", "False").await;
}
