//! Payments that come when the hold has expired and cannot be sold again.

use inventory::{
    Command, CommandKind, HoldState, Outcome, RefusalKind, decide::BatchReply, ledger::Change,
};
use inventory_store::testing::{conformance::Kit, id};

use super::{
    on_every_store,
    shop::{
        Shop, T, confirm, due, eur, hold, paid, priced, refund, sell, with_customer, with_limit,
    },
};
use crate::support::event;

/// Hold 2 of 3 tickets for 300 EUR cents has expired, and sale 3 has 4 of the 5 tickets.
async fn sold_out<K: Kit>(kit: K) -> Shop<K> {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 5, Some(eur(100)))])).await;
    shop.accept(2, hold(&[("general", 3)], 1_000)).await;
    shop.now_ms = T + 1_000;
    shop.accept(3, sell(&[("general", 4)])).await;
    shop
}

fn refusal(reply: &BatchReply) -> (RefusalKind, u64) {
    (reply.result.clone().unwrap_err().kind, reply.seq)
}

async fn late_payment_is_recorded_once(kit: impl Kit) {
    let mut shop = sold_out(kit).await;
    let kind = confirm(2, Some("p"), Some(eur(300)));
    let first = shop.ask(10, kind.clone(), Some("k")).await;
    // Created, held, expired and sold before it.
    assert_eq!(refusal(&first), (due("p"), 5));
    assert_eq!(first.result.clone().unwrap_err().seq, Some(5));
    let record = shop.records().await.pop().unwrap();
    let change = Change::RefundDue { id: id(2), payment_ref: paid("p"), amount: Some(eur(300)) };
    assert_eq!(
        (record.seq, record.change, record.left, record.key, record.at_ms),
        (5, change, Vec::new(), None, T + 1_000)
    );
    assert!(!shop.has_key(&kind, "k").await, "a refusal is not kept under its key");
    // Any retry gets the refusal again, and leaves nothing.
    for key in [Some("k"), Some("other"), None] {
        for amount in [Some(eur(300)), None, Some(eur(1))] {
            shop.now_ms += 1_000;
            let again = shop.ask(11, confirm(2, Some("p"), amount), key).await;
            assert_eq!(refusal(&again), (due("p"), 5));
            assert!(!again.replayed);
        }
    }
    shop.reopen().await;
    assert_eq!(refusal(&shop.ask(12, kind, Some("k")).await), (due("p"), 5));
    assert_eq!(shop.refunds_due().await.len(), 1);
    assert_eq!(shop.state(2).await, HoldState::Expired);
    assert_eq!(shop.counts("general").await, (1, 0, 4));
    shop.close().await;
}

async fn recorded_payment_buys_nothing_when_stock_returns(kit: impl Kit) {
    let mut shop = sold_out(kit).await;
    let kind = confirm(2, Some("p"), None);
    assert_eq!(refusal(&shop.ask(10, kind.clone(), Some("k")).await).0, due("p"));
    shop.accept(11, refund(3)).await;
    assert_eq!(shop.counts("general").await, (5, 0, 0));
    let count = shop.records().await.len();
    for key in [Some("k"), Some("new"), None] {
        assert_eq!(refusal(&shop.ask(12, kind.clone(), key).await), (due("p"), 6));
    }
    assert_eq!(shop.records().await.len(), count);
    // Another payment can have what returned, once.
    let won = shop.ask(13, confirm(2, Some("q"), Some(eur(300))), Some("q")).await;
    assert!(matches!(won.result, Ok(Outcome::Confirmed { .. })), "{won:?}");
    assert_eq!(shop.counts("general").await, (2, 0, 3));
    let hold = shop.hold(2).await;
    assert_eq!((hold.payment_ref, hold.confirmed_seq), (Some(paid("q")), Some(won.seq)));
    assert_eq!(hold.terms.refunds_due, [paid("p")]);
    assert!(matches!(
        &shop.records().await.last().unwrap().change,
        Change::Confirmed { reacquired: true, .. }
    ));
    // The first payment stays lost.
    assert_eq!(refusal(&shop.ask(14, kind, Some("k")).await).0, RefusalKind::PaidOtherwise);
    assert_eq!(shop.refunds_due().await.len(), 1);
    // And a refund of the sale frees its tickets, but not for the payment.
    shop.accept(15, refund(2)).await;
    assert_eq!(shop.refuse(confirm(2, Some("p"), None)).await, RefusalKind::PaidOtherwise);
    assert_eq!(shop.counts("general").await, (5, 0, 0));
    shop.close().await;
}

