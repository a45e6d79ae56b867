//! Computes a status from the result of a reconciliation. It does no I/O; only transition times of
//! conditions depend on the clock.

use super::{
    autoscaling::set_autoscaling,
    conditions::{
        ConditionState, DEGRADED, PAUSED, PROGRESSING, READY, RECONCILING, STALLED,
        STOCK_CHANGE_IGNORED, find, set, set_while_true,
    },
    field_conflict::{self, FIELD_CONFLICT, field_conflict},
    holds::{self, HELD_BACK, PREFLIGHT_FAILED, ROLLED_BACK},
    input::StatusInput,
    queues,
};
use crate::{
    api::{Mode, TicketSystem, TicketSystemStatus},
    apply::{ChildFailure, HoldReason},
    kind::{Component, Kind},
    rollout::{DEADLINE_EXCEEDED, Rollout},
};

/// Most children that ReconciliationPaused lists.
const DRIFT_MAX: usize = 8;
/// Reason of Progressing while pods are unready without a rollout.
const PODS_UNREADY: &str = "PodsNotReady";

impl StatusInput<'_> {
    /// The desired mode: that of the spec, unless the spec is rejected.
    fn desired_mode(&self, status: &TicketSystemStatus) -> Mode {
        let mode = self.system.spec.mode;
        if self.validated.is_ok() { mode } else { status.mode.unwrap_or(mode) }
    }

    /// Why a component does not serve although its pods count as ready: its Service was refused, or
    /// `/ready` fails.
    fn outage(&self, part: &ComponentRollout) -> Option<(&'static str, String)> {
        let component = part.component.as_str();
        if let Some(failure) = self.failure(Kind::Service, &part.name) {
            return Some((failure.reason.as_str(), format!("{component}: {failure}")));
        }
        let (_, diagnosis) = self.not_serving.iter().find(|(found, _)| *found == part.component)?;
        Some((diagnosis.reason, format!("{component}: {}", diagnosis.message)))
    }

    fn failure(&self, kind: Kind, name: &str) -> Option<&ChildFailure> {
        self.failures.iter().find(|failure| failure.kind == kind && failure.name == name)
    }
}

/// A component and the rollout of its Deployment.
#[derive(Clone)]
struct ComponentRollout {
    component: Component,
    name: String,
    rollout: Option<Rollout>,
}

impl ComponentRollout {
    fn is_serving(&self) -> bool {
        self.rollout.as_ref().is_some_and(Rollout::is_serving)
    }
}

/// Computes the status of a system.
pub fn compute_status(input: &StatusInput<'_>) -> TicketSystemStatus {
    let before = input.system.status.clone().unwrap_or_default();
    let generation = input.system.metadata.generation;
    let mut status = TicketSystemStatus { observed_generation: generation, ..before };
    if let Ok(system) = input.validated {
        if !input.system.spec.paused && input.pending.is_none_or(|pending| pending.mode_switched) {
            status.mode = Some(system.spec.mode);
            status.storage = Some(system.storage.as_str().to_owned());
            status.initial_stock = Some(system.stock.effective);
        }
        status.url = system.url();
    }
    let desired = rollouts(input, input.desired_mode(&status));
    let previous = input
        .pending
        .filter(|pending| !pending.mode_switched)
        .and(status.mode)
        .map(|mode| rollouts(input, mode));
    // During a mode switch, Ready and the pod counts describe the previous mode while it serves.
    let serving = previous
        .filter(|rollouts| rollouts.iter().all(ComponentRollout::is_serving))
        .unwrap_or_else(|| desired.clone());
    let rollout = |component: Component| {
        serving.iter().find(|part| part.component == component)?.rollout.as_ref()
    };
    status.ticket =
        rollout(Component::Ticket).or_else(|| rollout(Component::Monolith)).map(Rollout::status);
    status.vacancy = rollout(Component::Vacancy).map(Rollout::status);

    let progressing = progressing(input, &desired);
    let stalled = stalled(input, &desired);
    let conditions = &mut status.conditions;
    set(conditions, READY, ready(input, &serving), generation);
    set(conditions, DEGRADED, degraded(input, &desired), generation);
    set(conditions, FIELD_CONFLICT, field_conflict(input.conflicts), generation);
    if let Ok(system) = input.validated {
        set_autoscaling(conditions, system, input.live, generation);
    }
    set(conditions, PAUSED, paused(input), generation);
    set(conditions, STOCK_CHANGE_IGNORED, stock_change_ignored(input), generation);
    set_while_true(
        conditions,
        RECONCILING,
        (progressing.is_true && stalled.is_none()).then(|| progressing.clone()),
        generation,
    );
    set_while_true(conditions, STALLED, stalled, generation);
    set_while_true(conditions, HELD_BACK, holds::held_back(input), generation);
    for (type_, reason) in
        [(PREFLIGHT_FAILED, HoldReason::PreflightFailed), (ROLLED_BACK, HoldReason::RolledBack)]
    {
        set_while_true(conditions, type_, holds::held_for(input, reason), generation);
    }
    set(conditions, PROGRESSING, progressing, generation);
    queues::set(&mut status, input);
    status
}

