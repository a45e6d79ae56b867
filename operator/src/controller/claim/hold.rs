//! Claims a system before it is reconciled, or reports that another operator holds it.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use kube::{ResourceExt, runtime::controller::Action};

use super::{
    super::{context::Context, reconcile_error::ReconcileError},
    decision::{Decision, Subject},
    write::write,
};
use crate::{
    api::{PREFERRED_OPERATOR, TicketSystem},
    observe::events,
};

/// Delay after the resource changed while the claim was being written.
const CONFLICT_DELAY: Duration = Duration::from_millis(500);

/// Whether this operator manages a system.
pub enum Claimed<'a> {
    /// It does. The resource carries the claim.
    Own(Box<Cow<'a, TicketSystem>>),
    /// Another operator does, or may have just claimed it.
    Not(Action),
}

fn own_system(system: Cow<'_, TicketSystem>) -> Claimed<'_> {
    Claimed::Own(Box::new(system))
}

/// Claims `system` if no other operator does.
pub async fn hold<'a>(
    system: &'a TicketSystem,
    context: &Context,
) -> Result<Claimed<'a>, ReconcileError> {
    let (uid, namespace) =
        (system.uid().unwrap_or_default(), system.namespace().unwrap_or_default());
    let claim = system.status.as_ref().and_then(|status| status.operator.as_ref());
    let subject = Subject {
        uid: &uid,
        namespace: &namespace,
        claim,
        preferred: system.annotations().get(PREFERRED_OPERATOR).map(String::as_str),
    };
    let own = context.installation.claim();
    let written = match context.rivals.decide(subject, own, Instant::now()) {
        Decision::Manage => return Ok(own_system(Cow::Borrowed(system))),
        Decision::StandBack(recheck) => {
            announce(system, context).await;
            return Ok(Claimed::Not(Action::requeue(recheck.min(context.settings.resync()))));
        }
        Decision::Challenge(challenge) => {
            announce(system, context).await;
            write(&context.client, system, &challenge).await.map(|_| None)
        }
        Decision::Claim(own) => {
            if let Some(holder) = claim.filter(|claim| claim.name != own.name) {
                tracing::info!(
                    system = system.name_any(),
                    namespace,
                    from = holder.name,
                    version = holder.version,
                    "system taken over from another operator"
                );
            }
            write(&context.client, system, &own).await.map(Some)
        }
    };
    match written {
        Ok(Some(system)) => Ok(own_system(Cow::Owned(system))),
        Ok(None) => Ok(Claimed::Not(Action::requeue(CONFLICT_DELAY))),
        Err(kube::Error::Api(status)) if status.is_conflict() => {
            Ok(Claimed::Not(Action::requeue(CONFLICT_DELAY)))
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            Ok(Claimed::Not(Action::await_change()))
        }
        // A definition without the field, or no right to write the status. A system that no other
        // operator holds must not be left alone for that.
        Err(kube::Error::Api(status))
            if status.code < 500 && claim.is_none_or(|claim| claim.name == own.name) =>
        {
            context.metrics.status_write_error();
            tracing::warn!(
                system = system.name_any(),
                namespace,
                error = status.message,
                "cannot claim the system; managing it without a claim"
            );
            Ok(own_system(Cow::Borrowed(system)))
        }
        Err(error) => {
            context.metrics.status_write_error();
            Err(error.into())
        }
    }
}

/// Reports once per holder that this operator leaves `system` alone.
async fn announce(system: &TicketSystem, context: &Context) {
    let Some(holder) = system.status.as_ref().and_then(|status| status.operator.as_ref()) else {
        return;
    };
    if !context.rivals.is_news(&system.uid().unwrap_or_default(), &holder.name) {
        return;
    }
    tracing::warn!(
        system = system.name_any(),
        namespace = system.namespace(),
        holder = holder.name,
        holder_version = holder.version,
        holder_scope = holder.scope,
        "another operator manages the system; standing back"
    );
    events::standing_back(&context.events, system, context.installation.name(), holder).await;
}
