//! Restarts of the API server.

use std::{sync::Arc, time::Duration};

use operator::kind::Kind;
use serde_json::json;

use crate::support::{
    Cluster, apiserver::ApiServer, at, cluster::install, eventually, kubelet, start, system,
};

#[tokio::test]
async fn operator_survives_api_server_restarts() {
    let server = Arc::new(ApiServer::start().await);
    install(&server).await;
    let cluster = Cluster::on(Arc::clone(&server)).await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    for round in 0..2 {
        // Killed right after a change, while the operator may be applying it.
        cluster
            .apply(&system("shop", json!({"otlpEndpoint": format!("http://otel:{round}")})))
            .await;
        server.kill();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(
            running.operator.progress.stuck(std::time::Instant::now()).is_none(),
            "the liveness check passes without an API server"
        );
        server.start_again().await;
        eventually("the change is finished", || async {
            let config = cluster.get(Kind::ConfigMap, "shop-vacancy").await;
            if at(&config, "/data/OTEL_EXPORTER_OTLP_ENDPOINT")
                == &json!(format!("http://otel:{round}"))
            {
                Ok(())
            } else {
                Err("not yet".to_owned())
            }
        })
        .await;
        // Drift of a watched kind shows that the watches have recovered.
        cluster.delete(Kind::Service, "shop-ticket").await;
        eventually("drift is seen again", || async {
            cluster.find(Kind::Service, "shop-ticket").await.map(|_| ()).ok_or("not yet")
        })
        .await;
        cluster.condition("shop", "Ready", "True").await;
    }
}