/// The rollouts of all components of `mode`.
fn rollouts(input: &StatusInput<'_>, mode: Mode) -> Vec<ComponentRollout> {
    let components: &[Component] = match mode {
        Mode::Monolith => &[Component::Monolith],
        Mode::Microservices => &[Component::Vacancy, Component::Ticket],
    };
    let name = input.system.metadata.name.as_deref().unwrap_or_default();
    components
        .iter()
        .map(|component| {
            let name = component.object_name(name);
            ComponentRollout {
                component: *component,
                rollout: Rollout::of(input.live, &name),
                name,
            }
        })
        .collect()
}

fn ready(input: &StatusInput<'_>, rollouts: &[ComponentRollout]) -> ConditionState {
    let unready: Vec<&ComponentRollout> =
        rollouts.iter().filter(|part| !part.is_serving()).collect();
    if unready.is_empty() {
        return match rollouts.iter().find_map(|part| input.outage(part)) {
            Some((reason, message)) => ConditionState::no(reason, message),
            None => ConditionState::yes("Serving", "every service has ready pods"),
        };
    }
    if let Err(error) = input.validated {
        return ConditionState::no(error.reason(), error.to_string());
    }
    if let Some(problem) = holds::stalling_claim(input) {
        return ConditionState::no(problem.reason(), problem.to_string());
    }
    if let Some(pending) = input.pending {
        return ConditionState::no(pending.reason, pending.message.clone());
    }
    let mut reason = "WaitingForPods";
    let mut messages = Vec::new();
    for part in unready {
        let component = part.component.as_str();
        let (ready, desired) =
            part.rollout.as_ref().map_or((0, 0), |rollout| (rollout.ready, rollout.desired));
        let diagnosis = input
            .diagnoses
            .iter()
            .find(|(component, _)| *component == part.component)
            .map(|(_, diagnosis)| diagnosis);
        match (&part.rollout, diagnosis) {
            // A Deployment is not applied after an object that its pods need was rejected.
            (None, _) => {
                match input.failure(Kind::Deployment, &part.name).or(input.failures.first()) {
                    Some(failure) => {
                        reason = failure.reason.as_str();
                        messages.push(format!("{component}: {failure}"));
                    }
                    None => messages.push(format!("{component}: has no Deployment yet")),
                }
            }
            (Some(rollout), _) if rollout.terminating => {
                messages.push(format!("{component}: is being deleted"));
            }
            (Some(rollout), _) if rollout.desired == 0 => {
                reason = "ScaledToZero";
                messages.push(format!("{component}: is scaled to zero"));
            }
            (Some(_), Some(diagnosis)) => {
                reason = diagnosis.reason;
                messages.push(format!(
                    "{component}: {ready} of {desired} pods ready, {}",
                    diagnosis.message
                ));
            }
            (Some(_), None) => {
                messages.push(format!("{component}: {ready} of {desired} pods ready"));
            }
        }
    }
    // Components are listed after those they depend on, so the first message names the cause.
    ConditionState::no(reason, messages.join("; "))
}

fn progressing(input: &StatusInput<'_>, rollouts: &[ComponentRollout]) -> ConditionState {
    if let Some(state) = holds::frozen(input) {
        return state;
    }
    if let (Some(_), Some(state)) = (input.pending, holds::stalling(input)) {
        return ConditionState::no(state.reason, state.message);
    }
    if let Some(pending) = input.pending {
        return ConditionState::yes(pending.reason, pending.message.clone());
    }
    if input.validated.is_err() {
        return ConditionState::no("Refused", "the spec is invalid and was not applied");
    }
    if input.system.spec.paused {
        return ConditionState::no("Paused", "the spec is not applied while spec.paused is true");
    }
    if let Some(problem) = holds::stalling_claim(input) {
        return ConditionState::no(problem.reason(), problem.to_string());
    }
    let names = |wanted: &dyn Fn(&ComponentRollout) -> bool| -> Vec<&str> {
        rollouts.iter().filter(|part| wanted(part)).map(|part| part.component.as_str()).collect()
    };
    let incomplete = names(&|part| {
        !holds::is_held(input, &part.name)
            && part.rollout.as_ref().is_none_or(|rollout| {
                !rollout.is_complete()
                    && !rollout.deadline_exceeded
                    && !has_lost_pods(input.system, rollout)
            })
    });
    if incomplete.is_empty() {
        if let Some(message) = deadline_exceeded(rollouts) {
            return ConditionState::no(DEADLINE_EXCEEDED, message);
        }
        if let Some(state) = holds::not_progressing(input) {
            return state;
        }
        let lost = names(&|part| part.rollout.as_ref().is_some_and(|it| !it.is_complete()));
        if !lost.is_empty() {
            let message = format!("no rollout; pods of {} became unready", lost.join(" and "));
            return ConditionState::no(PODS_UNREADY, message);
        }
        return ConditionState::no("UpToDate", "every pod has the latest configuration");
    }
    let message = format!("waiting for the pods of {}", incomplete.join(" and "));
    ConditionState::yes("RollingOut", message)
}