async fn confirmation_without_payment_can_win_returned_stock(kit: impl Kit) {
    let mut shop = sold_out(kit).await;
    assert_eq!(
        shop.refuse_without_trace(confirm(2, None, Some(eur(300)))).await,
        RefusalKind::HoldExpiredSoldOut
    );
    shop.refuse(confirm(2, Some("p"), None)).await;
    shop.accept(11, refund(3)).await;
    shop.accept(12, confirm(2, None, None)).await;
    assert_eq!(shop.counts("general").await, (2, 0, 3));
    shop.close().await;
}

async fn each_payment_is_recorded_with_its_amount(kit: impl Kit) {
    let mut shop = sold_out(kit).await;
    // What the seller says was paid counts, and not the total.
    let amounts = [("a", Some(eur(300))), ("b", Some(eur(7))), ("c", None)];
    for (payment, amount) in amounts {
        assert_eq!(shop.refuse(confirm(2, Some(payment), amount)).await, due(payment));
    }
    let found: Vec<_> = shop
        .refunds_due()
        .await
        .into_iter()
        .map(|(record, payment)| match record.change {
            Change::RefundDue { amount, .. } => (record.seq, payment, amount),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (5, paid("a"), Some(eur(300))),
        (6, paid("b"), Some(eur(7))),
        (7, paid("c"), Some(eur(300))),
    ];
    assert_eq!(found, expected);
    assert_eq!(shop.hold(2).await.terms.refunds_due, [paid("a"), paid("b"), paid("c")]);
    assert_eq!(shop.hold(2).await.seq, 7);
    shop.close().await;
}

async fn late_payment_without_a_price_names_no_amount(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 5, None)])).await;
    shop.accept(2, hold(&[("general", 3)], 1_000)).await;
    shop.now_ms = T + 5_000;
    shop.accept(3, sell(&[("general", 5)])).await;
    assert_eq!(shop.refuse(confirm(2, Some("p"), None)).await, due("p"));
    assert!(matches!(shop.refunds_due().await[0].0.change, Change::RefundDue { amount: None, .. }));
    shop.close().await;
}

/// The ways in which items can be gone.
async fn items_are_gone_in_every_way(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    let stocks = |general: u64, vip: Option<u64>| {
        let vip = vip.map(|vip| ("vip", vip, None));
        priced(&[("general", general, Some(eur(100)))].into_iter().chain(vip).collect::<Vec<_>>())
    };
    shop.accept(1, stocks(9, Some(2))).await;
    for number in 2..6 {
        shop.accept(number, hold(&[("general", 1), ("vip", 1)], 1_000)).await;
        shop.now_ms += 1_000;
    }
    // One of two stocks has too few, with plenty of the other.
    shop.accept(10, sell(&[("vip", 2)])).await;
    assert_eq!(shop.refuse(confirm(2, Some("a"), None)).await, due("a"));
    shop.accept(11, refund(10)).await;
    // The capacity shrank.
    shop.accept(12, stocks(9, Some(0))).await;
    assert_eq!(shop.refuse(confirm(3, Some("b"), None)).await, due("b"));
    // The stock is gone.
    shop.accept(13, stocks(9, None)).await;
    assert_eq!(shop.refuse(confirm(4, Some("c"), None)).await, due("c"));
    // The event is deleted.
    let delete = CommandKind::DeleteEvent { event: event("default"), if_settings_seq: None };
    shop.accept(14, delete).await;
    assert_eq!(shop.refuse(confirm(5, Some("d"), None)).await, due("d"));
    // All is there again.
    shop.accept(15, stocks(9, Some(2))).await;
    for (number, payment) in [(2, "a"), (3, "b"), (4, "c"), (5, "d")] {
        assert_eq!(
            shop.refuse_without_trace(confirm(number, Some(payment), None)).await,
            due(payment)
        );
    }
    shop.accept(16, confirm(5, Some("e"), Some(eur(100)))).await;
    assert_eq!(shop.refunds_due().await.len(), 4);
    shop.close().await;
}

async fn payment_in_time_or_of_a_released_hold_is_not_recorded(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 6, Some(eur(100)))])).await;
    shop.accept(2, hold(&[("general", 3)], 1_000)).await;
    shop.accept(3, hold(&[("general", 2)], 9_000)).await;
    shop.accept(4, hold(&[("general", 1)], 9_000)).await;
    shop.accept(5, CommandKind::Release { hold: id(3) }).await;
    assert_eq!(
        shop.refuse_without_trace(confirm(3, Some("a"), None)).await,
        RefusalKind::HoldReleased
    );
    // In the last millisecond it is in time, and after it the items are still there.
    shop.now_ms = T + 999;
    shop.accept(6, confirm(2, Some("b"), None)).await;
    shop.now_ms = T + 9_000;
    shop.accept(7, confirm(4, Some("c"), Some(eur(100)))).await;
    assert_eq!(shop.counts("general").await, (2, 0, 4));
    assert_eq!(shop.refunds_due().await.len(), 0);
    shop.close().await;
}

