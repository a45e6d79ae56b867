//! Writes a claim.

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::{ApiResource, DynamicObject},
};
use serde_json::json;

use crate::{
    api::{OperatorClaim, TicketSystem},
    ownership::CLAIM_FIELD_MANAGER,
};

/// Writes `claim` and returns `system` with it. The write fails with 409 if the resource has
/// changed since `system` was read.
pub(super) async fn write(
    client: &Client,
    system: &TicketSystem,
    claim: &OperatorClaim,
) -> Result<TicketSystem, kube::Error> {
    // The response of an unreadable resource cannot be deserialized as a TicketSystem.
    let api: Api<DynamicObject> = Api::namespaced_with(
        client.clone(),
        &system.namespace().unwrap_or_default(),
        &ApiResource::erase::<TicketSystem>(&()),
    );
    let body = json!({
        "apiVersion": TicketSystem::api_version(&()),
        "kind": TicketSystem::kind(&()),
        "metadata": { "name": system.name_any(), "resourceVersion": system.resource_version() },
        "status": { "operator": claim },
    });
    let params = PatchParams::apply(CLAIM_FIELD_MANAGER).force();
    let written = api.patch_status(&system.name_any(), &params, &Patch::Apply(&body)).await?;
    let mut system = system.clone();
    system.metadata.resource_version = written.metadata.resource_version;
    system.status.get_or_insert_default().operator = Some(claim.clone());
    Ok(system)
}
