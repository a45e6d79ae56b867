//! Operators that are killed during a reconciliation.

use kube::ResourceExt;
use operator::{api::Mode, kind::Kind};
use serde_json::json;

use crate::support::{Cluster, at, eventually, kubelet, start, system};

/// Kills the operator after several delays into a creation and a change. The next operator has to
/// finish both.
#[tokio::test]
async fn operator_resumes_after_being_killed_at_any_point() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    for (round, after_ms) in [110, 130, 150, 180, 220, 300].into_iter().enumerate() {
        let name = format!("shop{round}");
        let operator = start(&cluster);
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        cluster.apply(&system(&name, json!({}))).await;
        tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
        operator.kill().await;
        let token = cluster
            .find(Kind::Secret, &format!("{name}-admin-token"))
            .await
            .map(|secret| at(&secret, "/data/token").clone());

        let operator = start(&cluster);
        cluster.condition(&name, "Ready", "True").await;
        let secret = cluster.get(Kind::Secret, &format!("{name}-admin-token")).await;
        if let Some(token) = token {
            assert_eq!(at(&secret, "/data/token"), &token, "a token that was given out stays");
        }
        cluster.apply(&system(&name, json!({"mode": "monolith", "stock": {"initial": 7}}))).await;
        tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
        operator.kill().await;

        let operator = start(&cluster);
        eventually(&format!("round {round} converges"), || async {
            let system = cluster
                .systems()
                .get(&name)
                .await
                .map_err(|error| (error.to_string(), Vec::new(), 0))?;
            let status = system.status.unwrap_or_default();
            let seen = status.observed_generation == system.metadata.generation
                && status.mode == Some(Mode::Monolith);
            let ready = status
                .conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True");
            let left = cluster
                .children()
                .await
                .into_iter()
                .filter(|child| {
                    child.ends_with(&format!("{name}-ticket"))
                        || child.ends_with(&format!("{name}-vacancy"))
                })
                .count();
            if seen && ready && left == 0 {
                Ok(())
            } else {
                Err((String::new(), status.conditions, left))
            }
        })
        .await;
        assert_eq!(
            at(&cluster.get(Kind::Secret, &format!("{name}-admin-token")).await, "/data/token"),
            at(&secret, "/data/token")
        );
        assert_eq!(at(&cluster.get(Kind::ConfigMap, &name).await, "/data/INITIAL_STOCK"), "10000");
        assert!(cluster.get(Kind::Deployment, &name).await.uid().is_some());
        operator.kill().await;
    }
}
