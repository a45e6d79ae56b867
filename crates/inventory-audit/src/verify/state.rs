//! Compares stored rows with the ledgers in both directions, so that no row is missing and none is
//! left over.

use fjall::{Guard, Keyspace};
use inventory::domain::{
    CustomerId, Event, EventName, Hold, HoldId, IdempotencyKey, LookupKey, Place,
};
use inventory_embedded::rows::{
    decode, decode_hold, lookup_prefix, parse_live_key, parse_lookup_key, parse_order_key,
    parse_place_key, parse_waiting_key,
};
use inventory_store::StoredKey;

use super::{
    audit::Ledgers,
    error::{FeedError, VerifyError},
    options::VerifyOptions,
    readonly::ReadOnlyStore,
    report::Report,
    violation::{Position, Violation, ViolationKind},
};

type Row = (Vec<u8>, Vec<u8>);

pub(super) fn wrong(table: &'static str, row: impl Into<String>, why: &str) -> VerifyError {
    Violation {
        at: Position::Row { table, row: row.into() },
        kind: ViolationKind::State(why.to_owned()),
    }
    .into()
}

pub(super) fn missing(table: &'static str, expected: u64, found: u64) -> VerifyError {
    let why = format!("{expected} rows follow from the ledgers, and there are {found}");
    Violation { at: Position::Whole(table), kind: ViolationKind::State(why) }.into()
}

