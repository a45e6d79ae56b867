//! The way of requests from vacancy to ticket, for systems of operators that routed some calls to
//! vacancy. An older ticket does not serve these calls, so the Ingress moves after its rollout.

use kube::{ResourceExt, core::DynamicObject};

use crate::{
    build::{Child, resource::deployment::TEMPLATE_HASH},
    dereference::Live,
    kind::{Component, Kind},
    references::elements,
    rollout::Rollout,
    validate::System,
};

/// Where the live Ingress leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Door {
    /// To ticket or the monolith alone, or there is none.
    #[default]
    Ticket,
    /// To vacancy as well, and not every pod of ticket has the desired template yet.
    VacancyUntilRollout,
    /// To vacancy as well, and ticket is ready to take its place.
    Vacancy,
}

impl Door {
    /// Where requests to `system` arrive at the moment.
    pub(super) fn of(system: &System, desired: &[Child], live: &Live) -> Self {
        let vacancy = Component::Vacancy.object_name(&system.name);
        let ingress = live.get(Kind::Ingress, &system.name);
        if !ingress.is_some_and(|ingress| leads_to(ingress, &vacancy)) {
            return Self::Ticket;
        }
        let ticket = Component::Ticket.object_name(&system.name);
        let is_ticket = |child: &&Child| child.kind == Kind::Deployment && child.name == ticket;
        match desired.iter().find(is_ticket) {
            Some(child) if !is_rolled_out(child, live) => Self::VacancyUntilRollout,
            _ => Self::Vacancy,
        }
    }

    /// Whether `child` must keep its live state. The policy of vacancy admits no Ingress
    /// controller, so it follows after the Ingress.
    pub(super) fn defers(self, system: &System, child: &Child) -> bool {
        match child.kind {
            Kind::Ingress => self == Self::VacancyUntilRollout,
            Kind::NetworkPolicy => {
                self != Self::Ticket && child.name == Component::Vacancy.object_name(&system.name)
            }
            _ => false,
        }
    }
}

fn leads_to(ingress: &DynamicObject, service: &str) -> bool {
    elements(&ingress.data["spec"]["rules"])
        .flat_map(|rule| elements(&rule["http"]["paths"]))
        .any(|path| path["backend"]["service"]["name"] == service)
}

fn is_rolled_out(desired: &Child, live: &Live) -> bool {
    let wanted = &desired.body["metadata"]["annotations"][TEMPLATE_HASH];
    let has_template = live
        .get(desired.kind, &desired.name)
        .and_then(|object| object.annotations().get(TEMPLATE_HASH))
        .is_some_and(|current| wanted == current);
    has_template && Rollout::of(live, &desired.name).is_some_and(|rollout| rollout.is_complete())
}
