//! The form in which a record is stored, hashed and published.
//!
//! It is canonical JSON (RFC 8785): members ordered by name, no white space, whole numbers below
//! 2^53. So anyone with a JSON parser and SHA-256 can check a ledger: `hash(n) = sha256(body(n))`
//! and `body(n).prev = hash(n - 1)`.

use std::collections::BTreeMap;

use draw::Leaf;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    canonical::Object,
    queue::QueueChange,
    record::{Change, Record},
};
use crate::domain::{
    CustomerId, EventName, EventSettings, Hash, HoldId, Items, KeyUse, Money, PaymentRef,
    StockName, TimeMs,
};

/// Why some bytes are not a record.
#[derive(Debug, Error)]
pub enum BodyError {
    /// They are not a JSON object of the known shape.
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
    /// This version does not know the kind.
    #[error("unknown kind of record '{0}'")]
    UnknownKind(String),
    /// The bytes are a record in a form that is not canonical.
    #[error("the record is not in canonical form")]
    NotCanonical,
}

impl Record {
    /// Its body: the JSON object in canonical form (RFC 8785) that is stored, hashed and published.
    #[must_use]
    pub fn to_body(&self) -> Vec<u8> {
        encode(self)
    }

    /// The record with this body.
    ///
    /// # Errors
    /// [`BodyError`] when `body` is not one that [`Record::to_body`] makes.
    pub fn from_body(body: &[u8]) -> Result<Self, BodyError> {
        decode(body)
    }
}

/// The places that joined with the record of `body`. None when it is no record: that is for the
/// audit to find.
#[must_use]
pub fn joined_leaves(body: &[u8]) -> Vec<Leaf> {
    match Record::from_body(body) {
        Ok(Record { change: Change::Queue(QueueChange::Joined(joined)), .. }) => joined.leaves,
        _ => Vec::new(),
    }
}

/// The members of a record, for reading. [`encode`] writes them in the order of their names, which
/// is the canonical one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    amount: Option<Money>,
    at_ms: TimeMs,
    capacities: Option<BTreeMap<StockName, u64>>,
    customer: Option<CustomerId>,
    event: EventName,
    expires_at_ms: Option<TimeMs>,
    hold: Option<HoldId>,
    items: Option<Items>,
    key: Option<KeyUse>,
    kind: String,
    left: BTreeMap<StockName, u64>,
    over: Option<HoldId>,
    payment_ref: Option<PaymentRef>,
    place: Option<Leaf>,
    prev: Hash,
    queue: Option<Box<RawValue>>,
    reacquired: Option<bool>,
    refund: Option<HoldId>,
    seq: u64,
    settings: Option<EventSettings>,
    total: Option<Money>,
}

fn encode(record: &Record) -> Vec<u8> {
    let (mut capacities, mut settings, mut expires_at_ms, mut payment, mut reacquired, mut refund) =
        (None, None, None, None, None, None);
    let (mut amount, total, mut queue) = (None, record.change.total(), None);
    let items = match &record.change {
        Change::EventPut { capacities: all, settings: set } => {
            (capacities, settings) = (Some(all), Some(set));
            None
        }
        Change::EventDeleted => None,
        Change::Queue(change) => {
            queue = Some(change);
            None
        }
        Change::Held { items, expires_at_ms: at_ms, .. }
        | Change::HoldOffered { items, expires_at_ms: at_ms, .. }
        | Change::Extended { items, expires_at_ms: at_ms, .. } => {
            expires_at_ms = Some(*at_ms);
            Some(items)
        }
        Change::PaymentStarted { items, expires_at_ms: at_ms, payment_ref, .. } => {
            (expires_at_ms, payment) = (Some(*at_ms), Some(payment_ref));
            Some(items)
        }
        Change::RefundDue { payment_ref, amount: paid, .. } => {
            (payment, amount) = (Some(payment_ref), paid.as_ref());
            None
        }
        Change::Confirmed { items, payment_ref, reacquired: again, .. } => {
            (payment, reacquired) = (payment_ref.as_ref(), Some(*again));
            Some(items)
        }
        Change::Refunded { id, items, .. } => {
            refund = Some(*id);
            Some(items)
        }
        Change::Sold { items, .. }
        | Change::Released { items, .. }
        | Change::Expired { items, .. }
        | Change::WaitlistJoined { items, .. }
        | Change::WaitlistLeft { items, .. }
        | Change::WaitlistCollected { items, .. } => Some(items),
    };
    Object::body(|body| {
        body.some("amount", amount, Object::money);
        body.number("at_ms", record.at_ms);
        body.some("capacities", capacities, Object::json);
        body.some("customer", record.change.customer(), |body, name, customer| {
            body.text(name, customer.as_str());
        });
        body.text("event", record.event.as_str());
        body.some("expires_at_ms", expires_at_ms, Object::number);
        body.some("hold", record.change.hold(), Object::id);
        body.some("items", items, Object::items);
        body.some("key", record.key.as_ref(), Object::key_use);
        body.text("kind", record.change.kind());
        body.object("left", |left| {
            record.left.iter().for_each(|(stock, qty)| left.number(stock.as_str(), *qty));
        });
        body.some("over", record.change.over(), Object::id);
        body.some("payment_ref", payment, |body, name, payment| body.text(name, payment.as_str()));
        body.some("place", record.change.place(), Object::json);
        body.hex("prev", record.prev.as_bytes());
        body.some("queue", queue, Object::json);
        body.some("reacquired", reacquired, |body, name, again| body.json(name, &again));
        body.some("refund", refund, Object::id);
        body.number("seq", record.seq);
        body.some("settings", settings, Object::json);
        body.some("total", total.as_ref(), Object::money);
    })
}

