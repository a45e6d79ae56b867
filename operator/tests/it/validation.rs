//! Invalid specs and unreadable resources.

use serde_json::{Value, json};

use crate::support::{Cluster, kubelet, start, system};

#[tokio::test]
async fn invalid_specs_are_rejected_with_a_remedy() {
    let cluster = Cluster::new().await;
    let postgres = json!({"postgres": {"secretRef": {"name": "db"}}});
    let one_writer = "which is one volume with one writer: remove it, or set storage.postgres";
    let cases: Vec<(Value, String)> = vec![
        (json!({"vacancy": {"replicas": 2}}), format!("vacancy.replicas must be at most 1 on embedded storage, {one_writer}")),
        (
            json!({"vacancy": {"autoscaling": {"enabled": true}}}),
            format!("vacancy.autoscaling cannot be enabled on embedded storage, {one_writer}"),
        ),
        (
            json!({"mode": "monolith", "ticket": {"replicas": 3}}),
            format!("ticket.replicas must be at most 1 in monolith mode on embedded storage, {one_writer}"),
        ),
        (
            json!({"mode": "monolith", "ticket": {"autoscaling": {"enabled": true}}}),
            format!("ticket.autoscaling cannot be enabled in monolith mode on embedded storage, {one_writer}"),
        ),
        (
            json!({"ticket": {"autoscaling": {"minReplicas": 11}}}),
            "autoscaling.minReplicas must not be above autoscaling.maxReplicas: lower minReplicas or raise maxReplicas".to_owned(),
        ),
        (
            json!({"storage": {"embedded": {}, "postgres": {"secretRef": {"name": "db"}}}}),
            "storage takes either embedded or postgres, not both: remove one of them".to_owned(),
        ),
        (
            json!({"ticket": {"connectionPool": {"maxConnections": 5}}}),
            "connectionPool.keepaliveConnections must not be above connectionPool.maxConnections: lower keepaliveConnections or raise maxConnections"
                .to_owned(),
        ),
        (
            json!({"rateLimit": {"perSecond": 5, "trustedProxies": ["10.0.0.0/33"]}}),
            "rateLimit.trustedProxies must be addresses or networks such as 10.244.0.0/16".to_owned(),
        ),
        (json!({"rateLimit": {"perSecond": 5}}), "trustedProxies: Required value".to_owned()),
        (json!({"rateLimit": {"perSecond": 0, "trustedProxies": []}}), "should be greater than or equal to 1".to_owned()),
        (json!({"otlpEndpoint": "https://collector:4318"}), "otlpEndpoint must be an http URL".to_owned()),
        (json!({"queue": {"beacon": {"urls": ["http://api.drand.sh"]}}}), "queue.beacon.urls must be https URLs".to_owned()),
        (json!({"queue": {"beacon": {"urls": ["https://user@api.drand.sh"]}}}), "queue.beacon.urls must be https URLs".to_owned()),
        (json!({"queue": {"beacon": {"urls": ["https://a,https://b"]}}}), "queue.beacon.urls must be https URLs".to_owned()),
        (json!({"queue": {"beacon": {"urls": ["https://:443"]}}}), "queue.beacon.urls must be https URLs".to_owned()),
        (json!({"queue": {"beacon": {"urls": []}}}), "should have at least 1 items".to_owned()),
        (json!({"queue": {"beacon": {"urls": vec!["https://a"; 9]}}}), "must have at most 8 items".to_owned()),
        (json!({"stock": {"initial": -1}}), "should be greater than or equal to 0".to_owned()),
        (
            json!({"storage": {"embedded": {"size": "10GB"}}}),
            "storage.embedded.size must be a size above 0 such as 10Gi or 500M".to_owned(),
        ),
        (json!({"storage": {"embedded": {"size": "0"}}}), "must be a size above 0".to_owned()),
        (json!({"storage": {"embedded": {"size": -5}}}), "must be a size above 0".to_owned()),
        (
            json!({"podDisruptionBudget": {"maxUnavailable": "110%"}}),
            "podDisruptionBudget.maxUnavailable must be a number of pods, or a percentage from 0% to 100%".to_owned(),
        ),
        (json!({"podDisruptionBudget": {"maxUnavailable": "5"}}), "percentage from 0% to 100%".to_owned()),
        (json!({"podDisruptionBudget": {"maxUnavailable": -1}}), "percentage from 0% to 100%".to_owned()),
        (
            json!({"ticket": {"resources": {"requests": {"memory": "1GB"}}}}),
            "spec.ticket.resources.requests.memory".to_owned(),
        ),
        (
            json!({"vacancy": {"resources": {"limits": {"cpu": "two"}}}}),
            "spec.vacancy.resources.limits.cpu".to_owned(),
        ),
        (json!({"mode": "duolith"}), "Unsupported value".to_owned()),
        (json!({"logging": {"level": "LOUD"}}), "Unsupported value".to_owned()),
    ];
    for (spec, words) in cases {
        let rejected =
            cluster.try_apply(&system("shop", spec.clone())).await.expect_err("an error");
        assert!(rejected.message.contains(&words), "{spec}: {}", rejected.message);
    }
    for host in [
        "http://a.example.com",
        "a.example.com:80",
        "a.example.com/x",
        "Tickets.example.com",
        "10.0.0.1",
        "-a.example.com",
        "a..b",
        "*",
    ] {
        let rejected = cluster
            .try_apply(&system("shop", json!({"ingress": {"host": host}})))
            .await
            .expect_err("an error");
        assert!(
            rejected.message.contains("ingress.host must be a DNS name in lower case"),
            "{host}: {}",
            rejected.message
        );
    }
    for name in ["1shop", "a.b", &"a".repeat(41)] {
        let rejected = cluster.try_apply(&system(name, json!({}))).await.expect_err("an error");
        assert!(
            rejected.message.contains("metadata.name becomes the name of Services"),
            "{name}: {}",
            rejected.message
        );
    }
    for (name, spec) in [
        (
            "a",
            json!({"storage": postgres, "vacancy": {"replicas": 5, "autoscaling": {"enabled": true}}}),
        ),
        (
            "h",
            json!({"queue": {"paused": false, "beacon": {"urls": ["https://api.drand.sh", "https://relay.example:6875/drand"]}}}),
        ),
        ("b", json!({"ingress": {"host": "*.tickets.example.com"}})),
        ("c", json!({"mode": "monolith", "storage": postgres, "ticket": {"replicas": 3}})),
        ("d", json!({"vacancy": {"replicas": 0}, "storage": {"embedded": {"size": null}}})),
        (
            "e",
            json!({"rateLimit": {"perSecond": 5, "trustedProxies": ["10.244.0.0/16", "192.0.2.7", "2001:db8::/32"]}}),
        ),
        (
            "g",
            json!({"storage": {"embedded": {"size": 1_000_000_000}}, "podDisruptionBudget": {"maxUnavailable": "100%"},
                "ticket": {"resources": {"requests": {"cpu": 1, "memory": "1.5Gi"}}}}),
        ),
        (
            "h",
            json!({"podDisruptionBudget": {"maxUnavailable": "0%"}, "storage": {"embedded": {"size": "1e9"}}}),
        ),
        ("f", json!({"otlpEndpoint": "http://otel.tracing.svc:4318/collector"})),
    ] {
        cluster.apply(&system(name, spec)).await;
    }
}

