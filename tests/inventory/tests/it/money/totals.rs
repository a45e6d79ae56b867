//! Totals: pinned when a hold or sale is made, and bounded.

use inventory::{Money, Outcome, RefusalKind, ledger::Change};
use inventory_store::testing::{conformance::Kit, id};

use super::{
    on_every_store,
    shop::{Shop, confirm, eur, hold, money, priced, refund, sell},
};
use crate::support::items;

async fn total_of<K: Kit>(shop: &mut Shop<K>, number: u8, wanted: &[(&str, u64)]) -> Option<Money> {
    match shop.accept(number, hold(wanted, 10_000)).await {
        Outcome::Held { total, .. } => total,
        other => panic!("{other:?}"),
    }
}

async fn total_is_pinned_while_the_price_changes(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 50, Some(eur(4_550)))])).await;
    for number in 2..6 {
        assert_eq!(total_of(&mut shop, number, &[("general", 2)]).await, Some(eur(9_100)));
    }
    // Raised.
    shop.accept(10, priced(&[("general", 50, Some(eur(5_000)))])).await;
    shop.reopen().await;
    assert_eq!(shop.hold(2).await.terms.total, Some(eur(9_100)));
    let mismatch = RefusalKind::AmountMismatch { total: Some(eur(9_100)) };
    assert_eq!(shop.refuse_without_trace(confirm(2, None, Some(eur(10_000)))).await, mismatch);
    shop.accept(11, confirm(2, None, Some(eur(9_100)))).await;
    assert_eq!(total_of(&mut shop, 6, &[("general", 2)]).await, Some(eur(10_000)));
    // Lowered.
    shop.accept(12, priced(&[("general", 50, Some(eur(1)))])).await;
    assert_eq!(shop.refuse_without_trace(confirm(3, None, Some(eur(2)))).await, mismatch);
    shop.accept(13, confirm(3, None, Some(eur(9_100)))).await;
    // Another currency.
    shop.accept(14, priced(&[("general", 50, Some(money(4_550, "USD")))])).await;
    let dollars = confirm(4, None, Some(money(9_100, "USD")));
    assert_eq!(shop.refuse_without_trace(dollars).await, mismatch);
    shop.accept(15, confirm(4, None, Some(eur(9_100)))).await;
    // None any more.
    shop.accept(16, priced(&[("general", 50, None)])).await;
    assert_eq!(total_of(&mut shop, 7, &[("general", 2)]).await, None);
    shop.accept(17, confirm(5, None, Some(eur(9_100)))).await;
    shop.close().await;
}

async fn expired_hold_is_sold_for_its_pinned_total(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 5, Some(eur(100)))])).await;
    shop.accept(2, hold(&[("general", 2)], 1_000)).await;
    shop.accept(3, priced(&[("general", 5, Some(eur(300)))])).await;
    shop.now_ms += 1_000;
    let mismatch = RefusalKind::AmountMismatch { total: Some(eur(200)) };
    assert_eq!(shop.refuse(confirm(2, Some("p"), Some(eur(600)))).await, mismatch);
    shop.accept(4, confirm(2, Some("p"), Some(eur(200)))).await;
    assert_eq!(shop.counts("general").await, (3, 0, 2));
    shop.close().await;
}

async fn retried_request_gets_the_first_total(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("general", 50, Some(eur(100)))])).await;
    let (wanted, key) = ([("general", 3)], Some("k"));
    let sold = shop.ask(2, sell(&wanted), key).await;
    let held = shop.ask(3, hold(&wanted, 10_000), key).await;
    shop.accept(4, priced(&[("general", 50, Some(eur(200)))])).await;
    shop.reopen().await;
    for (first, kind) in [(sold, sell(&wanted)), (held, hold(&wanted, 10_000))] {
        let again = shop.ask(5, kind, key).await;
        assert!(again.replayed);
        assert_eq!((&again.result, again.seq), (&first.result, first.seq));
        let (Outcome::Sold { total, .. } | Outcome::Held { total, .. }) = again.result.unwrap()
        else {
            panic!("another outcome")
        };
        assert_eq!(total, Some(eur(300)));
    }
    shop.close().await;
}

