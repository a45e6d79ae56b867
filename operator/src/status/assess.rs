//! From what was found to a status. Pure, but for the time a condition turned.

use super::{
    DEGRADED, PAUSED, PROGRESSING, READY, RECONCILING, STALLED, STOCK_CHANGE_IGNORED,
    conditions::{Finding, set, set_while_true},
    explain::Explanation,
    rollout::Rollout,
};
use crate::{
    api::{Mode, TicketSystem, TicketSystemStatus},
    apply::{Refused, Waiting},
    dereference::Live,
    kind::{Component, Kind},
    validate::{Refusal, System},
};

/// How far the reconciliation got.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    /// The spec was built and applied, or would have been but for a pause.
    Valid(&'a System),
    Refused(&'a Refusal),
}

/// Everything a status is made from.
#[derive(Debug)]
pub struct Outlook<'a> {
    pub system: &'a TicketSystem,
    pub verdict: Verdict<'a>,
    pub live: &'a Live,
    pub refused: &'a [Refused],
    /// What has to happen before the rest can be done.
    pub waiting: Option<&'a Waiting>,
    pub explanations: &'a [(Component, Explanation)],
}

impl Outlook<'_> {
    /// The mode to look at: a refused spec changes nothing.
    fn aim(&self, status: &TicketSystemStatus) -> Mode {
        let wanted = self.system.spec.mode;
        if matches!(self.verdict, Verdict::Valid(_)) {
            wanted
        } else {
            status.mode.unwrap_or(wanted)
        }
    }

    fn refused(&self, kind: Kind, name: &str) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.kind == kind && refused.name == name)
    }
}

/// A component in force and its Deployment.
#[derive(Clone)]
struct Part {
    component: Component,
    name: String,
    rollout: Option<Rollout>,
}

impl Part {
    fn serves(&self) -> bool {
        self.rollout.as_ref().is_some_and(Rollout::serves)
    }
}

/// Makes the status.
pub fn assess(outlook: &Outlook<'_>) -> TicketSystemStatus {
    let before = outlook.system.status.clone().unwrap_or_default();
    let generation = outlook.system.metadata.generation;
    let mut status = TicketSystemStatus { observed_generation: generation, ..before };
    if let Verdict::Valid(system) = outlook.verdict {
        if !outlook.system.spec.paused && outlook.waiting.is_none_or(|waiting| waiting.switched) {
            status.mode = Some(system.spec.mode);
            status.storage = Some(system.storage.as_str().to_owned());
            status.initial_stock = Some(system.stock.in_force);
        }
        status.url = system.url();
    }
    // What is to be. Counted and told of is what serves: while a switch waits, that may be what
    // was.
    let aimed = parts(outlook, outlook.aim(&status));
    let in_force = outlook
        .waiting
        .filter(|waiting| !waiting.switched)
        .and(status.mode)
        .map(|mode| parts(outlook, mode));
    let parts =
        in_force.filter(|parts| parts.iter().all(Part::serves)).unwrap_or_else(|| aimed.clone());
    let rollout = |component: Component| {
        parts.iter().find(|part| part.component == component).and_then(|part| part.rollout.as_ref())
    };
    status.ticket =
        rollout(Component::Ticket).or_else(|| rollout(Component::Monolith)).map(Rollout::status);
    status.vacancy = rollout(Component::Vacancy).map(Rollout::status);

    let progressing = progressing(outlook, &aimed);
    let stalled = stalled(outlook, &aimed);
    let conditions = &mut status.conditions;
    set(conditions, READY, ready(outlook, &parts), generation);
    set(conditions, DEGRADED, degraded(outlook, &aimed), generation);
    set(conditions, PAUSED, paused(outlook.system), generation);
    set(conditions, STOCK_CHANGE_IGNORED, stock_change_ignored(outlook), generation);
    set_while_true(
        conditions,
        RECONCILING,
        (progressing.holds && stalled.is_none()).then(|| progressing.clone()),
        generation,
    );
    set_while_true(conditions, STALLED, stalled, generation);
    set(conditions, PROGRESSING, progressing, generation);
    status
}

fn parts(outlook: &Outlook<'_>, mode: Mode) -> Vec<Part> {
    let components: &[Component] = match mode {
        Mode::Monolith => &[Component::Monolith],
        Mode::Microservices => &[Component::Vacancy, Component::Ticket],
    };
    let name = outlook.system.metadata.name.as_deref().unwrap_or_default();
    components
        .iter()
        .map(|component| {
            let name = component.object_name(name);
            Part { component: *component, rollout: Rollout::of(outlook.live, &name), name }
        })
        .collect()
}

