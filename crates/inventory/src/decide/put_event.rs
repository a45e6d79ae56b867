//! Creates an event, or changes its capacities and settings.

use std::collections::BTreeMap;

use super::{
    decision::{Decision, Ruling},
    working_set::WorkingSet,
};
use crate::{
    domain::{Event, EventName, EventSettings, Limits, Outcome, RefusalKind, StockName},
    ledger::Change,
};

pub(super) struct PutEventArgs<'a> {
    pub event: &'a EventName,
    pub capacities: &'a BTreeMap<StockName, u64>,
    pub settings: &'a EventSettings,
    pub if_settings_seq: Option<u64>,
    pub only_create: bool,
}

pub(super) fn put_event(set: &WorkingSet, limits: &Limits, args: &PutEventArgs<'_>) -> Ruling {
    let put = || {
        Decision::Append(Change::EventPut {
            capacities: args.capacities.clone(),
            settings: args.settings.clone(),
        })
    };
    let known = set.events.get(args.event);
    let Some(event) = known.filter(|event| !event.is_deleted()) else {
        if args.if_settings_seq.is_some() {
            return Err(RefusalKind::PreconditionFailed);
        }
        // A deleted one still counts, with its ledger.
        if known.is_none() && set.events_len >= limits.events_max {
            return Err(RefusalKind::TooManyEvents(limits.events_max));
        }
        return Ok(put());
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
    Ok(put())
}

fn is_unchanged(event: &Event, args: &PutEventArgs<'_>) -> bool {
    event.settings == *args.settings
        && event.stocks.len() == args.capacities.len()
        && event
            .stocks
            .iter()
            .all(|(name, stock)| args.capacities.get(name) == Some(&stock.capacity))
}
