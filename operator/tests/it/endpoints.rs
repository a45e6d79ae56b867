//! The headless Service through which ticket finds all vacancy pods.

use kube::api::DeleteParams;
use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, at, eventually, kubelet, start, system};

const NAME: &str = "shop-vacancy-endpoints";

#[tokio::test]
async fn database_system_has_it_beside_the_cluster_ip() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.shop_on_a_database().await;
    let headless = cluster.get(Kind::Service, NAME).await;
    assert_eq!(at(&headless, "/spec/clusterIP"), "None");
    assert_ne!(at(&headless, "/spec/publishNotReadyAddresses"), true);
    assert_eq!(at(&headless, "/spec/ports/0/port"), 8001);
    let service = cluster.get(Kind::Service, "shop-vacancy").await;
    assert_ne!(at(&service, "/spec/clusterIP"), "None", "it stays for other clients");
    assert_eq!(at(&headless, "/spec/selector"), at(&service, "/spec/selector"));
    let settings = cluster.get(Kind::ConfigMap, "shop-ticket").await;
    assert_eq!(at(&settings, "/data/VACANCY_URL"), &format!("http://{NAME}:8001"));

    // As after an upgrade from a release without it.
    cluster.api(Kind::Service).delete(NAME, &DeleteParams::default()).await.expect("deleted");
    eventually("it is made again", || async {
        cluster.find(Kind::Service, NAME).await.map(|_| ()).ok_or("not yet")
    })
    .await;
    let version = |object: &kube::core::DynamicObject| object.metadata.resource_version.clone();
    let made = cluster.get(Kind::Service, NAME).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let later = cluster.get(Kind::Service, NAME).await;
    assert_eq!(version(&later), version(&made), "it is written once");
}

#[tokio::test]
async fn single_writer_keeps_its_cluster_ip() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    assert!(cluster.find(Kind::Service, NAME).await.is_none());
    let settings = cluster.get(Kind::ConfigMap, "shop-ticket").await;
    assert_eq!(at(&settings, "/data/VACANCY_URL"), "http://shop-vacancy:8001");
}
