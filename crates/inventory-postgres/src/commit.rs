//! Committing a batch: its records and the state they changed, and the end of the transaction, with
//! one round trip.

use std::collections::{HashMap, HashSet};

use inventory::{
    decide::WorkingSet,
    domain::{EventName, HoldTerms, KeyUse, TimeMs},
    ledger::Record,
};
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

use crate::{
    errors::DbError,
    rows::{event_name, int, optional_number, state_name, uuid},
    sql::Sql,
};

/// How a commit went wrong.
pub enum CommitError {
    /// It was rolled back.
    Undone(DbError),
    /// The connection was lost before the server said whether it committed.
    Unknown(String),
}

type Params<'a> = Vec<(&'a (dyn ToSql + Sync), Type)>;

/// The next expiry of each changed event.
pub type NextExpiries = HashMap<EventName, Option<TimeMs>>;

/// Comes before every commit. A server that waits for its synchronous standby when a statement's
/// time is over says that it has committed, with no more than a warning that the standby has not: <https://www.postgresql.org/docs/current/warm-standby.html>.
/// So only this side stops waiting, and then asks.
pub const UNBOUNDED: &str = "SET LOCAL statement_timeout = 0";

/// A list of values for each column.
#[derive(Default)]
struct LedgerRows<'a> {
    event: Vec<&'a str>,
    seq: Vec<i64>,
    body: Vec<&'a [u8]>,
}

#[derive(Default)]
struct EventRows<'a> {
    name: Vec<&'a str>,
    existed: Vec<bool>,
    seq: Vec<i64>,
    settings_seq: Vec<i64>,
    head: Vec<&'a [u8]>,
    at_ms: Vec<i64>,
    live_holds: Vec<i64>,
    settings: Vec<String>,
    stocks: Vec<String>,
    queue: Vec<Option<String>>,
    waitlist: Vec<Option<String>>,
}

#[derive(Default)]
struct HoldRows<'a> {
    id: Vec<Uuid>,
    event: Vec<&'a str>,
    items: Vec<String>,
    live: Vec<String>,
    customer: Vec<Option<&'a str>>,
    state: Vec<&'static str>,
    created_at_ms: Vec<i64>,
    expires_at_ms: Vec<i64>,
    payment_ref: Vec<Option<&'a str>>,
    seq: Vec<i64>,
    confirmed_seq: Vec<Option<i64>>,
    terms: Vec<Option<String>>,
    waiting: Vec<Option<String>>,
}

#[derive(Default)]
struct CustomerRows<'a> {
    event: Vec<&'a str>,
    customer: Vec<&'a str>,
    qty: Vec<i64>,
}

#[derive(Default)]
struct KeyRows<'a> {
    key: Vec<&'a str>,
    fingerprint: Vec<&'a [u8]>,
    event: Vec<&'a str>,
    seq: Vec<i64>,
    expires_at_ms: Vec<i64>,
}

#[derive(Default)]
struct PlaceRows<'a> {
    event: Vec<&'a str>,
    leaf: Vec<&'a [u8]>,
    index: Vec<i64>,
    pass: Vec<Option<Uuid>>,
    claimed_at_ms: Vec<Option<i64>>,
    expires_at_ms: Vec<Option<i64>>,
    spent_on: Vec<Option<Uuid>>,
}

/// Entries that joined waiting lists, and the places of those that left.
#[derive(Default)]
struct WaitingRows<'a> {
    event: Vec<&'a str>,
    number: Vec<i64>,
    hold: Vec<Uuid>,
    left_event: Vec<&'a str>,
    left_number: Vec<i64>,
}

