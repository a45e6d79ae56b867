//! The number of pods: the operator's while autoscaling is off, the autoscaler's while it is on,
//! and never lost in between.
//!
//! Under server-side apply a field its only owner stops sending falls back to its default, here one
//! pod. So before the operator lets go of `spec.replicas` a second field manager takes the number
//! over as it stands.

use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::{DynamicObject, ObjectMeta},
};
use serde_json::{Value, json};

use super::{FIELD_MANAGER, child::pin};
use crate::{
    build::Child,
    validate::{Replicas, System},
};

/// Owns `spec.replicas` between the operator and the autoscaler.
pub const HAND_OVER_MANAGER: &str = "ticket-system-operator-replicas";

/// What has to happen around an application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandOver {
    /// The number to take over before.
    pub before: Option<i64>,
    /// The number to start with after.
    pub after: Option<i64>,
}

/// Decides it; nothing here talks to anything.
pub fn plan(replicas: &Replicas, live: Option<&DynamicObject>) -> HandOver {
    match (replicas, live) {
        (Replicas::Fixed(_), _) => HandOver::default(),
        // Without this the first pods would be a single one until the autoscaler has looked.
        (Replicas::Autoscaled(scaling), None) => {
            HandOver { after: Some(i64::from(scaling.settings.min_replicas)), before: None }
        }
        (Replicas::Autoscaled(scaling), Some(live)) if owns_replicas(&live.metadata) => {
            // At 0 an autoscaler does nothing, for ever.
            let least = i64::from(scaling.settings.min_replicas);
            HandOver {
                before: live
                    .data
                    .pointer("/spec/replicas")
                    .and_then(Value::as_i64)
                    .map(|replicas| replicas.max(least)),
                after: None,
            }
        }
        (Replicas::Autoscaled(_), Some(_)) => HandOver::default(),
    }
}

fn owns_replicas(metadata: &ObjectMeta) -> bool {
    metadata.managed_fields.iter().flatten().any(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry
                .fields_v1
                .as_ref()
                .is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
    })
}

/// Takes `spec.replicas` of that very Deployment over.
pub(super) async fn own(
    client: &Client,
    system: &System,
    child: &Child,
    live: &DynamicObject,
    replicas: i64,
) -> Result<DynamicObject, kube::Error> {
    let resource = child.kind.api_resource();
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &system.namespace, &resource);
    let mut body = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": { "name": child.name },
        "spec": { "replicas": replicas },
    });
    pin(&mut body, live);
    api.patch(&child.name, &PatchParams::apply(HAND_OVER_MANAGER).force(), &Patch::Apply(&body))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::Autoscaling, validate::Scaling};

    fn deployment(replicas: i64, manager: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "shop-ticket", "managedFields": [{"manager": manager, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
            "spec": {"replicas": replicas},
        }))
        .expect("a Deployment")
    }

    #[test]
    fn the_number_is_taken_over_only_from_the_operator_and_never_below_the_least() {
        let scaled = Replicas::Autoscaled(Scaling {
            settings: Autoscaling::default(),
            on_cpu: true,
            on_memory: true,
        });
        let over = |before| HandOver { before, after: None };
        assert_eq!(plan(&scaled, None), HandOver { before: None, after: Some(2) });
        assert_eq!(plan(&scaled, Some(&deployment(5, FIELD_MANAGER))), over(Some(5)));
        assert_eq!(
            plan(&scaled, Some(&deployment(0, FIELD_MANAGER))),
            over(Some(2)),
            "at 0 an autoscaler does nothing, for ever"
        );
        assert_eq!(
            plan(&scaled, Some(&deployment(0, "kubectl-scale"))),
            over(None),
            "somebody has switched it off"
        );
        assert_eq!(plan(&Replicas::Fixed(3), Some(&deployment(5, FIELD_MANAGER))), over(None));
    }
}
