//! Creating an event and changing its capacities and settings.

use std::collections::BTreeMap;

use super::{
    decision::{Decision, Ruling},
    working_set::WorkingSet,
};
use crate::{
    domain::{Event, EventName, EventSettings, Limits, Outcome, RefusalKind, StockName},
    ledger::Change,
};

pub(super) struct Wish<'a> {
    pub event: &'a EventName,
    pub capacities: &'a BTreeMap<StockName, u64>,
    pub settings: &'a EventSettings,
    pub if_settings_seq: Option<u64>,
    pub only_create: bool,
}

pub(super) fn put_event(set: &WorkingSet, limits: &Limits, wish: &Wish<'_>) -> Ruling {
    let put = || {
        Decision::Append(Change::EventPut {
            capacities: wish.capacities.clone(),
            settings: wish.settings.clone(),
        })
    };
    let Some(event) = set.events.get(wish.event) else {
        if wish.if_settings_seq.is_some() {
            return Err(RefusalKind::PreconditionFailed);
        }
        if set.events_len >= limits.events_max {
            return Err(RefusalKind::TooManyEvents(limits.events_max));
        }
        return Ok(put());
    };
    if wish.only_create {
        return Err(RefusalKind::EventExists);
    }
    if wish.if_settings_seq.is_some_and(|seq| seq != event.settings_seq) {
        return Err(RefusalKind::PreconditionFailed);
    }
    if let Some((name, stock)) = event.stocks.iter().find(|(name, stock)| {
        stock.held + stock.sold > wish.capacities.get(name).copied().unwrap_or(0)
    }) {
        return Err(RefusalKind::CapacityBelowUse {
            stock: name.clone(),
            used: stock.held + stock.sold,
        });
    }
    if is_so_already(event, wish) {
        return Ok(Decision::Already(
            Outcome::EventPut { created: false, settings_seq: event.settings_seq },
            None,
        ));
    }
    Ok(put())
}

fn is_so_already(event: &Event, wish: &Wish<'_>) -> bool {
    event.settings == *wish.settings
        && event.stocks.len() == wish.capacities.len()
        && event
            .stocks
            .iter()
            .all(|(name, stock)| wish.capacities.get(name) == Some(&stock.capacity))
}
