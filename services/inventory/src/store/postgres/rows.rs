//! Rows as the domain has them. What cannot be read was damaged.

use std::fmt::Display;

use tokio_postgres::Row;
use uuid::Uuid;

use super::errors::Trouble;
use crate::domain::{CustomerId, Event, EventName, Hold, HoldId, HoldState, PaymentRef};
use crate::ledger::Hash;

/// A number of the domain as the database keeps it. What would not fit is refused long before.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn damaged(what: &'static str) -> impl Fn(&dyn Display) -> Trouble {
    move |why| Trouble::Damaged(format!("{what}: {why}"))
}

pub(super) fn number(row: &Row, column: usize) -> Result<u64, Trouble> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|error| damaged("a number")(&error))
}

pub(super) fn optional_number(row: &Row, column: usize) -> Result<Option<u64>, Trouble> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|value| u64::try_from(value).map_err(|error| damaged("a number")(&error))).transpose()
}

pub(super) fn event_name(row: &Row, column: usize) -> Result<EventName, Trouble> {
    EventName::new(row.try_get(column)?).map_err(|error| damaged("an event's name")(&error))
}

pub(super) fn uuid(id: HoldId) -> Uuid {
    Uuid::from_bytes(*id.as_bytes())
}

pub(super) fn event(row: &Row) -> Result<Event, Trouble> {
    let bad = damaged("an event");
    let head: &[u8] = row.try_get(3)?;
    Ok(Event {
        name: event_name(row, 0)?,
        seq: number(row, 1)?,
        settings_seq: number(row, 2)?,
        head: Hash::from_bytes(head.try_into().map_err(|error| bad(&error))?),
        at_ms: number(row, 4)?,
        live_holds: number(row, 5)?,
        settings: serde_json::from_str(row.try_get(6)?).map_err(|error| bad(&error))?,
        stocks: serde_json::from_str(row.try_get(7)?).map_err(|error| bad(&error))?,
    })
}

pub(super) fn hold(row: &Row) -> Result<Hold, Trouble> {
    let bad = damaged("a hold");
    let id: Uuid = row.try_get(0)?;
    let customer: Option<&str> = row.try_get(4)?;
    let payment_ref: Option<&str> = row.try_get(8)?;
    Ok(Hold {
        id: HoldId::from_bytes(*id.as_bytes()),
        event: event_name(row, 1)?,
        items: serde_json::from_str(row.try_get(2)?).map_err(|error| bad(&error))?,
        live: serde_json::from_str(row.try_get(3)?).map_err(|error| bad(&error))?,
        customer: customer.map(CustomerId::new).transpose().map_err(|error| bad(&error))?,
        state: state_of(row.try_get(5)?).ok_or_else(|| bad(&"its state"))?,
        created_at_ms: number(row, 6)?,
        expires_at_ms: number(row, 7)?,
        payment_ref: payment_ref.map(PaymentRef::new).transpose().map_err(|error| bad(&error))?,
        seq: number(row, 9)?,
        confirmed_seq: optional_number(row, 10)?,
    })
}

/// Where the columns of [`hold`] end.
pub(super) const HOLD_COLUMNS: usize = 11;

pub(super) fn state_name(state: HoldState) -> &'static str {
    match state {
        HoldState::Held => "held",
        HoldState::Confirmed => "confirmed",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
    }
}

fn state_of(name: &str) -> Option<HoldState> {
    [HoldState::Held, HoldState::Confirmed, HoldState::Released, HoldState::Expired].into_iter().find(|state| state_name(*state) == name)
}
