//! Writes a batch: its records and the changed state, in one atomic, fsynced write.

use fjall::OwnedWriteBatch;
use inventory::{
    decide::WorkingSet,
    domain::{EventName, HoldId, HoldState, TimeMs},
};
use inventory_store::{Durability, EventView, StoreError};

use crate::{
    contents::Contents,
    errors::failed,
    keys::{Added, KeyConflict},
    lookup,
    rows::{customer_key, encode, encode_hold, ledger_key, live_key, place_key, waiting_key},
};

/// A change to the index of live holds: removed at the first time, added at the second.
struct LiveChange {
    event: EventName,
    id: HoldId,
    out_ms: Option<TimeMs>,
    in_ms: Option<TimeMs>,
}

/// A change to the index of waiting lists, likewise.
struct WaitingChange {
    event: EventName,
    id: HoldId,
    out: Option<u64>,
    number: Option<u64>,
}

/// The most the journal adds to a record's rows, and the row of an event with a few stocks.
const ROWS_BYTES: u64 = 512;
const EVENTS_BYTES: u64 = 2_048;

pub fn commit(
    contents: &mut Contents,
    set: WorkingSet,
    durability: Durability,
) -> Result<Vec<EventView>, StoreError> {
    if set.records.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(format) = set.records.iter().map(|(record, _)| record.change.format()).max() {
        contents.raise_format(format)?;
    }
    let tables = contents.tables.clone();
    let mut batch = tables.batch(durability);
    let mut keys = Added::default();
    // A record's other rows together are smaller than its body, but for those of events.
    let mut bytes = EVENTS_BYTES * set.dirty_events.len() as u64;
    for (record, body) in &set.records {
        bytes += 2 * body.len() as u64 + ROWS_BYTES;
        batch.insert(&tables.ledger, ledger_key(&record.event, record.seq), body.as_slice());
        lookup::insert(&tables, &mut batch, record);
        if let Some(used) = &record.key {
            let later = keys
                .get(&used.key)
                .is_none_or(|(known, _)| known.expires_at_ms < used.expires_at_ms);
            if later {
                keys.insert(&used.key, (used, record));
            }
        }
    }
    let conflict = if set.replaying { KeyConflict::KeepNewest } else { KeyConflict::Replace };
    contents.keys.update(&tables, &mut batch, keys, set.now_ms, conflict)?;
    for name in &set.dirty_events {
        if let Some(event) = set.events.get(name) {
            let row = serde_json::to_vec(event)
                .map_err(|error| StoreError::Failed(error.to_string().into()))?;
            batch.insert(&tables.events, name.as_str(), row);
        }
    }
    for customer in &set.dirty_customers {
        let key = customer_key(&customer.0, &customer.1);
        match set.customers.get(customer).copied().unwrap_or(0) {
            0 => batch.remove(&tables.customers, key),
            has => batch.insert(&tables.customers, key, encode(&has)?),
        }
    }
    for place in &set.dirty_places {
        if let Some(row) = set.places.get(place) {
            batch.insert(&tables.places, place_key(&place.0, &place.1), encode(row)?);
        }
    }
    let (mut live, mut waiting) = (Vec::new(), Vec::new());
    for slot in set.holds.into_values().filter(|slot| slot.dirty) {
        batch.insert(&tables.holds, slot.hold.id.as_bytes(), encode_hold(&slot.hold)?);
        let in_ms = (slot.hold.state == HoldState::Held).then_some(slot.hold.expires_at_ms);
        let number = slot.hold.waiting.as_ref().map(|waiting| waiting.number);
        if number != slot.indexed_number {
            waiting.push(WaitingChange {
                event: slot.hold.event.clone(),
                id: slot.hold.id,
                out: slot.indexed_number,
                number,
            });
        }
        if in_ms != slot.indexed_at_ms {
            live.push(LiveChange {
                event: slot.hold.event,
                id: slot.hold.id,
                out_ms: slot.indexed_at_ms,
                in_ms,
            });
        }
    }
    index(contents, &mut batch, &live, &waiting);
    let records = {
        let mut journal = contents.journal.lock();
        let records = journal.records + set.records.len() as u64;
        contents.lookup.mark(&tables, &mut batch, records)?;
        journal.prepare(&tables, bytes);
        batch.commit().map_err(failed)?;
        journal.records = records;
        records
    };
    if let Some(watermark) = &contents.watermark {
        watermark
            .set(records)
            .map_err(|error| StoreError::Failed(format!("WATERMARK: {error}").into()))?;
    }

    for LiveChange { event, id, out_ms, in_ms } in live {
        if let Some(at_ms) = out_ms {
            contents.live.remove(&event, at_ms, id);
        }
        if let Some(at_ms) = in_ms {
            contents.live.insert(&event, at_ms, id);
        }
    }
    for WaitingChange { event, id, out, number } in waiting {
        if let Some(number) = out {
            contents.waiting.remove(&event, number, id);
        }
        if let Some(number) = number {
            contents.waiting.insert(&event, number, id);
        }
    }
    let mut views = Vec::with_capacity(set.dirty_events.len());
    for (name, event) in set.events {
        if set.dirty_events.contains(&name) {
            views.push(contents.view(&event));
            contents.events.insert(name, event);
        }
    }
    Ok(views)
}

fn index(
    contents: &Contents,
    batch: &mut OwnedWriteBatch,
    live: &[LiveChange],
    waiting: &[WaitingChange],
) {
    for change in waiting {
        let row = |number| waiting_key(&change.event, number, change.id);
        if let Some(number) = change.out {
            batch.remove(&contents.tables.waiting, row(number));
        }
        if let Some(number) = change.number {
            batch.insert(&contents.tables.waiting, row(number), []);
        }
    }
    for change in live {
        if let Some(at_ms) = change.out_ms {
            batch.remove(&contents.tables.live, live_key(&change.event, at_ms, change.id));
        }
        if let Some(at_ms) = change.in_ms {
            batch.insert(&contents.tables.live, live_key(&change.event, at_ms, change.id), []);
        }
    }
}
