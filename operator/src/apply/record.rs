//! Records the claim of a system on the objects that outlive it.

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::{ApiResource, DynamicObject},
};
use serde_json::json;

use crate::{
    api::TicketSystem,
    build::Child,
    claim_record::{self, CLAIM_UID},
    dereference::Live,
    kind::{Kind, claim},
    ownership::RECORD_FIELD_MANAGER,
    role::Role,
    validate::{ClaimProblem, System},
};

/// The uid to record: that of the live claim, unless it is not the claim with the sales.
pub fn claim_uid(system: &System, live: &Live) -> Option<String> {
    let is_foreign = system.claim.problem.as_ref().is_some_and(ClaimProblem::forbids_writer);
    if is_foreign || system.spec.storage.as_ref().is_some_and(|storage| storage.postgres.is_some())
    {
        return system.claim.uid.clone();
    }
    live.get(Kind::PersistentVolumeClaim, &claim(&system.name))
        .and_then(|claim| claim.uid())
        .or_else(|| system.claim.uid.clone())
}

/// Adds the record to `child` if it is one of the objects that carry it.
pub fn annotate(child: &mut Child, system: &System, live: &Live) {
    let is_carrier = match child.kind {
        Kind::ServiceAccount => true,
        Kind::Secret => child.name == Role::Admin.secret(&system.name),
        _ => false,
    };
    if !is_carrier {
        return;
    }
    if let Some(uid) = claim_uid(system, live) {
        claim_record::annotate(&mut child.body, &uid, system.claim.allowance_used);
    }
}

/// Records the claim on the resource itself. Fails softly: the children have the record, too.
///
/// # Errors
/// If the API server is unreachable.
pub async fn on_resource(
    client: &Client,
    resource: &TicketSystem,
    system: &System,
    live: &Live,
) -> Result<(), kube::Error> {
    let Some(claim) = claim_uid(system, live) else { return Ok(()) };
    let value = claim_record::on_system(&system.owner.uid, &claim);
    if resource.annotations().get(CLAIM_UID) == Some(&value) {
        return Ok(());
    }
    let api: Api<DynamicObject> = Api::namespaced_with(
        client.clone(),
        &system.namespace,
        &ApiResource::erase::<TicketSystem>(&()),
    );
    let body = json!({
        "apiVersion": TicketSystem::api_version(&()),
        "kind": TicketSystem::kind(&()),
        "metadata": {
            "name": system.name, "uid": system.owner.uid, "annotations": { CLAIM_UID: value },
        },
    });
    let params = PatchParams::apply(RECORD_FIELD_MANAGER).force();
    match api.patch(&system.name, &params, &Patch::Apply(&body)).await {
        Err(kube::Error::Api(status)) if status.code < 500 => {
            tracing::warn!(
                system = system.name,
                namespace = system.namespace,
                error = status.message,
                "cannot record the claim on the resource"
            );
            Ok(())
        }
        result => result.map(|_| ()),
    }
}
