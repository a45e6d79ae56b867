//! Converts rows to domain types. Invalid rows are damage.

use std::fmt::Display;

use draw::Leaf;
use inventory::{
    Hash,
    domain::{
        CustomerId, Event, EventName, Hold, HoldId, HoldState, HoldTerms, Pass, PaymentRef, Place,
        Waitlist,
    },
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
/// settings, stocks, queue, waitlist.
type EventColumns = [usize; 10];

/// As [`crate::sql::EVENT`] has them.
pub fn event(row: &Row) -> Result<Event, DbError> {
    event_at(row, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
}

/// As a row of a batch has them.
pub fn batch_event(row: &Row) -> Result<Event, DbError> {
    event_at(row, [1, 3, 4, 13, 5, 6, 8, 9, 15, 16])
}

fn event_at(
    row: &Row,
    [name, seq, settings_seq, head, at_ms, live_holds, settings, stocks, queue, waitlist]: EventColumns,
) -> Result<Event, DbError> {
    let bad = damaged("an event");
    let head: &[u8] = row.try_get(head)?;
    let queue: Option<&str> = row.try_get(queue)?;
    let waitlist: Option<&str> = row.try_get(waitlist)?;
    let waitlist: Option<Waitlist> =
        waitlist.map(serde_json::from_str).transpose().map_err(|error| bad(&error))?;
    Ok(Event {
        name: event_name(row, name)?,
        seq: number(row, seq)?,
        settings_seq: number(row, settings_seq)?,
        head: Hash::from_bytes(head.try_into().map_err(|error| bad(&error))?),
        at_ms: number(row, at_ms)?,
        live_holds: number(row, live_holds)?,
        settings: serde_json::from_str(row.try_get(settings)?).map_err(|error| bad(&error))?,
        stocks: serde_json::from_str(row.try_get(stocks)?).map_err(|error| bad(&error))?,
        queue: queue.map(serde_json::from_str).transpose().map_err(|error| bad(&error))?,
        waitlist: waitlist.unwrap_or_default(),
    })
}

/// In which columns the parts of a hold are: id, event, items, live, customer, state,
/// created_at_ms, expires_at_ms, payment_ref, seq, confirmed_seq, terms,
/// waiting.
type HoldColumns = [usize; 13];

/// As [`crate::sql::HOLD`] has them.
pub fn hold(row: &Row) -> Result<Hold, DbError> {
    hold_at(row, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
}

/// As a row of a batch has them.
pub fn batch_hold(row: &Row) -> Result<Hold, DbError> {
    hold_at(row, [2, 1, 8, 9, 10, 11, 3, 4, 12, 5, 6, 15, 16])
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
        waiting,
    ] = columns;
    let bad = damaged("a hold");
    let id: Uuid = row.try_get(id)?;
    let customer: Option<&str> = row.try_get(customer)?;
    let payment_ref: Option<&str> = row.try_get(payment_ref)?;
    let terms: Option<&str> = row.try_get(terms)?;
    let waiting: Option<&str> = row.try_get(waiting)?;
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
        waiting: waiting.map(serde_json::from_str).transpose().map_err(|error| bad(&error))?,
    })
}

/// A place whose parts are in these columns: index, pass, claimed_at_ms, expires_at_ms, spent_on.
pub fn place_at(
    row: &Row,
    [index, pass, claimed_at_ms, expires_at_ms, spent_on]: [usize; 5],
) -> Result<Place, DbError> {
    let bad = damaged("a place");
    let id = |id: Uuid| HoldId::from_bytes(*id.as_bytes());
    let pass: Option<Uuid> = row.try_get(pass)?;
    let spent_on: Option<&str> = row.try_get(spent_on)?;
    let spent_on = spent_on.map(Uuid::try_parse).transpose().map_err(|error| bad(&error))?.map(id);
    let (claimed_at_ms, expires_at_ms) =
        (optional_number(row, claimed_at_ms)?, optional_number(row, expires_at_ms)?);
    let pass = match (pass, claimed_at_ms, expires_at_ms) {
        (Some(pass), Some(claimed_at_ms), Some(expires_at_ms)) => {
            Some(Pass { id: id(pass), claimed_at_ms, expires_at_ms, spent_on })
        }
        (None, None, None) => None,
        _ => return Err(bad(&"its pass")),
    };
    Ok(Place { index: number(row, index)?, pass })
}

/// The leaf in a column.
pub fn leaf(row: &Row, column: usize) -> Result<Leaf, DbError> {
    let bytes: &[u8] = row.try_get(column)?;
    Ok(Leaf::from_bytes(bytes.try_into().map_err(|error| damaged("a leaf")(&error))?))
}

pub fn state_name(state: HoldState) -> &'static str {
    match state {
        HoldState::Held => "held",
        HoldState::Confirmed => "confirmed",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
        HoldState::Waiting => "waiting",
    }
}

fn state_of(name: &str) -> Option<HoldState> {
    let all = [
        HoldState::Held,
        HoldState::Confirmed,
        HoldState::Released,
        HoldState::Expired,
        HoldState::Waiting,
    ];
    all.into_iter().find(|state| state_name(*state) == name)
}
