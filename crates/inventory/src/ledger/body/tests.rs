//! Bodies of each kind of record.

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
    let (id, other) = (HoldId::new(1_700_000_000_000, [7; 10]), HoldId::new(u64::MAX, [255; 10]));
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
    let mut settings = [None, Some(4)]
        .map(|limit_per_customer| EventSettings { limit_per_customer, ..EventSettings::default() });
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
    let changes = changes.into_iter().chain(of_a_list).chain(of_a_queue(other).map(Change::Queue));
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
