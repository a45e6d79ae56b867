//! Settled systems cause no writes.

use std::{collections::BTreeMap, time::Duration};

use operator::kind::Kind;
use serde_json::json;

use crate::support::{Cluster, Running, eventually, kubelet, start, system};

fn writes(running: &Running) -> BTreeMap<(String, String), u64> {
    let mut calls = running.operator.metrics.api_requests();
    calls.retain(|(verb, _), _| !matches!(verb.as_str(), "get" | "list" | "watch"));
    calls
}

async fn quiet(running: &Running) {
    let passes = || running.operator.metrics.reconciliations("ok");
    let (mut before, mut since) = (writes(running), passes());
    eventually("writes cease", || {
        let (now, passed) = (writes(running), passes());
        // Twice the number of systems: a pass of each begins after the last write.
        let same = now == before && passed >= since + 8;
        if now != before {
            (before, since) = (now, passed);
        }
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if same { Ok(()) } else { Err("not yet") }
        }
    })
    .await;
}

#[tokio::test]
async fn settled_systems_cause_no_writes() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let running = start(&cluster);
    cluster.secret("db", "uri", "postgres://a:b@db/c").await;
    // Spellings that the API server normalizes, and every field of a spec.
    let rich = json!({
        "storage": {"postgres": {"secretRef": {"name": "db"}}},
        "ingress": {"host": "a.example.com", "className": "nginx", "annotations": {"a": "b"}, "tls": {"secretName": "cert"}},
        "networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]},
        "podDisruptionBudget": {"maxUnavailable": "30%"},
        "images": {"pullSecrets": ["registry"], "pullPolicy": "Always"},
        "ticket": {
            "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"memory": "1.5Gi"}},
            "env": [{"name": "A", "value": "1"}, {"name": "EMPTY", "value": ""}],
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "a", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}}]}},
            "topologySpread": [{"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
            "autoscaling": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}}},
        },
    });
    for (name, spec) in [
        ("plain", json!({})),
        (
            "mono",
            json!({"mode": "monolith", "storage": {"embedded": {"size": "1024Mi", "retain": false}}}),
        ),
        (
            "odd",
            json!({
                "storage": {"embedded": {"size": "1e9"}},
                "ticket": {"resources": {"requests": {"cpu": "100500u", "memory": "1e8"}, "limits": {"cpu": "1500000000n", "memory": "+5E8"}}},
                "vacancy": {"resources": {"requests": {"cpu": "1e-1"}}},
            }),
        ),
        ("rich", rich),
    ] {
        cluster.apply(&system(name, spec)).await;
    }
    for name in ["plain", "mono", "odd", "rich"] {
        cluster.condition(name, "Ready", "True").await;
        cluster.condition(name, "Progressing", "False").await;
        let (_, why) = cluster.condition(name, "Degraded", "False").await;
        assert_eq!(why, "no problem found");
    }
    quiet(&running).await;
    let before = writes(&running);
    let passes = running.operator.metrics.reconciliations("ok");
    // An irrelevant change, and several resyncs of each system.
    cluster
        .edit(Kind::Service, "plain-ticket", json!({"metadata": {"annotations": {"x": "y"}}}))
        .await;
    eventually("passes go by", || async {
        if running.operator.metrics.reconciliations("ok") > passes + 12 {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    assert_eq!(writes(&running), before);
}

#[tokio::test]
async fn restarted_operator_writes_nothing() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let first = start(&cluster);
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    quiet(&first).await;
    first.kill().await;
    let second = start(&cluster);
    eventually("passes go by", || async {
        if second.operator.metrics.reconciliations("ok") > 2 { Ok(()) } else { Err("not yet") }
    })
    .await;
    assert_eq!(writes(&second), BTreeMap::new());
}
