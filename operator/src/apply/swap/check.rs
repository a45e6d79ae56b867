//! Runs the check of a template in a pod.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, Preconditions},
};

use super::{
    super::{hold::HoldReason, outcome::Applied, patch::ApplyError, pending::Pending},
    gate::{Gate, hold},
    verdict::{Verdict, verdict},
};
use crate::{
    build::{
        Child,
        preflight::{self, ATTEMPT, PREVIOUS_FAILURE},
    },
    kind::Component,
    labels,
    observe::is_namespace_terminating,
    validate::{System, Workload},
};

/// A failed check is repeated after this many times its timeout: the cause may have gone, such as a
/// registry that was down.
const REPEAT_AFTER_TIMEOUTS: u32 = 2;

/// Decides by the pod that checks the template of `child`, and creates it if there is none.
pub(super) async fn gate(
    client: &Client,
    system: &System,
    workload: &Workload,
    child: &Child,
    template_hash: &str,
    applied: &mut Applied,
) -> Result<Gate, ApplyError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &system.namespace);
    let first = preflight::name(workload, template_hash, 1);
    let found =
        list(&pods, system, &[workload.component]).await.map_err(ApplyError::Unavailable)?;
    let latest =
        found.into_iter().filter(|pod| pod.name_any().starts_with(&first)).max_by_key(attempt);
    let checks = format!("{} {}", workload.component.as_str(), workload.image);
    let running = || {
        let message = format!("checking {checks} with its settings before pods are replaced");
        Pending::check(message)
    };
    let Some(pod) = latest else {
        applied.checks.insert(first.clone());
        return match create(&pods, system, workload, child, &first, 1, None).await? {
            None => Ok(Gate::Wait(running())),
            Some(refusal) => Ok(failed(child, &refusal)),
        };
    };
    let name = pod.name_any();
    let now = Timestamp::now();
    let timeout = Duration::from_secs(u64::from(system.preflight_timeout_s));
    match verdict(&pod, timeout, now) {
        Verdict::Passed => Ok(Gate::Open),
        Verdict::NoCheck => {
            let note = format!("{checks} has no check: it replaces the running pods unchecked");
            applied.warnings.push(("PreflightSkipped", note));
            Ok(Gate::Open)
        }
        Verdict::Running => {
            applied.checks.insert(name);
            Ok(match pod.annotations().get(PREVIOUS_FAILURE) {
                Some(previous) => failed(child, previous),
                None => Gate::Wait(running()),
            })
        }
        Verdict::Failed(message) => {
            if !is_old(&pod, timeout * REPEAT_AFTER_TIMEOUTS, now) {
                applied.checks.insert(name);
                return Ok(failed(child, &message));
            }
            let next = attempt(&pod) + 1;
            let name = preflight::name(workload, template_hash, next);
            applied.checks.insert(name.clone());
            let refusal =
                create(&pods, system, workload, child, &name, next, Some(&message)).await?;
            Ok(failed(child, refusal.as_ref().unwrap_or(&message)))
        }
    }
}

fn failed(child: &Child, message: &str) -> Gate {
    let message = format!(
        "the check of the new image and settings failed, and the running pods stay: {message}"
    );
    Gate::Held(hold(&child.name, HoldReason::PreflightFailed, message))
}

/// Creates the pod, or returns why the API server refuses it.
async fn create(
    pods: &Api<Pod>,
    system: &System,
    workload: &Workload,
    child: &Child,
    name: &str,
    attempt: u32,
    previous: Option<&str>,
) -> Result<Option<String>, ApplyError> {
    let template = &child.body["spec"]["template"];
    let body = preflight::pod(system, workload, template, name, attempt, previous);
    let pod: Pod = serde_json::from_value(body)
        .map_err(|error| ApplyError::Unavailable(kube::Error::SerdeError(error)))?;
    match pods.create(&PostParams::default(), &pod).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(None),
        Err(kube::Error::Api(status))
            if matches!(status.code, 400 | 403 | 422)
                && !is_namespace_terminating(&kube::Error::Api(status.clone())) =>
        {
            Ok(Some(format!("the pod of the check is refused: {}", status.message)))
        }
        Err(error) => Err(ApplyError::Unavailable(error)),
    }
}

/// Deletes the pods of checks that no decision depends on any more.
pub(in super::super) async fn clear(
    client: &Client,
    system: &System,
    kept: &BTreeSet<String>,
) -> Result<(), kube::Error> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &system.namespace);
    for pod in list(&pods, system, &Component::ALL).await? {
        if kept.contains(&pod.name_any()) || pod.metadata.deletion_timestamp.is_some() {
            continue;
        }
        let preconditions = Preconditions { uid: pod.uid(), ..Default::default() };
        let params = DeleteParams::background().preconditions(preconditions);
        match pods.delete(&pod.name_any(), &params).await {
            Err(kube::Error::Api(status)) if status.code < 500 => {}
            result => {
                result?;
            }
        }
    }
    Ok(())
}

async fn list(
    pods: &Api<Pod>,
    system: &System,
    components: &[Component],
) -> Result<Vec<Pod>, kube::Error> {
    let names: Vec<String> =
        components.iter().map(|component| preflight::component(*component)).collect();
    let selector = format!(
        "{},{} in ({})",
        labels::query(&labels::of_system(&system.name)),
        labels::COMPONENT,
        names.join(",")
    );
    let mut found = pods.list(&ListParams::default().labels(&selector)).await?.items;
    found.retain(|pod| pod.owner_references().iter().any(|owner| owner.uid == system.owner.uid));
    Ok(found)
}

fn attempt(pod: &Pod) -> u32 {
    pod.annotations().get(ATTEMPT).and_then(|attempt| attempt.parse().ok()).unwrap_or(1)
}

fn is_old(pod: &Pod, age: Duration, now: Timestamp) -> bool {
    let created = pod.metadata.creation_timestamp.as_ref().map_or(now, |created| created.0);
    let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    now.as_second().saturating_sub(created.as_second()) > age
}