#[tokio::test]
async fn storage_change_of_a_live_system_needs_an_annotation() {
    let cluster = Cluster::new().await;
    let moved = json!({"storage": {"postgres": {"secretRef": {"name": "db"}}}});
    cluster.apply(&system("shop", json!({}))).await;
    let rejected = cluster.try_apply(&system("shop", moved.clone())).await.expect_err("an error");
    assert!(
        rejected.message.contains(
            "storage is embedded and would become postgres, which does not migrate the data"
        ) && rejected.message.contains("ticket-system.io/allow-storage-change"),
        "{}",
        rejected.message
    );
    let mut allowed = system("shop", moved);
    allowed["metadata"]["annotations"] = json!({"ticket-system.io/allow-storage-change": "true"});
    cluster.apply(&allowed).await;
}

#[tokio::test]
async fn missing_secret_is_reported_until_it_exists() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster
        .apply(&system(
            "shop",
            json!({"storage": {"postgres": {"secretRef": {"name": "db", "key": "url"}}}}),
        ))
        .await;
    let (reason, message) = cluster.condition("shop", "Ready", "False").await;
    assert_eq!(reason, "SecretMissing");
    assert!(message.contains("Secret db does not exist"), "{message}");
    cluster.condition("shop", "Stalled", "True").await;
    assert!(cluster.children().await.is_empty(), "nothing is half made");
    cluster.secret("db", "other", "x").await;
    crate::support::eventually("the key is missed", || async {
        let (_, message) = cluster.condition("shop", "Ready", "False").await;
        if message.contains("no value under the key url") { Ok(()) } else { Err(message) }
    })
    .await;
    cluster.secret("db", "url", "mysql://x").await;
    crate::support::eventually("the value is checked", || async {
        let (reason, _) = cluster.condition("shop", "Ready", "False").await;
        if reason == "SecretInvalid" { Ok(()) } else { Err(reason) }
    })
    .await;
    cluster.secret("db", "url", "postgres://a:b@db/c").await;
    cluster.condition("shop", "Ready", "True").await;
    let status = cluster.status("shop").await;
    assert!(status.conditions.iter().all(|condition| condition.type_ != "Stalled"));
}

