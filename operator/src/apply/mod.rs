//! Step four of a reconciliation: make the live children match the desired ones. Only differences
//! are written.

mod body;
mod change;
mod child;
mod config_maps;
mod contest;
mod door;
mod drift;
mod failure;
mod hold;
mod managers;
mod memory;
mod mode_switch;
mod outcome;
mod patch;
mod pending;
mod prune;
pub mod record;
pub mod replicas;
mod swap;
mod volume;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

pub use body::{APPLIED_HASH, body_with_hash};
pub use change::{Action, Change};
pub use contest::{Contests, FieldConflict, WHOLE_OBJECT};
pub use failure::{ChildFailure, FailureReason};
pub use hold::{Hold, HoldReason};
use kube::Client;
pub use memory::{IngressHandovers, Memory};
pub use outcome::Applied;
pub use pending::Pending;
pub use prune::is_prunable;

use crate::{
    build::Child, dereference::Live, kind::Kind, ownership::is_owned, references, validate::System,
};

/// How long an application with a failed write goes on to the other children.
const FAILING_MAX: Duration = Duration::from_secs(5);

/// Applies `children` over `live` and prunes the children that are no longer desired.
///
/// # Errors
/// If the API server is unreachable or overloaded. Children it rejects are reported in
/// [`Applied::failures`].
pub async fn apply(
    client: &Client,
    system: &System,
    mut children: Vec<Child>,
    live: Live,
    memory: &Memory,
) -> Result<Applied, kube::Error> {
    let mut applied = Applied { live, ..Default::default() };
    if applied.live.iter().all(|(kind, ..)| kind != Kind::Deployment) {
        // Only templates of existing Deployments are checked.
        memory.checks.set(&system.owner.uid, false);
    }
    let handovers = &memory.handovers;
    let mut plan = mode_switch::plan(system, &children, &applied.live, handovers, Instant::now());
    let frozen = system.claim.problem.as_ref().filter(|problem| problem.freezes_writer());
    if frozen.is_none() && plan.releases_volume() {
        check_new_writer(client, system, &children, &mut plan, &mut applied).await?;
        if !applied.checks.is_empty() {
            memory.checks.set(&system.owner.uid, true);
        }
    }
    if plan.bridges_to_monolith() {
        bridge(system, &mut children, &applied.live);
    }
    if frozen.is_none() {
        for (kind, name) in &plan.prune {
            memory.contests.forget((&system.owner.uid, *kind, name));
            prune::delete(client, &system.namespace, *kind, name, &mut applied).await?;
        }
    }
    let settings: BTreeSet<String> = children
        .iter()
        .filter(|child| child.kind == Kind::ConfigMap)
        .map(|child| child.name.clone())
        .collect();
    let started = Instant::now();
    for mut child in children {
        // Failing writes may take until the timeout of a webhook each. The first failure has to
        // show in the status within seconds.
        if !applied.failures.is_empty() && started.elapsed() > FAILING_MAX {
            break;
        }
        if let Some(problem) = frozen.filter(|_| plan.endangers_volume(system, &child)) {
            if patch::differs(&child, applied.live.get(child.kind, &child.name).map(AsRef::as_ref))
            {
                let (kind, name) = (child.kind, child.name);
                let (reason, message) = (HoldReason::VolumeInDanger, problem.to_string());
                applied.holds.push(Hold { kind, name, reason, message });
            }
            continue;
        }
        if plan.defers(system, &child) {
            continue;
        }
        if let Some(hold) = hold::by_dependency(&child, &applied.failures, &applied.holds) {
            applied.holds.push(hold);
            continue;
        }
        if let Some(message) = applied.live.denied(child.kind) {
            let failure = ChildFailure {
                kind: child.kind,
                reason: FailureReason::ApplyFailed,
                message: message.to_owned(),
                // Pods that run with it prove that it exists.
                is_blocking: !hold::is_referred_to(child.kind, &child.name, &applied.live),
                name: child.name,
            };
            applied.failures.push(failure);
            continue;
        }
        record::annotate(&mut child, system, &applied.live);
        let result = child::apply(client, system, &child, &memory.contests, &mut applied).await;
        if !applied.checks.is_empty() {
            memory.checks.set(&system.owner.uid, true);
        }
        result?;
    }
    if memory.checks.may_exist(&system.owner.uid) {
        swap::clear(client, system, &applied.checks).await?;
        memory.checks.set(&system.owner.uid, !applied.checks.is_empty());
    }
    if plan.is_settled() && frozen.is_none() && applied.holds.is_empty() {
        config_maps::prune(client, system, &settings, &mut applied).await?;
    }
    applied.conflicts = memory.contests.of_system(&system.owner.uid, Instant::now());
    applied.pending = plan.pending.or(applied.pending);
    Ok(applied)
}

