//! What the rendered children let in, and as whom their pods run.

use std::path::Path;

use serde_json::{Value, json};

use crate::render::render;

#[test]
fn platform_ids_leave_only_the_ids_out() {
    for mode in ["monolith", "microservices"] {
        let fixed = render(json!({"mode": mode}));
        let open = render(json!({"mode": mode, "security": {"platformIds": true}}));
        assert_eq!(fixed.keys().collect::<Vec<_>>(), open.keys().collect::<Vec<_>>());
        for (name, child) in open.iter().filter(|(name, _)| name.starts_with("Deployment/")) {
            let security = &child["spec"]["template"]["spec"]["securityContext"];
            for id in ["runAsUser", "runAsGroup", "fsGroup"] {
                assert_eq!(security[id], Value::Null, "{id} of {name}");
            }
            assert_eq!(security["runAsNonRoot"], true);
            let mut fixed = fixed[name].clone();
            let context = &mut fixed["spec"]["template"]["spec"]["securityContext"];
            let context = context.as_object_mut().expect("an object");
            context
                .retain(|key, _| !["runAsUser", "runAsGroup", "fsGroup"].contains(&key.as_str()));
            // A hash of the template.
            fixed["metadata"]["annotations"] = child["metadata"]["annotations"].clone();
            assert_eq!(&fixed, child, "nothing else changes in {name}");
        }
    }
}

#[test]
fn every_linked_page_is_routed() {
    let children = render(json!({}));
    let rules = &children["Ingress/shop"]["spec"]["rules"][0]["http"]["paths"];
    for page in ["/docs", "/redoc", "/openapi.json"] {
        let routed = rules.as_array().expect("paths").iter().any(|rule| rule["path"] == page);
        assert!(routed, "{page} is linked from / and not routed");
    }
}

/// A sample whose policy lists peers and that is scraped admits Prometheus and the operator, which
/// asks pods why they are not ready.
#[test]
fn samples_admit_prometheus_and_the_operator() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../k8s/samples");
    let mut restricted = 0;
    for entry in std::fs::read_dir(folder).expect("samples") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a sample");
        let sample: Value = serde_saphyr::from_str(&text).expect("YAML");
        let children = render(sample["spec"].clone());
        let policies = children.iter().filter(|(name, _)| name.starts_with("NetworkPolicy/"));
        for (name, policy) in policies {
            let from = &policy["spec"]["ingress"][0]["from"];
            let Some(peers) = from.as_array() else { continue };
            restricted += 1;
            for (namespace, pod) in
                [("monitoring", "prometheus"), ("ticket-system", "ticket-system-operator")]
            {
                let admitted = peers.iter().any(|peer| {
                    let labels = &peer["namespaceSelector"]["matchLabels"];
                    labels["kubernetes.io/metadata.name"] == namespace
                        || peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == pod
                });
                assert!(admitted, "{name} of {} shuts {namespace} out", path.display());
            }
        }
    }
    assert!(restricted > 3, "the vacancy of each sample, and the ticket of one: {restricted}");
}