fn decode(bytes: &[u8]) -> Result<Record, BodyError> {
    let body: Body = serde_json::from_slice(bytes)?;
    let kind = body.kind;
    let missing = |member| BodyError::Missing { kind: kind.clone(), member };
    let hold = body.hold.ok_or_else(|| missing("hold"));
    let items = body.items.ok_or_else(|| missing("items"));
    let payment_ref = body.payment_ref.ok_or_else(|| missing("payment_ref"));
    let expires_at_ms = body.expires_at_ms.ok_or_else(|| missing("expires_at_ms"));
    let change = match kind.as_str() {
        "event_put" => Change::EventPut {
            capacities: body.capacities.ok_or_else(|| missing("capacities"))?,
            settings: body.settings.ok_or_else(|| missing("settings"))?,
        },
        "event_deleted" => Change::EventDeleted,
        "sold" => {
            let (customer, total, place) = (body.customer, body.total, body.place);
            Change::Sold { id: hold?, items: items?, customer, total, place }
        }
        "held" => Change::Held {
            id: hold?,
            items: items?,
            customer: body.customer,
            expires_at_ms: expires_at_ms?,
            total: body.total,
            place: body.place,
        },
        "payment_started" => Change::PaymentStarted {
            id: hold?,
            items: items?,
            expires_at_ms: expires_at_ms?,
            payment_ref: payment_ref?,
        },
        "refund_due" => {
            Change::RefundDue { id: hold?, payment_ref: payment_ref?, amount: body.amount }
        }
        "extended" => Change::Extended { id: hold?, items: items?, expires_at_ms: expires_at_ms? },
        "confirmed" => Change::Confirmed {
            id: hold?,
            items: items?,
            payment_ref: payment_ref.ok(),
            reacquired: body.reacquired.ok_or_else(|| missing("reacquired"))?,
        },
        "released" => Change::Released { id: hold?, items: items? },
        "expired" => Change::Expired { id: hold?, items: items? },
        "refunded" => Change::Refunded {
            id: body.refund.ok_or_else(|| missing("refund"))?,
            reservation: hold?,
            items: items?,
        },
        "waitlist_joined" => {
            Change::WaitlistJoined { id: hold?, items: items?, customer: body.customer }
        }
        "waitlist_left" => Change::WaitlistLeft { id: hold?, items: items? },
        "waitlist_collected" => Change::WaitlistCollected { id: hold?, items: items? },
        "hold_offered" => Change::HoldOffered {
            id: hold?,
            items: items?,
            customer: body.customer,
            expires_at_ms: expires_at_ms?,
            total: body.total,
            over: body.over,
        },
        _ if QueueChange::KINDS.contains(&kind.as_str()) => {
            let member = body.queue.ok_or_else(|| missing("queue"))?;
            let change = QueueChange::decode(&kind, &member);
            Change::Queue(change.ok_or(BodyError::UnknownKind(kind))??)
        }
        _ => return Err(BodyError::UnknownKind(kind)),
    };
    let record = Record {
        event: body.event,
        seq: body.seq,
        prev: body.prev,
        at_ms: body.at_ms,
        change,
        left: body.left.into_iter().collect(),
        key: body.key,
    };
    if encode(&record) != bytes {
        return Err(BodyError::NotCanonical);
    }
    Ok(record)
}

#[cfg(test)]
mod tests;
