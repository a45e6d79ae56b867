//! Loading a batch: everything it touches, locked, with one round trip.

use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::errors::Trouble;
use super::options::{PostgresOptions, TimeSource};
use super::rows::{HOLD_COLUMNS, damaged, event, event_name, hold, int, number, optional_number, uuid};
use super::sql::Sql;
use crate::decide::{DUE_MAX, HoldSlot, KeySlot, Touch, WorkingSet};
use crate::domain::{CustomerId, Fingerprint, HoldState, IdempotencyKey, TimeMs};
use crate::ledger::Record;

/// What begins every transaction: bounds that hold without this process, so that it can neither wait nor keep others waiting for
/// ever, and never less durable than a commit must be.
pub(super) fn begin(options: &PostgresOptions) -> String {
    let (statement, lock) = (options.statement_timeout.as_millis(), options.lock_timeout.as_millis());
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}; \
         SET LOCAL idle_in_transaction_session_timeout = {lock}; SELECT set_config('synchronous_commit', CASE WHEN \
         current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN 'on' ELSE current_setting('synchronous_commit') END, true)"
    )
}

/// Begins a transaction, locks the events that `touch` names, in the order of their names, and loads. One round trip: the
/// statements follow each other without waiting, and the server runs them in their order.
pub(super) async fn load(
    client: &Client,
    sql: &Sql,
    begin: &str,
    options: &PostgresOptions,
    touch: &Touch,
    now_ms: TimeMs,
) -> Result<WorkingSet, Trouble> {
    let names: Vec<&str> = touch.events.iter().map(crate::domain::EventName::as_str).collect();
    let ids: Vec<Uuid> = touch.holds.iter().map(|id| uuid(*id)).collect();
    let keys: Vec<&str> = touch.keys.iter().map(IdempotencyKey::as_str).collect();
    let (of_events, customers): (Vec<&str>, Vec<&str>) = touch.customers.iter().map(|(event, who)| (event.as_str(), who.as_str())).unzip();
    let caller_ms = (options.time == TimeSource::Caller).then(|| int(now_ms));
    let due_max = int(DUE_MAX as u64 + 1);

    let lock = async {
        match ids.is_empty() {
            true => client.query_typed(&sql.lock_events, &[(&names, Type::TEXT_ARRAY)]).await,
            false => client.query_typed(&sql.lock_events_and_of_holds, &[(&names, Type::TEXT_ARRAY), (&ids, Type::UUID_ARRAY)]).await,
        }
    };
    let time = client.query_typed(if touch.totals { &sql.time_and_totals } else { &sql.time }, &[]);
    let due_params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 4] =
        [(&names, Type::TEXT_ARRAY), (&ids, Type::UUID_ARRAY), (&caller_ms, Type::INT8), (&due_max, Type::INT8)];
    let due = client.query_typed(&sql.due, &due_params);
    let held = rows_unless(ids.is_empty(), async { client.query_typed(&sql.holds, &[(&ids, Type::UUID_ARRAY)]).await });
    let of_customers = rows_unless(customers.is_empty(), async {
        client.query_typed(&sql.customers, &[(&of_events, Type::TEXT_ARRAY), (&customers, Type::TEXT_ARRAY)]).await
    });
    let of_keys = rows_unless(keys.is_empty(), async { client.query_typed(&sql.keys, &[(&keys, Type::TEXT_ARRAY)]).await });
    // Biased: they are sent in this order.
    let (begun, locked, time, due, held, of_customers, of_keys) =
        tokio::join!(biased; client.batch_execute(begin), lock, time, due, held, of_customers, of_keys);
    begun?;
    // The first error is the one that tells; those after it only say that the transaction is over.
    let (locked, time, due, held, of_customers, of_keys) = (locked?, time?, due?, held?, of_customers?, of_keys?);

    let time = time.first().ok_or_else(|| Trouble::Lost("no time".into()))?;
    let mut set = WorkingSet {
        now_ms: match options.time {
            TimeSource::Database => number(time, 0)?,
            TimeSource::Caller => now_ms,
        },
        events_len: usize::try_from(number(time, 1)?).unwrap_or(usize::MAX),
        live_holds_len: number(time, 2)?,
        ..WorkingSet::default()
    };
    for row in &locked {
        let event = event(row)?;
        set.events.insert(event.name.clone(), event);
    }
    for row in &held {
        add_hold(&mut set, row)?;
    }
    for row in &due {
        if set.due.len() == DUE_MAX {
            set.more_due = true;
            break;
        }
        let id = add_hold(&mut set, row)?;
        set.due.push(id);
    }
    for row in &of_customers {
        let customer = CustomerId::new(row.try_get(1)?).map_err(|error| damaged("a customer")(&error))?;
        set.customers.insert((event_name(row, 0)?, customer), number(row, 2)?);
    }
    for row in &of_keys {
        let (key, slot) = key_slot(row)?;
        set.keys.insert(key, slot);
    }
    Ok(set)
}

async fn rows_unless(
    nothing: bool,
    query: impl Future<Output = Result<Vec<Row>, tokio_postgres::Error>>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    if nothing { Ok(Vec::new()) } else { query.await }
}

fn add_hold(set: &mut WorkingSet, row: &Row) -> Result<crate::domain::HoldId, Trouble> {
    let hold = hold(row)?;
    let id = hold.id;
    if let (Some(customer), Some(qty)) = (&hold.customer, optional_number(row, HOLD_COLUMNS)?) {
        set.customers.insert((hold.event.clone(), customer.clone()), qty);
    }
    let indexed_at_ms = (hold.state == HoldState::Held).then_some(hold.expires_at_ms);
    set.holds.entry(id).or_insert(HoldSlot { hold, indexed_at_ms, dirty: false });
    Ok(id)
}

fn key_slot(row: &Row) -> Result<(IdempotencyKey, KeySlot), Trouble> {
    let bad = damaged("a key");
    let key = IdempotencyKey::new(row.try_get(0)?).map_err(|error| bad(&error))?;
    let fingerprint: &[u8] = row.try_get(1)?;
    let body: Option<&[u8]> = row.try_get(3)?;
    let body = body.ok_or_else(|| bad(&"its record is missing"))?;
    let slot = KeySlot {
        fingerprint: Fingerprint::from_bytes(fingerprint.try_into().map_err(|error| bad(&error))?),
        expires_at_ms: number(row, 2)?,
        record: Arc::new(Record::from_body(body).map_err(|error| bad(&error))?),
    };
    Ok((key, slot))
}
