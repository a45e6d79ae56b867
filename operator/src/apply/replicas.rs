//! The number of pods: the operator's while autoscaling is off, the autoscaler's while it is on, and never lost in between.
//!
//! Under server-side apply a field its only owner stops sending falls back to its default, here one pod. So before the
//! operator lets go of `spec.replicas` a second field manager takes the number over as it stands.

use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::{DynamicObject, ObjectMeta},
};
use serde_json::{Value, json};

use super::FIELD_MANAGER;
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
        (Replicas::Autoscaled(scaling), None) => HandOver { after: Some(i64::from(scaling.settings.min_replicas)), before: None },
        (Replicas::Autoscaled(scaling), Some(live)) if owns_replicas(&live.metadata) => {
            // At 0 an autoscaler does nothing, for ever.
            let least = i64::from(scaling.settings.min_replicas);
            HandOver {
                before: live.data.pointer("/spec/replicas").and_then(Value::as_i64).map(|replicas| replicas.max(least)),
                after: None,
            }
        }
        (Replicas::Autoscaled(_), Some(_)) => HandOver::default(),
    }
}

fn owns_replicas(metadata: &ObjectMeta) -> bool {
    metadata.managed_fields.iter().flatten().any(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
    })
}

pub(super) async fn hand_over(
    client: &Client,
    system: &System,
    child: &Child,
    live: Option<&DynamicObject>,
) -> Result<HandOver, kube::Error> {
    let Some(workload) = system.workloads.iter().find(|workload| workload.name == child.name) else { return Ok(HandOver::default()) };
    let plan = plan(&workload.replicas, live);
    if let Some(replicas) = plan.before {
        own(client, system, child, replicas).await?;
    }
    Ok(plan)
}

pub(super) async fn seed(client: &Client, system: &System, child: &Child, replicas: i64) -> Result<DynamicObject, kube::Error> {
    own(client, system, child, replicas).await
}

async fn own(client: &Client, system: &System, child: &Child, replicas: i64) -> Result<DynamicObject, kube::Error> {
    let resource = child.kind.api_resource();
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &system.namespace, &resource);
    let body = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": { "name": child.name },
        "spec": { "replicas": replicas },
    });
    api.patch(&child.name, &PatchParams::apply(HAND_OVER_MANAGER).force(), &Patch::Apply(&body)).await
}