#[tokio::test]
async fn unreadable_resource_does_not_block_others() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    // The schema has no bound for this number, but the type of the operator has.
    let spread = json!([{"maxSkew": 5_000_000_000_i64, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]);
    let mut odd = system("odd", json!({"ticket": {"topologySpread": spread}}));
    odd["metadata"]["namespace"] = json!(cluster.namespace);
    crate::support::cluster::apply_value(&cluster.client, &odd).await;
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let (reason, message) = cluster.raw_condition("odd", "Stalled").await;
    assert_eq!(reason, "SpecInvalid");
    assert!(message.starts_with("the spec cannot be read: "), "{message}");
}

#[tokio::test]
async fn resource_that_becomes_unreadable_keeps_its_status() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let _operator = start(&cluster);
    cluster.apply(&system("shop", json!({"mode": "monolith", "stock": {"initial": 77}}))).await;
    cluster.condition("shop", "Ready", "True").await;
    let spread = json!([{"maxSkew": 5_000_000_000_i64, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]);
    let mut odd = system(
        "shop",
        json!({"mode": "monolith", "stock": {"initial": 77}, "ticket": {"topologySpread": spread}}),
    );
    odd["metadata"]["namespace"] = json!(cluster.namespace);
    crate::support::cluster::apply_value(&cluster.client, &odd).await;
    let (reason, _) = cluster.raw_condition("shop", "Stalled").await;
    assert_eq!(reason, "SpecInvalid");
    let (reason, _) = cluster.raw_condition("shop", "Ready").await;
    assert_eq!(reason, "Serving", "running pods are kept");
    let resource = kube::core::ApiResource::erase::<operator::api::TicketSystem>(&());
    let api: kube::Api<kube::core::DynamicObject> =
        kube::Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
    let status = api.get("shop").await.expect("the resource").data["status"].clone();
    assert_eq!(
        (&status["mode"], &status["storage"], &status["initialStock"], &status["ticket"]["ready"]),
        (&json!("monolith"), &json!("embedded"), &json!(77), &json!("1/1")),
        "{status}"
    );
    let ignored = status["conditions"]
        .as_array()
        .expect("conditions")
        .iter()
        .find(|condition| condition["type"] == "StockChangeIgnored");
    assert_eq!(
        ignored.expect("it is always there")["status"],
        "False",
        "the stock is readable and unchanged"
    );
}