fn ready(outlook: &Outlook<'_>, parts: &[Part]) -> Finding {
    let waiting: Vec<&Part> = parts.iter().filter(|part| !part.serves()).collect();
    if waiting.is_empty() {
        return Finding::yes("Serving", "every service has pods that are ready");
    }
    if let Verdict::Refused(refusal) = outlook.verdict {
        return Finding::no(refusal.reason(), refusal.to_string());
    }
    if let Some(waiting) = outlook.waiting {
        return Finding::no(waiting.reason, waiting.message.clone());
    }
    let mut reason = "WaitingForPods";
    let mut messages = Vec::new();
    for part in waiting {
        let component = part.component.as_str();
        let (had, wanted) =
            part.rollout.as_ref().map_or((0, 0), |rollout| (rollout.ready, rollout.wanted));
        let explanation = outlook
            .explanations
            .iter()
            .find(|(explained, _)| *explained == part.component)
            .map(|(_, explanation)| explanation);
        match (&part.rollout, explanation) {
            // One that lacks what it reads or writes is not even tried.
            (None, _) => {
                match outlook.refused(Kind::Deployment, &part.name).or(outlook.refused.first()) {
                    Some(refused) => {
                        reason = refused.reason;
                        messages.push(format!("{component}: {refused}"));
                    }
                    None => messages.push(format!("{component}: has no Deployment yet")),
                }
            }
            (Some(rollout), _) if rollout.ending => {
                messages.push(format!("{component}: is being deleted"))
            }
            (Some(rollout), _) if rollout.wanted == 0 => {
                reason = "ScaledToZero";
                messages.push(format!("{component}: is scaled to zero"));
            }
            (Some(_), Some(explanation)) => {
                reason = explanation.reason;
                messages.push(format!(
                    "{component}: {had} of {wanted} pods ready, {}",
                    explanation.message
                ));
            }
            (Some(_), None) => messages.push(format!("{component}: {had} of {wanted} pods ready")),
        }
    }
    // The first cause named is the one to look at: the list starts with what the others depend on.
    Finding::no(reason, messages.join("; "))
}

fn progressing(outlook: &Outlook<'_>, parts: &[Part]) -> Finding {
    if let Some(waiting) = outlook.waiting {
        return Finding::yes(waiting.reason, waiting.message.clone());
    }
    if matches!(outlook.verdict, Verdict::Refused(_)) {
        return Finding::no("Refused", "the spec was not applied");
    }
    if outlook.system.spec.paused {
        return Finding::no("Paused", "the spec is not being applied: spec.paused is true");
    }
    let moving: Vec<&str> = parts
        .iter()
        .filter(|part| {
            part.rollout
                .as_ref()
                .is_none_or(|rollout| !rollout.complete() && !rollout.deadline_exceeded)
        })
        .map(|part| part.component.as_str())
        .collect();
    if moving.is_empty() {
        if let Some(late) = late(parts) {
            return Finding::no(DEADLINE, late);
        }
        return Finding::no("UpToDate", "every pod is of the newest configuration");
    }
    Finding::yes("RollingOut", format!("waiting for the pods of {}", moving.join(" and ")))
}

fn degraded(outlook: &Outlook<'_>, parts: &[Part]) -> Finding {
    if let Verdict::Refused(refusal) = outlook.verdict {
        return Finding::yes(refusal.reason(), refusal.to_string());
    }
    if let Some(refused) = outlook.refused.first() {
        return Finding::yes(refused.reason, refused.to_string());
    }
    if let Some((component, explanation)) =
        outlook.explanations.iter().find(|(_, explanation)| explanation.reason == "PodsFailing")
    {
        return Finding::yes(
            explanation.reason,
            format!("{}: {}", component.as_str(), explanation.message),
        );
    }
    if let Some(late) = late(parts) {
        return Finding::yes(DEADLINE, late);
    }
    Finding::no("AsExpected", "nothing stands in the way")
}

/// The reason when new pods do not come up.
const DEADLINE: &str = "ProgressDeadlineExceeded";

/// Which newest pods did not come up in the time they had.
fn late(parts: &[Part]) -> Option<String> {
    let late = parts.iter().find(|part| {
        part.rollout
            .as_ref()
            .is_some_and(|rollout| rollout.deadline_exceeded && !rollout.complete())
    })?;
    Some(format!("the newest pods of {} did not become ready in time", late.component.as_str()))
}

/// What will not get better until a person does something.
fn stalled(outlook: &Outlook<'_>, parts: &[Part]) -> Option<Finding> {
    match outlook.verdict {
        Verdict::Refused(refusal) => Some(Finding::yes(refusal.reason(), refusal.to_string())),
        Verdict::Valid(_) => {
            let refused = outlook
                .refused
                .first()
                .map(|refused| Finding::yes(refused.reason, refused.to_string()));
            refused.or_else(|| late(parts).map(|late| Finding::yes(DEADLINE, late)))
        }
    }
}

fn paused(system: &TicketSystem) -> Finding {
    if system.spec.paused {
        Finding::yes("Paused", "spec.paused is true: nothing is changed until it is false")
    } else {
        Finding::no("Active", "changes are applied")
    }
}

fn stock_change_ignored(outlook: &Outlook<'_>) -> Finding {
    let in_force = match outlook.verdict {
        Verdict::Valid(system) => Some(system.stock.in_force),
        Verdict::Refused(_) => {
            outlook.system.status.as_ref().and_then(|status| status.initial_stock)
        }
    };
    let requested = outlook.system.spec.stock.initial;
    match in_force {
        Some(in_force) if in_force != requested => Finding::yes(
            "EventExists",
            format!(
                "stock.initial is {requested}, but the event was created with {in_force}: change its capacity with PUT /api/v1/admin/events/default, or set stock.initial back"
            ),
        ),
        _ => Finding::no("AsCreated", "stock.initial is what the event was created with"),
    }
}
