//! The chart and the manifests for kustomize install the same operator.

use chart_tests::{documents, file, root, template, the};
use serde_json::Value;

fn rendered(more: &[&str]) -> Vec<Value> {
    documents(&template("ticket-system", "ticket-system", more).unwrap())
}

#[test]
fn chart_and_kustomization_run_the_same_operator() {
    let (manifest, chart) = (file("k8s/operator/deployment.yaml"), rendered(&[]));
    let (theirs, ours) =
        (the(&manifest, "Deployment", "operator"), the(&chart, "Deployment", "operator"));
    assert_eq!(ours["metadata"]["name"], theirs["metadata"]["name"]);
    for pointer in ["/spec/replicas", "/spec/strategy"] {
        assert_eq!(ours.pointer(pointer), theirs.pointer(pointer), "{pointer}");
    }
    // The selectors differ, and so do the selectors of the topology spread.
    let pod = |deployment: &Value| {
        let mut pod = deployment["spec"]["template"]["spec"].clone();
        pod["topologySpreadConstraints"][0].as_object_mut().unwrap().remove("labelSelector");
        pod
    };
    let (mut theirs, mut ours) = (pod(theirs), pod(ours));
    let take = |pod: &mut Value, key: &str| {
        pod["containers"][0].as_object_mut().unwrap().remove(key).unwrap()
    };
    let (their_env, our_env) = (take(&mut theirs, "env"), take(&mut ours, "env"));
    assert_eq!(ours, theirs);
    for variable in their_env.as_array().unwrap() {
        assert!(our_env.as_array().unwrap().contains(variable), "{variable}");
    }
}

#[test]
fn chart_and_kustomization_grant_the_same_rights() {
    let (manifest, chart) = (file("k8s/operator/rbac.yaml"), rendered(&[]));
    let rules =
        |documents: &[Value], kind: &str, end: &str| the(documents, kind, end)["rules"].clone();
    let everywhere = rules(&manifest, "ClusterRole", "operator");
    assert_eq!(rules(&chart, "ClusterRole", "operator.ticket-system"), everywhere);
    assert_eq!(rules(&chart, "Role", "-election"), rules(&manifest, "Role", "-election"));

    let narrow = rendered(&["--set", "operator.watchNamespaces={west,east}"]);
    let roles: Vec<_> = narrow
        .iter()
        .filter(|document| document["kind"] == "Role" && document["rules"] == everywhere)
        .collect();
    let namespaces: Vec<_> =
        roles.iter().map(|role| role["metadata"]["namespace"].as_str().unwrap()).collect();
    assert_eq!(namespaces, ["east", "west"]);
    let account = "ticket-system-operator";
    let bound = |document: &&Value| {
        document["kind"] == "ClusterRoleBinding" && document["subjects"][0]["name"] == account
    };
    assert_eq!(narrow.iter().filter(bound).count(), 0, "no rights beyond those namespaces");
    assert_eq!(chart.iter().filter(bound).count(), 1);
}

#[test]
fn chart_and_kustomization_share_the_admission_policy() {
    let (manifest, chart) = (file("k8s/operator/admission.yaml"), rendered(&[]));
    let policy =
        |documents: &[Value], end: &str| the(documents, "ValidatingAdmissionPolicy", end).clone();
    assert_eq!(policy(&chart, ".storage")["spec"], policy(&manifest, "")["spec"]);
    let binding = the(&chart, "ValidatingAdmissionPolicyBinding", ".storage");
    assert_eq!(binding["spec"]["policyName"], policy(&chart, ".storage")["metadata"]["name"]);
    assert_eq!(
        binding["spec"]["validationActions"],
        the(&manifest, "ValidatingAdmissionPolicyBinding", "")["spec"]["validationActions"]
    );

    let narrow = rendered(&["--set", "operator.watchNamespaces={east}"]);
    let selector = &policy(&narrow, ".storage")["spec"]["matchConstraints"]["namespaceSelector"];
    assert_eq!(selector["matchExpressions"][0]["values"], serde_json::json!(["east"]));
}

#[test]
fn chart_ships_the_same_crd() {
    let name = "ticketsystems.ticket-system.io.yaml";
    let read = |folder: &str| std::fs::read_to_string(root(folder).join(name)).unwrap();
    assert!(read("charts/ticket-system/crds") == read("crds"), "run 'make generate'");
}

#[test]
fn chart_version_matches_the_workspace() {
    let version = env!("CARGO_PKG_VERSION");
    let chart = &file("charts/ticket-system/Chart.yaml")[0];
    assert_eq!(
        (chart["version"].as_str(), chart["appVersion"].as_str()),
        (Some(version), Some(version))
    );
}