async fn total_is_that_of_the_priced_items(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(
        1,
        priced(&[
            ("balcony", 20, Some(eur(2_000))),
            ("free", 20, None),
            ("general", 20, Some(eur(500))),
            ("gift", 20, Some(eur(0))),
        ]),
    )
    .await;
    for (number, wanted, total) in [
        (2, vec![("general", 3)], Some(eur(1_500))),
        (3, vec![("general", 1), ("free", 4)], Some(eur(500))),
        (4, vec![("free", 2), ("general", 1), ("balcony", 2)], Some(eur(4_500))),
        (5, vec![("gift", 2), ("free", 1)], Some(eur(0))),
        (6, vec![("free", 1)], None),
    ] {
        assert_eq!(total_of(&mut shop, number, &wanted).await, total, "{wanted:?}");
        let sale = shop.accept(number + 100, sell(&wanted)).await;
        assert!(
            matches!(sale, Outcome::Sold { total: found, .. } if found == total),
            "{wanted:?}: {sale:?}"
        );
        assert_eq!(shop.hold(number).await.terms.total, total);
        assert_eq!(shop.hold(number + 100).await.terms.total, total);
    }
    // Nothing is not the same as no price.
    let free = RefusalKind::AmountMismatch { total: None };
    assert_eq!(shop.refuse_without_trace(confirm(6, None, Some(eur(0)))).await, free);
    let gift = RefusalKind::AmountMismatch { total: Some(eur(0)) };
    assert_eq!(shop.refuse_without_trace(confirm(5, None, Some(money(0, "USD")))).await, gift);
    assert_eq!(shop.refuse_without_trace(confirm(5, None, Some(eur(1)))).await, gift);
    shop.accept(50, confirm(5, None, Some(eur(0)))).await;
    shop.accept(51, confirm(6, Some("p"), None)).await;
    // The amount may be left out.
    shop.accept(52, confirm(4, Some("q"), None)).await;
    shop.close().await;
}

async fn refund_in_parts_keeps_the_total(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("free", 9, None), ("general", 9, Some(eur(500)))])).await;
    shop.accept(2, hold(&[("general", 3), ("free", 1)], 10_000)).await;
    shop.accept(3, confirm(2, Some("p"), Some(eur(1_500)))).await;
    let part = inventory::CommandKind::Refund {
        reservation: id(2),
        items: Some(items(&[("general", 1)])),
    };
    shop.accept(4, part).await;
    assert_eq!(shop.hold(2).await.terms.total, Some(eur(1_500)));
    shop.accept(5, refund(2)).await;
    assert_eq!(shop.refuse_without_trace(refund(2)).await, RefusalKind::AlreadyRefunded);
    assert_eq!(shop.counts("general").await, (9, 0, 0));
    assert_eq!(shop.hold(2).await.terms.total, Some(eur(1_500)));
    // It stays confirmed, with its payment.
    shop.accept(6, confirm(2, Some("p"), None)).await;
    assert_eq!(
        shop.refuse_without_trace(confirm(2, Some("q"), None)).await,
        RefusalKind::PaidOtherwise
    );
    shop.close().await;
}

async fn records_without_money_name_none(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, priced(&[("free", 9, None), ("general", 9, Some(eur(500)))])).await;
    shop.accept(2, hold(&[("free", 1)], 1_000)).await;
    shop.accept(3, sell(&[("free", 1)])).await;
    shop.accept(4, hold(&[("general", 1)], 1_000)).await;
    shop.accept(5, sell(&[("general", 1)])).await;
    shop.accept(6, confirm(4, None, Some(eur(500)))).await;
    for record in shop.records().await {
        let has_total = String::from_utf8(record.to_body()).unwrap().contains("\"total\"");
        match &record.change {
            Change::Sold { total, .. } | Change::Held { total, .. } => {
                assert_eq!(has_total, total.is_some());
                assert_eq!(total.is_some(), record.seq > 3, "{record:?}");
            }
            _ => assert!(!has_total, "{record:?}"),
        }
    }
    shop.close().await;
}

on_every_store!(
    total_is_pinned_while_the_price_changes,
    expired_hold_is_sold_for_its_pinned_total,
    retried_request_gets_the_first_total,
    total_is_that_of_the_priced_items,
    refund_in_parts_keeps_the_total,
    records_without_money_name_none,
);