/// Checks the writer of the new mode in a pod before the previous one ends.
async fn check_new_writer(
    client: &Client,
    system: &System,
    children: &[Child],
    plan: &mut mode_switch::Plan,
    applied: &mut Applied,
) -> Result<(), kube::Error> {
    let writer = system.workloads.iter().find(|workload| workload.holds_volume);
    let Some(writer) = writer.filter(|writer| writer.replicas.min() > 0) else { return Ok(()) };
    let is_writer = |child: &&Child| child.kind == Kind::Deployment && child.name == writer.name;
    let Some(child) = children.iter().find(is_writer) else { return Ok(()) };
    let needed = references::of_template(&child.body["spec"]["template"]);
    let mut settings = needed.iter().filter(|(kind, _)| *kind == Kind::ConfigMap);
    if settings.any(|(kind, name)| applied.live.get(*kind, name).is_none()) {
        // They are created in this application, and the pod of the check reads them.
        plan.keep_previous();
        return Ok(());
    }
    match swap::check(client, system, writer, child, applied).await {
        Ok(swap::Gate::Held(hold)) => {
            applied.holds.push(hold);
            plan.keep_previous();
        }
        Ok(swap::Gate::Wait(_)) => plan.keep_previous(),
        Ok(swap::Gate::Open | swap::Gate::Replace(..)) => {}
        Err(patch::ApplyError::Rejected(failure)) => {
            applied.failures.push(failure);
            plan.keep_previous();
        }
        Err(patch::ApplyError::Stale(error) | patch::ApplyError::Unavailable(error)) => {
            return Err(error);
        }
    }
    Ok(())
}

/// Lets the Service of vacancy lead to the monolith. Ticket then sells the same stock before and
/// after the volume changes hands.
fn bridge(system: &System, children: &mut Vec<Child>, live: &Live) {
    let Ok(bridge) = crate::build::bridge(system) else { return };
    match children.iter_mut().find(|child| child.kind == bridge.kind && child.name == bridge.name) {
        Some(desired) => *desired = bridge,
        None if live.get(bridge.kind, &bridge.name).is_some() => children.push(bridge),
        None => {}
    }
}

/// What [`apply`] would change, without any request: the children that are missing, differ or are
/// no longer desired.
pub fn preview(system: &System, children: &[Child], live: &Live) -> Vec<String> {
    let mut drift = Vec::new();
    for child in children.iter().filter(|child| live.denied(child.kind).is_none()) {
        let mut child = child.clone();
        record::annotate(&mut child, system, live);
        let (kind, name) = (child.kind, &child.name);
        let Some(found) = live.get(kind, name) else {
            drift.push(format!("{kind} {name} is missing"));
            continue;
        };
        let found = serde_json::to_value(found.as_ref()).unwrap_or_default();
        let mut fields = drift::differences(&body_with_hash(&child), &found);
        if fields.is_empty() {
            continue;
        }
        fields.retain(|path| !path.contains(APPLIED_HASH));
        let change = Change { kind, name: name.clone(), action: Action::CorrectDrift(fields) };
        drift.push(format!("{change} differs"));
    }
    let desired =
        |kind, name: &str| children.iter().any(|child| child.kind == kind && child.name == name);
    drift.extend(
        live.iter()
            .filter(|(kind, name, object)| {
                is_prunable(*kind)
                    && !desired(*kind, name)
                    && is_owned(&object.metadata, &system.owner.uid)
            })
            .map(|(kind, name, _)| format!("{kind} {name} is no longer needed")),
    );
    drift
}