async fn payment_of_a_customer_at_the_limit_is_recorded(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    let limited = |limit| with_limit(priced(&[("general", 9, Some(eur(100)))]), limit);
    let of_ada = |kind| with_customer(kind, "ada");
    shop.accept(1, limited(Some(3))).await;
    shop.accept(2, of_ada(hold(&[("general", 2)], 1_000))).await;
    shop.now_ms = T + 1_000;
    shop.accept(3, of_ada(sell(&[("general", 2)]))).await;
    // Without a payment nothing is to be returned.
    let limit = RefusalKind::LimitExceeded { limit: 3, has: 2 };
    assert_eq!(shop.refuse_without_trace(confirm(2, None, None)).await, limit);
    assert_eq!(shop.refuse(confirm(2, Some("a"), None)).await, due("a"));
    // It stays so when the customer may buy again.
    shop.accept(4, refund(3)).await;
    assert_eq!(shop.refuse_without_trace(confirm(2, Some("a"), None)).await, due("a"));
    shop.accept(5, confirm(2, Some("b"), Some(eur(200)))).await;
    // A limit that came later counts too.
    shop.accept(6, limited(None)).await;
    shop.accept(7, of_ada(hold(&[("general", 3)], 1_000))).await;
    shop.now_ms += 1_000;
    shop.accept(8, limited(Some(4))).await;
    assert_eq!(shop.refuse(confirm(7, Some("c"), None)).await, due("c"));
    shop.reopen().await;
    assert_eq!(shop.refuse_without_trace(confirm(7, Some("c"), None)).await, due("c"));
    assert_eq!(shop.refunds_due().await.len(), 2);
    shop.close().await;
}

async fn late_payments_beyond_the_bound_are_not_recorded(kit: impl Kit) {
    let most = inventory::domain::REFUNDS_DUE_MAX;
    let mut shop = sold_out(kit).await;
    let payments: Vec<_> = (0..most).map(|number| format!("p{number}")).collect();
    for payment in &payments {
        assert_eq!(shop.refuse(confirm(2, Some(payment), None)).await, due(payment));
    }
    for number in [most, most + 1] {
        let kind = confirm(2, Some(&format!("p{number}")), None);
        assert_eq!(shop.refuse_without_trace(kind).await, RefusalKind::HoldExpiredSoldOut);
    }
    shop.reopen().await;
    for payment in &payments {
        assert_eq!(shop.refuse_without_trace(confirm(2, Some(payment), None)).await, due(payment));
    }
    assert_eq!(shop.refunds_due().await.len(), most);
    assert_eq!(shop.hold(2).await.terms.refunds_due.len(), most);
    // One that could not be recorded was refused for good too; a new payment needs a new hold.
    shop.accept(100, refund(3)).await;
    for payment in &payments {
        assert_eq!(shop.refuse_without_trace(confirm(2, Some(payment), None)).await, due(payment));
    }
    for number in [most, most + 2] {
        let kind = confirm(2, Some(&format!("p{number}")), None);
        assert_eq!(shop.refuse_without_trace(kind).await, RefusalKind::HoldExpiredSoldOut);
    }
    shop.accept(101, confirm(2, None, None)).await;
    shop.close().await;
}

async fn late_payments_of_one_batch_are_recorded_once(kit: impl Kit) {
    let mut shop = sold_out(kit).await;
    let kinds = [
        confirm(2, Some("p"), None),
        confirm(2, Some("p"), None),
        confirm(2, Some("q"), None),
        refund(3),
        confirm(2, Some("q"), None),
        confirm(2, Some("r"), None),
    ];
    let commands = (100..).zip(kinds).map(|(number, kind)| Command { id: id(number), kind });
    let replies = shop.ask_all(commands.collect()).await;
    for (at, (payment, seq)) in [(0, ("p", 5)), (1, ("p", 5)), (2, ("q", 6)), (4, ("q", 7))] {
        assert_eq!(refusal(&replies[at]), (due(payment), seq), "{at}");
    }
    assert_eq!((replies[3].seq, replies[5].seq), (7, 8));
    assert!(matches!(replies[5].result, Ok(Outcome::Confirmed { .. })));
    assert_eq!(shop.refunds_due().await.len(), 2);
    shop.close().await;
}

on_every_store!(
    late_payment_is_recorded_once,
    recorded_payment_buys_nothing_when_stock_returns,
    confirmation_without_payment_can_win_returned_stock,
    each_payment_is_recorded_with_its_amount,
    late_payment_without_a_price_names_no_amount,
    items_are_gone_in_every_way,
    payment_in_time_or_of_a_released_hold_is_not_recorded,
    payment_of_a_customer_at_the_limit_is_recorded,
    late_payments_beyond_the_bound_are_not_recorded,
    late_payments_of_one_batch_are_recorded_once,
);
