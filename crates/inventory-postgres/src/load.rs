//! Loading a batch: everything it touches, locked, with one round trip.

use std::sync::Arc;

use inventory::{
    decide::{DUE_MAX, HoldSlot, KeySlot, ReadSet, WAITING_MAX, WorkingSet},
    domain::{CustomerId, EventName, Fingerprint, HoldId, IdempotencyKey, TimeMs},
    ledger::Record,
};
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

use crate::{
    errors::DbError,
    options::{PostgresOptions, TimeSource},
    rows::{
        batch_event, batch_hold, damaged, event_name, int, leaf, number, optional_number, place_at,
        uuid,
    },
    sql::Sql,
};

/// The start of a batch. The function that loads it sets the other bounds.
pub fn begin_batch(options: &PostgresOptions) -> String {
    let statement = options.statement_timeout.as_millis();
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = {statement}"
    )
}

/// The start of any other writing transaction: bounds that hold without this process, so that it
/// can neither wait nor keep others waiting for ever, and never less durable than a commit must be.
pub fn begin(options: &PostgresOptions) -> String {
    let (begin, lock) = (begin_batch(options), options.lock_timeout.as_millis());
    format!(
        "{begin}; SET LOCAL lock_timeout = {lock}; \
         SET LOCAL idle_in_transaction_session_timeout = {lock}; SELECT set_config('synchronous_commit', CASE WHEN \
         current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN 'on' ELSE current_setting('synchronous_commit') END, true)"
    )
}

/// Begins a transaction, locks the events of `reads`, in the order of their names, and
/// loads. One round trip.
pub async fn load(
    client: &Client,
    sql: &Sql,
    begin: &str,
    options: &PostgresOptions,
    reads: &ReadSet,
    now_ms: TimeMs,
) -> Result<WorkingSet, DbError> {
    let wanted = Wanted {
        events: true,
        caller_ms: (options.time == TimeSource::Caller).then_some(now_ms),
        due_max: DUE_MAX + 1,
        waiting_max: WAITING_MAX,
    };
    // Biased: they are sent in this order, without waiting for each other.
    let (begun, rows) = tokio::join!(biased;
        client.batch_execute(begin),
        rows(client, sql, options, reads, &wanted),
    );
    begun?;
    let mut set = WorkingSet::default();
    for row in rows? {
        add(&mut set, &row)?;
    }
    Ok(set)
}

/// Adds to `set`, whose transaction is open, the rest of `reads` for the events that it has locked.
pub async fn load_more(
    client: &Client,
    sql: &Sql,
    options: &PostgresOptions,
    reads: &ReadSet,
    set: &mut WorkingSet,
) -> Result<(), DbError> {
    let wanted = Wanted { events: false, caller_ms: Some(set.now_ms), due_max: 0, waiting_max: 0 };
    let rows = rows(client, sql, options, reads, &wanted).await?;
    for row in rows {
        // Data loaded before is unchanged: it is locked.
        add(set, &row)?;
    }
    Ok(())
}

struct Wanted {
    events: bool,
    caller_ms: Option<TimeMs>,
    due_max: usize,
    waiting_max: usize,
}

