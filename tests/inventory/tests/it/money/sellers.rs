//! Events that only the seller sells.

use inventory::{CommandKind, HoldState, Outcome, RefusalKind, SellBy};
use inventory_store::testing::{conformance::Kit, id};

use super::{
    on_every_store,
    shop::{Shop, T, confirm, due, eur, hold, put_with, refund, sell, start},
};
use crate::support::event;

fn put(sell_by: Option<SellBy>) -> CommandKind {
    put_with(&[("general", 9, Some(eur(100)))], sell_by)
}

async fn by_seller<K: Kit>(kit: K) -> Shop<K> {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, put(Some(SellBy::Seller))).await;
    shop
}

/// The same command from anyone.
fn by_anyone(mut kind: CommandKind) -> CommandKind {
    if let CommandKind::Reserve { by_seller, .. } | CommandKind::Confirm { by_seller, .. } =
        &mut kind
    {
        *by_seller = false;
    }
    kind
}

async fn only_the_seller_sells(kit: impl Kit) {
    let mut shop = by_seller(kit).await;
    shop.accept(2, hold(&[("general", 2)], 10_000)).await;
    for kind in [sell(&[("general", 1)]), confirm(2, None, None), confirm(2, Some("p"), None)] {
        let kind = by_anyone(kind);
        assert_eq!(shop.refuse_without_trace(kind.clone()).await, RefusalKind::SellerOnly);
        let keyed = shop.ask(250, kind.clone(), Some("k")).await;
        assert_eq!(keyed.result.unwrap_err().kind, RefusalKind::SellerOnly);
        assert_eq!(keyed.seq, 2);
        assert!(!shop.has_key(&kind, "k").await);
    }
    assert_eq!(shop.counts("general").await, (7, 2, 0));
    shop.accept(3, sell(&[("general", 1)])).await;
    shop.accept(4, confirm(2, Some("p"), None)).await;
    // Also where nothing would change any more.
    assert_eq!(
        shop.refuse_without_trace(by_anyone(confirm(2, Some("p"), None))).await,
        RefusalKind::SellerOnly
    );
    shop.close().await;
}

async fn stored_answer_is_for_the_seller_alone(kit: impl Kit) {
    let mut shop = by_seller(kit).await;
    shop.accept(2, hold(&[("general", 2)], 10_000)).await;
    let kinds = [sell(&[("general", 1)]), confirm(2, Some("p"), Some(eur(200)))];
    let mut first = Vec::new();
    for (number, kind) in (10..).zip(&kinds) {
        let reply = shop.ask(number, kind.clone(), Some("k")).await;
        reply.result.as_ref().unwrap();
        first.push(reply);
    }
    shop.reopen().await;
    for (kind, first) in kinds.iter().zip(&first) {
        let refused = shop.ask(20, by_anyone(kind.clone()), Some("k")).await;
        assert_eq!(refused.result.unwrap_err().kind, RefusalKind::SellerOnly);
        assert!(!refused.replayed);
        let again = shop.ask(21, kind.clone(), Some("k")).await;
        assert_eq!((&again.result, again.seq, again.replayed), (&first.result, first.seq, true));
    }
    // Another body under the key is not looked at either.
    let other = by_anyone(sell(&[("general", 5)]));
    let refused = shop.ask(22, other, Some("k")).await.result.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::SellerOnly);
    assert_eq!(shop.counts("general").await, (6, 0, 3));
    shop.close().await;
}

async fn setting_applies_to_answers_stored_before_it(kit: impl Kit) {
    let mut shop = Shop::open(kit).await;
    shop.accept(1, put(None)).await;
    let kind = by_anyone(sell(&[("general", 1)]));
    let first = shop.ask(2, kind.clone(), Some("k")).await;
    shop.accept(3, put(Some(SellBy::Seller))).await;
    let refused = shop.ask(4, kind.clone(), Some("k")).await.result.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::SellerOnly);
    // The seller retries what anyone began.
    assert!(shop.ask(5, sell(&[("general", 1)]), Some("k")).await.replayed);
    shop.accept(6, put(None)).await;
    let again = shop.ask(7, kind, Some("k")).await;
    assert_eq!((again.result, again.replayed), (first.result, true));
    shop.close().await;
}

async fn anyone_makes_extends_and_releases_holds(kit: impl Kit) {
    let mut shop = by_seller(kit).await;
    for number in 2..5 {
        let held = shop.accept(number, hold(&[("general", 2)], 10_000)).await;
        assert!(matches!(held, Outcome::Held { total: Some(total), .. } if total == eur(200)));
    }
    shop.accept(10, CommandKind::Extend { hold: id(2), ttl_ms: 20_000 }).await;
    assert_eq!(shop.hold(2).await.expires_at_ms, T + 20_000);
    shop.accept(11, CommandKind::Release { hold: id(3) }).await;
    assert_eq!(shop.state(3).await, HoldState::Released);
    // These have calls of their own, which ask for the seller.
    shop.accept(12, start(4, "p")).await;
    shop.accept(13, confirm(4, Some("p"), None)).await;
    shop.accept(14, refund(4)).await;
    assert_eq!(shop.counts("general").await, (7, 2, 0));
    shop.close().await;
}

async fn late_payment_of_anyone_is_not_recorded(kit: impl Kit) {
    let mut shop = by_seller(kit).await;
    shop.accept(2, hold(&[("general", 2)], 1_000)).await;
    shop.now_ms = T + 1_000;
    shop.accept(3, sell(&[("general", 9)])).await;
    for payment in ["p", "q"] {
        assert_eq!(
            shop.refuse_without_trace(by_anyone(confirm(2, Some(payment), None))).await,
            RefusalKind::SellerOnly
        );
    }
    assert_eq!(shop.refunds_due().await.len(), 0);
    assert_eq!(shop.refuse(confirm(2, Some("p"), None)).await, due("p"));
    // Its refusal is not for anyone to see.
    assert_eq!(
        shop.refuse_without_trace(by_anyone(confirm(2, Some("p"), None))).await,
        RefusalKind::SellerOnly
    );
    shop.close().await;
}

async fn unknown_events_and_holds_ask_for_no_seller(kit: impl Kit) {
    let mut shop = by_seller(kit).await;
    let mut elsewhere = by_anyone(sell(&[("general", 1)]));
    if let CommandKind::Reserve { event: name, .. } = &mut elsewhere {
        *name = event("nowhere");
    }
    assert_eq!(shop.refuse(elsewhere).await, RefusalKind::EventNotFound);
    assert_eq!(shop.refuse(by_anyone(confirm(77, None, None))).await, RefusalKind::HoldNotFound);
    // With the event its setting goes.
    shop.accept(2, CommandKind::DeleteEvent { event: event("default"), if_settings_seq: None })
        .await;
    assert_eq!(shop.refuse(by_anyone(sell(&[("general", 1)]))).await, RefusalKind::EventNotFound);
    shop.close().await;
}

on_every_store!(
    only_the_seller_sells,
    stored_answer_is_for_the_seller_alone,
    setting_applies_to_answers_stored_before_it,
    anyone_makes_extends_and_releases_holds,
    late_payment_of_anyone_is_not_recorded,
    unknown_events_and_holds_ask_for_no_seller,
);