/// Writes `set` and commits; `existed` are the events that were there when it was loaded.
pub async fn commit(
    client: &Client,
    sql: &Sql,
    set: &WorkingSet,
    existed: &HashSet<EventName>,
) -> Result<NextExpiries, CommitError> {
    let json = |error: serde_json::Error| CommitError::Undone(DbError::Damaged(error.to_string()));
    let mut ledger = LedgerRows::default();
    for (record, body) in &set.records {
        ledger.event.push(record.event.as_str());
        ledger.seq.push(int(record.seq));
        ledger.body.push(body);
    }
    let mut rows = EventRows::default();
    // Ordered, like all locks: every transaction locks the same rows in the same order.
    let mut dirty: Vec<_> =
        set.dirty_events.iter().filter_map(|name| set.events.get(name)).collect();
    dirty.sort_by(|a, b| a.name.cmp(&b.name));
    for event in &dirty {
        rows.name.push(event.name.as_str());
        rows.existed.push(existed.contains(&event.name));
        rows.seq.push(int(event.seq));
        rows.settings_seq.push(int(event.settings_seq));
        rows.head.push(event.head.as_bytes());
        rows.at_ms.push(int(event.at_ms));
        rows.live_holds.push(int(event.live_holds));
        rows.settings.push(serde_json::to_string(&event.settings).map_err(json)?);
        rows.stocks.push(serde_json::to_string(&event.stocks).map_err(json)?);
        rows.queue.push(event.queue.as_ref().map(serde_json::to_string).transpose().map_err(json)?);
        let waitlist = (event.waitlist.joined > 0).then_some(&event.waitlist);
        rows.waitlist.push(waitlist.map(serde_json::to_string).transpose().map_err(json)?);
    }
    let mut holds = HoldRows::default();
    for hold in set.holds.values().filter(|slot| slot.dirty).map(|slot| &slot.hold) {
        holds.id.push(uuid(hold.id));
        holds.event.push(hold.event.as_str());
        holds.items.push(serde_json::to_string(&hold.items).map_err(json)?);
        holds.live.push(serde_json::to_string(&hold.live).map_err(json)?);
        holds.customer.push(hold.customer.as_ref().map(inventory::domain::CustomerId::as_str));
        holds.state.push(state_name(hold.state));
        holds.created_at_ms.push(int(hold.created_at_ms));
        holds.expires_at_ms.push(int(hold.expires_at_ms));
        holds
            .payment_ref
            .push(hold.payment_ref.as_ref().map(inventory::domain::PaymentRef::as_str));
        holds.seq.push(int(hold.seq));
        holds.confirmed_seq.push(hold.confirmed_seq.map(int));
        let terms = (hold.terms != HoldTerms::default()).then_some(&hold.terms);
        holds.terms.push(terms.map(serde_json::to_string).transpose().map_err(json)?);
        let waiting = hold.waiting.as_ref();
        holds.waiting.push(waiting.map(serde_json::to_string).transpose().map_err(json)?);
    }
    let mut customers = CustomerRows::default();
    for who in &set.dirty_customers {
        customers.event.push(who.0.as_str());
        customers.customer.push(who.1.as_str());
        customers.qty.push(int(set.customers.get(who).copied().unwrap_or(0)));
    }
    let (keys, places, waiting) = (key_rows(set), place_rows(set), waiting_rows(set));
    let now_ms = int(set.now_ms);
    let params: Params<'_> = vec![
        (&ledger.event, Type::TEXT_ARRAY),
        (&ledger.seq, Type::INT8_ARRAY),
        (&ledger.body, Type::BYTEA_ARRAY),
        (&rows.name, Type::TEXT_ARRAY),
        (&rows.existed, Type::BOOL_ARRAY),
        (&rows.seq, Type::INT8_ARRAY),
        (&rows.settings_seq, Type::INT8_ARRAY),
        (&rows.head, Type::BYTEA_ARRAY),
        (&rows.at_ms, Type::INT8_ARRAY),
        (&rows.live_holds, Type::INT8_ARRAY),
        (&rows.settings, Type::TEXT_ARRAY),
        (&rows.stocks, Type::TEXT_ARRAY),
        (&keys.key, Type::TEXT_ARRAY),
        (&keys.fingerprint, Type::BYTEA_ARRAY),
        (&keys.event, Type::TEXT_ARRAY),
        (&keys.seq, Type::INT8_ARRAY),
        (&keys.expires_at_ms, Type::INT8_ARRAY),
        (&holds.id, Type::UUID_ARRAY),
        (&holds.event, Type::TEXT_ARRAY),
        (&holds.items, Type::TEXT_ARRAY),
        (&holds.live, Type::TEXT_ARRAY),
        (&holds.customer, Type::TEXT_ARRAY),
        (&holds.state, Type::TEXT_ARRAY),
        (&holds.created_at_ms, Type::INT8_ARRAY),
        (&holds.expires_at_ms, Type::INT8_ARRAY),
        (&holds.payment_ref, Type::TEXT_ARRAY),
        (&holds.seq, Type::INT8_ARRAY),
        (&holds.confirmed_seq, Type::INT8_ARRAY),
        (&holds.terms, Type::TEXT_ARRAY),
        (&customers.event, Type::TEXT_ARRAY),
        (&customers.customer, Type::TEXT_ARRAY),
        (&customers.qty, Type::INT8_ARRAY),
        (&now_ms, Type::INT8),
        (&set.replaying, Type::BOOL),
        (&rows.queue, Type::TEXT_ARRAY),
        (&rows.waitlist, Type::TEXT_ARRAY),
        (&holds.waiting, Type::TEXT_ARRAY),
        (&waiting.event, Type::TEXT_ARRAY),
        (&waiting.number, Type::INT8_ARRAY),
        (&waiting.hold, Type::UUID_ARRAY),
        (&waiting.left_event, Type::TEXT_ARRAY),
        (&waiting.left_number, Type::INT8_ARRAY),
        (&places.event, Type::TEXT_ARRAY),
        (&places.leaf, Type::BYTEA_ARRAY),
        (&places.index, Type::INT8_ARRAY),
        (&places.pass, Type::UUID_ARRAY),
        (&places.claimed_at_ms, Type::INT8_ARRAY),
        (&places.expires_at_ms, Type::INT8_ARRAY),
        (&places.spent_on, Type::UUID_ARRAY),
    ];

    let format = set.records.iter().map(|(record, _)| record.change.format()).max();
    let mark = async {
        // If it fails, so does the rest of the transaction.
        match format {
            Some(3..) => client.batch_execute(&sql.break_for_queue).await.ok(),
            Some(2) => client.batch_execute(&sql.break_for_money).await.ok(),
            _ => None,
        }
    };
    // Biased: they are sent in this order, without waiting for each other.
    let (_, written, committed) = tokio::join!(biased;
        mark,
        query(client, &sql.write, &params),
        client.batch_execute("COMMIT"),
    );
    match (written, committed) {
        // A failure before the commit is known not to be committed, if the server itself said so.
        (Err(DbError::Lost(text)), Err(_)) => Err(CommitError::Unknown(text)),
        (Err(error), _) => Err(CommitError::Undone(error)),
        (Ok(_), Err(error)) => match DbError::from(error) {
            // What shows only at the commit is no commit: a conflict, in databases that are
            // serializable, or a constraint that is deferred.
            error @ (DbError::Again(_) | DbError::Data(_)) => Err(CommitError::Undone(error)),
            other => Err(CommitError::Unknown(other.text().to_owned())),
        },
        (Ok(next), Ok(())) => {
            expiries(&next).map_err(|error| CommitError::Unknown(error.text().to_owned()))
        }
    }
}