fn rows(table: &Keyspace) -> impl Iterator<Item = Result<Row, VerifyError>> {
    table.iter().map(|row| {
        let (key, value) =
            row.into_inner().map_err(|error| FeedError::Unreadable(error.to_string()))?;
        Ok((key.to_vec(), value.to_vec()))
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', " ")
}

pub(super) fn compare(
    store: &ReadOnlyStore,
    ledgers: &Ledgers,
    options: &VerifyOptions,
) -> Result<Report, VerifyError> {
    let mut report = ledgers.report().clone();
    if let Some(expected) = store.watermark.filter(|expected| *expected > report.records) {
        return Err(missing("WATERMARK", expected, report.records));
    }
    report.rows += events(store, ledgers)?;
    let (holds, lookup_keys) = holds(store, ledgers)?;
    report.rows += holds;
    report.rows += lookup(store, ledgers, lookup_keys)?;
    report.rows += live(store, ledgers)?;
    report.rows += customers(store, ledgers)?;
    report.rows += places(store, ledgers)?;
    report.rows += waiting(store, ledgers)?;
    report.rows += keys(store, ledgers)?;
    report.rows += keys_kept(store, ledgers, options)?;
    Ok(report)
}

fn events(store: &ReadOnlyStore, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let mut found = 0;
    for row in rows(&store.tables.events) {
        let (name, value) = row?;
        let stored: Event = serde_json::from_slice(&value)
            .map_err(|error| wrong("events", text(&name), &error.to_string()))?;
        let expected = ledgers.auditor().event(&stored.name).map(super::EventAudit::row);
        let expected =
            expected.ok_or_else(|| wrong("events", text(&name), "no ledger of this event"))?;
        if stored != expected || stored.name.as_str().as_bytes() != name {
            return Err(wrong("events", text(&name), "differs from its ledger"));
        }
        found += 1;
    }
    let expected = ledgers.report().events;
    if found == expected { Ok(found) } else { Err(missing("events", expected, found)) }
}

/// The number of holds, and of their keys for look-ups.
fn holds(store: &ReadOnlyStore, ledgers: &Ledgers) -> Result<(u64, u64), VerifyError> {
    let (mut found, mut keys) = (0, 0);
    for row in rows(&store.tables.holds) {
        let (id, value) = row?;
        let stored = decode_hold(&value).map_err(|error| {
            wrong("holds", inventory::domain::hash::hex::encode(&id), &error.to_string())
        })?;
        let expected = ledgers.auditor().hold(stored.id)?;
        if expected.as_ref() != Some(&stored) || stored.id.as_bytes()[..] != id {
            return Err(wrong("holds", stored.id.to_string(), "differs from the ledger"));
        }
        keys += LookupKey::of(&stored).count() as u64;
        found += 1;
    }
    let expected = ledgers.report().holds;
    if found == expected { Ok((found, keys)) } else { Err(missing("holds", expected, found)) }
}

/// Every row leads from a customer or payment to a hold that has it. No row is missing, unless the
/// index is still being built.
fn lookup(store: &ReadOnlyStore, ledgers: &Ledgers, expected: u64) -> Result<u64, VerifyError> {
    let mut found = 0;
    for row in rows(&store.tables.lookup) {
        let (row, _) = row?;
        let (prefix, id) = parse_lookup_key(&row)
            .ok_or_else(|| wrong("lookup", text(&row), "not a valid row of this table"))?;
        let hold = ledgers.auditor().hold(id)?;
        let is_key = |hold: &Hold| LookupKey::of(hold).any(|key| lookup_prefix(key) == prefix);
        if !hold.as_ref().is_some_and(is_key) {
            return Err(wrong(
                "lookup",
                id.to_string(),
                "the hold has another customer or payment",
            ));
        }
        found += 1;
    }
    let is_complete =
        store.tables.indexed_records().map_err(FeedError::from)? == ledgers.report().records;
    if is_complete && found != expected {
        Err(missing("lookup", expected, found))
    } else {
        Ok(found)
    }
}

fn live(store: &ReadOnlyStore, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let mut found = 0;
    for row in rows(&store.tables.live) {
        let (key, _) = row?;
        let name = key
            .len()
            .checked_sub(25)
            .and_then(|len| EventName::new(std::str::from_utf8(&key[..len]).ok()?).ok());
        let parsed: Option<(EventName, (u64, HoldId))> = name.zip(parse_live_key(&key));
        let (name, entry) =
            parsed.ok_or_else(|| wrong("live", text(&key), "not a valid row of this table"))?;
        if !ledgers.auditor().event(&name).is_some_and(|event| event.live().contains(&entry)) {
            return Err(wrong("live", entry.1.to_string(), "the hold is not held until then"));
        }
        found += 1;
    }
    let expected = ledgers.report().live_holds;
    if found == expected { Ok(found) } else { Err(missing("live", expected, found)) }
}

fn customers(store: &ReadOnlyStore, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let mut found = 0;
    for row in rows(&store.tables.customers) {
        let (key, value) = row?;
        let has: u64 = decode("customers", &value)
            .map_err(|error| wrong("customers", text(&key), &error.to_string()))?;
        let split = key.iter().position(|byte| *byte == 0).map(|at| (&key[..at], &key[at + 1..]));
        let parsed = split.and_then(|(event, customer)| {
            let event = EventName::new(std::str::from_utf8(event).ok()?).ok()?;
            Some((event, CustomerId::new(std::str::from_utf8(customer).ok()?).ok()?))
        });
        let (event, customer) = parsed
            .ok_or_else(|| wrong("customers", text(&key), "not a valid row of this table"))?;
        let expected = ledgers.auditor().customer_has(&event, &customer)?;
        if has != expected {
            return Err(wrong(
                "customers",
                text(&key),
                &format!("found {has}, expected {expected} by the ledger"),
            ));
        }
        found += 1;
    }
    let expected = ledgers.customers_len();
    if found == expected { Ok(found) } else { Err(missing("customers", expected, found)) }
}

fn waiting(store: &ReadOnlyStore, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let mut found = 0;
    for row in rows(&store.tables.waiting) {
        let (key, _) = row?;
        let name = key
            .len()
            .checked_sub(25)
            .and_then(|len| EventName::new(std::str::from_utf8(&key[..len]).ok()?).ok());
        let (name, (number, id)) = name
            .zip(parse_waiting_key(&key))
            .ok_or_else(|| wrong("waiting", text(&key), "not a valid row of this table"))?;
        if !ledgers.auditor().waits_at(&name, number, id) {
            return Err(wrong("waiting", id.to_string(), "the entry does not wait at this place"));
        }
        found += 1;
    }
    let expected = ledgers.waiting();
    if found == expected { Ok(found) } else { Err(missing("waiting", expected, found)) }
}

fn places(store: &ReadOnlyStore, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let mut found = 0;
    for row in rows(&store.tables.places) {
        let (key, value) = row?;
        let (event, leaf) = parse_place_key(&key)
            .ok_or_else(|| wrong("places", text(&key), "not a valid row of this table"))?;
        let name = || format!("{event} {leaf}");
        let stored: Place = decode("places", &value)
            .map_err(|error| wrong("places", name(), &error.to_string()))?;
        if ledgers.auditor().place(&event, &leaf)? != Some(stored) {
            return Err(wrong("places", name(), "differs from the ledger"));
        }
        found += 1;
    }
    let expected = ledgers.report().places;
    if found == expected { Ok(found) } else { Err(missing("places", expected, found)) }
}

/// Every stored key points to its newest effect, and is in `key_order`.
fn keys(store: &ReadOnlyStore, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let tables = &store.tables;
    let mut found = 0;
    for row in rows(&tables.keys) {
        let (text_of_key, value) = row?;
        let key =
            std::str::from_utf8(&text_of_key).ok().and_then(|text| IdempotencyKey::new(text).ok());
        let key = key.ok_or_else(|| wrong("keys", text(&text_of_key), "not a valid key"))?;
        let stored: StoredKey = decode("keys", &value)
            .map_err(|error| wrong("keys", key.as_str(), &error.to_string()))?;
        let newest = ledgers.keys().of(&key)?.into_iter().max_by_key(|effect| effect.expires_at_ms);
        if !newest.is_some_and(|effect| effect.is_at(&stored)) {
            return Err(wrong("keys", key.as_str(), "its newest effect in the ledgers differs"));
        }
        let order = inventory_embedded::rows::order_key(stored.expires_at_ms, &key);
        let ordered = tables
            .key_order
            .contains_key(order)
            .map_err(|error| FeedError::Unreadable(error.to_string()))?;
        if !ordered {
            return Err(wrong("key_order", key.as_str(), "the key would never be forgotten"));
        }
        found += 1;
    }
    let mut ordered = 0_u64;
    for row in rows(&tables.key_order) {
        let (row, _) = row?;
        parse_order_key(&row)
            .ok_or_else(|| wrong("key_order", text(&row), "not a valid row of this table"))?;
        ordered += 1;
    }
    let counted =
        tables.meta.get("keys_len").map_err(|error| FeedError::Unreadable(error.to_string()))?;
    let counted: u64 =
        counted.map(|row| decode("meta", &row)).transpose().map_err(FeedError::from)?.unwrap_or(0);
    if counted == ordered {
        Ok(found + ordered)
    } else {
        Err(missing("key_order", counted, ordered))
    }
}

/// No key was deleted before its expiry: a retry with it would have a second effect. The ledgers
/// are gone through once more.
fn keys_kept(
    store: &ReadOnlyStore,
    ledgers: &Ledgers,
    options: &VerifyOptions,
) -> Result<u64, VerifyError> {
    if ledgers.report().keyed > options.keys_max {
        return Ok(0);
    }
    let mut checked = 0;
    for row in store.tables.ledger.iter().map(Guard::value) {
        let body = row.map_err(|error| FeedError::Unreadable(error.to_string()))?;
        let record = inventory::ledger::Record::from_body(&body)
            .map_err(|error| FeedError::Unreadable(error.to_string()))?;
        // Forgetting happens with a commit, whose time is at most that of the newest record.
        let Some(used) = record.key.filter(|used| used.expires_at_ms > ledgers.newest_ms()) else {
            continue;
        };
        let kept = store
            .tables
            .keys
            .contains_key(used.key.as_str())
            .map_err(|error| FeedError::Unreadable(error.to_string()))?;
        if !kept {
            return Err(wrong("keys", used.key.as_str(), "deleted before its expiry"));
        }
        checked += 1;
    }
    Ok(checked)
}
