//! Behaviour that all stores share. [`conformance_suite!`](crate::conformance_suite) makes a test
//! of each function here for one store.

use inventory::{
    Command, CommandKind, CustomerId, Hold, HoldId, HoldState, Limits, PaymentRef, RefusalKind,
    domain::LookupKey,
};

use super::{customer, event, hold, id, items, key, put, reserve, run};
use crate::{
    batch::run_batch,
    store::{Durability, EventView, Store},
};

/// A store that is empty at first, and can be closed and opened again.
#[allow(async_fn_in_trait)] // tests run on one thread
pub trait Kit {
    /// The store.
    type Store: Store;

    /// Opens the store, again with its committed data.
    async fn open(&mut self) -> Self::Store;

    /// Every event, as readers see it.
    async fn views(&self, store: &Self::Store) -> Vec<EventView>;
}

/// Panics when the store fails this test.
pub async fn key_answers_until_it_expires_then_its_effect_can_repeat(mut kit: impl Kit) {
    let limits = Limits { key_ttl_ms: 1_000, ..Limits::default() };
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
    let first = run(&mut store, &limits, 2, reserve("default", 1), Some(key("k")), 2_000).await;
    drop(store);
    let mut store = kit.open().await;
    let again = run(&mut store, &limits, 3, reserve("default", 1), Some(key("k")), 2_999).await;
    assert_eq!((again.result, again.replayed), (first.result.clone(), true));
    let later = run(&mut store, &limits, 4, reserve("default", 1), Some(key("k")), 3_000).await;
    assert!(!later.replayed && later.result.is_ok() && later.result != first.result);
    // The old number of the key is forgotten, its new one is not.
    run(&mut store, &limits, 5, reserve("default", 1), Some(key("other")), 3_001).await;
    let again = run(&mut store, &limits, 6, reserve("default", 1), Some(key("k")), 3_002).await;
    assert_eq!((again.result, again.replayed), (later.result, true));
}

/// Panics when the store fails this test.
pub async fn key_outlives_a_ledger_ahead_of_the_clock(mut kit: impl Kit) {
    let limits = Limits { key_ttl_ms: 1_000, ..Limits::default() };
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000_000).await;
    // The clock is set back; the ledger's time is not.
    let first = run(&mut store, &limits, 2, reserve("default", 1), Some(key("k")), 1_000).await;
    for number in 3..6 {
        run(
            &mut store,
            &limits,
            number,
            reserve("default", 1),
            Some(key(&format!("k{number}"))),
            1_001,
        )
        .await;
    }
    let again = run(&mut store, &limits, 7, reserve("default", 1), Some(key("k")), 1_002).await;
    assert_eq!((again.result, again.replayed), (first.result, true));
}

/// Panics when the store fails this test.
pub async fn many_due_holds_expire_in_parts(mut kit: impl Kit) {
    let limits = Limits::default();
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 100_000)]), None, 1_000).await;
    let held: Vec<_> = (0..10_000_u64)
        .map(|number| {
            let mut random = [0; 10];
            random[2..].copy_from_slice(&number.to_be_bytes());
            Command { id: HoldId::new(1_000, random), kind: hold("default", 1, 500) }
        })
        .collect();
    let commands = held.iter().map(|command| (command, None));
    run_batch(&mut store, &limits, commands, Vec::new(), 1_000, Durability::Buffered)
        .await
        .unwrap();
    let late = Command { id: id(200), kind: reserve("default", 1) };
    let done = run_batch(
        &mut store,
        &limits,
        std::iter::once((&late, None)),
        Vec::new(),
        1_500,
        Durability::Buffered,
    )
    .await
    .unwrap();
    assert_eq!(done.records, 10_001);
    assert_eq!(done.replies[0].seq, 1 + 10_000 + 10_000 + 1);
    let counts = kit.views(&store).await[0].event.stocks[0].1;
    assert_eq!((counts.held, counts.sold), (0, 1));
}