async fn rows(
    client: &Client,
    sql: &Sql,
    options: &PostgresOptions,
    reads: &ReadSet,
    wanted: &Wanted,
) -> Result<Vec<Row>, DbError> {
    let names: Vec<&str> =
        reads.events.iter().filter(|_| wanted.events).map(EventName::as_str).collect();
    let ids: Vec<Uuid> = reads.holds.iter().map(|id| uuid(*id)).collect();
    let keys: Vec<&str> = reads.keys.iter().map(IdempotencyKey::as_str).collect();
    let (of_events, customers): (Vec<&str>, Vec<&str>) =
        reads.customers.iter().map(|(event, who)| (event.as_str(), who.as_str())).unzip();
    let (caller_ms, due_max) = (wanted.caller_ms.map(int), int(wanted.due_max as u64));
    let lock_timeout = options.lock_timeout.as_millis().to_string();
    let (place_events, leaves): (Vec<&str>, Vec<&[u8]>) = reads
        .places
        .iter()
        .map(|(event, leaf)| (event.as_str(), leaf.as_bytes().as_slice()))
        .unzip();
    let waiting_max = int(wanted.waiting_max as u64);
    let params: [(&(dyn ToSql + Sync), Type); 12] = [
        (&names, Type::TEXT_ARRAY),
        (&ids, Type::UUID_ARRAY),
        (&of_events, Type::TEXT_ARRAY),
        (&customers, Type::TEXT_ARRAY),
        (&keys, Type::TEXT_ARRAY),
        (&caller_ms, Type::INT8),
        (&due_max, Type::INT8),
        (&reads.totals, Type::BOOL),
        (&lock_timeout, Type::TEXT),
        (&place_events, Type::TEXT_ARRAY),
        (&leaves, Type::BYTEA_ARRAY),
        (&waiting_max, Type::INT8),
    ];
    Ok(client.query_typed(&sql.load, &params).await?)
}

/// Adds a row of a batch, by the kind that the function returned.
fn add(set: &mut WorkingSet, row: &Row) -> Result<(), DbError> {
    match row.try_get(0)? {
        "event" => {
            let event = batch_event(row)?;
            set.events.insert(event.name.clone(), event);
        }
        "time" => {
            set.now_ms = number(row, 3)?;
            set.events_len =
                usize::try_from(number(row, 4)?).unwrap_or(usize::MAX).max(set.events_len);
            set.live_holds_len = number(row, 5)?.max(set.live_holds_len);
        }
        "hold" => drop(add_hold(set, row)?),
        "due" if set.due.len() == DUE_MAX => set.more_due = true,
        "due" => {
            let id = add_hold(set, row)?;
            set.due.push(id);
        }
        "waiting" => {
            let (event, id) = (event_name(row, 1)?, add_hold(set, row)?);
            set.waiting.entry(event).or_default().push(id);
        }
        "customer" => {
            let customer =
                CustomerId::new(row.try_get(10)?).map_err(|error| damaged("a customer")(&error))?;
            set.customers.insert((event_name(row, 1)?, customer), number(row, 7)?);
        }
        "key" => {
            let (key, slot) = key_slot(row)?;
            set.keys.insert(key, slot);
        }
        "place" => {
            let place = place_at(row, [3, 2, 4, 5, 8])?;
            set.places.insert((event_name(row, 1)?, leaf(row, 13)?), place);
        }
        other => return Err(damaged("a batch")(&format!("a row of kind {other}"))),
    }
    Ok(())
}

fn add_hold(set: &mut WorkingSet, row: &Row) -> Result<HoldId, DbError> {
    let hold = batch_hold(row)?;
    let id = hold.id;
    if let (Some(customer), Some(qty)) = (&hold.customer, optional_number(row, 7)?) {
        set.customers.insert((hold.event.clone(), customer.clone()), qty);
    }
    set.holds.entry(id).or_insert_with(|| HoldSlot::stored(hold));
    Ok(id)
}

fn key_slot(row: &Row) -> Result<(IdempotencyKey, KeySlot), DbError> {
    let bad = damaged("a key");
    let key = IdempotencyKey::new(row.try_get(8)?).map_err(|error| bad(&error))?;
    let fingerprint: &[u8] = row.try_get(13)?;
    let body: Option<&[u8]> = row.try_get(14)?;
    let body = body.ok_or_else(|| bad(&"its record is missing"))?;
    let slot = KeySlot {
        fingerprint: Fingerprint::from_bytes(fingerprint.try_into().map_err(|error| bad(&error))?),
        expires_at_ms: number(row, 3)?,
        record: Arc::new(Record::from_body(body).map_err(|error| bad(&error))?),
    };
    Ok((key, slot))
}
