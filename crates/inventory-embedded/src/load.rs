//! Loads the read set of a batch.

use std::sync::Arc;

use inventory::{
    decide::{DUE_MAX, HoldSlot, KeySlot, ReadSet, WAITING_MAX, WorkingSet},
    domain::{CustomerId, EventName, HoldId, IdempotencyKey, TimeMs},
    ledger::Record,
    map::HashSet,
};
use inventory_store::{StoreError, StoredKey};

use crate::{
    contents::Contents,
    errors::failed,
    rows::{customer_key, decode},
};

pub fn load(
    contents: &Contents,
    reads: &ReadSet,
    now_ms: TimeMs,
) -> Result<WorkingSet, StoreError> {
    let mut set = WorkingSet {
        now_ms,
        events_len: contents.events.len(),
        live_holds_len: contents.live.len(),
        ..WorkingSet::default()
    };
    for key in &reads.keys {
        if let Some(slot) = key_slot(contents, key)? {
            set.keys.insert(key.clone(), slot);
        }
    }
    for id in &reads.holds {
        load_hold(contents, &mut set, *id)?;
    }
    let of_holds: Vec<_> = set.holds.values().map(|slot| slot.hold.event.clone()).collect();
    for name in reads.events.iter().chain(&of_holds) {
        let Some(event) = contents.events.get(name).filter(|_| !set.events.contains_key(name))
        else {
            continue;
        };
        for id in contents.live.due(name, event.ledger_time(now_ms)) {
            if set.due.len() == DUE_MAX {
                set.more_due = true;
                break;
            }
            load_hold(contents, &mut set, id)?;
            set.due.push(id);
        }
        if event.waitlist.waiting > 0 {
            let first = contents.waiting.first(name, WAITING_MAX);
            for id in &first {
                load_hold(contents, &mut set, *id)?;
            }
            set.waiting.insert(name.clone(), first);
        }
        set.events.insert(name.clone(), event.clone());
    }
    let of_holds = set
        .holds
        .values()
        .filter_map(|slot| Some((slot.hold.event.clone(), slot.hold.customer.clone()?)));
    let customers: HashSet<_> = reads.customers.iter().cloned().chain(of_holds).collect();
    load_customers(contents, &mut set, customers)?;
    for key in &reads.places {
        if let Some(place) = contents.tables.place(&key.0, &key.1)? {
            set.places.insert(key.clone(), place);
        }
    }
    Ok(set)
}

fn load_hold(contents: &Contents, set: &mut WorkingSet, id: HoldId) -> Result<(), StoreError> {
    if set.holds.contains_key(&id) {
        return Ok(());
    }
    if let Some(hold) = contents.tables.hold(id)? {
        set.holds.insert(id, HoldSlot::stored(hold));
    }
    Ok(())
}

fn load_customers(
    contents: &Contents,
    set: &mut WorkingSet,
    customers: HashSet<(EventName, CustomerId)>,
) -> Result<(), StoreError> {
    for (event, customer) in customers {
        if let Some(row) =
            contents.tables.customers.get(customer_key(&event, &customer)).map_err(failed)?
        {
            let has = decode("customers", &row)?;
            set.customers.insert((event, customer), has);
        }
    }
    Ok(())
}

fn key_slot(contents: &Contents, key: &IdempotencyKey) -> Result<Option<KeySlot>, StoreError> {
    let Some(row) = contents.tables.keys.get(key.as_str()).map_err(failed)? else {
        return Ok(None);
    };
    let row: StoredKey = decode("keys", &row)?;
    let damaged = |what: String| {
        StoreError::Damaged(format!("record {} of {}: {what}", row.seq, row.event).into())
    };
    let body =
        contents.tables.body(&row.event, row.seq)?.ok_or_else(|| damaged("missing".into()))?;
    let record = Record::from_body(&body).map_err(|error| damaged(error.to_string()))?;
    Ok(Some(KeySlot {
        fingerprint: row.fingerprint,
        expires_at_ms: row.expires_at_ms,
        record: Arc::new(record),
    }))
}
