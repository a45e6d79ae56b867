//! Values: refusals and their messages, defaults, and the pods they render.

use chart_tests::{chart, documents, file, helm, root, template, the, values};
use serde_json::{Value, json};

/// The error of helm about `--set-json key=value`.
fn refusal(set: &str) -> String {
    template("shop", "demo", &["--set-json", set]).expect_err(set)
}

#[test]
fn misspelt_values_are_refused() {
    for (set, named) in [
        (r#"operator={"replica": 1}"#, "replica"),
        (r#"operator.replicas="two""#, "replicas"),
        (r#"images.operator.digest="sha256:abc""#, "digest"),
        (r#"images.pullPolicy="Sometimes""#, "pullPolicy"),
        (r#"operator.watchNamespaces=["Upper"]"#, "watchNamespaces"),
        (r#"operator.extraEnv=[{"name": "WATCH_NAMESPACES", "value": "x"}]"#, "extraEnv"),
        (r#"ticketSystem.name="9lives""#, "name"),
        (r#"monitoring.serviceMonitor.interval="soon""#, "interval"),
        (r#"test.timeoutSeconds=0"#, "timeoutSeconds"),
        (r#"ticketSystem.spec={"stok": {}}"#, "stok"),
        (r#"ticketSystem.spec={"ticket": {"autoscaling": {"maxReplica": 3}}}"#, "maxReplica"),
        (r#"ticketSystem.spec={"mode": "microservice"}"#, "mode"),
        (r#"ticketSystem.spec={"stock": {"initial": "many"}}"#, "initial"),
        (r#"ticketSystem.spec={"storage": {"postgres": {}}}"#, "secretRef"),
        (r#"ticketSystem.spec={"ticket": {"affinity": {"nodeAfinity": {}}}}"#, "nodeAfinity"),
    ] {
        let told = refusal(set);
        assert!(told.contains(named), "{set}: {told}");
    }
}

#[test]
fn system_outside_watched_namespaces_is_refused() {
    let told = template(
        "shop",
        "demo",
        &["--set", "ticketSystem.enabled=true,operator.watchNamespaces={west}"],
    )
    .unwrap_err();
    assert!(told.contains("namespace demo, which operator.watchNamespaces leaves out"), "{told}");
}

#[test]
fn defaults_and_descriptions_match() {
    let defaults = &file("charts/ticket-system/values.yaml")[0];
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(chart().join("values.schema.json")).unwrap())
            .unwrap();
    agree("", defaults, &schema);
}

/// Checks that both have the same keys, as deep as the schema names them.
fn agree(path: &str, defaults: &Value, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else { return };
    // Helm defines `global`, Kubernetes defines requests, limits and claims, and the spec of a
    // ticket system has its defaults in the CustomResourceDefinition.
    if path.ends_with("/resources") || path == "/ticketSystem/spec" {
        return;
    }
    let described: Vec<_> = properties.keys().filter(|key| *key != "global").collect();
    let mut given: Vec<_> =
        defaults.as_object().unwrap_or_else(|| panic!("{path}")).keys().collect();
    given.sort();
    let mut sorted = described.clone();
    sorted.sort();
    assert_eq!(given, sorted, "{path}");
    for key in described {
        agree(&format!("{path}/{key}"), &defaults[key], &properties[key]);
    }
}

#[test]
fn every_values_file_passes_strict_lint() {
    for name in values() {
        let file = root("tests/chart/values").join(format!("{name}.yaml"));
        let chart = chart();
        let args = [
            "lint",
            "--strict",
            "--kube-version",
            "1.33.0",
            "--namespace",
            "demo",
            chart.to_str().unwrap(),
            "--values",
        ];
        let output = helm(&[&args[..], &[file.to_str().unwrap()]].concat());
        assert!(
            output.status.success(),
            "{name}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn system_spec_is_rendered_unchanged() {
    let spec = json!({"stock": {"initial": 1_000_000_000}, "ticket": {"env": [{"name": "A", "value": "01"}]}, "images": {"ticket": "t:1"}});
    let set = format!("ticketSystem={}", json!({"enabled": true, "spec": spec}));
    let rendered = documents(&template("shop", "demo", &["--set-json", &set]).unwrap());
    assert_eq!(the(&rendered, "TicketSystem", "shop")["spec"], spec);
    let test = the(&rendered, "Pod", "shop-test-buy");
    assert_eq!(
        test["spec"]["containers"][0]["image"], "t:1",
        "the test buys with the image that sells"
    );

    let rendered = documents(
        &template("shop", "demo", &["--set-json", &set, "--set", "images.pullSecrets={mine}"])
            .unwrap(),
    );
    assert_eq!(
        the(&rendered, "TicketSystem", "shop")["spec"]["images"],
        json!({"ticket": "t:1", "pullSecrets": ["mine"]})
    );
}

/// Every pod of the chart satisfies the restricted Pod Security Standard.
#[test]
fn every_pod_is_restricted() {
    for name in values() {
        let file = root("tests/chart/values").join(format!("{name}.yaml"));
        let rendered =
            documents(&template("shop", "demo", &["--values", file.to_str().unwrap()]).unwrap());
        let pods: Vec<&Value> = rendered
            .iter()
            .filter_map(|document| match document["kind"].as_str() {
                Some("Pod") => Some(&document["spec"]),
                Some("Deployment" | "Job") => Some(&document["spec"]["template"]["spec"]),
                _ => None,
            })
            .collect();
        assert!(!pods.is_empty());
        for pod in pods {
            assert_eq!(
                (
                    &pod["securityContext"]["runAsNonRoot"],
                    &pod["securityContext"]["seccompProfile"]["type"]
                ),
                (&json!(true), &json!("RuntimeDefault"))
            );
            let container = &pod["containers"][0];
            let security = &container["securityContext"];
            assert_eq!(
                (&security["allowPrivilegeEscalation"], &security["capabilities"]["drop"]),
                (&json!(false), &json!(["ALL"]))
            );
            assert_eq!(security["readOnlyRootFilesystem"], true);
            assert!(
                container["resources"]["limits"]["memory"].is_string()
                    && container["resources"]["requests"]["cpu"] != Value::Null
            );
        }
    }
}

/// The pods name no user where the platform assigns it, and the system of the release neither.
#[test]
fn platform_ids_reach_every_pod() {
    let set = ["--set", "security.platformIds=true,ticketSystem.enabled=true"];
    let rendered = documents(&template("shop", "demo", &set).unwrap());
    let contexts: Vec<&Value> = rendered
        .iter()
        .map(|document| match document["kind"].as_str() {
            Some("Pod") => &document["spec"]["securityContext"],
            _ => &document["spec"]["template"]["spec"]["securityContext"],
        })
        .filter(|context| !context.is_null())
        .collect();
    assert_eq!(contexts.len(), 3, "the operator, the Job and the test");
    for context in contexts {
        assert_eq!((&context["runAsUser"], &context["runAsGroup"]), (&Value::Null, &Value::Null));
    }
    let system = the(&rendered, "TicketSystem", "shop");
    assert_eq!(system["spec"], json!({"security": {"platformIds": true}}));
    // The spec of the system has the last word.
    let own = [&set[..], &["--set", "ticketSystem.spec.security.platformIds=false"]].concat();
    let rendered = documents(&template("shop", "demo", &own).unwrap());
    let system = the(&rendered, "TicketSystem", "shop");
    assert_eq!(system["spec"], json!({"security": {"platformIds": false}}));
}

/// A packaged chart names the images of its version, by digest after they are published.
#[test]
fn packaged_chart_names_its_images() {
    let dir = tempfile::tempdir().unwrap();
    let digest = format!("sha256:{}", "a1".repeat(32));
    std::fs::write(dir.path().join("ticket.digest"), &digest).unwrap();
    let packed = std::process::Command::new(root("scripts/chart-package"))
        .envs([("IMAGE_PREFIX", "registry.example.com/Shows"), ("TAG", "v1.2.3")])
        .env("RELEASE_DIR", dir.path())
        .output()
        .unwrap();
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    let package = String::from_utf8(packed.stdout).unwrap();
    let output =
        helm(&["template", "shop", package.trim(), "--kube-version", "1.33.0", "--include-crds"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered = documents(std::str::from_utf8(&output.stdout).unwrap());
    let container =
        &the(&rendered, "Deployment", "operator")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example.com/shows/operator:1.2.3");
    let env = |name: &str| {
        container["env"]
            .as_array()
            .unwrap()
            .iter()
            .find(|variable| variable["name"] == name)
            .unwrap()["value"]
            .clone()
    };
    assert_eq!(env("TICKET_IMAGE"), format!("registry.example.com/shows/ticket@{digest}"));
    assert_eq!(env("VACANCY_IMAGE"), "registry.example.com/shows/vacancy:1.2.3");
    assert_eq!(
        the(&rendered, "CustomResourceDefinition", "")["metadata"]["name"],
        "ticketsystems.ticket-system.io"
    );
}
