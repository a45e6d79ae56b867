//! The rows of the tables. Keys sort in reading order; values are postcard, except events (JSON)
//! and record bodies.

use draw::Leaf;
use inventory::domain::{
    CustomerId, EventName, Fingerprint, Hold, HoldId, HoldTerms, IdempotencyKey, LookupKey, TimeMs,
};
use inventory_store::StoreError;
use serde::{Deserialize, Serialize};

/// The time, then the key: keys in the order of expiry.
pub fn order_key(expires_at_ms: TimeMs, key: &IdempotencyKey) -> Vec<u8> {
    [&expires_at_ms.to_be_bytes(), key.as_str().as_bytes()].concat()
}

/// The time and key of a row of the order.
pub fn parse_order_key(row: &[u8]) -> Option<(TimeMs, IdempotencyKey)> {
    let (at_ms, key) = row.split_at_checked(8)?;
    Some((
        u64::from_be_bytes(at_ms.try_into().ok()?),
        IdempotencyKey::new(std::str::from_utf8(key).ok()?).ok()?,
    ))
}

/// `event`, then `seq`: an event's ledger lies together and in order. Names hold no zero byte.
pub fn ledger_key(event: &EventName, seq: u64) -> Vec<u8> {
    [event.as_str().as_bytes(), &[0], &seq.to_be_bytes()].concat()
}

/// The `event` and `seq` of a ledger key.
pub fn parse_ledger_key(key: &[u8]) -> Option<(EventName, u64)> {
    let (name, seq) = key.split_at_checked(key.len().checked_sub(9)?)?;
    let name = EventName::new(std::str::from_utf8(name).ok()?).ok()?;
    Some((name, u64::from_be_bytes(seq.strip_prefix(&[0])?.try_into().ok()?)))
}

/// The prefix of all rows of `event` in a table whose keys begin with the event.
pub fn event_prefix(event: &EventName) -> Vec<u8> {
    [event.as_str().as_bytes(), &[0]].concat()
}

/// `event`, then the time, then the hold: an event's live holds in the order of expiry.
pub fn live_key(event: &EventName, expires_at_ms: TimeMs, id: HoldId) -> Vec<u8> {
    [event.as_str().as_bytes(), &[0], &expires_at_ms.to_be_bytes(), id.as_bytes()].concat()
}

/// The time and hold of a live key.
pub fn parse_live_key(key: &[u8]) -> Option<(TimeMs, HoldId)> {
    let tail = key.get(key.len().checked_sub(24)?..)?;
    let (at_ms, id) = tail.split_at_checked(8)?;
    Some((u64::from_be_bytes(at_ms.try_into().ok()?), HoldId::from_bytes(id.try_into().ok()?)))
}

pub fn customer_key(event: &EventName, customer: &CustomerId) -> Vec<u8> {
    [event.as_str().as_bytes(), &[0], customer.as_str().as_bytes()].concat()
}

/// `event`, then the number, then the entry: a waiting list in its order.
pub fn waiting_key(event: &EventName, number: u64, id: HoldId) -> Vec<u8> {
    live_key(event, number, id)
}

/// The number and entry of a row of waiting lists.
pub fn parse_waiting_key(key: &[u8]) -> Option<(u64, HoldId)> {
    parse_live_key(key)
}

/// `event`, then the leaf: the places of an event.
pub fn place_key(event: &EventName, leaf: &Leaf) -> Vec<u8> {
    [event.as_str().as_bytes(), &[0], leaf.as_bytes()].concat()
}

/// The event and leaf of a place key.
#[must_use]
pub fn parse_place_key(key: &[u8]) -> Option<(EventName, Leaf)> {
    let (name, leaf) = key.split_at_checked(key.len().checked_sub(33)?)?;
    let name = EventName::new(std::str::from_utf8(name).ok()?).ok()?;
    Some((name, Leaf::from_bytes(leaf.strip_prefix(&[0])?.try_into().ok()?)))
}

/// The kind of key and half of its SHA-256: short, however long the text is.
pub type LookupPrefix = [u8; 17];

/// The prefix of all rows of `key`. Rows of another key may share it, so readers compare the hold.
#[must_use]
pub fn lookup_prefix(key: LookupKey<'_>) -> LookupPrefix {
    let mut prefix = [0; 17];
    prefix[0] = match key {
        LookupKey::Customer(_) => b'c',
        LookupKey::PaymentRef(_) => b'p',
    };
    prefix[1..].copy_from_slice(Fingerprint::of(key.as_str().as_bytes()).as_bytes());
    prefix
}

/// The prefix, then the hold: the holds of a key in the order of their ids.
#[must_use]
pub fn lookup_key(prefix: &LookupPrefix, id: HoldId) -> [u8; 33] {
    let mut row = [0; 33];
    row[..17].copy_from_slice(prefix);
    row[17..].copy_from_slice(id.as_bytes());
    row
}

