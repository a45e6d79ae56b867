//! The pipeline: dereference, validate, build, apply, update the status. Only the first and the
//! last two talk to anybody.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kube::{
    Api, Resource, ResourceExt,
    core::{ApiResource, DynamicObject},
    runtime::controller::Action,
};
use rand::Rng;
use serde::de::DeserializeOwned;

use super::scope::{Main, Scope};
use crate::{
    api::{TicketSystem, TicketSystemSpec},
    apply::{self, Applied, Refused},
    build::{self, BuildError},
    dereference::{Dereferenced, dereference},
    kind::Component,
    observe::{events, words},
    status::{
        self, Outlook, Verdict,
        explain::{Explanation, explain},
        rollout::Rollout,
    },
    validate::{Refusal, System, hex, validate},
};

/// How soon a system is looked at again while it is not settled, to keep the reason it shows fresh.
const UNSETTLED_RECHECK: Duration = Duration::from_secs(5);
/// How soon while the next step waits for pods that nothing here watches.
const WAITING_RECHECK: Duration = Duration::from_secs(1);
/// How soon after somebody else changed the resource while its status was being determined.
const CONFLICT_RECHECK: Duration = Duration::from_millis(500);
const TOKEN_BYTES: usize = 32;

/// Why a reconciliation will be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error("the API server: {}", words(.0))]
    Api(#[from] kube::Error),
    #[error("it took longer than {0} s")]
    TooSlow(u64),
    #[error("the API server will not take {0}")]
    Refused(String),
    #[error(transparent)]
    Build(#[from] BuildError),
}

pub(super) async fn reconcile(
    system: Arc<Main>,
    scope: Arc<Scope>,
) -> Result<Action, ReconcileError> {
    scope.children.ready().await;
    let started = Instant::now();
    let seconds = scope.settings.reconcile_timeout_s;
    let pass = async {
        match &system.0 {
            Ok(system) if system.metadata.deletion_timestamp.is_some() => {
                Ok(Action::await_change())
            }
            Ok(system) => one(system, &scope).await,
            Err(invalid) => unreadable(&invalid.metadata, &invalid.error, &scope).await,
        }
    };
    let result = tokio::time::timeout(Duration::from_secs(seconds), pass)
        .await
        .unwrap_or(Err(ReconcileError::TooSlow(seconds)));
    scope.metrics.reconciled(if result.is_ok() { "ok" } else { "error" }, started.elapsed());
    scope.moved();
    if result.is_ok() {
        scope.retries.succeeded(system.meta().uid.as_deref().unwrap_or_default());
    }
    result
}

async fn one(system: &TicketSystem, scope: &Scope) -> Result<Action, ReconcileError> {
    let found = dereference(system, &scope.client, &scope.children).await?;
    match validate(system, &found, &scope.settings.defaults, &fresh_token()) {
        Ok(valid) => {
            let applied = apply_unless_paused(system, &valid, found, scope).await?;
            report(system, Verdict::Valid(&valid), &applied, scope).await
        }
        Err(refusal) => {
            let nothing = Applied { live: found.live, ..Default::default() };
            report(system, Verdict::Refused(&refusal), &nothing, scope).await
        }
    }
}

async fn apply_unless_paused(
    system: &TicketSystem,
    valid: &System,
    found: Dereferenced,
    scope: &Scope,
) -> Result<Applied, ReconcileError> {
    if system.spec.paused {
        return Ok(Applied { live: found.live, ..Default::default() });
    }
    let children = build::build(valid).into_children()?;
    let applied =
        apply::apply(&scope.client, valid, children, found.live, &scope.handovers).await?;
    for change in &applied.changes {
        scope.metrics.child_change(change.kind.as_str(), change.did.as_str());
        tracing::info!(system = valid.name, namespace = valid.namespace, action = change.did.as_str(), %change, "changed");
    }
    events::changes(&scope.events, system, &applied.changes).await;
    events::lost_volume(&scope.events, system, &applied.changes).await;
    Ok(applied)
}

async fn report(
    system: &TicketSystem,
    verdict: Verdict<'_>,
    applied: &Applied,
    scope: &Scope,
) -> Result<Action, ReconcileError> {
    let explanations = explanations(system, verdict, applied, scope).await;
    let outlook = Outlook {
        system,
        verdict,
        live: &applied.live,
        refused: &applied.refused,
        waiting: applied.waiting.as_ref(),
        explanations: &explanations,
    };
    let status = status::assess(&outlook);
    match status::write(&scope.client, system, &status).await {
        Ok(true) => events::transitions(&scope.events, system, &status).await,
        Ok(false) => {}
        Err(kube::Error::Api(error)) if error.is_conflict() => {
            return Ok(Action::requeue(CONFLICT_RECHECK));
        }
        // Deleted while it was looked at.
        Err(kube::Error::Api(error)) if error.is_not_found() => return Ok(Action::await_change()),
        Err(error) => return Err(error.into()),
    }
    if let Some(refused) = applied.refused.first() {
        return Err(ReconcileError::Refused(Refused::to_string(refused)));
    }
    let holds = |type_| {
        status::condition(&status.conditions, type_)
            .is_some_and(|condition| condition.status == "True")
    };
    let settled = holds(status::READY) && !holds(status::PROGRESSING) && !holds(status::DEGRADED);
    let resync = scope.settings.resync();
    if applied.waiting.is_some() {
        return Ok(Action::requeue(resync.min(WAITING_RECHECK)));
    }
    Ok(Action::requeue(if settled { resync } else { resync.min(UNSETTLED_RECHECK) }))
}

/// Reasons for every component whose pods are not all there, though others may serve in their
/// place.
async fn explanations(
    system: &TicketSystem,
    verdict: Verdict<'_>,
    applied: &Applied,
    scope: &Scope,
) -> Vec<(Component, Explanation)> {
    let Verdict::Valid(valid) = verdict else { return Vec::new() };
    let mut explanations = Vec::new();
    for workload in &valid.workloads {
        let Some(rollout) = Rollout::of(&applied.live, &workload.name) else { continue };
        if rollout.complete() || rollout.wanted == 0 {
            continue;
        }
        let probe = (!rollout.serves()).then_some(scope.probe.as_ref());
        if let Some(found) =
            explain(&scope.client, probe, &valid.namespace, &system.name_any(), workload.component)
                .await
        {
            explanations.push((workload.component, found));
        }
    }
    explanations
}

/// A resource that the schema let through and the operator cannot read: an older schema, most
/// likely. What was known of it stays known, and what runs goes on running.
async fn unreadable(
    metadata: &kube::core::ObjectMeta,
    error: &str,
    scope: &Scope,
) -> Result<Action, ReconcileError> {
    let refusal = Refusal::Unreadable { message: error.to_owned() };
    let resource = ApiResource::erase::<TicketSystem>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(
        scope.client.clone(),
        metadata.namespace.as_deref().unwrap_or_default(),
        &resource,
    );
    let Some(raw) = api.get_opt(metadata.name.as_deref().unwrap_or_default()).await? else {
        return Ok(Action::await_change());
    };
    let spec = TicketSystemSpec {
        mode: part(&raw, "/spec/mode").unwrap_or_default(),
        stock: part(&raw, "/spec/stock").unwrap_or_default(),
        paused: part(&raw, "/spec/paused").unwrap_or_default(),
        ..Default::default()
    };
    let system = TicketSystem { status: part(&raw, "/status"), metadata: raw.metadata, spec };
    let found = dereference(&system, &scope.client, &scope.children).await?;
    let nothing = Applied { live: found.live, ..Default::default() };
    report(&system, Verdict::Refused(&refusal), &nothing, scope).await?;
    Ok(Action::requeue(scope.settings.resync()))
}

/// What can be read of a resource that cannot be read as a whole.
fn part<T: DeserializeOwned>(raw: &DynamicObject, pointer: &str) -> Option<T> {
    raw.data.pointer(pointer).and_then(|value| serde_json::from_value(value.clone()).ok())
}

/// What becomes the admin token if there is none: 256 random bits in hexadecimal.
fn fresh_token() -> String {
    let mut bytes = [0; TOKEN_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    hex(&bytes)
}
