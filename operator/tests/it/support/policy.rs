//! Admission policies that refuse writes in one namespace.

use kube::{
    Api,
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::json;

use super::{Cluster, cluster::apply_value};

const GROUP: &str = "admissionregistration.k8s.io";

/// A policy with the words that its refusals contain.
pub struct Policy {
    name: String,
}

/// Refuses `operations` on `resource` of the core group unless `expression` holds.
pub async fn deny(
    cluster: &Cluster,
    resource: &str,
    operations: &[&str],
    expression: &str,
    words: &str,
) -> Policy {
    let name = format!("{}-{resource}", cluster.namespace);
    let here = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": cluster.namespace}}});
    for body in [
        json!({"apiVersion": format!("{GROUP}/v1"), "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
            "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": [resource]}]},
                "validations": [{"expression": expression, "message": words}]}}),
        json!({"apiVersion": format!("{GROUP}/v1"), "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here}}),
    ] {
        apply_value(&cluster.client, &body).await;
    }
    Policy { name }
}

impl Policy {
    pub async fn remove(self, cluster: &Cluster) {
        for (kind, plural) in [
            ("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
            ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        ] {
            let gvk = GroupVersionKind::gvk(GROUP, "v1", kind);
            let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
            let api: Api<DynamicObject> = Api::all_with(cluster.client.clone(), &resource);
            api.delete(&self.name, &Default::default()).await.expect("the policy goes");
        }
    }
}
