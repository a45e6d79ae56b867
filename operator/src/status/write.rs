//! Writes the status.

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    api::{TicketSystem, TicketSystemStatus},
    ownership::FIELD_MANAGER,
};

/// Writes `status` without its claim, which has another field manager, if it differs from the
/// status of the resource. Returns whether it was written.
///
/// # Errors
/// If the API server is unreachable, or if the resource has changed since it was read (409). The
/// change triggers another reconciliation.
pub async fn write(
    client: &Client,
    system: &TicketSystem,
    status: &TicketSystemStatus,
) -> Result<bool, kube::Error> {
    if system.status.as_ref() == Some(status) {
        return Ok(false);
    }
    let status = TicketSystemStatus { operator: None, ..status.clone() };
    let api: Api<TicketSystem> =
        Api::namespaced(client.clone(), &system.namespace().unwrap_or_default());
    let body = json!({
        "apiVersion": TicketSystem::api_version(&()),
        "kind": TicketSystem::kind(&()),
        "metadata": { "name": system.name_any(), "resourceVersion": system.resource_version() },
        "status": status,
    });
    api.patch_status(
        &system.name_any(),
        &PatchParams::apply(FIELD_MANAGER).force(),
        &Patch::Apply(&body),
    )
    .await?;
    Ok(true)
}
