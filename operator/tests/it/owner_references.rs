//! Clusters that check owner references, such as OpenShift.

use std::sync::Arc;

use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, apiserver::ApiServer, install, kubelet, start, system};

/// There, an owner reference that blocks deletion needs a right on the owner, so no child has one.
/// Changing the owner of an existing object needs the right to delete it. The operator may not
/// delete claims and Secrets, and reports a later change of `retain`.
#[tokio::test]
async fn system_becomes_ready_where_owner_references_are_checked() {
    let server =
        ApiServer::start_with(&["--enable-admission-plugins=OwnerReferencesPermissionEnforcement"])
            .await;
    install(&server).await;
    let cluster = Cluster::on(Arc::new(server)).await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let service = cluster.get(Kind::Service, "shop-ticket").await;
    let owners = service.metadata.owner_references.unwrap_or_default();
    assert_eq!((owners.len(), owners[0].block_owner_deletion), (1, None));

    cluster.apply(&system("shop", json!({"storage": {"embedded": {"retain": false}}}))).await;
    let (reason, message) = cluster.condition("shop", "Degraded", "True").await;
    assert_eq!(reason, "ApplyFailed");
    assert!(message.contains("ownerRef on a resource you can't delete"), "{message}");
    cluster.apply(&system("shop", json!({"storage": {"embedded": {"retain": true}}}))).await;
    cluster.condition("shop", "Degraded", "False").await;
}