/// Whether pods became unready after they had been rolled out. This is an outage, not a rollout.
fn has_lost_pods(system: &TicketSystem, rollout: &Rollout) -> bool {
    // Without a word of the Deployment controller, the last status says whether the rollout of this
    // generation was complete.
    let was_complete = || {
        let progressing =
            find(system.status.as_ref().map_or(&[], |status| &status.conditions), PROGRESSING);
        progressing.is_some_and(|was| {
            was.status == "False"
                && matches!(was.reason.as_str(), "UpToDate" | PODS_UNREADY)
                && was.observed_generation == system.metadata.generation
        })
    };
    rollout.is_up_to_date() && rollout.rolled_out.unwrap_or_else(was_complete)
}

fn degraded(input: &StatusInput<'_>, rollouts: &[ComponentRollout]) -> ConditionState {
    if let Err(error) = input.validated {
        return ConditionState::yes(error.reason(), error.to_string());
    }
    if let Some(problem) = holds::claim_problem(input) {
        return ConditionState::yes(problem.reason(), problem.to_string());
    }
    if let Some(failure) = input.failures.first() {
        return ConditionState::yes(failure.reason.as_str(), failure.to_string());
    }
    if let Some(state) = holds::stalling(input) {
        return state;
    }
    if let Some((component, diagnosis)) =
        input.diagnoses.iter().find(|(_, diagnosis)| diagnosis.reason == "PodsFailing")
    {
        return ConditionState::yes(
            diagnosis.reason,
            format!("{}: {}", component.as_str(), diagnosis.message),
        );
    }
    if let Some(message) = deadline_exceeded(rollouts) {
        return ConditionState::yes(DEADLINE_EXCEEDED, message);
    }
    if !input.conflicts.is_empty() {
        return ConditionState::yes(FIELD_CONFLICT, field_conflict::message(input.conflicts));
    }
    ConditionState::no("AsExpected", "no problem found")
}

/// A message that names the first component whose latest pods exceeded the progress deadline.
fn deadline_exceeded(rollouts: &[ComponentRollout]) -> Option<String> {
    let late = rollouts.iter().find(|part| {
        part.rollout
            .as_ref()
            .is_some_and(|rollout| rollout.deadline_exceeded && !rollout.is_complete())
    })?;
    Some(format!("the latest pods of {} did not become ready in time", late.component.as_str()))
}

/// The state of Stalled: a problem that needs a change by the user.
fn stalled(input: &StatusInput<'_>, rollouts: &[ComponentRollout]) -> Option<ConditionState> {
    if let Err(error) = input.validated {
        return Some(ConditionState::yes(error.reason(), error.to_string()));
    }
    if let Some(problem) = holds::stalling_claim(input) {
        return Some(ConditionState::yes(problem.reason(), problem.to_string()));
    }
    if let Some(failure) = input.failures.first() {
        return Some(ConditionState::yes(failure.reason.as_str(), failure.to_string()));
    }
    if let Some(state) = holds::stalling(input) {
        return Some(state);
    }
    deadline_exceeded(rollouts).map(|message| ConditionState::yes(DEADLINE_EXCEEDED, message))
}

fn paused(input: &StatusInput<'_>) -> ConditionState {
    const MESSAGE: &str = "no change is applied while spec.paused is true";
    if !input.system.spec.paused {
        return ConditionState::no("Active", "changes are applied");
    }
    if input.drift.is_empty() {
        return ConditionState::yes("Paused", MESSAGE);
    }
    let mut listed = input.drift.iter().take(DRIFT_MAX).cloned().collect::<Vec<_>>().join("; ");
    if input.drift.len() > DRIFT_MAX {
        listed = format!("{listed}; and {} more", input.drift.len() - DRIFT_MAX);
    }
    ConditionState::yes("Paused", format!("{MESSAGE}, but {listed}"))
}

fn stock_change_ignored(input: &StatusInput<'_>) -> ConditionState {
    let effective = match input.validated {
        Ok(system) => Some(system.stock.effective),
        Err(_) => input.system.status.as_ref().and_then(|status| status.initial_stock),
    };
    let requested = input.system.spec.stock.initial;
    match effective {
        Some(effective) if effective != requested => ConditionState::yes(
            "EventExists",
            format!(
                "stock.initial is {requested}, but the event was created with {effective}: change \
                 its capacity with PUT /api/v1/admin/events/default, or set stock.initial back"
            ),
        ),
        _ => ConditionState::no("AsCreated", "the event was created with stock.initial"),
    }
}