/// Panics when the store fails this test.
pub async fn live_holds_of_all_events_are_bounded(mut kit: impl Kit) {
    let limits = Limits { live_holds_max: 3, ..Limits::default() };
    let mut store = kit.open().await;
    for (number, name) in [(1, "a"), (2, "b")] {
        run(&mut store, &limits, number, put(name, &[("general", 10)]), None, 1_000).await;
    }
    for (number, name) in [(3, "a"), (4, "b"), (5, "a")] {
        run(&mut store, &limits, number, hold(name, 1, 500), None, 1_000).await.result.unwrap();
    }
    let refused =
        run(&mut store, &limits, 6, hold("b", 1, 500), None, 1_000).await.result.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::TooManyHolds(3));
    run(&mut store, &limits, 7, hold("a", 1, 500), None, 1_500).await.result.unwrap();
}

/// Panics when the store fails this test.
pub async fn keyed_extension_without_change_replays_its_answer(mut kit: impl Kit) {
    let limits = Limits::default();
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
    run(&mut store, &limits, 2, hold("default", 1, 3_000), None, 1_000).await.result.unwrap();
    let extend = || CommandKind::Extend { hold: id(2), ttl_ms: 2_000 };
    let first = run(&mut store, &limits, 3, extend(), Some(key("e")), 1_500).await;
    let again = run(&mut store, &limits, 4, extend(), Some(key("e")), 3_500).await;
    assert_eq!((again.result, again.seq, again.replayed), (first.result, first.seq, true));
}

/// Panics when the store fails this test.
pub async fn events_with_prefix_names_stay_apart(mut kit: impl Kit) {
    let limits = Limits::default();
    let mut store = kit.open().await;
    for (number, name) in (1..).zip(["a", "a-b", "a.b", "ab"]) {
        run(&mut store, &limits, number, put(name, &[("general", 10)]), None, 1_000).await;
        run(&mut store, &limits, number + 10, hold(name, u64::from(number), 500), None, 1_000)
            .await;
    }
    for (number, name) in (1..).zip(["a", "a-b", "a.b", "ab"]) {
        let records = store.reader().records(&event(name), 0, 100).await.unwrap();
        assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2], "{name}");
        run(
            &mut store,
            &limits,
            number + 20,
            CommandKind::Expire { event: event(name) },
            None,
            1_500,
        )
        .await;
        let held: Vec<_> =
            kit.views(&store).await.iter().map(|view| view.event.stocks[0].1.held).collect();
        assert_eq!(held.iter().filter(|held| **held == 0).count(), usize::from(number), "{name}");
    }
}