/// The prefix and hold of a row.
#[must_use]
pub fn parse_lookup_key(row: &[u8]) -> Option<(LookupPrefix, HoldId)> {
    let (prefix, id) = row.split_at_checked(17)?;
    Some((prefix.try_into().ok()?, HoldId::from_bytes(id.try_into().ok()?)))
}

/// Most rows are no longer.
const USUAL_BYTES: usize = 192;

pub fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(row, Vec::with_capacity(USUAL_BYTES))
        .map_err(|error| StoreError::Failed(format!("a row cannot be written: {error}").into()))
}

pub fn decode<T: for<'de> Deserialize<'de>>(table: &str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("a row of {table}: {error}").into()))
}

/// A hold, followed by what it says about money, and by its place in a waiting list, as far as
/// there is something to say.
pub fn encode_hold(hold: &Hold) -> Result<Vec<u8>, StoreError> {
    let row = encode(hold)?;
    let failed = |error| StoreError::Failed(format!("a row cannot be written: {error}").into());
    if hold.terms == HoldTerms::default() && hold.waiting.is_none() {
        return Ok(row);
    }
    let row = postcard::to_extend(&hold.terms, row).map_err(failed)?;
    match &hold.waiting {
        None => Ok(row),
        Some(waiting) => postcard::to_extend(waiting, row).map_err(failed),
    }
}

/// The hold of a row.
pub fn decode_hold(bytes: &[u8]) -> Result<Hold, StoreError> {
    let damaged = |error| StoreError::Damaged(format!("a row of holds: {error}").into());
    let (mut hold, terms): (Hold, _) = postcard::take_from_bytes(bytes).map_err(damaged)?;
    if !terms.is_empty() {
        let (terms, waiting): (HoldTerms, _) = postcard::take_from_bytes(terms).map_err(damaged)?;
        hold.terms = terms;
        if !waiting.is_empty() {
            hold.waiting = Some(decode("holds", waiting)?);
        }
    }
    Ok(hold)
}

/// Reads any bytes as every kind of row: the kinds they decode as, and the bytes of each when it is
/// written again. For tests of parsers.
#[cfg(any(test, feature = "test-util"))]
#[must_use]
pub fn reread(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let keys = [
        ("key of key_order", parse_order_key(bytes).map(|(at_ms, key)| order_key(at_ms, &key))),
        (
            "key of lookup",
            parse_lookup_key(bytes).map(|(prefix, id)| lookup_key(&prefix, id).to_vec()),
        ),
        ("key of places", parse_place_key(bytes).map(|(event, leaf)| place_key(&event, &leaf))),
        ("key of ledger", parse_ledger_key(bytes).map(|(event, seq)| ledger_key(&event, seq))),
    ];
    let values = [
        (
            "row of keys",
            decode::<inventory_store::StoredKey>("keys", bytes).and_then(|row| encode(&row)).ok(),
        ),
        ("row of holds", decode_hold(bytes).and_then(|row| encode_hold(&row)).ok()),
        (
            "row of places",
            decode::<inventory::domain::Place>("places", bytes).and_then(|row| encode(&row)).ok(),
        ),
        ("row of customers", decode::<u64>("customers", bytes).and_then(|row| encode(&row)).ok()),
        (
            "row of events",
            serde_json::from_slice::<inventory::domain::Event>(bytes)
                .ok()
                .and_then(|row| serde_json::to_vec(&row).ok()),
        ),
    ];
    let _ = parse_live_key(bytes);
    keys.into_iter().chain(values).filter_map(|(kind, again)| Some((kind, again?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn row_keys_round_trip(name in "[a-z0-9][a-z0-9_.-]{0,63}", key in "[ -~]{1,255}", number in any::<u64>(), id in any::<[u8; 16]>()) {
            let (event, key, id) = (EventName::new(&name).unwrap(), IdempotencyKey::new(&key).unwrap(), HoldId::from_bytes(id));
            prop_assert_eq!(parse_order_key(&order_key(number, &key)), Some((number, key)));
            prop_assert_eq!(parse_ledger_key(&ledger_key(&event, number)), Some((event.clone(), number)));
            prop_assert_eq!(parse_live_key(&live_key(&event, number, id)), Some((number, id)));
            let customer = CustomerId::new(&name).unwrap();
            let prefix = lookup_prefix(LookupKey::Customer(&customer));
            prop_assert_eq!(parse_lookup_key(&lookup_key(&prefix, id)), Some((prefix, id)));
            prop_assert!(ledger_key(&event, number) <= ledger_key(&event, number.saturating_add(1)), "in order");
        }

        #[test]
        fn any_bytes_decode_or_are_rejected(bytes in vec(any::<u8>(), 0..400)) {
            let _ = reread(&bytes);
        }
    }
}
