//! The form in which a record is stored, hashed and published.
//!
//! It is canonical JSON (RFC 8785): members ordered by name, no white space, whole numbers below 2^53. So anyone with a
//! JSON parser and SHA-256 can check a ledger: `hash(n) = sha256(body(n))` and `body(n).prev = hash(n - 1)`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Change, Hash, Record};
use crate::domain::{CustomerId, EventName, EventSettings, HoldId, Items, KeyUse, PaymentRef, StockName, TimeMs};

/// Why some bytes are no record.
#[derive(Debug, Error)]
pub enum BodyError {
    /// They are no JSON object of the known shape.
    #[error("not a ledger record: {0}")]
    Json(#[from] serde_json::Error),
    /// A member that this kind of record needs is missing.
    #[error("a record of kind '{kind}' needs '{member}'")]
    Missing {
        /// The kind.
        kind: String,
        /// The member.
        member: &'static str,
    },
    /// A kind that this version does not know.
    #[error("unknown kind of record '{0}'")]
    UnknownKind(String),
    /// The bytes say the same as a record, but are not its canonical form.
    #[error("the record is not in canonical form")]
    NotCanonical,
}

/// The members in the order of their names, which is the canonical order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    at_ms: TimeMs,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacities: Option<Capacities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerId>,
    event: EventName,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<TimeMs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HoldId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Items>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<KeyUse>,
    kind: std::borrow::Cow<'a, str>,
    #[serde(with = "left")]
    left: Vec<(StockName, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_ref: Option<PaymentRef>,
    prev: Hash,
    #[serde(skip_serializing_if = "Option::is_none")]
    reacquired: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<HoldId>,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<EventSettings>,
}

type Capacities = BTreeMap<StockName, u64>;

/// `left` is a list in memory and an object in JSON; both are ordered by name.
mod left {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::StockName;

    pub fn serialize<S: Serializer>(left: &[(StockName, u64)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(left.iter().map(|(name, qty)| (name.as_str(), qty)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(StockName, u64)>, D::Error> {
        Ok(BTreeMap::<StockName, u64>::deserialize(from)?.into_iter().collect())
    }
}

/// Most bodies are no longer.
const USUAL_BYTES: usize = 512;

pub(super) fn encode(record: &Record) -> Vec<u8> {
    let mut body = Body {
        at_ms: record.at_ms,
        capacities: None,
        customer: None,
        event: record.event.clone(),
        expires_at_ms: None,
        hold: None,
        items: None,
        key: record.key.clone(),
        kind: record.change.kind().into(),
        left: record.left.clone(),
        payment_ref: None,
        prev: record.prev,
        reacquired: None,
        refund: None,
        seq: record.seq,
        settings: None,
    };
    match &record.change {
        Change::EventPut { capacities, settings } => {
            body.capacities = Some(capacities.clone());
            body.settings = Some(settings.clone());
        }
        Change::Sold { id, items, customer } => {
            (body.hold, body.items, body.customer) = (Some(*id), Some(items.clone()), customer.clone());
        }
        Change::Held { id, items, customer, expires_at_ms } => {
            (body.hold, body.items, body.customer) = (Some(*id), Some(items.clone()), customer.clone());
            body.expires_at_ms = Some(*expires_at_ms);
        }
        Change::Extended { id, items, expires_at_ms } => {
            (body.hold, body.items, body.expires_at_ms) = (Some(*id), Some(items.clone()), Some(*expires_at_ms));
        }
        Change::Confirmed { id, items, payment_ref, reacquired } => {
            (body.hold, body.items, body.payment_ref) = (Some(*id), Some(items.clone()), payment_ref.clone());
            body.reacquired = Some(*reacquired);
        }
        Change::Released { id, items } | Change::Expired { id, items } => {
            (body.hold, body.items) = (Some(*id), Some(items.clone()));
        }
        Change::Refunded { id, reservation, items } => {
            (body.hold, body.items, body.refund) = (Some(*reservation), Some(items.clone()), Some(*id));
        }
    }
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut bytes, &body) {
        Ok(()) => bytes,
        Err(error) => unreachable!("a record always has a JSON form: {error}"),
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Record, BodyError> {
    let body: Body<'_> = serde_json::from_slice(bytes)?;
    let kind = body.kind.clone().into_owned();
    let missing = |member| BodyError::Missing { kind: kind.clone(), member };
    let hold = body.hold.ok_or_else(|| missing("hold"));
    let items = body.items.ok_or_else(|| missing("items"));
    let expires_at_ms = body.expires_at_ms.ok_or_else(|| missing("expires_at_ms"));
    let change = match kind.as_str() {
        "event_put" => Change::EventPut {
            capacities: body.capacities.ok_or_else(|| missing("capacities"))?,
            settings: body.settings.ok_or_else(|| missing("settings"))?,
        },
        "sold" => Change::Sold { id: hold?, items: items?, customer: body.customer },
        "held" => Change::Held { id: hold?, items: items?, customer: body.customer, expires_at_ms: expires_at_ms? },
        "extended" => Change::Extended { id: hold?, items: items?, expires_at_ms: expires_at_ms? },
        "confirmed" => Change::Confirmed {
            id: hold?,
            items: items?,
            payment_ref: body.payment_ref,
            reacquired: body.reacquired.ok_or_else(|| missing("reacquired"))?,
        },
        "released" => Change::Released { id: hold?, items: items? },
        "expired" => Change::Expired { id: hold?, items: items? },
        "refunded" => Change::Refunded { id: body.refund.ok_or_else(|| missing("refund"))?, reservation: hold?, items: items? },
        _ => return Err(BodyError::UnknownKind(kind)),
    };
    let record = Record { event: body.event, seq: body.seq, prev: body.prev, at_ms: body.at_ms, change, left: body.left, key: body.key };
    if encode(&record) != bytes {
        return Err(BodyError::NotCanonical);
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{IdempotencyKey, Item};

    fn sold() -> Record {
        let stock = StockName::new("general").unwrap();
        Record {
            event: EventName::new("default").unwrap(),
            seq: 2,
            prev: Hash::of(b"1"),
            at_ms: 1_700_000_000_000,
            change: Change::Sold {
                id: HoldId::new(1_700_000_000_000, [7; 10]),
                items: Items::new(vec![Item { qty: 2, stock: stock.clone() }], 1, 9).unwrap(),
                customer: Some(CustomerId::new("Zoë \"q\" \\ \u{2028}").unwrap()),
            },
            left: vec![(stock, 998)],
            key: Some(KeyUse {
                expires_at_ms: 1,
                fingerprint: crate::domain::Fingerprint::of(b"x"),
                key: IdempotencyKey::new("k \"1\"").unwrap(),
            }),
        }
    }

    #[test]
    fn a_body_is_canonical_json_and_reads_back() {
        let body = sold().to_body();
        assert_eq!(Record::from_body(&body).unwrap(), sold());
        // serde_json's map is ordered by name: parsing and printing again must change nothing.
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(serde_json::to_vec(&value).unwrap(), body);
    }

    #[test]
    fn any_other_form_of_the_same_record_is_refused() {
        let body = String::from_utf8(sold().to_body()).unwrap();
        for other in [body.replacen(':', ": ", 1), body.replacen("\"seq\":2", "\"seq\":2,\"x\":1", 1), body.replacen("sold", "lost", 1)] {
            assert_ne!(other, body);
            assert!(Record::from_body(other.as_bytes()).is_err(), "{other}");
        }
    }
}
