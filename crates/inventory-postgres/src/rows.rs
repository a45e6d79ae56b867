//! Converts rows to domain types. Invalid rows are damage.

use std::fmt::Display;

use inventory::{
    Hash,
    domain::{CustomerId, Event, EventName, Hold, HoldId, HoldState, HoldTerms, PaymentRef},
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::errors::DbError;

/// A domain number as the database stores it. Larger numbers are refused earlier.
pub fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub fn damaged(what: &'static str) -> impl Fn(&dyn Display) -> DbError {
    move |why| DbError::Damaged(format!("{what}: {why}"))
}

pub fn number(row: &Row, column: usize) -> Result<u64, DbError> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|error| damaged("a number")(&error))
}

pub fn optional_number(row: &Row, column: usize) -> Result<Option<u64>, DbError> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|value| u64::try_from(value).map_err(|error| damaged("a number")(&error))).transpose()
}

pub fn event_name(row: &Row, column: usize) -> Result<EventName, DbError> {
    EventName::new(row.try_get(column)?).map_err(|error| damaged("an event's name")(&error))
}

pub fn uuid(id: HoldId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

/// In which columns the parts of an event are: name, seq, settings_seq, head, at_ms, live_holds,
/// settings, stocks.
type EventColumns = [usize; 8];

/// As [`crate::sql::EVENT`] has them.
pub fn event(row: &Row) -> Result<Event, DbError> {
    event_at(row, [0, 1, 2, 3, 4, 5, 6, 7])
}

/// As a row of a batch has them.
pub fn batch_event(row: &Row) -> Result<Event, DbError> {
    event_at(row, [1, 3, 4, 13, 5, 6, 8, 9])
}

fn event_at(
    row: &Row,
    [name, seq, settings_seq, head, at_ms, live_holds, settings, stocks]: EventColumns,
) -> Result<Event, DbError> {
    let bad = damaged("an event");
    let head: &[u8] = row.try_get(head)?;
    Ok(Event {
        name: event_name(row, name)?,
        seq: number(row, seq)?,
        settings_seq: number(row, settings_seq)?,
        head: Hash::from_bytes(head.try_into().map_err(|error| bad(&error))?),
        at_ms: number(row, at_ms)?,
        live_holds: number(row, live_holds)?,
        settings: serde_json::from_str(row.try_get(settings)?).map_err(|error| bad(&error))?,
        stocks: serde_json::from_str(row.try_get(stocks)?).map_err(|error| bad(&error))?,
    })
}

/// In which columns the parts of a hold are: id, event, items, live, customer, state,
/// created_at_ms, expires_at_ms, payment_ref, seq, confirmed_seq, terms.
type HoldColumns = [usize; 12];

/// As [`crate::sql::HOLD`] has them.
pub fn hold(row: &Row) -> Result<Hold, DbError> {
    hold_at(row, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
}

/// As a row of a batch has them.
pub fn batch_hold(row: &Row) -> Result<Hold, DbError> {
    hold_at(row, [2, 1, 8, 9, 10, 11, 3, 4, 12, 5, 6, 15])
}

fn hold_at(row: &Row, columns: HoldColumns) -> Result<Hold, DbError> {
    let [
        id,
        event,
        items,
        live,
        customer,
        state,
        created_at_ms,
        expires_at_ms,
        payment_ref,
        seq,
        confirmed_seq,
        terms,
    ] = columns;
    let bad = damaged("a hold");
    let id: Uuid = row.try_get(id)?;
    let customer: Option<&str> = row.try_get(customer)?;
    let payment_ref: Option<&str> = row.try_get(payment_ref)?;
    let terms: Option<&str> = row.try_get(terms)?;
    let terms: Option<HoldTerms> =
        terms.map(serde_json::from_str).transpose().map_err(|error| bad(&error))?;
    Ok(Hold {
        id: HoldId::from_bytes(*id.as_bytes()),
        event: event_name(row, event)?,
        items: serde_json::from_str(row.try_get(items)?).map_err(|error| bad(&error))?,
        live: serde_json::from_str(row.try_get(live)?).map_err(|error| bad(&error))?,
        customer: customer.map(CustomerId::new).transpose().map_err(|error| bad(&error))?,
        state: state_of(row.try_get(state)?).ok_or_else(|| bad(&"its state"))?,
        created_at_ms: number(row, created_at_ms)?,
        expires_at_ms: number(row, expires_at_ms)?,
        payment_ref: payment_ref.map(PaymentRef::new).transpose().map_err(|error| bad(&error))?,
        seq: number(row, seq)?,
        confirmed_seq: optional_number(row, confirmed_seq)?,
        terms: terms.unwrap_or_default(),
    })
}

pub fn state_name(state: HoldState) -> &'static str {
    match state {
        HoldState::Held => "held",
        HoldState::Confirmed => "confirmed",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
    }
}

fn state_of(name: &str) -> Option<HoldState> {
    [HoldState::Held, HoldState::Confirmed, HoldState::Released, HoldState::Expired]
        .into_iter()
        .find(|state| state_name(*state) == name)
}
