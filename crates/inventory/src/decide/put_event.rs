//! Creates an event, or changes its capacities and settings.

use std::collections::BTreeMap;

use super::{
    decision::{Decision, Ruling},
    working_set::WorkingSet,
};
use crate::{
    domain::{
        DrawCommitment, Event, EventName, EventSettings, Limits, Outcome, RefusalKind, StockName,
        TimeMs,
    },
    ledger::{Change, QueueChange},
};

pub(super) struct PutEventArgs<'a> {
    pub event: &'a EventName,
    pub capacities: &'a BTreeMap<StockName, u64>,
    pub settings: &'a EventSettings,
    pub if_settings_seq: Option<u64>,
    pub only_create: bool,
    pub draw: Option<&'a DrawCommitment>,
}

pub(super) fn put_event(
    set: &WorkingSet,
    limits: &Limits,
    args: &PutEventArgs<'_>,
    now_ms: TimeMs,
) -> Ruling {
    let (capacities, settings) = (args.capacities.clone(), args.settings.clone());
    let put = Change::EventPut { capacities, settings };
    let known = set.events.get(args.event);
    let Some(event) = known.filter(|event| !event.is_deleted()) else {
        if args.if_settings_seq.is_some() {
            return Err(RefusalKind::PreconditionFailed);
        }
        // A deleted one still counts, with its ledger.
        if known.is_none() && set.events_len >= limits.events_max {
            return Err(RefusalKind::TooManyEvents(limits.events_max));
        }
        return with_draw(put, None, args);
    };
    if args.only_create {
        return Err(RefusalKind::EventExists);
    }
    if args.if_settings_seq.is_some_and(|seq| seq != event.settings_seq) {
        return Err(RefusalKind::PreconditionFailed);
    }
    if let Some((name, stock)) = event.stocks.iter().find(|(name, stock)| {
        stock.held + stock.sold > args.capacities.get(name).copied().unwrap_or(0)
    }) {
        return Err(RefusalKind::CapacityBelowUse {
            stock: name.clone(),
            used: stock.held + stock.sold,
        });
    }
    if is_unchanged(event, args) {
        return Ok(Decision::Already(
            Outcome::EventPut { created: false, settings_seq: event.settings_seq },
            None,
        ));
    }
    check_queue(event, args.settings, now_ms)?;
    with_draw(put, Some(event), args)
}

/// Whether the waiting room of `event`, if anybody is in it, can have these settings.
fn check_queue(event: &Event, new: &EventSettings, now_ms: TimeMs) -> Result<(), RefusalKind> {
    let old = &event.settings;
    let Some(queue) = event.queue.as_ref().filter(|queue| queue.joined > 0) else { return Ok(()) };
    let Some((before, after)) = old.queue.as_ref().zip(new.queue.as_ref()) else { return Ok(()) };
    let is_frozen = !queue.is_drawing_open()
        || event.freeze_at_ms().is_some_and(|at_ms| at_ms <= event.ledger_time(now_ms));
    let moves_draw = queue.draw.is_some() && old.opens_at_ms != new.opens_at_ms && is_frozen;
    if before.draw != after.draw || before.opens_at_ms != after.opens_at_ms || moves_draw {
        return Err(RefusalKind::QueueInUse);
    }
    Ok(())
}

/// `put`, and the commitment of a draw that begins with it or whose end it moves.
fn with_draw(put: Change, before: Option<&Event>, args: &PutEventArgs<'_>) -> Ruling {
    let goes_on = before.is_some_and(|event| {
        event.queue.as_ref().is_some_and(|queue| queue.joined > 0)
            && event.settings.opens_at_ms == args.settings.opens_at_ms
    });
    if goes_on || !args.settings.queue.as_ref().is_some_and(|queue| queue.draw) {
        return Ok(Decision::Append(put));
    }
    let commitment = args.draw.ok_or(RefusalKind::DrawNotCommitted)?.clone();
    Ok(Decision::AppendBoth(put, Change::Queue(QueueChange::DrawCommitted(commitment))))
}

fn is_unchanged(event: &Event, args: &PutEventArgs<'_>) -> bool {
    event.settings == *args.settings
        && event.stocks.len() == args.capacities.len()
        && event
            .stocks
            .iter()
            .all(|(name, stock)| args.capacities.get(name) == Some(&stock.capacity))
}
