//! Handover of `spec.replicas` between the operator and whatever else scales a Deployment.
//!
//! Server-side apply resets a field to its default when its only manager stops sending it. For
//! `spec.replicas` the default is 1 pod. Before the operator gives the field up, a second field
//! manager therefore takes over its current value.

use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::{DynamicObject, ObjectMeta},
};
use serde_json::{Value, json};

use super::body::pin_uid;
use crate::{
    build::Child,
    ownership::FIELD_MANAGER,
    validate::{Replicas, System},
};

/// Field manager of the number of pods that the operator leaves to others.
pub const REPLICAS_FIELD_MANAGER: &str = "ticket-system-operator-replicas";

/// Writes of `spec.replicas` around the application of a Deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicasHandover {
    /// The number to take over before the application.
    pub before: Option<i64>,
    /// The initial number to set after the application.
    pub after: Option<i64>,
}

/// Decides on the handover of one Deployment. It does no I/O.
pub fn plan(replicas: &Replicas, live: Option<&DynamicObject>) -> ReplicasHandover {
    let (initial, min) = match replicas {
        Replicas::Fixed(_) => return ReplicasHandover::default(),
        // An autoscaler never scales up from 0.
        Replicas::Autoscaled(scaling) => {
            let min = i64::from(scaling.settings.min_replicas);
            (min, min)
        }
        Replicas::External { initial } => (i64::from(*initial), 0),
    };
    match live {
        // Without an initial number there would be one pod until something scales it.
        None => ReplicasHandover { after: Some(initial), before: None },
        Some(live) if owns_replicas(&live.metadata) => ReplicasHandover {
            before: live
                .data
                .pointer("/spec/replicas")
                .and_then(Value::as_i64)
                .map(|replicas| replicas.max(min)),
            after: None,
        },
        Some(_) => ReplicasHandover::default(),
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

/// Takes over `spec.replicas` of exactly the Deployment `live`.
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
    pin_uid(&mut body, live);
    api.patch(
        &child.name,
        &PatchParams::apply(REPLICAS_FIELD_MANAGER).force(),
        &Patch::Apply(&body),
    )
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
    fn handover_is_from_the_operator_and_at_least_the_minimum() {
        let scaled = Replicas::Autoscaled(Scaling {
            settings: Autoscaling::default(),
            on_cpu: true,
            on_memory: true,
        });
        let over = |before| ReplicasHandover { before, after: None };
        assert_eq!(plan(&scaled, None), ReplicasHandover { before: None, after: Some(2) });
        assert_eq!(plan(&scaled, Some(&deployment(5, FIELD_MANAGER))), over(Some(5)));
        assert_eq!(
            plan(&scaled, Some(&deployment(0, FIELD_MANAGER))),
            over(Some(2)),
            "an autoscaler never scales up from 0"
        );
        assert_eq!(
            plan(&scaled, Some(&deployment(0, "kubectl-scale"))),
            over(None),
            "a user scaled it to 0"
        );
        let external = Replicas::External { initial: 2 };
        assert_eq!(plan(&external, None), ReplicasHandover { before: None, after: Some(2) });
        assert_eq!(plan(&external, Some(&deployment(0, FIELD_MANAGER))), over(Some(0)));
        assert_eq!(plan(&external, Some(&deployment(7, "keda-operator"))), over(None));
        assert_eq!(plan(&Replicas::Fixed(3), Some(&deployment(5, FIELD_MANAGER))), over(None));
    }
}