/// Panics when the store fails this test.
pub async fn lookup_finds_each_hold_once_in_every_state(mut kit: impl Kit) {
    let limits = Limits::default();
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("a", &[("general", 100)]), None, 1_000).await;
    run(&mut store, &limits, 2, put("b", &[("general", 100)]), None, 1_000).await;
    run(&mut store, &limits, 3, put("c", &[("general", 1)]), None, 1_000).await;
    run(&mut store, &limits, 44, hold("c", 1, 500), None, 1_000).await;
    let payment = |text: &str| PaymentRef::new(text).unwrap();
    // Ids of one customer in two events, in no order, between those of others.
    for (number, name) in [(50, "b"), (12, "a"), (30, "a"), (49, "b"), (13, "a")] {
        let who = Some(customer("Zoë 🎫"));
        run(&mut store, &limits, number, hold_of(name, who, 500), None, 1_000).await;
    }
    for (number, who) in [(20, None), (40, Some("Zoë")), (41, Some("zoë 🎫")), (42, Some("pay-1"))]
    {
        let who = who.map(customer);
        run(&mut store, &limits, number, hold_of("a", who, 60_000), None, 1_000).await;
    }
    let confirm = |hold, text: Option<&str>| CommandKind::Confirm {
        hold: id(hold),
        payment_ref: text.map(payment),
        amount: None,
        by_seller: false,
    };
    for (number, text) in [(30, "pay-3"), (40, "pay-4")] {
        let start = CommandKind::StartPayment { hold: id(number), payment_ref: payment(text) };
        run(&mut store, &limits, number + 40, start, None, 1_000).await.result.unwrap();
    }
    run(&mut store, &limits, 60, confirm(12, Some("pay-1")), None, 1_001).await;
    run(&mut store, &limits, 61, confirm(20, Some("pay-1")), None, 1_001).await;
    run(&mut store, &limits, 62, confirm(30, Some("pay-3")), None, 1_001).await;
    run(&mut store, &limits, 63, CommandKind::Release { hold: id(49) }, None, 1_001).await;
    let refund = CommandKind::Refund { reservation: id(12), items: None };
    run(&mut store, &limits, 64, refund, None, 1_002).await;
    run(&mut store, &limits, 65, CommandKind::Expire { event: event("b") }, None, 2_000).await;
    // A payment for a hold that has expired comes when its item is sold.
    run(&mut store, &limits, 67, reserve("c", 1), None, 2_001).await.result.unwrap();
    run(&mut store, &limits, 68, confirm(44, Some("pay-1")), None, 2_002).await.result.unwrap_err();
    // A hold that has expired is confirmed later.
    run(&mut store, &limits, 66, confirm(13, Some("pay-2")), None, 3_000).await.result.unwrap();
    let (zoe, other) = (customer("Zoë 🎫"), customer("nobody"));
    let (paid, again) = (payment("pay-1"), payment("pay-2"));
    for reopened in [false, true] {
        if reopened {
            drop(store);
            store = kit.open().await;
        }
        let reader = store.reader();
        // In the order of their bytes: an id has its version between the bits of the number.
        for (key, expected) in [
            (LookupKey::Customer(&zoe), &[30, 13, 12, 50, 49][..]),
            (LookupKey::PaymentRef(&paid), &[44, 12, 20]),
            (LookupKey::PaymentRef(&again), &[13]),
            (LookupKey::PaymentRef(&payment("pay-3")), &[30]),
            (LookupKey::PaymentRef(&payment("pay-4")), &[40]),
            (LookupKey::Customer(&customer("pay-1")), &[42]),
            (LookupKey::PaymentRef(&payment("Zoë 🎫")), &[]),
            (LookupKey::Customer(&other), &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(|number| id(*number)).collect();
            for len in 1..=7 {
                let mut seen: Vec<Hold> = Vec::new();
                loop {
                    let before = seen.last().map(|hold| hold.id);
                    let page = reader.lookup(key, before, len).await.unwrap();
                    assert!(page.len() <= len);
                    if page.is_empty() {
                        break;
                    }
                    seen.extend(page);
                }
                let ids: Vec<_> = seen.iter().map(|hold| hold.id).collect();
                assert_eq!(ids, expected, "{key:?}, {len} at once");
                for hold in seen {
                    assert_eq!(reader.hold(hold.id).await.unwrap(), Some(hold));
                }
            }
            let none = reader.lookup(key, Some(HoldId::from_bytes([0; 16])), 10).await.unwrap();
            assert_eq!(none, []);
        }
        let states = reader.lookup(LookupKey::Customer(&zoe), None, 10).await.unwrap();
        let states: Vec<_> = states.iter().map(|hold| (hold.state, hold.live.is_empty())).collect();
        let (sold, refunded) = ((HoldState::Confirmed, false), (HoldState::Confirmed, true));
        let (expired, released) = ((HoldState::Expired, true), (HoldState::Released, true));
        assert_eq!(states, [sold, sold, refunded, expired, released]);
    }
}

fn hold_of(name: &str, customer: Option<CustomerId>, ttl_ms: u64) -> CommandKind {
    CommandKind::Hold {
        event: event(name),
        items: items(&[("general", 1)]),
        customer,
        ttl_ms: Some(ttl_ms),
        pass: None,
    }
}

/// A module of tests for one store: its name, and an expression that makes its [`Kit`].
#[macro_export]
macro_rules! conformance_suite {
    ($store:ident, $kit:expr) => {
        mod $store {
            $crate::conformance_suite!(@tests $kit;
                key_answers_until_it_expires_then_its_effect_can_repeat,
                key_outlives_a_ledger_ahead_of_the_clock,
                many_due_holds_expire_in_parts,
                live_holds_of_all_events_are_bounded,
                keyed_extension_without_change_replays_its_answer,
                events_with_prefix_names_stay_apart,
                lookup_finds_each_hold_once_in_every_state,
            );
        }
    };
    (@tests $kit:expr; $($test:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            $crate::testing::conformance::$test($kit).await;
        })*
    };
}
