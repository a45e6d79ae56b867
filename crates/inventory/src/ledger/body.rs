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
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        domain::{BeaconRound, BeaconSignature, DrawCommitment, DrawRule, IdempotencyKey, Item},
        ledger::{DrawFrozen, DrawRevealed, PassClaimed, QueueCalled, QueueJoined, QueuePaused},
    };

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
                total: None,
                place: None,
            },
            left: vec![(stock, 998)],
            key: Some(KeyUse {
                expires_at_ms: 1,
                fingerprint: crate::domain::Fingerprint::of(b"x"),
                key: IdempotencyKey::new("k \"1\"").unwrap(),
            }),
        }
    }

    /// A record of each kind, with texts that have to be escaped.
    fn one_of_each() -> Vec<Record> {
        let (id, other) =
            (HoldId::new(1_700_000_000_000, [7; 10]), HoldId::new(u64::MAX, [255; 10]));
        let nasty: String = (0..0x250)
            .filter_map(char::from_u32)
            .filter(|c| !c.is_control())
            .take(100)
            .chain(['\u{2028}', '🎫'])
            .collect();
        let item = |name: &str, qty| Item { qty, stock: StockName::new(name).unwrap() };
        let items = Items::new(vec![item("b-1.x_y", 1 << 52), item("a", 1)], 2, 1 << 53).unwrap();
        let (customer, payment) =
            (Some(CustomerId::new(&nasty).unwrap()), Some(PaymentRef::new(&nasty).unwrap()));
        let capacities: BTreeMap<_, _> =
            items.iter().map(|item| (item.stock.clone(), item.qty)).collect();
        let currency = crate::domain::Currency::new("EUR").unwrap();
        let price = Money { amount_minor: (1 << 53) - 1, currency };
        let money = Some(price);
        let mut settings = [None, Some(4)].map(|limit_per_customer| EventSettings {
            limit_per_customer,
            ..EventSettings::default()
        });
        settings[1].sell_by = Some(crate::domain::SellBy::Seller);
        settings[1].prices = items.iter().map(|item| (item.stock.clone(), price)).collect();
        let put =
            settings.map(|settings| Change::EventPut { capacities: capacities.clone(), settings });
        let confirm = |payment_ref, reacquired| Change::Confirmed {
            id,
            items: items.clone(),
            payment_ref,
            reacquired,
        };
        let changes = [
            Change::EventDeleted,
            Change::Sold { id, items: items.clone(), customer: None, total: None, place: None },
            Change::Sold { id, items: items.clone(), customer: None, total: money, place: None },
            Change::Held {
                id,
                items: items.clone(),
                customer,
                expires_at_ms: (1 << 53) - 1,
                total: money,
                place: None,
            },
            Change::PaymentStarted {
                id,
                items: items.clone(),
                expires_at_ms: 1,
                payment_ref: payment.clone().unwrap(),
            },
            Change::RefundDue { id, payment_ref: payment.clone().unwrap(), amount: None },
            Change::RefundDue { id, payment_ref: payment.clone().unwrap(), amount: money },
            Change::Extended { id, items: items.clone(), expires_at_ms: 0 },
            confirm(None, false),
            confirm(payment, true),
            Change::Released { id, items: items.clone() },
            Change::Expired { id, items: items.clone() },
            Change::Expired { id, items: Items::none() },
            Change::Refunded { id: other, reservation: id, items: items.clone() },
            Change::Held {
                id,
                items: items.clone(),
                customer: None,
                expires_at_ms: 7,
                total: None,
                place: Some(Leaf::from_bytes([0xfb; 32])),
            },
        ];
        let customer = Some(CustomerId::new(&nasty).unwrap());
        let offered = |over, total| Change::HoldOffered {
            id,
            items: items.clone(),
            customer: customer.clone(),
            expires_at_ms: 9,
            total,
            over,
        };
        let of_a_list = [
            Change::WaitlistJoined { id, items: items.clone(), customer: customer.clone() },
            Change::WaitlistLeft { id, items: Items::none() },
            Change::WaitlistCollected { id, items: items.clone() },
            offered(None, None),
            offered(Some(other), money),
        ];
        let changes =
            changes.into_iter().chain(of_a_list).chain(of_a_queue(other).map(Change::Queue));
        let left: Vec<_> = capacities.clone().into_iter().collect();
        let with = |change| Record { change, left: left.clone(), key: None, ..sold() };
        put.into_iter()
            .chain(changes)
            .map(with)
            .chain([sold(), Record { left: Vec::new(), ..sold() }])
            .collect()
    }

    fn of_a_queue(id: HoldId) -> [QueueChange; 9] {
        let seed: draw::Seed = "5e".repeat(32).parse().unwrap();
        let commitment = |beacon| DrawCommitment {
            beacon,
            commitment: seed.commitment(),
            draw: id,
            key_id: "k_1-x".into(),
            rule: DrawRule::HkdfHmacSha256V1,
        };
        let (chain, signature) = ("ab".repeat(32), "0f".repeat(48));
        let leaf = Leaf::from_bytes([0xff; 32]);
        [
            QueueChange::Joined(QueueJoined { from: 0, leaves: vec![leaf, leaf] }),
            QueueChange::DrawCommitted(commitment(Some(BeaconRound { chain, round: 9 }))),
            QueueChange::DrawCommitted(commitment(None)),
            QueueChange::DrawFrozen(DrawFrozen { n: 1 << 52, root: seed.commitment() }),
            QueueChange::DrawRevealed(DrawRevealed {
                beacon: Some(BeaconSignature { round: 9, signature }),
                seed,
            }),
            QueueChange::DrawRevealed(DrawRevealed { beacon: None, seed }),
            QueueChange::Called(QueueCalled { serving: 1, upto: None }),
            QueueChange::PassClaimed(PassClaimed { expires_at_ms: 1, leaf, pass: id }),
            QueueChange::Paused(QueuePaused { paused: true }),
        ]
    }

    #[test]
    fn every_kind_of_body_is_canonical_json_and_round_trips() {
        for record in one_of_each() {
            let body = record.to_body();
            assert_eq!(Record::from_body(&body).unwrap(), record);
            // serde_json's map is ordered by name: parsing and printing again must change nothing.
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                String::from_utf8(serde_json::to_vec(&value).unwrap()).unwrap(),
                String::from_utf8(body).unwrap()
            );
        }
    }

    #[test]
    fn the_list_of_kinds_is_complete() {
        let kinds: BTreeSet<_> = one_of_each().iter().map(|record| record.change.kind()).collect();
        assert_eq!(kinds, BTreeSet::from(Change::KINDS));
    }

    #[test]
    fn noncanonical_record_is_refused() {
        let body = String::from_utf8(sold().to_body()).unwrap();
        for other in [
            body.replacen(':', ": ", 1),
            body.replacen("\"seq\":2", "\"seq\":2,\"x\":1", 1),
            body.replacen("sold", "lost", 1),
        ] {
            assert_ne!(other, body);
            assert!(Record::from_body(other.as_bytes()).is_err(), "{other}");
        }
    }
}
