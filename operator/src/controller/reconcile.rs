//! The pipeline: dereference, validate, build, apply, update the status.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kube::{
    Api, Resource,
    core::{ApiResource, DynamicObject, ObjectMeta},
    runtime::controller::Action,
};
use rand::Rng;
use serde::de::DeserializeOwned;
use signing::SigningKeys;

use super::{
    claim::{Claimed, hold},
    context::{Context, GuardedSystem},
    reconcile_error::ReconcileError,
    update_status::{report_failure, update_status},
};
use crate::{
    api::{OperatorClaim, TicketSystem, TicketSystemSpec},
    apply::{self, Applied},
    build,
    dereference::{Dereferenced, dereference},
    new_secrets::NewSecrets,
    observe::{events, is_namespace_terminating},
    queues,
    validate::{System, ValidationError, validate},
};

/// Bytes of a token, and of a private key.
const SECRET_BYTES: usize = 32;

/// Reconciles one resource within the configured timeout.
pub(super) async fn reconcile(
    system: Arc<GuardedSystem>,
    context: Arc<Context>,
) -> Result<Action, ReconcileError> {
    context.children.ready().await;
    let started = Instant::now();
    let seconds = context.settings.reconcile_timeout_s;
    let pipeline = async {
        match &system.0 {
            Ok(system) if system.metadata.deletion_timestamp.is_some() => {
                Ok(Action::await_change())
            }
            Ok(system) => match hold(system, &context).await? {
                Claimed::Own(system) => run_pipeline(&system, &context).await,
                Claimed::Not(action) => Ok(action),
            },
            Err(invalid) => report_unreadable(&invalid.metadata, &invalid.error, &context).await,
        }
    };
    let result = tokio::time::timeout(Duration::from_secs(seconds), pipeline)
        .await
        .unwrap_or(Err(ReconcileError::Timeout(seconds)));
    let result = match result {
        // The system is deleted with its namespace, so there is nothing to retry or to report.
        Err(ReconcileError::Api(error)) if is_namespace_terminating(&error) => {
            tracing::debug!(%error, "namespace is being deleted");
            Ok(Action::await_change())
        }
        result => result,
    };
    if let (Err(error), Ok(system)) = (&result, &system.0) {
        let is_own = |claim: &OperatorClaim| claim.name == context.installation.name();
        let claim = system.status.as_ref().and_then(|status| status.operator.as_ref());
        // A rejected child is in the status already.
        if claim.is_none_or(is_own) && !matches!(error, ReconcileError::Rejected(_)) {
            report_failure(system, error, &context).await;
        }
    }
    context.metrics.reconciled(if result.is_ok() { "ok" } else { "error" }, started.elapsed());
    context.record_progress();
    if result.is_ok() {
        context.retries.succeeded(system.meta().uid.as_deref().unwrap_or_default());
    }
    result
}

async fn run_pipeline(system: &TicketSystem, context: &Context) -> Result<Action, ReconcileError> {
    let found = dereference(system, &context.client, &context.children).await?;
    match validate(system, &found, &context.settings.defaults, &new_secrets()) {
        Ok(valid) => {
            let applied = apply_unless_paused(system, &valid, found, context).await?;
            let (client, memory) = (context.system_client.as_ref(), &context.queues);
            let queues = queues::sync(client, memory, system, &valid, &applied.live).await;
            update_status(system, Ok(&valid), &applied, Some(&queues), context).await
        }
        Err(error) => {
            let unchanged = Applied { live: found.live, ..Default::default() };
            update_status(system, Err(&error), &unchanged, None, context).await
        }
    }
}

async fn apply_unless_paused(
    system: &TicketSystem,
    valid: &System,
    found: Dereferenced,
    context: &Context,
) -> Result<Applied, ReconcileError> {
    let children = build::build(valid).into_children()?;
    if system.spec.paused {
        let drift = apply::preview(valid, &children, &found.live);
        return Ok(Applied { live: found.live, drift, ..Default::default() });
    }
    let applied =
        apply::apply(&context.client, valid, children, found.live, &context.memory).await?;
    for change in &applied.changes {
        context.metrics.child_change(change.kind.as_str(), change.action.as_str());
        tracing::info!(
            system = valid.name,
            namespace = valid.namespace,
            action = change.action.as_str(),
            %change,
            "child changed"
        );
    }
    apply::record::on_resource(&context.client, system, valid, &applied.live).await?;
    events::changes(&context.events, system, &applied.changes).await;
    events::warnings(&context.events, system, &applied.warnings).await;
    events::recreated_volume(&context.events, system, &applied.changes).await;
    Ok(applied)
}

/// Reports a resource that passed the schema but cannot be deserialized, probably because the
/// installed schema is older than the operator. Its children and the known parts of its status are
/// left as they are.
async fn report_unreadable(
    metadata: &ObjectMeta,
    error: &str,
    context: &Context,
) -> Result<Action, ReconcileError> {
    let error = ValidationError::Unreadable { message: error.to_owned() };
    let resource = ApiResource::erase::<TicketSystem>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(
        context.client.clone(),
        metadata.namespace.as_deref().unwrap_or_default(),
        &resource,
    );
    let Some(raw) = api.get_opt(metadata.name.as_deref().unwrap_or_default()).await? else {
        return Ok(Action::await_change());
    };
    let spec = TicketSystemSpec {
        mode: field(&raw, "/spec/mode").unwrap_or_default(),
        stock: field(&raw, "/spec/stock").unwrap_or_default(),
        paused: field(&raw, "/spec/paused").unwrap_or_default(),
        ..Default::default()
    };
    let system = TicketSystem { status: field(&raw, "/status"), metadata: raw.metadata, spec };
    let system = match hold(&system, context).await? {
        Claimed::Own(system) => system,
        Claimed::Not(action) => return Ok(action),
    };
    let found = dereference(&system, &context.client, &context.children).await?;
    let unchanged = Applied { live: found.live, ..Default::default() };
    update_status(&system, Err(&error), &unchanged, None, context).await?;
    Ok(Action::requeue(context.settings.resync()))
}

/// A field of a resource that cannot be deserialized as a whole.
fn field<T: DeserializeOwned>(raw: &DynamicObject, pointer: &str) -> Option<T> {
    raw.data.pointer(pointer).and_then(|value| serde_json::from_value(value.clone()).ok())
}

/// New tokens of 256 random bits each, in hexadecimal, and a new signing key.
fn new_secrets() -> NewSecrets {
    NewSecrets::new(|_| const_hex::encode(random()), SigningKeys::generate(random()))
}

fn random() -> [u8; SECRET_BYTES] {
    let mut bytes = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