/// The keys of the batch's records, each once, ordered.
fn key_rows(set: &WorkingSet) -> KeyRows<'_> {
    let mut uses: HashMap<&str, (&KeyUse, &Record)> = HashMap::new();
    for (record, _) in &set.records {
        let Some(key) = &record.key else { continue };
        let later = uses
            .get(key.key.as_str())
            .is_none_or(|(known, _)| known.expires_at_ms < key.expires_at_ms);
        if later {
            uses.insert(key.key.as_str(), (key, record));
        }
    }
    let mut uses: Vec<_> = uses.into_iter().collect();
    uses.sort_unstable_by_key(|(key, _)| *key);
    let mut rows = KeyRows::default();
    for (key, (used, record)) in uses {
        rows.key.push(key);
        rows.fingerprint.push(used.fingerprint.as_bytes());
        rows.event.push(record.event.as_str());
        rows.seq.push(int(record.seq));
        rows.expires_at_ms.push(int(used.expires_at_ms));
    }
    rows
}

fn waiting_rows(set: &WorkingSet) -> WaitingRows<'_> {
    let mut rows = WaitingRows::default();
    for slot in set.holds.values().filter(|slot| slot.dirty) {
        let number = slot.hold.waiting.as_ref().map(|waiting| waiting.number);
        if number == slot.indexed_number {
            continue;
        }
        if let Some(number) = slot.indexed_number {
            rows.left_event.push(slot.hold.event.as_str());
            rows.left_number.push(int(number));
        }
        if let Some(number) = number {
            rows.event.push(slot.hold.event.as_str());
            rows.number.push(int(number));
            rows.hold.push(uuid(slot.hold.id));
        }
    }
    rows
}

/// The changed places, ordered.
fn place_rows(set: &WorkingSet) -> PlaceRows<'_> {
    let mut changed: Vec<_> =
        set.dirty_places.iter().filter_map(|key| Some((key, set.places.get(key)?))).collect();
    changed.sort_unstable_by_key(|(key, _)| *key);
    let mut rows = PlaceRows::default();
    for ((event, leaf), place) in changed {
        rows.event.push(event.as_str());
        rows.leaf.push(leaf.as_bytes());
        rows.index.push(int(place.index));
        rows.pass.push(place.pass.map(|pass| uuid(pass.id)));
        rows.claimed_at_ms.push(place.pass.map(|pass| int(pass.claimed_at_ms)));
        rows.expires_at_ms.push(place.pass.map(|pass| int(pass.expires_at_ms)));
        rows.spent_on.push(place.pass.and_then(|pass| pass.spent_on).map(uuid));
    }
    rows
}

async fn query(
    client: &Client,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>, DbError> {
    Ok(client.query_typed(sql, params).await?)
}

fn expiries(rows: &[Row]) -> Result<NextExpiries, DbError> {
    rows.iter().map(|row| Ok((event_name(row, 0)?, optional_number(row, 1)?))).collect()
}
